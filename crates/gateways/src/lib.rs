//! Sockets of devices that do not speak HTTP.
//!
//! Each protocol is a module; what it understands of bytes is in `protocols`, and what it takes goes through `ingest`.

mod alarm;
mod clock;
pub mod coap;
pub mod mqtt;
mod reach;
