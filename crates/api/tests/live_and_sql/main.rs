//! The live connections, the query endpoint, the probes and who may do what, and signing in with a provider, over real sockets, with a real store behind them.
//!
//! One test program, because each one links the query engine.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod harness;
mod live;
mod live_limits;
mod oidc;
mod operations;
mod permissions;
#[path = "../../../metadata/tests/support/postgres.rs"]
mod postgres;
mod sql;
mod sse;
mod vectors;
