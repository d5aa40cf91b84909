//! What a client may take: connections, time to say who it is, the size of a message, statements, queries of those who left.

use super::raw::Raw;
use super::{ENDLESS, fill, psql, rows};
use crate::support::{Start, TOKEN, wait_for};

#[test]
fn a_thousand_who_never_say_who_they_are_keep_nobody_out_for_long() {
    let server = Start::new().quiet().postgres().set("postgres.startup_ms", 500).set("postgres.starting", 200).start();
    fill(&server);
    let silent: Vec<Raw> = (0..1_000).map(|_| Raw::connect(&server)).collect();
    assert_eq!(rows(&server, "SELECT count(*) FROM room"), ["2"]);
    // Each is closed once its time is over.
    for mut raw in silent {
        assert!(raw.until_closed().is_empty());
    }
}

#[test]
fn more_than_may_connect_are_told_so() {
    let server = Start::new().quiet().postgres().set("postgres.connections", 2).start();
    let held = [Raw::enter(&server), Raw::enter(&server)];
    let output = psql(&server, ("token", TOKEN), "main").args(["-c", "SELECT 1"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("postgres.connections"), "{said}");
    drop(held);
    wait_for("a place is free", || {
        let output = psql(&server, ("token", TOKEN), "main").args(["-c", "SELECT 1"]).output().unwrap();
        output.status.success().then_some(())
    });
}

#[test]
fn messages_statements_and_idle_connections_are_bounded() {
    let server = Start::new().quiet().postgres().set("postgres.message_bytes", 2_000).set("postgres.statements", 3);
    let server = server.set("postgres.idle_seconds", 1).start();
    let mut raw = Raw::enter(&server);
    raw.send(b'Q', &[b"SELECT '", &[b'x'; 2_000][..], b"'\0"].concat());
    let answer = String::from_utf8_lossy(&raw.until_closed()).into_owned();
    assert!(answer.contains("postgres.message_bytes"), "{answer}");

    let mut raw = Raw::enter(&server);
    for name in ["a", "b", "c", "d"] {
        raw.send(b'P', &[name.as_bytes(), b"\0SELECT 1\0\0\0"].concat());
    }
    raw.send(b'S', b"");
    let kinds: Vec<u8> = (0..5).map(|_| raw.message().0).collect();
    assert_eq!(kinds, b"111EZ");
    // Nothing more is asked.
    let answer = String::from_utf8_lossy(&raw.until_closed()).into_owned();
    assert!(answer.contains("57P05") && answer.contains("postgres.idle_seconds"), "{answer}");
}

#[test]
fn whoever_leaves_ends_the_query() {
    let server = Start::new().quiet().postgres().start();
    fill(&server);
    let mut raw = Raw::enter(&server);
    raw.send(b'Q', &[ENDLESS.as_bytes(), b"\0"].concat());
    wait_for("the query runs", || (rows(&server, "SHOW QUERIES").len() == 1).then_some(()));
    drop(raw);
    wait_for("the query has ended", || rows(&server, "SHOW QUERIES").is_empty().then_some(()));
}

#[test]
fn a_server_that_stops_says_so_and_stops() {
    let server = Start::new().quiet().postgres().start();
    let mut raw = Raw::enter(&server);
    server.signal(rustix::process::Signal::TERM);
    let answer = String::from_utf8_lossy(&raw.until_closed()).into_owned();
    assert!(answer.contains("57P01"), "{answer}");
    let mut server = server;
    assert!(server.wait().success());
}

#[test]
fn a_long_answer_waits_for_its_client() {
    let server = Start::new().quiet().postgres().start();
    let mut command = psql(&server, ("token", TOKEN), "main");
    let sql = "SELECT value, 'some text that takes room' FROM generate_series(1, 900000)";
    let output = command.args(["-v", "FETCH_COUNT=0", "-c", sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 900_000);
}
