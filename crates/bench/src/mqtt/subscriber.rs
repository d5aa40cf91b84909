//! Those who receive, and what all of them together have received.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Packet, PacketId, Qos};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::connection::Connection;

/// How often a count is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// What did not come for so long does not come any more.
const LOST_AFTER: Duration = Duration::from_secs(1);

/// Deliveries to all subscribers of one load.
#[derive(Debug)]
pub(crate) struct Delivered {
    count: AtomicU64,
    /// Deliveries that may still be begun.
    room: Semaphore,
}

impl Delivered {
    /// None so far; so many may be under way.
    pub(crate) fn new(room: usize) -> Self {
        Self { count: AtomicU64::new(0), room: Semaphore::new(room) }
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Waits until so many may be begun; false when no more are wanted.
    pub(crate) async fn wait_for_room(&self, deliveries: u32) -> bool {
        match self.room.acquire_many(deliveries).await {
            Ok(permits) => {
                permits.forget();
                true
            }
            Err(_closed) => false,
        }
    }

    /// Whether so many may be begun without waiting.
    pub(crate) fn has_room(&self, deliveries: u32) -> bool {
        self.room.try_acquire_many(deliveries).map(SemaphorePermit::forget).is_ok()
    }

    /// From now on no more are wanted.
    pub(crate) fn stop(&self) {
        self.room.close();
    }

    fn add(&self, deliveries: usize) {
        self.count.fetch_add(deliveries as u64, Ordering::Relaxed);
        self.room.add_permits(deliveries);
    }

    /// Waits until there were so many, or until no more come.
    pub(crate) async fn reach(&self, wanted: u64) {
        let (mut seen, mut since) = (self.count(), Instant::now());
        while seen < wanted && since.elapsed() < LOST_AFTER {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.count();
            if now > seen {
                (seen, since) = (now, Instant::now());
            }
        }
    }
}

/// Receives, acknowledges and counts until the connection fails.
pub(crate) async fn receive(mut connection: Connection, delivered: Arc<Delivered>) -> Result<Infallible> {
    loop {
        connection.read().await?;
        let mut messages = 0;
        while let Some(packet) = connection.received()? {
            match packet {
                Packet::Publish(publish) => {
                    match (publish.qos, publish.packet_id) {
                        (Qos::ExactlyOnce, Some(id)) => {
                            connection.queue(&Packet::PubRec(success(id)))?;
                            continue;
                        }
                        (Qos::AtLeastOnce, Some(id)) => connection.queue(&Packet::PubAck(success(id)))?,
                        _ => {}
                    }
                    messages += 1;
                }
                // A QoS 2 message is delivered with the second packet of its sender.
                Packet::PubRel(ack) => {
                    connection.queue(&Packet::PubComp(success(ack.packet_id)))?;
                    messages += 1;
                }
                other => bail!("a subscriber was sent {other:?}"),
            }
        }
        delivered.add(messages);
        connection.flush().await?;
    }
}

fn success(id: PacketId) -> Ack {
    Ack::new(id, ReasonCode::Success)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn publishers_wait_for_deliveries_until_no_more_are_wanted() {
        let delivered = Delivered::new(3);
        assert_eq!(delivered.wait_for_room(2).now_or_never(), Some(true));
        assert_eq!(delivered.wait_for_room(2).now_or_never(), None);
        delivered.add(1);
        assert_eq!(delivered.wait_for_room(2).now_or_never(), Some(true));
        delivered.add(2);
        assert!(delivered.has_room(2) && !delivered.has_room(1));
        delivered.stop();
        assert_eq!(delivered.wait_for_room(2).now_or_never(), Some(false));
        assert_eq!(delivered.count(), 3);
    }

    #[test]
    fn what_is_there_already_is_not_waited_for() {
        let delivered = Delivered::new(0);
        delivered.add(5);
        assert_eq!(delivered.reach(5).now_or_never(), Some(()));
    }
}
