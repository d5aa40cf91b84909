//! What waits to be written to a WebSocket: a short queue that is driven from the connection's own loop, so that a
//! socket that does not take anything never stops the loop.

use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::future::poll_fn;
use futures::stream::{SplitSink, StreamExt};
use futures::{SinkExt, stream::SplitStream};

use super::protocol::ServerMessage;

/// Messages that may wait before the connection stops reading further requests.
const MAX_WAITING: usize = 64;
/// How long a closing connection may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// The writing half of a connection.
pub(super) struct Outbox {
    sink: SplitSink<WebSocket, Message>,
    waiting: VecDeque<Message>,
    unflushed: bool,
}

impl Outbox {
    pub(super) fn new(sink: SplitSink<WebSocket, Message>) -> Self {
        Self { sink, waiting: VecDeque::new(), unflushed: false }
    }

    /// Queues a message.
    pub(super) fn push(&mut self, message: Message) {
        self.waiting.push_back(message);
    }

    /// Queues a control message.
    pub(super) fn say(&mut self, message: &ServerMessage) {
        // Our own messages are plain structures of numbers and text: they always serialise.
        if let Ok(text) = serde_json::to_string(message) {
            self.push(Message::Text(text.into()));
        }
    }

    /// Whether everything was handed to the kernel.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.unflushed
    }

    /// Whether answers to further requests have room.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING
    }

    /// Writes until everything is written. May be dropped at any point and called again.
    pub(super) async fn drive(&mut self) -> Result<(), axum::Error> {
        while !self.waiting.is_empty() {
            poll_fn(|context| self.sink.poll_ready_unpin(context)).await?;
            if let Some(message) = self.waiting.pop_front() {
                self.unflushed = true;
                self.sink.start_send_unpin(message)?;
            }
        }
        poll_fn(|context| self.sink.poll_flush_unpin(context)).await?;
        self.unflushed = false;
        Ok(())
    }

    /// Closes the connection, or agrees to the client's close when there is no frame, and waits, for a moment, until the
    /// other side has seen it.
    pub(super) async fn close(mut self, mut stream: SplitStream<WebSocket>, frame: Option<CloseFrame>) {
        self.waiting.clear();
        if frame.is_some() {
            self.push(Message::Close(frame));
        }
        let farewell = async {
            if self.drive().await.is_ok() {
                while let Some(Ok(_)) = stream.next().await {}
            }
        };
        // Whoever does not answer in time is cut off.
        let _ = tokio::time::timeout(CLOSE_WITHIN, farewell).await;
    }
}
