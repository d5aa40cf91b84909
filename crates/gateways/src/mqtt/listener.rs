//! Accepting connections over TCP, with TLS or without.
//!
//! At most `mqtt.connections` are served at one time; further ones wait in the kernel's queue. A TLS handshake runs in the
//! connection's own task, with the time that a connection has until it is accepted.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use sensorium_metadata::CertificateFingerprint;
use sensorium_model::messaging::{MessagingListener, Transport};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Mqtt;
use super::task::{self, Peer};

/// Makes the TLS handshake of the next connection, with the certificate of the moment.
pub type Handshake = Arc<dyn Fn() -> TlsAcceptor + Send + Sync>;

/// After a failed accept (too many open files, for example) the next one waits.
const PAUSE: Duration = Duration::from_millis(100);

impl Mqtt {
    /// Accepts until told to stop.
    pub async fn listen(self, listener: TcpListener, handshake: Option<Handshake>) {
        let shared = &self.0;
        if let Ok(address) = listener.local_addr() {
            let transport = if handshake.is_some() { Transport::Tls } else { Transport::Tcp };
            self.listens(MessagingListener { address: address.to_string(), transport });
        }
        loop {
            let Some(Ok(slot)) = shared.stop.run_until_cancelled(shared.slots.clone().acquire_owned()).await else {
                return;
            };
            let Some(accepted) = shared.stop.run_until_cancelled(listener.accept()).await else { return };
            match accepted {
                Ok((stream, peer)) => {
                    let (this, peer) = (self.clone(), peer.ip());
                    // Each in a task of its own kind, so that connections without TLS do not have its room.
                    match handshake.clone() {
                        None => shared.tasks.spawn(async move { this.plain(stream, peer, slot).await }),
                        Some(handshake) => {
                            shared.tasks.spawn(async move { this.encrypted(stream, peer, handshake, slot).await })
                        }
                    };
                }
                Err(error) => {
                    tracing::warn!(%error, "an MQTT connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn plain(self, stream: TcpStream, peer: IpAddr, slot: Slot) {
        let _connected = Connected::new(slot);
        send_at_once(&stream, peer);
        task::serve(self.0, stream, Peer { address: peer, transport: Transport::Tcp, certificate: None }).await;
    }

    async fn encrypted(self, stream: TcpStream, peer: IpAddr, handshake: Handshake, slot: Slot) {
        let _connected = Connected::new(slot);
        send_at_once(&stream, peer);
        let patience = Duration::from_millis(self.0.limits.connect_ms);
        let shaken = Box::pin(tokio::time::timeout(patience, handshake().accept(stream)));
        match self.0.abort.run_until_cancelled(shaken).await {
            Some(Ok(Ok(stream))) => {
                let certificate = certificate(&stream);
                let peer = Peer { address: peer, transport: Transport::Tls, certificate };
                task::serve(self.0, stream, peer).await;
            }
            Some(Ok(Err(error))) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Some(Err(_)) => tracing::debug!(%peer, "TLS handshake took too long (setting mqtt.connect_ms)"),
            None => {}
        }
    }
}

/// One of the connections that may be there at one time.
pub(super) type Slot = OwnedSemaphorePermit;

/// Counts a connection as long as it is there.
pub(super) struct Connected {
    _slot: Slot,
}

impl Connected {
    pub(super) fn new(slot: Slot) -> Self {
        gauge!("sensorium_mqtt_connections").increment(1);
        Self { _slot: slot }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        gauge!("sensorium_mqtt_connections").decrement(1);
    }
}

/// Acknowledgements must not wait for those of packets before.
fn send_at_once(stream: &TcpStream, peer: IpAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%peer, %error, "no TCP_NODELAY");
    }
}

/// The certificate whose key the client has proven to have, where the handshake asks for one.
fn certificate(stream: &TlsStream<TcpStream>) -> Option<CertificateFingerprint> {
    let (_, session) = stream.get_ref();
    Some(CertificateFingerprint::of(session.peer_certificates()?.first()?))
}
