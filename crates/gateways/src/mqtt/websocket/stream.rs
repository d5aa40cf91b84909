//! A WebSocket as a stream of bytes: packets and messages need not end together (MQTT-6.0.0-2), so the bytes of all binary
//! messages are one stream.
//!
//! Invariants:
//! - another message is read only when the one before is, and written only when the socket took the one before, so that a slow
//!   side holds up the other one and fills no memory;
//! - a message that is not binary ends the connection (MQTT-6.0.0-1), and so does one that is too long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::{Buf, Bytes};
use futures::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// The longest message to a client; what is longer goes in several.
const WRITE_BYTES: usize = 16 * 1_024;
/// How long a client may take to agree to the end.
const GOODBYE: Duration = Duration::from_secs(2);

/// The bytes of a WebSocket's messages.
pub(super) struct MessageStream {
    socket: WebSocket,
    /// What is left of the last message.
    unread: Bytes,
    /// Since the end was begun: when it is not waited for any more.
    goodbye: Option<Pin<Box<Sleep>>>,
}

impl MessageStream {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self { socket, unread: Bytes::new(), goodbye: None }
    }

    /// Says why the connection ends, if the socket takes it at once: nobody is waited for who sends what must not be sent.
    fn refuse(&mut self, context: &mut Context<'_>, code: u16, reason: &'static str) -> io::Error {
        let mut socket = Pin::new(&mut self.socket);
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        if let Poll::Ready(Ok(())) = socket.as_mut().poll_ready(context)
            && socket.as_mut().start_send(close).is_ok()
        {
            let _taken = socket.poll_flush(context);
        }
        io::Error::new(io::ErrorKind::InvalidData, reason)
    }
}

impl AsyncRead for MessageStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread.is_empty() {
            let next = Pin::new(&mut this.socket).poll_next(context);
            // The message before is let go only now: as long as it is there, the socket does not go on in its room, which may be
            // that of a large message and would stay for an idle connection.
            this.unread = Bytes::new();
            match ready!(next) {
                Some(Ok(Message::Binary(bytes))) => this.unread = bytes,
                Some(Ok(Message::Text(_))) => {
                    let reason = "a text message came; MQTT is sent in binary ones";
                    return Poll::Ready(Err(this.refuse(context, close_code::UNSUPPORTED, reason)));
                }
                // Pings are answered, and the client's end is agreed to, while the next message is waited for.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => {}
                Some(Err(error)) if is_too_large(&error) => {
                    let reason = "a message is too long (setting mqtt.packet_bytes)";
                    return Poll::Ready(Err(this.refuse(context, close_code::SIZE, reason)));
                }
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.unread.len().min(buffer.remaining());
        buffer.put_slice(&this.unread.slice(..count));
        this.unread.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MessageStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut socket = Pin::new(&mut self.get_mut().socket);
        ready!(socket.as_mut().poll_ready(context)).map_err(io::Error::other)?;
        let part = bytes.get(..WRITE_BYTES).unwrap_or(bytes);
        socket.start_send(Message::Binary(Bytes::copy_from_slice(part))).map_err(io::Error::other)?;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context).map_err(io::Error::other)
    }

    /// Closes, and waits for a moment until the client agrees: it has read everything then.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let goodbye = this.goodbye.get_or_insert_with(|| Box::pin(tokio::time::sleep(GOODBYE)));
        if goodbye.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let mut socket = Pin::new(&mut this.socket);
        ready!(socket.as_mut().poll_close(context)).map_err(io::Error::other)?;
        while let Some(Ok(_)) = ready!(socket.as_mut().poll_next(context)) {}
        Poll::Ready(Ok(()))
    }
}

/// Whether a message was refused for its size.
fn is_too_large(error: &axum::Error) -> bool {
    // The library that reads the socket is not part of axum's face, so that its error is known by its words only.
    error.to_string().contains("too long")
}
