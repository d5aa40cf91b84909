//! Typed columns of a batch: plain vectors, no allocation per row.

use std::sync::Arc;

use crate::names::Name;
use crate::point::Value;
use crate::schema::FieldType;
use crate::vector::VectorColumn;

/// One bit per row: whether the row has a value in this column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validity {
    words: Vec<u64>,
    len: usize,
}

impl Validity {
    /// Appends one row.
    #[inline]
    pub fn push(&mut self, valid: bool) {
        let bit = self.len % 64;
        if bit == 0 {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(valid) << bit;
        }
        self.len += 1;
    }

    /// Makes room for so many more rows.
    pub fn reserve(&mut self, rows: usize) {
        self.words.reserve(rows.div_ceil(64));
    }

    /// Whether a row has a value; false past the end.
    pub fn get(&self, row: usize) -> bool {
        row < self.len && self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The rows that have a value.
    pub fn count_valid(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The bits, 64 rows to a word, the first row in the lowest bit; bits past the end are zero.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Rebuilds from [`Validity::words`]; `None` if the words do not match the length or bits past the end are set.
    pub fn from_words(words: Vec<u64>, len: usize) -> Option<Self> {
        let tail = len % 64;
        let clean = tail == 0 || words.last().is_some_and(|word| word >> tail == 0);
        (words.len() == len.div_ceil(64) && clean).then_some(Self { words, len })
    }
}

impl FromIterator<bool> for Validity {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        let mut validity = Self::default();
        rows.into_iter().for_each(|valid| validity.push(valid));
        validity
    }
}

/// Text values of a column, stored one after the other.
///
/// Invariant: `ends` is ascending, ends at `bytes.len()`, and each end lies on a character boundary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextColumn {
    ends: Vec<u32>,
    bytes: String,
}

impl TextColumn {
    /// Appends one row.
    ///
    /// A batch never holds 4 GiB of text: request bodies are limited far below that.
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// The value of a row; empty past the end.
    pub fn get(&self, row: usize) -> &str {
        let start = row.checked_sub(1).and_then(|previous| self.ends.get(previous)).map_or(0, |end| *end as usize);
        let end = self.ends.get(row).map_or(start, |end| *end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all values together.
    pub fn text_bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl<'a> FromIterator<&'a str> for TextColumn {
    fn from_iter<I: IntoIterator<Item = &'a str>>(rows: I) -> Self {
        let mut column = Self::default();
        rows.into_iter().for_each(|text| column.push(text));
        column
    }
}

/// The values of a field column; rows without a value hold a zero, or nothing in a column of vectors.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValues {
    /// Doubles.
    F64(Vec<f64>),
    /// Signed integers.
    I64(Vec<i64>),
    /// Unsigned integers.
    U64(Vec<u64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Text.
    Text(TextColumn),
    /// Vectors.
    Vector(VectorColumn),
}

impl FieldValues {
    /// An empty column of a type.
    pub fn new(field_type: FieldType) -> Self {
        match field_type {
            FieldType::F64 => Self::F64(Vec::new()),
            FieldType::I64 => Self::I64(Vec::new()),
            FieldType::U64 => Self::U64(Vec::new()),
            FieldType::Bool => Self::Bool(Vec::new()),
            FieldType::Text => Self::Text(TextColumn::default()),
            FieldType::Vector(length) => Self::Vector(VectorColumn::new(length)),
        }
    }

    /// The column's type.
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::F64(_) => FieldType::F64,
            Self::I64(_) => FieldType::I64,
            Self::U64(_) => FieldType::U64,
            Self::Bool(_) => FieldType::Bool,
            Self::Text(_) => FieldType::Text,
            Self::Vector(values) => FieldType::Vector(values.length()),
        }
    }

    /// Whether a value is of the column's type.
    pub fn is_of(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::F64(_), Value::F64(_))
            | (Self::I64(_), Value::I64(_))
            | (Self::U64(_), Value::U64(_))
            | (Self::Bool(_), Value::Bool(_))
            | (Self::Text(_), Value::Text(_)) => true,
            _ => self.field_type() == value.field_type(),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Vector(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for so many more values, without their texts and numbers of vectors.
    fn reserve(&mut self, rows: usize) {
        match self {
            Self::F64(values) => values.reserve(rows),
            Self::I64(values) => values.reserve(rows),
            Self::U64(values) => values.reserve(rows),
            Self::Bool(values) => values.reserve(rows),
            Self::Text(values) => values.ends.reserve(rows),
            Self::Vector(_) => {}
        }
    }

    /// Appends the zero of the type: the filler of a row without a value.
    fn push_zero(&mut self) {
        match self {
            Self::F64(values) => values.push(0.0),
            Self::I64(values) => values.push(0),
            Self::U64(values) => values.push(0),
            Self::Bool(values) => values.push(false),
            Self::Text(values) => values.push(""),
            Self::Vector(values) => values.push_absent(),
        }
    }

    /// Appends a value; false, and nothing is appended, when its type is another one.
    fn push(&mut self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::F64(values), Value::F64(value)) => values.push(*value),
            (Self::I64(values), Value::I64(value)) => values.push(*value),
            (Self::U64(values), Value::U64(value)) => values.push(*value),
            (Self::Bool(values), Value::Bool(value)) => values.push(*value),
            (Self::Text(values), Value::Text(value)) => values.push(value),
            (Self::Vector(values), Value::Vector(value)) => return values.push(value),
            _ => return false,
        }
        true
    }
}

/// A named field column.
///
/// Invariant: `values.len() == valid.len()`.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldColumn {
    /// The column's name.
    pub name: Name,
    /// One value per row.
    pub values: FieldValues,
    /// Which rows have a value.
    pub valid: Validity,
}

impl FieldColumn {
    /// A column whose first `rows` rows have no value.
    pub fn with_absent_rows(name: Name, field_type: FieldType, rows: usize) -> Self {
        let mut column = Self { name, values: FieldValues::new(field_type), valid: Validity::default() };
        column.fill_to(rows);
        column
    }

    /// Makes room for so many more rows.
    pub fn reserve(&mut self, rows: usize) {
        self.values.reserve(rows);
        self.valid.reserve(rows);
    }

    /// The value of a row, if it has one.
    pub fn get(&self, row: usize) -> Option<Value<'_>> {
        if !self.valid.get(row) {
            return None;
        }
        match &self.values {
            FieldValues::F64(values) => values.get(row).copied().map(Value::F64),
            FieldValues::I64(values) => values.get(row).copied().map(Value::I64),
            FieldValues::U64(values) => values.get(row).copied().map(Value::U64),
            FieldValues::Bool(values) => values.get(row).copied().map(Value::Bool),
            FieldValues::Text(values) => Some(Value::Text(values.get(row).into())),
            FieldValues::Vector(values) => values.get(row).map(|vector| Value::Vector(vector.into())),
        }
    }

    /// Appends a value; false, and nothing is appended, when its type is not the column's.
    #[inline]
    pub fn push(&mut self, value: &Value<'_>) -> bool {
        let pushed = self.values.push(value);
        if pushed {
            self.valid.push(true);
        }
        pushed
    }

    /// Appends rows without a value until there are `rows` of them.
    #[inline]
    pub fn fill_to(&mut self, rows: usize) {
        while self.valid.len() < rows {
            self.values.push_zero();
            self.valid.push(false);
        }
    }
}

/// A named tag column: a dictionary of the distinct values and one key per row.
///
/// Invariant: each key is [`TagColumn::ABSENT`] or an index into `dictionary`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagColumn {
    /// The column's name.
    pub name: Name,
    /// The distinct values, in order of first appearance.
    pub dictionary: Vec<Name>,
    /// One key per row.
    pub keys: Vec<u32>,
}

impl TagColumn {
    /// The key of a row that does not have this tag.
    pub const ABSENT: u32 = u32::MAX;

    /// A column whose first `rows` rows do not have the tag.
    pub fn with_absent_rows(name: Name, rows: usize) -> Self {
        Self { name, dictionary: Vec::new(), keys: vec![Self::ABSENT; rows] }
    }

    /// The value of a row, if it has one.
    pub fn get(&self, row: usize) -> Option<&Arc<str>> {
        self.keys.get(row).and_then(|key| self.dictionary.get(*key as usize))
    }

    /// Puts other values in the place of those that are there; values that become equal become one.
    pub fn rename(&mut self, to: impl Fn(&Name) -> Name) {
        let mut dictionary: Vec<Name> = Vec::new();
        let mut moved = Vec::with_capacity(self.dictionary.len());
        for value in &self.dictionary {
            let value = to(value);
            let known = dictionary.iter().position(|other| *other == value);
            let key = known.unwrap_or(dictionary.len());
            if known.is_none() {
                dictionary.push(value);
            }
            // No longer than the dictionary was.
            moved.push(u32::try_from(key).unwrap_or(Self::ABSENT));
        }
        for key in &mut self.keys {
            *key = moved.get(*key as usize).copied().unwrap_or(Self::ABSENT);
        }
        self.dictionary = dictionary;
    }
}
