//! A model of a client, a network that loses what is under way, and a log that is synced now and then. Whatever the order of
//! acknowledgements, breaks and crashes: QoS 1 arrives at least once and QoS 2 exactly once, and nothing is acknowledged before
//! it is durable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The client publishes something.
    Publish(Qos),
    /// Somebody else publishes something that the client subscribes to.
    Deliver(Qos),
    /// A packet reaches the server.
    ToServer,
    /// A packet reaches the client.
    ToClient,
    /// The server does what it was asked for first.
    Act,
    /// The log is synced.
    Sync,
    /// The session is stored.
    Store,
    /// The connection breaks, and the client comes back.
    Reconnect,
    /// The server is killed; the client comes back.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let qos = || prop::sample::select(&[Qos::AtLeastOnce, Qos::ExactlyOnce][..]);
    let step = prop_oneof![
        3 => qos().prop_map(Step::Publish),
        3 => qos().prop_map(Step::Deliver),
        6 => Just(Step::ToServer),
        6 => Just(Step::ToClient),
        5 => Just(Step::Act),
        3 => Just(Step::Sync),
        1 => Just(Step::Store),
        1 => Just(Step::Reconnect),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 0..120)
}

/// A record of the log, with its number from 1.
#[derive(Debug, Clone)]
enum Record {
    Message(String, Option<PacketId>),
    Release(PacketId),
}

/// A client that does everything right (section 4.4).
#[derive(Debug, Default)]
struct Client {
    next: u16,
    /// Sent or to be sent, in order: the packet that is sent again.
    pending: Vec<(PacketId, Packet)>,
    /// QoS 2 identifiers between PUBLISH and PUBREL.
    received: BTreeSet<PacketId>,
    /// How often each message came.
    delivered: BTreeMap<String, usize>,
}

struct World {
    version: Version,
    limits: MqttLimits,
    client: Client,
    script: Script,
    to_server: VecDeque<Packet>,
    to_client: VecDeque<Packet>,
    actions: VecDeque<Action>,
    log: Vec<Record>,
    durable: u64,
    /// The session and how long the log was.
    stored: (Vec<u8>, u64),
    /// Store the session before anything is sent, which makes deliveries survive a crash.
    stores_first: bool,
    published: Vec<(String, Qos)>,
    sent: Vec<(String, Qos)>,
}

impl World {
    fn new(version: Version, stores_first: bool) -> Self {
        let limits = MqttLimits { receive_maximum: 5, inflight_messages: 3, ..MqttLimits::default() };
        let script = Script::accepted(client(version), limits, None);
        let mut world = Self {
            version,
            limits,
            client: Client::default(),
            script,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            actions: VecDeque::new(),
            log: Vec::new(),
            durable: 0,
            stored: (Vec::new(), 0),
            stores_first,
            published: Vec::new(),
            sent: Vec::new(),
        };
        world.store();
        world
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Publish(qos) => self.publish(qos),
            Step::Deliver(qos) => {
                let name = format!("s{}", self.sent.len());
                self.sent.push((name.clone(), qos));
                self.script.deliver(delivery(qos, &name));
            }
            Step::ToServer => {
                if let Some(packet) = self.to_server.pop_front() {
                    self.script.send(packet);
                }
            }
            Step::ToClient => {
                if let Some(packet) = self.to_client.pop_front() {
                    self.receive(packet);
                }
            }
            Step::Act => self.act(),
            Step::Sync => {
                self.durable = self.log.len() as u64;
                self.script.durable(self.durable);
            }
            Step::Store => self.store(),
            Step::Reconnect => {
                self.script.connection.lost(0, &mut self.script.out);
                // What was asked for is done, though nobody waits.
                let actions = std::mem::take(&mut self.script.out.actions);
                self.actions.extend(actions);
                let old = std::mem::replace(&mut self.script, Script::open(self.version, self.limits, 0));
                let session = old.connection.into_session().unwrap();
                self.connect(session);
            }
            Step::Crash => {
                self.log.truncate(usize::try_from(self.durable).unwrap());
                let mut session: Session = serde_json::from_slice(&self.stored.0).unwrap();
                session.restored(self.durable, 0);
                for (position, record) in self.log.iter().enumerate() {
                    let seq = position as u64 + 1;
                    match record {
                        _ if seq <= self.stored.1 => {}
                        Record::Message(_, Some(packet_id)) => session.received(*packet_id, seq),
                        Record::Message(_, None) => {}
                        Record::Release(packet_id) => session.released(*packet_id),
                    }
                }
                self.actions.clear();
                self.script = Script::open(self.version, self.limits, 0);
                self.connect(session);
                // What was stored is not older than the log any more.
                self.store();
            }
        }
        self.collect();
    }

    /// What the server has for the client and for the world.
    fn collect(&mut self) {
        let actions = std::mem::take(&mut self.script.out.actions);
        self.actions.extend(actions.into_iter().filter(|action| !matches!(action, Action::Connect(_))));
        if self.stores_first && !self.script.out.bytes.is_empty() {
            self.store();
        }
        while let Some(packet) = self.script.first_packet() {
            self.check(&packet);
            self.to_client.push_back(packet);
        }
        assert!(!self.script.connection.is_closed(), "{:?}", self.actions);
    }

    /// Nothing is acknowledged before it is durable.
    fn check(&self, packet: &Packet) {
        let durable = &self.log[..usize::try_from(self.durable).unwrap()];
        if let Packet::PubComp(ack) = packet {
            let last = durable.iter().rev().find(|record| match record {
                Record::Message(_, packet_id) => *packet_id == Some(ack.packet_id),
                Record::Release(packet_id) => *packet_id == ack.packet_id,
            });
            assert!(matches!(last, Some(Record::Release(_))), "{ack:?}");
        }
        let (Packet::PubAck(ack) | Packet::PubRec(ack)) = packet else { return };
        let Some((_, Packet::Publish(publish))) = self.client.pending.iter().find(|(id, _)| *id == ack.packet_id)
        else {
            return;
        };
        let name = String::from_utf8_lossy(&publish.content.payload).into_owned();
        assert!(durable.iter().any(|record| matches!(record, Record::Message(logged, _) if *logged == name)), "{name}");
    }

    fn store(&mut self) {
        self.stored = (serde_json::to_vec(self.script.connection.session().unwrap()).unwrap(), self.log.len() as u64);
    }

    fn connect(&mut self, session: Session) {
        self.to_server.clear();
        self.to_client.clear();
        self.script.send(Packet::Connect(Box::new(client(self.version))));
        let accept = Accept { session: Some(session), durable: self.durable, ..Accept::default() };
        self.script.connection.accept(accept, 0, &mut self.script.out);
        let Some(Packet::ConnAck(ack)) = self.script.first_packet() else { panic!() };
        assert!(ack.session_present);
        for (_, packet) in &mut self.client.pending {
            if let Packet::Publish(publish) = packet {
                publish.dup = true;
            }
            self.to_server.push_back(packet.clone());
        }
    }

    fn publish(&mut self, qos: Qos) {
        // As many as the server takes.
        if self.client.pending.len() >= usize::from(self.limits.receive_maximum) {
            return;
        }
        let taken = |number: u16| self.client.pending.iter().any(|(id, _)| id.get() == number);
        // Few identifiers, so that they come again soon.
        let number = (1..=8).map(|step| (self.client.next + step) % 8 + 1).find(|number| !taken(*number)).unwrap();
        self.client.next = number;
        let name = format!("c{}", self.published.len());
        self.published.push((name.clone(), qos));
        let packet = publish(qos, number, &name);
        self.client.pending.push((id(number), packet.clone()));
        self.to_server.push_back(packet);
    }

    /// The client gets a packet.
    fn receive(&mut self, packet: Packet) {
        let client = &mut self.client;
        match packet {
            Packet::PubAck(ack) => client.pending.retain(|(id, _)| *id != ack.packet_id),
            Packet::PubRec(ack) => {
                let release = Packet::PubRel(ok(ack.packet_id.get()));
                if let Some(pending) = client.pending.iter_mut().find(|(id, _)| *id == ack.packet_id) {
                    pending.1 = release.clone();
                }
                self.to_server.push_back(release);
            }
            Packet::PubComp(ack) => client.pending.retain(|(id, _)| *id != ack.packet_id),
            Packet::Publish(publish) => {
                let packet_id = publish.packet_id.unwrap();
                let name = String::from_utf8_lossy(&publish.content.payload).into_owned();
                match publish.qos {
                    Qos::ExactlyOnce => {
                        if client.received.insert(packet_id) {
                            *client.delivered.entry(name).or_default() += 1;
                        }
                        self.to_server.push_back(Packet::PubRec(ok(packet_id.get())));
                    }
                    _ => {
                        *client.delivered.entry(name).or_default() += 1;
                        self.to_server.push_back(Packet::PubAck(ok(packet_id.get())));
                    }
                }
            }
            Packet::PubRel(ack) => {
                client.received.remove(&ack.packet_id);
                self.to_server.push_back(Packet::PubComp(ok(ack.packet_id.get())));
            }
            other => panic!("{other:?}"),
        }
    }

    /// The server does what it was asked for first.
    fn act(&mut self) {
        let (record, ticket) = match self.actions.pop_front() {
            Some(Action::Publish { message, ticket: Some(ticket), packet_id }) => {
                let name = String::from_utf8_lossy(&message.content.payload).into_owned();
                (Record::Message(name, packet_id), ticket)
            }
            Some(Action::Release { packet_id, ticket }) => (Record::Release(packet_id), ticket),
            _ => return,
        };
        self.log.push(record);
        self.script.outcome(ticket, Outcome::Logged(self.log.len() as u64));
        self.script.read();
    }

    /// Everything that is under way arrives.
    fn settle(&mut self) {
        self.step(Step::Reconnect);
        for _ in 0..400 {
            for step in [Step::ToServer, Step::Act, Step::Sync, Step::ToClient] {
                self.step(step);
            }
        }
        assert!(self.to_server.is_empty() && self.to_client.is_empty() && self.actions.is_empty());
        assert_eq!(self.client.pending, [], "everything is acknowledged");
        let session = self.script.connection.session().unwrap();
        assert_eq!((session.queued(), session.inflight()), (0, 0));
    }

    fn verify(&self) {
        for (name, qos) in &self.published {
            let times = self.log.iter().filter(|record| matches!(record, Record::Message(n, _) if n == name)).count();
            assert!(
                times == 1 || (*qos == Qos::AtLeastOnce && times > 1),
                "{name} {qos:?} is {times} times in the log"
            );
        }
        if !self.stores_first {
            return;
        }
        for (name, qos) in &self.sent {
            let times = self.client.delivered.get(name).copied().unwrap_or_default();
            assert!(times == 1 || (*qos == Qos::AtLeastOnce && times > 1), "{name} {qos:?} came {times} times");
        }
    }
}

proptest! {
    #[test]
    fn messages_of_the_client_are_in_the_log_as_often_as_their_qos_says(steps in steps(), is_v5 in any::<bool>()) {
        let mut world = World::new(if is_v5 { Version::V5 } else { Version::V3 }, false);
        for step in steps {
            // What the server sends the client survives a crash only when sessions are stored first.
            if !matches!(step, Step::Deliver(_)) {
                world.step(step);
            }
        }
        world.settle();
        world.verify();
    }

    #[test]
    fn messages_in_both_directions_arrive_as_often_as_their_qos_says(steps in steps(), is_v5 in any::<bool>()) {
        let mut world = World::new(if is_v5 { Version::V5 } else { Version::V3 }, true);
        for step in steps {
            // A message that was taken for the session is stored with it before anybody hears of it.
            let is_taken = matches!(step, Step::Deliver(_));
            world.step(step);
            if is_taken {
                world.store();
            }
        }
        world.settle();
        world.verify();
    }
}
