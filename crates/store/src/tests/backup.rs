//! Copies of a running store, and back.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::*;
use crate::{Backup, BackupError, BackupReport, backups, check, restore};

fn try_back_up(store: &Store, to: &Path, name: &str, keep: usize) -> Result<BackupReport, BackupError> {
    let mut backup = Backup::begin(to, name)?;
    wait(store.flush()).unwrap();
    let frozen = store.freeze().unwrap();
    let mut last = None;
    let copied = backup.copy(&frozen.folder, |progress| last = Some(progress));
    assert!(store.thaw(frozen.id).unwrap());
    copied?;
    let progress = last.unwrap();
    assert_eq!(progress.bytes, progress.total_bytes);
    backup.finish(keep)
}

pub(super) fn back_up(store: &Store, to: &Path, name: &str) -> BackupReport {
    try_back_up(store, to, name, 7).unwrap()
}

/// The rows of a restored backup, in which nothing is damaged.
fn restored(from: &Path, name: Option<&str>) -> BTreeSet<i64> {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("restored");
    restore(from, name, &to, |_| {}).unwrap();
    assert_eq!(check(&to, |_| {}).unwrap().findings, []);
    let (store, report) = Store::open(config(&to)).unwrap();
    assert_eq!((report.unknown_files, report.removed_files), (0, 0));
    let times: BTreeSet<i64> = read(&store, "t").into_keys().map(|(_, time)| time).collect();
    let newest = store.last_values(&key(), "t");
    assert_eq!(newest.first().map(|row| row.fields[0].time_ns), times.last().copied());
    // It takes writes like any other.
    write(&store, &[reading(1_000_000, 1.0)]);
    wait(store.shutdown()).unwrap();
    drop(store);
    assert_eq!(check(&to, |_| {}).unwrap().findings, []);
    times
}

/// Stops a writer, also when the test fails.
struct Stops<'s>(&'s AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[test]
fn what_was_acknowledged_before_a_backup_of_a_busy_store_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backups");
    let store = create(&folder.path().join("data"));
    let (acknowledged, stop) = (AtomicI64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for time in 1.. {
                write(&store, &[reading(time, 1.0)]);
                acknowledged.store(time, Ordering::SeqCst);
                if time % 7 == 0 {
                    wait(store.flush()).unwrap();
                }
                if time % 29 == 0 {
                    wait(store.compact()).unwrap();
                }
                if stop.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let _stops = Stops(&stop);
        for round in 0..8 {
            let before = acknowledged.load(Ordering::SeqCst);
            let name = format!("round-{round}");
            back_up(&store, &to, &name);
            let times = restored(&to, Some(&name));
            assert!((1..=before).all(|time| times.contains(&time)), "round {round}: {before} acknowledged, {times:?}");
            let all = times.last().copied().unwrap_or(0);
            assert_eq!(times.len() as i64, all, "round {round}: a row is missing before a later one");
        }
    });
    assert!(acknowledged.load(Ordering::SeqCst) > 50, "too few rows: this proves nothing");
    // A merge in the background may be writing its file still.
    wait(store.shutdown()).unwrap();
    assert_eq!(files(&folder.path().join("data/tmp")), [] as [PathBuf; 0]);
}

#[test]
fn only_new_files_are_copied_and_only_needed_ones_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backups");
    let store = create(&folder.path().join("data"));
    for time in 1..=3 {
        write(&store, &[reading(time, 1.0)]);
        wait(store.flush()).unwrap();
    }
    let first = back_up(&store, &to, "1");
    // The manifest is each backup's own.
    assert_eq!((first.rows, first.copied_files, first.files), (3, 3, 4));
    assert_eq!(back_up(&store, &to, "2").copied_files, 0);
    write(&store, &[reading(4, 1.0)]);
    assert_eq!(back_up(&store, &to, "3").copied_files, 1);
    wait(store.compact()).unwrap();
    let merged = back_up(&store, &to, "4");
    assert_eq!((merged.rows, merged.copied_files), (4, 1));
    let names = |to: &Path| backups(to).unwrap().into_iter().map(|backup| backup.name).collect::<Vec<_>>();
    assert_eq!(names(&to), ["1", "2", "3", "4"]);
    for (name, rows) in [("1", 3), ("2", 3), ("3", 4), ("4", 4)] {
        assert_eq!(restored(&to, Some(name)), (1..=rows).collect());
    }
    let of = |extension: &str| {
        let files = files(&to.join("data"));
        files.iter().filter(|path| path.extension().is_some_and(|found| found == extension)).count()
    };
    assert_eq!(of("parquet"), 5);
    let report = try_back_up(&store, &to, "5", 2).unwrap();
    assert_eq!((report.removed, names(&to)), (3, vec!["4".to_owned(), "5".to_owned()]));
    assert_eq!(of("parquet"), 1);
    assert_eq!(restored(&to, None), (1..=4).collect());
}

#[test]
fn an_interrupted_backup_leaves_the_earlier_ones_and_is_gone_with_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backups");
    let store = create(&folder.path().join("data"));
    write(&store, &[reading(1, 1.0)]);
    back_up(&store, &to, "1");
    write(&store, &[reading(2, 1.0)]);
    wait(store.flush()).unwrap();
    let frozen = store.freeze().unwrap();
    let mut backup = Backup::begin(&to, "2").unwrap();
    assert!(matches!(Backup::begin(&to, "3"), Err(BackupError::Folder(crate::OpenError::InUse { .. }))));
    backup.copy(&frozen.folder, |_| {}).unwrap();
    drop(backup);
    assert_eq!(backups(&to).unwrap().len(), 1);
    assert_eq!(restored(&to, None), [1].into());

    // A later backup ends the moment of one that nobody ended.
    let later = store.freeze().unwrap();
    assert!(!frozen.folder.exists() && later.folder.exists());
    assert!(!store.thaw(frozen.id).unwrap());
    back_up(&store, &to, "4");
    assert!(!to.join("backups/2").exists());
    assert_eq!(restored(&to, None), [1, 2].into());
}

#[test]
fn a_damaged_file_is_neither_backed_up_nor_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data"), folder.path().join("backups"));
    let store = create(&data);
    write(&store, &[reading(1, 1.0)]);
    back_up(&store, &to, "1");
    let parquet = |folder: &Path| {
        let files = files(folder);
        files.into_iter().rfind(|path| path.extension().is_some_and(|extension| extension == "parquet")).unwrap()
    };
    let flip = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    write(&store, &[reading(2, 1.0)]);
    wait(store.flush()).unwrap();
    flip(&parquet(&data));
    let error = try_back_up(&store, &to, "2", 7).unwrap_err().to_string();
    assert!(error.contains("does not match its checksum"), "{error}");
    assert_eq!(restored(&to, None), [1].into());

    flip(&parquet(&to));
    let restored = folder.path().join("restored");
    let error = restore(&to, None, &restored, |_| {}).unwrap_err().to_string();
    assert!(error.contains("does not match its checksum"), "{error}");
    assert!(matches!(Store::open(config(&restored)), Err(crate::OpenError::NotAStore { .. })));
}

#[test]
fn folders_that_are_something_else_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backups");
    let store = create(&folder.path().join("data"));
    write(&store, &[reading(1, 1.0)]);
    back_up(&store, &to, "1");
    let mine = folder.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("file"), "").unwrap();
    assert!(matches!(Backup::begin(&mine, "1"), Err(BackupError::NotEmpty { .. })));
    assert!(matches!(restore(&to, None, &mine, |_| {}), Err(BackupError::NotEmpty { .. })));
    assert!(matches!(restore(&mine, None, &folder.path().join("x"), |_| {}), Err(BackupError::NotABackup { .. })));
    let missing = restore(&to, Some("2"), &folder.path().join("x"), |_| {});
    assert!(matches!(missing, Err(BackupError::Missing { .. })));
    assert!(!folder.path().join("x").exists());

    // Another store has files of the same names.
    let other = create(&folder.path().join("other"));
    write(&other, &[reading(7, 7.0)]);
    let foreign = try_back_up(&other, &to, "2", 7);
    assert!(matches!(foreign, Err(BackupError::Foreign { .. })), "{foreign:?}");
    assert_eq!(restored(&to, None), [1].into());
}

#[test]
fn a_list_that_leads_out_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backups");
    let store = create(&folder.path().join("data"));
    back_up(&store, &to, "1");
    let path = to.join("backups/1/backup.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let backup = text.split_once(r#""backup":"#).unwrap().1.strip_suffix('}').unwrap();
    let backup = backup.replacen(r#""restored":"manifest"#, r#""restored":"../manifest"#, 1);
    std::fs::write(&path, format!(r#"{{"crc32c":"{:08x}","backup":{backup}}}"#, crc32c::crc32c(backup.as_bytes())))
        .unwrap();
    let error = restore(&to, None, &folder.path().join("restored"), |_| {}).unwrap_err().to_string();
    assert!(error.contains("is not below the folder"), "{error}");
}
