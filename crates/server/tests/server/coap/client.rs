//! A client that sees each message: datagrams of its own making, from a socket of its own.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use sensorium_protocols::coap::{CoapLimits, Code, Kind, Message, Options, Token, datagram, option};

use crate::support::DEADLINE;

/// How long nothing comes where nothing is to come: an answer takes a fraction of it.
const SILENCE: Duration = Duration::from_millis(300);

pub(super) struct Client {
    socket: UdpSocket,
    next: AtomicU16,
}

/// A request: a path with its query, and what else it has.
pub(super) fn request(code: Code, path: &str) -> Message {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut options = Options::default();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        options.add(option::URI_PATH, segment.to_owned());
    }
    for part in query.split('&').filter(|part| !part.is_empty()) {
        options.add(option::URI_QUERY, part.to_owned());
    }
    Message { kind: Kind::Con, id: 0, code, token: Token::new(b"tk").unwrap(), options, payload: Bytes::new() }
}

/// A request that stores.
pub(super) fn stores(path: &str, content_format: Option<u16>, payload: impl Into<Bytes>) -> Message {
    let mut message = Message { payload: payload.into(), ..request(Code::POST, path) };
    if let Some(format) = content_format {
        message.options.set_uint(option::CONTENT_FORMAT, u64::from(format));
    }
    message
}

impl Client {
    pub(super) fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, next: AtomicU16::new(1) }
    }

    /// From now on it speaks to another server, from the same port.
    pub(super) fn turn_to(&self, server: SocketAddr) {
        self.socket.connect(server).unwrap();
    }

    pub(super) fn send_bytes(&self, bytes: &[u8]) {
        self.socket.send(bytes).unwrap();
    }

    /// As [`Self::send_bytes`]; false when it is known that nobody is there.
    pub(super) fn try_send_bytes(&self, bytes: &[u8]) -> bool {
        self.socket.send(bytes).is_ok()
    }

    pub(super) fn receive_bytes(&self) -> Vec<u8> {
        let mut room = vec![0; 65_536];
        let count = self.socket.recv(&mut room).unwrap_or_else(|error| panic!("no datagram came: {error}"));
        room.truncate(count);
        room
    }

    /// Waits for a datagram for a time; none if none came, or nobody is there.
    pub(super) fn try_receive(&self, time: Duration) -> Option<Vec<u8>> {
        self.socket.set_read_timeout(Some(time)).unwrap();
        let mut room = vec![0; 65_536];
        let count = self.socket.recv(&mut room).ok();
        self.socket.set_read_timeout(Some(DEADLINE)).unwrap();
        room.truncate(count?);
        Some(room)
    }

    pub(super) fn assert_silent(&self) {
        assert_eq!(self.try_receive(SILENCE), None);
    }

    /// Sends a message under a number of its own.
    pub(super) fn send(&self, message: Message) -> Message {
        let message = Message { id: self.next.fetch_add(1, Relaxed), ..message };
        self.send_bytes(&datagram::encode(&message));
        message
    }

    pub(super) fn receive(&self) -> Message {
        datagram::decode(&Bytes::from(self.receive_bytes()), &CoapLimits::default()).unwrap()
    }

    /// Sends a request and waits for its response, piggy-backed or of its own; shows where it is if it is asked to.
    pub(super) fn ask(&self, message: Message) -> Message {
        let answer = self.ask_once(message.clone());
        match answer.options.get(option::ECHO) {
            Some(echo) => {
                let mut again = message;
                again.options.set(option::ECHO, echo.clone());
                self.ask_once(again)
            }
            None => answer,
        }
    }

    fn ask_once(&self, message: Message) -> Message {
        let sent = self.send(message);
        loop {
            let got = self.receive();
            match got.kind {
                Kind::Ack if got.code == Code::EMPTY => assert_eq!(got.id, sent.id),
                Kind::Con => {
                    self.acknowledge(&got);
                    assert_eq!(got.token, sent.token);
                    return got;
                }
                _ => {
                    assert_eq!(got.token, sent.token, "{got:?}");
                    return got;
                }
            }
        }
    }

    pub(super) fn acknowledge(&self, message: &Message) {
        self.send_bytes(&datagram::encode(&empty(Kind::Ack, message.id)));
    }

    pub(super) fn reset(&self, message: &Message) {
        self.send_bytes(&datagram::encode(&empty(Kind::Rst, message.id)));
    }
}

fn empty(kind: Kind, id: u16) -> Message {
    let token = Token::new(&[]).unwrap();
    Message { kind, id, code: Code::EMPTY, token, options: Options::default(), payload: Bytes::new() }
}

/// Text of a payload.
pub(super) fn text(message: &Message) -> &str {
    std::str::from_utf8(&message.payload).unwrap()
}
