//! Line protocol over UDP, as InfluxDB 1 takes it: a datagram holds whole lines, and nobody is answered.
//!
//! There are no credentials: the setting alone lets everyone write who reaches the address, to one database of the first
//! organisation. A datagram that cannot wait is dropped and counted in `sensorium_influx_udp_dropped_total`; lines that are
//! wrong are with the other refused readings.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use sensorium_ingest::{Format, Ingest, Source};
use sensorium_model::{DatabaseKey, Precision, Principal};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::listener::{self, ListenError};
use crate::config::Settings;

/// The largest datagram.
const DATAGRAM_BYTES: usize = 65_536;

/// The socket, where the settings name an address.
pub(super) struct Socket(Option<std::net::UdpSocket>);

/// A datagram and who sent it.
type Datagram = (IpAddr, Vec<u8>);

impl Socket {
    pub(super) fn bind(settings: &Settings) -> Result<Self, ListenError> {
        let bound =
            settings.influx.udp.as_ref().map(|address| {
                listener::bind_with(address, listener::INFLUX_UDP, std::net::UdpSocket::bind::<SocketAddr>)
            });
        Ok(Self(bound.transpose()?))
    }

    /// Starts to take datagrams. Makes the database.
    pub(super) fn start(self, settings: &Settings, ingest: &Ingest, stop: &CancellationToken) -> Result<()> {
        let Some(socket) = self.0 else { return Ok(()) };
        let database = DatabaseKey::new(ingest.metadata.org(), settings.influx.udp_database.clone());
        if ingest.store.schema(&database).is_none() {
            ingest.store.create_database(&database)?;
        }
        socket.set_nonblocking(true).context("the socket of line protocol cannot be used")?;
        let socket = UdpSocket::from_std(socket).context("the socket of line protocol cannot be used")?;
        let address = socket.local_addr().context("the socket of line protocol has no address")?;
        tracing::info!(%address, database = %database.name, "line protocol over UDP, without credentials");
        let (waiting, received) = mpsc::channel(settings.influx.udp_waiting);
        tokio::spawn(receive(socket, waiting, stop.clone()));
        tokio::spawn(store(received, ingest.clone(), database, settings.influx.udp_batch_bytes));
        Ok(())
    }
}

/// Takes datagrams until the server stops.
async fn receive(socket: UdpSocket, waiting: mpsc::Sender<Datagram>, stop: CancellationToken) {
    let mut datagram = vec![0; DATAGRAM_BYTES];
    while let Some(received) = stop.run_until_cancelled(socket.recv_from(&mut datagram)).await {
        // An error tells that somebody did not hear an answer, and there are none.
        let Ok((length, peer)) = received else { continue };
        let Some(lines) = datagram.get(..length) else { continue };
        if let Err(TrySendError::Full(_)) = waiting.try_send((peer.ip(), lines.to_vec())) {
            metrics::counter!("sensorium_influx_udp_dropped_total").increment(1);
        }
    }
}

/// Stores what waits, many datagrams at a time while many come.
async fn store(mut received: mpsc::Receiver<Datagram>, ingest: Ingest, database: DatabaseKey, batch_bytes: usize) {
    let writer = Principal::anonymous_writer(database.org);
    let mut next = received.recv().await;
    while let Some((peer, mut lines)) = next.take() {
        while lines.len() < batch_bytes {
            match received.try_recv() {
                // What is refused is remembered with the one who sent it.
                Ok((other, more)) if other == peer => {
                    lines.push(b'\n');
                    lines.extend_from_slice(&more);
                }
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        let bytes = lines.len();
        let format = Format::LineProtocol { precision: Precision::Ns };
        let begun = ingest.begin(&writer, peer, database.name.as_str(), Source::LineProtocol);
        let stored = match begun {
            Ok(intake) => intake.take(lines.into(), bytes, format).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            metrics::counter!("sensorium_influx_udp_dropped_total").increment(1);
            tracing::debug!(%error, "datagrams with readings were not stored");
        }
        if next.is_none() {
            next = received.recv().await;
        }
    }
}
