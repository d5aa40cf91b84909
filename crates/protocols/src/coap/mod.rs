//! CoAP without sockets: messages (RFC 7252, and RFC 8323 on reliable connections), repeats and retransmissions, observers
//! (RFC 7641), bodies in blocks (RFC 7959), lists of links (RFC 6690), and what shows where a client is (RFC 9175).
//!
//! An [`Endpoint`] is a server's end of all exchanges over datagrams, a [`Connection`] that of one reliable connection. Both
//! give whole requests to the application and take whole responses from it ([`Event`], [`Output`]). [`client`] is the other
//! end, for simulated devices and measurements.
//!
//! Times are milliseconds by a clock that never goes back while the process runs.

mod block;
mod check;
pub mod client;
mod code;
mod connection;
pub mod endpoint;
mod limits;
pub mod link_format;
mod message;
mod observe;
pub mod option;
mod output;
mod wire;

pub use block::Block;
pub use code::{Code, CodeError};
pub use connection::Connection;
pub use endpoint::{Arrival, Challenge, Counters, Endpoint, Gauges};
pub use limits::CoapLimits;
pub use message::{Kind, Message, Request, Response, Token, format};
pub use observe::{GoneReason, ObserverId, Wishes};
pub use option::Options;
pub use output::{Event, ExchangeId, Output};
pub use wire::{DecodeError, datagram, reliable};
