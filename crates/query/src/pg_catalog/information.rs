//! `information_schema` as PostgreSQL has it: tables, columns and schemata of the request's database, and what is always empty.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Result;

use super::oids::{self, NAMESPACES};
use super::rows::Kind::{Number, Text};
use super::rows::{Cell, ColumnOf, table};
use super::tables::{Described, Row, columns_of};
use super::{DescribedDatabase, PUBLIC};

/// Makes a table, if there is one of that name.
pub(super) fn find(database: &DescribedDatabase, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
    let (columns, rows): (&[ColumnOf], Vec<Row>) = match name {
        "tables" => (TABLES, tables(database)),
        "columns" => (COLUMNS, columns(database)),
        "schemata" => (SCHEMATA, schemata(database)),
        "views" => (&[("table_catalog", Text), ("table_schema", Text), ("table_name", Text)], Vec::new()),
        "table_constraints" => (CONSTRAINTS, Vec::new()),
        "key_column_usage" | "constraint_column_usage" => (KEYS, Vec::new()),
        "referential_constraints" => (REFERENCES, Vec::new()),
        "routines" | "parameters" => (ROUTINES, Vec::new()),
        "sequences" => (&[("sequence_catalog", Text), ("sequence_schema", Text), ("sequence_name", Text)], Vec::new()),
        "triggers" => (&[("trigger_schema", Text), ("trigger_name", Text), ("event_object_table", Text)], Vec::new()),
        _ => return Ok(None),
    };
    table(columns, &rows).map(Some)
}

const TABLES: &[ColumnOf] = &[
    ("table_catalog", Text),
    ("table_schema", Text),
    ("table_name", Text),
    ("table_type", Text),
    ("is_insertable_into", Text),
    ("is_typed", Text),
    ("commit_action", Text),
];

fn tables(database: &DescribedDatabase) -> Vec<Row> {
    let row = |name: &str| {
        vec![
            ("table_catalog", database.name.as_str().into()),
            ("table_schema", PUBLIC.into()),
            ("table_name", name.into()),
            ("table_type", "BASE TABLE".into()),
            ("is_insertable_into", "NO".into()),
            ("is_typed", "NO".into()),
        ]
    };
    database.tables.schema().tables.keys().map(|name| row(name.as_ref())).collect()
}

const COLUMNS: &[ColumnOf] = &[
    ("table_catalog", Text),
    ("table_schema", Text),
    ("table_name", Text),
    ("column_name", Text),
    ("ordinal_position", Number),
    ("column_default", Text),
    ("is_nullable", Text),
    ("data_type", Text),
    ("character_maximum_length", Number),
    ("numeric_precision", Number),
    ("numeric_scale", Number),
    ("datetime_precision", Number),
    ("udt_catalog", Text),
    ("udt_schema", Text),
    ("udt_name", Text),
    ("is_identity", Text),
    ("is_generated", Text),
    ("is_updatable", Text),
];

fn columns(database: &DescribedDatabase) -> Vec<Row> {
    let row = |column: Described<'_>| {
        let known = oids::type_of(column.type_oid);
        let is_list = known.is_some_and(|known| known.category == "A");
        let name = known.map_or("text", |known| if is_list { "ARRAY" } else { known.sql });
        let precision = match column.type_oid {
            701 => Cell::Number(53),
            20 => Cell::Number(64),
            _ => Cell::Null,
        };
        vec![
            ("table_catalog", database.name.as_str().into()),
            ("table_schema", PUBLIC.into()),
            ("table_name", column.table.into()),
            ("column_name", column.name.into()),
            ("ordinal_position", column.number.into()),
            ("is_nullable", (if column.is_required { "NO" } else { "YES" }).into()),
            ("data_type", name.into()),
            ("numeric_precision", precision),
            ("datetime_precision", if column.type_oid == oids::TIME { Cell::Number(6) } else { Cell::Null }),
            ("udt_catalog", database.name.as_str().into()),
            ("udt_schema", super::CATALOG_SCHEMA.into()),
            ("udt_name", known.map_or("text", |known| known.name).into()),
            ("is_identity", "NO".into()),
            ("is_generated", "NEVER".into()),
            ("is_updatable", "NO".into()),
        ]
    };
    columns_of(database).into_iter().map(row).collect()
}

const SCHEMATA: &[ColumnOf] = &[("catalog_name", Text), ("schema_name", Text), ("schema_owner", Text)];

fn schemata(database: &DescribedDatabase) -> Vec<Row> {
    let row = |(_, name): &(i64, &str)| {
        vec![
            ("catalog_name", database.name.as_str().into()),
            ("schema_name", (*name).into()),
            ("schema_owner", database.user.as_str().into()),
        ]
    };
    NAMESPACES.iter().map(row).collect()
}

const CONSTRAINTS: &[ColumnOf] = &[
    ("constraint_catalog", Text),
    ("constraint_schema", Text),
    ("constraint_name", Text),
    ("table_catalog", Text),
    ("table_schema", Text),
    ("table_name", Text),
    ("constraint_type", Text),
];

const KEYS: &[ColumnOf] = &[
    ("constraint_catalog", Text),
    ("constraint_schema", Text),
    ("constraint_name", Text),
    ("table_catalog", Text),
    ("table_schema", Text),
    ("table_name", Text),
    ("column_name", Text),
    ("ordinal_position", Number),
    ("position_in_unique_constraint", Number),
];

const REFERENCES: &[ColumnOf] = &[
    ("constraint_catalog", Text),
    ("constraint_schema", Text),
    ("constraint_name", Text),
    ("unique_constraint_schema", Text),
    ("unique_constraint_name", Text),
    ("update_rule", Text),
    ("delete_rule", Text),
];

const ROUTINES: &[ColumnOf] = &[
    ("specific_schema", Text),
    ("specific_name", Text),
    ("routine_schema", Text),
    ("routine_name", Text),
    ("routine_type", Text),
    ("data_type", Text),
];
