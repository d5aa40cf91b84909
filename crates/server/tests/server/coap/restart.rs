//! `kill -9`: what was acknowledged is there, and what is sent again is stored once.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sensorium_protocols::coap::{Code, Token, datagram};
use serde_json::json;

use super::client::{Client, request};
use super::laboratory;
use crate::support::{Server, Start};

fn start(data_dir: &Path) -> Server {
    laboratory::start(Start::at(data_dir))
}

#[test]
fn a_message_that_is_sent_again_after_a_kill_is_one_reading() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let sent = laboratory::bytes("4402e770000065a8605773656e736f7273036468740868756d6964697479ff34312e39");
    let server = start(&data_dir);
    let client = Client::new(server.coap());
    client.send_bytes(&sent);
    let answer = client.receive_bytes();
    server.kill();
    for _ in 0..2 {
        let server = start(&data_dir);
        client.turn_to(server.coap());
        client.send_bytes(&sent);
        assert_eq!(client.receive_bytes(), answer);
        assert_eq!(server.query_in("dht", "SELECT count(*) FROM humidity"), [[json!(1)]]);
        server.kill();
    }
    // Another message of the same number is another reading: the client was started again, and is at the same number by chance.
    let server = start(&data_dir);
    client.turn_to(server.coap());
    let mut other = sent.clone();
    *other.last_mut().unwrap() = b'8';
    client.send_bytes(&other);
    assert!(client.receive_bytes().ends_with(b"Humidity=41.8 saved successfully!"));
    assert_eq!(server.query_in("dht", "SELECT count(*) FROM humidity"), [[json!(2)]]);
}

/// How long the server lives in a round, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 5..200;
const ROUNDS: usize = 8;
/// How long an answer is waited for before the message is sent again.
const PATIENCE: Duration = Duration::from_millis(500);

#[test]
fn each_reading_is_stored_once_however_often_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let mut random = StdRng::seed_from_u64(11);
    let clients: Vec<Client> = (0..4).map(|_| Client::new("127.0.0.1:9".parse().unwrap())).collect();
    let mut pending = vec![0_u16; clients.len()];
    for _ in 0..ROUNDS {
        let server = start(&data_dir);
        let life = Duration::from_millis(random.random_range(LIFE_MS));
        clients.iter().for_each(|client| client.turn_to(server.coap()));
        thread::scope(|scope| {
            for (number, (client, next)) in clients.iter().zip(&mut pending).enumerate() {
                scope.spawn(move || {
                    while send(client, number, *next) {
                        *next += 1
                    }
                });
            }
            thread::sleep(life);
            server.kill();
        });
    }
    let server = start(&data_dir);
    clients.iter().for_each(|client| client.turn_to(server.coap()));
    for (number, (client, next)) in clients.iter().zip(&pending).enumerate() {
        assert!(send(client, number, *next), "a server that lives answers");
        let table = format!("kills{number}");
        let rows = server.query_in("dht", &format!("SELECT count(*), count(DISTINCT value) FROM {table}"));
        let expected = u64::from(*next) + 1;
        assert_eq!(rows, [[json!(expected), json!(expected)]], "{table}");
    }
}

/// Sends a numbered reading until it is answered; false when nobody answers any more.
fn send(client: &Client, number: usize, next: u16) -> bool {
    let mut message = request(Code::POST, &format!("/sensors/dht/kills{number}"));
    (message.id, message.token) = (next, Token::new(&next.to_be_bytes()).unwrap());
    message.payload = format!("{next}.5").into();
    let bytes = datagram::encode(&message);
    for _ in 0..3 {
        if !client.try_send_bytes(&bytes) {
            return false;
        }
        match client.try_receive(PATIENCE) {
            // It may be of the message before, which was sent twice.
            Some(answer) if answer.get(2..4) == Some(&next.to_be_bytes()) && answer.get(1) == Some(&0x45) => {
                return true;
            }
            _ => {}
        }
    }
    false
}
