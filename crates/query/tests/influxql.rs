//! What InfluxDB 1.8 answers to `SELECT`: each answer here was given by InfluxDB itself to the same lines.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails")]

mod support;

use futures::TryStreamExt;
use sensorium_model::{DatabaseName, DatabaseScope, Point, Value};
use sensorium_protocols::influxql::parse;
use sensorium_query::influxql::{Cell, InfluxqlRequest, Series};
use sensorium_query::{Asker, QueryError};
use support::{Bench, key, run};

/// 2023-11-14T22:13:20Z; times below are seconds after it.
const T0: i64 = 1_700_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn h2o(loc: &'static str, st: Option<&'static str>, second: i64, lvl: f64) -> Point<'static> {
    let point = Point::new("h2o", T0 + second * SECOND).tag("loc", loc);
    let point = if let Some(st) = st { point.tag("st", st) } else { point };
    point.field("lvl", Value::F64(lvl))
}

fn air(loc: &'static str, second: i64, t: f64, n: i64) -> Point<'static> {
    let point = Point::new("air", T0 + second * SECOND).tag("loc", loc);
    point.field("t", Value::F64(t)).field("n", Value::I64(n))
}

fn points() -> Vec<Point<'static>> {
    let d = |point: Point<'static>, d: &'static str| point.field("d", Value::Text(d.into()));
    let n = |point: Point<'static>, n: i64| point.field("n", Value::I64(n));
    let ok = |point: Point<'static>, ok: bool| point.field("ok", Value::Bool(ok));
    vec![
        d(n(h2o("cm", Some("a"), 0, 1.5), 3), "x"),
        d(n(h2o("cm", Some("a"), 60, 2.5), 5), "y"),
        n(h2o("cm", Some("b"), 60, 4.0), 1),
        ok(d(n(h2o("sm", None, 30, 8.25), 7), "x"), true),
        ok(n(h2o("sm", None, 180, 0.5), 9), false),
        h2o("cm", Some("a"), 240, 3.5),
        air("cm", 0, 20.0, 2),
        air("sm", 60, 21.0, 4),
    ]
}

async fn filled(points: &[Point<'_>]) -> Bench {
    let bench = Bench::new();
    bench.store.create_database(&key(bench.org, "t")).unwrap();
    bench.write_to(key(bench.org, "t"), points).await;
    bench
}

async fn in_memory() -> Bench {
    filled(&points()).await
}

async fn in_file() -> Bench {
    let bench = in_memory().await;
    bench.flush().await;
    bench
}

/// Some rows are in a file and in memory.
async fn in_both() -> Bench {
    let bench = filled(&points()[..3]).await;
    bench.flush().await;
    bench.write_to(key(bench.org, "t"), &points()).await;
    bench
}

fn request(bench: &Bench) -> InfluxqlRequest {
    InfluxqlRequest {
        org: bench.org,
        database: Some(DatabaseName::new("t").unwrap()),
        scope: DatabaseScope::All,
        asker: Asker::system(),
        now_ns: T0 + 400 * SECOND,
        chunk: None,
    }
}

async fn series(bench: &Bench, request: InfluxqlRequest, text: &str) -> Result<Vec<Series>, QueryError> {
    let statements = parse(text).unwrap();
    bench.engine.influxql(request, &statements[0]).await?.try_collect().await
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Time(0) => "epoch".to_owned(),
        Cell::Time(time) if (time - T0) % SECOND == 0 => ((time - T0) / SECOND).to_string(),
        Cell::Time(time) => format!("{}ns", time - T0),
        Cell::Float(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Cell::Float(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        Cell::Unsigned(value) => value.to_string(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Text(value) => value.to_string(),
    }
}

/// An answer as text: of each series its name, tags and columns, and a line for each row.
fn told(answer: &[Series]) -> Vec<String> {
    let mut lines = Vec::new();
    for series in answer {
        let tags: Vec<String> = series.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let tags = if tags.is_empty() { String::new() } else { format!("{{{}}}", tags.join(",")) };
        lines.push(format!("{}{tags}: {}", series.name, series.columns.join(",")));
        lines.extend(series.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")));
    }
    lines
}

/// What InfluxDB said, statement by statement.
fn answers() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut answers: Vec<(&str, Vec<&str>)> = Vec::new();
    let lines = include_str!("influxql_answers.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("> "), answers.last_mut()) {
            (Some(statement), _) => answers.push((statement, Vec::new())),
            (None, Some((_, answer))) => answer.push(line),
            (None, None) => panic!("{line} belongs to no statement"),
        }
    }
    answers
}

#[test]
fn every_answer_is_that_of_influxdb() {
    let answers = answers();
    assert!(answers.len() > 130, "{} statements", answers.len());
    run(async {
        let mut differences = Vec::new();
        for (rows, bench) in [("memory", in_memory().await), ("a file", in_file().await), ("both", in_both().await)] {
            for (statement, expected) in &answers {
                let got = match series(&bench, request(&bench), statement).await {
                    Ok(answer) => told(&answer),
                    Err(error) => vec![format!("! {error}")],
                };
                if got != *expected {
                    differences.push(format!("{statement} (rows in {rows})\n  {expected:?}\n  {got:?}"));
                }
            }
        }
        assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    });
}
