//! Tables of `pg_catalog` with rows: databases, namespaces, tables, columns, types, roles and settings.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use sensorium_model::names::TIME_COLUMN;

use super::DescribedDatabase;
use super::empty;
use super::oids::{self, NAMESPACES, OWNER, TYPES};
use super::rows::Kind::{Number, Text, Truth};
use super::rows::{Cell, ColumnOf, table};

/// The tables that have rows.
pub(super) const NAMES: [&str; 12] = [
    "pg_database",
    "pg_namespace",
    "pg_class",
    "pg_attribute",
    "pg_type",
    "pg_roles",
    "pg_authid",
    "pg_user",
    "pg_am",
    "pg_settings",
    "pg_tables",
    "pg_tablespace",
];

/// A row: what is known of it.
pub(super) type Row = Vec<(&'static str, Cell)>;

/// Makes a table, if there is one of that name.
pub(super) fn find(database: &DescribedDatabase, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
    let (columns, rows): (&[ColumnOf], Vec<Row>) = match name {
        "pg_database" => (DATABASE, databases(database)),
        "pg_namespace" => (NAMESPACE, namespaces()),
        "pg_class" => (CLASS, classes(database)),
        "pg_attribute" => (ATTRIBUTE, attributes(database)),
        "pg_type" => (TYPE, types()),
        "pg_roles" | "pg_authid" | "pg_user" => (ROLE, roles(database)),
        "pg_am" => (&[("oid", Number), ("amname", Text), ("amtype", Text)], access_methods()),
        "pg_settings" => (SETTING, settings(database)),
        "pg_tables" => (TABLE, listed_tables(database)),
        "pg_tablespace" => {
            let columns =
                &[("oid", Number), ("spcname", Text), ("spcowner", Number), ("spcacl", Text), ("spcoptions", Text)];
            (columns, vec![vec![("oid", 1_663.into()), ("spcname", "pg_default".into()), ("spcowner", OWNER.into())]])
        }
        other => match empty::columns(other) {
            Some(columns) => (columns, Vec::new()),
            None => return Ok(None),
        },
    };
    table(columns, &rows).map(Some)
}

const DATABASE: &[ColumnOf] = &[
    ("oid", Number),
    ("datname", Text),
    ("datdba", Number),
    ("encoding", Number),
    ("datlocprovider", Text),
    ("datistemplate", Truth),
    ("datallowconn", Truth),
    ("datconnlimit", Number),
    ("datfrozenxid", Number),
    ("datminmxid", Number),
    ("dattablespace", Number),
    ("datcollate", Text),
    ("datctype", Text),
    ("daticulocale", Text),
    ("datlocale", Text),
    ("daticurules", Text),
    ("datcollversion", Text),
    ("datacl", Text),
];

fn databases(database: &DescribedDatabase) -> Vec<Row> {
    let row = |name: &String| {
        vec![
            ("oid", oids::of_database(name).into()),
            ("datname", name.as_str().into()),
            ("datdba", OWNER.into()),
            ("encoding", 6.into()),
            ("datlocprovider", "c".into()),
            ("datistemplate", false.into()),
            ("datallowconn", true.into()),
            ("datconnlimit", (-1).into()),
            ("dattablespace", 1_663.into()),
            ("datcollate", "C.UTF-8".into()),
            ("datctype", "C.UTF-8".into()),
        ]
    };
    database.databases.iter().map(row).collect()
}

const NAMESPACE: &[ColumnOf] = &[("oid", Number), ("nspname", Text), ("nspowner", Number), ("nspacl", Text)];

fn namespaces() -> Vec<Row> {
    let row = |(oid, name): &(i64, &str)| {
        vec![("oid", (*oid).into()), ("nspname", (*name).into()), ("nspowner", OWNER.into())]
    };
    NAMESPACES.iter().map(row).collect()
}

const CLASS: &[ColumnOf] = &[
    ("oid", Number),
    ("relname", Text),
    ("relnamespace", Number),
    ("reltype", Number),
    ("reloftype", Number),
    ("relowner", Number),
    ("relam", Number),
    ("relfilenode", Number),
    ("reltablespace", Number),
    ("relpages", Number),
    ("reltuples", Number),
    ("relallvisible", Number),
    ("reltoastrelid", Number),
    ("relhasindex", Truth),
    ("relisshared", Truth),
    ("relpersistence", Text),
    ("relkind", Text),
    ("relnatts", Number),
    ("relchecks", Number),
    ("relhasrules", Truth),
    ("relhastriggers", Truth),
    ("relhassubclass", Truth),
    ("relrowsecurity", Truth),
    ("relforcerowsecurity", Truth),
    ("relispopulated", Truth),
    ("relreplident", Text),
    ("relispartition", Truth),
    ("relrewrite", Number),
    ("relfrozenxid", Number),
    ("relminmxid", Number),
    ("relacl", Text),
    ("reloptions", Text),
    ("relpartbound", Text),
];

fn classes(database: &DescribedDatabase) -> Vec<Row> {
    let row = |(name, columns): (&str, usize)| {
        vec![
            ("oid", oids::of_table(&database.name, name).into()),
            ("relname", name.into()),
            ("relnamespace", oids::PUBLIC.into()),
            ("reltype", 0.into()),
            ("reloftype", 0.into()),
            ("relowner", OWNER.into()),
            ("relam", 2.into()),
            ("relfilenode", 0.into()),
            ("reltablespace", 0.into()),
            ("relpages", 0.into()),
            ("reltuples", (-1).into()),
            ("relallvisible", 0.into()),
            ("reltoastrelid", 0.into()),
            ("relhasindex", false.into()),
            ("relisshared", false.into()),
            ("relpersistence", "p".into()),
            ("relkind", "r".into()),
            ("relnatts", i64::try_from(columns).unwrap_or(i64::MAX).into()),
            ("relchecks", 0.into()),
            ("relhasrules", false.into()),
            ("relhastriggers", false.into()),
            ("relhassubclass", false.into()),
            ("relrowsecurity", false.into()),
            ("relforcerowsecurity", false.into()),
            ("relispopulated", true.into()),
            ("relreplident", "n".into()),
            ("relispartition", false.into()),
        ]
    };
    let tables = database.tables.schema().tables.iter();
    tables.map(|(name, schema)| row((name.as_ref(), schema.columns().count() + 1))).collect()
}

/// A column of a table: its name, its type, and whether it always has a value.
pub(super) struct Described<'a> {
    pub(super) table: &'a str,
    pub(super) name: &'a str,
    pub(super) type_oid: i64,
    pub(super) is_required: bool,
    /// Its place, from 1.
    pub(super) number: i64,
}

/// The columns of all tables, in their order: the time, tags, fields.
pub(super) fn columns_of(database: &DescribedDatabase) -> Vec<Described<'_>> {
    let mut columns = Vec::new();
    for (table, schema) in &database.tables.schema().tables {
        let table = table.as_ref();
        let time = (TIME_COLUMN, oids::TIME, true);
        let tags = schema.tags().map(|name| (name.as_ref(), 25, false));
        let fields = schema
            .fields()
            .map(|(name, kind)| (name.as_ref(), oids::of_column(sensorium_model::ColumnKind::Field(kind)), false));
        let all = std::iter::once(time).chain(tags).chain(fields);
        columns.extend((1..).zip(all).map(|(number, (name, type_oid, is_required))| Described {
            table,
            name,
            type_oid,
            is_required,
            number,
        }));
    }
    columns
}

const ATTRIBUTE: &[ColumnOf] = &[
    ("attrelid", Number),
    ("attname", Text),
    ("atttypid", Number),
    ("attstattarget", Number),
    ("attlen", Number),
    ("attnum", Number),
    ("attndims", Number),
    ("attcacheoff", Number),
    ("atttypmod", Number),
    ("attbyval", Truth),
    ("attalign", Text),
    ("attstorage", Text),
    ("attcompression", Text),
    ("attnotnull", Truth),
    ("atthasdef", Truth),
    ("atthasmissing", Truth),
    ("attidentity", Text),
    ("attgenerated", Text),
    ("attisdropped", Truth),
    ("attislocal", Truth),
    ("attinhcount", Number),
    ("attcollation", Number),
    ("attacl", Text),
    ("attoptions", Text),
    ("attfdwoptions", Text),
];

fn attributes(database: &DescribedDatabase) -> Vec<Row> {
    let row = |column: Described<'_>| {
        let known = oids::type_of(column.type_oid);
        vec![
            ("attrelid", oids::of_table(&database.name, column.table).into()),
            ("attname", column.name.into()),
            ("atttypid", column.type_oid.into()),
            ("attstattarget", (-1).into()),
            ("attlen", known.map_or(-1, |known| known.bytes).into()),
            ("attnum", column.number.into()),
            ("attndims", i64::from(known.is_some_and(|known| known.category == "A")).into()),
            ("attcacheoff", (-1).into()),
            ("atttypmod", (-1).into()),
            ("attbyval", known.is_some_and(|known| known.bytes > 0).into()),
            ("attalign", "d".into()),
            ("attstorage", "p".into()),
            ("attcompression", "".into()),
            ("attnotnull", column.is_required.into()),
            ("atthasdef", false.into()),
            ("atthasmissing", false.into()),
            ("attidentity", "".into()),
            ("attgenerated", "".into()),
            ("attisdropped", false.into()),
            ("attislocal", true.into()),
            ("attinhcount", 0.into()),
            ("attcollation", 0.into()),
        ]
    };
    columns_of(database).into_iter().map(row).collect()
}

const TYPE: &[ColumnOf] = &[
    ("oid", Number),
    ("typname", Text),
    ("typnamespace", Number),
    ("typowner", Number),
    ("typlen", Number),
    ("typbyval", Truth),
    ("typtype", Text),
    ("typcategory", Text),
    ("typispreferred", Truth),
    ("typisdefined", Truth),
    ("typdelim", Text),
    ("typrelid", Number),
    ("typsubscript", Text),
    ("typelem", Number),
    ("typarray", Number),
    ("typinput", Text),
    ("typoutput", Text),
    ("typreceive", Text),
    ("typalign", Text),
    ("typstorage", Text),
    ("typnotnull", Truth),
    ("typbasetype", Number),
    ("typtypmod", Number),
    ("typndims", Number),
    ("typcollation", Number),
    ("typdefault", Text),
    ("typacl", Text),
];

fn types() -> Vec<Row> {
    let row = |known: &oids::TypeOf| {
        let is_list = known.category == "A";
        let element = TYPES.iter().find(|element| element.list == known.oid).map_or(0, |element| element.oid);
        let input = if is_list { "array_in" } else { "" };
        vec![
            ("oid", known.oid.into()),
            ("typname", known.name.into()),
            ("typnamespace", 11.into()),
            ("typowner", OWNER.into()),
            ("typlen", known.bytes.into()),
            ("typbyval", (known.bytes > 0).into()),
            ("typtype", "b".into()),
            ("typcategory", known.category.into()),
            ("typispreferred", false.into()),
            ("typisdefined", true.into()),
            ("typdelim", ",".into()),
            ("typrelid", 0.into()),
            ("typelem", (if is_list { element } else { 0 }).into()),
            ("typarray", known.list.into()),
            ("typinput", input.into()),
            ("typalign", "d".into()),
            ("typstorage", "p".into()),
            ("typnotnull", false.into()),
            ("typbasetype", 0.into()),
            ("typtypmod", (-1).into()),
            ("typndims", 0.into()),
            ("typcollation", 0.into()),
        ]
    };
    TYPES.iter().map(row).collect()
}

const ROLE: &[ColumnOf] = &[
    ("oid", Number),
    ("usesysid", Number),
    ("rolname", Text),
    ("usename", Text),
    ("rolsuper", Truth),
    ("usesuper", Truth),
    ("rolinherit", Truth),
    ("rolcreaterole", Truth),
    ("rolcreatedb", Truth),
    ("usecreatedb", Truth),
    ("rolcanlogin", Truth),
    ("rolreplication", Truth),
    ("rolbypassrls", Truth),
    ("rolconnlimit", Number),
    ("rolvaliduntil", Text),
    ("rolconfig", Text),
];

fn roles(database: &DescribedDatabase) -> Vec<Row> {
    let user = database.user.as_str();
    vec![vec![
        ("oid", OWNER.into()),
        ("usesysid", OWNER.into()),
        ("rolname", user.into()),
        ("usename", user.into()),
        ("rolsuper", false.into()),
        ("usesuper", false.into()),
        ("rolinherit", true.into()),
        ("rolcreaterole", false.into()),
        ("rolcreatedb", false.into()),
        ("usecreatedb", false.into()),
        ("rolcanlogin", true.into()),
        ("rolreplication", false.into()),
        ("rolbypassrls", false.into()),
        ("rolconnlimit", (-1).into()),
    ]]
}

fn access_methods() -> Vec<Row> {
    vec![vec![("oid", 2.into()), ("amname", "heap".into()), ("amtype", "t".into())]]
}

const SETTING: &[ColumnOf] = &[
    ("name", Text),
    ("setting", Text),
    ("unit", Text),
    ("category", Text),
    ("short_desc", Text),
    ("context", Text),
    ("vartype", Text),
    ("source", Text),
    ("boot_val", Text),
    ("reset_val", Text),
];

fn settings(database: &DescribedDatabase) -> Vec<Row> {
    let row = |(name, value): (&String, &String)| {
        vec![
            ("name", name.as_str().into()),
            ("setting", value.as_str().into()),
            ("context", "user".into()),
            ("vartype", "string".into()),
            ("source", "default".into()),
        ]
    };
    database.settings.iter().map(row).collect()
}

const TABLE: &[ColumnOf] = &[
    ("schemaname", Text),
    ("tablename", Text),
    ("tableowner", Text),
    ("tablespace", Text),
    ("hasindexes", Truth),
    ("hasrules", Truth),
    ("hastriggers", Truth),
    ("rowsecurity", Truth),
];

fn listed_tables(database: &DescribedDatabase) -> Vec<Row> {
    let row = |name: &str| {
        vec![
            ("schemaname", super::PUBLIC.into()),
            ("tablename", name.into()),
            ("tableowner", database.user.as_str().into()),
            ("hasindexes", false.into()),
            ("hasrules", false.into()),
            ("hastriggers", false.into()),
            ("rowsecurity", false.into()),
        ]
    };
    database.tables.schema().tables.keys().map(|name| row(name.as_ref())).collect()
}
