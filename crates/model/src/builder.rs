//! Turns points into a columnar [`Batch`], refusing each bad row on its own.

use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;

use crate::batch::{Batch, TableBatch};
use crate::column::{FieldColumn, TagColumn};
use crate::error::ErrorKind;
use crate::limits::IngestLimits;
use crate::names::{DatabaseKey, Name, NameError, validate_column_name, validate_name};
use crate::point::{Point, Value};
use crate::schema::{ColumnKind, SchemaLookup};

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RowError {
    /// The decoder could not read the row.
    #[error("{0}")]
    Malformed(String),
    /// A table or column name breaks the rules.
    #[error("{what} name: {source}")]
    Name {
        /// "table", "tag" or "field".
        what: &'static str,
        /// The broken rule.
        source: NameError,
    },
    /// The row has no field.
    #[error("the row has no field; a reading needs at least one")]
    NoFields,
    /// The column exists with another kind or type.
    #[error("column {column:?} of table {table:?} is a {expected}, but this row sends a {found}")]
    TypeConflict {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What the column is.
        expected: ColumnKind,
        /// What the row holds.
        found: ColumnKind,
    },
    /// A tag is named twice in one row.
    #[error("tag {0:?} stands twice in this row")]
    DuplicateTag(String),
    /// The time lies outside of the accepted range.
    #[error(
        "time {time_ns} ns is outside of the accepted range {earliest_ns}..={latest_ns} ns; check the clock and the \
         precision, or change limits.earliest_unix_seconds or limits.future_seconds"
    )]
    TimeOutOfRange {
        /// The refused time.
        time_ns: i64,
        /// The earliest accepted time.
        earliest_ns: i64,
        /// The latest accepted time.
        latest_ns: i64,
    },
    /// A number that is not a number.
    #[error("field {0:?} is not a finite number")]
    NotFinite(String),
    /// Something exceeds its limit.
    #[error("{what} exceeds the limit of {limit}; raise {setting} if this is intended")]
    Limit {
        /// What is too large or too many.
        what: String,
        /// The limit.
        limit: usize,
        /// The setting that holds it.
        setting: &'static str,
    },
}

impl RowError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TypeConflict { .. } => ErrorKind::Conflict,
            Self::Limit { .. } => ErrorKind::TooLarge,
            _ => ErrorKind::Invalid,
        }
    }
}

/// A refused row and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// Line or item of the request, from 1.
    pub line: u32,
    /// Why.
    pub error: RowError,
}

/// Collects points of one request into a [`Batch`].
///
/// The schema lookup makes a value of the wrong type fail on its own line, before anything is stored, and keeps the type
/// that a first wrong line has from deciding over the lines after it.
pub struct BatchBuilder<'s> {
    schema: &'s dyn SchemaLookup,
    limits: IngestLimits,
    time_range_ns: (i64, i64),
    tables: Vec<TableBuilder>,
    by_name: HashMap<Name, usize>,
    new_tables: usize,
    rows: usize,
    /// Rows times columns, summed over the tables: what the batch will hold when it is rectangular.
    cells: usize,
}

impl<'s> BatchBuilder<'s> {
    /// Starts an empty batch; `now_ns` is the server's clock, against which far futures are refused.
    pub fn new(schema: &'s dyn SchemaLookup, limits: IngestLimits, now_ns: i64) -> Self {
        Self {
            schema,
            limits,
            time_range_ns: limits.time_range_ns(now_ns),
            tables: Vec::new(),
            by_name: HashMap::new(),
            new_tables: 0,
            rows: 0,
            cells: 0,
        }
    }

    /// The limits that rows are held to.
    pub fn limits(&self) -> &IngestLimits {
        &self.limits
    }

    /// The kind of a column as the next row will find it: from the rows so far, else from the stored schema.
    pub fn kind(&self, table: &str, column: &str) -> Option<ColumnKind> {
        match self.by_name.get(table).and_then(|index| self.tables.get(*index)) {
            Some(builder) => builder.kind(column, self.schema),
            None => self.schema.kind(table, column),
        }
    }

    /// The number of rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The schema that the builder checks against.
    pub fn schema(&self) -> &'s dyn SchemaLookup {
        self.schema
    }

    /// Appends a point that stood at `line` of the request, or says why not; a refused point leaves no trace.
    pub fn push(&mut self, point: &Point<'_>, line: u32) -> Result<(), RowError> {
        self.check_row(point)?;
        let index = self.table_index(&point.table)?;
        let (schema, limits) = (self.schema, &self.limits);
        let Some(table) = self.tables.get_mut(index) else {
            return Err(RowError::Malformed("table index out of range".into()));
        };
        table.check_columns(point, schema, limits)?;
        let others = self.cells - table.cells();
        let cells = others + table.cells_with(point);
        if cells > limits.cells_per_request {
            let what = format!("rows times columns of one request (with table {:?})", point.table);
            let limit = limits.cells_per_request;
            return Err(RowError::Limit { what, limit, setting: "limits.cells_per_request" });
        }
        if table.rows() == 0 && !schema.has_table(&point.table) {
            self.new_tables += 1;
        }
        table.append(point, line, schema);
        self.cells = others + table.cells();
        self.rows += 1;
        Ok(())
    }

    /// The finished batch; tables without rows are left out.
    pub fn finish(self, database: DatabaseKey) -> Batch {
        let tables = self.tables.into_iter().filter(|table| table.rows() > 0).map(TableBuilder::finish).collect();
        Batch { database, tables }
    }

    fn check_row(&self, point: &Point<'_>) -> Result<(), RowError> {
        if self.rows >= self.limits.rows_per_request {
            let what = "the number of rows in one request".to_owned();
            return Err(RowError::Limit {
                what,
                limit: self.limits.rows_per_request,
                setting: "limits.rows_per_request",
            });
        }
        let (earliest_ns, latest_ns) = self.time_range_ns;
        if !(earliest_ns..=latest_ns).contains(&point.time_ns) {
            return Err(RowError::TimeOutOfRange { time_ns: point.time_ns, earliest_ns, latest_ns });
        }
        if point.fields.is_empty() {
            return Err(RowError::NoFields);
        }
        // Also bounds the work of finding duplicates below.
        if point.tags.len() + point.fields.len() > self.limits.columns_per_table {
            let what = format!("the number of columns of one row of table {:?}", point.table);
            let limit = self.limits.columns_per_table;
            return Err(RowError::Limit { what, limit, setting: "limits.columns_per_table" });
        }
        Ok(())
    }

    fn table_index(&mut self, name: &str) -> Result<usize, RowError> {
        if let Some(index) = self.by_name.get(name) {
            return Ok(*index);
        }
        validate_name(name).map_err(|source| RowError::Name { what: "table", source })?;
        let limit = self.limits.tables_per_database;
        if !self.schema.has_table(name) && self.schema.table_count() + self.new_tables >= limit {
            let what = format!("the number of tables (with {name:?})");
            return Err(RowError::Limit { what, limit, setting: "limits.tables_per_database" });
        }
        let name: Name = Arc::from(name);
        let index = self.tables.len();
        self.tables.push(TableBuilder::new(name.clone()));
        self.by_name.insert(name, index);
        Ok(index)
    }
}

/// Where a column of a table stands.
#[derive(Clone, Copy)]
enum Slot {
    Tag(usize),
    Field(usize),
}

struct TableBuilder {
    table: Name,
    time_ns: Vec<i64>,
    tags: Vec<TagColumn>,
    /// For each tag column, the key of each value.
    tag_keys: Vec<HashMap<Name, u32>>,
    fields: Vec<FieldColumn>,
    source: Vec<u32>,
    slots: HashMap<Name, Slot>,
    /// Columns of this batch that the stored table does not have.
    new_columns: usize,
}

impl TableBuilder {
    fn new(table: Name) -> Self {
        Self {
            table,
            time_ns: Vec::new(),
            tags: Vec::new(),
            tag_keys: Vec::new(),
            fields: Vec::new(),
            source: Vec::new(),
            slots: HashMap::new(),
            new_columns: 0,
        }
    }

    fn rows(&self) -> usize {
        self.time_ns.len()
    }

    fn cells(&self) -> usize {
        self.rows() * self.slots.len()
    }

    /// The number of cells once the point is appended.
    fn cells_with(&self, point: &Point<'_>) -> usize {
        let names = point.tags.iter().map(|(name, _)| name).chain(point.fields.iter().map(|(name, _)| name));
        let new = names.filter(|name| !self.slots.contains_key(name.as_ref())).count();
        (self.rows() + 1) * (self.slots.len() + new)
    }

    fn kind(&self, name: &str, schema: &dyn SchemaLookup) -> Option<ColumnKind> {
        match self.slots.get(name) {
            Some(Slot::Tag(_)) => Some(ColumnKind::Tag),
            Some(Slot::Field(index)) => self.fields.get(*index).map(|f| ColumnKind::Field(f.values.field_type())),
            None => schema.kind(&self.table, name),
        }
    }

    fn check_columns(
        &self,
        point: &Point<'_>,
        schema: &dyn SchemaLookup,
        limits: &IngestLimits,
    ) -> Result<(), RowError> {
        let mut new = 0;
        for (position, (name, value)) in point.tags.iter().enumerate() {
            if point.tags.iter().take(position).any(|(earlier, _)| earlier == name) {
                return Err(RowError::DuplicateTag(name.to_string()));
            }
            if value.len() > limits.tag_value_bytes {
                let what = format!("the value of tag {name:?} ({} bytes)", value.len());
                let limit = limits.tag_value_bytes;
                return Err(RowError::Limit { what, limit, setting: "limits.tag_value_bytes" });
            }
            new += usize::from(self.check_column("tag", name, ColumnKind::Tag, schema)?);
        }
        for (name, value) in &point.fields {
            match value {
                Value::F64(number) if !number.is_finite() => return Err(RowError::NotFinite(name.to_string())),
                Value::Text(text) if text.len() > limits.text_field_bytes => {
                    let what = format!("the text of field {name:?} ({} bytes)", text.len());
                    let limit = limits.text_field_bytes;
                    return Err(RowError::Limit { what, limit, setting: "limits.text_field_bytes" });
                }
                _ => {}
            }
            if let Some((_, _)) = point.tags.iter().find(|(tag, _)| tag == name) {
                return Err(self.conflict(name, ColumnKind::Tag, ColumnKind::Field(value.field_type())));
            }
            new += usize::from(self.check_column("field", name, ColumnKind::Field(value.field_type()), schema)?);
        }
        if new > 0 && schema.column_count(&self.table) + self.new_columns + new > limits.columns_per_table {
            let what = format!("the number of columns of table {:?}", self.table);
            let limit = limits.columns_per_table;
            return Err(RowError::Limit { what, limit, setting: "limits.columns_per_table" });
        }
        Ok(())
    }

    /// Checks one column; true if neither this batch nor the stored table has it yet.
    fn check_column(
        &self,
        what: &'static str,
        name: &str,
        found: ColumnKind,
        schema: &dyn SchemaLookup,
    ) -> Result<bool, RowError> {
        match self.kind(name, schema) {
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

    /// Appends a row that passed [`TableBuilder::check_columns`].
    fn append(&mut self, point: &Point<'_>, line: u32, schema: &dyn SchemaLookup) {
        let rows = self.rows();
        for (name, value) in point.tags.iter().filter(|(_, value)| !value.is_empty()) {
            let index = self.tag_slot(name, rows, schema);
            if let (Some(column), Some(keys)) = (self.tags.get_mut(index), self.tag_keys.get_mut(index)) {
                let key = match keys.get(value.as_ref()) {
                    Some(key) => *key,
                    None => {
                        let key = u32::try_from(column.dictionary.len()).unwrap_or(TagColumn::ABSENT);
                        let value: Name = Arc::from(value.as_ref());
                        column.dictionary.push(value.clone());
                        keys.insert(value, key);
                        key
                    }
                };
                column.keys.resize(rows, TagColumn::ABSENT);
                column.keys.push(key);
            }
        }
        for (position, (name, value)) in point.fields.iter().enumerate() {
            if point.fields.iter().skip(position + 1).any(|(later, _)| later == name) {
                continue;
            }
            let index = self.field_slot(name, value, rows, schema);
            if let Some(column) = self.fields.get_mut(index) {
                column.fill_to(rows);
                column.push(value);
            }
        }
        self.time_ns.push(point.time_ns);
        self.source.push(line);
    }

    fn tag_slot(&mut self, name: &str, rows: usize, schema: &dyn SchemaLookup) -> usize {
        if let Some(Slot::Tag(index)) = self.slots.get(name) {
            return *index;
        }
        let index = self.tags.len();
        let name = self.new_slot(name, Slot::Tag(index), schema);
        self.tags.push(TagColumn::with_absent_rows(name, rows));
        self.tag_keys.push(HashMap::new());
        index
    }

    fn field_slot(&mut self, name: &str, value: &Value<'_>, rows: usize, schema: &dyn SchemaLookup) -> usize {
        if let Some(Slot::Field(index)) = self.slots.get(name) {
            return *index;
        }
        let index = self.fields.len();
        let name = self.new_slot(name, Slot::Field(index), schema);
        self.fields.push(FieldColumn::with_absent_rows(name, value.field_type(), rows));
        index
    }

    fn new_slot(&mut self, name: &str, slot: Slot, schema: &dyn SchemaLookup) -> Name {
        self.new_columns += usize::from(schema.kind(&self.table, name).is_none());
        let name: Name = Arc::from(name);
        self.slots.insert(name.clone(), slot);
        name
    }

    fn finish(mut self) -> TableBatch {
        let rows = self.rows();
        self.tags.iter_mut().for_each(|column| column.keys.resize(rows, TagColumn::ABSENT));
        self.fields.iter_mut().for_each(|column| column.fill_to(rows));
        self.tags.sort_by(|a, b| a.name.cmp(&b.name));
        self.fields.sort_by(|a, b| a.name.cmp(&b.name));
        let batch = TableBatch {
            table: self.table,
            time_ns: self.time_ns,
            tags: self.tags,
            fields: self.fields,
            source: self.source,
        };
        debug_assert!(batch.is_rectangular());
        batch
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::OrgId;
    use crate::names::DatabaseName;
    use crate::schema::{DatabaseSchema, FieldType, TableSchema};

    const NOW: i64 = 1_700_000_000_000_000_000;

    fn key() -> DatabaseKey {
        DatabaseKey::new(OrgId::from_uuid(Uuid::nil()), DatabaseName::new("main").unwrap())
    }

    fn limits() -> IngestLimits {
        IngestLimits::default()
    }

    #[test]
    fn sparse_rows_become_rectangular_columns() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        builder.push(&Point::new("t", 1).tag("a", "x").field("f", Value::F64(1.0)), 1).unwrap();
        builder.push(&Point::new("t", 2).tag("b", "y").field("g", Value::Text("hi".into())), 2).unwrap();
        builder.push(&Point::new("u", 3).field("n", Value::U64(7)), 3).unwrap();
        let batch = builder.finish(key());
        assert_eq!((batch.rows(), batch.tables.len()), (3, 2));
        let table = &batch.tables[0];
        assert!(table.is_rectangular());
        assert_eq!(table.series_key(0).as_str(), "a=x");
        assert_eq!(table.series_key(1).as_str(), "b=y");
        assert_eq!(table.fields[0].get(0), Some(Value::F64(1.0)));
        assert_eq!(table.fields[0].get(1), None);
        assert_eq!(table.fields[1].get(1), Some(Value::Text("hi".into())));
    }

    #[test]
    fn a_wrong_first_line_does_not_decide_the_type_of_a_stored_column() {
        let mut table = TableSchema::default();
        table.add("v".into(), ColumnKind::Field(FieldType::F64)).unwrap();
        let mut schema = DatabaseSchema::default();
        schema.tables.insert("t".into(), Arc::new(table));
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        let refused = builder.push(&Point::new("t", 1).field("v", Value::I64(1)), 1).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        builder.push(&Point::new("t", 2).field("v", Value::F64(2.0)), 2).unwrap();
        assert_eq!(builder.finish(key()).tables[0].source, [2]);
    }

    #[test]
    fn a_refused_row_leaves_no_column_behind() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        let bad = Point::new("t", 1).tag("new", "x").field("f", Value::F64(f64::NAN));
        assert!(builder.push(&bad, 1).is_err());
        builder.push(&Point::new("t", 1).field("new", Value::F64(1.0)), 2).unwrap();
        assert_eq!(builder.finish(key()).tables[0].tags, []);
    }

    #[test]
    fn the_column_limit_counts_stored_and_new_columns() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, IngestLimits { columns_per_table: 2, ..limits() }, NOW);
        builder.push(&Point::new("t", 1).field("a", Value::F64(1.0)).field("b", Value::F64(1.0)), 1).unwrap();
        let refused = builder.push(&Point::new("t", 1).field("c", Value::F64(1.0)), 2).unwrap_err();
        assert!(refused.to_string().contains("limits.columns_per_table"), "{refused}");
        builder.push(&Point::new("t", 2).field("a", Value::F64(2.0)), 3).unwrap();
    }

    #[test]
    fn times_outside_of_the_range_are_refused() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        for time_ns in [-1, NOW + 8 * 86_400 * 1_000_000_000, i64::MAX, i64::MIN] {
            let refused = builder.push(&Point::new("t", time_ns).field("a", Value::F64(1.0)), 1).unwrap_err();
            assert!(matches!(refused, RowError::TimeOutOfRange { .. }), "{time_ns}: {refused}");
        }
    }

    #[test]
    fn a_tag_stays_a_tag() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        builder.push(&Point::new("t", 1).tag("a", "x").field("f", Value::F64(1.0)), 1).unwrap();
        assert!(builder.push(&Point::new("t", 1).field("a", Value::F64(1.0)), 2).is_err());
        let twice = Point::new("t", 1).tag("a", "x").tag("a", "y").field("f", Value::F64(1.0));
        assert_eq!(builder.push(&twice, 3), Err(RowError::DuplicateTag("a".into())));
    }

    #[test]
    fn a_name_that_is_tag_and_field_in_one_row_is_refused() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        let point = Point::new("t", 1).tag("a", "x").field("a", Value::F64(1.0));
        assert!(builder.push(&point, 1).is_err());
    }

    #[test]
    fn the_last_of_two_equal_fields_wins() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        let point = Point::new("t", 1).field("a", Value::F64(1.0)).field("a", Value::F64(2.0));
        builder.push(&point, 1).unwrap();
        assert_eq!(builder.finish(key()).tables[0].fields[0].get(0), Some(Value::F64(2.0)));
    }

    #[test]
    fn padding_of_sparse_rows_is_bounded() {
        let schema = DatabaseSchema::default();
        let limits = IngestLimits { cells_per_request: 20, ..limits() };
        let mut builder = BatchBuilder::new(&schema, limits, NOW);
        let refused = (1..=10).find_map(|row: u32| {
            builder.push(&Point::new("t", 1).field(format!("f{row}"), Value::F64(1.0)), row).err().map(|e| (row, e))
        });
        let (row, error) = refused.unwrap();
        assert_eq!((row, error.kind()), (5, ErrorKind::TooLarge));
        assert!(error.to_string().contains("limits.cells_per_request"), "{error}");
        builder.push(&Point::new("t", 1).field("f1", Value::F64(1.0)), 6).unwrap();
        assert!(builder.finish(key()).tables[0].is_rectangular());
    }

    #[test]
    fn a_row_with_too_many_columns_is_refused_even_when_all_are_one_stored_column() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, IngestLimits { columns_per_table: 3, ..limits() }, NOW);
        let mut point = Point::new("t", 1);
        point.fields = vec![("f".into(), Value::F64(1.0)); 4];
        assert_eq!(builder.push(&point, 1).unwrap_err().kind(), ErrorKind::TooLarge);
        point.fields.pop();
        builder.push(&point, 2).unwrap();
    }

    #[test]
    fn the_kind_of_a_column_is_known_from_the_rows_so_far() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        assert_eq!(builder.kind("t", "f"), None);
        builder.push(&Point::new("t", 1).field("f", Value::I64(1)), 1).unwrap();
        assert_eq!(builder.kind("t", "f"), Some(ColumnKind::Field(FieldType::I64)));
    }
}
