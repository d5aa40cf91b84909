//! MQTT over WebSocket (MQTT 5.0, section 6): the handshake has been asked for over HTTP, and what follows is a connection like
//! those over TCP.
//!
//! Invariants:
//! - a connection has one of the places of `mqtt.connections`, from its handshake on; without a free one the handshake is
//!   refused, because whoever asks waits for an answer;
//! - the end of the broker waits for it, and for a handshake under way, as for connections over TCP;
//! - who the client is, CONNECT alone says. A browser sends its cookies with the handshake also for a page of another site,
//!   and they are not looked at here: such a page can do what the password that it brings along allows, and nothing in the name
//!   of the person before the browser. So its origin does not matter.
//!
//! Limits: a message has at most as many bytes as a packet (setting `mqtt.packet_bytes`).

mod stream;

use std::net::IpAddr;

use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use sensorium_model::ErrorKind;
use sensorium_model::messaging::Transport;
use thiserror::Error;

use super::Mqtt;
use super::listener::Connected;
use super::task::{self, Peer};
use stream::MessageStream;

/// The subprotocol of all versions of MQTT.
const SUBPROTOCOL: &str = "mqtt";
/// Bytes that are read at once: the only buffer that an idle connection keeps.
const READ_BYTES: usize = 2 * 1_024;

/// Why no WebSocket is opened.
#[derive(Debug, Error)]
pub enum NotOpened {
    /// The client speaks something else, or does not say what.
    #[error("the handshake does not offer the subprotocol mqtt; set it in the client (header Sec-WebSocket-Protocol)")]
    Subprotocol,
    /// All places are taken.
    #[error(
        "{connections} clients of MQTT are connected, as many as may be (setting mqtt.connections); try again later"
    )]
    Full {
        /// The setting.
        connections: usize,
    },
    /// No new connections.
    #[error("the server is stopping; connect again")]
    Stopping,
}

impl NotOpened {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Subprotocol => ErrorKind::Invalid,
            Self::Full { .. } | Self::Stopping => ErrorKind::Busy,
        }
    }
}

impl Mqtt {
    /// Agrees to a handshake and serves the connection that comes of it, in a task of its own.
    pub fn open_websocket(&self, upgrade: WebSocketUpgrade, peer: IpAddr) -> Result<Response, NotOpened> {
        let upgrade = upgrade.protocols([SUBPROTOCOL]);
        if upgrade.selected_protocol().is_none() {
            return Err(NotOpened::Subprotocol);
        }
        let shared = self.0.clone();
        if shared.stop.is_cancelled() {
            return Err(NotOpened::Stopping);
        }
        let connections = shared.config.connections;
        let slot = shared.slots.clone().try_acquire_owned().map_err(|_| NotOpened::Full { connections })?;
        let tracked = shared.tasks.token();
        let bytes = usize::try_from(shared.limits.packet_bytes).unwrap_or(usize::MAX);
        let upgrade = upgrade.max_message_size(bytes).max_frame_size(bytes);
        // What is written goes to the socket at once, so that no more than one message waits.
        let upgrade = upgrade.read_buffer_size(READ_BYTES).write_buffer_size(0);
        Ok(upgrade.on_upgrade(move |socket| async move {
            let _connected = Connected::new(slot);
            let peer = Peer { address: peer, transport: Transport::WebSocket, certificate: None };
            task::serve(shared, MessageStream::new(socket), peer).await;
            drop(tracked);
        }))
    }
}
