//! Messages on reliable connections: TCP and TLS (RFC 8323, section 3) and WebSocket (section 4).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{DecodeError, options};
use crate::coap::CoapLimits;
use crate::coap::code::Code;
use crate::coap::message::Token;
use crate::coap::option::Options;

/// What delimits messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A length in each message.
    Tcp,
    /// One binary message of a WebSocket each; the length is 0.
    WebSocket,
}

/// A message of a reliable connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub code: Code,
    /// Which request it belongs to.
    pub token: Token,
    /// What is said about it.
    pub options: Options,
    /// What is in it.
    pub payload: Bytes,
}

/// Takes the next message out of what TCP brought; none when its end is missing. After an error nothing more can be read.
pub fn decode_stream(buffer: &mut BytesMut, limits: &CoapLimits) -> Result<Option<Frame>, DecodeError> {
    let Some((&first, rest)) = buffer.split_first() else { return Ok(None) };
    let (extra, base) = match first >> 4 {
        13 => (1, 13),
        14 => (2, 269),
        15 => (4, 65_805),
        length => (0, u64::from(length)),
    };
    let Some(more) = rest.get(..extra) else { return Ok(None) };
    let length = more.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)) + base;
    let token_bytes = usize::from(first & 0x0f);
    if token_bytes > 8 {
        return Err(DecodeError::Malformed("a token has at most 8 bytes"));
    }
    let head = 1 + extra + 1 + token_bytes;
    if head as u64 + length > limits.message_bytes as u64 {
        let (limit, setting) = (limits.message_bytes, "coap.message_bytes");
        let (code, token) = (Code::EMPTY, Token::default());
        return Err(DecodeError::Limit { what: "bytes", limit, setting, code, token });
    }
    let total = head + length as usize;
    if buffer.len() < total {
        return Ok(None);
    }
    let mut message = buffer.split_to(total).freeze();
    message.advance(1 + extra);
    after_length(&message, token_bytes, limits).map(Some)
}

/// Reads one binary message of a WebSocket.
pub fn decode_frame(message: &Bytes, limits: &CoapLimits) -> Result<Frame, DecodeError> {
    let Some(&first) = message.first() else { return Err(DecodeError::Malformed("it is empty")) };
    if first >> 4 != 0 {
        return Err(DecodeError::Malformed("a length stands in a message of a WebSocket"));
    }
    if message.len() > limits.message_bytes {
        let (limit, setting) = (limits.message_bytes, "coap.message_bytes");
        let (code, token) = (Code::EMPTY, Token::default());
        return Err(DecodeError::Limit { what: "bytes", limit, setting, code, token });
    }
    after_length(&message.slice(1..), usize::from(first & 0x0f), limits)
}

/// Reads code, token, options and payload.
fn after_length(bytes: &Bytes, token_bytes: usize, limits: &CoapLimits) -> Result<Frame, DecodeError> {
    let cut = DecodeError::Malformed("it ends in the middle of the token");
    let Some((&code, _)) = bytes.split_first() else { return Err(DecodeError::Malformed("it has no code")) };
    let token = bytes.get(1..1 + token_bytes).ok_or(cut)?;
    let token = Token::new(token).ok_or(DecodeError::Malformed("a token has at most 8 bytes"))?;
    let code = Code(code);
    let (options, payload) = options::decode(&bytes.slice(1 + token_bytes..), code, token, limits)?;
    Ok(Frame { code, token, options, payload })
}

/// Writes a message.
pub fn encode(frame: &Frame, framing: Framing) -> Bytes {
    let token = frame.token.as_bytes();
    let length = options::encoded_bytes(&frame.options, &frame.payload);
    let mut out = BytesMut::with_capacity(6 + token.len() + length);
    let token_bytes = token.len() as u8;
    match (framing, length) {
        (Framing::WebSocket, _) => out.put_u8(token_bytes),
        (Framing::Tcp, 0..13) => out.put_u8((length as u8) << 4 | token_bytes),
        (Framing::Tcp, 13..269) => {
            out.put_u8(13 << 4 | token_bytes);
            out.put_u8((length - 13) as u8);
        }
        (Framing::Tcp, 269..65_805) => {
            out.put_u8(14 << 4 | token_bytes);
            out.put_u16((length - 269) as u16);
        }
        (Framing::Tcp, _) => {
            out.put_u8(15 << 4 | token_bytes);
            out.put_u32((length - 65_805) as u32);
        }
    }
    out.put_u8(frame.code.0);
    out.put_slice(token);
    options::encode(&frame.options, &frame.payload, &mut out);
    out.freeze()
}
