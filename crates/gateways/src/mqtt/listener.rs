//! Accepting connections over TCP, with TLS or without.
//!
//! At most `mqtt.connections` are served at one time; further ones wait in the kernel's queue. A TLS handshake runs in the
//! connection's own task, with the time that a connection has until it is accepted.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use sensorium_model::messaging::{MessagingListener, Transport};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{Mqtt, task};

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
                    let (this, handshake) = (self.clone(), handshake.clone());
                    shared.tasks.spawn(async move {
                        gauge!("sensorium_mqtt_connections").increment(1);
                        let work = this.connection(stream, peer.ip(), handshake);
                        let _ended = this.0.abort.run_until_cancelled(work).await;
                        gauge!("sensorium_mqtt_connections").decrement(1);
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "an MQTT connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn connection(&self, stream: TcpStream, peer: std::net::IpAddr, handshake: Option<Handshake>) {
        // Acknowledgements must not wait for those of packets before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%peer, %error, "no TCP_NODELAY");
        }
        let Some(handshake) = handshake else {
            return task::serve(self.0.clone(), stream, peer, Transport::Tcp).await;
        };
        let patience = Duration::from_millis(self.0.limits.connect_ms);
        match tokio::time::timeout(patience, handshake().accept(stream)).await {
            // Boxed, so that connections without TLS do not have its room.
            Ok(Ok(stream)) => Box::pin(task::serve(self.0.clone(), stream, peer, Transport::Tls)).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long (setting mqtt.connect_ms)"),
        }
    }
}
