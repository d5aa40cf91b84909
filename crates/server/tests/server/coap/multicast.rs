//! What is asked of all nodes of a network (RFC 7252, section 8).

use std::net::{SocketAddr, UdpSocket};

use bytes::Bytes;
use sensorium_protocols::coap::{CoapLimits, Code, Kind, Message, datagram};
use serde_json::json;

use super::client::{request, stores, text};
use super::laboratory;
use crate::support::{DEADLINE, Start};

#[test]
fn all_nodes_are_asked_what_there_is_and_do_nothing_else() {
    let start = Start::new().set("coap.multicast", true).set("coap.leisure_ms", 20);
    let server = laboratory::start_at(start, "0.0.0.0:0");
    let all = SocketAddr::from(([224, 0, 1, 187], server.coap().port()));
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let send = |id, message: Message| {
        socket.send_to(&datagram::encode(&Message { kind: Kind::Non, id, ..message }), all).unwrap();
    };
    // Neither a reading nor what is not there is answered.
    send(1, stores("/sensors/dht/temperature", None, "28.8"));
    send(2, request(Code::GET, "/nothing"));
    send(3, request(Code::GET, "/.well-known/core"));
    let mut room = [0; 2_048];
    let (count, from) = socket.recv_from(&mut room).unwrap();
    let answer = datagram::decode(&Bytes::copy_from_slice(&room[..count]), &CoapLimits::default()).unwrap();
    assert_eq!((answer.kind, answer.code), (Kind::Non, Code::CONTENT));
    assert!(text(&answer).contains("</readings>"), "{}", text(&answer));
    assert!(!from.ip().is_multicast() && from.port() == all.port(), "{from}");
    let tables =
        server.query_in("dht", "SELECT count(*) FROM information_schema.tables WHERE table_name = 'temperature'");
    assert_eq!(tables, [[json!(0)]]);
}
