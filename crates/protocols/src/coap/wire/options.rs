//! Options and payload: what follows the token in every kind of message (RFC 7252, section 3.1).

use bytes::{BufMut, Bytes, BytesMut};

use super::DecodeError;
use crate::coap::CoapLimits;
use crate::coap::code::Code;
use crate::coap::message::Token;
use crate::coap::option::Options;

/// What stands between the options and the payload.
const MARKER: u8 = 0xff;
const CUT: DecodeError = DecodeError::Malformed("it ends in the middle of an option");

/// Reads what follows the token. The message's code and token are for what is told when it is too much.
pub(super) fn decode(
    bytes: &Bytes,
    code: Code,
    token: Token,
    limits: &CoapLimits,
) -> Result<(Options, Bytes), DecodeError> {
    let over = |what, limit, setting| DecodeError::Limit { what, limit, setting, code, token };
    let mut options = Options::default();
    let mut rest: &[u8] = bytes;
    let mut number = 0_u16;
    let mut total = 0;
    while let Some((&head, after)) = rest.split_first() {
        rest = after;
        if head == MARKER {
            if rest.is_empty() {
                return Err(DecodeError::Malformed("there is no payload after its marker"));
            }
            return Ok((options, bytes.slice_ref(rest)));
        }
        let delta = extended(head >> 4, &mut rest)?;
        let length = extended(head & 0x0f, &mut rest)?;
        number = u16::try_from(delta)
            .ok()
            .and_then(|delta| number.checked_add(delta))
            .ok_or(DecodeError::Malformed("an option's number is beyond 65,535"))?;
        let (value, after) = rest.split_at_checked(length).ok_or(CUT)?;
        rest = after;
        total += length;
        if options.len() >= limits.options {
            return Err(over("options", limits.options, "coap.options"));
        }
        if total > limits.option_bytes {
            return Err(over("bytes of options", limits.option_bytes, "coap.option_bytes"));
        }
        options.push_last(number, bytes.slice_ref(value));
    }
    Ok((options, Bytes::new()))
}

/// The number that four bits mean, with the bytes that follow.
fn extended(nibble: u8, rest: &mut &[u8]) -> Result<usize, DecodeError> {
    match nibble {
        13 => {
            let (first, after) = rest.split_first().ok_or(CUT)?;
            *rest = after;
            Ok(13 + usize::from(*first))
        }
        14 => {
            let (two, after) = rest.split_first_chunk::<2>().ok_or(CUT)?;
            *rest = after;
            Ok(269 + usize::from(u16::from_be_bytes(*two)))
        }
        15 => Err(DecodeError::Malformed("15 is no length and no difference of an option")),
        _ => Ok(nibble.into()),
    }
}

/// Writes options and payload. Values longer than an option can be (65,804 bytes) do not occur.
pub(super) fn encode(options: &Options, payload: &Bytes, out: &mut BytesMut) {
    let mut last = 0;
    for (number, value) in options.iter() {
        let (delta, length) = (usize::from(number - last), value.len());
        out.put_u8(nibble(delta) << 4 | nibble(length));
        put_extended(delta, out);
        put_extended(length, out);
        out.put_slice(value);
        last = number;
    }
    if !payload.is_empty() {
        out.put_u8(MARKER);
        out.put_slice(payload);
    }
}

fn nibble(value: usize) -> u8 {
    match value {
        0..13 => value as u8,
        13..269 => 13,
        _ => 14,
    }
}

fn put_extended(value: usize, out: &mut BytesMut) {
    match value {
        0..13 => {}
        13..269 => out.put_u8((value - 13) as u8),
        _ => out.put_u16((value - 269) as u16),
    }
}

/// How many bytes options and payload have when they are written.
pub(super) fn encoded_bytes(options: &Options, payload: &Bytes) -> usize {
    let extra = |value| match value {
        0..13 => 0,
        13..269 => 1,
        _ => 2_usize,
    };
    let mut last = 0;
    let mut bytes = payload.len() + usize::from(!payload.is_empty());
    for (number, value) in options.iter() {
        bytes += 1 + extra(usize::from(number - last)) + extra(value.len()) + value.len();
        last = number;
    }
    bytes
}
