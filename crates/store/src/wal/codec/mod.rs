//! The bytes of a batch in the log: columns, as small as cheap arithmetic makes them.
//!
//! All integers are LEB128 varints unless said; text is a varint length and UTF-8 bytes.
//!
//! ```text
//! body    = version (1 byte, 1)  organisation (16 bytes)  database (text)  count of tables  table*
//! table   = name (text)  rows  times  count of tags  tag*  count of fields  field*
//! times   = per row the zigzag difference to the row before (to 0 for the first)
//! tag     = name (text)  count of values  value (text)*  per row: 0 when absent, else 1 + index of the value
//! field   = name (text)  type (1 byte)  presence  values of the rows that have one
//! presence= 0: every row | 1, then one bit per row, little-endian 64-bit words
//! values  = F64: 8 bytes little-endian | I64: zigzag difference to the value before | U64: varint | Bool: 1 byte |
//!           Text: all lengths, then all bytes | Vector: how many numbers each has, then all numbers, 4 bytes little-endian
//! ```
//!
//! Invariants:
//! - decoding what was encoded gives the same batch, except `source`, which becomes the row's number from 1: the lines of a
//!   request mean nothing after it was answered;
//! - of a decoded table no two columns have one name, and none is called `time`;
//! - decoding never panics and never allocates more than a small multiple of its input.

mod decode;
mod encode;

use thiserror::Error;

pub(crate) use decode::{decode_batch, decode_database};
pub(crate) use encode::{encode_batch, encode_database};

/// The version of the encoding.
const VERSION: u8 = 1;

/// Why bytes are not a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum CodecError {
    #[error("the encoding's version is {0}, and this version of Sensorium reads {VERSION}")]
    Version(u8),
    #[error("the bytes end early, at {0}")]
    Truncated(usize),
    #[error("{0} bytes are left over")]
    Trailing(usize),
    #[error("{what} is invalid at {at}")]
    Invalid { what: &'static str, at: usize },
}

#[cfg(test)]
pub(crate) mod tests {

    use proptest::collection::vec;
    use proptest::prelude::*;
    use sensorium_model::{
        Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Point, Value,
    };
    use uuid::Uuid;

    use super::*;

    pub(crate) fn key() -> DatabaseKey {
        DatabaseKey::new(OrgId::from_uuid(Uuid::from_u128(7)), DatabaseName::new("main").unwrap())
    }

    /// Field `f` has the type that its name says, so that generated rows do not contradict each other.
    fn value() -> impl Strategy<Value = (String, Value<'static>)> {
        prop_oneof![
            prop_oneof![any::<f64>().prop_filter("finite", |f| f.is_finite()), Just(-0.0)]
                .prop_map(|v| ("double".into(), Value::F64(v))),
            any::<i64>().prop_map(|v| ("signed".into(), Value::I64(v))),
            any::<u64>().prop_map(|v| ("unsigned".into(), Value::U64(v))),
            any::<bool>().prop_map(|v| ("truth".into(), Value::Bool(v))),
            "\\PC{0,12}".prop_map(|v| ("text".into(), Value::Text(v.into()))),
            vector().prop_map(|v| ("vector".into(), Value::Vector(v.into()))),
        ]
    }

    /// Vectors of one length.
    pub(crate) fn vector() -> impl Strategy<Value = Vec<f32>> {
        let number =
            prop_oneof![any::<f32>().prop_filter("finite", |f| f.is_finite()), Just(-0.0), Just(f32::MIN_POSITIVE)];
        vec(number, 3)
    }

    prop_compose! {
        fn row()(
            table in "[a-c]",
            tags in proptest::collection::btree_map("[x-z]", "\\PC{1,5}", 0..3),
            fields in vec(value(), 1..5),
            time_ns in any::<i64>(),
        ) -> Point<'static> {
            Point {
                table: table.into(),
                tags: tags.into_iter().map(|(n, v)| (n.into(), v.into())).collect(),
                fields: fields.into_iter().map(|(n, v)| (n.into(), v)).collect(),
                time_ns,
            }
        }
    }

    prop_compose! {
        pub(crate) fn batch()(rows in vec(row(), 0..80)) -> Batch {
            let limits = IngestLimits { earliest_unix_seconds: i64::MIN, ..IngestLimits::default() };
            let schema = DatabaseSchema::default();
            let mut builder = BatchBuilder::new(&schema, limits, i64::MAX);
            for row in &rows {
                let _ = builder.push(row, 1);
            }
            let mut batch = builder.finish(key());
            for table in &mut batch.tables {
                table.source = (1..=u32::try_from(table.rows()).unwrap()).collect();
            }
            batch
        }
    }

    proptest! {
        #[test]
        fn a_batch_survives(batch in batch()) {
            let mut bytes = Vec::new();
            encode_batch(&batch, &mut bytes);
            prop_assert_eq!(decode_batch(&bytes).unwrap(), batch);
        }

        #[test]
        fn a_cut_batch_is_refused(batch in batch(), cut in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            encode_batch(&batch, &mut bytes);
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(decode_batch(&bytes).is_err());
        }

        #[test]
        fn damaged_bytes_never_panic(batch in batch(), flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            let mut bytes = Vec::new();
            encode_batch(&batch, &mut bytes);
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Ok(batch) = decode_batch(&bytes) {
                prop_assert!(batch.tables.iter().all(|table| table.is_rectangular()));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..300)) {
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = decode_batch(&bytes);
            let _ = decode_database(&bytes);
        }
    }

    #[test]
    fn a_claimed_billion_rows_allocates_nothing() {
        let mut bytes = vec![VERSION];
        bytes.extend([0; 16]);
        bytes.extend([4, b'm', b'a', b'i', b'n', 1, 1, b't', 0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert!(matches!(decode_batch(&bytes), Err(CodecError::Truncated(_))));
    }

    #[test]
    fn regular_readings_take_few_bytes() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), i64::MAX);
        for second in 0..1_000 {
            let point = Point::new("t", second * 1_000_000_000).tag("host", "a").field("n", Value::I64(second));
            builder.push(&point, 1).unwrap();
        }
        let mut bytes = Vec::new();
        encode_batch(&builder.finish(key()), &mut bytes);
        assert!(bytes.len() < 8_000, "{} bytes", bytes.len());
    }

    #[test]
    fn a_database_survives() {
        let mut bytes = Vec::new();
        encode_database(&key(), &mut bytes);
        assert_eq!(decode_database(&bytes).unwrap(), key());
    }
}
