//! Which rows of a batch fit a table's schema, and which columns they add.

use sensorium_model::{
    ColumnKind, FieldColumn, IngestLimits, Name, Rejection, RowError, TableBatch, TableSchema, TagColumn,
};

use super::keep_rows;

/// A column of a batch.
#[derive(Clone, Copy)]
enum Sent<'b> {
    Tag(&'b TagColumn),
    Field(&'b FieldColumn),
}

impl<'b> Sent<'b> {
    fn of(table: &'b TableBatch) -> impl Iterator<Item = Self> {
        table.tags.iter().map(Sent::Tag).chain(table.fields.iter().map(Sent::Field))
    }

    fn name(self) -> &'b Name {
        match self {
            Self::Tag(tag) => &tag.name,
            Self::Field(field) => &field.name,
        }
    }

    fn kind(self) -> ColumnKind {
        match self {
            Self::Tag(_) => ColumnKind::Tag,
            Self::Field(field) => ColumnKind::Field(field.values.field_type()),
        }
    }

    fn has(self, row: usize) -> bool {
        match self {
            Self::Tag(tag) => tag.get(row).is_some(),
            Self::Field(field) => field.valid.get(row),
        }
    }

    fn is_used(self, rows: usize) -> bool {
        (0..rows).any(|row| self.has(row))
    }
}

/// Leaves out the rows that do not fit and returns the rest with the columns that it adds.
///
/// `room` says whether another table may be created.
pub(super) fn fit(
    table: TableBatch,
    schema: Option<&TableSchema>,
    room: bool,
    limits: &IngestLimits,
    rejected: &mut Vec<Rejection>,
) -> (TableBatch, Vec<(Name, ColumnKind)>) {
    if schema.is_none() && !room {
        let what = format!("the number of tables (with {:?})", table.table);
        let limit = limits.tables_per_database;
        let error = RowError::Limit { what, limit, setting: "limits.tables_per_database" };
        let refuse = |line: &u32| Rejection { line: *line, error: error.clone() };
        rejected.extend(table.source.iter().map(refuse));
        return (keep_rows(&table, &[]), Vec::new());
    }
    let kind = |name: &str| schema.and_then(|schema| schema.kind(name));
    let conflict = |sent: Sent<'_>| match kind(sent.name()) {
        Some(expected) if expected != sent.kind() => Some(RowError::TypeConflict {
            table: table.table.to_string(),
            column: sent.name().to_string(),
            expected,
            found: sent.kind(),
        }),
        _ => None,
    };
    let conflicts: Vec<_> = Sent::of(&table).filter_map(|sent| conflict(sent).map(|error| (sent, error))).collect();
    let table = refuse_rows(&table, &conflicts, rejected);

    let room = limits.columns_per_table.saturating_sub(schema.map_or(0, TableSchema::len));
    let new = |table: &TableBatch| -> Vec<(Name, ColumnKind)> {
        let added = Sent::of(table).filter(|sent| kind(sent.name()).is_none() && sent.is_used(table.rows()));
        added.map(|sent| (sent.name().clone(), sent.kind())).collect()
    };
    let surplus: Vec<Name> = new(&table).into_iter().skip(room).map(|(name, _)| name).collect();
    if surplus.is_empty() {
        let columns = new(&table);
        return (table, columns);
    }
    let error = RowError::Limit {
        what: format!("the number of columns of table {:?}", table.table),
        limit: limits.columns_per_table,
        setting: "limits.columns_per_table",
    };
    let refused: Vec<_> =
        Sent::of(&table).filter(|sent| surplus.contains(sent.name())).map(|sent| (sent, error.clone())).collect();
    let table = refuse_rows(&table, &refused, rejected);
    let columns = new(&table);
    (table, columns)
}

/// Leaves out the rows that have a value in a refused column.
fn refuse_rows(table: &TableBatch, refused: &[(Sent<'_>, RowError)], rejected: &mut Vec<Rejection>) -> TableBatch {
    let mut keep = vec![true; table.rows()];
    for (row, (keep, line)) in keep.iter_mut().zip(&table.source).enumerate() {
        if let Some((_, error)) = refused.iter().find(|(sent, _)| sent.has(row)) {
            *keep = false;
            rejected.push(Rejection { line: *line, error: error.clone() });
        }
    }
    keep_rows(table, &keep)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sensorium_model::{Batch, BatchBuilder, DatabaseSchema, ErrorKind, FieldType, Point, Value};

    use crate::catalog::{Catalog, Writer};
    use crate::wal::codec::tests::key;

    use super::*;

    fn batch(points: &[Point<'_>]) -> Batch {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), i64::MAX);
        for (line, point) in (1..).zip(points) {
            builder.push(point, line).unwrap();
        }
        builder.finish(key())
    }

    #[test]
    fn the_later_of_two_writers_loses_only_the_rows_that_conflict() {
        let database = Catalog::default().create(&key());
        let limits = IngestLimits::default();
        let first = database.reserve(batch(&[Point::new("t", 1).field("v", Value::F64(1.0))]), &limits, Writer::Anyone);
        assert_eq!((first.batch.rows(), first.rejected.len()), (1, 0));
        let second = database.reserve(
            batch(&[
                Point::new("t", 1).field("w", Value::Bool(true)),
                Point::new("t", 2).field("v", Value::I64(1)).field("lost", Value::I64(1)),
                Point::new("t", 3).tag("w2", "x").field("w", Value::Bool(true)),
            ]),
            &limits,
            Writer::Anyone,
        );
        assert_eq!(second.batch.tables[0].source, [1, 3]);
        assert_eq!(second.rejected[0].line, 2);
        assert_eq!(second.rejected[0].error.kind(), ErrorKind::Conflict);
        let schema = database.table_schema("t").unwrap();
        assert_eq!(schema.kind("v"), Some(ColumnKind::Field(FieldType::F64)));
        assert_eq!(schema.kind("w2"), Some(ColumnKind::Tag));
        assert_eq!(schema.kind("lost"), None, "a refused row leaves no column");
        assert!(Arc::ptr_eq(&first.tables[0], &second.tables[0]));
    }

    #[test]
    fn columns_beyond_the_limit_cost_only_their_rows() {
        let database = Catalog::default().create(&key());
        let limits = IngestLimits { columns_per_table: 2, tables_per_database: 1, ..IngestLimits::default() };
        let reserved = database.reserve(
            batch(&[
                Point::new("t", 1).field("a", Value::F64(1.0)),
                Point::new("t", 2).field("b", Value::F64(1.0)).field("c", Value::F64(1.0)),
                Point::new("t", 3).field("b", Value::F64(1.0)),
                Point::new("u", 3).field("b", Value::F64(1.0)),
            ]),
            &limits,
            Writer::Anyone,
        );
        assert_eq!(reserved.batch.tables[0].source, [1, 3]);
        let lines: Vec<_> = reserved.rejected.iter().map(|r| (r.line, r.error.kind())).collect();
        assert_eq!(lines, [(2, ErrorKind::TooLarge), (4, ErrorKind::TooLarge)]);
        assert_eq!(database.table_schema("t").unwrap().len(), 2);
        assert_eq!(database.table_schema("u"), None);
    }
}
