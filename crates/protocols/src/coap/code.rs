//! Codes of requests, responses and signals: a class of three bits and a detail of five (RFC 7252, section 12.1).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The code of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u8);

/// A text is no code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no code of CoAP; write it like 2.05")]
pub struct CodeError(String);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $class:literal, $detail:literal;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self::new($class, $detail);)*
        }
    };
}

codes! {
    /// 0.00: acknowledgements without a response, resets and pings.
    EMPTY = 0, 0;
    /// 0.01
    GET = 0, 1;
    /// 0.02
    POST = 0, 2;
    /// 0.03
    PUT = 0, 3;
    /// 0.04
    DELETE = 0, 4;
    /// 0.05 (RFC 8132)
    FETCH = 0, 5;
    /// 0.06 (RFC 8132)
    PATCH = 0, 6;
    /// 0.07 (RFC 8132)
    IPATCH = 0, 7;
    /// 2.01
    CREATED = 2, 1;
    /// 2.02
    DELETED = 2, 2;
    /// 2.03: what the client has is still right.
    VALID = 2, 3;
    /// 2.04
    CHANGED = 2, 4;
    /// 2.05
    CONTENT = 2, 5;
    /// 2.31: the next block, please (RFC 7959).
    CONTINUE = 2, 31;
    /// 4.00
    BAD_REQUEST = 4, 0;
    /// 4.01
    UNAUTHORIZED = 4, 1;
    /// 4.02: a critical option is not known or wrong.
    BAD_OPTION = 4, 2;
    /// 4.03
    FORBIDDEN = 4, 3;
    /// 4.04
    NOT_FOUND = 4, 4;
    /// 4.05
    METHOD_NOT_ALLOWED = 4, 5;
    /// 4.06
    NOT_ACCEPTABLE = 4, 6;
    /// 4.08: blocks are missing (RFC 7959).
    REQUEST_ENTITY_INCOMPLETE = 4, 8;
    /// 4.09 (RFC 8132)
    CONFLICT = 4, 9;
    /// 4.12
    PRECONDITION_FAILED = 4, 12;
    /// 4.13
    REQUEST_ENTITY_TOO_LARGE = 4, 13;
    /// 4.15
    UNSUPPORTED_CONTENT_FORMAT = 4, 15;
    /// 4.22 (RFC 8132)
    UNPROCESSABLE_ENTITY = 4, 22;
    /// 4.29 (RFC 8516)
    TOO_MANY_REQUESTS = 4, 29;
    /// 5.00
    INTERNAL_SERVER_ERROR = 5, 0;
    /// 5.01
    NOT_IMPLEMENTED = 5, 1;
    /// 5.02
    BAD_GATEWAY = 5, 2;
    /// 5.03: Max-Age tells when to try again.
    SERVICE_UNAVAILABLE = 5, 3;
    /// 5.04
    GATEWAY_TIMEOUT = 5, 4;
    /// 5.05
    PROXYING_NOT_SUPPORTED = 5, 5;
    /// 7.01: capabilities and settings (RFC 8323).
    CSM = 7, 1;
    /// 7.02 (RFC 8323)
    PING = 7, 2;
    /// 7.03 (RFC 8323)
    PONG = 7, 3;
    /// 7.04 (RFC 8323)
    RELEASE = 7, 4;
    /// 7.05 (RFC 8323)
    ABORT = 7, 5;
}

impl Code {
    /// The code of a class from 0 to 7 and a detail from 0 to 31; higher bits are left out.
    pub const fn new(class: u8, detail: u8) -> Self {
        Self(class << 5 | detail & 0x1f)
    }

    /// From 0 to 7.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// From 0 to 31.
    pub const fn detail(self) -> u8 {
        self.0 & 0x1f
    }

    /// Whether it is a method, known or not.
    pub const fn is_request(self) -> bool {
        self.class() == 0 && self.detail() != 0
    }

    /// Whether it is a response.
    pub const fn is_response(self) -> bool {
        matches!(self.class(), 2 | 4 | 5)
    }

    /// Whether it is a response that tells a failure.
    pub const fn is_error(self) -> bool {
        matches!(self.class(), 4 | 5)
    }

    /// Whether it is a signal of a reliable connection.
    pub const fn is_signal(self) -> bool {
        self.class() == 7
    }

    /// Whether the request changes nothing, so that it may be carried out twice.
    pub fn is_safe(self) -> bool {
        matches!(self, Self::GET | Self::FETCH)
    }

    /// The name of a method that is known.
    pub fn method(self) -> Option<&'static str> {
        Some(match self {
            Self::GET => "GET",
            Self::POST => "POST",
            Self::PUT => "PUT",
            Self::DELETE => "DELETE",
            Self::FETCH => "FETCH",
            Self::PATCH => "PATCH",
            Self::IPATCH => "iPATCH",
            _ => return None,
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.detail())
    }
}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let part = |part: &str, digits: usize, most: u8| {
            let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u8>().ok().filter(|number| is_number && *number <= most)
        };
        let code = text.split_once('.').and_then(|(class, detail)| Some((part(class, 1, 7)?, part(detail, 2, 31)?)));
        code.map(|(class, detail)| Self::new(class, detail)).ok_or_else(|| CodeError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_and_read() {
        assert_eq!((Code::CONTENT.0, Code::CONTENT.to_string()), (0x45, "2.05".to_owned()));
        assert_eq!(Code::REQUEST_ENTITY_TOO_LARGE.to_string(), "4.13");
        for byte in 0..=u8::MAX {
            assert_eq!(Code(byte).to_string().parse(), Ok(Code(byte)));
        }
        for text in ["", "2", "2.5", "2.005", "8.00", "2.32", "+.05", "2.+5", "2,05"] {
            assert!(text.parse::<Code>().is_err(), "{text}");
        }
    }
}
