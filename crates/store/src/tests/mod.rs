//! Tests of the whole store.

mod backup;
mod checking;
mod crash;
mod decoding;
mod deleting;
mod durability;
mod fault;
mod format;
mod limits;
mod model;
mod reading;
pub(crate) mod reference;
mod rolling;
mod rolling_refusals;
mod salvaging;
mod simulation;

use std::collections::BTreeMap;
use std::path::Path;

use sensorium_model::{Batch, BatchBuilder, DatabaseKey, DatabaseSchema, IngestLimits, Point, SeriesKey, Value};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int32Type, Int64Type, Schema, TimestampNanosecondType, UInt64Type,
};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::test_runner::{Config as ProptestConfig, RngSeed};

use crate::columns::adapt;
use crate::deletion::without_deleted;
use crate::wal::codec::tests::key;
use crate::{SourceData, Store, StoreConfig, TableSnapshot, arrow_schema};
use reference::merge_newest_wins;

/// Rows of a table: fields by series and time.
type Rows = BTreeMap<(SeriesKey, i64), BTreeMap<String, Value<'static>>>;

fn config(dir: &Path) -> StoreConfig {
    StoreConfig { disk_reserve_bytes: 0, ..StoreConfig::new(dir) }
}

/// Cases and seed of a test with random steps: fixed, unless `cargo xtask soak` asks for others.
fn proptest_config(cases: u32) -> ProptestConfig {
    let asked = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    ProptestConfig {
        cases: asked("PROPTEST_CASES").map_or(cases, |asked| u32::try_from(asked).unwrap()),
        rng_seed: RngSeed::Fixed(asked("SENSORIUM_SEED").unwrap_or(0x5e45)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn open(dir: &Path) -> Store {
    Store::open(config(dir)).unwrap().0
}

/// A new store with the database of [`key`].
fn create(dir: &Path) -> Store {
    let store = open(dir);
    assert!(store.create_database(&key()).unwrap());
    store
}

fn batch_for(key: DatabaseKey, points: &[Point<'_>]) -> Batch {
    let schema = DatabaseSchema::default();
    let limits = IngestLimits { earliest_unix_seconds: i64::MIN, ..IngestLimits::default() };
    let mut builder = BatchBuilder::new(&schema, limits, i64::MAX);
    for (line, point) in (1..).zip(points) {
        builder.push(point, line).unwrap();
    }
    builder.finish(key)
}

fn batch(points: &[Point<'_>]) -> Batch {
    batch_for(key(), points)
}

fn reading(time_ns: i64, value: f64) -> Point<'static> {
    Point::new("t", time_ns).tag("place", "room1").field("value", Value::F64(value))
}

/// Runs a future without a runtime: the store needs none.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn write(store: &Store, points: &[Point<'_>]) -> crate::WriteReport {
    wait(store.write(batch(points))).unwrap()
}

/// All rows of a source, in order.
fn load(data: &SourceData) -> Vec<RecordBatch> {
    match data {
        SourceData::Memory(batch) => vec![batch.clone()],
        SourceData::File(file) => {
            let file = std::fs::File::open(&file.path).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
            reader.map(|batch| with_table_types(&batch.unwrap())).collect()
        }
    }
}

/// A batch of a file with the types that its columns have in a table.
fn with_table_types(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Timestamp(..) => crate::columns::time_type(),
            DataType::Decimal32(..) | DataType::Decimal64(..) => DataType::Float64,
            other => other.clone(),
        };
        field.as_ref().clone().with_data_type(data_type)
    });
    adapt(batch, &std::sync::Arc::new(Schema::new(fields.collect::<Vec<_>>()))).unwrap()
}

/// Joins the sources as a query does.
fn merged(snapshot: &TableSnapshot) -> RecordBatch {
    let schema = arrow_schema(&snapshot.schema);
    let sources: Vec<_> = snapshot
        .sources
        .iter()
        .map(|source| {
            let batches = load(&source.data);
            let joined = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
            assert_eq!(joined.num_rows() as u64, source.rows);
            without_deleted(adapt(&joined, &schema).unwrap(), &source.deletions).unwrap()
        })
        .collect();
    merge_newest_wins(&schema, snapshot.schema.tags().count(), &sources).unwrap()
}

fn value(column: &dyn Array, row: usize) -> Option<Value<'static>> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Float64 => Value::F64(column.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => Value::I64(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt64 => Value::U64(column.as_primitive::<UInt64Type>().value(row)),
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::List(_) => {
            let numbers = column.as_list::<i32>().value(row);
            Value::Vector(numbers.as_primitive::<Float32Type>().values().to_vec().into())
        }
        _ => Value::Text(column.as_string::<i32>().value(row).to_owned().into()),
    })
}

/// The rows of a batch; fails when a key stands twice.
fn rows_of(batch: &RecordBatch) -> Rows {
    let mut rows = Rows::new();
    let schema = batch.schema();
    for row in 0..batch.num_rows() {
        let mut tags = BTreeMap::new();
        let mut fields = BTreeMap::new();
        for (field, column) in schema.fields().iter().zip(batch.columns()).skip(1) {
            if let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() {
                if !dictionary.is_null(row) {
                    let values = dictionary.values().as_string::<i32>();
                    tags.insert(field.name().clone(), values.value(dictionary.key(row).unwrap()).to_owned());
                }
            } else if let Some(value) = value(column, row) {
                fields.insert(field.name().clone(), value);
            }
        }
        let series = SeriesKey::from_sorted(tags.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let time = batch.column(0).as_primitive::<TimestampNanosecondType>().value(row);
        let twice = rows.insert((series, time), fields);
        assert_eq!(twice, None, "a key stands twice");
    }
    rows
}

/// All rows of a table.
fn read(store: &Store, table: &str) -> Rows {
    store.snapshot(&key(), table).map(|snapshot| rows_of(&merged(&snapshot))).unwrap_or_default()
}

/// The number of rows of the table `t`.
fn count(store: &Store) -> usize {
    read(store, "t").len()
}
