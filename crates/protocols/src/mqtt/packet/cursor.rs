//! Reads the data types of section 1.5 from a packet's bytes.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::Bytes;

use super::decode::DecodeError;
use super::types::PacketId;

/// What is left of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'b> {
    rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    pub(super) fn new(rest: &'b [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> &'b [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'b [u8], DecodeError> {
        let (taken, rest) =
            self.rest.split_at_checked(bytes).ok_or(DecodeError::Malformed("it ends in the middle of a value"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) =
            self.rest.split_first().ok_or(DecodeError::Malformed("it ends in the middle of a value"))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from(self.u8()?) << 8 | u16::from(self.u8()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from(self.u16()?) << 16 | u32::from(self.u16()?))
    }

    /// A number of one to four bytes of seven bits each (section 1.5.5).
    pub(super) fn variable(&mut self) -> Result<u32, DecodeError> {
        match variable(self.rest)? {
            Some((value, bytes)) => self.take(bytes).map(|_| value),
            None => Err(DecodeError::Malformed("it ends in the middle of a value")),
        }
    }

    /// Bytes with their number in front.
    pub(super) fn binary(&mut self) -> Result<&'b [u8], DecodeError> {
        let bytes = self.u16()?;
        self.take(usize::from(bytes))
    }

    /// Bytes of their own, with their number in front.
    pub(super) fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        self.binary().map(Bytes::copy_from_slice)
    }

    /// A text: UTF-8 [MQTT-1.5.4-1] without U+0000 [MQTT-1.5.4-2].
    pub(super) fn text(&mut self) -> Result<Arc<str>, DecodeError> {
        let text = std::str::from_utf8(self.binary()?).map_err(|_| DecodeError::Malformed("a text is not UTF-8"))?;
        match text.contains('\0') {
            true => Err(DecodeError::Malformed("a text holds U+0000")),
            false => Ok(text.into()),
        }
    }

    /// A number that must not be 0 [MQTT-2.2.1-3].
    pub(super) fn packet_id(&mut self) -> Result<PacketId, DecodeError> {
        NonZeroU16::new(self.u16()?).ok_or(DecodeError::Protocol("a packet identifier is never 0"))
    }
}

/// Reads a number of one to four bytes; none when its end is missing. Senders must write it as short as possible
/// [MQTT-1.5.5-1]; small devices that always write four bytes are understood all the same.
pub(super) fn variable(bytes: &[u8]) -> Result<Option<(u32, usize)>, DecodeError> {
    let mut value = 0;
    for (position, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            return Ok(Some((value, position + 1)));
        }
    }
    match bytes.len() {
        0..4 => Ok(None),
        _ => Err(DecodeError::Malformed("a length has more than four bytes")),
    }
}
