//! The store against a map, on a disk that loses power, is full, fails to sync, or flips bits.
//!
//! What was acknowledged is readable, and nothing else; damage is reported, never skipped. The steps are those of the model,
//! with faults between them:
//! - power fails at each moment between the steps of a flush, a merge or a deletion, or behind them. What the disk may hold
//!   then is made by hand: files that the manifest does not name are whole, torn, damaged or gone, removals are undone, a
//!   version of the manifest is half written, what the log did not sync is lost in parts;
//! - the log or a data file finds no room: data files, newest values and the manifest are led to `/dev/full`;
//! - a sync fails: the log is told so, the others are led to `/dev/null`, which cannot be synced;
//! - a bit of a file flips, or its end is lost, and is healed again after it was reported.
//!
//! After each power loss [`check`] must find nothing, and the store must open. `cargo xtask soak` runs more cases with other
//! seeds.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use sensorium_model::ErrorKind;

use super::durability::offsets;
use super::fault::{Dice, Faults, FaultyFolder};
use super::model::{Model, deletion, point};
use super::*;
use crate::manifest::{FileEntry, Manifest};
use crate::shared::Moment;
use crate::{Deletion, WriteError, check};

#[derive(Debug, Clone)]
enum Work {
    Flush,
    Compact,
    Delete(Deletion),
}

/// Where a file is led instead of to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    /// Writing finds no room.
    Full,
    /// Writing succeeds, syncing does not.
    Unsyncable,
}

/// What is led there.
#[derive(Debug, Clone, Copy)]
enum Target {
    Manifest,
    Merge,
    /// Data files of this number.
    Rows(usize),
    /// Files of newest values of this number.
    Newest(usize),
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Point<'static>>),
    Work(Work),
    Restart,
    /// Power fails at a moment of some work, or behind it.
    PowerLoss(Work, Option<Moment>, u64),
    /// A batch is written to the log, its sync fails, and then power.
    Unsynced(Vec<Point<'static>>, u64),
    /// A batch, for which the log has so many bytes of room.
    FullLog(Vec<Point<'static>>, usize),
    /// Work while a file cannot be written.
    Obstructed(Work, Target, Device),
    /// Damage to one file of a closed store.
    Damage(u64),
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![4 => Just(Work::Flush), 2 => Just(Work::Compact), 1 => deletion().prop_map(Work::Delete)]
}

fn moment() -> impl Strategy<Value = Option<Moment>> {
    prop_oneof![
        Just(None),
        Just(Some(Moment::FilesWritten)),
        Just(Some(Moment::ManifestWritten)),
        Just(Some(Moment::MergeWritten)),
        Just(Some(Moment::MergeNamed)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let points = || vec(point(), 1..10);
    let target = prop_oneof![
        Just(Target::Manifest),
        Just(Target::Merge),
        (0..4_usize).prop_map(Target::Rows),
        (1..5_usize).prop_map(Target::Newest),
    ];
    let device = prop_oneof![Just(Device::Full), Just(Device::Unsyncable)];
    prop_oneof![
        8 => points().prop_map(Step::Write),
        4 => work().prop_map(Step::Work),
        1 => Just(Step::Restart),
        4 => (work(), moment(), any::<u64>()).prop_map(|(work, moment, dice)| Step::PowerLoss(work, moment, dice)),
        2 => (points(), any::<u64>()).prop_map(|(points, dice)| Step::Unsynced(points, dice)),
        1 => (points(), 0..200_usize).prop_map(|(points, room)| Step::FullLog(points, room)),
        2 => (work(), target, device).prop_map(|(work, target, device)| Step::Obstructed(work, target, device)),
        2 => any::<u64>().prop_map(Step::Damage),
    ]
}

/// What was done in all cases of this process, for `cargo xtask soak`.
#[derive(Default)]
struct Figures {
    power_losses: AtomicU64,
    unacknowledged: AtomicU64,
    refused: AtomicU64,
    damages: AtomicU64,
}

/// A store, its disk, and what it must hold.
struct Simulation<'f> {
    folder: tempfile::TempDir,
    faults: Arc<Faults>,
    store: Option<Store>,
    model: Model,
    /// What it holds if the last work, of which nobody knows whether it was done, was done.
    maybe: Option<Model>,
    figures: &'f Figures,
}

impl<'f> Simulation<'f> {
    fn new(figures: &'f Figures) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::none());
        let mut simulation = Self { folder, faults, store: None, model: Model::default(), maybe: None, figures };
        simulation.open();
        simulation.store().create_database(&key()).unwrap();
        simulation
    }

    fn dir(&self) -> &Path {
        self.folder.path()
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn open(&mut self) {
        let config = StoreConfig { segment_bytes: 600, ..config(self.dir()) };
        let files = FaultyFolder(Arc::clone(&self.faults));
        self.store = Some(Store::open_with(config, Arc::new(files)).unwrap().0);
    }

    /// Opens what a crash left, which is no damage.
    fn reopen(&mut self) {
        assert_eq!(check(self.dir(), |_| {}).unwrap().findings, []);
        self.open();
        self.compare();
    }

    /// Compares the store with what it must hold; of what nobody knows, it has done all or nothing.
    fn compare(&mut self) {
        let store = self.store.as_ref().unwrap();
        if let Some(maybe) = self.maybe.take().filter(|maybe| maybe.agrees(store)) {
            self.figures.unacknowledged.fetch_add(1, Ordering::Relaxed);
            self.model = maybe;
        }
        self.model.check(store);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write(points) => {
                assert_eq!(write(self.store(), &points).accepted, points.len());
                points.iter().for_each(|point| self.model.write(point));
            }
            Step::Work(work) => self.work(&work).unwrap(),
            Step::Restart => {
                self.store = None;
                self.reopen();
            }
            Step::PowerLoss(work, moment, dice) => {
                let before = files(self.dir());
                *self.store().shared.crash_at.lock() = moment;
                let done = self.work(&work);
                assert!(moment.is_some() || done.is_ok(), "{done:?}");
                self.lose_power(before, Dice(dice));
                self.reopen();
            }
            Step::Unsynced(points, dice) => {
                self.faults.syncs_fail.store(true, Ordering::SeqCst);
                assert!(wait(self.store().write(batch(&points))).is_err());
                self.faults.syncs_fail.store(false, Ordering::SeqCst);
                let mut written = self.model.clone();
                points.iter().for_each(|point| written.write(point));
                self.maybe = Some(written);
                self.lose_power(BTreeMap::new(), Dice(dice));
                self.reopen();
            }
            Step::FullLog(points, room) => {
                self.faults.room.store(room, Ordering::SeqCst);
                let written = wait(self.store().write(batch(&points)));
                self.faults.room.store(usize::MAX, Ordering::SeqCst);
                match written {
                    Ok(_) => points.iter().for_each(|point| self.model.write(point)),
                    Err(error) => self.refused(&error, Device::Full),
                }
                self.compare();
            }
            Step::Obstructed(work, target, device) => self.obstructed(&work, target, device),
            Step::Damage(dice) => self.damage(Dice(dice)),
        }
    }

    fn work(&mut self, work: &Work) -> Result<(), WriteError> {
        let Work::Delete(deletion) = work else {
            let store = self.store();
            return if matches!(work, Work::Flush) { wait(store.flush()) } else { wait(store.compact()) };
        };
        let done = wait(self.store().delete(&key(), "t", deletion.clone()));
        let mut deleted = self.model.clone();
        deleted.delete("t", deletion);
        match done {
            Ok(()) => self.model = deleted,
            Err(_) => self.maybe = Some(deleted),
        }
        done
    }

    fn refused(&self, error: &WriteError, device: Device) {
        self.figures.refused.fetch_add(1, Ordering::Relaxed);
        let expected = if device == Device::Full { ErrorKind::NoSpace } else { ErrorKind::Internal };
        assert_eq!(error.kind(), expected, "{error:?}");
        assert!(!self.store().stats().poisoned, "{error:?}");
    }

    /// Ends the store and makes of its folder what the disk may hold after power loss; `before` is what it held before the
    /// last work.
    fn lose_power(&mut self, before: BTreeMap<PathBuf, Vec<u8>>, mut dice: Dice) {
        self.figures.power_losses.fetch_add(1, Ordering::Relaxed);
        self.store = None;
        self.faults.lose_unsynced(&mut dice);
        // Nobody waits for a removal to be durable.
        for (path, bytes) in before {
            if !path.exists() && dice.below(2) == 0 {
                fs::write(path, bytes).unwrap();
            }
        }
        let named = self.named();
        for path in files(&self.dir().join("data")).into_keys().filter(|path| !named.contains(path)) {
            spoil(&path, &mut dice);
        }
        if dice.below(2) == 0 {
            let version = self.manifest().state().version + 1;
            let half = "{\"crc32c\":\"00000000\",\"edit\":{\"version\":";
            let path = self.dir().join(format!("manifest/{version:020}.delta.json.tmp"));
            fs::write(path, &half[..dice.below(half.len())]).unwrap();
        }
        fs::write(self.dir().join("tmp/merge.parquet"), "half").unwrap();
    }

    fn manifest(&self) -> Manifest {
        Manifest::load(&self.dir().join("manifest")).unwrap()
    }

    /// The files that the manifest names.
    fn named(&self) -> BTreeSet<PathBuf> {
        let manifest = self.manifest();
        let tables = manifest.state().tables.values();
        let paths = tables.flat_map(|table| {
            table.files.iter().map(|file| &file.path).chain(table.last.iter().map(|last| &last.path))
        });
        paths.map(|path| self.dir().join(path)).collect()
    }

    /// Works while a file cannot be written, and again when it can.
    fn obstructed(&mut self, work: &Work, target: Target, device: Device) {
        let version = self.store().shared.manifest.lock().state().version + 1;
        let folders = files(&self.dir().join("data")).into_keys().map(|path| path.parent().unwrap().to_owned());
        let folders: BTreeSet<PathBuf> = folders.collect();
        let below = |is_last: bool, name: String| {
            let folders = folders.iter().filter(move |folder| folder.ends_with("last") == is_last);
            folders.map(move |folder| folder.join(&name)).collect::<Vec<_>>()
        };
        let obstacles = match target {
            Target::Manifest => vec![self.dir().join(format!("manifest/{version:020}.delta.json.tmp"))],
            Target::Merge => vec![self.dir().join("tmp/merge.parquet")],
            Target::Rows(number) => below(false, format!("{version:020}-{number:06}.parquet.tmp")),
            Target::Newest(number) => below(true, format!("{version:020}-{number:06}.last.tmp")),
        };
        let to = if device == Device::Full { "/dev/full" } else { "/dev/null" };
        for obstacle in &obstacles {
            // A merge in the background may be writing a file of this name.
            let _made = std::os::unix::fs::symlink(to, obstacle);
        }
        if let Err(error) = self.work(work) {
            self.refused(&error, device);
        }
        self.compare();
        for obstacle in &obstacles {
            if fs::symlink_metadata(obstacle).is_ok_and(|found| found.is_symlink()) {
                fs::remove_file(obstacle).unwrap();
            }
        }
        wait(self.store().flush()).unwrap();
        self.compare();
    }

    /// Damages a file: that is reported, and nothing is lost when the file is healed.
    fn damage(&mut self, mut dice: Dice) {
        self.store = None;
        let mut places = self.damageable();
        let (path, end) = places.swap_remove(dice.below(places.len()));
        let intact = fs::read(&path).unwrap();
        let mut damaged = intact.clone();
        let is_log = path.extension().is_some_and(|extension| extension == "wal");
        if !is_log && dice.below(4) == 0 {
            damaged.truncate(dice.below(end));
        } else {
            damaged[dice.below(end)] ^= 1 << dice.below(8);
        }
        fs::write(&path, &damaged).unwrap();
        self.figures.damages.fetch_add(1, Ordering::Relaxed);
        let in_manifest = path.starts_with(self.dir().join("manifest"));
        match check(self.dir(), |_| {}) {
            Ok(report) => {
                let expected = if in_manifest { path.parent().unwrap() } else { &path };
                let found = report.findings.iter().any(|finding| finding.path == expected);
                assert!(found, "{}: {report:?}", path.display());
            }
            Err(error) => assert!(error.to_string().contains(path.to_str().unwrap()), "{error}"),
        }
        // Values inside of a data file are not read at start, unless newest values are missing.
        let is_data = path.extension().is_some_and(|extension| extension == "parquet");
        match Store::open(config(self.dir())) {
            Ok(_) => assert!(is_data, "{}", path.display()),
            Err(error) => assert!(is_data || error.to_string().contains(path.to_str().unwrap()), "{error}"),
        }
        fs::write(&path, intact).unwrap();
        self.reopen();
    }

    /// The files in which any damage must be noticed, each with the bytes from its start of which that is true.
    fn damageable(&self) -> Vec<(PathBuf, usize)> {
        let mut places: Vec<(PathBuf, usize)> = Vec::new();
        let all = files(self.dir());
        let checkpoint = all.keys().filter(|path| path.to_string_lossy().ends_with(".checkpoint.json")).max().unwrap();
        let last_segment = all.keys().filter(|path| path.extension().is_some_and(|e| e == "wal")).max();
        let manifest = self.manifest();
        let tables = || manifest.state().tables.values();
        // Without a checksum only the size of a data file is known.
        let has_checksum =
            |file: &&FileEntry| serde_json::to_value(file).is_ok_and(|file| file.get("crc32c").is_some());
        let data = tables().flat_map(|table| table.files.iter().filter(has_checksum)).map(|file| &file.path);
        let named = data.chain(tables().flat_map(|table| table.last.iter().map(|last| &last.path)));
        let named: BTreeSet<PathBuf> = named.map(|path| self.dir().join(path)).collect();
        let version = |path: &Path| path.file_name().unwrap().to_str().unwrap()[..20].to_owned();
        for (path, bytes) in &all {
            let folder = path.strip_prefix(self.dir()).unwrap().components().next().unwrap();
            let end = match folder.as_os_str().to_str().unwrap() {
                "FORMAT" => bytes.trim_ascii_end().len(),
                "manifest" if path == checkpoint || version(path) > version(checkpoint) => bytes.len(),
                "data" if named.contains(path) => bytes.len(),
                // A damaged record at the very end cannot be told from one that was never synced.
                "wal" if Some(path) == last_segment => offsets(path).iter().rev().nth(1).copied().unwrap_or(0),
                "wal" => bytes.len(),
                _ => 0,
            };
            if end > 0 {
                places.push((path.clone(), end));
            }
        }
        places
    }
}

/// All files below a folder with what is in them, without the lock, what is being written, and what goes away meanwhile.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("LOCK")
                && !path.ends_with("tmp/merge.parquet")
                && path.extension().is_none_or(|extension| extension != "tmp")
                && let Ok(bytes) = fs::read(&path)
            {
                found.insert(path, bytes);
            }
        }
    }
    found
}

/// Makes of a file that nobody vouches for what the disk may make of it.
fn spoil(path: &Path, dice: &mut Dice) {
    let mut bytes = fs::read(path).unwrap();
    match dice.below(5) {
        0 => {}
        1 => fs::remove_file(path).unwrap(),
        2 => fs::write(path, &bytes[..dice.below(bytes.len() + 1)]).unwrap(),
        3 if !bytes.is_empty() => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            fs::write(path, bytes).unwrap();
        }
        _ => {
            fs::rename(path, crate::folder::temporary(path)).unwrap();
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_failing_disk_and_damage_is_reported() {
    let figures = Figures::default();
    let cases = proptest_config(40);
    let count = cases.cases;
    proptest!(cases, |(steps in vec(step(), 1..30))| {
        let mut simulation = Simulation::new(&figures);
        steps.into_iter().for_each(|step| simulation.step(step));
        wait(simulation.store().flush()).unwrap();
        wait(simulation.store().compact()).unwrap();
        simulation.step(Step::Restart);
    });
    let told = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
    let Figures { power_losses, unacknowledged, refused, damages } = &figures;
    let (power_losses, refused, damages) = (told(power_losses), told(refused), told(damages));
    let unacknowledged = told(unacknowledged);
    println!(
        "figures: simulated_cases={count} power_losses={power_losses} unacknowledged_kept={unacknowledged} \
         refused={refused} damages_reported={damages}"
    );
    assert!(power_losses > 0 && unacknowledged > 0 && refused > 0 && damages > 0, "this proves nothing");
}
