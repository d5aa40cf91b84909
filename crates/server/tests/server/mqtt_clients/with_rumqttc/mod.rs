//! rumqttc, whose clients of 3.1.1 and 5.0 are two modules with the same names: what both are asked for stands here once, as
//! a macro. Nothing sleeps: each step waits for a packet.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{DEADLINE, block_on};

/// A client whose packets are waited for, and the features of both versions; for a module that has the names of one version, and
/// `options`, `lasting` and `will`.
macro_rules! both_versions {
    ($version:literal) => {
        /// A client with what came and was not asked for yet.
        struct Peer {
            client: AsyncClient,
            events: EventLoop,
            messages: VecDeque<Publish>,
        }

        impl Peer {
            /// Connects; whether there was a session.
            async fn open(options: MqttOptions) -> (Self, bool) {
                let (client, events) = AsyncClient::new(options, 100);
                let mut peer = Self { client, events, messages: VecDeque::new() };
                let is_present = peer.connected().await;
                (peer, is_present)
            }

            async fn enter(name: &str) -> Self {
                Self::open(options(name)).await.0
            }

            /// Waits for CONNACK; whether there is a session.
            async fn connected(&mut self) -> bool {
                let answer = self.wait(|event| matches!(event, Event::Incoming(Packet::ConnAck(_)))).await;
                let Event::Incoming(Packet::ConnAck(ack)) = answer else { panic!("{answer:?}") };
                ack.session_present
            }

            /// Waits for an event; messages are kept.
            async fn wait(&mut self, is_wanted: impl Fn(&Event) -> bool) -> Event {
                loop {
                    match self.events.poll().await.unwrap() {
                        event if is_wanted(&event) => return event,
                        Event::Incoming(Packet::Publish(publish)) => self.messages.push_back(publish),
                        _ => {}
                    }
                }
            }

            async fn subscribe(&mut self, topic: &str, qos: QoS) {
                self.client.subscribe(topic, qos).await.unwrap();
                self.granted(qos).await;
            }

            async fn granted(&mut self, qos: QoS) {
                let answer = self.wait(|event| matches!(event, Event::Incoming(Packet::SubAck(_)))).await;
                let Event::Incoming(Packet::SubAck(ack)) = answer else { panic!("{answer:?}") };
                assert_eq!(ack.return_codes, [SubscribeReasonCode::Success(qos)]);
            }

            async fn publish(&mut self, topic: &str, qos: QoS, payload: &'static str) {
                self.client.publish(topic, qos, false, payload).await.unwrap();
                self.published(qos).await;
            }

            /// Waits until a message is sent, and acknowledged as its QoS asks.
            async fn published(&mut self, qos: QoS) {
                self.wait(|event| match qos {
                    QoS::AtMostOnce => matches!(event, Event::Outgoing(Outgoing::Publish(_))),
                    QoS::AtLeastOnce => matches!(event, Event::Incoming(Packet::PubAck(_))),
                    QoS::ExactlyOnce => matches!(event, Event::Incoming(Packet::PubComp(_))),
                })
                .await;
            }

            async fn message(&mut self) -> Publish {
                if let Some(publish) = self.messages.pop_front() {
                    return publish;
                }
                let event = self.wait(|event| matches!(event, Event::Incoming(Packet::Publish(_)))).await;
                let Event::Incoming(Packet::Publish(publish)) = event else { panic!("{event:?}") };
                publish
            }

            /// Nothing came before a message that the client sends to itself.
            async fn nothing(&mut self, name: &str) {
                let topic = topic_of(&format!("{name}-marker"));
                self.subscribe(&topic, QoS::AtLeastOnce).await;
                self.publish(&topic, QoS::AtLeastOnce, MARKER).await;
                assert_eq!(self.message().await.payload, MARKER);
            }

            /// Leaves as a client should, and waits until the server has closed the connection.
            async fn leave(mut self) {
                self.client.disconnect().await.unwrap();
                while self.events.poll().await.is_ok() {}
            }

            /// The network fails; the client connects again when it waits for something.
            fn broken(&mut self) {
                self.events.clean();
            }
        }

        fn topic_of(name: &str) -> String {
            format!("rumqttc/{}/{}/{name}/reading", run(), $version)
        }

        #[test]
        fn s3_1_connect() {
            within_deadline(async {
                let (peer, is_present) = Peer::open(options("connect")).await;
                assert!(!is_present);
                peer.leave().await;
                let mut refused = options("refused");
                // Without a password, as wrong ones are limited for each address.
                refused.set_credentials("device", "");
                let (_client, mut events) = AsyncClient::new(refused, 1);
                let error = events.poll().await.unwrap_err();
                let is_refused = matches!(error, ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized));
                assert!(is_refused, "{error:?}");
            });
        }

        #[test]
        fn s3_1_2_5_will() {
            within_deadline(async {
                let topic = topic_of("will");
                let mut watcher = Peer::enter("will-watcher").await;
                watcher.subscribe(&topic, QoS::AtLeastOnce).await;
                let mut options = options("will");
                options.set_last_will(will(&topic, "{\"value\":0}"));
                Peer::open(options.clone()).await.0.leave().await;
                options.set_last_will(will(&topic, PAYLOAD));
                Peer::open(options).await.0.broken();
                assert_eq!(watcher.message().await.payload, PAYLOAD);
                watcher.nothing("will").await;
            });
        }

        #[test]
        fn s3_3_1_3_retained() {
            within_deadline(async {
                let topic = topic_of("retained");
                let mut publisher = Peer::enter("retained-p").await;
                publisher.client.publish(&topic, QoS::AtLeastOnce, true, PAYLOAD).await.unwrap();
                publisher.published(QoS::AtLeastOnce).await;
                let mut later = Peer::enter("retained-later").await;
                later.subscribe(&topic, QoS::AtLeastOnce).await;
                let message = later.message().await;
                assert_eq!((&message.payload[..], message.retain), (PAYLOAD.as_bytes(), true));
                publisher.client.publish(&topic, QoS::AtLeastOnce, true, "").await.unwrap();
                publisher.published(QoS::AtLeastOnce).await;
                let message = later.message().await;
                assert_eq!((&message.payload[..], message.retain), (&b""[..], false));
                let mut last = Peer::enter("retained-last").await;
                last.subscribe(&topic, QoS::AtLeastOnce).await;
                last.nothing("retained").await;
            });
        }

        #[test]
        fn s4_1_session() {
            within_deadline(async {
                let topic = topic_of("session");
                let (mut peer, is_present) = Peer::open(lasting("session")).await;
                assert!(!is_present);
                peer.subscribe(&topic, QoS::ExactlyOnce).await;
                peer.broken();
                let mut publisher = Peer::enter("session-p").await;
                publisher.publish(&topic, QoS::AtLeastOnce, "{\"value\":1}").await;
                publisher.publish(&topic, QoS::ExactlyOnce, "{\"value\":2}").await;
                assert!(peer.connected().await);
                for (value, qos) in [("{\"value\":1}", QoS::AtLeastOnce), ("{\"value\":2}", QoS::ExactlyOnce)] {
                    let message = peer.message().await;
                    assert_eq!((&message.payload[..], message.qos), (value.as_bytes(), qos));
                }
                // rumqttc takes no PUBREL of a connection before, so the server is to know that the exchange is over.
                peer.wait(|event| matches!(event, Event::Outgoing(Outgoing::PubComp(_)))).await;
                peer.subscribe(&topic_of("session-other"), QoS::AtMostOnce).await;
                // What was under way from the client goes on too.
                peer.client.publish(&topic, QoS::AtLeastOnce, false, "{\"value\":3}").await.unwrap();
                peer.wait(|event| matches!(event, Event::Outgoing(Outgoing::Publish(_)))).await;
                peer.broken();
                assert!(peer.connected().await);
                peer.published(QoS::AtLeastOnce).await;
                assert_eq!(peer.message().await.payload, "{\"value\":3}");
                peer.leave().await;
            });
        }

        #[test]
        fn s4_3_qos() {
            within_deadline(async {
                let mut publisher = Peer::enter("qos-p").await;
                for granted in QOS {
                    let topic = topic_of(&format!("qos-{}", granted as u8));
                    let mut peer = Peer::enter("qos-s").await;
                    peer.subscribe(&topic, granted).await;
                    for qos in QOS {
                        publisher.publish(&topic, qos, PAYLOAD).await;
                        let message = peer.message().await;
                        let lower = if (qos as u8) < granted as u8 { qos } else { granted };
                        assert_eq!((&message.payload[..], message.qos), (PAYLOAD.as_bytes(), lower));
                    }
                    peer.leave().await;
                }
            });
        }

        const QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
    };
}

mod version_3_1_1;
mod version_5;

const PAYLOAD: &str = r#"{"value":1}"#;
const MARKER: &str = r#"{"value":999}"#;

/// A name of this run: a server that is asked twice remembers sessions and retained messages.
fn run() -> u128 {
    static RUN: OnceLock<u128> = OnceLock::new();
    *RUN.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos())
}

/// Runs a test within the deadline.
fn within_deadline(test: impl Future<Output = ()>) {
    block_on(async { tokio::time::timeout(DEADLINE, test).await.unwrap() });
}
