//! Enhanced authentication with SCRAM-SHA-256 (section 4.12; RFC 5802, RFC 7677) and API tokens.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Auth, ConnAck, Connect, Packet, Qos, Version};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::{Client, connect, will};
use super::{LOGIN, PASSWORD, PAYLOAD, server};
use crate::support::{block_on, client as http, wait_for};

const METHOD: &str = "SCRAM-SHA-256";
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let letters = bytes.chunks(3).flat_map(|part| {
        let bits = part.iter().fold(0, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - part.len()));
        let letter = move |place: usize| char::from(LETTERS[(bits >> (18 - 6 * place)) as usize & 63]);
        let whole = part.len() + 1;
        (0..4).map(move |place| if place < whole { letter(place) } else { '=' })
    });
    letters.collect()
}

fn bytes_of(base64: &str) -> Vec<u8> {
    let text = base64.trim_end_matches('=');
    let mut bits = 0_u32;
    let mut bytes = Vec::new();
    for (place, letter) in text.bytes().enumerate() {
        bits = (bits << 6) | LETTERS.iter().position(|known| *known == letter).unwrap() as u32;
        if place % 4 > 0 {
            bytes.push((bits >> (6 - 2 * (place % 4))) as u8);
        }
    }
    bytes
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let padded =
        |with: u8| -> Vec<u8> { (0..64).map(|place| key.get(place).copied().unwrap_or_default() ^ with).collect() };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

fn xor(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    std::array::from_fn(|place| a[place] ^ b[place])
}

/// What a client says.
struct Scram {
    bare: String,
    secret: String,
}

impl Scram {
    fn new(name: &str, secret: &str) -> Self {
        Self { bare: format!("n={name},r={NONCE}"), secret: secret.to_owned() }
    }

    fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// The answer to a challenge, and what the server is to say then.
    fn last(&self, challenge: &str) -> (String, String) {
        let [nonce, salt, iterations] = challenge.split(',').collect::<Vec<_>>().try_into().unwrap();
        assert!(nonce.starts_with(&format!("r={NONCE}")) && nonce.len() > NONCE.len() + 20, "{challenge}");
        let salt = bytes_of(salt.strip_prefix("s=").unwrap());
        let iterations: usize = iterations.strip_prefix("i=").unwrap().parse().unwrap();
        assert!(iterations >= 4_096 && salt.len() >= 16, "{challenge}");
        // Keys that are longer than a block are hashed.
        assert!(self.secret.len() <= 64);
        let mut round = hmac(self.secret.as_bytes(), &[&salt[..], &[0, 0, 0, 1]].concat());
        let mut salted = round;
        for _ in 1..iterations {
            round = hmac(self.secret.as_bytes(), &round);
            salted = xor(salted, round);
        }
        let key = hmac(&salted, b"Client Key");
        let stored: [u8; 32] = Sha256::digest(key).into();
        let without_proof = format!("c=biws,{nonce}");
        let said = format!("{},{challenge},{without_proof}", self.bare);
        let proof = xor(key, hmac(&stored, said.as_bytes()));
        let server = hmac(&hmac(&salted, b"Server Key"), said.as_bytes());
        (format!("{without_proof},p={}", base64(&proof)), format!("v={}", base64(&server)))
    }
}

fn post(path: &str, body: Value) -> Value {
    let request = http().post(format!("{}{path}", server().url())).basic_auth(LOGIN, Some(PASSWORD)).json(&body);
    block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() })
}

/// A device of the registry: its id, and the id and the secret of a token of it.
fn device(name: &str) -> (String, String, String) {
    let id = post("/api/v1/devices", json!({"name": name}))["id"].as_str().unwrap().to_owned();
    let (token, secret) = token(&id);
    (id, token, secret)
}

fn token(device: &str) -> (String, String) {
    let made = post(&format!("/api/v1/devices/{device}/tokens"), json!({"name": "scram"}));
    (made["token"]["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
}

/// CONNECT of a client that proves who it is, and says nothing else about that.
fn proving(client_id: &str, data: Option<String>) -> Connect {
    Connect {
        username: None,
        password: None,
        authentication_method: Some(METHOD.into()),
        authentication_data: data.map(Into::into),
        ..connect(client_id)
    }
}

fn auth(reason: ReasonCode, data: &str) -> Packet {
    let (method, data) = (Some(METHOD.into()), Some(data.to_owned().into()));
    Packet::Auth(Box::new(Auth { reason, method, data, reason_string: None, user_properties: Vec::new() }))
}

/// The challenge that comes next.
fn challenge(client: &mut Client) -> String {
    match client.next() {
        Packet::Auth(auth) => {
            assert_eq!((auth.reason, auth.method.as_deref()), (ReasonCode::ContinueAuthentication, Some(METHOD)));
            String::from_utf8(auth.data.unwrap_or_default().to_vec()).unwrap()
        }
        other => panic!("{other:?} is no challenge"),
    }
}

/// Connects and proves; what comes of it, and what the server is to say when it lets the client in.
fn prove(connect: Connect, scram: &Scram) -> (Client, ConnAck, String) {
    let mut client = Client::open(Version::V5);
    let is_begun = connect.authentication_data.is_some();
    client.send(Packet::Connect(Box::new(connect)));
    if !is_begun {
        assert_eq!(challenge(&mut client), "");
        client.send(auth(ReasonCode::ContinueAuthentication, &scram.first()));
    }
    let (last, expected) = scram.last(&challenge(&mut client));
    client.send(auth(ReasonCode::ContinueAuthentication, &last));
    match client.next() {
        Packet::ConnAck(ack) => (client, *ack, expected),
        other => panic!("{other:?} is no CONNACK"),
    }
}

/// A client that is let in.
fn enter(client_id: &str, scram: &Scram) -> Client {
    let (client, ack, expected) = prove(proving(client_id, Some(scram.first())), scram);
    assert_eq!((ack.reason, ack.authentication_method.as_deref()), (ReasonCode::Success, Some(METHOD)), "{ack:?}");
    assert_eq!(ack.authentication_data.unwrap(), expected);
    client
}

#[test]
fn a_device_proves_its_token_without_sending_it() {
    covers!("MQTT-3.15.2-1", "MQTT-4.12.0-2", "MQTT-4.12.0-5", "MQTT-3.2.0-1");
    let (_, token, secret) = device("scram-attic");
    let scram = Scram::new(&token, &secret);
    let mut client = enter("scram-attic", &scram);
    assert!(!client.publish("scram/attic/reading", Qos::AtLeastOnce, PAYLOAD).is_failure());
    // It is the device: it hears what concerns itself alone.
    client.subscribe("scram-attic/#", Qos::AtMostOnce);
    let wide = client.subscribe_all(vec![super::client::filter("#", Qos::AtMostOnce)], None);
    assert_eq!(wide, [ReasonCode::NotAuthorized]);
    let rows = wait_for("the row", || {
        let sql = "SELECT DISTINCT device FROM reading WHERE topic = 'scram/attic/reading'";
        Some(server().query(sql)).filter(|rows| !rows.is_empty())
    });
    assert_eq!(rows, [[json!("scram-attic")]]);
    client.leave();
    // Also when it waits for the server to begin.
    let (client, ack, expected) = prove(proving("scram-attic-2", None), &scram);
    assert_eq!((ack.reason, ack.authentication_data.unwrap()), (ReasonCode::Success, expected.into()));
    client.leave();
}

#[test]
fn who_proves_nothing_is_refused_and_learns_nothing() {
    covers!("MQTT-4.12.0-4", "MQTT-4.13.2-1");
    let (device, token, secret) = device("scram-cellar");
    let nobody = "019ac1f5-0000-7000-8000-00000000beef";
    for (name, secret) in [(token.as_str(), "sen_wrong"), (nobody, secret.as_str()), ("ada", PASSWORD)] {
        let scram = Scram::new(name, secret);
        let (mut client, ack, _) = prove(proving("scram-wrong", Some(scram.first())), &scram);
        assert_eq!((ack.reason, ack.authentication_data), (ReasonCode::NotAuthorized, None), "{name}");
        assert_eq!(ack.reason_string.as_deref(), Some("the login or the password is wrong"));
        assert!(client.rest().is_empty());
    }
    // Salts of names that do not exist stay the same, as those of others do.
    for name in [token.as_str(), nobody, "grace"] {
        let salt = || {
            let mut client = Client::open(Version::V5);
            client.send(Packet::Connect(Box::new(proving("scram-salt", Some(Scram::new(name, "").first())))));
            challenge(&mut client).split(',').nth(1).unwrap().to_owned()
        };
        let first = salt();
        assert_eq!((first.len(), salt()), (26, first.clone()), "{name}");
    }
    for wrong in ["", "n,,n=x", "p=tls-unique,,n=x,r=y", "n,a=ada,n=x,r=y"] {
        let (mut client, ack) = Client::hello(proving("scram-malformed", Some(wrong.to_owned())));
        assert!(ack.reason.is_failure(), "{wrong}: {ack:?}");
        assert!(client.rest().is_empty());
    }
    // Revoked in between.
    let scram = Scram::new(&token, &secret);
    let mut client = Client::open(Version::V5);
    client.send(Packet::Connect(Box::new(proving("scram-revoked", Some(scram.first())))));
    let (last, _) = scram.last(&challenge(&mut client));
    let url = format!("{}/api/v1/devices/{device}/tokens/{token}", server().url());
    let revoked = http().delete(url).basic_auth(LOGIN, Some(PASSWORD));
    assert_eq!(block_on(async { revoked.send().await.unwrap().status() }), 204);
    client.send(auth(ReasonCode::ContinueAuthentication, &last));
    let answer = client.next();
    assert!(matches!(&answer, Packet::ConnAck(ack) if ack.reason == ReasonCode::NotAuthorized), "{answer:?}");
}

#[test]
fn a_method_and_a_will_are_held_to_their_rules() {
    covers!("MQTT-4.12.0-1");
    let (_, token, secret) = device("scram-rules");
    // The password that comes with a method does not count.
    let other = Connect { authentication_method: Some("SCRAM-SHA-512".into()), ..connect("scram-other") };
    assert_eq!(super::client::refused(other), ReasonCode::BadAuthenticationMethod);
    let scram = Scram::new(&token, &secret);
    let dying = Connect { will: Some(will("$SYS/x")), ..proving("scram-will", Some(scram.first())) };
    let (_, ack, _) = prove(dying, &scram);
    assert_eq!(ack.reason, ReasonCode::NotAuthorized);
    // A challenge is answered by AUTH and nothing else.
    let mut client = Client::open(Version::V5);
    client.send(Packet::Connect(Box::new(proving("scram-order", Some(scram.first())))));
    challenge(&mut client);
    client.send(Packet::PingReq);
    let rest = client.rest();
    assert!(rest.is_empty() || rest[0] == 0x20, "{rest:x?}");
}

#[test]
fn a_client_authenticates_again_and_stays_whom_it_was() {
    covers!("MQTT-4.12.1-2", "MQTT-4.12.0-5", "MQTT-3.15.2-1");
    let (id, first_token, secret) = device("scram-again");
    let mut client = enter("scram-again", &Scram::new(&first_token, &secret));
    let again = |client: &mut Client, name: &str, secret: &str| {
        let scram = Scram::new(name, secret);
        client.send(auth(ReasonCode::ReAuthenticate, &scram.first()));
        let (last, expected) = scram.last(&challenge(client));
        client.send(auth(ReasonCode::ContinueAuthentication, &last));
        expected
    };
    // With another token of the same device; messages go on.
    let (second_token, second) = token(&id);
    let expected = again(&mut client, &second_token, &second);
    match client.next() {
        Packet::Auth(auth) => {
            assert_eq!((auth.reason, auth.method.as_deref()), (ReasonCode::Success, Some(METHOD)));
            assert_eq!(auth.data.unwrap(), expected);
        }
        other => panic!("{other:?}"),
    }
    assert!(!client.publish("scram/again/reading", Qos::AtLeastOnce, PAYLOAD).is_failure());
    // As another device, and with a wrong secret.
    let (_, other_token, other) = device("scram-again-other");
    again(&mut client, &other_token, &other);
    assert_eq!(client.ended(), Some(ReasonCode::NotAuthorized));
    let mut client = enter("scram-again", &Scram::new(&second_token, &second));
    again(&mut client, &second_token, "sen_wrong");
    assert_eq!(client.ended(), Some(ReasonCode::NotAuthorized));
}

#[test]
fn base64_is_what_it_should_be() {
    for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foob", "Zm9vYg==")] {
        assert_eq!((base64(bytes), bytes_of(text)), (text.to_owned(), bytes.to_vec()));
    }
}
