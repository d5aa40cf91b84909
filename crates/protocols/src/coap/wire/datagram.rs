//! Messages in datagrams (RFC 7252, section 3).

use bytes::{BufMut, Bytes, BytesMut};

use super::{DecodeError, options};
use crate::coap::CoapLimits;
use crate::coap::code::Code;
use crate::coap::message::{Kind, Message, Token};

/// Bytes before the token.
const HEADER: usize = 4;

/// Kind, code, message id and length of the token; none when it is no message of version 1.
pub(in crate::coap) fn header(datagram: &[u8]) -> Option<(Kind, Code, u16, usize)> {
    let (&[first, code, high, low], _) = datagram.split_first_chunk::<HEADER>()?;
    let kind = match first >> 4 {
        0b0100 => Kind::Con,
        0b0101 => Kind::Non,
        0b0110 => Kind::Ack,
        0b0111 => Kind::Rst,
        _ => return None,
    };
    Some((kind, Code(code), u16::from_be_bytes([high, low]), usize::from(first & 0x0f)))
}

/// Reads a datagram.
pub fn decode(datagram: &Bytes, limits: &CoapLimits) -> Result<Message, DecodeError> {
    let (kind, code, id, token_bytes) = header(datagram).ok_or(DecodeError::Foreign)?;
    let Some(token) = datagram.get(HEADER..HEADER + token_bytes) else {
        return Err(DecodeError::Malformed("it ends in the middle of the token"));
    };
    let token = Token::new(token).ok_or(DecodeError::Malformed("a token has at most 8 bytes"))?;
    if code == Code::EMPTY && datagram.len() > HEADER {
        return Err(DecodeError::Malformed("an empty message has nothing after its header"));
    }
    if code != Code::EMPTY && !code.is_request() && !code.is_response() {
        return Err(DecodeError::Malformed("the class of its code is reserved"));
    }
    if datagram.len() > limits.message_bytes {
        let (limit, setting) = (limits.message_bytes, "coap.message_bytes");
        return Err(DecodeError::Limit { what: "bytes", limit, setting, code, token });
    }
    let (options, payload) = options::decode(&datagram.slice(HEADER + token_bytes..), code, token, limits)?;
    Ok(Message { kind, id, code, token, options, payload })
}

/// Writes a datagram.
pub fn encode(message: &Message) -> Bytes {
    let token = message.token.as_bytes();
    let kind = match message.kind {
        Kind::Con => 0,
        Kind::Non => 1,
        Kind::Ack => 2,
        Kind::Rst => 3,
    };
    let mut out = BytesMut::with_capacity(encoded_bytes(message));
    out.put_u8(0b0100_0000 | kind << 4 | token.len() as u8);
    out.put_u8(message.code.0);
    out.put_u16(message.id);
    out.put_slice(token);
    options::encode(&message.options, &message.payload, &mut out);
    out.freeze()
}

/// How many bytes a message has when it is written.
pub(in crate::coap) fn encoded_bytes(message: &Message) -> usize {
    HEADER + message.token.as_bytes().len() + options::encoded_bytes(&message.options, &message.payload)
}
