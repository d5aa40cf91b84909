//! The table against clients of the same engine, without sockets.

use std::collections::VecDeque;
use std::time::Instant;

use dimpl::{Config, Dtls, Output, PskResolver};
use sensorium_model::OrgId;

use super::*;

const START_MS: u64 = 1_000_000;
const IDENTITY: &str = "attic";
const KEY: &[u8] = b"0123456789abcdef";

struct One(Vec<u8>);

impl PskResolver for One {
    fn resolve(&self, _identity: &[u8]) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }
}

/// A client with a key.
struct Client {
    peer: Peer,
    dtls: Dtls,
    is_connected: bool,
    is_over: bool,
    heard: Vec<Vec<u8>>,
}

impl Client {
    fn new(port: u16, key: &[u8], now: Instant) -> Self {
        let config = Config::builder()
            .dtls13_cipher_suites(&[])
            .with_psk_client(IDENTITY.as_bytes().to_vec(), Arc::new(One(key.to_vec())))
            .build()
            .unwrap();
        let mut dtls = Dtls::new_12_psk(Arc::new(config), now);
        dtls.set_active(true);
        dtls.handle_timeout(now).unwrap();
        let peer = Peer { address: ([127, 0, 0, 1], port).into(), local: None };
        Self { peer, dtls, is_connected: false, is_over: false, heard: Vec::new() }
    }

    fn says(&mut self) -> Vec<Bytes> {
        let mut room = [0; 2_048];
        let mut said = Vec::new();
        loop {
            match self.dtls.poll_output(&mut room) {
                Output::Packet(packet) => said.push(Bytes::copy_from_slice(packet)),
                Output::Connected => self.is_connected = true,
                Output::ApplicationData(data) => self.heard.push(data.to_vec()),
                Output::CloseNotify => self.is_over = true,
                Output::Timeout(_) => return said,
                _ => {}
            }
        }
    }

    fn hears(&mut self, datagram: &[u8]) {
        self.is_over |= self.dtls.handle_packet(datagram).is_err();
    }
}

/// The server, and what it knows of devices.
struct World {
    secured: Secured,
    out: Flow,
    start: Instant,
    now_ms: u64,
    /// The device, while its credential is good.
    device: Option<Principal>,
    /// Whether the registry answers.
    answers: bool,
    asked: usize,
    plaintexts: Vec<(Peer, Bytes)>,
    ended: Vec<Peer>,
}

impl World {
    fn new(limits: DtlsLimits) -> Self {
        let start = Instant::now();
        let config = DtlsConfig { limits, asks_for_certificate: true, certificate: Arc::new(|| None) };
        Self {
            secured: Secured::new(config, start, START_MS).unwrap(),
            out: Flow::default(),
            start,
            now_ms: START_MS,
            device: Some(Principal::system(OrgId::from_uuid(uuid::Uuid::nil()))),
            answers: true,
            asked: 0,
            plaintexts: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn client(&self, port: u16, key: &[u8]) -> Client {
        Client::new(port, key, self.start)
    }

    fn passes(&mut self, ms: u64) {
        self.now_ms += ms;
        self.secured.tick(self.now_ms, &mut self.out);
        self.settle();
    }

    /// Has the registry answer.
    fn settle(&mut self) {
        while self.answers && !self.out.asks.is_empty() {
            for ask in std::mem::take(&mut self.out.asks) {
                self.asked += 1;
                let key = sensorium_metadata::PreSharedKey::from_bytes(KEY.to_vec().into());
                let found = match self.device.clone() {
                    Some(device) => Found::Device(Box::new(device), Some(key)),
                    None => Found::Nobody,
                };
                self.secured.found(self.now_ms, ask, found, &mut self.out);
            }
        }
        self.plaintexts.append(&mut self.out.plaintexts);
        self.ended.extend(self.out.ended.drain(..).map(|(peer, _)| peer));
    }

    fn came(&mut self, peer: Peer, datagram: &Bytes) {
        self.secured.receive(self.now_ms, peer, datagram, &mut self.out);
        self.settle();
    }

    /// Lets both sides talk until they are silent.
    fn talk(&mut self, client: &mut Client) {
        let mut said: VecDeque<Bytes> = client.says().into();
        while let Some(datagram) = said.pop_front() {
            self.came(client.peer, &datagram);
            self.hand_to(client);
            said.extend(client.says());
        }
        self.hand_to(client);
        let _silent = client.says();
    }

    fn hand_to(&mut self, client: &mut Client) {
        let to = client.peer;
        for (_, datagram) in self.out.sends.extract_if(.., |(peer, _)| *peer == to) {
            client.hears(&datagram);
        }
    }
}

#[test]
fn a_device_with_its_key_is_known_and_both_sides_hear_each_other() {
    let mut world = World::new(DtlsLimits::default());
    let mut client = world.client(1, KEY);
    world.talk(&mut client);
    assert!(client.is_connected && world.secured.principal(&client.peer).is_some());
    client.dtls.send_application_data(b"20.5").unwrap();
    world.talk(&mut client);
    assert_eq!(world.plaintexts, [(client.peer, Bytes::from_static(b"20.5"))]);
    world.secured.send(world.now_ms, client.peer, Bytes::from_static(b"stored"), &mut world.out);
    world.talk(&mut client);
    assert_eq!(client.heard, [b"stored"]);
    client.dtls.close().unwrap();
    world.talk(&mut client);
    assert_eq!((world.ended.as_slice(), world.asked), (&[client.peer][..], 1));
    assert!(world.secured.principal(&client.peer).is_none());
}

#[test]
fn a_wrong_key_and_an_identity_that_nobody_has_are_told_the_same() {
    let mut world = World::new(DtlsLimits::default());
    let mut wrong = world.client(1, b"another key of 16");
    world.talk(&mut wrong);
    world.device = None;
    let mut unknown = world.client(2, KEY);
    world.talk(&mut unknown);
    for client in [&wrong, &unknown] {
        assert!(!client.is_connected && client.is_over);
        assert!(world.secured.peers.get(&client.peer).is_none());
    }
    assert!(world.ended.is_empty() && world.plaintexts.is_empty());
}

#[test]
fn nothing_is_kept_of_who_does_not_give_the_cookie_back() {
    let mut world = World::new(DtlsLimits::default());
    let hello = world.client(1, KEY).says().remove(0);
    for port in 1..2_000 {
        let peer = Peer { address: ([127, 0, 0, 1], port).into(), local: None };
        world.came(peer, &hello);
    }
    assert_eq!((world.secured.deadline(), world.out.sends.len()), (None, 1_999));
    assert!(world.out.sends.iter().all(|(_, answer)| answer.len() < hello.len()));
    // A cookie is good for the address that it was sent to.
    let mut client = world.client(2, KEY);
    let first = client.says().remove(0);
    world.out.sends.clear();
    world.came(client.peer, &first);
    world.hand_to(&mut client);
    let second = client.says().remove(0);
    world.came(Peer { address: ([127, 0, 0, 2], 2).into(), local: None }, &second);
    assert!(world.secured.deadline().is_none());
    world.now_ms += 2 * SPAN_MS;
    world.came(client.peer, &second);
    assert!(world.secured.deadline().is_none(), "it is too old");
}

#[test]
fn handshakes_and_peers_are_bounded_and_end() {
    let limits = DtlsLimits { dtls_handshakes: 3, dtls_peers: 2, dtls_idle_ms: 100_000, ..DtlsLimits::default() };
    let mut world = World::new(limits);
    world.answers = false;
    let mut begun: Vec<Client> = (1..=10).map(|port| world.client(port, KEY)).collect();
    begun.iter_mut().for_each(|client| world.talk(client));
    let is_there = |world: &World, client: &Client| world.secured.peers.get(&client.peer).is_some();
    assert_eq!(begun.iter().filter(|client| is_there(&world, client)).count(), 3);
    world.passes(limits.dtls_handshake_ms);
    assert_eq!(world.secured.deadline(), None, "all took too long");
    world.out.asks.clear();
    world.answers = true;
    let mut open: Vec<Client> = (11..=13).map(|port| world.client(port, KEY)).collect();
    for client in &mut open {
        world.now_ms += 1;
        world.talk(client);
        assert!(client.is_connected);
    }
    assert_eq!(world.ended, [open[0].peer], "the one that was silent for longest made room");
    world.passes(50_000);
    open[1].dtls.send_application_data(b"1").unwrap();
    world.talk(&mut open[1]);
    world.passes(60_000);
    assert_eq!(world.ended, [open[0].peer, open[2].peer]);
    world.passes(100_000);
    assert_eq!((world.ended.len(), world.secured.deadline()), (3, None));
}

#[test]
fn a_credential_that_is_revoked_ends_the_session() {
    for is_other in [false, true] {
        let mut world = World::new(DtlsLimits::default());
        let mut client = world.client(1, KEY);
        world.talk(&mut client);
        world.device = world.device.filter(|_| is_other).map(|_| {
            let other = uuid::Uuid::from_u128(1);
            Principal::system(OrgId::from_uuid(other))
        });
        world.passes(BELIEVED_MS);
        client.dtls.send_application_data(b"1").unwrap();
        world.talk(&mut client);
        assert!(world.plaintexts.is_empty());
        assert_eq!(world.ended, [client.peer]);
        assert!(client.is_over);
    }
}

#[test]
fn what_is_sent_waits_until_the_credential_was_looked_at_again() {
    let mut world = World::new(DtlsLimits::default());
    let mut client = world.client(1, KEY);
    world.talk(&mut client);
    world.passes(BELIEVED_MS);
    world.answers = false;
    world.secured.send(world.now_ms, client.peer, Bytes::from_static(b"2"), &mut world.out);
    assert!(world.out.sends.is_empty());
    world.answers = true;
    world.settle();
    world.talk(&mut client);
    assert_eq!((client.heard.as_slice(), world.asked), (&[b"2".to_vec()][..], 2));
}

#[test]
fn a_client_that_begins_anew_takes_its_place() {
    let mut world = World::new(DtlsLimits::default());
    let mut client = world.client(1, KEY);
    world.talk(&mut client);
    let mut again = world.client(1, KEY);
    let first = again.says().remove(0);
    world.came(again.peer, &first);
    assert!(world.ended.is_empty(), "a greeting alone ends nothing");
    world.hand_to(&mut again);
    world.talk(&mut again);
    assert!(again.is_connected && world.secured.principal(&again.peer).is_some());
    assert_eq!(world.ended, [client.peer]);
}

#[test]
fn noise_from_a_peers_address_does_not_end_its_session() {
    let mut world = World::new(DtlsLimits::default());
    let mut client = world.client(1, KEY);
    world.talk(&mut client);
    let records: [&[u8]; 5] = [
        b"",
        b"\x44\x02",
        &record::alert(40),
        &[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4],
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12, 14, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0],
    ];
    for noise in records {
        world.came(client.peer, &Bytes::copy_from_slice(noise));
    }
    client.dtls.send_application_data(b"1").unwrap();
    world.talk(&mut client);
    assert_eq!((world.plaintexts.len(), world.ended.len()), (1, 0));
}
