//! Tests of the import: plans, targets and reports.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::Int32Type;
use clap::Parser;
use sensorium_model::{FieldValues, TableBatch};

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    import: ImportArgs,
}

fn args(file: &Path, flags: &[&str]) -> ImportArgs {
    let line = ["sensorium import", file.to_str().unwrap()].into_iter().chain(flags.iter().copied());
    Line::parse_from(line).import
}

/// Reads a whole file; the tables, what was refused, and the description.
async fn read_all(args: &ImportArgs) -> (Vec<TableBatch>, Tally, Vec<String>) {
    let reader = open::open(args).unwrap();
    let described = reader.describe();
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), args.database.clone());
    let mut pieces = read(reader, key, DatabaseSchema::default(), IngestLimits::default());
    let mut tables = Vec::new();
    let mut tally = Tally::new(SHOWN);
    while let Some(piece) = pieces.recv().await {
        let piece = piece.unwrap();
        tally.refused_by_decoder(&piece.refusals);
        tally.notes(piece.notes);
        tables.extend(piece.batch.tables);
    }
    (tables, tally, described)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_table_is_the_leading_word_of_the_file() {
    for (file, table) in [("office-2015.csv", "office"), ("a/b/my_room.2.parquet", "my_room"), ("x.lp.gz", "x")] {
        assert_eq!(table_name(&args(Path::new(file), &[])).unwrap(), table);
    }
    assert!(table_name(&args(Path::new("(1).csv"), &[])).is_err());
    assert_eq!(table_name(&args(Path::new("(1).csv"), &["--table", "t"])).unwrap(), "t");
}

#[tokio::test]
async fn compressed_csv_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"time,v\n2023-01-01T00:00:00Z,1\n2023-01-01T00:00:01Z,x\n").unwrap();
    let path = write(folder.path(), "room.csv.gz", &encoder.finish().unwrap());
    // The x makes the column text, so both rows are good.
    let (tables, tally, described) = read_all(&args(&path, &[])).await;
    assert_eq!((tables[0].table.as_ref(), tables[0].rows()), ("room", 2));
    assert!(tally.fail_if_refused().is_ok());
    assert!(described.join("\n").contains("field: string"));
}

#[tokio::test]
async fn line_protocol_is_read_in_parts_and_refusals_have_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for n in 0..200_000 {
        text.push_str(&format!("room,place=a v={n} {n}\n"));
    }
    text.push_str("oops\nroom v=1 1");
    assert!(text.len() > 4 << 20, "several parts");
    let path = write(folder.path(), "x.lp", text.as_bytes());
    let (tables, tally, _) = read_all(&args(&path, &["--precision", "s"])).await;
    assert_eq!(tables.iter().map(TableBatch::rows).sum::<usize>(), 200_001);
    assert!(tables.len() > 1);
    let summary = tally.summary(&"main".parse().unwrap(), std::time::Duration::from_secs(1));
    assert!(summary.contains("line 200001: column 5"), "{summary}");
    assert!(tally.fail_if_refused().is_err());
}

#[tokio::test]
async fn parquet_rows_become_readings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hall.parquet");
    let times = TimestampMillisecondArray::from(vec![Some(1_600_000_001_000), Some(1_600_000_002_000), None]);
    let tag: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b")].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("when", Arc::new(times)),
        ("place", Arc::new(tag)),
        ("v", Arc::new(Float64Array::from(vec![Some(1.5), Some(f64::NAN), None]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let (tables, tally, described) = read_all(&args(&path, &["--timezone", "+01:00"])).await;
    let table = &tables[0];
    assert_eq!(table.time_ns, [1_599_996_401_000_000_000, 1_599_996_402_000_000_000]);
    assert_eq!(table.series_key(0).as_str(), "place=a");
    assert_eq!(table.fields[0].values, FieldValues::I64(vec![1, 2]));
    assert_eq!((table.fields[1].valid.get(0), table.fields[1].valid.get(1)), (true, false));
    let described = described.join("\n");
    assert!(described.contains("time (in zone +01:00)") && described.contains("field: integer"), "{described}");
    let summary = tally.summary(&"main".parse().unwrap(), std::time::Duration::from_secs(1));
    assert!(summary.contains("line 3: the row has no time"), "{summary}");
}

#[test]
fn what_cannot_be_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |path: &Path, flags: &[&str]| match open::open(&args(path, flags)) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => format!("{error:#}"),
    };
    assert!(fails(Path::new("/no/such.csv"), &[]).contains("/no/such.csv"));
    let plain = write(folder.path(), "data.bin", b"x");
    assert!(fails(&plain, &[]).contains("--format"));
    assert!(fails(&plain, &["--format", "parquet"]).contains("as Parquet"));
    let lines = write(folder.path(), "x.lp", b"a v=1");
    assert!(fails(&lines, &["--tag", "a"]).contains("--tag means nothing"));
    let empty = write(folder.path(), "empty.csv", b"");
    assert!(fails(&empty, &[]).contains("no row"));
    let csv = write(folder.path(), "no-time.csv", b"a,b\nx,1\n");
    assert!(fails(&csv, &[]).contains("--time-column"));
    assert!(fails(folder.path(), &["--format", "csv", "--table", "t"]).contains("is a folder"));
}
