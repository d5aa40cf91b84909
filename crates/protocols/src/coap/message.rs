//! Messages, and the requests and responses in them.

use std::fmt;

use bytes::Bytes;

use super::code::Code;
use super::option::{self, OptionNumber, Options};

/// Content-Formats (RFC 7252, section 12.3; RFC 8428, section 12.3).
pub mod format {
    /// `text/plain; charset=utf-8`
    pub const TEXT: u16 = 0;
    /// `application/link-format`
    pub const LINK: u16 = 40;
    /// `application/octet-stream`
    pub const OCTETS: u16 = 42;
    /// `application/json`
    pub const JSON: u16 = 50;
    /// `application/cbor`
    pub const CBOR: u16 = 60;
    /// `application/senml+json`
    pub const SENML_JSON: u16 = 110;
    /// `application/senml+cbor`
    pub const SENML_CBOR: u16 = 112;
}

/// How a datagram's message is to be acknowledged, or what it acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Is acknowledged.
    Con,
    /// Is not acknowledged.
    Non,
    /// Acknowledges.
    Ack,
    /// Says that a message could not be dealt with.
    Rst,
}

/// What a client calls its request by: at most eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Token {
    /// Bytes beyond the length are 0.
    bytes: [u8; 8],
    length: u8,
}

impl Token {
    /// The token of these bytes; none when they are more than eight.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut token = Self { bytes: [0; 8], length: u8::try_from(bytes.len()).ok()? };
        token.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(token)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A message of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How it is to be acknowledged.
    pub kind: Kind,
    /// Its number between two peers.
    pub id: u16,
    /// What it is.
    pub code: Code,
    /// Which request it belongs to.
    pub token: Token,
    /// What is said about it.
    pub options: Options,
    /// What is in it.
    pub payload: Bytes,
}

impl Message {
    /// A message of its header alone.
    pub fn empty(kind: Kind, id: u16) -> Self {
        Self {
            kind,
            id,
            code: Code::EMPTY,
            token: Token::default(),
            options: Options::default(),
            payload: Bytes::new(),
        }
    }
}

/// A whole request. What the application gets has options that are known and right, so that its texts are UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub code: Code,
    /// What is said about it.
    pub options: Options,
    /// Its body.
    pub payload: Bytes,
}

impl Request {
    /// A request without options and body.
    pub fn new(code: Code) -> Self {
        Self { code, options: Options::default(), payload: Bytes::new() }
    }

    /// Adds the segments of a path such as `/sensors/dht`.
    #[must_use]
    pub fn with_path(mut self, path: &str) -> Self {
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            self.options.add(option::URI_PATH, segment.to_owned());
        }
        self
    }

    /// Adds an option.
    #[must_use]
    pub fn with_option(mut self, number: OptionNumber, value: impl Into<Bytes>) -> Self {
        self.options.add(number, value);
        self
    }

    /// Adds an option that is a number.
    #[must_use]
    pub fn with_uint(mut self, number: OptionNumber, value: u64) -> Self {
        self.options.add_uint(number, value);
        self
    }

    /// The request with a body.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = payload.into();
        self
    }

    /// The segments of the path.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.texts(option::URI_PATH)
    }

    /// The parts of the query, such as `device=esp32`.
    pub fn queries(&self) -> impl Iterator<Item = &str> {
        self.texts(option::URI_QUERY)
    }

    /// The value of the first part of the query with this name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.queries().find_map(|part| part.split_once('=').filter(|(known, _)| *known == name).map(|(_, value)| value))
    }

    /// What the body is.
    pub fn content_format(&self) -> Option<u16> {
        self.number(option::CONTENT_FORMAT)
    }

    /// What the response's body is to be.
    pub fn accept(&self) -> Option<u16> {
        self.number(option::ACCEPT)
    }

    /// Whether the client wants to be told of changes (RFC 7641, section 2; RFC 8132, section 2.4).
    pub fn wants_observation(&self) -> bool {
        self.code.is_safe() && self.options.uint(option::OBSERVE) == Some(0)
    }

    /// Whether the client does not want to be told any more.
    pub(super) fn ends_observation(&self) -> bool {
        self.code.is_safe() && self.options.uint(option::OBSERVE) == Some(1)
    }

    /// The ETags any of which the resource is to have; an empty one says that it is to exist (RFC 7252, section 5.10.8.1).
    pub fn if_match(&self) -> impl Iterator<Item = &Bytes> {
        self.options.all(option::IF_MATCH)
    }

    /// Whether the resource is not to exist (RFC 7252, section 5.10.8.2).
    pub fn has_if_none_match(&self) -> bool {
        self.options.get(option::IF_NONE_MATCH).is_some()
    }

    /// The ETags of bodies that the client has: [`Code::VALID`] answers when one of them is still right.
    pub fn etags(&self) -> impl Iterator<Item = &Bytes> {
        self.options.all(option::ETAG)
    }

    /// Whether the resource is as the client wants it (RFC 7252, sections 5.10.8.1 and 5.10.8.2); else
    /// [`Code::PRECONDITION_FAILED`] answers. `etag` is the one that the resource has now; none when it does not exist.
    pub fn allows(&self, etag: Option<&[u8]>) -> bool {
        let is_it = |wanted: &Bytes| etag.is_some_and(|etag| wanted.is_empty() || wanted == etag);
        let mut wanted = self.if_match().peekable();
        let is_matched = wanted.peek().is_none() || wanted.any(is_it);
        is_matched && !(self.has_if_none_match() && etag.is_some())
    }

    fn number(&self, number: OptionNumber) -> Option<u16> {
        self.options.uint(number).and_then(|value| u16::try_from(value).ok())
    }

    fn texts(&self, number: OptionNumber) -> impl Iterator<Item = &str> {
        self.options.all(number).filter_map(|value| std::str::from_utf8(value).ok())
    }
}

/// A whole response: what does not fit into one message is sent in blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// What became of the request.
    pub code: Code,
    /// What is said about it.
    pub options: Options,
    /// Its body.
    pub payload: Bytes,
}

impl Response {
    /// A response without options and body.
    pub fn new(code: Code) -> Self {
        Self { code, options: Options::default(), payload: Bytes::new() }
    }

    /// The response with a body.
    #[must_use]
    pub fn with_payload(mut self, content_format: u16, payload: impl Into<Bytes>) -> Self {
        self.options.set_uint(option::CONTENT_FORMAT, content_format.into());
        self.payload = payload.into();
        self
    }

    /// The response with a text of which no format is told: what went wrong (RFC 7252, section 5.5.2).
    #[must_use]
    pub fn with_text(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Adds an option.
    #[must_use]
    pub fn with_option(mut self, number: OptionNumber, value: impl Into<Bytes>) -> Self {
        self.options.add(number, value);
        self
    }

    /// Adds an option that is a number.
    #[must_use]
    pub fn with_uint(mut self, number: OptionNumber, value: u64) -> Self {
        self.options.add_uint(number, value);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_as_it_is_wanted_or_not() {
        let put = || Request::new(Code::PUT);
        let (a, b) = (Some(&b"a"[..]), Some(&b"b"[..]));
        for (request, etag, is_allowed) in [
            (put(), None, true),
            (put(), a, true),
            (put().with_option(option::IF_MATCH, "a"), a, true),
            (put().with_option(option::IF_MATCH, "a"), b, false),
            (put().with_option(option::IF_MATCH, "a").with_option(option::IF_MATCH, "b"), b, true),
            (put().with_option(option::IF_MATCH, "a"), None, false),
            (put().with_option(option::IF_MATCH, ""), b, true),
            (put().with_option(option::IF_MATCH, ""), None, false),
            (put().with_option(option::IF_NONE_MATCH, ""), None, true),
            (put().with_option(option::IF_NONE_MATCH, ""), a, false),
        ] {
            assert_eq!(request.allows(etag), is_allowed, "{request:?} {etag:?}");
        }
    }

    #[test]
    fn paths_and_queries_are_read() {
        let request = Request::new(Code::GET)
            .with_path("/devices//esp32/")
            .with_option(option::URI_QUERY, "token=a=b")
            .with_option(option::URI_QUERY, "flag")
            .with_uint(option::ACCEPT, 110);
        assert_eq!(request.path().collect::<Vec<_>>(), ["devices", "esp32"]);
        assert_eq!((request.query("token"), request.query("flag"), request.accept()), (Some("a=b"), None, Some(110)));
    }
}
