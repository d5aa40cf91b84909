//! Acknowledged means stored: `kill -9` at any instant loses no acknowledged line, invents none and changes none.
//!
//! `SENSORIUM_KILLS` and `SENSORIUM_SEED` ask for more kills and other instants than a run of the tests has; `cargo xtask soak`
//! sets them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;

use crate::support::{Server, Start, block_on, sensorium, succeed};

const WRITERS: u64 = 6;
/// Lines of a request; each writer has another of them in each round.
const LINES: [u64; 3] = [1, 20, 200];
/// After so many kills the folder is checked as the kill left it.
const CHECK_EVERY: u64 = 10;

/// A request of a writer.
struct Request {
    /// The numbers of its lines.
    lines: Range<u64>,
    answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Acknowledged,
    /// Told to come back later.
    Refused,
    /// The server was killed before it answered: the lines may be there, all or none.
    Missing,
}

/// A number from the environment.
pub(crate) fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}: no number")))
}

/// Tells `cargo xtask soak` what was done.
#[expect(clippy::print_stdout, reason = "cargo xtask soak reads it; otherwise the test runner keeps it back")]
fn tell(kills: u64, acknowledged: u64) {
    println!("figures: kills={kills} rows_acknowledged={acknowledged} rows_lost=0");
}

fn start(data_dir: &Path, round: u64) -> Start {
    // Every other round flushes all the time, so that kills hit files that are being written and merged.
    let flush_bytes = if round.is_multiple_of(2) { 65_536 } else { 32 << 20 };
    Start::at(data_dir).quiet().set("store.flush_bytes", flush_bytes)
}

/// A value that names its line, so that a mix-up cannot go unnoticed.
fn value(round: u64, writer: u64, number: u64) -> f64 {
    (round * 100_000_000 + writer * 10_000_000 + number) as f64 + 0.25
}

/// Writes requests of `lines` lines, one behind the other, until the server is gone.
async fn write_until_killed(server: &Server, round: u64, writer: u64, lines: u64, killed: &AtomicBool) -> Vec<Request> {
    let mut sent = Vec::new();
    let mut first = 0;
    while !killed.load(Relaxed) {
        let numbers = first..first + lines;
        first = numbers.end;
        let mut body = String::new();
        for number in numbers.clone() {
            let (value, time) = (value(round, writer, number), 1_700_000_000_000 + number);
            body.push_str(&format!("load,round={round},writer={writer} number={number}i,value={value} {time}\n"));
        }
        let request = server.request(Method::POST, "/write?db=main&precision=ms").body(body);
        let answer = match request.send().await {
            Ok(response) if response.status() == 204 => Answer::Acknowledged,
            Ok(response) if response.status() == 429 => Answer::Refused,
            Ok(response) => panic!("round {round}: {} {:?}", response.status(), response.text().await),
            Err(_) => Answer::Missing,
        };
        sent.push(Request { lines: numbers, answer });
        if answer == Answer::Missing {
            break;
        }
    }
    sent
}

/// Compares what is stored of a round with what its writers were told; returns the number of acknowledged lines.
fn check(server: &Server, round: u64, sent: &[Vec<Request>]) -> u64 {
    let exists = server.query("SELECT count(*) FROM information_schema.tables WHERE table_name = 'load'");
    let mut stored: BTreeSet<(u64, u64)> = BTreeSet::new();
    if exists[0][0] == 1 {
        let sql = format!("SELECT writer, number, value FROM load WHERE round = '{round}'");
        for row in server.query(&sql) {
            let line: (u64, u64) = (row[0].as_str().unwrap().parse().unwrap(), row[1].as_u64().unwrap());
            assert_eq!(row[2].as_f64(), Some(value(round, line.0, line.1)), "round {round}: {row:?} was never sent");
            assert!(stored.insert(line), "round {round}: {row:?} is there twice");
        }
    }
    let mut acknowledged = 0;
    for (writer, sent) in (0..).zip(sent) {
        for Request { lines, answer } in sent {
            let found = lines.clone().filter(|number| stored.remove(&(writer, *number))).count() as u64;
            let all = lines.end - lines.start;
            let holds = match answer {
                Answer::Acknowledged => found == all,
                Answer::Refused => found == 0,
                Answer::Missing => found == 0 || found == all,
            };
            let what = "lines of a request are stored, and the answer was";
            assert!(holds, "round {round}, writer {writer}, lines {lines:?}: {found} of {all} {what} {answer:?}");
            acknowledged += if *answer == Answer::Acknowledged { all } else { 0 };
        }
    }
    assert!(stored.is_empty(), "round {round}: {stored:?} were never sent");
    acknowledged
}

/// `sensorium store check` finds nothing, whatever state a kill left.
fn check_folder(data_dir: &Path) {
    succeed(sensorium().args(["store", "check", "--data-dir"]).arg(data_dir));
}

#[test]
fn kill_at_random_instants_under_load_loses_no_acknowledged_line() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let (kills, seed) = (asked("SENSORIUM_KILLS", 50), asked("SENSORIUM_SEED", 0x5e45));
    let mut random = StdRng::seed_from_u64(seed);
    let mut rounds: Vec<Vec<Vec<Request>>> = Vec::new();
    for round in 0..kills {
        if round % 5 == 4 {
            // A kill during the start, wherever that is.
            let starting = start(&data_dir, round).spawn();
            std::thread::sleep(Duration::from_millis(random.random_range(0..250)));
            starting.kill();
        }
        let server = start(&data_dir, round).start();
        if let Some(previous) = rounds.last() {
            check(&server, round - 1, previous);
        }
        let life = Duration::from_millis(random.random_range(5..400));
        let lines: Vec<u64> = (0..WRITERS).map(|_| LINES[random.random_range(0..LINES.len())]).collect();
        let killed = AtomicBool::new(false);
        let sent = block_on(async {
            let writers = (0..).zip(&lines);
            let writers = writers.map(|(writer, lines)| write_until_killed(&server, round, writer, *lines, &killed));
            let kill = async {
                tokio::time::sleep(life).await;
                server.signal(rustix::process::Signal::KILL);
                killed.store(true, Relaxed);
            };
            futures::future::join(futures::future::join_all(writers), kill).await.0
        });
        server.kill();
        rounds.push(sent);
        if round % CHECK_EVERY == CHECK_EVERY - 1 {
            check_folder(&data_dir);
        }
    }
    let server = start(&data_dir, 0).start();
    let acknowledged: u64 = (0..).zip(&rounds).map(|(round, sent)| check(&server, round, sent)).sum();
    assert!(acknowledged > kills * 100, "only {acknowledged} lines were acknowledged: this proves nothing");
    assert_eq!(server.stop().code(), Some(0));
    check_folder(&data_dir);
    tell(kills, acknowledged);
}

#[test]
fn a_thousand_lines_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = Start::at(&data_dir).start();
    let lines: String = (0..1_000).map(|n| format!("t,k={n} v={n} {}\n", 1_700_000_000_000_000_000_u64 + n)).collect();
    assert_eq!(server.write("main", &lines), (204, String::new()));
    server.kill();
    let server = Start::at(&data_dir).start();
    assert_eq!(server.query("SELECT count(*) FROM t")[0][0], 1_000);
}
