//! Messages as bytes: in datagrams (RFC 7252, section 3) and on reliable connections (RFC 8323, sections 3 and 4).
//!
//! Layout of a datagram: version 1, type and length of the token in one byte, the code in one, the message id in two; the
//! token; options, each with the difference to the number before it; 0xFF and the payload, if there is one. On reliable
//! connections type, id and version are absent; TCP has the length of what follows the token instead.
//!
//! Invariants:
//! - whatever the bytes, reading gives a message, asks for more bytes or says what is wrong;
//! - what is written is read the same;
//! - what was read shares the bytes that it was read from.

pub mod datagram;
mod options;
pub mod reliable;
#[cfg(test)]
mod tests;

use thiserror::Error;

use super::code::Code;
use super::message::Token;

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Not even a header, or of another version: is ignored in silence (RFC 7252, section 3).
    #[error("no message of version 1")]
    Foreign,
    /// A message whose format is wrong.
    #[error("malformed message: {0}")]
    Malformed(&'static str),
    /// More than is allowed.
    #[error("the message has {what} beyond {limit} (setting {setting})")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
        /// Where that is set.
        setting: &'static str,
        /// Its code.
        code: Code,
        /// Its token, for the answer.
        token: Token,
    },
}
