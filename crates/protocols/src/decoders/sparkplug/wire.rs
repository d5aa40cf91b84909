//! Fields of a protobuf message, one after the other: what its wire format says, without a schema.
//!
//! Reading copies nothing, and reads nothing twice but what the caller descends into.

use super::SparkplugError;

/// A field's value as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wire<'b> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// Text, bytes or a message.
    Bytes(&'b [u8]),
}

/// Reads the fields of a message.
pub(super) struct Fields<'b> {
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    pub(super) fn of(message: &'b [u8]) -> Self {
        Self { rest: message }
    }

    /// The number and the value of the next field; none at the end.
    pub(super) fn field(&mut self) -> Result<Option<(u64, Wire<'b>)>, SparkplugError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| SparkplugError::Truncated)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(SparkplugError::Truncated)?;
                self.rest = rest;
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.fixed()?)),
            kind => return Err(SparkplugError::WireType(kind)),
        };
        Ok(Some((key >> 3, value)))
    }

    fn varint(&mut self) -> Result<u64, SparkplugError> {
        let mut number = 0;
        // Ten groups of seven bits hold 64.
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(SparkplugError::Truncated)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(SparkplugError::LongNumber)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], SparkplugError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(SparkplugError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

/// Appends a field.
pub(super) fn put(out: &mut Vec<u8>, number: u64, value: Wire<'_>) {
    let kind = match value {
        Wire::Varint(_) => 0,
        Wire::Fixed64(_) => 1,
        Wire::Bytes(_) => 2,
        Wire::Fixed32(_) => 5,
    };
    put_varint(out, (number << 3) | kind);
    match value {
        Wire::Varint(number) => put_varint(out, number),
        Wire::Fixed64(number) => out.extend(number.to_le_bytes()),
        Wire::Fixed32(number) => out.extend(number.to_le_bytes()),
        Wire::Bytes(bytes) => {
            put_varint(out, bytes.len() as u64);
            out.extend(bytes);
        }
    }
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        // The cast keeps the last eight bits, of which the first says that more follow.
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(message: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, SparkplugError> {
        let (mut fields, mut all) = (Fields::of(message), Vec::new());
        while let Some(field) = fields.field()? {
            all.push(field);
        }
        Ok(all)
    }

    #[test]
    fn fields_of_every_kind() {
        let message = [0x08, 0x96, 0x01, 0x12, 2, b'h', b'i', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0];
        let fields = [(1, Wire::Varint(150)), (2, Wire::Bytes(b"hi")), (3, Wire::Fixed32(1)), (4, Wire::Fixed64(2))];
        assert_eq!(all(&message).unwrap(), fields);
        let largest = [&[0x08][..], &[0xff; 9], &[0x01]].concat();
        assert_eq!(all(&largest).unwrap(), [(1, Wire::Varint(u64::MAX))]);
    }

    #[test]
    fn what_is_put_is_read() {
        let fields = [
            (1, Wire::Varint(0)),
            (2, Wire::Varint(u64::MAX)),
            (16, Wire::Bytes(b"hi")),
            (3, Wire::Fixed32(7)),
            (4, Wire::Fixed64(8)),
        ];
        let mut message = Vec::new();
        fields.iter().for_each(|(number, value)| put(&mut message, *number, *value));
        assert_eq!(all(&message).unwrap(), fields);
    }

    #[test]
    fn what_is_cut_off_or_unknown() {
        for message in [&[0x08][..], &[0x80], &[0x12, 5, b'x'], &[0x1d, 0], &[0x21, 0], &[0x12]] {
            assert!(matches!(all(message), Err(SparkplugError::Truncated)), "{message:?}");
        }
        assert!(matches!(all(&[0xff; 11]), Err(SparkplugError::LongNumber)));
        assert!(matches!(all(&[0x0b]), Err(SparkplugError::WireType(3))));
    }
}
