//! Accepting connections.
//!
//! At most `postgres.starting` connections are on their way in at one time; further ones wait in the kernel's queue. Each has
//! `postgres.startup_ms` until it is let in, its TLS handshake included. At most `postgres.connections` are in; further ones are told
//! so.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;

use crate::startup::{self, Started};
use crate::{Postgres, Shared};

/// Makes the TLS handshake of the next connection, with the certificate of the moment.
pub type Handshake = Arc<dyn Fn() -> TlsAcceptor + Send + Sync>;

/// After a failed accept (too many open files, for example) the next one waits.
const PAUSE: Duration = Duration::from_millis(100);

impl Postgres {
    /// Accepts until told to stop. Without a handshake there is no TLS.
    pub async fn listen(self, listener: TcpListener, handshake: Option<Handshake>) {
        let shared = &self.0;
        loop {
            let starting = shared.starting.clone().acquire_owned();
            let Some(Ok(starting)) = shared.stop.run_until_cancelled(starting).await else { return };
            let Some(accepted) = shared.stop.run_until_cancelled(listener.accept()).await else { return };
            match accepted {
                Ok((stream, peer)) => {
                    let (shared, handshake) = (self.0.clone(), handshake.clone());
                    let abort = self.0.abort.clone();
                    let served = serve(shared, stream, peer.ip().to_canonical(), handshake, starting);
                    self.0.tasks.spawn(async move { abort.run_until_cancelled(served).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection of PostgreSQL's protocol could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: IpAddr,
    handshake: Option<Handshake>,
    starting: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%peer, %error, "no TCP_NODELAY");
    }
    let started = startup::start(shared.clone(), stream, peer, handshake);
    let started = tokio::select! {
        () = shared.stop.cancelled() => return,
        started = tokio::time::timeout(shared.config.startup, started) => started,
    };
    drop(starting);
    match started {
        Ok(Ok(Some(Started { session, _connected }))) => {
            let _counted = Counted::new();
            session.serve().await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a client was not let in"),
        Err(_) => tracing::debug!(%peer, "a client took too long to say who it is (setting postgres.startup_ms)"),
    }
}

/// Counts a connection as long as it is there.
struct Counted;

impl Counted {
    fn new() -> Self {
        gauge!("sensorium_postgres_connections").increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!("sensorium_postgres_connections").decrement(1);
    }
}
