//! Five questions, each in both languages, whose answers are compared before the clock runs.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use serde_json::Value;

use super::endpoint::{Endpoint, Language};
use crate::pair::{Kind, Pair, turns};
use crate::percentiles::median;
use crate::trucks::{Made, START_SECONDS};

/// How far two numbers may differ, relative to the larger one: sums are made in different orders.
const TOLERANCE: f64 = 1e-9;

/// The position of every truck from what the server remembers.
const LAST_REMEMBERED: &str = "SELECT name, latitude, longitude FROM last('readings')";
/// The same from all readings.
const LAST_SEARCHED: &str = "SELECT name, last_value(latitude ORDER BY time) AS latitude, \
     last_value(longitude ORDER BY time) AS longitude FROM readings GROUP BY name";

/// A question.
pub(crate) struct Question {
    /// The name in the last lines of the report.
    pub(crate) key: &'static str,
    /// The question in words.
    pub(crate) words: &'static str,
    influxql: String,
    sql: String,
    /// Whether rows in InfluxQL have a time that was not asked for.
    has_time: bool,
}

impl Question {
    fn statement(&self, language: Language) -> &str {
        match language {
            Language::InfluxQl => &self.influxql,
            Language::Sql => &self.sql,
        }
    }
}

/// What came out.
pub(crate) struct Answered {
    pub(crate) question: Question,
    /// Rows of the answer, the same of both.
    pub(crate) rows: usize,
    /// The median time until the answer had been read, in milliseconds.
    pub(crate) median_ms: Pair<f64>,
}

/// The five questions, as this server understands them.
pub(crate) async fn questions(servers: &Pair<Endpoint>) -> Vec<Question> {
    let is_sql = servers.sensorium.language == Language::Sql;
    let remembers = is_sql && servers.sensorium.ask(LAST_REMEMBERED).await.is_ok();
    let start = "2024-01-01T00:00:00Z";
    let (hour, hour_and_half) = ("2024-01-01T01:00:00Z", "2024-01-01T01:30:00Z");
    debug_assert_eq!(START_SECONDS, 1_704_067_200, "the start in words");
    vec![
        Question {
            key: "query-last",
            words: "last position of every truck",
            influxql: "SELECT last(latitude) AS latitude, last(longitude) AS longitude FROM readings GROUP BY \"name\""
                .to_owned(),
            sql: if remembers { LAST_REMEMBERED } else { LAST_SEARCHED }.to_owned(),
            has_time: true,
        },
        Question {
            key: "query-truck-hour",
            words: "one truck's hour by minute",
            influxql: format!(
                "SELECT mean(velocity) FROM readings WHERE \"name\" = 'truck_42' AND time >= '{start}' AND \
                 time < '{hour}' GROUP BY time(1m) fill(none)"
            ),
            sql: format!(
                "SELECT date_bin(INTERVAL '1 minute', time) AS t, avg(velocity) FROM readings WHERE \
                 name = 'truck_42' AND time >= '{start}' AND time < '{hour}' GROUP BY t ORDER BY t"
            ),
            has_time: false,
        },
        Question {
            key: "query-groupby",
            words: "1.5 hours by 10 minutes per truck",
            influxql: format!(
                "SELECT mean(velocity) FROM readings WHERE time >= '{start}' AND time < '{hour_and_half}' \
                 GROUP BY time(10m), \"name\" fill(none)"
            ),
            sql: format!(
                "SELECT name, date_bin(INTERVAL '10 minutes', time) AS t, avg(velocity) FROM readings WHERE \
                 time >= '{start}' AND time < '{hour_and_half}' GROUP BY name, t ORDER BY name, t"
            ),
            has_time: false,
        },
        Question {
            key: "query-fleet",
            words: "three aggregates by fleet over everything",
            influxql: "SELECT mean(velocity), max(elevation), sum(fuel_consumption) FROM readings GROUP BY fleet"
                .to_owned(),
            sql: "SELECT fleet, avg(velocity), max(elevation), sum(fuel_consumption) FROM readings GROUP BY fleet \
                  ORDER BY fleet"
                .to_owned(),
            has_time: true,
        },
        Question {
            key: "query-filter",
            words: "a filter by value over everything",
            influxql: "SELECT \"name\", velocity FROM readings WHERE velocity > 99.5".to_owned(),
            sql: "SELECT time, name, velocity FROM readings WHERE velocity > 99.5".to_owned(),
            has_time: false,
        },
    ]
}

/// Fails unless both servers hold as many rows as were sent.
pub(crate) async fn check_counts(servers: &Pair<Endpoint>, sent: Made) -> Result<()> {
    for (table, field, sent) in
        [("readings", "latitude", sent.readings), ("diagnostics", "fuel_state", sent.diagnostics)]
    {
        for kind in [Kind::Peer, Kind::Sensorium] {
            let rows = servers.of(kind).rows(&format!("SELECT count({field}) FROM \"{table}\"")).await?;
            // InfluxDB says a time first.
            let stored = rows.first().and_then(|row| row.last()?.as_u64()).unwrap_or_default();
            ensure!(stored == sent, "{} holds {stored} rows of {table}, but {sent} were sent", servers.of(kind).name());
        }
    }
    Ok(())
}

/// Asks one question of both in turn, once to compare the answers and then so many times.
pub(crate) async fn run(
    servers: &Pair<Endpoint>,
    question: Question,
    rounds: u64,
    bar: &ProgressBar,
) -> Result<Answered> {
    let rows = compare(servers, &question).await.with_context(|| question.words)?;
    let mut times_ms: Pair<Vec<f64>> = Pair::default();
    for round in 0..rounds {
        for kind in turns(round) {
            let started = Instant::now();
            let server = servers.of(kind);
            server.ask(question.statement(server.language)).await?;
            times_ms.of_mut(kind).push(started.elapsed().as_secs_f64() * 1e3);
        }
        bar.inc(1);
    }
    Ok(Answered { question, rows, median_ms: times_ms.map(|times| median(times)) })
}

/// The number of rows of both answers, which must be the same in every value.
async fn compare(servers: &Pair<Endpoint>, question: &Question) -> Result<usize> {
    let theirs = rows(&servers.peer, question).await?;
    let ours = rows(&servers.sensorium, question).await?;
    ensure!(!ours.is_empty(), "the answer has no rows, so nothing would be measured");
    ensure!(theirs.len() == ours.len(), "InfluxDB answers {} rows, Sensorium {}", theirs.len(), ours.len());
    for (theirs, ours) in theirs.iter().zip(&ours) {
        let same = theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(a, b)| is_same(a, b));
        ensure!(same, "InfluxDB answers {theirs:?}, Sensorium {ours:?}");
    }
    Ok(ours.len())
}

/// The rows of an answer without a time that was not asked for, in an order of their own: the order is not a part of every
/// question, and names and times make a row unique.
async fn rows(server: &Endpoint, question: &Question) -> Result<Vec<Vec<Value>>> {
    let mut rows = server.rows(question.statement(server.language)).await?;
    if question.has_time && server.language == Language::InfluxQl {
        rows.iter_mut().filter(|row| row.len() > 1).for_each(|row| drop(row.remove(1)));
    }
    rows.sort_by_cached_key(|row| texts(row));
    Ok(rows)
}

fn texts(row: &[Value]) -> Vec<String> {
    row.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn is_same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_the_same_up_to_the_order_of_a_sum() {
        assert!(is_same(&json!(0.1 + 0.2), &json!(0.3)));
        assert!(is_same(&json!(2), &json!(2.0)));
        assert!(!is_same(&json!(1.0), &json!(1.000_000_01)));
        assert!(!is_same(&json!(null), &json!(0)));
        assert!(is_same(&json!("East"), &json!("East")) && !is_same(&json!("East"), &json!("West")));
    }
}
