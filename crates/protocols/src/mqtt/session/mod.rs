//! Connections and sessions (chapters 3 and 4) as a machine without sockets and clock: bytes, decisions and the time go in,
//! bytes and [`Action`]s come out.
//!
//! A [`Connection`] lives as long as its socket. With CONNECT it asks whether to go on; [`Connection::accept`] gives it the
//! [`Session`] of the client, and [`Connection::into_session`] gives it back at the end. A session without a connection
//! collects messages, and is stored and read again with serde.
//!
//! Invariants:
//! - **a message is acknowledged when it is durable**: PUBACK, PUBREC and PUBCOMP wait in the order of what they answer
//!   [MQTT-4.6.0-2], [MQTT-4.6.0-3], each until [`Connection::durable`] has named the sequence number that
//!   [`Connection::outcome`] gave it;
//! - **a QoS 2 message is taken once**: its identifier is known from PUBLISH until PUBCOMP is sent, across connections; across
//!   crashes, too, when each [`Action::Publish`] with an identifier and each [`Action::Release`] is in the log, and what the log
//!   has behind the snapshot is told by [`Session::received`] and [`Session::released`];
//! - **a QoS 1 message that was taken for a session is delivered at least once, a QoS 2 message exactly once**, as long as the
//!   session lives and its queue is not full; across crashes, when the session is stored before the bytes are written;
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
mod subscribe;
#[cfg(test)]
mod tests;

pub use action::{Accept, Action, Outcome, Output, Requested, Ticket};
pub use connection::Connection;
pub use outbound::Counters;
pub use state::{Due, Session, Subscribed};
