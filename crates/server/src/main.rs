//! The sensorium binary: configuration, wiring and command line
fn main() {}
