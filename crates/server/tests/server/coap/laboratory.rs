//! The laboratory: its client's bytes, and the answer that it expects.

use serde_json::json;

use super::client::{Client, request, text};
use crate::support::{Server, Start};
use sensorium_protocols::coap::Code;

/// What the laboratory's client sends: CON, POST, message id 0xE770, an empty Observe, `sensors/dht/humidity`, `41.9`.
const REQUEST: &str = "4402e770000065a8605773656e736f727303646874 0868756d6964697479 ff 34312e39";

pub(super) fn start(start: Start) -> Server {
    start_at(start, "127.0.0.1:0")
}

pub(super) fn start_at(start: Start, address: &str) -> Server {
    start.quiet().arg("--example").arg("coap-lab").arg("--coap").arg(address).start()
}

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn answer() -> Vec<u8> {
    let mut answer = bytes("6445e770000065a8ff");
    answer.extend_from_slice(b"Humidity=41.9 saved successfully!");
    answer
}

#[test]
fn the_laboratorys_client_gets_the_answer_that_it_expects() {
    let server = start(Start::new());
    let client = Client::new(server.coap());
    client.send_bytes(&bytes(REQUEST));
    assert_eq!(client.receive_bytes(), answer());
    let rows = server.query_in("dht", "SELECT place, value FROM humidity");
    assert_eq!(rows, [[json!("room1"), json!(41.9)]]);
    let others =
        server.query_in("dht", "SELECT count(*) FROM information_schema.tables WHERE table_name = 'temperature'");
    assert_eq!(others, [[json!(0)]]);
    assert!(server.stop().success());
}

#[test]
fn a_message_that_is_sent_five_times_is_one_reading() {
    let server = start(Start::new());
    let client = Client::new(server.coap());
    for _ in 0..5 {
        client.send_bytes(&bytes(REQUEST));
    }
    // What comes while the first is stored is not answered; then each gets the same bytes.
    assert_eq!(client.receive_bytes(), answer());
    client.send_bytes(&bytes(REQUEST));
    assert_eq!(client.receive_bytes(), answer());
    assert_eq!(server.query_in("dht", "SELECT count(*) FROM humidity"), [[json!(1)]]);
}

#[test]
fn the_reports_lower_case_letter_is_a_critical_option_that_nobody_knows() {
    let server = start(Start::new());
    let client = Client::new(server.coap());
    client.send_bytes(&bytes(&REQUEST.replacen("60577365", "60777365", 1)));
    let answer = client.receive_bytes();
    assert_eq!((answer[0] & 0x30, answer[1]), (0x20, 0x82), "4.02: {answer:x?}");
}

#[test]
fn anyone_writes_what_the_route_says_and_nothing_else() {
    let server = start(Start::new());
    let client = Client::new(server.coap());
    let said = |code, path, payload: &'static str| {
        let mut message = request(code, path);
        message.payload = payload.into();
        let answer = client.ask(message);
        (answer.code, text(&answer).to_owned())
    };
    let (code, reply) = said(Code::PUT, "/sensors/dht/temperature", "28.8");
    assert_eq!((code, reply.as_str()), (Code::CONTENT, "Temperature=28.8 saved successfully!"));
    assert_eq!(said(Code::GET, "/sensors/dht/temperature", "").1, "28.8");
    assert_eq!(said(Code::POST, "/sensors/dht/temperature", "warm").0, Code::CONFLICT);
    assert_eq!(said(Code::POST, "/sensors/dht/temperature", "").0, Code::BAD_REQUEST);
    assert_eq!(said(Code::DELETE, "/sensors/dht/temperature", "").0, Code::METHOD_NOT_ALLOWED);
    assert_eq!(said(Code::GET, "/sensors/dht/pressure", "").0, Code::NOT_FOUND);
    assert_eq!(said(Code::POST, "/readings", "1").0, Code::UNAUTHORIZED);
    assert_eq!(said(Code::GET, "/temperature?place=room1", "").0, Code::UNAUTHORIZED);
    let (code, why) = said(Code::GET, "/temperature?place=room1&token=x", "");
    assert!(code == Code::UNAUTHORIZED && why.contains("coap.tokens_in_plain"), "{why}");
    // Line protocol would reach other tables.
    let mut lines = request(Code::POST, "/sensors/dht/temperature");
    lines.options.set_uint(sensorium_protocols::coap::option::CONTENT_FORMAT, 65_000);
    lines.payload = "other value=1".into();
    assert_eq!(client.ask(lines).code, Code::UNSUPPORTED_CONTENT_FORMAT);
    assert_eq!(server.query_in("dht", "SELECT value FROM temperature"), [[json!(28.8)]]);
    // What was refused is counted, and listed with its peer.
    let refused = server.get("/api/v1/rejections");
    assert!(refused.to_string().contains("\"coap\""), "{refused}");
}

#[test]
fn many_peers_are_stored_together_and_each_gets_its_own_answer() {
    let server = start(Start::new());
    let clients: Vec<Client> = (0..50).map(|_| Client::new(server.coap())).collect();
    for round in 0..10 {
        for (number, client) in clients.iter().enumerate() {
            let mut message = request(Code::POST, &format!("/sensors/dht/many{number}"));
            message.payload = format!("{round}").into();
            client.send(message);
        }
        for (number, client) in clients.iter().enumerate() {
            assert_eq!(text(&client.receive()), format!("Many{number}={round} saved successfully!"));
        }
    }
    for number in [0, 49] {
        assert_eq!(server.query_in("dht", &format!("SELECT count(*) FROM many{number}")), [[json!(10)]]);
    }
}
