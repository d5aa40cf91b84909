//! Recovering what is readable from a damaged store.

use std::collections::BTreeSet;
use std::path::PathBuf;

use arrow::array::Float64Array;

use super::*;
use crate::manifest::Manifest;
use crate::{Repair, Salvage, check};

/// Carries a plan out; afterwards nothing is damaged.
fn salvage(folder: &Path) -> Vec<Repair> {
    let plan = Salvage::plan(folder, |_| {}).unwrap();
    let repairs = plan.repairs().to_vec();
    plan.apply("now").unwrap();
    assert_eq!(check(folder, |_| {}).unwrap().findings, []);
    assert_eq!(Salvage::plan(folder, |_| {}).unwrap().repairs(), []);
    repairs
}

fn times(store: &Store) -> BTreeSet<i64> {
    read(store, "t").into_keys().map(|(_, time)| time).collect()
}

/// The log segments, oldest first.
fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir.join("wal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A store with the database (record 1) and five rows (records 2 to 6, with the times 1 to 5), the last two in a segment of
/// their own.
fn five_rows(dir: &Path) {
    let store = create(dir);
    (1..=3).for_each(|time| drop(write(&store, &[reading(time, 1.0)])));
    drop(store);
    let store = open(dir);
    (4..=5).for_each(|time| drop(write(&store, &[reading(time, 1.0)])));
}

/// Where the records of a segment begin, and where the last one ends.
fn offsets(segment: &Path) -> Vec<usize> {
    let bytes = std::fs::read(segment).unwrap();
    let mut offsets = vec![24];
    while *offsets.last().unwrap() < bytes.len() {
        let at = *offsets.last().unwrap();
        offsets.push(at + 17 + u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize);
    }
    offsets
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn an_intact_store_needs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    five_rows(folder.path());
    assert_eq!(Salvage::plan(folder.path(), |_| {}).unwrap().repairs(), []);
    let store = open(folder.path());
    assert!(Salvage::plan(folder.path(), |_| {}).is_err(), "the store is in use");
    drop(store);
}

#[test]
fn every_flipped_byte_of_the_log_costs_only_its_record() {
    let original = tempfile::tempdir().unwrap();
    five_rows(original.path());
    let [first, _] = <[PathBuf; 2]>::try_from(segments(original.path())).unwrap();
    let (bytes, offsets) = (std::fs::read(&first).unwrap(), offsets(&first));
    for at in 0..bytes.len() {
        std::fs::write(&first, &bytes).unwrap();
        flip(&first, at);
        let folder = tempfile::tempdir().unwrap();
        format::copy(original.path(), folder.path());
        let error = Store::open(config(folder.path())).unwrap_err().to_string();
        assert!(error.contains("sensorium store salvage"), "{error}");
        let repairs = salvage(folder.path());
        let path = folder.path().join("wal").join(first.file_name().unwrap());
        let [repair] = &repairs[..] else { panic!("byte {at}: {repairs:?}") };
        assert_eq!(repair.path, path.canonicalize().unwrap());
        let kept = std::fs::read(folder.path().join("salvaged/now/wal").join(path.file_name().unwrap())).unwrap();
        assert_ne!(kept, bytes, "the damaged file is kept as it was");

        let store = open(folder.path());
        let mut expected: BTreeSet<i64> = (1..=5).collect();
        // Record 1 is the database, and is not missed: the records of its rows name it.
        if let Some(record) = offsets.iter().rposition(|offset| *offset <= at) {
            expected.remove(&(record as i64));
            assert!(repair.lost.contains(&format!("record {}", record + 1)), "byte {at}: {repair:?}");
            let place = format!("bytes {} to {} hold no intact record", offsets[record], offsets[record + 1]);
            assert!(repair.lost.contains(&place), "byte {at}: {repair:?}");
        }
        assert_eq!(times(&store), expected, "byte {at}");
        // The store goes on as if nothing had happened.
        write(&store, &[reading(9, 1.0)]);
        drop(store);
        let store = open(folder.path());
        wait(store.flush()).unwrap();
        drop(store);
        assert_eq!(check(folder.path(), |_| {}).unwrap().findings, []);
        assert_eq!(count(&open(folder.path())), expected.len() + 1);
    }
}

#[test]
fn a_missing_segment_and_one_of_rubbish_are_told() {
    let folder = tempfile::tempdir().unwrap();
    five_rows(folder.path());
    let [first, second] = <[PathBuf; 2]>::try_from(segments(folder.path())).unwrap();
    std::fs::remove_file(&first).unwrap();
    let repairs = salvage(folder.path());
    assert_eq!(repairs.iter().map(|repair| &repair.lost[..]).collect::<Vec<_>>(), [["records 1 to 4 (4 of them)"]]);
    assert_eq!(times(&open(folder.path())), [4, 5].into());

    std::fs::remove_dir_all(folder.path().join("salvaged")).unwrap();
    std::fs::write(&second, b"rubbish").unwrap();
    let store = Store::open(config(folder.path()));
    assert!(store.is_ok(), "a short last segment is an unfinished creation");
    drop(store);

    let folder = tempfile::tempdir().unwrap();
    five_rows(folder.path());
    let [first, second] = <[PathBuf; 2]>::try_from(segments(folder.path())).unwrap();
    std::fs::write(&first, vec![7; 1_000]).unwrap();
    std::fs::write(&second, vec![7; 1_000]).unwrap();
    salvage(folder.path());
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    assert_eq!(times(&store), [1].into());
}

#[test]
fn nothing_is_lost_of_a_damaged_segment_whose_rows_are_in_files() {
    let folder = tempfile::tempdir().unwrap();
    five_rows(folder.path());
    let first = segments(folder.path()).remove(0);
    let mut bytes = std::fs::read(&first).unwrap();
    let store = open(folder.path());
    wait(store.flush()).unwrap();
    write(&store, &[reading(6, 1.0)]);
    drop(store);
    // As a crash would leave it behind, and then a part of it was lost.
    bytes.truncate(bytes.len() - 5);
    std::fs::write(&first, bytes).unwrap();
    let [repair] = &salvage(folder.path())[..] else { panic!("one segment is damaged") };
    assert!(!repair.lost.iter().any(|lost| lost.starts_with("record")), "{repair:?}");
    assert_eq!(times(&open(folder.path())), (1..=6).collect());
}

#[test]
fn a_record_inside_of_a_damaged_one_is_not_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let store = create(other.path());
    write(&store, &[reading(99, 1.0)]);
    drop(store);
    let segment = segments(other.path()).remove(0);
    let forged = std::fs::read(&segment).unwrap()[offsets(&segment)[1]..].to_vec();
    let store = create(folder.path());
    // A sender cannot put every byte into text, but it need not succeed for this to be wrong.
    let text = String::from_utf8_lossy(&forged).into_owned();
    write(&store, &[Point::new("t", 1).field("text", Value::Text(text.into()))]);
    write(&store, &[reading(2, 1.0)]);
    drop(store);
    let segment = segments(folder.path()).remove(0);
    let mut bytes = std::fs::read(&segment).unwrap();
    let offsets = offsets(&segment);
    let body = offsets[1] + 20..offsets[1] + 20 + forged.len();
    bytes[body].copy_from_slice(&forged);
    std::fs::write(&segment, bytes).unwrap();
    salvage(folder.path());
    assert_eq!(times(&open(folder.path())), [2].into());
}

/// The only data file of a store.
fn data_file(folder: &Path) -> (PathBuf, crate::manifest::FileEntry) {
    let manifest = Manifest::load(&folder.join("manifest")).unwrap();
    let table = manifest.state().tables.values().next().unwrap();
    let [entry] = &table.files[..] else { panic!("{:?}", table.files) };
    (folder.join(&entry.path), entry.clone())
}

const GROUP_ROWS: i64 = 131_072;

/// A store with one data file of three row groups, the last of few rows.
fn three_groups(folder: &Path) {
    let store = create(folder);
    for start in 0..5 {
        let rows = start * GROUP_ROWS / 2..((start + 1) * GROUP_ROWS / 2).min(2 * GROUP_ROWS + 10);
        let points: Vec<_> =
            rows.map(|n| Point::new("t", n * 1_000_000).field("value", Value::F64((n as f64).sin()))).collect();
        write(&store, &points);
    }
    wait(store.shutdown()).unwrap();
}

#[test]
fn only_the_damaged_row_group_of_a_file_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    three_groups(folder.path());
    let (path, entry) = data_file(folder.path());
    assert_eq!(entry.rows, 2 * GROUP_ROWS as u64 + 10);
    flip(&path, 300_000);
    let findings = check(folder.path(), |_| {}).unwrap().findings;
    assert!(findings.iter().any(|finding| finding.what.contains("do not match their checksum")), "{findings:?}");
    let [repair] = &salvage(folder.path())[..] else { panic!("one file is damaged") };
    assert_eq!(repair.kept, format!("{} rows", GROUP_ROWS + 10));
    let lost = format!(
        "{GROUP_ROWS} of {} rows of table \"t\" of database main, with times from 1970-01-01T00:00:00Z to 1970-01-01T00:02:11.071Z",
        entry.rows
    );
    assert_eq!(repair.lost, [lost]);
    assert!(!path.exists() && folder.path().join("salvaged/now").join(&entry.path).exists());
    let store = open(folder.path());
    assert_eq!(store.stats().file_rows, GROUP_ROWS as u64 + 10);
    let newest = store.last_values(&key(), "t");
    assert_eq!(newest[0].fields[0].time_ns, (2 * GROUP_ROWS + 9) * 1_000_000);
    let batch = merged(&store.snapshot(&key(), "t").unwrap());
    let values = batch.column_by_name("value").unwrap().as_any().downcast_ref::<Float64Array>().unwrap();
    assert!((GROUP_ROWS..).zip(values.values()).all(|(n, value)| *value == (n as f64).sin()));
}

#[test]
fn a_file_whose_description_is_damaged_or_that_is_missing_is_lost_and_the_rest_is_there() {
    for missing in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let store = create(folder.path());
        write(&store, &[reading(1, 1.0), reading(2, 2.0)]);
        wait(store.flush()).unwrap();
        let (path, _) = data_file(folder.path());
        write(&store, &[reading(3, 3.0)]);
        drop(store);
        if missing {
            std::fs::remove_file(&path).unwrap();
        } else {
            flip(&path, std::fs::metadata(&path).unwrap().len() as usize - 20);
        }
        let [repair] = &salvage(folder.path())[..] else { panic!("one file is damaged") };
        assert!(repair.lost[0].starts_with("2 of 2 rows of table \"t\""), "{repair:?}");
        let store = open(folder.path());
        assert_eq!(times(&store), [3].into());
        assert_eq!(store.last_values(&key(), "t").len(), 1);
        wait(store.flush()).unwrap();
        drop(store);
        assert_eq!(check(folder.path(), |_| {}).unwrap().findings, []);
    }
}

#[test]
fn a_file_keeps_its_place_and_its_deletions() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    // Without the folder for merged files, nothing is merged, which would make the deletion real.
    std::fs::remove_dir(folder.path().join("tmp")).unwrap();
    write(&store, &[reading(1, 1.0), reading(2, 1.0), reading(3, 1.0)]);
    wait(store.flush()).unwrap();
    let (path, _) = data_file(folder.path());
    write(&store, &[reading(1, 2.0)]);
    wait(store.flush()).unwrap();
    let deletion = crate::Deletion { time_min_ns: 3, time_max_ns: 3, tags: Vec::new() };
    wait(store.delete(&key(), "t", deletion)).unwrap();
    let before = read(&store, "t");
    drop(store);
    // A file of the first format: nothing says that its bytes are wrong, only that they are more than they were.
    let manifest = folder.path().join("manifest");
    for entry in std::fs::read_dir(&manifest).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let (start, edit) = text.split_once(r#""edit":"#).unwrap();
        let mut edit: serde_json::Value = serde_json::from_str(&edit[..edit.len() - 1]).unwrap();
        for table in edit["tables"].as_array_mut().unwrap() {
            for file in table["files"].as_array_mut().unwrap() {
                file.as_object_mut().unwrap().remove("crc32c");
                if file["path"].as_str().unwrap().contains("00001-") {
                    file["rows"] = 4.into();
                }
            }
        }
        assert!(start.contains("crc32c"));
        let edit = edit.to_string();
        let crc = crc32c::crc32c(edit.as_bytes());
        std::fs::write(&path, format!(r#"{{"crc32c":"{crc:08x}","edit":{edit}}}"#)).unwrap();
    }
    let [repair] = &salvage(folder.path())[..] else { panic!("one file differs") };
    assert!(repair.kept.starts_with("3 rows; ") && repair.damage.contains("rows: 3 in the file, 4"), "{repair:?}");
    assert!(!path.exists());
    let store = open(folder.path());
    assert_eq!(read(&store, "t"), before, "neither is the older value back, nor the deleted row");
}

#[test]
fn newest_values_are_forgotten_when_rows_of_the_log_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    wait(store.flush()).unwrap();
    (2..=3).for_each(|time| drop(write(&store, &[reading(time, 1.0)])));
    drop(store);
    let segment = segments(folder.path()).remove(0);
    flip(&segment, offsets(&segment)[0] + 30);
    let [repair] = &salvage(folder.path())[..] else { panic!("one record is damaged") };
    assert!(repair.lost.contains(&"record 3".to_owned()), "{repair:?}");
    // The file of them may have been written when rows 2 and 3 were in memory already.
    let manifest = Manifest::load(&folder.path().join("manifest")).unwrap();
    assert!(manifest.state().tables.values().all(|table| table.last_is_unknown));
    let store = open(folder.path());
    assert_eq!(times(&store), [1, 3].into());
    assert_eq!(store.last_values(&key(), "t")[0].fields[0].time_ns, 3);
}

#[test]
fn damaged_newest_values_are_found_again_and_saved() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0), reading(2, 2.0)]);
    wait(store.shutdown()).unwrap();
    let before = store.last_values(&key(), "t");
    drop(store);
    let manifest = Manifest::load(&folder.path().join("manifest")).unwrap();
    let last = manifest.state().tables.values().next().unwrap().last[0].path.clone();
    flip(&folder.path().join(&last), 30);
    let [repair] = &salvage(folder.path())[..] else { panic!("one file is damaged") };
    assert_eq!(repair.lost, [] as [String; 0]);
    assert!(folder.path().join("salvaged/now").join(last).exists());
    let store = open(folder.path());
    assert_eq!(store.last_values(&key(), "t"), before);
    wait(store.shutdown()).unwrap();
    drop(store);
    let manifest = Manifest::load(&folder.path().join("manifest")).unwrap();
    assert!(manifest.state().tables.values().all(|table| !table.last_is_unknown && table.last.len() == 1));
    assert_eq!(open(folder.path()).last_values(&key(), "t"), before);
}
