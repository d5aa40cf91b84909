//! Nothing but a list of features, in this crate's manifest.
//!
//! Cargo compiles a dependency anew for each set of features that it is asked for, and `cargo test -p sensorium-query` asks
//! for fewer than `cargo test --workspace`. Naming the union of the features here, below every crate that needs
//! DataFusion, makes them equal, so that each dependency is compiled once, whatever is selected.
