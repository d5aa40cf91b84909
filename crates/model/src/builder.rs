//! Turns points into a columnar [`Batch`], refusing each bad row on its own.

mod table;

use std::sync::Arc;

use thiserror::Error;

use crate::batch::Batch;
use crate::error::ErrorKind;
use crate::hash::FastMap;
use crate::limits::IngestLimits;
use crate::names::{DEVICE_TAG, DatabaseKey, Name, NameError, validate_name};
use crate::point::{Point, Value};
use crate::schema::{ColumnKind, SchemaLookup};
use crate::vector::MAX_VECTOR_NUMBERS;
use table::TableBuilder;

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
    /// The row is older than its table keeps rows.
    #[error(
        "time {time_ns} ns is older than the {keep_seconds} s for which table {table:?} keeps readings; change its \
         retention if this is intended"
    )]
    Expired {
        /// The table.
        table: String,
        /// The refused time.
        time_ns: i64,
        /// For how long the table keeps rows.
        keep_seconds: u64,
    },
    /// The table is computed from another one.
    #[error("table {table:?} is a rollup of {of:?}; write to {of:?}, or to a table of another name")]
    Rollup {
        /// The table.
        table: String,
        /// What it is computed from.
        of: String,
    },
    /// A number that is not a number.
    #[error("field {0:?} is not a finite number")]
    NotFinite(String),
    /// A vector that has no numbers, or too many.
    #[error("field {field:?} is a vector of {numbers} numbers; 1 to {MAX_VECTOR_NUMBERS} are possible")]
    VectorLength {
        /// The field.
        field: String,
        /// How many numbers it has.
        numbers: usize,
    },
    /// The row does not say which device it is of, and the key that it was sent with is none of a device.
    #[error("the reading does not say which device it is of; add the tag \"device\" with the device's name")]
    NoDevice,
    /// The row is said to come from another device than the one that sent it.
    #[error(
        "tag \"device\" is {found:?}, but this token belongs to device {own:?}; leave the tag out, or send {own:?}"
    )]
    OtherDevice {
        /// The tag's value.
        found: String,
        /// The device that sent it.
        own: String,
    },
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
    /// As another one, with the place of the row where a number alone does not tell it.
    #[error("{place}: {error}")]
    At {
        /// The place, such as `frame 3, object 7`.
        place: String,
        /// Why.
        error: Box<Self>,
    },
}

impl RowError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TypeConflict { .. } | Self::Rollup { .. } => ErrorKind::Conflict,
            Self::Limit { .. } => ErrorKind::TooLarge,
            Self::At { error, .. } => error.kind(),
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

/// Whom rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// Rows say what they like.
    Anyone,
    /// One device sends all of them: those without the tag `device` get its name, those with another one are refused.
    Device(Name),
    /// Each row names the device that it is of, by the tag `device`; those that do not are refused.
    Devices,
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
    by_name: FastMap<Name, usize>,
    new_tables: usize,
    rows: usize,
    /// Rows times columns, summed over the tables: what the batch will hold when it is rectangular.
    cells: usize,
    /// The table of the row before, which is likely that of the next one.
    newest_table: usize,
    /// About how many rows will come.
    expected_rows: usize,
    sender: Sender,
    /// Lines of the messages before the one that is read now.
    lines_before: u32,
    /// The highest line of a row, those of earlier messages before it.
    last_line: u32,
}

/// Rows that room is made for at most, whatever is expected.
const MAX_EXPECTED_ROWS: usize = 16 * 1024;
/// Cells that room is made for at most, over all tables.
const MAX_RESERVED_CELLS: usize = 1024 * 1024;

impl<'s> BatchBuilder<'s> {
    /// Starts an empty batch; `now_ns` is the server's clock, against which far futures are refused.
    pub fn new(schema: &'s dyn SchemaLookup, limits: IngestLimits, now_ns: i64) -> Self {
        Self {
            schema,
            limits,
            time_range_ns: limits.time_range_ns(now_ns),
            tables: Vec::new(),
            by_name: FastMap::default(),
            new_tables: 0,
            rows: 0,
            cells: 0,
            newest_table: 0,
            expected_rows: 0,
            sender: Sender::Anyone,
            lines_before: 0,
            last_line: 0,
        }
    }

    /// Says whom the rows to come are from.
    pub fn sent_by(&mut self, sender: Sender) {
        self.sender = sender;
    }

    /// Says that the rows to come are of another message, whose lines are counted from 1 too. Returns what is added to those in
    /// [`crate::TableBatch::source`], so that the lines of all messages differ.
    pub fn next_message(&mut self) -> u32 {
        self.lines_before = self.last_line;
        self.lines_before
    }

    /// The device that sends the rows to come, where it was said.
    pub fn sender(&self) -> Option<&str> {
        match &self.sender {
            Sender::Device(name) => Some(name),
            Sender::Anyone | Sender::Devices => None,
        }
    }

    /// Says about how many rows will come, so that room for them is made at once.
    pub fn expect(&mut self, rows: usize) {
        self.expected_rows = rows.min(self.limits.rows_per_request).min(MAX_EXPECTED_ROWS);
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
        match self.sender.clone() {
            Sender::Anyone => self.push_as_is(point, line),
            Sender::Device(device) => self.push_as_is(&tagged(point, &device)?, line),
            Sender::Devices => {
                let device = named(point).next().ok_or(RowError::NoDevice)?.to_owned();
                self.push_as_is(&tagged(point, &device)?, line)
            }
        }
    }

    fn push_as_is(&mut self, point: &Point<'_>, line: u32) -> Result<(), RowError> {
        let line = self.lines_before.saturating_add(line);
        self.check_row(point)?;
        let index = self.table_index(&point.table)?;
        let outcome = self.push_into(index, point, line);
        if outcome.is_err() && self.tables.get(index).is_some_and(|table| table.rows() == 0) {
            // Only the newest table can be without rows.
            self.tables.pop();
            self.by_name.remove(point.table.as_ref());
        }
        outcome
    }

    fn push_into(&mut self, index: usize, point: &Point<'_>, line: u32) -> Result<(), RowError> {
        let (schema, limits) = (self.schema, &self.limits);
        let Some(table) = self.tables.get_mut(index) else {
            return Err(RowError::Malformed("table index out of range".into()));
        };
        table.check_columns(point, schema, limits)?;
        let others = self.cells - table.cells();
        if others + table.cells_with_checked() > limits.cells_per_request {
            let what = format!("rows times columns of one request (with table {:?})", point.table);
            let limit = limits.cells_per_request;
            return Err(RowError::Limit { what, limit, setting: "limits.cells_per_request" });
        }
        if table.rows() == 0 && !schema.has_table(&point.table) {
            self.new_tables += 1;
        }
        table.append_checked(point, line, schema, self.expected_rows);
        self.cells = others + table.cells();
        self.rows += 1;
        self.last_line = self.last_line.max(line);
        self.newest_table = index;
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
        if self.tables.get(self.newest_table).is_some_and(|table| table.name() == name) {
            return Ok(self.newest_table);
        }
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
        // Each further table is expected to be a smaller part of the rows.
        let reservable = MAX_RESERVED_CELLS >> (index + 1).min(usize::BITS as usize - 1);
        self.tables.push(TableBuilder::new(name.clone(), reservable));
        self.by_name.insert(name, index);
        Ok(index)
    }
}

/// The devices that a point names, in its tags and then in texts among its fields.
fn named<'p>(point: &'p Point<'_>) -> impl Iterator<Item = &'p str> {
    let tags = point.tags.iter().filter(|(name, value)| name == DEVICE_TAG && !value.is_empty());
    let texts = point.fields.iter().filter_map(|(name, value)| match value {
        Value::Text(text) if name == DEVICE_TAG && !text.is_empty() => Some(text.as_ref()),
        _ => None,
    });
    tags.map(|(_, value)| value.as_ref()).chain(texts)
}

/// The point with the tag of the device that sent it. A text of that name among the fields, where JSON may have it, is taken
/// for the tag.
fn tagged<'p>(point: &Point<'p>, device: &'p str) -> Result<Point<'p>, RowError> {
    let is_text = |name: &str, value: &Value<'_>| name == DEVICE_TAG && matches!(value, Value::Text(_));
    let mut point = point.clone();
    if let Some(other) = named(&point).find(|value| *value != device) {
        return Err(RowError::OtherDevice { found: other.to_owned(), own: device.to_owned() });
    }
    let is_tagged = point.tags.iter().any(|(name, value)| name == DEVICE_TAG && !value.is_empty());
    point.fields.retain(|(name, value)| !is_text(name, value));
    if !is_tagged {
        point.tags.retain(|(name, _)| name != DEVICE_TAG);
        point.tags.push((DEVICE_TAG.into(), device.into()));
    }
    Ok(point)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
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
    fn lines_of_several_messages_differ() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        let row = |table, time_ns| Point::new(table, time_ns).field("v", Value::F64(1.0));
        assert_eq!(builder.next_message(), 0);
        builder.push(&row("t", 1), 1).unwrap();
        builder.push(&row("u", 1), 3).unwrap();
        assert_eq!(builder.next_message(), 3);
        assert_eq!(builder.next_message(), 3, "a message without rows");
        builder.push(&row("t", 2), 1).unwrap();
        builder.push(&row("t", 3), 2).unwrap();
        let batch = builder.finish(key());
        assert_eq!((&batch.tables[0].source[..], &batch.tables[1].source[..]), (&[1, 4, 5][..], &[3][..]));
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
    fn a_device_sends_rows_of_its_own_only() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        builder.sent_by(Sender::Device("attic".into()));
        assert_eq!(builder.sender(), Some("attic"));
        let row = |time_ns| Point::new("t", time_ns).field("v", Value::F64(1.0));
        builder.push(&row(1), 1).unwrap();
        builder.push(&row(2).tag("room", "x").tag("device", "attic"), 2).unwrap();
        builder.push(&row(3).tag("device", ""), 3).unwrap();
        let other = builder.push(&row(4).tag("device", "cellar"), 4).unwrap_err();
        assert_eq!(other.kind(), ErrorKind::Invalid);
        assert!(other.to_string().contains("\"cellar\"") && other.to_string().contains("\"attic\""), "{other}");
        let both = row(5).tag("device", "attic").tag("device", "cellar");
        assert!(matches!(builder.push(&both, 5), Err(RowError::OtherDevice { .. })));
        let twice = row(6).tag("device", "attic").tag("device", "attic");
        assert_eq!(builder.push(&twice, 6), Err(RowError::DuplicateTag("device".into())));
        let field = row(7).field("device", Value::Text("cellar".into()));
        assert!(matches!(builder.push(&field, 7), Err(RowError::OtherDevice { .. })));
        assert_eq!(builder.push(&row(8).field("device", Value::I64(1)), 8).unwrap_err().kind(), ErrorKind::Conflict);
        // Readings in JSON name it beside their fields.
        builder.push(&row(9).field("device", Value::Text("attic".into())), 9).unwrap();
        let batch = builder.finish(key());
        let keys: Vec<_> = (0..4).map(|row| batch.tables[0].series_key(row).as_str().to_owned()).collect();
        assert_eq!(keys, ["device=attic", "device=attic,room=x", "device=attic", "device=attic"]);
        assert_eq!((batch.rows(), batch.tables[0].fields.len()), (4, 1));
    }

    #[test]
    fn rows_for_devices_name_the_device_that_they_are_of() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        builder.sent_by(Sender::Devices);
        let row = |time_ns| Point::new("t", time_ns).field("v", Value::F64(1.0));
        builder.push(&row(1).tag("device", "attic"), 1).unwrap();
        builder.push(&row(2).tag("device", "cellar").tag("room", "x"), 2).unwrap();
        builder.push(&row(3).field("device", Value::Text("attic".into())), 3).unwrap();
        assert_eq!(builder.push(&row(4), 4), Err(RowError::NoDevice));
        assert_eq!(builder.push(&row(5).tag("device", ""), 5), Err(RowError::NoDevice));
        let both = row(6).tag("device", "attic").field("device", Value::Text("cellar".into()));
        assert!(matches!(builder.push(&both, 6), Err(RowError::OtherDevice { .. })));
        let mut batch = builder.finish(key());
        assert_eq!(batch.devices(), ["attic".into(), "cellar".into()]);
        assert_eq!(batch.rows_by_device(), [("attic".into(), 2), ("cellar".into(), 1)].into());
        // Two names of the same device become one, and so do their rows.
        batch.rename_devices(&[("attic".into(), "roof".into()), ("cellar".into(), "roof".into())].into());
        assert_eq!(batch.rows_by_device(), [("roof".into(), 3)].into());
        assert_eq!(batch.tables[0].series_key(1).as_str(), "device=roof,room=x");
        assert_eq!(batch.tables[0].tags[0].dictionary.len(), 1);
        assert!(batch.tables[0].is_rectangular());
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
    fn a_vector_of_another_length_costs_only_its_row() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        let row = |time_ns: i64, numbers: Vec<f32>| Point::new("t", time_ns).field("v", Value::Vector(numbers.into()));
        builder.push(&row(1, vec![1.0, 2.0]), 1).unwrap();
        let refused = builder.push(&row(2, vec![1.0, 2.0, 3.0]), 2).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(
            refused.to_string().contains("is a vector(2) field, but this row sends a vector(3) field"),
            "{refused}"
        );
        assert_eq!(builder.push(&row(3, vec![1.0, f32::NAN]), 3), Err(RowError::NotFinite("v".into())));
        for numbers in [0, MAX_VECTOR_NUMBERS + 1, 70_000] {
            let refused = builder.push(&row(4, vec![0.0; numbers]), 4).unwrap_err();
            assert_eq!(refused, RowError::VectorLength { field: "v".into(), numbers });
        }
        builder.push(&Point::new("t", 5).field("n", Value::I64(1)), 5).unwrap();
        builder.push(&row(6, vec![3.0, 4.0]), 6).unwrap();
        let batch = builder.finish(key());
        let vectors = &batch.tables[0].fields[1];
        let expected = [Some(vec![1.0, 2.0]), None, Some(vec![3.0, 4.0])];
        let stored = [0, 1, 2].map(|row| vectors.get(row));
        assert_eq!(stored, expected.map(|vector| vector.map(|numbers| Value::Vector(numbers.into()))));
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
    fn a_field_that_is_named_twice_with_two_types_costs_only_its_row() {
        let mut table = TableSchema::default();
        table.add("v".into(), ColumnKind::Field(FieldType::F64)).unwrap();
        let mut stored = DatabaseSchema::default();
        stored.tables.insert("t".into(), Arc::new(table));
        for schema in [DatabaseSchema::default(), stored] {
            let mut builder = BatchBuilder::new(&schema, limits(), NOW);
            let twice = Point::new("t", 1).field("v", Value::F64(1.0)).field("v", Value::Text("x".into()));
            assert_eq!(builder.push(&twice, 1).unwrap_err().kind(), ErrorKind::Conflict);
            builder.push(&Point::new("t", 2).field("v", Value::F64(2.0)), 2).unwrap();
            assert_eq!(builder.finish(key()).tables[0].source, [2]);
        }
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

    #[test]
    fn refused_rows_of_new_tables_leave_no_table() {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, limits(), NOW);
        for n in 0..100 {
            let point = Point::new(format!("t{n}"), 1).field("time", Value::F64(1.0));
            assert!(builder.push(&point, 1).is_err());
        }
        assert!(builder.tables.is_empty() && builder.by_name.is_empty());
        builder.push(&Point::new("t0", 1).field("f", Value::F64(1.0)), 2).unwrap();
        assert!(builder.push(&Point::new("t1", 1).field("time", Value::F64(1.0)), 3).is_err());
        builder.push(&Point::new("t0", 2).field("f", Value::F64(2.0)), 4).unwrap();
        assert_eq!(builder.finish(key()).rows(), 2);
    }

    /// A row as a test reads it back: tags, then fields, by name.
    type Row = (Vec<(String, String)>, Vec<(String, String)>);

    proptest! {
        /// Whatever the order and the gaps of columns, each row holds what its point said: the way through hints of the
        /// row before must not mix columns up.
        #[test]
        fn rows_hold_what_their_points_said(points in proptest::collection::vec(
            (proptest::collection::vec(("[abc]", "[xy]?"), 0..4), proptest::collection::vec(("[abdef]", 0..3_i64), 0..5)),
            0..30,
        )) {
            let schema = DatabaseSchema::default();
            let mut builder = BatchBuilder::new(&schema, limits(), NOW);
            let mut kinds: HashMap<String, ColumnKind> = HashMap::new();
            let mut expected: Vec<Row> = Vec::new();
            for (tags, fields) in &points {
                let mut point = Point::new("t", 1);
                point.tags = tags.iter().map(|(n, v)| (n.clone().into(), v.clone().into())).collect();
                point.fields = fields.iter().map(|(n, v)| (n.clone().into(), Value::I64(*v))).collect();
                let names = |kind, list: Vec<&String>| list.into_iter().map(|n| (n.clone(), kind)).collect::<Vec<_>>();
                let mut wanted = names(ColumnKind::Tag, tags.iter().map(|(n, _)| n).collect());
                let distinct = wanted.iter().enumerate().all(|(i, tag)| !wanted[..i].contains(tag));
                wanted.extend(names(ColumnKind::Field(FieldType::I64), fields.iter().map(|(n, _)| n).collect()));
                let mut after = kinds.clone();
                let agree = wanted.iter().all(|(n, kind)| *after.entry(n.clone()).or_insert(*kind) == *kind);
                let good = distinct && agree && !fields.is_empty();
                prop_assert_eq!(builder.push(&point, 1).is_ok(), good, "{:?}", point);
                if good {
                    let used = |n: &String| tags.iter().any(|(t, v)| t == n && !v.is_empty()) || fields.iter().any(|(f, _)| f == n);
                    kinds.extend(wanted.into_iter().filter(|(n, _)| used(n)));
                    let mut tags: Vec<_> = tags.iter().filter(|(_, v)| !v.is_empty()).cloned().collect();
                    tags.sort();
                    let last: std::collections::BTreeMap<_, _> = fields.iter().cloned().collect();
                    expected.push((tags, last.into_iter().map(|(n, v)| (n, v.to_string())).collect()));
                }
            }
            let batch = builder.finish(key());
            let mut found: Vec<Row> = Vec::new();
            for table in &batch.tables {
                prop_assert!(table.is_rectangular());
                for row in 0..table.rows() {
                    let tags = table.row_tags(row).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                    let fields = table.fields.iter().filter_map(|field| match field.get(row)? {
                        Value::I64(value) => Some((field.name.to_string(), value.to_string())),
                        _ => None,
                    });
                    found.push((tags, fields.collect()));
                }
            }
            prop_assert_eq!(found, expected);
        }
    }
}
