//! A disk that fails.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::*;
use crate::wal::file::{LocalFolder, LogFile, LogFolder};
use crate::wal::record::Head;
use crate::{WriteError, config::Durability};

/// What goes wrong.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) syncs_fail: AtomicBool,
    truncates_fail: AtomicBool,
    /// No file can be opened: EMFILE.
    creates_fail: AtomicBool,
    writes_fail: AtomicBool,
    /// Bytes that still fit on the disk.
    pub(super) room: AtomicUsize,
    /// What was written and synced, in order.
    events: Mutex<Vec<Event>>,
    /// How much of each segment was written, and how much of that was synced, in bytes.
    lengths: Mutex<BTreeMap<PathBuf, Lengths>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Lengths {
    written: u64,
    synced: u64,
}

/// Random choices that follow from a number.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below another: SplitMix64.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

impl Faults {
    /// A disk on which nothing goes wrong yet.
    pub(super) fn none() -> Self {
        Self { room: AtomicUsize::new(usize::MAX), ..Self::default() }
    }

    /// Takes away parts of what was not synced: blocks that did not come to the disk are zero, and the end is missing.
    pub(super) fn lose_unsynced(&self, dice: &mut Dice) {
        for (path, Lengths { synced, .. }) in std::mem::take(&mut *self.lengths.lock()) {
            let Ok(mut bytes) = std::fs::read(&path) else { continue };
            let synced = (synced as usize).min(bytes.len());
            let (_, unsynced) = bytes.split_at_mut(synced);
            if unsynced.is_empty() {
                continue;
            }
            unsynced.chunks_mut(16).filter(|_| dice.below(4) == 0).for_each(|block| block.fill(0));
            // Often all of it is there.
            if dice.below(3) > 0 {
                bytes.truncate(synced + dice.below(bytes.len() - synced + 1));
            }
            std::fs::write(path, bytes).unwrap();
        }
    }

    fn lengths_of(&self, path: &Path, change: impl FnOnce(&mut Lengths)) {
        change(self.lengths.lock().entry(path.to_owned()).or_default());
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    /// The head of a segment.
    Created,
    /// A group; whether its first record says that everything before it is on disk.
    Written {
        after_sync: bool,
    },
    Synced,
}

pub(super) struct FaultyFolder(pub(super) Arc<Faults>);

struct FaultyFile {
    faults: Arc<Faults>,
    path: PathBuf,
    file: Box<dyn LogFile>,
}

fn faulty(dir: &Path, durability: Durability) -> (Store, Arc<Faults>) {
    let faults = Arc::new(Faults::none());
    let config = StoreConfig { durability, ..config(dir) };
    let store = Store::open_with(config, Arc::new(FaultyFolder(Arc::clone(&faults)))).unwrap().0;
    store.create_database(&key()).unwrap();
    (store, faults)
}

impl LogFolder for FaultyFolder {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        if self.0.creates_fail.load(Ordering::SeqCst) {
            return Err(rustix::io::Errno::MFILE.into());
        }
        let file = LocalFolder.create(path)?;
        self.0.lengths_of(path, |lengths| *lengths = Lengths::default());
        Ok(Box::new(FaultyFile { faults: Arc::clone(&self.0), path: path.to_owned(), file }))
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        LocalFolder.sync(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalFolder.remove(path)
    }

    fn free_bytes(&self, _folder: &Path) -> io::Result<u64> {
        Ok(self.0.room.load(Ordering::SeqCst) as u64)
    }
}

impl LogFile for FaultyFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.faults.writes_fail.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected"));
        }
        let event = match Head::decode(bytes.first_chunk().unwrap()) {
            Some(head) if offset > 0 => Event::Written { after_sync: head.after_sync },
            _ => Event::Created,
        };
        self.faults.events.lock().push(event);
        let room = self.faults.room.load(Ordering::SeqCst);
        let fits = bytes.len().min(room);
        self.file.write_at(&bytes[..fits], offset)?;
        self.faults.lengths_of(&self.path, |lengths| lengths.written = offset + fits as u64);
        self.faults.room.store(room - fits, Ordering::SeqCst);
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.faults.syncs_fail.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected"));
        }
        self.faults.events.lock().push(Event::Synced);
        self.file.sync()?;
        self.faults.lengths_of(&self.path, |lengths| lengths.synced = lengths.written);
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        if self.faults.truncates_fail.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected"));
        }
        self.file.truncate(len)?;
        self.faults.lengths_of(&self.path, |lengths| {
            *lengths = Lengths { written: len, synced: lengths.synced.min(len) };
        });
        Ok(())
    }
}

fn assert_poisoned(store: &Store) {
    assert!(matches!(wait(store.write(batch(&[reading(9, 1.0)]))), Err(WriteError::Poisoned)));
    assert!(matches!(wait(store.flush()), Err(WriteError::Poisoned)));
    assert!(matches!(store.create_database(&other()), Err(WriteError::Poisoned)));
    assert!(store.stats().poisoned);
}

fn other() -> DatabaseKey {
    DatabaseKey::new(key().org, sensorium_model::DatabaseName::new("other").unwrap())
}

#[test]
fn a_failed_sync_stops_writing_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(folder.path(), Durability::Fsync);
    write(&store, &[reading(1, 1.0)]);
    faults.syncs_fail.store(true, Ordering::SeqCst);
    let refused = wait(store.write(batch(&[reading(2, 1.0)])));
    assert!(matches!(refused, Err(WriteError::Io { .. })), "{refused:?}");
    assert_eq!(count(&store), 1, "what was not acknowledged is not visible");
    faults.syncs_fail.store(false, Ordering::SeqCst);
    assert_poisoned(&store);
    drop(store);
    let store = open(folder.path());
    assert!(count(&store) >= 1, "what was acknowledged is there");
}

#[test]
fn a_failed_write_stops_writing_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(folder.path(), Durability::Fsync);
    write(&store, &[reading(1, 1.0)]);
    faults.writes_fail.store(true, Ordering::SeqCst);
    assert!(matches!(wait(store.write(batch(&[reading(2, 1.0)]))), Err(WriteError::Io { .. })));
    faults.writes_fail.store(false, Ordering::SeqCst);
    assert_poisoned(&store);
}

#[test]
fn a_failed_sync_in_the_background_stops_writing_too() {
    let folder = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(folder.path(), Durability::Memory);
    faults.syncs_fail.store(true, Ordering::SeqCst);
    write(&store, &[reading(1, 1.0)]);
    assert!(wait(store.shutdown()).is_err());
    assert!(store.stats().poisoned);
}

/// A record that vouches for what stands before it must have been written after a sync.
fn assert_vouching_follows_syncs(durability: Durability) -> Vec<Event> {
    let folder = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(folder.path(), durability);
    for time in 0..20 {
        write(&store, &[reading(time, 1.0)]);
    }
    wait(store.shutdown()).unwrap();
    let events = faults.events.lock().clone();
    for pair in events.windows(2) {
        if pair[1] == (Event::Written { after_sync: true }) {
            assert_eq!(pair[0], Event::Synced, "{events:?}");
        }
    }
    assert_eq!(events.last(), Some(&Event::Synced), "a closed log is on disk");
    events
}

#[test]
fn a_record_vouches_for_earlier_ones_only_after_a_sync() {
    let events = assert_vouching_follows_syncs(Durability::Fsync);
    assert!(!events.contains(&Event::Written { after_sync: false }), "each group is synced");
    assert_vouching_follows_syncs(Durability::Memory);
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(folder.path(), Durability::Fsync);
    write(&store, &[reading(1, 1.0)]);
    let used = store.stats().memtable_bytes;
    for room in [0, 1, 16, 17, 40] {
        faults.room.store(room, Ordering::SeqCst);
        let refused = wait(store.write(batch(&[reading(2, 1.0)])));
        assert!(matches!(refused, Err(WriteError::NoSpace { .. })), "{room}: {refused:?}");
        assert!(matches!(store.create_database(&other()), Err(WriteError::NoSpace { .. })));
    }
    assert_eq!(store.stats().memtable_bytes, used, "a refused write gives its room back");
    faults.room.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(write(&store, &[reading(3, 1.0)]).seq, 3);
    drop(store);
    let (store, report) = Store::open(config(folder.path())).unwrap();
    assert_eq!((count(&store), report.torn_bytes), (2, 0));
}

#[test]
fn a_full_disk_refuses_a_new_segment_too() {
    let folder = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(folder.path(), Durability::Fsync);
    write(&store, &[reading(1, 1.0)]);
    wait(store.flush()).unwrap();
    faults.room.store(5, Ordering::SeqCst);
    assert!(matches!(wait(store.write(batch(&[reading(2, 1.0)]))), Err(WriteError::NoSpace { .. })));
    faults.room.store(usize::MAX, Ordering::SeqCst);
    write(&store, &[reading(2, 1.0)]);
    drop(store);
    assert_eq!(count(&open(folder.path())), 2);
}

#[test]
fn a_full_disk_whose_log_cannot_be_cut_back_stops_writing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(folder.path(), Durability::Fsync);
    write(&store, &[reading(1, 1.0)]);
    faults.room.store(10, Ordering::SeqCst);
    faults.truncates_fail.store(true, Ordering::SeqCst);
    assert!(wait(store.write(batch(&[reading(2, 1.0)]))).is_err());
    assert_poisoned(&store);
    drop(store);
    assert_eq!(count(&open(folder.path())), 1);
}

#[test]
fn the_last_room_of_the_disk_is_not_for_writers() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults { room: AtomicUsize::new(1_000_000), ..Faults::default() });
    let open = || {
        let config = StoreConfig { disk_reserve_bytes: 500_000, ..config(folder.path()) };
        Store::open_with(config, Arc::new(FaultyFolder(Arc::clone(&faults)))).unwrap().0
    };
    let store = open();
    store.create_database(&key()).unwrap();
    write(&store, &[reading(1, 1.0)]);
    drop(store);
    faults.room.store(400_000, Ordering::SeqCst);
    let store = open();
    let refused = wait(store.write(batch(&[reading(2, 1.0)]))).unwrap_err();
    assert!(refused.to_string().contains("store.disk_reserve_bytes"), "{refused}");
    assert_eq!(refused.kind(), sensorium_model::ErrorKind::NoSpace);
    let stats = store.stats();
    assert!(stats.disk_is_low && stats.disk_free_bytes.is_some_and(|free| free < 500_000), "{stats:?}");
    assert_eq!(stats.disk_reserve_bytes, 500_000);
    assert_eq!(count(&store), 1, "reads go on");
    wait(store.flush()).unwrap();
    faults.room.store(1_000_000, Ordering::SeqCst);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while store.stats().disk_is_low {
        assert!(std::time::Instant::now() < deadline, "the disk is looked at again");
        std::thread::yield_now();
    }
    write(&store, &[reading(2, 1.0)]);
}

#[test]
fn too_many_open_files_refuse_writes_only_as_long_as_that_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let (store, faults) = faulty(folder.path(), Durability::Fsync);
    wait(store.flush()).unwrap();
    faults.creates_fail.store(true, Ordering::SeqCst);
    let refused = wait(store.write(batch(&[reading(1, 1.0)]))).unwrap_err();
    assert!(matches!(refused, WriteError::Exhausted { .. }), "{refused:?}");
    assert!(!store.stats().poisoned);
    faults.creates_fail.store(false, Ordering::SeqCst);
    write(&store, &[reading(2, 1.0)]);
    drop(store);
    assert_eq!(count(&open(folder.path())), 1);
}
