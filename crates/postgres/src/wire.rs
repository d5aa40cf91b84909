//! Messages between a socket and a session.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use pgwire::messages::PgWireBackendMessage;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::failure::{Failure, code};
use crate::frontend::{self, Malformed, Message, Opening};

/// Bytes of the first message.
const MAX_OPENING: usize = 10_000;
/// Bytes that are read at once.
const READ: usize = 8 * 1_024;
/// Bytes of an answer that are gathered before they are written.
pub(crate) const GATHERED: usize = 64 * 1_024;

/// A connection, encrypted or not.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// Why nothing more can be said to or heard from a client.
#[derive(Debug, Error)]
pub(crate) enum Gone {
    /// It has left.
    #[error("the client has left")]
    Left,
    #[error("the connection broke: {0}")]
    Broke(#[from] io::Error),
    /// It is to be told why, if it still listens.
    #[error(transparent)]
    Refused(#[from] Failure),
}

impl From<Malformed> for Gone {
    fn from(error: Malformed) -> Self {
        Self::Refused(Failure::fatal(code::PROTOCOL_VIOLATION, error.to_string()))
    }
}

/// A socket with the bytes that are not read and not written yet.
pub(crate) struct Wire {
    socket: Box<dyn Socket>,
    unread: BytesMut,
    unsent: BytesMut,
    /// How long the client may take nothing of what is written.
    patience: Duration,
    /// The setting `postgres.message_bytes`.
    message_bytes: usize,
}

impl Wire {
    pub(crate) fn new(socket: Box<dyn Socket>, patience: Duration, message_bytes: usize) -> Self {
        Self { socket, unread: BytesMut::new(), unsent: BytesMut::new(), patience, message_bytes }
    }

    /// The socket, for TLS; nothing may have come behind what is read, which somebody in between could have put there.
    pub(crate) fn into_socket(self) -> Result<Box<dyn Socket>, Gone> {
        match self.unread.is_empty() {
            true => Ok(self.socket),
            false => {
                let sentence = "there are bytes behind the request for TLS that are not encrypted";
                Err(Failure::fatal(code::PROTOCOL_VIOLATION, sentence).into())
            }
        }
    }

    /// Reads until there are so many bytes.
    async fn fill(&mut self, count: usize) -> Result<(), Gone> {
        while self.unread.len() < count {
            self.unread.reserve(READ);
            if self.socket.read_buf(&mut self.unread).await? == 0 {
                return Err(Gone::Left);
            }
        }
        Ok(())
    }

    /// The first message. Can be dropped and asked for again.
    pub(crate) async fn opening(&mut self) -> Result<Opening, Gone> {
        self.fill(4).await?;
        let length = self.unread.first_chunk().map_or(0, |length| u32::from_be_bytes(*length));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(8..=MAX_OPENING).contains(&length) {
            let sentence = "this is not how PostgreSQL's protocol begins";
            return Err(Failure::fatal(code::PROTOCOL_VIOLATION, sentence).into());
        }
        self.fill(length).await?;
        let mut bytes = self.unread.split_to(length);
        bytes.advance(4);
        Ok(frontend::opening(bytes.freeze())?)
    }

    /// The next message. Can be dropped and asked for again.
    pub(crate) async fn message(&mut self) -> Result<Message, Gone> {
        self.fill(5).await?;
        let mut header: &[u8] = &self.unread;
        let (kind, length) = (header.get_u8(), header.get_u32());
        // The length counts itself and not the type.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length < 4 {
            return Err(Malformed::Short.into());
        }
        if length > self.message_bytes {
            let sentence = format!(
                "the message has {length} bytes; at most {} are taken (setting postgres.message_bytes)",
                self.message_bytes
            );
            return Err(Failure::fatal(code::LIMIT, sentence).into());
        }
        self.fill(length + 1).await?;
        let mut bytes = self.unread.split_to(length + 1);
        bytes.advance(5);
        Ok(frontend::message(kind, bytes.freeze())?)
    }

    /// Waits until the client has left; what it sends meanwhile is kept, as far as there is room.
    pub(crate) async fn left(&mut self) {
        while self.unread.len() <= self.message_bytes {
            self.unread.reserve(READ);
            match self.socket.read_buf(&mut self.unread).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending::<()>().await;
    }

    /// Adds a message to what is to be written.
    pub(crate) fn put(&mut self, message: &PgWireBackendMessage) -> Result<(), Failure> {
        message.encode(&mut self.unsent).map_err(|error| Failure::new(code::LIMIT, error.to_string()))
    }

    /// Bytes that wait to be written.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Where the bytes of rows go.
    pub(crate) fn unsent_mut(&mut self) -> &mut BytesMut {
        &mut self.unsent
    }

    /// Writes one byte, which is the answer to a request for encryption.
    pub(crate) async fn answer(&mut self, byte: u8) -> Result<(), Gone> {
        self.unsent.extend_from_slice(&[byte]);
        self.flush().await
    }

    /// Writes what waits.
    pub(crate) async fn flush(&mut self) -> Result<(), Gone> {
        while !self.unsent.is_empty() {
            let written = tokio::time::timeout(self.patience, self.socket.write_buf(&mut self.unsent)).await;
            match written {
                Ok(Ok(0)) | Err(_) => return Err(Gone::Left),
                Ok(written) => written?,
            };
        }
        match tokio::time::timeout(self.patience, self.socket.flush()).await {
            Ok(flushed) => Ok(flushed?),
            Err(_) => Err(Gone::Left),
        }
    }

    /// Tells the client why its connection ends, if it still listens.
    pub(crate) async fn refuse(&mut self, failure: &Failure) {
        if self.put(&PgWireBackendMessage::ErrorResponse(failure.response())).is_ok()
            && let Err(error) = self.flush().await
        {
            tracing::trace!(%error, "a client was not told why its connection ends");
        }
        self.close().await;
    }

    /// Says that nothing more is written.
    pub(crate) async fn close(&mut self) {
        if let Ok(Err(error)) = tokio::time::timeout(self.patience, self.socket.shutdown()).await {
            tracing::trace!(%error, "a socket was not closed cleanly");
        }
    }
}
