//! Inviting, changing and removing people, their links and sessions, and the record of it, on a real file, with a clock that
//! the test moves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod changing;
mod fixture;
mod links;
#[path = "../support/postgres.rs"]
mod postgres;
mod record;
