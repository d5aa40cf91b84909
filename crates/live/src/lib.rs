//! Bounded fan-out of committed batches to live subscribers.
//!
//! The [`Hub`] keeps, for each organisation that somebody watches, a ring of the batches of the last minute. Publishing
//! appends a batch to the ring and wakes the clients that watch one of its tables; each [`LiveClient`] then picks its
//! own points out of the shared batches, in its own task. A client that disconnects resumes from the ring.
//!
//! Invariants:
//! - publishing does work per batch, per table and per client that watches the table, never per point; it waits for
//!   nothing but a lock that is held for as long as it takes to copy a few pointers;
//! - a client never sees a batch of another organisation: the ring, the index and the client all belong to one;
//! - what a client holds is bounded: when more points wait than its queue has room for, only the latest value of each
//!   series and field stays, and what was left out is counted;
//! - nothing is left out in silence: [`Tick::coalesced`], [`Tick::dropped`] and [`Tick::lost`] say so.
//!
//! Limits: [`HubConfig`]. No sockets and no encoding here; the clock is an argument of everything but [`Hub::publish`].

mod channel;
mod client;
mod config;
mod error;
mod hub;
mod pacer;
mod pending;
mod point;
mod ring;
mod subscription;

pub use client::{LiveClient, Subscribed};
pub use config::HubConfig;
pub use error::LiveError;
pub use hub::{Hub, HubStats};
pub use pacer::{Change, Pacer};
pub use point::{LivePoint, LiveValue, Tick};
pub use subscription::{ResumeFrom, Subscription, TableFilter};
