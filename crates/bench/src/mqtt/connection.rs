//! A client's connection: packets of MQTT 3.1.1 over TCP, many at a time in both directions.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use sensorium_protocols::mqtt::packet::{
    Connect, Decoder, Packet, PacketId, Qos, Subscribe, SubscribeFilter, SubscriptionOptions, Version, encode,
};
use sensorium_protocols::mqtt::{MqttLimits, ReasonCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::broker::Target;

/// What small devices speak; and no Receive Maximum of a broker stands in the way of a window.
pub(crate) const VERSION: Version = Version::V3;
/// Nothing that is sent here is as large.
pub(crate) const PACKET_BYTES: u32 = 64 * 1_024;

/// How long a broker may take to accept a connection or a subscription.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that are read at once where only acknowledgements come.
const FEW_BYTES: usize = 512;
/// Bytes that are read at once where messages come.
const MANY_BYTES: usize = 64 * 1_024;
/// The name that clients sign in with; any will do, beside a token.
const USER: &str = "bench";

/// An accepted connection.
pub(crate) struct Connection {
    stream: TcpStream,
    decoder: Decoder,
    read_bytes: usize,
    received: BytesMut,
    to_send: BytesMut,
}

impl Connection {
    /// Connects and waits until it is accepted.
    pub(crate) async fn open(target: &Target, client_id: &str) -> Result<Self> {
        let stream = TcpStream::connect(target.address).await;
        let stream = stream.with_context(|| format!("{} takes no further connection", target.name))?;
        stream.set_nodelay(true)?;
        let decoder = Decoder::with_version(VERSION, &MqttLimits::default());
        let (received, to_send) = (BytesMut::new(), BytesMut::new());
        let mut connection = Self { stream, decoder, read_bytes: FEW_BYTES, received, to_send };
        let connect = Connect {
            username: target.password.map(|_| USER.into()),
            password: target.password.map(|password| Bytes::from_static(password.as_bytes())),
            ..Connect::new(VERSION, client_id)
        };
        match connection.ask(&Packet::Connect(Box::new(connect))).await {
            Ok(Packet::ConnAck(ack)) if ack.reason == ReasonCode::Success => Ok(connection),
            Ok(other) => bail!("{} refused {client_id}: {other:?}", target.name),
            Err(error) => Err(error.context(format!("{} did not accept {client_id}", target.name))),
        }
    }

    /// Has the connection reset when it is dropped, so that its port is free for another one at once. What was just sent may be
    /// lost.
    pub(crate) fn reset_at_end(&self) -> Result<()> {
        Ok(self.stream.set_zero_linger()?)
    }

    /// Subscribes, and from now on reads more at once.
    pub(crate) async fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<()> {
        let options = SubscriptionOptions { qos, ..SubscriptionOptions::default() };
        let subscribe = Subscribe {
            packet_id: PacketId::MIN,
            filters: vec![SubscribeFilter { filter: filter.into(), options }],
            subscription_id: None,
            user_properties: Vec::new(),
        };
        match self.ask(&Packet::Subscribe(Box::new(subscribe))).await? {
            Packet::SubAck(ack) if ack.reasons == [qos.granted()] => self.read_bytes = MANY_BYTES,
            other => bail!("the subscription to {filter} was refused: {other:?}"),
        }
        Ok(())
    }

    /// Asks whether the connection is still there.
    pub(crate) async fn ping(&mut self) -> Result<()> {
        let answer = self.ask(&Packet::PingReq).await?;
        ensure!(answer == Packet::PingResp, "a ping was answered by {answer:?}");
        Ok(())
    }

    /// Sends a packet and waits for the next one that comes.
    async fn ask(&mut self, packet: &Packet) -> Result<Packet> {
        self.queue(packet)?;
        self.flush().await?;
        let answer = async {
            loop {
                if let Some(packet) = self.received()? {
                    return anyhow::Ok(packet);
                }
                self.read().await?;
            }
        };
        tokio::time::timeout(ANSWER_TIMEOUT, answer).await.context("no answer came")?
    }

    /// Appends a packet to what the next [`Connection::flush`] sends.
    pub(crate) fn queue(&mut self, packet: &Packet) -> Result<()> {
        Ok(encode(packet, VERSION, PACKET_BYTES, &mut self.to_send)?)
    }

    /// What the next [`Connection::flush`] sends.
    pub(crate) fn unsent(&mut self) -> &mut BytesMut {
        &mut self.to_send
    }

    /// Sends what was queued.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        if !self.to_send.is_empty() {
            self.stream.write_all(&self.to_send).await.context("the broker closed a connection")?;
            self.to_send.clear();
        }
        Ok(())
    }

    /// Waits for bytes and reads them.
    pub(crate) async fn read(&mut self) -> Result<()> {
        self.received.reserve(self.read_bytes);
        let bytes = self.stream.read_buf(&mut self.received).await.context("a connection broke")?;
        ensure!(bytes > 0, "the broker closed a connection");
        Ok(())
    }

    /// The next packet of what was read; none when its end is missing.
    pub(crate) fn received(&mut self) -> Result<Option<Packet>> {
        Ok(self.decoder.decode(&mut self.received)?)
    }
}
