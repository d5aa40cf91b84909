//! What comes out of endpoints and connections.

use bytes::Bytes;

use super::message::{Request, Token};
use super::observe::{GoneReason, ObserverId};

/// The number of a request that waits for its answer; never used twice by an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub(super) u64);

/// What comes out. It is for the caller to use again: what was sent and done is taken out.
#[derive(Debug)]
pub struct Output<P> {
    /// Datagrams to peers, or messages of the one connection, in their order.
    pub sends: Vec<(P, Bytes)>,
    /// To be done, in their order.
    pub events: Vec<Event<P>>,
}

impl<P> Default for Output<P> {
    fn default() -> Self {
        Self { sends: Vec::new(), events: Vec::new() }
    }
}

/// What the caller is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<P> {
    /// Answer with `respond` or `observe`; with datagrams, say `accept_later` first when that takes longer than about a second.
    Request {
        /// Who asks.
        peer: P,
        /// What to answer.
        exchange: ExchangeId,
        /// The message's number between the two; none on reliable connections.
        message_id: Option<u16>,
        /// Whether the sender waits for an acknowledgement; on reliable connections it always does.
        is_confirmable: bool,
        /// Whether it was sent to a group: failures are not told.
        is_multicast: bool,
        /// What the client calls it by.
        token: Token,
        /// What is asked.
        request: Request,
    },
    /// Tell this observer nothing any more. Not told after `forget_observer`.
    ObserverGone {
        /// Who observed.
        peer: P,
        /// What.
        observer: ObserverId,
        /// Why that is over.
        reason: GoneReason,
    },
    /// Write what is to be sent, and close the connection.
    Close {
        /// Why, for the log.
        reason: &'static str,
    },
}
