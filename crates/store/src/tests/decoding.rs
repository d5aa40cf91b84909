//! Damage that checksums do not notice, and bytes that no Sensorium wrote: an answer or a refusal, and no panic.
//!
//! The fuzz targets do the same for as long as one likes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::fuzzing::{log_body, log_segment, manifest, manifest_file, segment};
use crate::manifest::{Manifest, State};
use crate::wal::codec::tests::batch;
use crate::wal::codec::{encode_batch, encode_database};

/// Where bytes are changed, and to what.
fn changes() -> impl Strategy<Value = Vec<(Index, u8)>> {
    vec((any::<Index>(), any::<u8>()), 0..6)
}

fn changed(mut bytes: Vec<u8>, changes: &[(Index, u8)]) -> Vec<u8> {
    if !bytes.is_empty() {
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
    }
    bytes
}

fn body(batch: &Batch) -> Vec<u8> {
    let mut body = Vec::new();
    encode_batch(batch, &mut body);
    body
}

fn database() -> Vec<u8> {
    let mut body = Vec::new();
    encode_database(&key(), &mut body);
    body
}

/// Opens a store whose log has these bodies, with the right checksums; then what it took is in files and read again.
fn replay(bodies: &[Vec<u8>]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let database = database();
    let records: Vec<(bool, &[u8])> =
        [(false, &database[..])].into_iter().chain(bodies.iter().map(|body| (true, &body[..]))).collect();
    let path = folder.path().join("wal").join("00000000000000000001.wal");
    std::fs::write(path, segment(1, &records)).unwrap();
    let Ok((store, report)) = Store::open(config(folder.path())) else { return false };
    assert_eq!(report.records, bodies.len() as u64 + 1);
    let rows = |store: &Store| -> Vec<u64> {
        let tables = store.schema(&key()).map(|schema| schema.tables.keys().cloned().collect::<Vec<_>>());
        let snapshots = tables.unwrap_or_default().into_iter().filter_map(|table| store.snapshot(&key(), &table));
        snapshots
            .filter(|snapshot| !snapshot.sources.is_empty())
            .map(|snapshot| merged(&snapshot).num_rows() as u64)
            .collect()
    };
    let before = rows(&store);
    wait(store.flush()).unwrap();
    assert_eq!(rows(&store), before, "a flush changes no answer");
    drop(store);
    assert_eq!(rows(&open(folder.path())), before, "and a start does not");
    true
}

/// A manifest with a few versions, as text.
fn edits() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    for time in 1..4 {
        write(&store, &[reading(time, 1.0), Point::new("u", time).field("n", Value::I64(time))]);
        wait(store.flush()).unwrap();
    }
    wait(store.delete(&key(), "t", crate::Deletion { time_min_ns: 1, time_max_ns: 2, tags: Vec::new() })).unwrap();
    drop(store);
    let mut files: Vec<_> =
        std::fs::read_dir(folder.path().join("manifest")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let text = |path: &std::path::PathBuf| {
        let file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        file["edit"].to_string()
    };
    files.iter().map(text).collect()
}

proptest! {
    #![proptest_config(proptest_config(256))]

    #[test]
    fn a_changed_body_is_read_or_refused(batch in batch(), changes in changes()) {
        let _ = log_body(&changed(body(&batch), &changes));
    }

    #[test]
    fn a_changed_segment_is_read_or_refused(
        batches in vec(batch(), 0..5),
        changes in changes(),
        within in changes(),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let bodies: Vec<Vec<u8>> = batches.iter().map(|batch| changed(body(batch), &within)).collect();
        let records: Vec<(bool, &[u8])> = bodies.iter().map(|body| (true, &body[..])).collect();
        let mut bytes = changed(segment(7, &records), &changes);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let taken = log_segment(&bytes, 7);
        prop_assert!(taken <= records.len() as u64);
        if changes.is_empty() && cut.is_none() {
            prop_assert_eq!(taken, records.len() as u64);
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_segment_and_no_manifest(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(log_segment(&bytes, 1), 0);
        prop_assert_eq!(manifest(&[&bytes]), 0);
        let _ = log_body(&bytes);
    }
}

proptest! {
    #![proptest_config(proptest_config(10))]

    #[test]
    fn a_log_of_changed_bodies_is_replayed_or_refused(batches in vec(batch(), 1..3), changes in changes()) {
        let bodies: Vec<Vec<u8>> = batches.iter().map(|batch| changed(body(batch), &changes)).collect();
        let taken = replay(&bodies);
        prop_assert!(taken || !changes.is_empty());
    }
}

#[test]
fn a_changed_manifest_is_read_or_refused() {
    let edits = edits();
    let all: Vec<Vec<u8>> = edits.iter().map(|edit| manifest_file(edit).unwrap()).collect();
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    assert_eq!(manifest(&all), edits.len());
    let mut runner = proptest::test_runner::TestRunner::new(proptest_config(256));
    let changes = (vec((any::<Index>(), "[0-9a-z\"{}\\[\\]:,]"), 0..4), any::<Index>());
    runner
        .run(&changes, |(changes, which)| {
            let files: Vec<Vec<u8>> = edits
                .iter()
                .enumerate()
                .filter_map(|(number, edit)| {
                    let mut edit = edit.clone();
                    for (at, text) in changes.iter().filter(|_| number == which.index(edits.len())) {
                        let at = at.index(edit.len());
                        edit.replace_range(at..=at, text);
                    }
                    manifest_file(&edit)
                })
                .collect();
            let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
            let taken = manifest(&files);
            prop_assert!(taken <= edits.len());
            Ok(())
        })
        .unwrap();
}

#[test]
fn numbers_that_leave_no_next_one_are_refused() {
    let edit = |version: u64, flushed_seq: u64| {
        let edit = crate::manifest::Edit { version, flushed_seq, ..State::default().checkpoint() };
        manifest_file(&serde_json::to_string(&edit).unwrap()).unwrap()
    };
    assert_eq!(manifest(&[&edit(3, 9), &edit(4, 9)]), 2);
    assert_eq!(manifest(&[&edit(u64::MAX, 9)]), 0);
    assert_eq!(manifest(&[&edit(3, u64::MAX)]), 0);
    let last = segment(u64::MAX - 1, &[(false, &database())]);
    assert_eq!(log_segment(&last, u64::MAX - 1), 1);
    let last = segment(u64::MAX, &[(false, &database())]);
    assert_eq!(log_segment(&last, u64::MAX), 0);
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let renamed = |tag: &str, field: &str| {
        let mut batch = batch_for(key(), &[reading(1, 1.0)]);
        batch.tables[0].tags[0].name = tag.into();
        batch.tables[0].fields[0].name = field.into();
        body(&batch)
    };
    assert!(log_body(&renamed("a", "b")) && replay(&[renamed("a", "b")]));
    for (tag, field) in [("a", "a"), ("time", "b"), ("a", "time")] {
        assert!(!log_body(&renamed(tag, field)) && !replay(&[renamed(tag, field)]), "{tag}, {field}");
    }
    let edit = |column: &str| {
        let state = State::default();
        let mut table = state.table_edit((&key()).into(), "t".into());
        table.schema.add(column.into(), sensorium_model::ColumnKind::Tag).unwrap();
        let edit = crate::manifest::Edit { tables: vec![table], ..state.next_edit() };
        manifest_file(&serde_json::to_string(&edit).unwrap()).unwrap()
    };
    assert_eq!((manifest(&[&edit("times")]), manifest(&[&edit("time")])), (1, 0));
}

#[test]
fn a_log_position_that_falls_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    wait(store.flush()).unwrap();
    drop(store);
    let manifest = Manifest::load(&folder.path().join("manifest")).unwrap();
    assert!(manifest.state().flushed_seq > 0);
    let next = crate::manifest::Edit { flushed_seq: 0, ..manifest.state().next_edit() };
    let path = folder.path().join("manifest").join(format!("{:020}.delta.json", next.version));
    std::fs::write(path, manifest_file(&serde_json::to_string(&next).unwrap()).unwrap()).unwrap();
    let error = Store::open(config(folder.path())).err().unwrap();
    assert!(error.to_string().contains("its log ends at record 0"), "{error}");
}
