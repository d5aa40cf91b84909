//! Bytes between a socket and a task. Nothing is held for a connection that is idle: bytes are read by way of the stack.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are read at once.
const READ: usize = 8 * 1_024;

/// A stream with the bytes that are not read by the machine and not taken by the stream.
pub(super) struct Socket<S> {
    stream: S,
    pub(super) unread: BytesMut,
    unsent: BytesMut,
    /// Bytes were written that the stream may still hold.
    is_dirty: bool,
}

/// What happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// There is more in `unread`.
    Read,
    /// Everything was written.
    Written,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, unread: BytesMut::new(), unsent: BytesMut::new(), is_dirty: false }
    }

    /// Whether everything is written, so that more may be.
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.is_empty() && !self.is_dirty
    }

    /// What is to be written next; only when everything is.
    pub(super) fn write(&mut self, bytes: BytesMut) {
        self.unsent = bytes;
    }

    /// Writes, and reads if `wants_bytes`, until something has happened. Fails when the other side is gone.
    pub(super) async fn turn(&mut self, wants_bytes: bool) -> io::Result<Happened> {
        poll_fn(|context| {
            if let Poll::Ready(written) = self.poll_write(context) {
                return Poll::Ready(written.map(|()| Happened::Written));
            }
            match wants_bytes {
                true => self.poll_read(context),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// Says that nothing more will be written.
    pub(super) async fn close(&mut self) {
        let closed = poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context)).await;
        if let Err(error) = closed {
            tracing::trace!(%error, "a socket was not closed cleanly");
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_idle() {
            return Poll::Pending;
        }
        while !self.unsent.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.unsent) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.unsent.advance(count);
                    self.is_dirty = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.unsent = BytesMut::new();
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.is_dirty = flushed.is_pending();
        flushed
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Happened>> {
        let mut room = [MaybeUninit::uninit(); READ];
        let mut room = ReadBuf::uninit(&mut room);
        match Pin::new(&mut self.stream).poll_read(context, &mut room) {
            Poll::Ready(Ok(())) if room.filled().is_empty() => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(Ok(())) => {
                self.unread.extend_from_slice(room.filled());
                Poll::Ready(Ok(Happened::Read))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}
