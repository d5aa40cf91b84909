//! The real office-room files, when they are there: in the folder that `SENSORIUM_SAMPLE_DATA` names, else beside the
//! workspace.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failure here is a failed test"
)]

use std::path::PathBuf;

use sensorium_model::{BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId};
use sensorium_protocols::Refusals;
use sensorium_protocols::csv::{Options, Rows, plan};

const NOW: i64 = 1_700_000_000_000_000_000;

fn sample(name: &str) -> Option<Vec<u8>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("SENSORIUM_SAMPLE_DATA").map_or(beside, PathBuf::from);
    let path = folder.join("office-room").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {} is not there; set SENSORIUM_SAMPLE_DATA to the folder above", path.display());
    }
    bytes
}

/// Rows, and the first and last time in seconds.
fn read(text: &[u8]) -> (usize, i64, i64) {
    let options = Options { zone: "Europe/Brussels".parse().unwrap(), ..Options::new("office") };
    // The plan is made from a part of the file, as the import does with large files.
    let plan = plan(&text[..100_000], false, &options).unwrap();
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW);
    let mut refusals = Refusals::keep(10);
    let mut rows = Rows::new(plan, text);
    while rows.fill(&mut builder, &mut refusals, 1_000).unwrap() > 0 {}
    assert_eq!(refusals.first(), []);
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap());
    let batch = builder.finish(key);
    assert_eq!(batch.tables[0].fields.len(), 6);
    let (first, last) = batch.tables[0].time_bounds().unwrap();
    (batch.rows(), first / 1_000_000_000, last / 1_000_000_000)
}

#[test]
fn both_files_are_read_whole() {
    if let Some(text) = sample("office-2015-02-02.csv") {
        assert_eq!(read(&text), (2_665, 1_422_883_140, 1_423_042_980));
    }
    if let Some(text) = sample("office-2015-02-04.csv") {
        assert_eq!(read(&text), (8_143, 1_423_068_660, 1_423_557_180));
    }
}
