//! CoAP over TCP (RFC 8323, section 3).

use std::io;
use std::net::IpAddr;

use bytes::{Bytes, BytesMut};
use sensorium_protocols::coap::reliable::Framing;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Duration;

use super::super::Coap;
use super::{Connected, Reliable, Wire, serve};

/// Bytes that are read at once, at least.
const READ: usize = 4 * 1_024;
/// After a failed accept (too many open files, for example) the next one waits.
const PAUSE: Duration = Duration::from_millis(100);

struct Stream {
    stream: TcpStream,
    unread: BytesMut,
}

impl Coap {
    /// Accepts connections until told to stop.
    pub async fn listen(self, listener: TcpListener) {
        let shared = &self.0;
        loop {
            let Some(Ok(slot)) = shared.stop.run_until_cancelled(shared.slots.clone().acquire_owned()).await else {
                return;
            };
            let Some(accepted) = shared.stop.run_until_cancelled(listener.accept()).await else { return };
            match accepted {
                Ok((stream, peer)) => {
                    let (shared, peer) = (shared.clone(), peer.ip().to_canonical());
                    self.0.tasks.spawn(async move {
                        let _connected = Connected::new(slot);
                        serve(shared, Stream::new(stream, peer), Framing::Tcp, peer, false).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection of CoAP could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Stream {
    fn new(stream: TcpStream, peer: IpAddr) -> Self {
        // An answer must not wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%peer, %error, "no TCP_NODELAY");
        }
        Self { stream, unread: BytesMut::new() }
    }
}

impl Wire for Stream {
    async fn arrived(&mut self) -> bool {
        self.unread.reserve(READ);
        matches!(self.stream.read_buf(&mut self.unread).await, Ok(1..))
    }

    fn feed(&mut self, line: &mut Reliable) {
        line.connection.receive(line.now_ms, &mut self.unread, &mut line.out);
        // An idle connection holds no room.
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
    }

    async fn send(&mut self, message: Bytes) -> io::Result<()> {
        self.stream.write_all(&message).await
    }

    async fn close(&mut self) {
        if let Err(error) = self.stream.shutdown().await {
            tracing::trace!(%error, "a socket was not closed cleanly");
        }
    }
}
