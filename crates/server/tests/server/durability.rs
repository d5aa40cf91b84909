//! Acknowledged means stored: `kill -9` at any instant loses no acknowledged line, invents none and changes none.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;

use crate::support::{Server, Start, block_on};

const ROUNDS: u64 = 50;
const WRITERS: u64 = 6;
const LINES_PER_REQUEST: u64 = 20;

/// What a writer has sent and what of it was acknowledged: number to value.
#[derive(Default)]
struct Sent {
    all: BTreeMap<u64, f64>,
    acknowledged: BTreeMap<u64, f64>,
}

fn start(data_dir: &Path, round: u64) -> Start {
    // Every other round flushes all the time, so that kills hit files that are being written.
    let flush_bytes = if round.is_multiple_of(2) { 65_536 } else { 32 << 20 };
    Start::at(data_dir).quiet().set("store.flush_bytes", flush_bytes)
}

/// A value that names its line, so that a mix-up cannot go unnoticed.
fn value(round: u64, writer: u64, number: u64) -> f64 {
    (round * 1_000_000 + writer * 100_000 + number) as f64 + 0.25
}

async fn write_until_killed(server: &Server, round: u64, writer: u64, killed: &AtomicBool) -> Sent {
    let mut sent = Sent::default();
    let mut number = 0;
    while !killed.load(Relaxed) {
        let mut lines = String::new();
        let first = number;
        for _ in 0..LINES_PER_REQUEST {
            let (value, time) = (value(round, writer, number), 1_700_000_000_000 + number);
            lines.push_str(&format!("load,round={round},writer={writer} number={number}i,value={value} {time}\n"));
            sent.all.insert(number, value);
            number += 1;
        }
        let request = server.request(Method::POST, "/write?db=main&precision=ms").body(lines);
        match request.send().await {
            Ok(response) if response.status() == 204 => {
                let acknowledged = (first..number).map(|number| (number, value(round, writer, number)));
                sent.acknowledged.extend(acknowledged);
            }
            // Told to come back later is no acknowledgement.
            Ok(response) if response.status() == 429 => {}
            Ok(response) => panic!("round {round}: {} {:?}", response.status(), response.text().await),
            Err(_) => break,
        }
    }
    sent
}

fn check(server: &Server, round: u64, sent: &[Sent]) {
    let exists = server.query("SELECT count(*) FROM information_schema.tables WHERE table_name = 'load'");
    let mut stored: BTreeMap<(u64, u64), f64> = BTreeMap::new();
    if exists[0][0] == 1 {
        let sql = format!("SELECT writer, number, value FROM load WHERE round = '{round}'");
        for row in server.query(&sql) {
            let writer = row[0].as_str().unwrap().parse().unwrap();
            let twice = stored.insert((writer, row[1].as_u64().unwrap()), row[2].as_f64().unwrap());
            assert!(twice.is_none(), "round {round}: {row:?} is there twice");
        }
    }
    for (writer, sent) in (0..).zip(sent) {
        for (number, value) in &sent.acknowledged {
            let found = stored.get(&(writer, *number));
            assert_eq!(found, Some(value), "round {round}: writer {writer}, line {number} was acknowledged");
        }
    }
    for ((writer, number), value) in stored {
        let was_sent = sent[writer as usize].all.get(&number);
        assert_eq!(was_sent, Some(&value), "round {round}: writer {writer}, line {number} was never sent like this");
    }
}

#[test]
fn kill_at_fifty_random_instants_under_load_loses_no_acknowledged_line() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let mut random = StdRng::seed_from_u64(0x5e45);
    let mut rounds: Vec<Vec<Sent>> = Vec::new();
    for round in 0..ROUNDS {
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
        let killed = AtomicBool::new(false);
        let sent = block_on(async {
            let writers = (0..WRITERS).map(|writer| write_until_killed(&server, round, writer, &killed));
            let kill = async {
                tokio::time::sleep(life).await;
                server.signal(rustix::process::Signal::KILL);
                killed.store(true, Relaxed);
            };
            futures::future::join(futures::future::join_all(writers), kill).await.0
        });
        server.kill();
        rounds.push(sent);
    }
    let server = start(&data_dir, 0).start();
    let mut acknowledged = 0;
    for (round, sent) in (0..).zip(&rounds) {
        check(&server, round, sent);
        acknowledged += sent.iter().map(|sent| sent.acknowledged.len()).sum::<usize>();
    }
    assert!(acknowledged > 5_000, "only {acknowledged} lines were acknowledged: this proves nothing");
    assert_eq!(server.stop().code(), Some(0));
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
