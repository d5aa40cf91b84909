//! A client of the tests: a socket and the project's codec, so that every packet is seen and any may be wrong.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};

use sensorium_protocols::mqtt::packet::{
    Ack, ConnAck, Connect, Content, Decoder, Disconnect, Packet, PacketId, Publish, Qos, RetainHandling, SubAck,
    Subscribe, SubscribeFilter, SubscriptionOptions, Unsubscribe, Version, Will, encode,
};
use sensorium_protocols::mqtt::{MqttLimits, ReasonCode};
use tokio::net::TcpSocket;
use tokio_util::bytes::BytesMut;

use super::{PAYLOAD, server};
use crate::support::{DEADLINE, Server, TOKEN, block_on};

/// What a client speaks over: a socket, or TLS on one.
pub(super) trait Wire: Read + Write + Send {}

impl<S: Read + Write + Send> Wire for S {}

/// A connection to a server.
pub(super) struct Client {
    stream: Box<dyn Wire>,
    decoder: Decoder,
    buffer: BytesMut,
    /// What came while another packet was waited for.
    passed: VecDeque<Packet>,
    version: Version,
    last_id: u16,
}

/// CONNECT with a credential that may do everything.
pub(super) fn connect(client_id: &str) -> Connect {
    let mut connect = Connect::new(Version::V5, client_id);
    connect.username = Some("device".into());
    connect.password = Some(TOKEN.into());
    connect
}

/// The same in 3.1.1.
pub(super) fn connect_v3(client_id: &str) -> Connect {
    Connect { version: Version::V3, ..connect(client_id) }
}

/// CONNECT of a session that is new and outlives its connection.
pub(super) fn lasting(client_id: &str) -> Connect {
    Connect { session_expiry_seconds: Some(60), ..connect(client_id) }
}

/// CONNECT that goes on with such a session.
pub(super) fn again(client_id: &str) -> Connect {
    Connect { clean_start: false, ..lasting(client_id) }
}

/// A will with the usual payload, published at once.
pub(super) fn will(topic: &str) -> Will {
    Will {
        topic: topic.into(),
        qos: Qos::AtLeastOnce,
        retain: false,
        delay_seconds: 0,
        expiry_seconds: None,
        content: Content::new(PAYLOAD),
    }
}

/// A message; its packet identifier is given when it is sent.
pub(super) fn message(topic: &str, qos: Qos, payload: &str) -> Publish {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: topic.into(),
        packet_id: None,
        topic_alias: None,
        expiry_seconds: None,
        subscription_ids: Vec::new(),
        content: Content::new(payload.to_owned()),
    }
}

/// A message that is to be retained.
pub(super) fn retained(topic: &str, payload: &str) -> Publish {
    Publish { retain: true, ..message(topic, Qos::AtLeastOnce, payload) }
}

/// A filter of SUBSCRIBE without options.
pub(super) fn filter(filter: &str, qos: Qos) -> SubscribeFilter {
    SubscribeFilter { filter: filter.into(), options: SubscriptionOptions { qos, ..SubscriptionOptions::default() } }
}

/// A filter with options, of QoS 1.
pub(super) fn with_options(
    text: &str,
    no_local: bool,
    as_published: bool,
    handling: RetainHandling,
) -> SubscribeFilter {
    let mut filter = filter(text, Qos::AtLeastOnce);
    filter.options.no_local = no_local;
    filter.options.retain_as_published = as_published;
    filter.options.retain_handling = handling;
    filter
}

/// A packet identifier.
pub(super) fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

/// The bytes of a packet.
pub(super) fn wire(packet: &Packet, version: Version) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    encode(packet, version, u32::MAX, &mut bytes).unwrap();
    bytes.to_vec()
}

impl Client {
    /// A socket to the server of these tests, without CONNECT.
    pub(super) fn open(version: Version) -> Self {
        Self::open_at(server(), version)
    }

    /// A socket to another server.
    pub(super) fn open_at(server: &Server, version: Version) -> Self {
        Self::at(server.mqtt(), version).unwrap()
    }

    fn at(address: SocketAddr, version: Version) -> std::io::Result<Self> {
        let stream = stream(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self::over(stream, version))
    }

    /// A client that is let in; none when the server is gone.
    pub(super) fn try_enter(address: SocketAddr, connect: Connect) -> Option<Self> {
        let mut client = Self::at(address, connect.version).ok()?;
        client.try_send(Packet::Connect(Box::new(connect)))?;
        match client.try_next()? {
            Packet::ConnAck(ack) if ack.reason == ReasonCode::Success => Some(client),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a packet; none when the server is gone.
    pub(super) fn try_send(&mut self, packet: Packet) -> Option<()> {
        self.stream.write_all(&wire(&packet, self.version)).ok()
    }

    /// The next packet; none when the server is gone.
    pub(super) fn try_next(&mut self) -> Option<Packet> {
        self.passed.pop_front().or_else(|| self.read())
    }

    /// Over what is connected to a server.
    pub(super) fn over(stream: impl Wire + 'static, version: Version) -> Self {
        let decoder = Decoder::with_version(version, &MqttLimits::default());
        Self {
            stream: Box::new(stream),
            decoder,
            buffer: BytesMut::new(),
            passed: VecDeque::new(),
            version,
            last_id: 0,
        }
    }

    /// Sends CONNECT and reads CONNACK, which is the first packet.
    pub(super) fn hello(connect: Connect) -> (Self, ConnAck) {
        Self::hello_at(server(), connect)
    }

    /// The same at another server.
    pub(super) fn hello_at(server: &Server, connect: Connect) -> (Self, ConnAck) {
        Self::open_at(server, connect.version).greet(connect)
    }

    /// Sends CONNECT and reads CONNACK.
    pub(super) fn greet(mut self, connect: Connect) -> (Self, ConnAck) {
        self.send(Packet::Connect(Box::new(connect)));
        match self.next() {
            Packet::ConnAck(ack) => (self, *ack),
            other => panic!("{other:?} came before CONNACK"),
        }
    }

    /// A client that is let in.
    pub(super) fn enter(connect: Connect) -> Self {
        let (client, ack) = Self::hello(connect);
        assert_eq!(ack.reason, ReasonCode::Success, "{ack:?}");
        client
    }

    /// A client of 5.0 that is let in and leaves nothing behind.
    pub(super) fn new(client_id: &str) -> Self {
        Self::enter(connect(client_id))
    }

    /// Sends bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a packet and waits for nothing.
    pub(super) fn send(&mut self, packet: Packet) {
        let bytes = wire(&packet, self.version);
        self.raw(&bytes);
    }

    /// The next packet; none when the connection has ended.
    fn read(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = self.decoder.decode(&mut self.buffer).unwrap() {
                return Some(packet);
            }
            if !self.fill() {
                return None;
            }
        }
    }

    /// Reads bytes; whether the connection goes on.
    fn fill(&mut self) -> bool {
        let mut part = [0; 4096];
        match self.stream.read(&mut part) {
            Ok(count) => {
                self.buffer.extend_from_slice(&part[..count]);
                count > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    /// The next packet.
    pub(super) fn next(&mut self) -> Packet {
        self.try_next().unwrap_or_else(|| panic!("the connection has ended"))
    }

    /// Waits for a packet that is an answer; others are kept.
    pub(super) fn wait(&mut self, is_wanted: impl Fn(&Packet) -> bool) -> Packet {
        loop {
            match self.read() {
                Some(packet) if is_wanted(&packet) => return packet,
                Some(packet) => self.passed.push_back(packet),
                None => panic!("the connection has ended; before came {:?}", self.passed),
            }
        }
    }

    /// Everything up to the end of the connection, as bytes.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffer).to_vec()
    }

    /// Waits for the end of the connection; the reason of DISCONNECT, behind which nothing comes.
    pub(super) fn ended(&mut self) -> Option<ReasonCode> {
        let mut last = None;
        while let Some(packet) = self.passed.pop_front().or_else(|| self.read()) {
            assert_eq!(last, None, "{packet:?} came behind DISCONNECT");
            if let Packet::Disconnect(disconnect) = packet {
                assert_eq!(disconnect.session_expiry_seconds, None);
                last = Some(disconnect.reason);
            }
        }
        last
    }

    /// Leaves as a client should.
    pub(super) fn leave(mut self) {
        self.send(Packet::Disconnect(Box::new(Disconnect::new(ReasonCode::Success))));
        assert_eq!(self.ended(), None);
    }

    /// The server has read everything that was sent.
    pub(super) fn ping(&mut self) {
        self.send(Packet::PingReq);
        self.wait(|packet| *packet == Packet::PingResp);
    }

    /// Nothing has come, and nothing comes before the answer to PINGREQ.
    pub(super) fn assert_silent(&mut self) {
        self.send(Packet::PingReq);
        assert_eq!(self.next(), Packet::PingResp);
    }

    /// A packet identifier that was not used.
    pub(super) fn fresh_id(&mut self) -> PacketId {
        self.last_id += 1;
        id(self.last_id)
    }

    /// Publishes a message to its last answer.
    pub(super) fn publish(&mut self, topic: &str, qos: Qos, payload: &str) -> ReasonCode {
        self.publish_whole(message(topic, qos, payload))
    }

    /// The same with everything else that a message may have.
    pub(super) fn publish_whole(&mut self, message: Publish) -> ReasonCode {
        let qos = message.qos;
        let Some(packet_id) = self.start(message) else {
            self.ping();
            return ReasonCode::Success;
        };
        if qos == Qos::AtLeastOnce {
            return self.acknowledged(packet_id);
        }
        match self.received(packet_id) {
            reason if reason.is_failure() => reason,
            _ => self.release(packet_id),
        }
    }

    /// Sends a message and waits for nothing; its packet identifier.
    pub(super) fn start(&mut self, mut message: Publish) -> Option<PacketId> {
        if message.qos != Qos::AtMostOnce && message.packet_id.is_none() {
            message.packet_id = Some(self.fresh_id());
        }
        let packet_id = message.packet_id;
        self.send(Packet::Publish(Box::new(message)));
        packet_id
    }

    /// Waits for PUBACK.
    pub(super) fn acknowledged(&mut self, packet_id: PacketId) -> ReasonCode {
        match self.wait(|packet| matches!(packet, Packet::PubAck(_))) {
            Packet::PubAck(ack) if ack.packet_id == packet_id => ack.reason,
            other => panic!("{other:?} is not for {packet_id}"),
        }
    }

    /// Waits for PUBREC.
    pub(super) fn received(&mut self, packet_id: PacketId) -> ReasonCode {
        match self.wait(|packet| matches!(packet, Packet::PubRec(_))) {
            Packet::PubRec(ack) if ack.packet_id == packet_id => ack.reason,
            other => panic!("{other:?} is not for {packet_id}"),
        }
    }

    /// Sends PUBREL and waits for PUBCOMP.
    pub(super) fn release(&mut self, packet_id: PacketId) -> ReasonCode {
        self.send(Packet::PubRel(Ack::new(packet_id, ReasonCode::Success)));
        match self.wait(|packet| matches!(packet, Packet::PubComp(_))) {
            Packet::PubComp(ack) if ack.packet_id == packet_id => ack.reason,
            other => panic!("{other:?} is not for {packet_id}"),
        }
    }

    /// Payloads of the messages that came while another packet was waited for.
    pub(super) fn passed(&self) -> Vec<&[u8]> {
        let messages = self.passed.iter().filter_map(|packet| match packet {
            Packet::Publish(publish) => Some(publish),
            _ => None,
        });
        messages.map(|publish| publish.content.payload.as_ref()).collect()
    }

    /// The next packet, which is a message; it is not acknowledged.
    pub(super) fn message(&mut self) -> Publish {
        match self.next() {
            Packet::Publish(publish) => *publish,
            other => panic!("{other:?} is no message"),
        }
    }

    /// The next packet, which is a message; it is acknowledged as its QoS asks.
    pub(super) fn receive(&mut self) -> Publish {
        let publish = self.message();
        if let Some(packet_id) = publish.packet_id {
            let ack = Ack::new(packet_id, ReasonCode::Success);
            if publish.qos == Qos::AtLeastOnce {
                self.send(Packet::PubAck(ack));
            } else {
                self.send(Packet::PubRec(ack.clone()));
                self.released(packet_id);
                self.send(Packet::PubComp(ack));
            }
        }
        publish
    }

    /// Waits for PUBREL.
    pub(super) fn released(&mut self, packet_id: PacketId) {
        match self.wait(|packet| matches!(packet, Packet::PubRel(_))) {
            Packet::PubRel(ack) => assert_eq!((ack.packet_id, ack.reason), (packet_id, ReasonCode::Success)),
            other => panic!("{other:?} is no PUBREL"),
        }
    }

    /// The payload of the next message.
    pub(super) fn payload(&mut self) -> String {
        String::from_utf8(self.receive().content.payload.to_vec()).unwrap()
    }

    /// Subscribes to a filter, which is granted.
    pub(super) fn subscribe(&mut self, text: &str, qos: Qos) {
        assert_eq!(self.subscribe_all(vec![filter(text, qos)], None), [qos.granted()], "{text}");
    }

    /// Subscribes and returns the reasons.
    pub(super) fn subscribe_all(&mut self, filters: Vec<SubscribeFilter>, number: Option<u32>) -> Vec<ReasonCode> {
        let packet_id = self.fresh_id();
        let subscribe = Subscribe { packet_id, filters, subscription_id: number, user_properties: Vec::new() };
        self.send(Packet::Subscribe(Box::new(subscribe)));
        let answer = self.wait(|packet| matches!(packet, Packet::SubAck(_)));
        let Packet::SubAck(ack) = answer else { panic!("{answer:?}") };
        reasons(*ack, packet_id)
    }

    /// Unsubscribes and returns the reasons.
    pub(super) fn unsubscribe(&mut self, filters: &[&str]) -> Vec<ReasonCode> {
        let packet_id = self.fresh_id();
        let filters = filters.iter().map(|filter| (*filter).into()).collect();
        self.send(Packet::Unsubscribe(Box::new(Unsubscribe { packet_id, filters, user_properties: Vec::new() })));
        let answer = self.wait(|packet| matches!(packet, Packet::UnsubAck(_)));
        let Packet::UnsubAck(ack) = answer else { panic!("{answer:?}") };
        reasons(*ack, packet_id)
    }
}

/// A socket from an address of its own: after a few wrong credentials, one address has to wait with each further one.
fn stream(server: SocketAddr) -> std::io::Result<TcpStream> {
    static CONNECTIONS: AtomicU16 = AtomicU16::new(1);
    let [high, low] = CONNECTIONS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 2, high, low], 0)))?;
    let stream = block_on(socket.connect(server))?.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn reasons(ack: SubAck, packet_id: PacketId) -> Vec<ReasonCode> {
    assert_eq!(ack.packet_id, packet_id);
    ack.reasons
}

/// A client is refused, with an answer that allows nothing, and its connection ends.
pub(super) fn refused(connect: Connect) -> ReasonCode {
    let (mut client, ack) = Client::hello(connect);
    assert!(ack.reason.is_failure() && !ack.session_present, "{ack:?}");
    assert!(client.rest().is_empty());
    ack.reason
}

/// Bytes of a client that is not in yet end the connection, with nothing but a CONNACK that refuses.
pub(super) fn assert_no_entry(bytes: &[u8]) {
    let mut client = Client::open(Version::V5);
    client.raw(bytes);
    let answer = client.rest();
    assert!(answer.is_empty() || (answer[0] == 0x20 && answer[2] == 0 && answer[3] != 0), "{answer:x?}");
}

/// Waits for a second of the server's: a will with a delay of one second is published.
pub(super) fn a_second_passes(name: &str) {
    let topic = format!("conformance/{name}/clock/reading");
    let mut watcher = Client::new(&format!("{name}-clock-w"));
    watcher.subscribe(&topic, Qos::AtMostOnce);
    let mut late = will(&topic);
    late.delay_seconds = 1;
    drop(Client::enter(Connect { will: Some(late), ..lasting(&format!("{name}-clock")) }));
    assert_eq!(watcher.receive().topic.as_ref(), topic);
}
