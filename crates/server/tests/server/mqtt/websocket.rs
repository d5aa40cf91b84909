//! MQTT over WebSocket (section 6): messages and packets, the handshake, and what bounds a connection.

use futures::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use sensorium_protocols::mqtt::packet::{Connect, Decoder, Packet, Qos, Subscribe, Version};
use sensorium_protocols::mqtt::{MqttLimits, ReasonCode};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::bytes::BytesMut;

use super::client::{Client, connect, filter, id, message, wire};
use super::{LOGIN, PASSWORD, PAYLOAD, server};
use crate::support::{DEADLINE, Server, Start, TOKEN, block_on, client as http, wait_for};
use crate::tls::trusting;

/// A connection over WebSocket, to look at its messages and packets.
struct WebClient<S> {
    socket: WebSocketStream<S>,
    decoder: Decoder,
    buffer: BytesMut,
}

/// A handshake that offers subprotocols.
fn handshake(server: &Server, offered: &str) -> Request {
    let (_, address) = server.url().split_once("://").unwrap();
    let mut request = format!("ws://{address}/mqtt").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
    request
}

/// A server with nothing but WebSocket.
fn only_websocket() -> Start {
    Start::new().quiet().arg("--mqtt-websocket")
}

/// The connection of the request's address.
async fn tcp(server: &Server) -> TcpStream {
    let (_, address) = server.url().split_once("://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Runs a test within the deadline.
fn within_deadline(test: impl Future<Output = ()>) {
    block_on(async { tokio::time::timeout(DEADLINE, test).await.unwrap() });
}

impl WebClient<TcpStream> {
    async fn open(server: &Server) -> Self {
        Self::over(tcp(server).await, handshake(server, "mqtt")).await.0
    }

    /// A client that is let in.
    async fn enter(server: &Server, connect: Connect) -> Self {
        let mut client = Self::open(server).await;
        assert_eq!(client.hello(connect).await, ReasonCode::Success);
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebClient<S> {
    async fn over(stream: S, request: Request) -> (Self, Response) {
        let (socket, response) = client_async(request, stream).await.unwrap();
        let decoder = Decoder::with_version(Version::V5, &MqttLimits::default());
        (Self { socket, decoder, buffer: BytesMut::new() }, response)
    }

    async fn send(&mut self, packet: Packet) {
        self.socket.send(Message::binary(wire(&packet, Version::V5))).await.unwrap();
    }

    /// Sends CONNECT and returns what CONNACK says.
    async fn hello(&mut self, connect: Connect) -> ReasonCode {
        self.send(Packet::Connect(Box::new(connect))).await;
        match self.next().await {
            Packet::ConnAck(ack) => ack.reason,
            other => panic!("{other:?} came before CONNACK"),
        }
    }

    /// The next packet, however many messages it takes; all of them are binary.
    async fn next(&mut self) -> Packet {
        loop {
            if let Some(packet) = self.decoder.decode(&mut self.buffer).unwrap() {
                return packet;
            }
            match self.socket.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => self.buffer.extend_from_slice(&bytes),
                Message::Pong(_) => {}
                other => panic!("{other:?} is no binary message"),
            }
        }
    }

    /// Waits for the end and returns the code that it has.
    async fn closed(&mut self) -> CloseCode {
        loop {
            match self.socket.next().await.unwrap().unwrap() {
                Message::Close(Some(frame)) => return frame.code,
                Message::Binary(_) => {}
                other => panic!("{other:?} came before the end"),
            }
        }
    }

    async fn subscribe(&mut self, topic: &str) {
        let filters = vec![filter(topic, Qos::AtLeastOnce)];
        let subscribe = Subscribe { packet_id: id(1), filters, subscription_id: None, user_properties: Vec::new() };
        self.send(Packet::Subscribe(Box::new(subscribe))).await;
        assert!(matches!(self.next().await, Packet::SubAck(_)));
    }

    /// The payload of the next packet, which is a message.
    async fn payload(&mut self) -> Vec<u8> {
        match self.next().await {
            Packet::Publish(publish) => publish.content.payload.to_vec(),
            other => panic!("{other:?} is no message"),
        }
    }

    async fn ping(&mut self) {
        self.send(Packet::PingReq).await;
        assert_eq!(self.next().await, Packet::PingResp);
    }
}

/// What a handshake is told that is refused: the status and the sentence.
async fn refused(server: &Server, offered: Option<&str>) -> (u16, String) {
    let mut request = http()
        .get(format!("{}/mqtt", server.url()))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    if let Some(offered) = offered {
        request = request.header("sec-websocket-protocol", offered);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"].as_str().unwrap().to_owned())
}

/// The figure of connections that `/metrics` shows.
async fn connections(server: &Server) -> Option<u64> {
    let response = server.request(reqwest::Method::GET, "/metrics").send().await.unwrap();
    let text = response.text().await.unwrap();
    text.lines().find_map(|line| line.strip_prefix("sensorium_mqtt_connections ")?.parse().ok())
}

#[test]
fn messages_are_binary_and_a_text_ends_the_connection() {
    covers!("MQTT-6.0.0-1");
    within_deadline(async {
        let mut client = WebClient::enter(server(), connect("websocket-binary")).await;
        client.ping().await;
        client.socket.send(Message::text("PINGREQ")).await.unwrap();
        assert_eq!(client.closed().await, CloseCode::Unsupported);
        // Also when its bytes are those of a packet.
        let mut client = WebClient::enter(server(), connect("websocket-text")).await;
        let text = Frame::message(vec![0x30, 0x05, 0, 1, b'a', 0, b'1'], OpCode::Data(Data::Text), true);
        client.socket.send(Message::Frame(text)).await.unwrap();
        assert_eq!(client.closed().await, CloseCode::Unsupported);
    });
}

#[test]
fn packets_and_messages_need_not_end_together() {
    covers!("MQTT-6.0.0-2");
    let topic = "conformance/websocket/frames/reading";
    within_deadline(async {
        let mut client = WebClient::open(server()).await;
        // A message for each byte.
        for byte in wire(&Packet::Connect(Box::new(connect("websocket-frames"))), Version::V5) {
            client.socket.feed(Message::binary(vec![byte])).await.unwrap();
        }
        client.socket.flush().await.unwrap();
        assert!(matches!(client.next().await, Packet::ConnAck(ack) if ack.reason == ReasonCode::Success));
        client.subscribe(topic).await;
        // Two packets and the half of a third, the other half with nothing in between but a ping and an empty message.
        let publish = wire(&Packet::Publish(Box::new(message(topic, Qos::AtMostOnce, PAYLOAD))), Version::V5);
        let (first, second) = publish.split_at(7);
        let together = [publish.as_slice(), &publish, first].concat();
        for message in [Message::binary(together), Message::Ping("alive".into()), Message::binary(Vec::new())] {
            client.socket.send(message).await.unwrap();
        }
        client.socket.send(Message::binary(second.to_vec())).await.unwrap();
        for _ in 0..3 {
            assert_eq!(client.payload().await, PAYLOAD.as_bytes());
        }
        // A message of several frames.
        let (first, second) = publish.split_at(3);
        for (part, code, is_last) in [(first, Data::Binary, false), (second, Data::Continue, true)] {
            let frame = Frame::message(part.to_vec(), OpCode::Data(code), is_last);
            client.socket.send(Message::Frame(frame)).await.unwrap();
        }
        assert_eq!(client.payload().await, PAYLOAD.as_bytes());
    });
}

#[test]
fn packets_that_are_longer_than_a_message_of_the_server_arrive() {
    covers!("MQTT-6.0.0-2");
    let topic = "conformance/websocket/long/reading";
    let payload = json!({"note": "x".repeat(50_000)}).to_string();
    within_deadline(async {
        let mut client = WebClient::enter(server(), connect("websocket-long")).await;
        client.subscribe(topic).await;
        client.send(Packet::Publish(Box::new(message(topic, Qos::AtMostOnce, &payload)))).await;
        assert_eq!(client.payload().await, payload.as_bytes());
        client.ping().await;
    });
}

#[test]
fn the_subprotocol_is_mqtt() {
    covers!("MQTT-6.0.0-4");
    within_deadline(async {
        let (mut client, response) =
            WebClient::over(tcp(server()).await, handshake(server(), "mqttv3.1, mqtt, chat")).await;
        assert_eq!(response.headers()["sec-websocket-protocol"], "mqtt");
        assert_eq!(client.hello(connect("websocket-subprotocol")).await, ReasonCode::Success);
        for offered in [None, Some("mqttv3.1"), Some("chat, MQTT")] {
            let (status, sentence) = refused(server(), offered).await;
            assert_eq!(status, 400, "{offered:?}: {sentence}");
            assert!(sentence.contains("subprotocol mqtt"), "{sentence}");
        }
    });
}

#[test]
fn clients_of_both_ways_share_topics_and_sessions() {
    let topic = "conformance/websocket/both/reading";
    let mut subscriber = Client::new("websocket-both-s");
    subscriber.subscribe(topic, Qos::AtLeastOnce);
    within_deadline(async {
        let mut client = WebClient::enter(server(), connect("websocket-both-p")).await;
        client.send(Packet::Publish(Box::new(message(topic, Qos::AtMostOnce, PAYLOAD)))).await;
        client.ping().await;
    });
    assert_eq!(subscriber.payload(), PAYLOAD);
    within_deadline(async {
        let mut client = WebClient::enter(server(), connect("websocket-both-s")).await;
        client.ping().await;
    });
    assert_eq!(subscriber.ended(), Some(ReasonCode::SessionTakenOver));
}

#[test]
fn a_message_that_is_too_long_ends_the_connection_before_it_has_come() {
    let server = only_websocket().set("mqtt.packet_bytes", 1_000).start();
    within_deadline(async {
        let mut client = WebClient::enter(&server, connect("large")).await;
        let opcode = OpCode::Data(Data::Binary);
        let header = FrameHeader { opcode, mask: Some([0; 4]), ..FrameHeader::default() };
        let mut bytes = Vec::new();
        header.format(1_001, &mut bytes).unwrap();
        client.socket.get_mut().write_all(&bytes).await.unwrap();
        assert_eq!(client.closed().await, CloseCode::Size);
        // Of several frames, each of which is short enough.
        let mut client = WebClient::enter(&server, connect("large")).await;
        for (code, is_last) in [(Data::Binary, false), (Data::Continue, false)] {
            let frame = Frame::message(vec![0x30; 600], OpCode::Data(code), is_last);
            client.socket.send(Message::Frame(frame)).await.unwrap();
        }
        assert_eq!(client.closed().await, CloseCode::Size);
    });
}

#[test]
fn a_connection_takes_a_place_and_gives_it_back() {
    let server = only_websocket().set("mqtt.connections", 1).start();
    within_deadline(async {
        let mut client = WebClient::enter(&server, connect("place")).await;
        client.ping().await;
        let (status, sentence) = refused(&server, Some("mqtt")).await;
        assert_eq!(status, 503, "{sentence}");
        assert!(sentence.contains("mqtt.connections"), "{sentence}");
        assert_eq!(connections(&server).await, Some(1));
        client.socket.close(None).await.unwrap();
        while client.socket.next().await.is_some() {}
    });
    wait_for("the end of the connection", || block_on(connections(&server)).filter(|count| *count == 0));
    within_deadline(async { WebClient::enter(&server, connect("place")).await.ping().await });
}

#[test]
fn it_is_there_only_when_it_is_set_and_beside_the_page() {
    let page = async |server: &Server| {
        let response = http().get(format!("{}/mqtt", server.url())).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    };
    let server = only_websocket().start();
    within_deadline(async {
        WebClient::enter(&server, connect("alone")).await.ping().await;
        page(&server).await;
    });
    let server = Start::new().quiet().mqtt().start();
    within_deadline(async {
        let outcome = client_async(handshake(&server, "mqtt"), tcp(&server).await).await;
        assert!(outcome.is_err(), "a WebSocket was opened");
        page(&server).await;
    });
}

#[test]
fn over_tls() {
    let server = only_websocket().arg("--tls-self-signed").start();
    within_deadline(async {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(trusting()).connect(name, tcp(&server).await).await.unwrap();
        let (mut client, _) = WebClient::over(stream, handshake(&server, "mqtt")).await;
        assert_eq!(client.hello(connect("tls")).await, ReasonCode::Success);
        client.ping().await;
    });
}

#[test]
fn a_stop_says_goodbye_and_is_not_held_up() {
    let mut server = only_websocket().start();
    within_deadline(async {
        let mut client = WebClient::enter(&server, connect("stop")).await;
        client.ping().await;
        server.signal(rustix::process::Signal::TERM);
        assert!(
            matches!(client.next().await, Packet::Disconnect(last) if last.reason == ReasonCode::ServerShuttingDown)
        );
        while let Some(Ok(message)) = client.socket.next().await {
            assert!(matches!(message, Message::Close(_)), "{message:?}");
        }
    });
    assert_eq!(server.wait().code(), Some(0));
}

/// A browser sends its cookies with the handshake also for a page of another site: they must not let it in.
#[test]
fn a_cookie_lets_nobody_in() {
    let sign_in = json!({"login": LOGIN, "password": PASSWORD});
    within_deadline(async {
        let request = http().post(format!("{}/api/v1/session", server().url())).json(&sign_in);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.status());
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let opened = async |connect: Connect| {
            let mut request = handshake(server(), "mqtt");
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
            request.headers_mut().insert("origin", "https://elsewhere.example".parse().unwrap());
            WebClient::over(tcp(server()).await, request).await.0.hello(connect).await
        };
        let without = Connect { username: None, password: None, ..connect("websocket-cookie") };
        assert_eq!(opened(without).await, ReasonCode::NotAuthorized);
        let with = Connect { password: Some(TOKEN.into()), ..connect("websocket-token") };
        assert_eq!(opened(with).await, ReasonCode::Success);
    });
}
