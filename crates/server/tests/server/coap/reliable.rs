//! CoAP over TCP and WebSocket (RFC 8323).

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use sensorium_protocols::coap::reliable::{self, Frame, Framing};
use sensorium_protocols::coap::{CoapLimits, Code, Options, Token, option};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::client::request;
use super::{server, with_token};
use crate::support::{DEADLINE, block_on};

fn frame(code: Code, path: &str, payload: &'static str) -> Frame {
    let message = request(code, path);
    Frame { code, token: message.token, options: message.options, payload: payload.into() }
}

fn csm() -> Frame {
    Frame { code: Code::CSM, token: Token::new(&[]).unwrap(), options: Options::default(), payload: Bytes::new() }
}

#[test]
fn a_connection_over_tcp_stores_shows_and_observes() {
    let mut stream = TcpStream::connect(server().coap_tcp()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut unread = BytesMut::new();
    let limits = CoapLimits::default();
    let mut next = |stream: &mut TcpStream| loop {
        if let Some(frame) = reliable::decode_stream(&mut unread, &limits).unwrap() {
            return frame;
        }
        let mut room = [0; 4_096];
        let count = stream.read(&mut room).unwrap();
        assert!(count > 0, "the connection was closed");
        unread.extend_from_slice(&room[..count]);
    };
    let send =
        |stream: &mut TcpStream, frame: &Frame| stream.write_all(&reliable::encode(frame, Framing::Tcp)).unwrap();
    send(&mut stream, &csm());
    assert_eq!(next(&mut stream).code, Code::CSM);
    send(&mut stream, &frame(Code::POST, &with_token("/readings?table=coap_tcp&device=tcp"), "1"));
    assert_eq!(next(&mut stream).code, Code::CHANGED);
    let mut observed = frame(Code::GET, &with_token("/devices/tcp/value"), "");
    observed.token = Token::new(b"seen").unwrap();
    observed.options.set_uint(option::OBSERVE, 0);
    send(&mut stream, &observed);
    let shown = next(&mut stream);
    assert_eq!((&shown.payload[..], shown.options.uint(option::OBSERVE).is_some()), (&b"1"[..], true));
    server().write("main", "coap_tcp,device=tcp value=2");
    let told = next(&mut stream);
    assert_eq!((&told.payload[..], told.token), (&b"2"[..], observed.token));
    send(&mut stream, &Frame { code: Code::PING, ..csm() });
    assert_eq!(next(&mut stream).code, Code::PONG);
}

#[test]
fn a_websocket_carries_the_same_messages() {
    let url = format!("{}/coap", server().url().replace("http://", "ws://"));
    block_on(async {
        let mut handshake = url.clone().into_client_request().unwrap();
        handshake.headers_mut().insert("Sec-WebSocket-Protocol", "coap".parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(handshake).await.unwrap();
        let send = |frame: &Frame| Message::Binary(reliable::encode(frame, Framing::WebSocket));
        socket.send(send(&csm())).await.unwrap();
        let stored = frame(Code::POST, &with_token("/readings?table=coap_ws&device=ws"), "1");
        socket.send(send(&stored)).await.unwrap();
        let limits = CoapLimits::default();
        let mut codes = Vec::new();
        while codes.len() < 2 {
            if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
                codes.push(reliable::decode_frame(&bytes, &limits).unwrap().code);
            }
        }
        assert_eq!(codes, [Code::CSM, Code::CHANGED]);
        let without = tokio_tungstenite::connect_async(url.into_client_request().unwrap()).await;
        assert!(without.is_err(), "the subprotocol is to be offered");
    });
    assert_eq!(server().query("SELECT device, value FROM coap_ws"), [[json!("ws"), json!(1.0)]]);
}
