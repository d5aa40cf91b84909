//! CoAP over WebSocket (RFC 8323, section 4): the handshake has been asked for over HTTP; each binary message is one of CoAP.
//!
//! Who asks, a token says, as over TCP. A browser sends its cookies with the handshake also for a page of another site, and they are
//! not looked at here, so its origin does not matter.

use std::io;
use std::net::IpAddr;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use sensorium_model::ErrorKind;
use sensorium_protocols::coap::reliable::Framing;
use thiserror::Error;

use super::super::Coap;
use super::{Connected, Reliable, Wire, serve};

/// The subprotocol (RFC 8323, section 8.1).
const SUBPROTOCOL: &str = "coap";
/// Bytes that are read at once: the only buffer that an idle connection keeps.
const READ_BYTES: usize = 2 * 1_024;

/// Why no WebSocket is opened.
#[derive(Debug, Error)]
pub enum NotOpened {
    /// The client speaks something else, or does not say what.
    #[error("the handshake does not offer the subprotocol coap; set it in the client (header Sec-WebSocket-Protocol)")]
    Subprotocol,
    /// All places are taken.
    #[error(
        "{connections} connections of CoAP are there, as many as may be (setting coap.connections); try again later"
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

struct Messages {
    socket: WebSocket,
    came: Option<Bytes>,
}

impl Coap {
    /// Agrees to a handshake and serves the connection that comes of it, in a task of its own. `is_secured` says whether nobody else
    /// can read it.
    pub fn open_websocket(
        &self,
        upgrade: WebSocketUpgrade,
        peer: IpAddr,
        is_secured: bool,
    ) -> Result<Response, NotOpened> {
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
        let bytes = shared.config.limits.message_bytes;
        let upgrade = upgrade.max_message_size(bytes).max_frame_size(bytes);
        let upgrade = upgrade.read_buffer_size(READ_BYTES).write_buffer_size(0);
        Ok(upgrade.on_upgrade(move |socket| async move {
            let _connected = Connected::new(slot);
            serve(shared, Messages { socket, came: None }, Framing::WebSocket, peer, is_secured).await;
            drop(tracked);
        }))
    }
}

impl Wire for Messages {
    async fn arrived(&mut self) -> bool {
        loop {
            match self.socket.recv().await {
                Some(Ok(Message::Binary(bytes))) => {
                    self.came = Some(bytes);
                    return true;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                // CoAP is sent in binary messages.
                Some(Ok(Message::Text(_) | Message::Close(_)) | Err(_)) | None => return false,
            }
        }
    }

    fn feed(&mut self, line: &mut Reliable) {
        if let Some(message) = self.came.take() {
            line.connection.receive_message(line.now_ms, &message, &mut line.out);
        }
    }

    async fn send(&mut self, message: Bytes) -> io::Result<()> {
        self.socket.send(Message::Binary(message)).await.map_err(io::Error::other)
    }

    async fn close(&mut self) {
        if let Err(error) = self.socket.send(Message::Close(None)).await {
            tracing::trace!(%error, "a WebSocket was not closed cleanly");
        }
    }
}
