//! A real InfluxDB (Debian's `influxdb`, 1.6.7 with the parser of 1.8) and Sensorium get the same line protocol and the same
//! statements, and have to answer the same.
//!
//! Some statements are picked by hand (`statements.txt`), others made out of the grammar with a fixed seed. Where answers are
//! meant to differ, the statement is in [`DIFFERENCES`] with the reason, which is also the table of
//! docs/influxdb-compatibility.md. Floats may differ in their last digits, because sums are added up in another order.

mod generated;
mod influxd;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::Value;

use self::influxd::Influxd;
use crate::support::{Server, block_on};

/// Picked by hand, one a line.
const PICKED: &str = include_str!("statements.txt");
/// How many are made.
const GENERATED: usize = 320;

/// Statements that are answered in another way, and why.
const DIFFERENCES: [(&str, &str); 5] = [
    (
        "SELECT abs(visitors) FROM climate WHERE room = 'hall' AND time >= 1700000607s LIMIT 3",
        "InfluxDB 1.6.7 leaves negative integers as they are",
    ),
    (
        "SELECT mode(visitors) FROM climate WHERE time >= 1700000000s AND time < 1700001800s GROUP BY time(10m, 3m)",
        "of values that are equally frequent the earliest is taken; InfluxDB takes the one that its sorting happens to leave first",
    ),
    (
        "SELECT temperature FROM climate WHERE time >= 1700000000s AND time < 1700001800s OFFSET 4",
        "all rows but four; InfluxDB gives one row, and its manual says that `OFFSET` needs `LIMIT`",
    ),
    ("SELECT temperature FROM /[/", "what is wrong with a regular expression is not told in InfluxDB's words"),
    (
        "SHOW TAG VALUES WITH KEY = room WHERE time < 1600000000s",
        "series are shown that have a newest value at or after the earliest moment that is asked for; the latest is not looked at",
    ),
];

/// 2023-11-14T22:13:20Z.
const START: i64 = 1_700_000_000;

/// No two series of a measurement have a reading at the same time: InfluxDB leaves open in which order those come.
fn lines() -> String {
    let mut text = String::new();
    for tick in 0..120_i64 {
        let time = |second: i64| (START + tick * 30 + second) * 1_000_000_000;
        for (index, room) in ["kitchen", "hall", "lab 1"].into_iter().enumerate() {
            let index = index as i64;
            // Gaps, so that there is something to fill.
            if (tick + index) % 7 == 3 || (40..60).contains(&tick) && index == 1 {
                continue;
            }
            let temperature = (180 + (tick * 37 + index * 91) % 70) as f64 / 8.0;
            let room = room.replace(' ', "\\ ");
            write!(text, "climate,room={room}").unwrap();
            if index < 2 {
                write!(text, ",floor={}", index + 1).unwrap();
            }
            write!(text, " temperature={temperature},visitors={}i,open={}", (tick * 13 + index) % 9 - 2, tick % 3 == 0)
                .unwrap();
            if tick % 4 == 0 {
                write!(text, ",note=\"{}\"", ["calm", "it's loud", ""][(tick / 4 % 3) as usize]).unwrap();
            }
            writeln!(text, " {}", time(index * 7)).unwrap();
        }
        if tick % 2 == 0 {
            writeln!(text, "power watts={} {}", (tick * tick % 97) as f64 * 12.5, time(3)).unwrap();
            writeln!(text, "power,room=hall watts={},total={}i {}", tick as f64 * 0.25, tick * 100, time(17)).unwrap();
        }
    }
    text.push_str("single,room=kitchen value=1 1700000000000000000\n");
    text.push_str("odd\\ name,a\\ tag=x\\,y a\\ field=1,b=\"text\" 1700000000000000000\n");
    text
}

/// All statements, each once.
fn statements() -> Vec<String> {
    let mut seen = BTreeSet::new();
    let picked = PICKED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned);
    let with_differences = DIFFERENCES.iter().map(|(statement, _)| (*statement).to_owned());
    let all = picked.chain(with_differences).chain(generated::statements(GENERATED));
    all.filter(|statement| seen.insert(statement.clone())).collect()
}

fn ask(server: &Server, statement: &str) -> Value {
    let query = [("db", "lab"), ("epoch", "ns"), ("q", statement)];
    let request = server.request(Method::GET, "/query").query(&query);
    block_on(async { request.send().await.unwrap().json().await.unwrap() })
}

/// Whether two answers mean the same.
fn are_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| are_same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| are_same(left, right)))
        }
        (Value::Number(left), Value::Number(right)) if left.is_f64() || right.is_f64() => {
            let (left, right) = (left.as_f64().unwrap(), right.as_f64().unwrap());
            (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1e-9)
        }
        _ => left == right,
    }
}

#[test]
fn answers_are_those_of_influxdb() {
    let (influxd, server) = (Influxd::start(), Server::start());
    influxd.change("CREATE DATABASE lab");
    influxd.write("lab", &lines());
    let made = server.request(Method::POST, "/query").query(&[("q", "CREATE DATABASE lab")]);
    assert!(!block_on(async { made.send().await.unwrap().text().await.unwrap() }).contains("error"));
    let (status, text) = server.write("lab", &lines());
    assert_eq!(status, 204, "{text}");

    let statements = statements();
    assert!(statements.len() >= 400, "{}", statements.len());
    let known: BTreeSet<&str> = DIFFERENCES.iter().map(|(statement, _)| *statement).collect();
    let mut wrong = String::new();
    let mut count = 0;
    for statement in &statements {
        let (wanted, got) = (influxd.ask("lab", statement), ask(&server, statement));
        if are_same(&wanted, &got) == known.contains(statement.as_str()) {
            count += 1;
            let what = if known.contains(statement.as_str()) { "is the same now" } else { "differs" };
            writeln!(wrong, "{statement} {what}\n  InfluxDB:  {wanted}\n  Sensorium: {got}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{count} of {} statements:\n{wrong}", statements.len());
}

#[test]
fn differences_are_few_and_documented() {
    assert!(DIFFERENCES.len() * 50 < statements().len(), "under 2 %");
    let page = include_str!("../../../../../docs/influxdb-compatibility.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let wanted: Vec<String> =
        DIFFERENCES.iter().map(|(statement, reason)| format!("| `{statement}` | {reason} |")).collect();
    assert_eq!(rows, wanted);
}

#[test]
fn what_differs_is_seen() {
    let number = |number: f64| serde_json::json!({"values": [[1, number, "a", null]]});
    assert!(are_same(&number(0.3), &number(0.1 + 0.2)));
    assert!(!are_same(&number(0.3), &number(0.3001)));
    assert!(!are_same(&serde_json::json!([1]), &serde_json::json!([2])));
    assert!(!are_same(&serde_json::json!({"a": 1}), &serde_json::json!({"a": 1, "b": 2})));
    assert!(!are_same(&serde_json::json!({"a": null}), &serde_json::json!({})));
}
