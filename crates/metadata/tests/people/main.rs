//! Inviting, changing and removing people, their links, identities, second factors and sessions, Wi-Fi networks, and the record of it, on a real file, with a clock that
//! the test moves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod app;
mod changing;
mod classes;
mod email;
mod fixture;
mod identities;
mod links;
mod networks;
#[path = "../support/postgres.rs"]
mod postgres;
mod record;
mod registration;
mod second_factor;
