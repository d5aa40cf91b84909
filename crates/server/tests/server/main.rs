//! The real binary, from outside: how it starts, what it refuses, how it stops, and that it loses nothing.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod coap;
mod commands;
mod configuration;
mod docs;
mod durability;
mod import;
mod influx;
mod influxql_differential;
mod live;
mod mail;
mod mqtt;
mod mqtt_clients;
mod other_readers;
mod postgres;
mod registry_files;
mod schemathesis;
mod sign_ins;
mod simulate;
mod start;
mod stop;
mod templates;
mod tls;
