//! Bounded fan-out of committed batches to live subscribers
