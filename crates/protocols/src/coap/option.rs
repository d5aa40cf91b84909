//! Options of a message (RFC 7252, section 5.4 and 5.10; RFC 7641, 7959, 7967, 8768, 9175).

use bytes::Bytes;

/// The number of an option: odd ones are critical.
pub type OptionNumber = u16;

/// ETags that the client has, any of which the resource is to have now.
pub const IF_MATCH: OptionNumber = 1;
/// The host that is asked.
pub const URI_HOST: OptionNumber = 3;
/// The version of a body.
pub const ETAG: OptionNumber = 4;
/// The resource is not to exist.
pub const IF_NONE_MATCH: OptionNumber = 5;
/// 0 registers an observer and 1 takes it away; in a notification its number.
pub const OBSERVE: OptionNumber = 6;
/// The port that is asked.
pub const URI_PORT: OptionNumber = 7;
/// A segment of the path of what was created.
pub const LOCATION_PATH: OptionNumber = 8;
/// A segment of the path.
pub const URI_PATH: OptionNumber = 11;
/// What the payload is.
pub const CONTENT_FORMAT: OptionNumber = 12;
/// For how many seconds a response is fresh; 60 without it.
pub const MAX_AGE: OptionNumber = 14;
/// A part of the query.
pub const URI_QUERY: OptionNumber = 15;
/// How many proxies may follow (RFC 8768).
pub const HOP_LIMIT: OptionNumber = 16;
/// The format that the response is to have.
pub const ACCEPT: OptionNumber = 17;
/// A part of the query of what was created.
pub const LOCATION_QUERY: OptionNumber = 20;
/// Which block of the response this is (RFC 7959).
pub const BLOCK2: OptionNumber = 23;
/// Which block of the request this is (RFC 7959).
pub const BLOCK1: OptionNumber = 27;
/// Bytes of the response's body (RFC 7959).
pub const SIZE2: OptionNumber = 28;
/// The address that a proxy is to ask.
pub const PROXY_URI: OptionNumber = 35;
/// The scheme that a proxy is to use.
pub const PROXY_SCHEME: OptionNumber = 39;
/// Bytes of the request's body, or of the largest that is taken.
pub const SIZE1: OptionNumber = 60;
/// What the server said is said again, which shows where the client is (RFC 9175).
pub const ECHO: OptionNumber = 252;
/// Responses that the client does not want (RFC 7967).
pub const NO_RESPONSE: OptionNumber = 258;
/// Which body the blocks of a request belong to (RFC 9175).
pub const REQUEST_TAG: OptionNumber = 292;

/// Options, sorted by their numbers; equal numbers stand in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    sorted: Vec<(OptionNumber, Bytes)>,
}

impl Options {
    /// Adds an option.
    pub fn add(&mut self, number: OptionNumber, value: impl Into<Bytes>) {
        let place = self.sorted.partition_point(|(other, _)| *other <= number);
        self.sorted.insert(place, (number, value.into()));
    }

    /// Adds an option whose number is not below those that are there.
    pub(super) fn push_last(&mut self, number: OptionNumber, value: Bytes) {
        self.sorted.push((number, value));
    }

    /// Adds a number in as few bytes as it needs (RFC 7252, section 3.2).
    pub fn add_uint(&mut self, number: OptionNumber, value: u64) {
        self.add(number, uint_bytes(value));
    }

    /// Adds an option instead of all others of its number.
    pub fn set(&mut self, number: OptionNumber, value: impl Into<Bytes>) {
        self.remove(number);
        self.add(number, value);
    }

    /// Adds a number instead of all others of its option's number.
    pub fn set_uint(&mut self, number: OptionNumber, value: u64) {
        self.set(number, uint_bytes(value));
    }

    /// Removes all options of a number.
    pub fn remove(&mut self, number: OptionNumber) {
        self.sorted.retain(|(other, _)| *other != number);
    }

    /// Keeps the options for which `keep` says so.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(OptionNumber, &Bytes) -> bool) {
        self.sorted.retain(|(number, value)| keep(*number, value));
    }

    /// The first option of a number.
    pub fn get(&self, number: OptionNumber) -> Option<&Bytes> {
        self.all(number).next()
    }

    /// The first option of a number, read as a number; none when it has more than eight bytes.
    pub fn uint(&self, number: OptionNumber) -> Option<u64> {
        let bytes = self.get(number)?;
        (bytes.len() <= 8).then(|| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// All options of a number.
    pub fn all(&self, number: OptionNumber) -> impl Iterator<Item = &Bytes> {
        let start = self.sorted.partition_point(|(other, _)| *other < number);
        let rest = self.sorted.get(start..).unwrap_or_default().iter();
        rest.take_while(move |(other, _)| *other == number).map(|(_, value)| value)
    }

    /// All options in their order.
    pub fn iter(&self) -> impl Iterator<Item = (OptionNumber, &Bytes)> {
        self.sorted.iter().map(|(number, value)| (*number, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

/// A number in as few bytes as it needs: none for 0.
fn uint_bytes(value: u64) -> Bytes {
    let skipped = value.leading_zeros() as usize / 8;
    Bytes::copy_from_slice(value.to_be_bytes().get(skipped..).unwrap_or_default())
}

/// What is known of an option.
struct Definition {
    is_text: bool,
    may_repeat: bool,
    bytes: std::ops::RangeInclusive<usize>,
}

/// The options of requests that are known here (RFC 7252, table 4, and the others' own). OSCORE, Q-Block1 and Q-Block2 are
/// critical and not known, which tells their senders to do without.
fn definition(number: OptionNumber) -> Option<Definition> {
    let (is_text, may_repeat, bytes) = match number {
        IF_MATCH => (false, true, 0..=8),
        URI_HOST => (true, false, 1..=255),
        ETAG => (false, true, 1..=8),
        IF_NONE_MATCH => (false, false, 0..=0),
        OBSERVE => (false, false, 0..=3),
        URI_PORT => (false, false, 0..=2),
        URI_PATH | URI_QUERY => (true, true, 0..=255),
        CONTENT_FORMAT | ACCEPT => (false, false, 0..=2),
        BLOCK2 | BLOCK1 => (false, false, 0..=3),
        SIZE2 | SIZE1 => (false, false, 0..=4),
        HOP_LIMIT => (false, false, 1..=1),
        PROXY_URI => (true, false, 1..=1_034),
        PROXY_SCHEME => (true, false, 1..=255),
        ECHO => (false, false, 1..=40),
        NO_RESPONSE => (false, false, 0..=1),
        REQUEST_TAG => (false, true, 0..=8),
        _ => return None,
    };
    Some(Definition { is_text, may_repeat, bytes })
}

/// Takes away the elective options of a request that are not known or wrong; the number of the first critical one that is
/// (RFC 7252, sections 5.4.1, 5.4.3 and 5.4.5).
pub(super) fn check(options: &mut Options) -> Result<(), OptionNumber> {
    let mut last = None;
    let mut wrong = None;
    options.retain(|number, value| {
        let is_right = definition(number).is_some_and(|known| {
            known.bytes.contains(&value.len())
                && (known.may_repeat || last != Some(number))
                && (!known.is_text || std::str::from_utf8(value).is_ok())
        });
        last = Some(number);
        if !is_right && number & 1 == 1 {
            wrong.get_or_insert(number);
        }
        is_right
    });
    wrong.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_sorted_and_numbers_are_short() {
        let mut options = Options::default();
        options.add(URI_PATH, "b");
        options.add_uint(OBSERVE, 0);
        options.add(URI_PATH, "a");
        options.add_uint(MAX_AGE, 0x01_02_03);
        let all: Vec<_> = options.iter().map(|(number, value)| (number, value.to_vec())).collect();
        assert_eq!(all, [(6, vec![]), (11, b"b".to_vec()), (11, b"a".to_vec()), (14, vec![1, 2, 3])]);
        assert_eq!((options.uint(MAX_AGE), options.uint(OBSERVE), options.uint(4)), (Some(0x01_02_03), Some(0), None));
        options.set_uint(MAX_AGE, u64::MAX);
        assert_eq!((options.uint(MAX_AGE), options.len()), (Some(u64::MAX), 4));
        options.set(MAX_AGE, vec![0; 9]);
        assert_eq!(options.uint(MAX_AGE), None);
    }

    #[test]
    fn what_is_elective_and_wrong_is_left_out_and_what_is_critical_is_told() {
        let checked = |number, values: &[&[u8]]| {
            let mut options = Options::default();
            values.iter().for_each(|value| options.add(number, value.to_vec()));
            (check(&mut options), options.len())
        };
        assert_eq!(checked(13, &[b""]), (Err(13), 0));
        assert_eq!(checked(9, &[b"oscore"]), (Err(9), 0));
        assert_eq!(checked(URI_PATH, &[b"a", b"b", b""]), (Ok(()), 3));
        assert_eq!(checked(URI_PATH, &[b"\xff"]), (Err(URI_PATH), 0));
        assert_eq!(checked(URI_PATH, &[&[b'a'; 256]]), (Err(URI_PATH), 0));
        assert_eq!(checked(ACCEPT, &[b"\0", b"\0"]), (Err(ACCEPT), 1));
        assert_eq!(checked(OBSERVE, &[b"", b"\x01"]), (Ok(()), 1), "a repeat of an elective option is ignored");
        assert_eq!(checked(OBSERVE, &[b"four"]), (Ok(()), 0));
        assert_eq!(checked(65_000, &[b"whatever"]), (Ok(()), 0));
    }
}
