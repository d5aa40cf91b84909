//! Messages of clients: bytes in, messages out. Nothing in them is trusted: lengths and counts are held against the bytes that are
//! there before anything is taken or made room for.

use bytes::{Buf, Bytes};
use thiserror::Error;

/// A message after the startup.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    /// Statements in one text.
    Query(String),
    Parse {
        name: String,
        sql: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe(Target, String),
    Close(Target, String),
    /// Rows of a portal; 0 for all.
    Execute {
        portal: String,
        rows: u32,
    },
    Flush,
    Sync,
    Terminate,
    Password(String),
    /// What a client sends after a COPY, which is never begun here.
    Copy,
    /// A call of a function by its identifier.
    FunctionCall,
}

/// What `Bind` says.
#[derive(Debug, PartialEq, Default)]
pub(crate) struct Bind {
    pub(crate) portal: String,
    pub(crate) statement: String,
    /// Of all parameters, or of each.
    pub(crate) formats: Vec<Format>,
    pub(crate) values: Vec<Option<Bytes>>,
    /// Of all columns, or of each.
    pub(crate) results: Vec<Format>,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Binary,
}

/// The format of a value by its place: none says text, one is for all.
pub(crate) fn format_of(formats: &[Format], index: usize) -> Format {
    match formats {
        [] => Format::Text,
        [all] => *all,
        each => each.get(index).copied().unwrap_or(Format::Text),
    }
}

/// What `Describe` and `Close` are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Statement,
    Portal,
}

/// What a connection begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// May the rest be encrypted with TLS?
    Tls,
    /// May it be encrypted with GSSAPI?
    Gss,
    Cancel {
        number: i32,
        key: i32,
    },
    Start {
        minor: u16,
        parameters: Vec<(String, String)>,
    },
}

/// Why bytes are no message.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    #[error("the message ends before what it promises")]
    Short,
    #[error("the message is longer than what is in it")]
    Long,
    #[error("a text is not valid UTF-8; set client_encoding to UTF8")]
    NotUtf8,
    #[error("there are no messages of type {0:#04x}")]
    UnknownType(u8),
    #[error("version {0} of the protocol is not spoken here; use 3")]
    Version(u16),
    #[error("{0} is no format, and none of what can be described or closed")]
    UnknownCode(i64),
}

const CANCEL: u32 = 80_877_102;
const TLS: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// Reads the first message, without its length.
pub(crate) fn opening(bytes: Bytes) -> Result<Opening, Malformed> {
    let mut reader = Reader(bytes);
    let opening = match reader.u32()? {
        TLS => Opening::Tls,
        GSS => Opening::Gss,
        CANCEL => Opening::Cancel { number: reader.i32()?, key: reader.i32()? },
        version => {
            let (major, minor) = ((version >> 16) as u16, (version & 0xffff) as u16);
            if major != 3 {
                return Err(Malformed::Version(major));
            }
            let mut parameters = Vec::new();
            loop {
                let name = reader.text()?;
                if name.is_empty() {
                    break;
                }
                parameters.push((name, reader.text()?));
            }
            Opening::Start { minor, parameters }
        }
    };
    reader.end()?;
    Ok(opening)
}

/// Reads a message of a type, without its length.
pub(crate) fn message(kind: u8, bytes: Bytes) -> Result<Message, Malformed> {
    let mut reader = Reader(bytes);
    let message = match kind {
        b'Q' => Message::Query(reader.text()?),
        b'P' => {
            let (name, sql) = (reader.text()?, reader.text()?);
            let types = reader.list(4, Reader::u32)?;
            Message::Parse { name, sql, types }
        }
        b'B' => Message::Bind(Bind {
            portal: reader.text()?,
            statement: reader.text()?,
            formats: reader.list(2, Reader::format)?,
            values: reader.list(4, Reader::value)?,
            results: reader.list(2, Reader::format)?,
        }),
        b'D' => Message::Describe(reader.target()?, reader.text()?),
        b'C' => Message::Close(reader.target()?, reader.text()?),
        b'E' => {
            let portal = reader.text()?;
            // A negative number means all, too.
            Message::Execute { portal, rows: u32::try_from(reader.i32()?).unwrap_or(0) }
        }
        b'H' => Message::Flush,
        b'S' => Message::Sync,
        b'X' => Message::Terminate,
        b'p' => Message::Password(reader.text()?),
        b'd' | b'c' | b'f' => return Ok(Message::Copy),
        b'F' => return Ok(Message::FunctionCall),
        other => return Err(Malformed::UnknownType(other)),
    };
    reader.end()?;
    Ok(message)
}

struct Reader(Bytes);

impl Reader {
    fn take(&mut self, count: usize) -> Result<Bytes, Malformed> {
        if self.0.len() < count { Err(Malformed::Short) } else { Ok(self.0.split_to(count)) }
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?.get_u8())
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(self.take(2)?.get_u16())
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(self.take(4)?.get_u32())
    }

    fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(self.take(4)?.get_i32())
    }

    /// A text up to its zero.
    fn text(&mut self) -> Result<String, Malformed> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(Malformed::Short)?;
        let bytes = self.take(end)?;
        self.take(1)?;
        String::from_utf8(bytes.into()).map_err(|_| Malformed::NotUtf8)
    }

    fn format(&mut self) -> Result<Format, Malformed> {
        match self.u16()? {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            other => Err(Malformed::UnknownCode(other.into())),
        }
    }

    fn value(&mut self) -> Result<Option<Bytes>, Malformed> {
        match self.i32()? {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| Malformed::Short)?).map(Some),
        }
    }

    fn target(&mut self) -> Result<Target, Malformed> {
        match self.u8()? {
            b'S' => Ok(Target::Statement),
            b'P' => Ok(Target::Portal),
            other => Err(Malformed::UnknownCode(other.into())),
        }
    }

    /// A list with its count before it; each element has so many bytes at least.
    fn list<T>(&mut self, least: usize, element: fn(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let count = usize::from(self.u16()?);
        if self.0.len() < count.saturating_mul(least) {
            return Err(Malformed::Short);
        }
        (0..count).map(|_| element(self)).collect()
    }

    fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Long) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIND: &[u8] = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02ab\xff\xff\xff\xff\0\x01\0\x01";

    #[test]
    fn messages_are_read() {
        let read = |kind, bytes: &'static [u8]| message(kind, Bytes::from_static(bytes));
        assert_eq!(read(b'Q', b"SELECT 1\0"), Ok(Message::Query("SELECT 1".to_owned())));
        let parse = Message::Parse { name: String::new(), sql: "x".to_owned(), types: vec![20] };
        assert_eq!(read(b'P', b"\0x\0\0\x01\0\0\0\x14"), Ok(parse));
        let bind = Bind {
            portal: "p".to_owned(),
            statement: "s".to_owned(),
            formats: vec![Format::Binary],
            values: vec![Some(Bytes::from_static(b"ab")), None],
            results: vec![Format::Binary],
        };
        assert_eq!(read(b'B', BIND), Ok(Message::Bind(bind)));
        assert_eq!(read(b'D', b"Sx\0"), Ok(Message::Describe(Target::Statement, "x".to_owned())));
        assert_eq!(read(b'E', b"\0\xff\xff\xff\xff"), Ok(Message::Execute { portal: String::new(), rows: 0 }));
    }

    #[test]
    fn whatever_is_cut_off_or_too_long_is_refused() {
        for end in 0..BIND.len() {
            assert!(message(b'B', Bytes::from_static(&BIND[..end])).is_err(), "{end}");
        }
        assert_eq!(message(b'S', Bytes::from_static(b"x")), Err(Malformed::Long));
        assert_eq!(message(b'P', Bytes::from_static(b"\0x\0\xff\xff")), Err(Malformed::Short));
        assert_eq!(message(b'Q', Bytes::from_static(b"\xff\0")), Err(Malformed::NotUtf8));
        assert_eq!(message(0, Bytes::new()), Err(Malformed::UnknownType(0)));
    }

    #[test]
    fn a_connection_begins_in_one_of_four_ways() {
        let start = b"\0\x03\0\0user\0ada\0database\0main\0\0";
        let parameters =
            [("user", "ada"), ("database", "main")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            opening(Bytes::from_static(start)),
            Ok(Opening::Start { minor: 0, parameters: parameters.to_vec() })
        );
        assert_eq!(opening(Bytes::from_static(&[4, 210, 22, 47])), Ok(Opening::Tls));
        assert_eq!(opening(Bytes::from_static(b"\0\x02\0\0")), Err(Malformed::Version(2)));
        for end in 0..start.len() {
            assert!(opening(Bytes::from_static(&start[..end])).is_err(), "{end}");
        }
    }

    /// Bytes that look like nothing in particular, the same in each run.
    fn noise(seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        // Small numbers are lengths and counts that could be meant.
        (0..next() % 64).map(|_| if next() % 2 == 0 { next() % 4 } else { next() }).collect()
    }

    #[test]
    fn noise_is_read_or_refused() {
        for seed in 0..20_000 {
            let bytes = Bytes::from(noise(seed));
            for kind in *b"QPBDCEHSXpdF" {
                if let Ok(Message::Bind(bind)) = message(kind, bytes.clone()) {
                    for (value, oid) in bind
                        .values
                        .iter()
                        .zip([16, 20, 23, 25, 701, 1_007, 1_009, 1_082, 1_184, 1_700].into_iter().cycle())
                    {
                        let _ = crate::parameter::read(1, oid, Format::Binary, value.as_ref());
                        let _ = crate::parameter::read(1, oid, Format::Text, value.as_ref());
                    }
                }
            }
            for oid in [16, 20, 23, 701, 1_007, 1_009, 1_082, 1_184, 1_700] {
                let _ = crate::parameter::read(1, oid, Format::Binary, Some(&bytes));
            }
            let _ = opening(bytes);
        }
    }
}
