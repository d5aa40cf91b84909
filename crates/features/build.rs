//! Cargo considers the build dependencies of a crate only when it has a build script.

fn main() {}
