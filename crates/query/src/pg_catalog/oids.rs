//! Object identifiers, and the types of PostgreSQL that columns are told to have.

use arrow::datatypes::DataType;
use sensorium_model::ColumnKind;
use sensorium_model::FieldType;

/// The first identifier that is not PostgreSQL's own.
const FIRST: i64 = 16_384;

/// The namespaces, by their identifiers.
pub(super) const NAMESPACES: [(i64, &str); 3] = [(11, "pg_catalog"), (2_200, "public"), (13_000, "information_schema")];
/// The namespace of the database's tables.
pub(super) const PUBLIC: i64 = 2_200;
/// The only role, which owns everything.
pub(super) const OWNER: i64 = 10;

/// A type: its identifier, its short name, what it is called in SQL, its size in bytes (-1: it varies), its category, and that of
/// lists of it.
pub(super) struct TypeOf {
    pub(super) oid: i64,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
    pub(super) bytes: i64,
    pub(super) category: &'static str,
    pub(super) list: i64,
}

const fn of(oid: i64, name: &'static str, sql: &'static str, bytes: i64, category: &'static str, list: i64) -> TypeOf {
    TypeOf { oid, name, sql, bytes, category, list }
}

/// The types that answers have or clients ask about.
pub(super) static TYPES: [TypeOf; 27] = [
    of(16, "bool", "boolean", 1, "B", 1_000),
    of(17, "bytea", "bytea", -1, "U", 1_001),
    of(18, "char", "\"char\"", 1, "Z", 1_002),
    of(19, "name", "name", 64, "S", 1_003),
    of(20, "int8", "bigint", 8, "N", 1_016),
    of(21, "int2", "smallint", 2, "N", 1_005),
    of(23, "int4", "integer", 4, "N", 1_007),
    of(25, "text", "text", -1, "S", 1_009),
    of(26, "oid", "oid", 4, "N", 1_028),
    of(114, "json", "json", -1, "U", 199),
    of(700, "float4", "real", 4, "N", 1_021),
    of(701, "float8", "double precision", 8, "N", 1_022),
    of(1_043, "varchar", "character varying", -1, "S", 1_015),
    of(1_082, "date", "date", 4, "D", 1_182),
    of(1_083, "time", "time without time zone", 8, "D", 1_183),
    of(1_114, "timestamp", "timestamp without time zone", 8, "D", 1_115),
    of(1_184, "timestamptz", "timestamp with time zone", 8, "D", 1_185),
    of(1_186, "interval", "interval", 16, "T", 1_187),
    of(1_700, "numeric", "numeric", -1, "N", 1_231),
    of(1_000, "_bool", "boolean[]", -1, "A", 0),
    of(1_016, "_int8", "bigint[]", -1, "A", 0),
    of(1_007, "_int4", "integer[]", -1, "A", 0),
    of(1_009, "_text", "text[]", -1, "A", 0),
    of(1_021, "_float4", "real[]", -1, "A", 0),
    of(1_022, "_float8", "double precision[]", -1, "A", 0),
    of(1_185, "_timestamptz", "timestamp with time zone[]", -1, "A", 0),
    of(1_231, "_numeric", "numeric[]", -1, "A", 0),
];

/// The identifier of the type that values of a type of Arrow are sent as. Whatever PostgreSQL has no type for is text.
pub fn postgres_type(data_type: &DataType) -> u32 {
    match data_type {
        DataType::Boolean => 16,
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => 21,
        DataType::Int32 | DataType::UInt16 => 23,
        DataType::Int64 | DataType::UInt32 => 20,
        DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) => 1_700,
        DataType::Float16 | DataType::Float32 => 700,
        DataType::Float64 => 701,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => 17,
        DataType::Date32 | DataType::Date64 => 1_082,
        DataType::Time32(_) | DataType::Time64(_) => 1_083,
        DataType::Timestamp(_, Some(_)) => 1_184,
        DataType::Timestamp(_, None) => 1_114,
        DataType::Interval(_) | DataType::Duration(_) => 1_186,
        DataType::Dictionary(_, values) => postgres_type(values),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let item = i64::from(postgres_type(item.data_type()));
            let list =
                TYPES.iter().find(|known| known.oid == item && known.list != 0).map_or(1_009, |known| known.list);
            u32::try_from(list).unwrap_or(25)
        }
        _ => 25,
    }
}

/// The type of a column of a table.
pub(super) fn of_column(kind: ColumnKind) -> i64 {
    match kind {
        ColumnKind::Tag | ColumnKind::Field(FieldType::Text) => 25,
        ColumnKind::Field(FieldType::F64) => 701,
        ColumnKind::Field(FieldType::I64) => 20,
        ColumnKind::Field(FieldType::U64) => 1_700,
        ColumnKind::Field(FieldType::Bool) => 16,
        ColumnKind::Field(FieldType::Vector(_)) => 1_021,
    }
}

/// The type of the column `time`.
pub(super) const TIME: i64 = 1_184;

/// A type by its identifier.
pub(super) fn type_of(oid: i64) -> Option<&'static TypeOf> {
    TYPES.iter().find(|known| known.oid == oid)
}

/// A type by one of its names.
pub(super) fn type_named(name: &str) -> Option<&'static TypeOf> {
    TYPES.iter().find(|known| known.name == name || known.sql == name)
}

/// The identifier of a database.
pub(super) fn of_database(name: &str) -> i64 {
    hashed(&["database", name])
}

/// The identifier of a table.
pub(super) fn of_table(database: &str, table: &str) -> i64 {
    hashed(&["table", database, table])
}

/// FNV-1a over names, within the positive numbers of 31 bits. Two names of one database that meet are shown as one by what asks for
/// identifiers; readings are never found by them.
fn hashed(names: &[&str]) -> i64 {
    let mut hash = 0x811c_9dc5_u32;
    for byte in names.iter().flat_map(|name| name.bytes().chain([0])) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    FIRST + i64::from(hash % (0x7fff_ffff - 16_384))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_positive_and_stay_what_they_are() {
        assert_eq!(of_table("main", "cpu"), of_table("main", "cpu"));
        assert_ne!(of_table("main", "cpu"), of_table("maincpu", ""));
        for name in ["a", "b", "main", "ü"] {
            assert!((FIRST..=i64::from(i32::MAX)).contains(&of_database(name)));
        }
    }

    #[test]
    fn vectors_are_lists_of_reals() {
        let item = arrow::datatypes::Field::new("item", DataType::Float32, true);
        assert_eq!(postgres_type(&DataType::List(item.into())), 1_021);
        let tag = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        assert_eq!(postgres_type(&tag), 25);
    }
}
