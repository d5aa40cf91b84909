//! The registry of devices on a real file, with a clock that the test moves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod changing;
mod claims;
mod commands;
mod credentials;
mod fixture;
mod groups;
mod importing;
mod inbox;
mod listing;
#[path = "../support/postgres.rs"]
mod postgres;
mod state;
mod submissions;
mod tokens;
mod types;
