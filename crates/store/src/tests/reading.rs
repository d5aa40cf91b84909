//! Snapshots while others write and flush, and what the files look like.

use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::{SchemaRef, TimeUnit};
use parquet::basic::{Compression, Encoding};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use super::*;

#[test]
fn fields_of_a_key_are_replaced_one_by_one_across_memory_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let point = |field: &'static str, value: f64| Point::new("t", 1).field(field, Value::F64(value));
    write(&store, &[point("a", 1.0), point("b", 1.0)]);
    wait(store.flush()).unwrap();
    write(&store, &[point("b", 2.0), point("c", 2.0)]);
    wait(store.flush()).unwrap();
    write(&store, &[point("c", 3.0)]);
    write(&store, &[point("d", 3.0)]);
    let rows = read(&store, "t");
    let fields = rows.values().next().unwrap();
    let expected = [("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 3.0)];
    assert_eq!((rows.len(), fields.len()), (1, 4));
    for (name, value) in expected {
        assert_eq!(fields[name], Value::F64(value), "{name}");
    }
}

#[test]
fn a_snapshot_never_has_a_row_twice_or_misses_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for time in 0..300 {
                write(&store, &[reading(time, time as f64)]);
            }
            stop.store(true, Ordering::SeqCst);
        });
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                wait(store.flush()).unwrap();
            }
        });
        let mut before = 0;
        while !stop.load(Ordering::SeqCst) {
            let Some(snapshot) = store.snapshot(&key(), "t") else { continue };
            let rows: u64 = snapshot.sources.iter().map(|source| source.rows).sum();
            let merged = rows_of(&merged(&snapshot));
            assert_eq!(merged.len() as u64, rows, "a row stands in two sources");
            // Rows were written in order of time, so that a gap would be a lost row.
            assert!(merged.keys().map(|(_, time)| *time).eq(0..rows as i64));
            assert!(merged.len() >= before);
            before = merged.len();
        }
        writer.join().unwrap();
    });
    assert_eq!(count(&store), 300);
}

#[test]
fn many_writers_share_syncs_and_each_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..8_i64 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..25 {
                    assert_eq!(write(store, &[reading(thread * 100 + number, 1.0)]).accepted, 1);
                }
            });
        }
    });
    assert_eq!((count(&store), store.stats().last_seq), (200, 201));
    drop(store);
    assert_eq!(count(&open(folder.path())), 200);
}

#[test]
fn a_snapshot_is_sorted_by_tags_then_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let point = |a: &'static str, b: &'static str, time: i64| {
        let point = Point::new("t", time).field("f", Value::I64(1));
        let point = if a.is_empty() { point } else { point.tag("a", a) };
        if b.is_empty() { point } else { point.tag("b", b) }
    };
    write(&store, &[point("y", "", 2), point("x", "q", 1), point("", "q", 5), point("x", "", 9), point("", "", 7)]);
    write(&store, &[point("y", "", 1), point("x", "p", 3), point("", "q", 4)]);
    let check = |batch: &RecordBatch| {
        let order: Vec<_> = (0..batch.num_rows())
            .map(|row| {
                let tag = |column: usize| {
                    let dictionary = batch.column(column).as_dictionary::<Int32Type>();
                    dictionary.key(row).map(|key| dictionary.values().as_string::<i32>().value(key).to_owned())
                };
                (tag(1), tag(2), batch.column(0).as_primitive::<TimestampNanosecondType>().value(row))
            })
            .collect();
        assert!(order.is_sorted() && order.len() == 8, "{order:?}");
    };
    check(&merged(&store.snapshot(&key(), "t").unwrap()));
    let snapshot = store.snapshot(&key(), "t").unwrap();
    check(&load(&snapshot.sources[0].data)[0]);
    wait(store.flush()).unwrap();
    let snapshot = store.snapshot(&key(), "t").unwrap();
    check(&load(&snapshot.sources[0].data)[0]);
}

#[test]
fn a_sorted_view_is_kept_until_the_bucket_changes() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let memory = |store: &Store| match store.snapshot(&key(), "t").unwrap().sources.remove(0).data {
        SourceData::Memory(batch) => batch,
        SourceData::File(_) => panic!("nothing was flushed"),
    };
    write(&store, &[reading(1, 1.0)]);
    let (first, second) = (memory(&store), memory(&store));
    assert!(std::sync::Arc::ptr_eq(first.column(0), second.column(0)));
    write(&store, &[reading(2, 1.0)]);
    assert_eq!(memory(&store).num_rows(), 2);
}

#[test]
fn files_are_plain_parquet_with_index_filters_and_small_times() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let points: Vec<_> = (0..20_000).map(|row| reading(row * 1_000_000_000, (row % 50) as f64 / 10.0)).collect();
    write(&store, &points);
    wait(store.flush()).unwrap();
    let SourceData::File(file) = store.snapshot(&key(), "t").unwrap().sources.remove(0).data else { panic!("a file") };
    assert!(file.path.ends_with("main/t/day=1970-01-01/00000000000000000001-000000.parquet"), "{:?}", file.path);
    assert_eq!((file.rows, file.bytes), (20_000, std::fs::metadata(&file.path).unwrap().len()));
    assert!(file.bytes < 20_000 * 3, "{} bytes", file.bytes);
    let reader = SerializedFileReader::new(std::fs::File::open(&file.path).unwrap()).unwrap();
    let group = reader.metadata().row_group(0);
    assert!(group.sorting_columns().is_some_and(|columns| columns.len() == 2));
    let time = group.column(0);
    assert!(time.encodings().any(|encoding| encoding == Encoding::DELTA_BINARY_PACKED));
    assert!(matches!(time.compression(), Compression::ZSTD(_)));
    assert!(time.column_index_offset().is_some() && time.offset_index_offset().is_some());
    assert!(group.column(1).bloom_filter_offset().is_none());
    let version = reader.metadata().file_metadata().key_value_metadata().into_iter().flatten();
    let version = version.clone().find(|entry| entry.key == "sensorium.format");
    assert_eq!(version.and_then(|entry| entry.value.as_deref()), Some("2"));
    // Whole seconds are milliseconds in the file, the coarsest unit that Parquet has; the values have one decimal.
    let file = SourceData::File(file);
    let stored = stored_schema(&file);
    assert_eq!(stored.field(0).data_type(), &DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())));
    assert_eq!(stored.field(2).data_type(), &DataType::Decimal32(9, 1));
    assert_eq!(load(&file)[0].schema(), arrow_schema(&store.snapshot(&key(), "t").unwrap().schema));
}

#[test]
fn a_tag_of_many_values_has_a_bloom_filter() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let names: Vec<String> = (0..17).map(|name| name.to_string()).collect();
    let tagged = |table, names: &'_ [String]| {
        names
            .iter()
            .map(|name| Point::new(table, 1).tag("k", name.clone()).field("f", Value::F64(1.0)))
            .collect::<Vec<_>>()
    };
    write(&store, &tagged("many", &names));
    write(&store, &tagged("few", &names[1..]));
    wait(store.flush()).unwrap();
    for (table, filtered) in [("many", true), ("few", false)] {
        let SourceData::File(file) = store.snapshot(&key(), table).unwrap().sources.remove(0).data else {
            panic!("a file")
        };
        let reader = SerializedFileReader::new(std::fs::File::open(&file.path).unwrap()).unwrap();
        assert_eq!(reader.metadata().row_group(0).column(1).bloom_filter_offset().is_some(), filtered, "{table}");
    }
}

/// The schema as any other reader sees it.
fn stored_schema(file: &SourceData) -> SchemaRef {
    let SourceData::File(file) = file else { panic!("a file") };
    let file = std::fs::File::open(&file.path).unwrap();
    std::sync::Arc::clone(ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema())
}

#[test]
fn newest_values_are_found_by_tags() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let point = |device: &'static str, room: &'static str, value: f64| {
        Point::new("t", 1).tag("device", device).tag("room", room).field("f", Value::F64(value))
    };
    write(&store, &[point("a", "x", 1.0), point("a", "y", 2.0), point("b", "x", 3.0)]);
    let found = |tags: &[(&str, &str)]| {
        let tags: Vec<_> = tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let rows = store.last_values_with(&key(), "t", &tags);
        rows.iter().map(|row| row.series.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&[("device", "a")]), ["device=a,room=x", "device=a,room=y"]);
    assert_eq!(found(&[("device", "a"), ("room", "y")]), ["device=a,room=y"]);
    assert_eq!(found(&[]).len(), 3);
    assert!(found(&[("device", "c")]).is_empty() && found(&[("floor", "x")]).is_empty());
}

#[test]
fn newest_values_survive_many_flushes_and_stay_few_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let point = |series: i64, time: i64| {
        Point::new("t", time).tag("s", format!("{series}")).field("f", Value::I64(time)).field("g", Value::I64(series))
    };
    let all: Vec<_> = (0..200).map(|series| point(series, 1)).collect();
    write(&store, &all);
    wait(store.flush()).unwrap();
    for round in 0..60 {
        write(&store, &[point(round % 3, 10 + round), point(5, 0)]);
        wait(store.flush()).unwrap();
    }
    let before = store.last_values(&key(), "t");
    drop(store);
    let store = open(folder.path());
    let after = store.last_values(&key(), "t");
    let by_series =
        |rows: Vec<crate::LastRow>| rows.into_iter().map(|row| (row.series, row.fields)).collect::<BTreeMap<_, _>>();
    let (before, after) = (by_series(before), by_series(after));
    assert_eq!(before, after);
    assert_eq!(after.len(), 200);
    assert_eq!(after[&SeriesKey::from_canonical("s=2")][0].time_ns, 69);
    assert_eq!(after[&SeriesKey::from_canonical("s=5")][0].time_ns, 1);
    let table = folder.path().join("data").join(key().org.to_string()).join("main/t/last");
    assert!(std::fs::read_dir(table).unwrap().count() <= 20);
}
