//! The rows of one table while a batch is being built.
//!
//! Rows of one sender have the same columns in the same order, nearly always. So the place of each column in the row
//! before is the first guess for the next row, confirmed by comparing the name; only what differs is looked up.

use std::sync::Arc;

use super::RowError;
use crate::batch::TableBatch;
use crate::column::{FieldColumn, TagColumn};
use crate::hash::FastMap;
use crate::limits::IngestLimits;
use crate::names::{Name, validate_column_name};
use crate::point::{Point, Value};
use crate::schema::{ColumnKind, SchemaLookup};
use crate::vector::MAX_VECTOR_NUMBERS;

/// Where a column of a table stands.
#[derive(Clone, Copy)]
enum Slot {
    Tag(usize),
    Field(usize),
}

pub(super) struct TableBuilder {
    table: Name,
    time_ns: Vec<i64>,
    source: Vec<u32>,
    tags: Vec<TagBuilder>,
    fields: Vec<FieldBuilder>,
    slots: FastMap<Name, Slot>,
    /// Columns of this batch that the stored table does not have.
    new_columns: usize,
    /// Counts the rows that were checked, refused ones too.
    checked: u64,
    layout: Layout,
    /// Cells that room may still be made for.
    reservable: usize,
}

struct TagBuilder {
    column: TagColumn,
    /// The key of each value.
    keys: FastMap<Name, u32>,
    /// The last checked row that named this column.
    named_in: u64,
}

struct FieldBuilder {
    column: FieldColumn,
    named_in: u64,
}

/// Where the columns of the last checked row stand, in the row's order; `None` for columns that the batch does not have.
#[derive(Default)]
struct Layout {
    tags: Vec<Option<usize>>,
    fields: Vec<Option<usize>>,
    /// How many columns the batch does not have.
    unknown: usize,
    /// Whether a field is named more than once.
    repeats: bool,
}

impl TableBuilder {
    /// Starts without rows; room is made for so many cells at most, as columns come.
    pub(super) fn new(table: Name, reservable: usize) -> Self {
        Self {
            table,
            time_ns: Vec::new(),
            source: Vec::new(),
            tags: Vec::new(),
            fields: Vec::new(),
            slots: FastMap::default(),
            new_columns: 0,
            checked: 0,
            layout: Layout::default(),
            reservable,
        }
    }

    /// The rows that a new column makes room for, of `expected` ones: none when what it takes for is used up.
    fn reserved(&mut self, expected: usize) -> usize {
        match self.reservable.checked_sub(expected) {
            Some(rest) => {
                self.reservable = rest;
                expected
            }
            None => 0,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.table
    }

    pub(super) fn rows(&self) -> usize {
        self.time_ns.len()
    }

    pub(super) fn cells(&self) -> usize {
        self.rows() * self.slots.len()
    }

    /// The number of cells once the checked row is appended.
    pub(super) fn cells_with_checked(&self) -> usize {
        (self.rows() + 1) * (self.slots.len() + self.layout.unknown)
    }

    pub(super) fn kind(&self, name: &str, schema: &dyn SchemaLookup) -> Option<ColumnKind> {
        match self.slots.get(name) {
            Some(Slot::Tag(_)) => Some(ColumnKind::Tag),
            Some(Slot::Field(index)) => self.field_kind(*index),
            None => schema.kind(&self.table, name),
        }
    }

    fn field_kind(&self, index: usize) -> Option<ColumnKind> {
        self.fields.get(index).map(|field| ColumnKind::Field(field.column.values.field_type()))
    }

    /// Checks names, values, kinds and the number of columns of a row, and finds out where its columns stand.
    pub(super) fn check_columns(
        &mut self,
        point: &Point<'_>,
        schema: &dyn SchemaLookup,
        limits: &IngestLimits,
    ) -> Result<(), RowError> {
        self.checked += 1;
        self.layout.tags.resize(point.tags.len(), None);
        self.layout.fields.resize(point.fields.len(), None);
        self.layout.unknown = 0;
        self.layout.repeats = false;
        let mut new = 0;
        for (position, (name, value)) in point.tags.iter().enumerate() {
            if value.len() > limits.tag_value_bytes {
                let what = format!("the value of tag {name:?} ({} bytes)", value.len());
                let limit = limits.tag_value_bytes;
                return Err(RowError::Limit { what, limit, setting: "limits.tag_value_bytes" });
            }
            new += usize::from(self.check_tag(point, position, name, schema)?);
        }
        for (position, (name, value)) in point.fields.iter().enumerate() {
            match value {
                Value::F64(number) if !number.is_finite() => return Err(RowError::NotFinite(name.to_string())),
                Value::Text(text) if text.len() > limits.text_field_bytes => {
                    let what = format!("the text of field {name:?} ({} bytes)", text.len());
                    let limit = limits.text_field_bytes;
                    return Err(RowError::Limit { what, limit, setting: "limits.text_field_bytes" });
                }
                Value::Vector(numbers) if numbers.is_empty() || numbers.len() > MAX_VECTOR_NUMBERS => {
                    return Err(RowError::VectorLength { field: name.to_string(), numbers: numbers.len() });
                }
                Value::Vector(numbers) if !numbers.iter().all(|number| number.is_finite()) => {
                    return Err(RowError::NotFinite(name.to_string()));
                }
                _ => {}
            }
            new += usize::from(self.check_field(point, position, name, value, schema)?);
        }
        if new > 0 && schema.column_count(&self.table) + self.new_columns + new > limits.columns_per_table {
            let what = format!("the number of columns of table {:?}", self.table);
            let limit = limits.columns_per_table;
            return Err(RowError::Limit { what, limit, setting: "limits.columns_per_table" });
        }
        Ok(())
    }

    /// Checks one tag; true if neither this batch nor the stored table has the column.
    fn check_tag(
        &mut self,
        point: &Point<'_>,
        position: usize,
        name: &str,
        schema: &dyn SchemaLookup,
    ) -> Result<bool, RowError> {
        let guess = self.layout.tags.get(position).copied().flatten();
        if let Some(tag) = guess.and_then(|index| self.tags.get_mut(index))
            && tag.named_in != self.checked
            && same_name(&tag.column.name, name)
        {
            tag.named_in = self.checked;
            return Ok(false);
        }
        match self.slots.get(name).copied() {
            Some(Slot::Tag(index)) => {
                let named_before = self
                    .tags
                    .get_mut(index)
                    .is_some_and(|tag| std::mem::replace(&mut tag.named_in, self.checked) == self.checked);
                if named_before {
                    return Err(RowError::DuplicateTag(name.to_owned()));
                }
                set(&mut self.layout.tags, position, Some(index));
                Ok(false)
            }
            Some(Slot::Field(index)) => {
                let expected = self.field_kind(index).unwrap_or(ColumnKind::Tag);
                Err(self.conflict(name, expected, ColumnKind::Tag))
            }
            None => {
                set(&mut self.layout.tags, position, None);
                let before = point.tags.iter().zip(&self.layout.tags).take(position);
                if before.filter(|(_, slot)| slot.is_none()).any(|((earlier, _), _)| earlier == name) {
                    return Err(RowError::DuplicateTag(name.to_owned()));
                }
                self.layout.unknown += 1;
                self.check_unknown("tag", name, ColumnKind::Tag, schema)
            }
        }
    }

    /// Checks one field; true if neither this batch nor the stored table has the column.
    fn check_field(
        &mut self,
        point: &Point<'_>,
        position: usize,
        name: &str,
        value: &Value<'_>,
        schema: &dyn SchemaLookup,
    ) -> Result<bool, RowError> {
        let found = ColumnKind::Field(value.field_type());
        let guess = self.layout.fields.get(position).copied().flatten();
        if let Some(field) = guess.and_then(|index| self.fields.get_mut(index))
            && field.named_in != self.checked
            && field.column.values.is_of(value)
            && same_name(&field.column.name, name)
        {
            field.named_in = self.checked;
            return Ok(false);
        }
        match self.slots.get(name).copied() {
            Some(Slot::Field(index)) => {
                if let Some(expected) = self.field_kind(index).filter(|expected| *expected != found) {
                    return Err(self.conflict(name, expected, found));
                }
                self.layout.repeats |= self
                    .fields
                    .get_mut(index)
                    .is_some_and(|field| std::mem::replace(&mut field.named_in, self.checked) == self.checked);
                set(&mut self.layout.fields, position, Some(index));
                Ok(false)
            }
            Some(Slot::Tag(_)) => Err(self.conflict(name, ColumnKind::Tag, found)),
            None => {
                set(&mut self.layout.fields, position, None);
                let mut tags = point.tags.iter().zip(&self.layout.tags).filter(|(_, slot)| slot.is_none());
                if tags.any(|((tag, _), _)| tag == name) {
                    return Err(self.conflict(name, ColumnKind::Tag, found));
                }
                let before = point.fields.iter().zip(&self.layout.fields).take(position);
                let mut unknown = before.filter(|(_, slot)| slot.is_none()).map(|(field, _)| field);
                if let Some((_, earlier)) = unknown.find(|(earlier, _)| earlier == name) {
                    let expected = ColumnKind::Field(earlier.field_type());
                    if expected != found {
                        return Err(self.conflict(name, expected, found));
                    }
                    self.layout.repeats = true;
                    return Ok(false);
                }
                self.layout.unknown += 1;
                self.check_unknown("field", name, found, schema)
            }
        }
    }

    /// Checks a column that this batch does not have; true if the stored table has it neither.
    fn check_unknown(
        &self,
        what: &'static str,
        name: &str,
        found: ColumnKind,
        schema: &dyn SchemaLookup,
    ) -> Result<bool, RowError> {
        match schema.kind(&self.table, name) {
            Some(expected) if expected == found => Ok(false),
            Some(expected) => Err(self.conflict(name, expected, found)),
            None => {
                validate_column_name(name).map_err(|source| RowError::Name { what, source })?;
                Ok(true)
            }
        }
    }

    fn conflict(&self, column: &str, expected: ColumnKind, found: ColumnKind) -> RowError {
        RowError::TypeConflict { table: self.table.to_string(), column: column.to_owned(), expected, found }
    }

    /// Appends the row that [`TableBuilder::check_columns`] has just accepted.
    ///
    /// About `expected` rows will come.
    pub(super) fn append_checked(&mut self, point: &Point<'_>, line: u32, schema: &dyn SchemaLookup, expected: usize) {
        let rows = self.rows();
        if rows == 0 {
            let room = self.reserved(expected);
            self.time_ns.reserve(room);
            self.source.reserve(room);
        }
        for (position, (name, value)) in point.tags.iter().enumerate() {
            if value.is_empty() {
                continue;
            }
            let known = self.layout.tags.get(position).copied().flatten();
            let index = known.unwrap_or_else(|| self.new_tag(name, expected, schema));
            set(&mut self.layout.tags, position, Some(index));
            if let Some(tag) = self.tags.get_mut(index) {
                tag.push(value, rows);
            }
        }
        for (position, (name, value)) in point.fields.iter().enumerate() {
            let repeated = || point.fields.iter().skip(position + 1).any(|(later, _)| later == name);
            if self.layout.repeats && repeated() {
                continue;
            }
            let known = self.layout.fields.get(position).copied().flatten();
            let index = known.unwrap_or_else(|| self.new_field(name, value, expected, schema));
            set(&mut self.layout.fields, position, Some(index));
            if let Some(field) = self.fields.get_mut(index) {
                field.column.fill_to(rows);
                field.column.push(value);
            }
        }
        self.time_ns.push(point.time_ns);
        self.source.push(line);
    }

    fn new_tag(&mut self, name: &str, expected: usize, schema: &dyn SchemaLookup) -> usize {
        let index = self.tags.len();
        let name = self.new_slot(name, Slot::Tag(index), schema);
        let mut column = TagColumn::with_absent_rows(name, 0);
        column.keys.reserve(self.reserved(expected));
        column.keys.resize(self.rows(), TagColumn::ABSENT);
        self.tags.push(TagBuilder { column, keys: FastMap::default(), named_in: self.checked });
        index
    }

    fn new_field(&mut self, name: &str, value: &Value<'_>, expected: usize, schema: &dyn SchemaLookup) -> usize {
        let index = self.fields.len();
        let name = self.new_slot(name, Slot::Field(index), schema);
        let mut column = FieldColumn::with_absent_rows(name, value.field_type(), 0);
        column.reserve(self.reserved(expected));
        column.fill_to(self.rows());
        self.fields.push(FieldBuilder { column, named_in: self.checked });
        index
    }

    fn new_slot(&mut self, name: &str, slot: Slot, schema: &dyn SchemaLookup) -> Name {
        self.new_columns += usize::from(schema.kind(&self.table, name).is_none());
        let name: Name = Arc::from(name);
        self.slots.insert(name.clone(), slot);
        name
    }

    pub(super) fn finish(self) -> TableBatch {
        let rows = self.rows();
        let mut tags: Vec<_> = self.tags.into_iter().map(|tag| tag.column).collect();
        let mut fields: Vec<_> = self.fields.into_iter().map(|field| field.column).collect();
        tags.iter_mut().for_each(|column| column.keys.resize(rows, TagColumn::ABSENT));
        fields.iter_mut().for_each(|column| column.fill_to(rows));
        tags.sort_by(|a, b| a.name.cmp(&b.name));
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let batch = TableBatch { table: self.table, time_ns: self.time_ns, tags, fields, source: self.source };
        debug_assert!(batch.is_rectangular());
        batch
    }
}

impl TagBuilder {
    /// Appends the value of row `rows`, which is often the value of the row before.
    fn push(&mut self, value: &str, rows: usize) {
        let column = &mut self.column;
        let last = column.keys.last().copied();
        let repeated =
            last.filter(|key| column.dictionary.get(*key as usize).is_some_and(|last| same_name(last, value)));
        let key = repeated.or_else(|| self.keys.get(value).copied()).unwrap_or_else(|| {
            let key = u32::try_from(column.dictionary.len()).unwrap_or(TagColumn::ABSENT);
            let value: Name = Arc::from(value);
            column.dictionary.push(value.clone());
            self.keys.insert(value, key);
            key
        });
        column.keys.resize(rows, TagColumn::ABSENT);
        column.keys.push(key);
    }
}

/// Whether two names are one. Nearly all are short, and for those a comparison of words takes less than a call that compares.
fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        8..=16 => {
            ends::<8>(a).map(|end| end.map(u64::from_ne_bytes)) == ends::<8>(b).map(|end| end.map(u64::from_ne_bytes))
        }
        4..8 => {
            ends::<4>(a).map(|end| end.map(u32::from_ne_bytes)) == ends::<4>(b).map(|end| end.map(u32::from_ne_bytes))
        }
        _ => a == b,
    }
}

/// The first and the last bytes; of up to twice as many, that is all of them.
fn ends<const N: usize>(bytes: &[u8]) -> Option<[[u8; N]; 2]> {
    Some([*bytes.first_chunk()?, *bytes.last_chunk()?])
}

fn set(slots: &mut [Option<usize>], position: usize, slot: Option<usize>) {
    if let Some(place) = slots.get_mut(position) {
        *place = slot;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_are_the_same_when_all_of_their_bytes_are(name in "[ab]{0,40}", at in 0usize..40) {
            prop_assert!(same_name(&name, &name.clone()));
            let longer = format!("{name}a");
            prop_assert!(!same_name(&name, &longer));
            let mut other = name.clone();
            if at < name.len() {
                other.replace_range(at..=at, "c");
            }
            prop_assert_eq!(same_name(&name, &other), name == other);
        }
    }
}
