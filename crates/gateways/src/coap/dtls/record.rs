//! Records of DTLS 1.2 (RFC 6347) as far as they are read before anybody proved anything: greetings, identities, and what is answered
//! to them without keeping anything.

use super::Peer;

/// TLS_PSK_WITH_AES_128_CCM_8 (RFC 6655), which devices with a key speak.
const WITH_KEY: [u8; 2] = [0xc0, 0xa8];
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const CLIENT_KEY_EXCHANGE: u8 = 16;
/// Bytes of a record before what it carries.
const RECORD_HEADER: usize = 13;
/// Where the number of the first message is in a datagram.
const MESSAGE_NUMBER: std::ops::Range<usize> = RECORD_HEADER + 4..RECORD_HEADER + 6;

pub(super) const COOKIE_BYTES: usize = 32;
pub(super) type Cookie = [u8; COOKIE_BYTES];
pub(super) type Random = [u8; 32];

/// Reads from the front; nothing once something is missing.
struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    fn take(&mut self, count: usize) -> Option<&'d [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }

    /// What follows its own length, which has so many bytes.
    fn vector(&mut self, bytes: usize) -> Option<&'d [u8]> {
        let length = self.number(bytes)?;
        self.take(length)
    }
}

/// A whole message of a handshake.
struct Message<'d> {
    kind: u8,
    number: usize,
    body: &'d [u8],
}

/// The whole messages that a datagram holds in the clear.
fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut datagram = Reader(datagram);
    let mut record = Reader(&[]);
    std::iter::from_fn(move || {
        while record.0.is_empty() {
            let kind = datagram.number(1)?;
            let _version = datagram.take(2)?;
            let epoch = datagram.number(2)?;
            let _number = datagram.take(6)?;
            let body = datagram.vector(2)?;
            if kind == usize::from(HANDSHAKE) && epoch == 0 {
                record = Reader(body);
            }
        }
        let kind = *record.take(1)?.first()?;
        let length = record.number(3)?;
        let number = record.number(2)?;
        let offset = record.number(3)?;
        let body = record.vector(3)?;
        (offset == 0 && body.len() == length).then_some(Message { kind, number, body })
    })
}

/// The first thing that a client says, whole in one datagram.
pub(super) struct Hello<'d> {
    pub(super) random: Random,
    /// Whether it offers what is done with a key.
    pub(super) has_key: bool,
    /// What it gives back of an earlier answer, if it is the second greeting.
    pub(super) cookie: Option<&'d [u8]>,
}

impl<'d> Hello<'d> {
    /// Reads the greeting that a datagram begins with.
    pub(super) fn read(datagram: &'d [u8]) -> Option<Self> {
        let message = messages(datagram).next().filter(|message| message.kind == CLIENT_HELLO)?;
        let mut body = Reader(message.body);
        let _version = body.take(2)?;
        let random = body.take(32)?.try_into().ok()?;
        let _session = body.vector(1)?;
        let cookie = body.vector(1)?;
        let suites = body.vector(2)?;
        let has_key = suites.as_chunks().0.contains(&WITH_KEY);
        Some(Self { random, has_key, cookie: Some(cookie).filter(|cookie| !cookie.is_empty() && message.number == 1) })
    }
}

/// Whether a datagram begins with a greeting, be it whole or not.
pub(super) fn is_hello(datagram: &[u8]) -> bool {
    let mut datagram = Reader(datagram);
    let kind = datagram.number(1);
    let (_version, epoch, _rest) = (datagram.take(2), datagram.number(2), datagram.take(8));
    kind == Some(usize::from(HANDSHAKE)) && epoch == Some(0) && datagram.0.first() == Some(&CLIENT_HELLO)
}

/// The same greeting as its client sent it before it knew the cookie, for an engine that is to go on from there.
pub(super) fn as_first(datagram: &[u8]) -> Vec<u8> {
    let mut first = datagram.to_vec();
    if let Some(number) = first.get_mut(MESSAGE_NUMBER) {
        number.fill(0);
    }
    first
}

/// The identity that a client says it has, in a datagram of a handshake with a key.
pub(super) fn identity(datagram: &[u8]) -> Option<&[u8]> {
    let message = messages(datagram).find(|message| message.kind == CLIENT_KEY_EXCHANGE)?;
    Reader(message.body).vector(2)
}

/// The answer to a first greeting: come again with this cookie. It is shorter than the greeting.
///
/// Its record has the number 0 always, so that the next one, 1, is new to the client however often it greeted.
pub(super) fn verify(cookie: &Cookie) -> Vec<u8> {
    const HEAD: [u8; 28] = [
        HANDSHAKE, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 47, // record
        3, 0, 0, 35, 0, 0, 0, 0, 0, 0, 0, 35, // message
        0xfe, 0xff, 32, // version and length of the cookie
    ];
    [&HEAD[..], cookie].concat()
}

/// Tells a client that a handshake came to nothing, so that it need not wait.
pub(super) fn alert(description: u8) -> Vec<u8> {
    // A record of a number that none before it had.
    vec![ALERT, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 2, 2, description]
}

/// What a cookie says: who greeted, how and when.
pub(super) fn cookie_of(peer: &Peer, random: &Random, span: u64) -> Vec<u8> {
    let mut said = Vec::with_capacity(64);
    said.extend_from_slice(&span.to_be_bytes());
    match peer.address.ip() {
        std::net::IpAddr::V4(v4) => said.extend_from_slice(&v4.octets()),
        std::net::IpAddr::V6(v6) => said.extend_from_slice(&v6.octets()),
    }
    said.extend_from_slice(&peer.address.port().to_be_bytes());
    said.extend_from_slice(random);
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A greeting with a cookie and a suite.
    fn hello(number: u8, cookie: &[u8], suite: [u8; 2]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend_from_slice(&[7; 32]);
        body.extend_from_slice(&[0, u8::try_from(cookie.len()).unwrap()]);
        body.extend_from_slice(cookie);
        body.extend_from_slice(&[0, 4, 0x13, 0x01, suite[0], suite[1], 1, 0]);
        let length = u8::try_from(body.len()).unwrap();
        let mut datagram = vec![HANDSHAKE, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, length + 12];
        datagram.extend_from_slice(&[CLIENT_HELLO, 0, 0, length, 0, number, 0, 0, 0, 0, 0, length]);
        datagram.extend_from_slice(&body);
        datagram
    }

    #[test]
    fn a_greeting_says_whether_it_has_a_cookie_and_a_key() {
        let first = hello(0, &[], WITH_KEY);
        let read = Hello::read(&first).unwrap();
        assert_eq!((read.random, read.has_key, read.cookie), ([7; 32], true, None));
        let second = hello(1, &[9; 32], [0xc0, 0x2b]);
        let read = Hello::read(&second).unwrap();
        assert_eq!((read.has_key, read.cookie), (false, Some(&[9; 32][..])));
        assert_eq!(Hello::read(&as_first(&second)).unwrap().cookie, None);
        assert!(verify(&[1; 32]).len() <= first.len());
    }

    #[test]
    fn what_is_cut_or_changed_is_read_as_nothing_or_as_something_else() {
        let whole = hello(1, &[9; 32], WITH_KEY);
        for end in 0..whole.len() {
            assert!(Hello::read(&whole[..end]).is_none(), "{end}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0xff;
            let _read = Hello::read(&changed).is_some();
            let _found = identity(&changed);
        }
        assert!(is_hello(&whole) && is_hello(&whole[..20]) && !is_hello(&alert(40)) && !is_hello(&[]));
    }

    #[test]
    fn an_identity_is_found_among_other_records() {
        let message = [CLIENT_KEY_EXCHANGE, 0, 0, 6, 0, 2, 0, 0, 0, 0, 0, 6, 0, 4, b'd', b'e', b'v', b'1'];
        let mut datagram = vec![20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 1];
        assert_eq!(identity(&datagram), None);
        datagram.extend_from_slice(&[HANDSHAKE, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 2, 0, 18]);
        datagram.extend_from_slice(&message);
        assert_eq!(identity(&datagram), Some(&b"dev1"[..]));
    }

    #[test]
    fn a_cookie_is_of_one_address_and_port() {
        let peer = |address: &str| Peer { address: address.parse().unwrap(), local: None };
        let one = cookie_of(&peer("127.0.0.1:1"), &[7; 32], 1);
        for (other, span) in [("127.0.0.1:2", 1), ("127.0.0.2:1", 1), ("[::1]:1", 1), ("127.0.0.1:1", 2)] {
            assert_ne!(one, cookie_of(&peer(other), &[7; 32], span), "{other}");
        }
    }
}
