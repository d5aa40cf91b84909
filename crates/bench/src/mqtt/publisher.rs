//! Those who send: with a window, at a rate, or without acknowledgements.
//!
//! Except at a rate, nobody sends more than subscribers receive: what is published and not delivered has its room, which is
//! smaller than what a broker queues, so that none has to drop messages.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Packet};
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::message::Message;
use super::subscriber::Delivered;
use super::under_way::UnderWay;

/// What came of the messages of one publisher.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Those that were acknowledged; with QoS 0, those that were sent.
    pub(crate) messages: u64,
    /// Milliseconds from sending to the last acknowledgement of each; none with QoS 0.
    pub(crate) latencies_ms: Vec<f64>,
}

/// Where a publisher sends from: its connection and its messages, one after the other and then from the first again.
pub(crate) struct Publisher {
    pub(crate) connection: Connection,
    pub(crate) messages: Vec<Message>,
}

impl Publisher {
    /// Has as many messages under way as the window and the room for deliveries to so many subscribers allow, until no more are
    /// wanted; then waits for the rest.
    pub(crate) async fn fill_window(
        mut self,
        window: u16,
        subscribers: u32,
        delivered: Arc<Delivered>,
    ) -> Result<Sent> {
        let (mut under_way, mut sent) = (UnderWay::new(window), Sent::default());
        let mut messages = self.messages.iter().cycle();
        loop {
            // With nothing under way, no acknowledgement comes to go on after.
            let mut has_room = under_way.is_empty() && delivered.wait_for_room(subscribers).await;
            if under_way.is_empty() && !has_room {
                return Ok(sent);
            }
            let now = Instant::now();
            while !under_way.is_full() && (has_room || delivered.has_room(subscribers)) {
                has_room = false;
                if let Some((id, message)) = under_way.begin(now).zip(messages.next()) {
                    message.append(Some(id), self.connection.unsent());
                }
            }
            self.connection.flush().await?;
            acknowledgements(&mut self.connection, &mut under_way, &mut sent).await?;
        }
    }

    /// Sends one message each `every`, the first after `delay`; one that waits for the acknowledgement of the one before is
    /// late, and that counts. What the timer is late, at most a millisecond, does not.
    pub(crate) async fn keep_rate(mut self, every: Duration, delay: Duration, until: Instant) -> Result<Sent> {
        let (mut under_way, mut sent) = (UnderWay::new(1), Sent::default());
        let mut due = Instant::now() + delay;
        for message in self.messages.iter().cycle() {
            let is_late = due <= Instant::now();
            sleep_until(due).await;
            let now = Instant::now();
            if now >= until {
                break;
            }
            let id = under_way.begin(if is_late { due } else { now });
            message.append(id, self.connection.unsent());
            self.connection.flush().await?;
            while !under_way.is_empty() {
                acknowledgements(&mut self.connection, &mut under_way, &mut sent).await?;
            }
            due += every;
        }
        Ok(sent)
    }

    /// Sends QoS 0 messages as fast as the room for deliveries to so many subscribers allows, until no more are wanted.
    pub(crate) async fn fill_room(mut self, subscribers: u32, delivered: Arc<Delivered>) -> Result<Sent> {
        let mut sent = Sent::default();
        for message in self.messages.iter().cycle() {
            if !delivered.wait_for_room(subscribers).await {
                break;
            }
            message.append(None, self.connection.unsent());
            self.connection.flush().await?;
            sent.messages += 1;
        }
        Ok(sent)
    }
}

/// Waits for bytes, and takes the acknowledgements in them.
async fn acknowledgements(connection: &mut Connection, under_way: &mut UnderWay, sent: &mut Sent) -> Result<()> {
    connection.read().await?;
    let now = Instant::now();
    while let Some(packet) = connection.received()? {
        match packet {
            Packet::PubRec(ack) => connection.queue(&Packet::PubRel(Ack::new(ack.packet_id, ReasonCode::Success)))?,
            Packet::PubAck(ack) | Packet::PubComp(ack) => {
                let begun = under_way.end(ack.packet_id)?;
                sent.latencies_ms.push((now - begun).as_secs_f64() * 1e3);
                sent.messages += 1;
            }
            other => bail!("a publisher was sent {other:?}"),
        }
    }
    connection.flush().await
}
