//! Messages byte by byte: what no client sends, and what only some do.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{rows, server};
use crate::support::{DEADLINE, Server, TOKEN};

/// A connection that is spoken to in bytes.
pub(super) struct Raw(TcpStream);

impl Raw {
    pub(super) fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.postgres()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(stream)
    }

    /// One that is let in.
    pub(super) fn enter(server: &Server) -> Self {
        let mut raw = Self::connect(server);
        raw.start(&[("user", "token"), ("database", "main")]);
        assert_eq!(raw.message(), (b'R', 3u32.to_be_bytes().to_vec()), "a password is asked for");
        raw.send(b'p', &[TOKEN.as_bytes(), b"\0"].concat());
        while raw.message().0 != b'Z' {}
        raw
    }

    pub(super) fn start(&mut self, parameters: &[(&str, &str)]) {
        let mut body = vec![0, 3, 0, 0];
        for (name, value) in parameters {
            body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
        }
        body.push(0);
        self.write(&[&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], &body].concat());
    }

    pub(super) fn send(&mut self, kind: u8, body: &[u8]) {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        self.write(&[&[kind][..], &length, body].concat());
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The next message: its type and what is in it.
    pub(super) fn message(&mut self) -> (u8, Vec<u8>) {
        let mut header = [0; 5];
        self.0.read_exact(&mut header).unwrap();
        let length = u32::from_be_bytes(header[1..].try_into().unwrap()) as usize;
        let mut body = vec![0; length - 4];
        self.0.read_exact(&mut body).unwrap();
        (header[0], body)
    }

    /// The types of messages up to the one that says that the next statement may come, and the code of the last error.
    fn until_ready(&mut self) -> (String, String) {
        let (mut kinds, mut code) = (String::new(), String::new());
        loop {
            let (kind, body) = self.message();
            kinds.push(kind.into());
            if kind == b'E' {
                code = error_code(&body);
            }
            if kind == b'Z' {
                return (kinds, code);
            }
        }
    }

    /// Everything until the server closes the connection.
    pub(super) fn until_closed(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A connection that is reset is closed, too.
        let _ = self.0.read_to_end(&mut bytes);
        bytes
    }
}

fn error_code(body: &[u8]) -> String {
    let fields = body.split(|byte| *byte == 0).filter_map(|field| field.split_first());
    fields.filter(|(kind, _)| **kind == b'C').map(|(_, code)| String::from_utf8_lossy(code).into_owned()).collect()
}

/// A statement that is prepared, bound and described without a name.
fn prepare(raw: &mut Raw, sql: &str, values: &[&[u8]]) {
    raw.send(b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"].concat());
    let mut bind = b"\0\0\0\0".to_vec();
    bind.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
    for value in values {
        bind.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        bind.extend(*value);
    }
    bind.extend([0, 0]);
    raw.send(b'B', &bind);
    raw.send(b'D', b"P\0");
}

#[test]
fn nonsense_ends_its_own_connection_and_no_other() {
    let server = server();
    let mut good = Raw::enter(&server);
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0; 64],
        &[0xff; 64],
        &[0, 0, 0, 8, 0, 2, 0, 0],
        &[0, 0, 0, 9, 0, 3, 0, 0, b'x'],
        &[0, 0, 0x27, 0x11, 0, 3, 0, 0],
    ] {
        let mut raw = Raw::connect(&server);
        raw.write(bytes);
        let answer = raw.until_closed();
        assert!(answer.is_empty() || answer[0] == b'E', "{bytes:?}: {answer:?}");
    }
    // The same behind the door: lengths that lie, types that are none, texts that do not end.
    for bytes in [
        &b"Q\0\0\0\x03"[..],
        &b"Q\xff\xff\xff\xff"[..],
        &b"!\0\0\0\x04"[..],
        &b"Q\0\0\0\x08abcd"[..],
        &b"B\0\0\0\x08\0\0\xff\xff"[..],
        &b"P\0\0\0\x09\0x\0\xff\xff"[..],
        &b"p\0\0\0\x06x\0"[..],
    ] {
        let mut raw = Raw::enter(&server);
        raw.write(bytes);
        let answer = raw.until_closed();
        assert!(answer.first() == Some(&b'E'), "{bytes:?}: {answer:?}");
        assert!(["08P01", "54000"].contains(&error_code(&answer[5..]).as_str()), "{bytes:?}: {answer:?}");
    }
    good.send(b'Q', b"SELECT 1\0");
    assert_eq!(good.until_ready().0, "TDCZ");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn portals_send_their_rows_a_part_at_a_time() {
    let server = server();
    let mut raw = Raw::enter(&server);
    raw.send(b'Q', b"BEGIN\0");
    assert_eq!(raw.until_ready().0, "CZ");
    prepare(&mut raw, "SELECT value FROM generate_series(1, 5) ORDER BY value", &[]);
    for _ in 0..3 {
        raw.send(b'E', b"\0\0\0\0\x02");
    }
    raw.send(b'S', b"");
    assert_eq!(raw.until_ready().0, "12TDDsDDsDCZ");
    raw.send(b'Q', b"COMMIT\0");
    assert_eq!(raw.until_ready().0, "CZ");
    // Outside of a block, a portal ends with Sync.
    raw.send(b'E', b"\0\0\0\0\0");
    raw.send(b'S', b"");
    assert_eq!(raw.until_ready(), ("EZ".to_owned(), "34000".to_owned()));
}

#[test]
fn what_follows_a_failure_is_passed_over_until_sync() {
    let server = server();
    let mut raw = Raw::enter(&server);
    prepare(&mut raw, "SELECT nothing FROM room", &[]);
    raw.send(b'E', b"\0\0\0\0\0");
    raw.send(b'Q', b"SELECT 1\0");
    raw.send(b'S', b"");
    assert_eq!(raw.until_ready(), ("12EZ".to_owned(), "42703".to_owned()));
    prepare(&mut raw, "SELECT celsius FROM room WHERE name = $1", &[b"attic"]);
    raw.send(b'E', b"\0\0\0\0\0");
    raw.send(b'S', b"");
    assert_eq!(raw.until_ready().0, "12TDCZ");
}

#[test]
fn a_statement_is_described_before_it_has_values() {
    let server = server();
    let mut raw = Raw::enter(&server);
    raw.send(b'P', b"one\0SELECT name, celsius FROM room WHERE celsius > $1\0\0\0");
    raw.send(b'D', b"Sone\0");
    raw.send(b'S', b"");
    assert_eq!(raw.message().0, b'1');
    let (kind, types) = raw.message();
    assert_eq!((kind, types), (b't', [&[0, 1][..], &701u32.to_be_bytes()].concat()), "a double");
    assert_eq!(raw.until_ready().0, "TZ");
    raw.send(b'P', b"\0BEGIN\0\0\0");
    raw.send(b'D', b"S\0");
    raw.send(b'C', b"Sone\0");
    raw.send(b'D', b"Sone\0");
    raw.send(b'S', b"");
    assert_eq!(raw.until_ready(), ("1tn3EZ".to_owned(), "26000".to_owned()));
}

#[test]
fn a_newer_version_is_talked_down_and_bytes_before_tls_are_refused() {
    let server = server();
    let mut raw = Raw::connect(&server);
    raw.write(b"\0\0\0\x1d\0\x03\0\x02user\0token\0_pq_.x\0");
    raw.write(b"1\0\0");
    let (kind, body) = raw.message();
    assert_eq!((kind, &body[..4]), (b'v', &[0, 3, 0, 0][..]));
    assert_eq!(raw.message().0, b'R');
    drop(raw);
    // Without a certificate, TLS is refused and the connection goes on.
    let mut raw = Raw::connect(&server);
    raw.write(&[0, 0, 0, 8, 4, 210, 22, 47]);
    let mut answer = [0];
    raw.0.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [b'N']);
    raw.start(&[("user", "token"), ("database", "main")]);
    assert_eq!(raw.message().0, b'R');
    assert_eq!(rows(&server, "SELECT 1"), ["1"]);
}
