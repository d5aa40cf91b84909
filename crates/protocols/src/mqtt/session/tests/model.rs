//! A model of a client, a network that loses what is under way, and a disk that is synced now and then. Whatever the order of
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
    /// The server goes on with what it was asked for first.
    Act,
    /// The disk is synced.
    Sync,
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
        1 => Just(Step::Reconnect),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 0..120)
}

/// What is written to the disk; all before one that is durable are durable.
#[derive(Debug)]
enum Write {
    Session(Changes),
    /// A QoS 2 message came.
    Came(PacketId, i64),
    /// A reading under its time: writing it again changes nothing.
    Reading(String, i64),
    /// A QoS 2 message is taken.
    Taken(PacketId),
    /// A QoS 2 identifier is free.
    Free(PacketId),
}

/// What the server was asked for: the writes that are still to be done one after the other, each when the one before is durable,
/// and who waits.
#[derive(Debug)]
struct Job {
    writes: VecDeque<Write>,
    ticket: Ticket,
    /// How many writes must be durable to go on.
    after: usize,
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
    jobs: VecDeque<Job>,
    writes: Vec<Write>,
    durable: usize,
    /// Bytes wait until so many writes are durable.
    held: usize,
    /// The time, which goes on with each message.
    now_ns: i64,
    published: Vec<(String, Qos)>,
    sent: Vec<(String, Qos)>,
}

impl World {
    fn new(version: Version) -> Self {
        let limits = MqttLimits { receive_maximum: 5, inflight_messages: 3, ..MqttLimits::default() };
        let script = Script::accepted(client(version), limits, None);
        let mut world = Self {
            version,
            limits,
            client: Client::default(),
            script,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            jobs: VecDeque::new(),
            writes: Vec::new(),
            durable: 0,
            held: 0,
            now_ns: 0,
            published: Vec::new(),
            sent: Vec::new(),
        };
        world.collect();
        world.step(Step::Sync);
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
            Step::Sync => self.durable = self.writes.len(),
            Step::Reconnect => {
                self.script.connection.lost(0, &mut self.script.out);
                // What was asked for is done, though nobody waits.
                self.collect();
                let old = std::mem::replace(&mut self.script, Script::open(self.version, self.limits, 0));
                let session = old.connection.into_session().unwrap();
                self.connect(session);
            }
            Step::Crash => {
                self.writes.truncate(self.durable);
                let mut disk = Disk::default();
                for write in &mut self.writes {
                    match write {
                        // Only the session is read of it again.
                        Write::Session(changes) => disk.write(Changes {
                            head: changes.head.clone(),
                            messages: changes.messages.clone(),
                            is_awaited: false,
                        }),
                        Write::Came(packet_id, received_ns) => {
                            let (packet_id, received_ns) = (*packet_id, *received_ns);
                            disk.received.insert(packet_id, Received { packet_id, received_ns, is_taken: false });
                        }
                        Write::Taken(packet_id) => disk.received.get_mut(packet_id).unwrap().is_taken = true,
                        Write::Free(packet_id) => drop(disk.received.remove(packet_id)),
                        Write::Reading(..) => {}
                    }
                }
                self.jobs.clear();
                self.held = 0;
                self.script = Script::open(self.version, self.limits, 0);
                self.connect(disk.read(0));
            }
        }
        self.collect();
    }

    /// What the server has for the client and for the world.
    fn collect(&mut self) {
        for action in std::mem::take(&mut self.script.out.actions) {
            let (writes, ticket) = match action {
                Action::Publish { message, ticket: Some(ticket), received } => {
                    self.now_ns += 1;
                    let name = String::from_utf8_lossy(&message.content.payload).into_owned();
                    let first_ns = received.and_then(|begun| begun.first_ns);
                    let reading = Write::Reading(name, first_ns.unwrap_or(self.now_ns));
                    let writes = match received {
                        Some(Begun { packet_id, .. }) => {
                            let came = Write::Came(packet_id, first_ns.unwrap_or(self.now_ns));
                            VecDeque::from([came, reading, Write::Taken(packet_id)])
                        }
                        None => VecDeque::from([reading]),
                    };
                    (writes, ticket)
                }
                Action::Release { packet_id, ticket } => (VecDeque::from([Write::Free(packet_id)]), ticket),
                _ => continue,
            };
            self.jobs.push_back(Job { writes, ticket, after: 0 });
        }
        let changes = self.script.connection.take_changes();
        let is_awaited = changes.is_awaited;
        self.writes.push(Write::Session(changes));
        if is_awaited {
            self.held = self.writes.len();
        }
        if self.held > self.durable {
            return;
        }
        while let Some(packet) = self.script.first_packet() {
            self.check(&packet);
            self.to_client.push_back(packet);
        }
    }

    /// Nothing is acknowledged before it is durable.
    fn check(&self, packet: &Packet) {
        let durable = &self.writes[..self.durable];
        if let Packet::PubComp(ack) = packet {
            let last = durable.iter().rev().find(|write| match write {
                Write::Came(packet_id, _) | Write::Free(packet_id) => *packet_id == ack.packet_id,
                _ => false,
            });
            assert!(matches!(last, Some(Write::Free(_))), "{ack:?}");
        }
        let (Packet::PubAck(ack) | Packet::PubRec(ack)) = packet else { return };
        let Some((_, Packet::Publish(publish))) = self.client.pending.iter().find(|(id, _)| *id == ack.packet_id)
        else {
            return;
        };
        let name = String::from_utf8_lossy(&publish.content.payload).into_owned();
        assert!(durable.iter().any(|write| matches!(write, Write::Reading(stored, _) if *stored == name)), "{name}");
    }

    fn connect(&mut self, session: Session) {
        self.to_server.clear();
        self.to_client.clear();
        self.script.send(Packet::Connect(Box::new(client(self.version))));
        let accept = Accept { session: Some(session), ..Accept::default() };
        self.script.connection.accept(accept, 0, &mut self.script.out);
        self.to_client.clear();
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
            Packet::ConnAck(ack) => assert!(ack.session_present),
            other => panic!("{other:?}"),
        }
    }

    /// The server goes on with what it was asked for first: one more write, or the answer when all are durable.
    fn act(&mut self) {
        let Some(job) = self.jobs.front_mut().filter(|job| job.after <= self.durable) else { return };
        if let Some(write) = job.writes.pop_front() {
            self.writes.push(write);
            job.after = self.writes.len();
            return;
        }
        let ticket = job.ticket;
        self.jobs.pop_front();
        self.script.outcome(ticket, Outcome::Taken);
        self.script.read();
    }

    /// Everything that is under way arrives.
    fn settle(&mut self) {
        self.step(Step::Reconnect);
        for _ in 0..1_000 {
            for step in [Step::ToServer, Step::Act, Step::Sync, Step::ToClient] {
                self.step(step);
            }
        }
        assert!(self.to_server.is_empty() && self.to_client.is_empty() && self.jobs.is_empty());
        assert_eq!(self.client.pending, [], "everything is acknowledged");
        let session = self.script.connection.session().unwrap();
        assert_eq!((session.queued(), session.inflight()), (0, 0));
    }

    fn verify(&self) {
        for (name, qos) in &self.published {
            let times: BTreeSet<i64> = self
                .writes
                .iter()
                .filter_map(|write| match write {
                    Write::Reading(stored, time_ns) if stored == name => Some(*time_ns),
                    _ => None,
                })
                .collect();
            let times = times.len();
            assert!(
                times == 1 || (*qos == Qos::AtLeastOnce && times > 1),
                "{name} {qos:?} is there with {times} times"
            );
        }
        for (name, qos) in &self.sent {
            let times = self.client.delivered.get(name).copied().unwrap_or_default();
            assert!(times == 1 || (*qos == Qos::AtLeastOnce && times > 1), "{name} {qos:?} came {times} times");
        }
    }
}

proptest! {
    #[test]
    fn messages_in_both_directions_arrive_as_often_as_their_qos_says(steps in steps(), is_v5 in any::<bool>()) {
        let mut world = World::new(if is_v5 { Version::V5 } else { Version::V3 });
        for step in steps {
            // A message that was taken for the session is durable with it before anybody hears of it.
            let is_taken = matches!(step, Step::Deliver(_));
            world.step(step);
            if is_taken {
                world.step(Step::Sync);
            }
        }
        world.settle();
        world.verify();
    }
}
