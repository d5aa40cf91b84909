//! Connections and sessions (chapters 3 and 4) as a machine without sockets and clock: bytes, decisions and the time go in,
//! bytes and [`Action`]s come out.
//!
//! A [`Connection`] lives as long as its socket. With CONNECT it asks whether to go on; [`Connection::accept`] gives it the
//! [`Session`] of the client, and [`Connection::into_session`] gives it back at the end. A session without a connection
//! collects messages. What changes of a session that outlives its connection is told piece by piece ([`Changes`]), to be stored;
//! [`Session::restored`] makes it anew of the pieces.
//!
//! Invariants:
//! - **a message is acknowledged when it is durable**: PUBACK, PUBREC and PUBCOMP wait in the order of what they answer
//!   [MQTT-4.6.0-2], [MQTT-4.6.0-3], each for its [`Outcome`], which is told when that is durable;
//! - **a QoS 2 message is taken once**: its identifier is known from PUBLISH until PUBCOMP is sent, across connections. Across
//!   crashes, too, when three things are durable: that it came, with the time, before anything is done with it; that it is taken,
//!   together with what it became; that it is released, before that is told ([`Action::Publish`], [`Action::Release`]). A message
//!   of which it is not known whether it was taken is taken again with the time of its first coming, which writes the same
//!   reading over itself;
//! - **a QoS 1 message that was taken for a session is delivered at least once, a QoS 2 message exactly once**, as long as the
//!   session lives and its queue is not full; across crashes, when bytes are written after the changes that
//!   [`Changes::is_awaited`] names are durable;
//! - after [`Action::Close`] a connection does nothing any more;
//! - bad bytes close their own connection, with a reason.
//!
//! Limits: those of [`MqttLimits`](super::MqttLimits). When a queue is full, QoS 0 messages are dropped first, then the oldest
//! of QoS 1 and 2; both are counted in [`Counters`]. When too much is unacknowledged, [`Connection::wants_bytes`] says no, and
//! bytes stay where they are.
//!
//! Times are milliseconds since the epoch by a clock that never goes back while the process runs: the time of the start plus
//! what has passed since. After a restart they may go back; deadlines come later then.

mod action;
mod aliases;
mod connect;
mod connection;
mod inbound;
mod open;
mod outbound;
mod state;
mod stored;
mod subscribe;
#[cfg(test)]
mod tests;
mod watch;

pub use action::{Accept, Action, Begun, Outcome, Output, Requested, Ticket};
pub use connection::Connection;
pub use outbound::Counters;
pub use state::{Due, Head, Session, Subscribed};
pub use stored::{Change, Changes, Received, Stored, StoredMessage};
pub use watch::{Direction, Seen, Watch};
