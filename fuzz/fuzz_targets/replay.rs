//! A start with a log whose records are intact and hold anything: it takes them or names the damage, and what it took is written
//! to files and read again by the next start. Slow, because it needs a folder: with `TMPDIR=/dev/shm` it is faster.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensorium_model::{DatabaseKey, DatabaseName, OrgId};
use sensorium_store::{Store, StoreConfig, fuzzing};

fn rows(store: &Store, key: &DatabaseKey) -> Vec<u64> {
    let Some(schema) = store.schema(key) else { return Vec::new() };
    let snapshots = schema.tables.keys().filter_map(|table| store.snapshot(key, table));
    snapshots.map(|snapshot| snapshot.sources.iter().map(|source| source.rows).sum()).collect()
}

// Bodies of records, each behind its length; the first creates the database that the others are meant for.
fuzz_target!(|bytes: &[u8]| {
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::from_u128(7)), DatabaseName::new("main").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let config = || StoreConfig { disk_reserve_bytes: 0, ..StoreConfig::new(folder.path()) };
    let (store, _) = Store::open(config()).unwrap();
    assert!(store.create_database(&key).unwrap());
    drop(store);
    let log = folder.path().join("wal").join("00000000000000000001.wal");
    let intact = std::fs::read(&log).unwrap();
    let mut records: Vec<(bool, &[u8])> = Vec::new();
    let mut rest = bytes;
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let (body, behind) = behind.split_at(usize::from(u16::from_le_bytes(*length)).min(behind.len()));
        records.push((true, body));
        rest = behind;
    }
    // Behind the record that creates the database, without the header of their own segment.
    let segment = fuzzing::segment(2, &records);
    std::fs::write(&log, [&intact[..], &segment[24..]].concat()).unwrap();
    let Ok((store, _)) = Store::open(config()) else { return };
    let before = rows(&store, &key);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.flush()).unwrap();
    drop(store);
    let (store, report) = Store::open(config()).unwrap();
    assert_eq!(report.torn_bytes, 0);
    assert!(rows(&store, &key).iter().sum::<u64>() <= before.iter().sum(), "no row comes from nowhere");
});
