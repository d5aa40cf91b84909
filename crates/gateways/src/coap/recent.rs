//! When messages came first, so that one that is sent again after the process was killed is the same reading.
//!
//! While the process runs, the message layer knows a repeat of a peer's last messages and gives the same answer. What it forgets, or
//! what is gone with the process, would be stored again at another time if the reading says none of its own. So before readings are stored it is written down when
//! they came: a repeat has that time again, and writing a key of a row again changes nothing.
//!
//! Layout: two files that take turns, each a row of records of [`RECORD`] bytes: what the message is known by, when it came in
//! nanoseconds since the epoch, and both mixed as a check, all little-endian. A file is emptied when the other one is full. What
//! follows the first record whose check is wrong was never acknowledged.
//!
//! Invariants:
//! - a message is written down and synced before its reading is stored;
//! - who came within [`LIFETIME`] before the start is known for that long after it, as far as the files go back;
//! - what the process before wrote is used once: a peer that was started again, too, may begin with the same message.
//!
//! Limits: [`KNOWN`] messages of this process, for [`SPAN`]; `coap.journal_bytes` for both files. Where more messages come than fit, they go back less far.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sensorium_model::FastMap;
use thiserror::Error;
use tokio::sync::oneshot;

/// For how long a message may be sent again (EXCHANGE_LIFETIME, RFC 7252, section 4.8.2).
pub(super) const LIFETIME: Duration = Duration::from_secs(247);
/// For how long a message of this process is known: as long as its peer waits for an answer (MAX_TRANSMIT_WAIT, the same section).
const SPAN: Duration = Duration::from_secs(93);
/// Messages of this process that are known at most; beyond, the oldest are forgotten.
const KNOWN: usize = 65_536;
/// Bytes of a record.
const RECORD: usize = 24;
/// Makes the check of a record of zeros wrong.
const SALT: u64 = 0x5365_6e73_436f_4150;
const NAMES: [&str; 2] = ["coap-recent.0", "coap-recent.1"];

/// Why the files cannot be used.
#[derive(Debug, Error)]
#[error("the file {} cannot be used: {source}", path.display())]
pub struct RecentError {
    path: PathBuf,
    source: io::Error,
}

/// The disk took nothing.
#[derive(Debug, Error)]
#[error("it could not be written down that the message came; it is tried again when it is sent again")]
pub(super) struct NotNoted;

/// A message and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    /// What it is known by: a hash of its peer and all of it.
    pub(super) key: u64,
    pub(super) received_ns: i64,
}

/// Messages of the process before, and where new ones are written down.
pub(super) struct Recent {
    before: Mutex<FastMap<u64, i64>>,
    /// When nothing of the process before comes any more.
    until: Instant,
    known: Mutex<Known>,
    jobs: mpsc::Sender<Job>,
}

/// Messages of this process.
#[derive(Default)]
struct Known {
    received_ns: FastMap<u64, i64>,
    /// Each once, the oldest first.
    order: VecDeque<(Instant, u64)>,
}

impl Known {
    fn forget_old(&mut self, now: Instant, most: usize) {
        while let Some((at, key)) = self.order.front().copied()
            && (self.order.len() > most || now.duration_since(at) > SPAN)
        {
            self.order.pop_front();
            self.received_ns.remove(&key);
        }
    }

    fn first(&mut self, now: Instant, key: u64) -> Option<i64> {
        self.forget_old(now, KNOWN);
        self.received_ns.get(&key).copied()
    }

    fn add(&mut self, now: Instant, came: &[Came]) {
        self.forget_old(now, KNOWN);
        for Came { key, received_ns } in came {
            if self.received_ns.insert(*key, *received_ns).is_none() {
                self.order.push_back((now, *key));
            }
        }
        self.forget_old(now, KNOWN);
    }
}

struct Job {
    came: Arc<[Came]>,
    done: oneshot::Sender<bool>,
}

impl Recent {
    /// Reads what the process before wrote. Without `is_synced` the kernel's word is enough.
    pub(super) fn open(folder: &Path, bytes: u64, is_synced: bool, now_ns: i64) -> Result<Self, RecentError> {
        let (files, before) = Files::open(folder, bytes, is_synced, now_ns)?;
        let (jobs, taken) = mpsc::channel();
        let spawned = std::thread::Builder::new().name("coap-recent".to_owned()).spawn(move || work(files, &taken));
        spawned.map_err(|source| RecentError { path: folder.to_owned(), source })?;
        Ok(Self { before: Mutex::new(before), until: Instant::now() + LIFETIME, known: Mutex::default(), jobs })
    }

    /// When a message came that came before.
    pub(super) fn first(&self, key: u64) -> Option<i64> {
        let now = Instant::now();
        if let Some(received_ns) = self.known.lock().first(now, key) {
            return Some(received_ns);
        }
        let mut before = self.before.lock();
        if before.is_empty() {
            return None;
        }
        if now > self.until {
            *before = FastMap::default();
        }
        before.remove(&key)
    }

    /// Returns when it is on disk that these messages came.
    pub(super) async fn note(&self, came: Vec<Came>) -> Result<(), NotNoted> {
        let (done, noted) = oneshot::channel();
        let came: Arc<[Came]> = came.into();
        self.jobs.send(Job { came: came.clone(), done }).map_err(|_| NotNoted)?;
        match noted.await {
            Ok(true) => {
                self.known.lock().add(Instant::now(), &came);
                Ok(())
            }
            Ok(false) | Err(_) => Err(NotNoted),
        }
    }
}

/// Writes down what waits, with one sync for all of it, until nobody is left who could send.
fn work(mut files: Files, jobs: &mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let together: Vec<Job> = std::iter::once(first).chain(jobs.try_iter()).collect();
        let written = files.write(together.iter().flat_map(|job| job.came.iter()));
        if let Err(error) = &written {
            tracing::error!(%error, "it could not be written down which messages of CoAP came");
        }
        for job in together {
            // Whoever asked may have gone.
            let _gone = job.done.send(written.is_ok());
        }
    }
}

/// The two files.
struct Files {
    folder: PathBuf,
    file: File,
    /// Which of the names it has.
    turn: usize,
    bytes: u64,
    /// Of one file.
    most: u64,
    is_synced: bool,
    /// A sync failed, and what the disk holds is not known.
    is_broken: bool,
}

impl Files {
    fn open(folder: &Path, bytes: u64, is_synced: bool, now_ns: i64) -> Result<(Self, FastMap<u64, i64>), RecentError> {
        let mut before = FastMap::default();
        let (mut turn, mut newest, mut good) = (0, i64::MIN, 0);
        for (at, name) in NAMES.iter().enumerate() {
            let path = folder.join(name);
            let content = read(&path).map_err(|source| RecentError { path: path.clone(), source })?;
            let records = content.chunks_exact(RECORD).map_while(decode);
            let mut count = 0;
            let mut last = i64::MIN;
            for Came { key, received_ns } in records {
                count += RECORD as u64;
                last = last.max(received_ns);
                if now_ns.saturating_sub(received_ns).unsigned_abs() < nanoseconds(LIFETIME) {
                    before.entry(key).or_insert(received_ns);
                }
            }
            if last > newest {
                (turn, newest, good) = (at, last, count);
            }
        }
        let file = open(folder, turn, good)?;
        let most = (bytes / 2).max(RECORD as u64);
        let folder = folder.to_owned();
        Ok((Self { folder, file, turn, bytes: good, most, is_synced, is_broken: false }, before))
    }

    fn write<'c>(&mut self, came: impl Iterator<Item = &'c Came>) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("a sync failed before; start the server again"));
        }
        let mut content = Vec::new();
        came.for_each(|came| content.extend_from_slice(&encode(came)));
        if self.bytes + content.len() as u64 > self.most && self.bytes > 0 {
            let next = (self.turn + 1) % NAMES.len();
            self.file = open(&self.folder, next, 0).map_err(|error| error.source)?;
            (self.turn, self.bytes) = (next, 0);
        }
        if let Err(error) = self.file.write_all(&content) {
            // What is behind half a record could not be read.
            self.is_broken =
                self.file.set_len(self.bytes).is_err() || self.file.seek(SeekFrom::Start(self.bytes)).is_err();
            return Err(error);
        }
        if self.is_synced
            && let Err(error) = self.file.sync_data()
        {
            self.is_broken = true;
            return Err(error);
        }
        self.bytes += content.len() as u64;
        Ok(())
    }
}

/// Opens a file whose first bytes are good, and forgets the others.
fn open(folder: &Path, turn: usize, good: u64) -> Result<File, RecentError> {
    let path = folder.join(NAMES.get(turn).copied().unwrap_or_default());
    let opened = || -> io::Result<File> {
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        file.set_len(good)?;
        file.seek(SeekFrom::Start(good))?;
        File::open(folder)?.sync_all()?;
        Ok(file)
    };
    opened().map_err(|source| RecentError { path: path.clone(), source })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut content).map(|_| content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(content),
        Err(error) => Err(error),
    }
}

fn encode(came: &Came) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let numbers = [came.key, came.received_ns.cast_unsigned(), check(came)];
    for (to, number) in record.chunks_exact_mut(8).zip(numbers) {
        to.copy_from_slice(&number.to_le_bytes());
    }
    record
}

fn decode(record: &[u8]) -> Option<Came> {
    let mut numbers = record.chunks_exact(8).map(|bytes| bytes.try_into().map(u64::from_le_bytes));
    let mut next = || numbers.next()?.ok();
    let (key, received_ns, found) = (next()?, next()?.cast_signed(), next()?);
    let came = Came { key, received_ns };
    (found == check(&came)).then_some(came)
}

fn check(came: &Came) -> u64 {
    came.key.rotate_left(17) ^ came.received_ns.cast_unsigned().rotate_left(41) ^ SALT
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000_000_000;

    fn came(key: u64) -> Came {
        Came { key, received_ns: NOW + i64::try_from(key).unwrap() }
    }

    fn opened(folder: &Path, bytes: u64, now_ns: i64) -> (Files, FastMap<u64, i64>) {
        Files::open(folder, bytes, true, now_ns).unwrap()
    }

    #[test]
    fn what_was_written_is_known_for_as_long_as_it_may_come_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, before) = opened(folder.path(), 4_096, NOW);
        assert!(before.is_empty());
        files.write([came(1), came(2)].iter()).unwrap();
        drop(files);
        let (mut files, before) = opened(folder.path(), 4_096, NOW + 1_000_000_000);
        assert_eq!((before.len(), before.get(&2)), (2, Some(&(NOW + 2))));
        files.write([came(3)].iter()).unwrap();
        drop(files);
        assert_eq!(opened(folder.path(), 4_096, NOW).1.len(), 3);
        let later = NOW + i64::try_from(nanoseconds(LIFETIME)).unwrap() + 10;
        assert!(opened(folder.path(), 4_096, later).1.is_empty());
    }

    #[test]
    fn a_torn_record_and_what_is_behind_it_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let (mut files, _) = opened(folder.path(), 4_096, NOW);
        files.write([came(1), came(2)].iter()).unwrap();
        drop(files);
        let path = folder.path().join(NAMES[0]);
        for torn in [2 * RECORD - 1, RECORD + 8] {
            OpenOptions::new().write(true).open(&path).unwrap().set_len(torn as u64).unwrap();
            let (mut files, before) = opened(folder.path(), 4_096, NOW);
            assert_eq!(before.keys().collect::<Vec<_>>(), [&1]);
            files.write([came(3)].iter()).unwrap();
            assert_eq!(opened(folder.path(), 4_096, NOW).1.len(), 2);
        }
        // Zeros, as a file system leaves them, are no record.
        std::fs::write(&path, [0; RECORD]).unwrap();
        assert!(opened(folder.path(), 4_096, NOW).1.is_empty());
    }

    #[test]
    fn the_files_take_turns_and_stay_small() {
        let folder = tempfile::tempdir().unwrap();
        let most = 10 * RECORD as u64;
        let (mut files, _) = opened(folder.path(), most, NOW);
        for key in 0..100 {
            files.write([came(key)].iter()).unwrap();
            let sizes = NAMES.map(|name| std::fs::metadata(folder.path().join(name)).map_or(0, |file| file.len()));
            assert!(sizes.iter().sum::<u64>() <= most, "{sizes:?}");
        }
        drop(files);
        let (_, before) = opened(folder.path(), most, NOW);
        assert!((5..=10).contains(&before.len()) && before.contains_key(&99), "{before:?}");
    }

    #[tokio::test]
    async fn a_message_of_the_process_before_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let recent = Recent::open(folder.path(), 4_096, true, NOW).unwrap();
        recent.note(vec![came(7)]).await.unwrap();
        assert_eq!(
            (recent.first(7), recent.first(7)),
            (Some(NOW + 7), Some(NOW + 7)),
            "the message layer may forget it"
        );
        drop(recent);
        let recent = Recent::open(folder.path(), 4_096, true, NOW).unwrap();
        assert_eq!((recent.first(7), recent.first(8)), (Some(NOW + 7), None));
        assert_eq!(recent.first(7), None, "once");
    }

    #[test]
    fn of_this_process_the_newest_messages_are_known_for_a_while() {
        let (mut known, start) = (Known::default(), Instant::now());
        known.add(start, &[came(1), came(1), came(2)]);
        assert_eq!((known.first(start + SPAN, 1), known.order.len()), (Some(NOW + 1), 2));
        known.add(start + SPAN, &[came(3)]);
        let later = start + SPAN + Duration::from_millis(1);
        assert_eq!((known.first(later, 1), known.first(later, 3)), (None, Some(NOW + 3)));
        known.forget_old(later, 0);
        assert!(known.received_ns.is_empty() && known.order.is_empty());
    }
}
