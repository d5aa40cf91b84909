//! What survives `kill -9`: what was acknowledged, sessions with what waits for them, and retained messages.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Connect, Packet, PacketId, Publish, Qos};

use super::client::{Client, again, connect, id, lasting, message, retained, will};
use super::numbered;
use crate::durability::asked;
use crate::support::{Server, Start};

fn start(data_dir: &Path) -> Server {
    // Credentials of the process before are those of the next.
    Start::at(data_dir).quiet().mqtt().start()
}

fn enter(server: &Server, connect: Connect) -> (Client, bool) {
    let (client, ack) = Client::hello_at(server, connect);
    assert_eq!(ack.reason, ReasonCode::Success, "{ack:?}");
    (client, ack.session_present)
}

#[test]
fn a_session_its_messages_and_what_is_retained_are_back_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = start(&data_dir);
    let (mut listener, _) = enter(&server, lasting("restart-l"));
    listener.subscribe("restart/+/reading", Qos::ExactlyOnce);
    let (mut publisher, _) = enter(&server, lasting("restart-p"));
    publisher.publish("restart/a/reading", Qos::ExactlyOnce, &numbered(1));
    publisher.publish("restart/a/reading", Qos::AtLeastOnce, &numbered(2));
    publisher.publish_whole(retained("restart/kept", "ON"));
    publisher.publish_whole(retained("restart/removed", "ON"));
    publisher.publish_whole(retained("restart/removed", ""));
    // They came, and neither is acknowledged; of the first also PUBREC is said.
    let (first, second) = (listener.message(), listener.message());
    let first_id = first.packet_id.unwrap();
    listener.send(Packet::PubRec(Ack::new(first_id, ReasonCode::Success)));
    listener.released(first_id);
    server.kill();

    let server = start(&data_dir);
    let (mut listener, was_there) = enter(&server, again("restart-l"));
    assert!(was_there);
    listener.released(first_id);
    listener.send(Packet::PubComp(Ack::new(first_id, ReasonCode::Success)));
    let again_second = listener.receive();
    assert_eq!((again_second.packet_id, again_second.dup), (second.packet_id, true), "[MQTT-4.4.0-1]");
    assert_eq!(again_second.content.payload, numbered(2));
    let (mut publisher, was_there) = enter(&server, again("restart-p"));
    assert!(was_there);
    publisher.publish("restart/b/reading", Qos::AtLeastOnce, &numbered(3));
    assert_eq!(listener.payload(), numbered(3), "it still subscribes");
    let (mut newcomer, _) = enter(&server, connect("restart-n"));
    newcomer.subscribe("restart/#", Qos::AtLeastOnce);
    assert_eq!(newcomer.receive().topic.as_ref(), "restart/kept");
    newcomer.assert_silent();

    // What was acknowledged is gone for good, and a session that is ended too.
    listener.leave();
    let (forgetful, _) = enter(&server, Connect { clean_start: true, ..connect("restart-p") });
    forgetful.leave();
    server.kill();
    let server = start(&data_dir);
    let (mut listener, was_there) = enter(&server, again("restart-l"));
    assert!(was_there);
    listener.assert_silent();
    assert!(!enter(&server, again("restart-p")).1);
}

#[test]
fn a_will_is_published_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = start(&data_dir);
    let (mut listener, _) = enter(&server, lasting("restart-will-l"));
    listener.subscribe("restart/will", Qos::AtLeastOnce);
    let _dying = enter(&server, Connect { will: Some(will("restart/will")), ..lasting("restart-will") });
    server.kill();
    let server = start(&data_dir);
    let (mut listener, _) = enter(&server, again("restart-will-l"));
    assert_eq!(listener.receive().topic.as_ref(), "restart/will");
}

/// How long the server lives in a round, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 20..300;
/// Clients that write; every second one with QoS 2.
const PUBLISHERS: usize = 4;
/// More messages than one of them sends.
const NUMBERS: usize = 1_000_000;

/// A client that publishes numbered messages one after the other, and sends again what it was not told to be taken (section 4.4).
struct Publisher {
    name: String,
    qos: Qos,
    /// Before its first number.
    first: usize,
    /// The number that was sent last.
    last: usize,
    /// What is under way: the packet that is sent again.
    pending: Option<Packet>,
}

impl Publisher {
    fn new(position: usize) -> Self {
        let qos = if position.is_multiple_of(2) { Qos::AtLeastOnce } else { Qos::ExactlyOnce };
        let first = position * NUMBERS;
        Self { name: format!("kills-{position}"), qos, first, last: first, pending: None }
    }

    /// Publishes until the server is gone.
    fn run(&mut self, address: SocketAddr) {
        let Some(mut client) = Client::try_enter(address, again(&self.name)) else { return };
        while self.finish(&mut client).is_some() {
            self.last += 1;
            // Few identifiers, so that they come again soon.
            let packet_id = Some(id(u16::try_from(self.last % 50).unwrap() + 1));
            let message = message(&format!("kills/{}/mqtt_kills", self.name), self.qos, &numbered(self.last));
            let publish = Publish { packet_id, ..message };
            self.pending = Some(Packet::Publish(Box::new(Publish { dup: true, ..publish.clone() })));
            if client.try_send(Packet::Publish(Box::new(publish))).is_none() || self.answered(&mut client).is_none() {
                return;
            }
        }
    }

    /// Sends again what is under way; none when the server is gone.
    fn finish(&mut self, client: &mut Client) -> Option<()> {
        match self.pending.clone() {
            Some(packet) => {
                client.try_send(packet)?;
                self.answered(client)
            }
            None => Some(()),
        }
    }

    /// Waits for the last answer; none when the server is gone.
    fn answered(&mut self, client: &mut Client) -> Option<()> {
        loop {
            match client.try_next()? {
                Packet::PubAck(_) | Packet::PubComp(_) => {
                    self.pending = None;
                    return Some(());
                }
                Packet::PubRec(ack) => {
                    let release = Packet::PubRel(Ack::new(ack.packet_id, ReasonCode::Success));
                    self.pending = Some(release.clone());
                    client.try_send(release)?;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A client that gets everything, and does everything right (section 4.3).
#[derive(Default)]
struct Listener {
    /// QoS 2 identifiers between PUBLISH and PUBREL.
    received: BTreeSet<PacketId>,
    /// How often each message came, by its payload.
    times: BTreeMap<Vec<u8>, usize>,
}

impl Listener {
    const NAME: &str = "kills-listener";

    /// Listens until the server is gone or, when `is_last`, nothing more is there.
    fn run(&mut self, address: SocketAddr, is_last: bool) {
        let Some(mut client) = Client::try_enter(address, again(Self::NAME)) else { return };
        let mut has_news = is_last;
        let mut answer = Some(Packet::PingReq).filter(|_| is_last);
        loop {
            if answer.take().is_some_and(|answer| client.try_send(answer).is_none()) {
                return;
            }
            let Some(packet) = client.try_next() else { return };
            if packet == Packet::PingResp {
                if !std::mem::take(&mut has_news) {
                    return;
                }
                answer = Some(Packet::PingReq);
                continue;
            }
            has_news = true;
            answer = Some(self.receive(packet));
        }
    }

    fn receive(&mut self, packet: Packet) -> Packet {
        match packet {
            Packet::Publish(publish) => {
                let packet_id = publish.packet_id.unwrap();
                let ack = Ack::new(packet_id, ReasonCode::Success);
                let is_exact = publish.qos == Qos::ExactlyOnce;
                if !is_exact || self.received.insert(packet_id) {
                    *self.times.entry(publish.content.payload.to_vec()).or_default() += 1;
                }
                if is_exact { Packet::PubRec(ack) } else { Packet::PubAck(ack) }
            }
            Packet::PubRel(ack) => {
                self.received.remove(&ack.packet_id);
                Packet::PubComp(Ack::new(ack.packet_id, ReasonCode::Success))
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn kills_under_load_lose_nothing_that_was_acknowledged_and_double_no_qos_2_message() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let (kills, seed) = (asked("SENSORIUM_KILLS", 50), asked("SENSORIUM_SEED", 0x5e45));
    let mut random = StdRng::seed_from_u64(seed);
    let mut publishers: Vec<Publisher> = (0..PUBLISHERS).map(Publisher::new).collect();
    let mut listener = Listener::default();
    let server = start(&data_dir);
    enter(&server, lasting(Listener::NAME)).0.subscribe("kills/#", Qos::ExactlyOnce);
    server.kill();
    for _ in 0..kills {
        let server = start(&data_dir);
        let address = server.mqtt();
        thread::scope(|scope| {
            publishers.iter_mut().for_each(|publisher| drop(scope.spawn(|| publisher.run(address))));
            scope.spawn(|| listener.run(address, false));
            thread::sleep(Duration::from_millis(random.random_range(LIFE_MS)));
            server.signal(rustix::process::Signal::KILL);
        });
        server.kill();
    }

    // What is under way arrives, and then everything was acknowledged.
    let server = start(&data_dir);
    for publisher in &mut publishers {
        let mut client = Client::try_enter(server.mqtt(), again(&publisher.name)).unwrap();
        publisher.finish(&mut client).unwrap();
    }
    listener.run(server.mqtt(), true);
    let rows = server.query("SELECT CAST(value AS BIGINT), count(*) FROM mqtt_kills GROUP BY value");
    let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let stored: BTreeMap<usize, usize> = rows.iter().map(|row| (number(&row[0]), number(&row[1]))).collect();
    let mut sent = 0;
    for publisher in &publishers {
        for number in publisher.first + 1..=publisher.last {
            sent += 1;
            let times = [stored.get(&number), listener.times.get(numbered(number).as_bytes())];
            let times = times.map(|times| times.copied().unwrap_or_default());
            let is_right = |times: &usize| *times == 1 || (publisher.qos == Qos::AtLeastOnce && *times > 1);
            assert!(times.iter().all(is_right), "{} {number}: stored and delivered {times:?} times", publisher.name);
        }
    }
    assert_eq!((stored.len(), listener.times.len()), (sent, sent), "nothing that was never sent");
    assert!(sent > usize::try_from(kills).unwrap() * 20, "only {sent} messages were sent: this proves little");
}
