//! One reading as a decoder sees it, before it becomes a row of a batch.

use std::borrow::Cow;

use crate::schema::FieldType;

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// A 64-bit float; never NaN or infinite.
    F64(f64),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A truth value.
    Bool(bool),
    /// Text.
    Text(Cow<'a, str>),
    /// A vector; its numbers are never NaN or infinite.
    Vector(Cow<'a, [f32]>),
}

impl Value<'_> {
    /// The type of the column that holds such a value.
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::F64(_) => FieldType::F64,
            Self::I64(_) => FieldType::I64,
            Self::U64(_) => FieldType::U64,
            Self::Bool(_) => FieldType::Bool,
            Self::Text(_) => FieldType::Text,
            // One that is too long for its type is too long for a column, too, and refused.
            Self::Vector(numbers) => FieldType::Vector(u16::try_from(numbers.len()).unwrap_or(u16::MAX)),
        }
    }
}

/// One reading: a table, the tags that identify its series, a time and at least one field.
///
/// Decoders keep one `Point` and refill its vectors, so that a row costs no allocation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Point<'a> {
    /// The table (InfluxDB calls it a measurement).
    pub table: Cow<'a, str>,
    /// Tag names and values, in any order; an empty value means that the tag is absent.
    pub tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Field names and values, in any order; the last of two equal names wins.
    pub fields: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
}

impl<'a> Point<'a> {
    /// A point without tags and fields.
    pub fn new(table: impl Into<Cow<'a, str>>, time_ns: i64) -> Self {
        Self { table: table.into(), tags: Vec::new(), fields: Vec::new(), time_ns }
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.tags.push((name.into(), value.into()));
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) -> Self {
        self.fields.push((name.into(), value));
        self
    }
}
