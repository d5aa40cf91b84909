//! Clients of a load with a broker that does just what a test says.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::BytesMut;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sensorium_protocols::mqtt::packet::{Ack, ConnAck, Decoder, Packet, PacketId, Qos, SubAck, encode};
use sensorium_protocols::mqtt::{MqttLimits, ReasonCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::broker::Target;
use super::connection::{Connection, PACKET_BYTES, VERSION};
use super::message::{self, Message};
use super::publisher::Publisher;
use super::subscriber::{Delivered, receive};

/// The broker's side of one connection.
struct Scripted {
    stream: TcpStream,
    decoder: Decoder,
    received: BytesMut,
}

impl Scripted {
    /// A client that was answered with a reason, and its broker.
    async fn accept(reason: ReasonCode) -> (anyhow::Result<Connection>, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Target { name: "Scripted", address, process: PathBuf::new(), password: Some("secret") };
        let broker = async {
            let (stream, _) = listener.accept().await.unwrap();
            let decoder = Decoder::new(&MqttLimits::default());
            let mut broker = Self { stream, decoder, received: BytesMut::new() };
            let Packet::Connect(connect) = broker.next().await else { panic!("no CONNECT") };
            assert_eq!(connect.password.as_deref(), Some(b"secret".as_slice()));
            broker.send(&Packet::ConnAck(Box::new(ConnAck::new(reason)))).await;
            broker
        };
        tokio::join!(Connection::open(&target, "client"), broker)
    }

    async fn next(&mut self) -> Packet {
        loop {
            if let Some(packet) = self.decoder.decode(&mut self.received).unwrap() {
                return packet;
            }
            assert!(self.stream.read_buf(&mut self.received).await.unwrap() > 0, "the client closed the connection");
        }
    }

    async fn send(&mut self, packet: &Packet) {
        let mut out = BytesMut::new();
        encode(packet, VERSION, PACKET_BYTES, &mut out).unwrap();
        self.stream.write_all(&out).await.unwrap();
    }

    /// The number of the message that comes next.
    async fn published(&mut self) -> PacketId {
        match self.next().await {
            Packet::Publish(publish) => publish.packet_id.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

fn success(id: PacketId) -> Ack {
    Ack::new(id, ReasonCode::Success)
}

fn messages(qos: Qos) -> Vec<Message> {
    message::of_rooms(0..1, qos, &mut StdRng::seed_from_u64(1)).unwrap()
}

#[tokio::test]
async fn a_client_that_is_refused_says_who_refused_it() {
    let (client, _broker) = Scripted::accept(ReasonCode::NotAuthorized).await;
    let error = client.err().unwrap().to_string();
    assert!(error.starts_with("Scripted refused client"), "{error}");
}

#[tokio::test]
async fn a_subscription_must_get_the_qos_that_it_asks_for() {
    for (granted, is_fine) in [(ReasonCode::GrantedQos1, true), (ReasonCode::Success, false)] {
        let (client, mut broker) = Scripted::accept(ReasonCode::Success).await;
        let mut client = client.unwrap();
        let answer = async {
            let Packet::Subscribe(subscribe) = broker.next().await else { panic!("no SUBSCRIBE") };
            let (packet_id, reasons) = (subscribe.packet_id, vec![granted]);
            let ack = SubAck { packet_id, reasons, reason_string: None, user_properties: Vec::new() };
            broker.send(&Packet::SubAck(Box::new(ack))).await;
        };
        let (subscribed, ()) = tokio::join!(client.subscribe("office/+/climate", Qos::AtLeastOnce), answer);
        assert_eq!(subscribed.is_ok(), is_fine, "{subscribed:?}");
    }
}

#[tokio::test]
async fn a_qos_2_message_is_delivered_when_it_is_released() {
    let (client, mut broker) = Scripted::accept(ReasonCode::Success).await;
    let delivered = Arc::new(Delivered::new(1));
    let receiving = tokio::spawn(receive(client.unwrap(), Arc::clone(&delivered)));
    let mut out = BytesMut::new();
    messages(Qos::ExactlyOnce)[0].append(PacketId::new(7), &mut out);
    broker.stream.write_all(&out).await.unwrap();
    let Packet::PubRec(ack) = broker.next().await else { panic!("no PUBREC") };
    assert_eq!((ack.packet_id.get(), delivered.count()), (7, 0));
    broker.send(&Packet::PubRel(success(ack.packet_id))).await;
    assert_eq!(broker.next().await, Packet::PubComp(success(ack.packet_id)));
    assert_eq!(delivered.count(), 1);
    drop(broker);
    assert!(receiving.await.unwrap().is_err(), "a broker that closes the connection is an error");
}

#[tokio::test]
async fn a_publisher_fills_its_window_and_stops_where_there_is_no_room() {
    let (client, mut broker) = Scripted::accept(ReasonCode::Success).await;
    let publisher = Publisher { connection: client.unwrap(), messages: messages(Qos::AtLeastOnce) };
    let delivered = Arc::new(Delivered::new(3));
    let publishing = tokio::spawn(publisher.fill_window(2, 1, Arc::clone(&delivered)));
    let (first, second) = (broker.published().await, broker.published().await);
    assert_ne!(first, second);
    broker.send(&Packet::PubAck(success(second))).await;
    assert_eq!(broker.published().await, second, "the number that is free");
    broker.send(&Packet::PubAck(success(first))).await;
    broker.send(&Packet::PubAck(success(second))).await;
    delivered.stop();
    let sent = publishing.await.unwrap().unwrap();
    assert_eq!((sent.messages, sent.latencies_ms.len()), (3, 3));
}

#[tokio::test]
async fn a_qos_2_message_is_acknowledged_by_its_last_packet() {
    let (client, mut broker) = Scripted::accept(ReasonCode::Success).await;
    let publisher = Publisher { connection: client.unwrap(), messages: messages(Qos::ExactlyOnce) };
    let delivered = Arc::new(Delivered::new(1));
    let publishing = tokio::spawn(publisher.fill_window(1, 1, Arc::clone(&delivered)));
    let id = broker.published().await;
    broker.send(&Packet::PubRec(success(id))).await;
    assert_eq!(broker.next().await, Packet::PubRel(success(id)));
    broker.send(&Packet::PubComp(success(id))).await;
    delivered.stop();
    assert_eq!(publishing.await.unwrap().unwrap().messages, 1);
}
