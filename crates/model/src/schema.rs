//! What a table looks like: its columns, their kinds and types.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::names::Name;

/// The type of a field column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// IEEE 754 double.
    F64,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned 64-bit integer.
    U64,
    /// Truth value.
    Bool,
    /// UTF-8 text.
    Text,
    /// Vectors of so many 32-bit floats, 1 to [`crate::MAX_VECTOR_NUMBERS`].
    Vector(u16),
}

impl FieldType {
    /// The name that people read in messages and in the schema's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::F64 => "float",
            Self::I64 => "integer",
            Self::U64 => "unsigned",
            Self::Bool => "boolean",
            Self::Text => "string",
            Self::Vector(_) => "vector",
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(length) => write!(f, "vector({length})"),
            other => f.write_str(other.as_str()),
        }
    }
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "type")]
pub enum ColumnKind {
    /// Text that, with the other tags, identifies a series.
    Tag,
    /// A measured value.
    Field(FieldType),
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag => f.write_str("tag"),
            Self::Field(kind) => write!(f, "{kind} field"),
        }
    }
}

/// A column of a table, apart from `time`, which every table has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The column's name.
    pub name: Name,
    /// Tag or typed field.
    #[serde(flatten)]
    pub kind: ColumnKind,
}

/// The columns of a table, sorted by name; they only ever grow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableSchema {
    columns: BTreeMap<Name, ColumnKind>,
}

impl TableSchema {
    /// The kind of a column, if the table has it.
    pub fn kind(&self, column: &str) -> Option<ColumnKind> {
        self.columns.get(column).copied()
    }

    /// Adds a column; returns the kind that already stands there when it is another one.
    pub fn add(&mut self, name: Name, kind: ColumnKind) -> Result<(), ColumnKind> {
        match self.columns.get(&name) {
            Some(present) if *present != kind => Err(*present),
            Some(_) => Ok(()),
            None => {
                self.columns.insert(name, kind);
                Ok(())
            }
        }
    }

    /// All columns except `time`, by name.
    pub fn columns(&self) -> impl Iterator<Item = (&Name, ColumnKind)> {
        self.columns.iter().map(|(name, kind)| (name, *kind))
    }

    /// The tag columns, by name: the sort order of stored rows.
    pub fn tags(&self) -> impl Iterator<Item = &Name> {
        self.columns().filter(|(_, kind)| *kind == ColumnKind::Tag).map(|(name, _)| name)
    }

    /// The field columns, by name.
    pub fn fields(&self) -> impl Iterator<Item = (&Name, FieldType)> {
        self.columns().filter_map(|(name, kind)| match kind {
            ColumnKind::Tag => None,
            ColumnKind::Field(field_type) => Some((name, field_type)),
        })
    }

    /// The number of columns except `time`.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether the table has no column but `time`.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// The tables of a database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatabaseSchema {
    /// Schema of each table, by name.
    pub tables: BTreeMap<Name, Arc<TableSchema>>,
}

/// What a decoder asks of the stored schema, so that a value of the wrong type is refused where it was sent.
pub trait SchemaLookup {
    /// The kind of a column of a table, if both exist.
    fn kind(&self, table: &str, column: &str) -> Option<ColumnKind>;
    /// The number of columns of a table, 0 if it does not exist.
    fn column_count(&self, table: &str) -> usize;
    /// Whether the table exists.
    fn has_table(&self, table: &str) -> bool;
    /// The number of tables.
    fn table_count(&self) -> usize;
}

impl SchemaLookup for DatabaseSchema {
    fn kind(&self, table: &str, column: &str) -> Option<ColumnKind> {
        self.tables.get(table).and_then(|schema| schema.kind(column))
    }

    fn column_count(&self, table: &str) -> usize {
        self.tables.get(table).map_or(0, |schema| schema.len())
    }

    fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    fn table_count(&self) -> usize {
        self.tables.len()
    }
}
