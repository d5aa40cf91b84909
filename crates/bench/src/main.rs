//! Load generators and peer comparisons
fn main() {}
