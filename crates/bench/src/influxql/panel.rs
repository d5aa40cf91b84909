//! What Grafana asks to draw a panel of the laboratory's readings: two statements in one request, times in milliseconds.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::influx::endpoint::Endpoint;
use crate::influx::queries::is_same;
use crate::pair::{Pair, turns};
use crate::percentiles::median;
use crate::trucks::START_SECONDS;

/// The laboratory's database.
pub(crate) const DATABASE: &str = "dht";
/// Its tables, each with the value that it begins with.
const TABLES: [(&str, f64); 2] = [("temperature", 21.0), ("humidity", 45.0)];
/// A reading comes every so many seconds.
const EVERY_SECONDS: u64 = 5;
const WEEK_SECONDS: u64 = 7 * 24 * 3_600;
/// Readings of each table in one body.
const READINGS_A_BODY: u64 = 5_000;

/// How much of the week a panel shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) words: &'static str,
    pub(crate) key: &'static str,
    seconds: u64,
}

/// What is measured.
pub(crate) const SPANS: [Span; 2] = [
    Span { words: "Grafana's panel of the last 30 minutes", key: "influxql-panel", seconds: 1_800 },
    Span { words: "Grafana's panel of the whole week", key: "influxql-panel-week", seconds: WEEK_SECONDS },
];

/// A week of readings of both tables as line protocol.
pub(crate) fn week(seed: u64) -> Vec<Bytes> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut values = TABLES.map(|(_, value)| value);
    let (mut bodies, mut body) = (Vec::new(), String::new());
    let readings = WEEK_SECONDS / EVERY_SECONDS;
    for number in 0..readings {
        let seconds = START_SECONDS + number * EVERY_SECONDS;
        for ((table, _), value) in TABLES.iter().zip(&mut values) {
            *value += rng.random_range(-0.2..0.2);
            // Writing to a string cannot fail.
            let _ = writeln!(body, "{table},place=room1 value={value:.1} {seconds}000000000");
        }
        if (number + 1).is_multiple_of(READINGS_A_BODY) || number + 1 == readings {
            bodies.push(Bytes::from(std::mem::take(&mut body)));
        }
    }
    bodies
}

/// Both statements of a panel, with a condition on time.
pub(crate) fn statements(time: &str) -> String {
    let statement = |table: &str| {
        format!(
            "SELECT mean(\"value\") FROM \"{DATABASE}\".\"autogen\".\"{table}\" WHERE (\"place\"::tag = 'room1') AND {time} \
             GROUP BY time(10s) fill(previous)"
        )
    };
    TABLES.map(|(table, _)| statement(table)).join(";")
}

/// Asks both for a panel as Grafana does.
pub(crate) async fn ask(server: &Endpoint, statements: &str) -> Result<Bytes> {
    server.ask_with(statements, &[("epoch", "ms")]).await
}

/// Points of a panel, the same of both, and the median time until its answer had been read, in milliseconds.
pub(crate) async fn run(servers: &Pair<Endpoint>, span: Span, rounds: u64) -> Result<(usize, Pair<f64>)> {
    let end = START_SECONDS + WEEK_SECONDS;
    // A panel whose time was chosen; one of the last half hour says now() and reads the same.
    let statements = statements(&format!("time >= {}000ms AND time <= {end}000ms", end - span.seconds));
    let points = compare(servers, &statements).await.context(span.words)?;
    let mut times_ms: Pair<Vec<f64>> = Pair::default();
    for round in 0..rounds {
        for kind in turns(round) {
            let started = Instant::now();
            ask(servers.of(kind), &statements).await?;
            times_ms.of_mut(kind).push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok((points, times_ms.map(|times| median(times))))
}

async fn compare(servers: &Pair<Endpoint>, statements: &str) -> Result<usize> {
    let theirs: Value = serde_json::from_slice(&ask(&servers.peer, statements).await?)?;
    let ours: Value = serde_json::from_slice(&ask(&servers.sensorium, statements).await?)?;
    let points = points(&theirs);
    ensure!(points > 0, "the answer has no points, so nothing would be measured: {theirs}");
    if let Some((theirs, ours)) = difference(&theirs, &ours) {
        bail!("InfluxDB answers {theirs}, Sensorium {ours}");
    }
    Ok(points)
}

/// Points of all series.
fn points(answer: &Value) -> usize {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let series = list(answer.get("results")).into_iter().flat_map(|result| list(result.get("series")));
    series.map(|series| list(series.get("values")).len()).sum()
}

/// The first parts of two answers that are not the same.
fn difference<'v>(a: &'v Value, b: &'v Value) -> Option<(&'v Value, &'v Value)> {
    match (a, b) {
        (Value::Array(these), Value::Array(those)) if these.len() == those.len() => {
            these.iter().zip(those).find_map(|(a, b)| difference(a, b))
        }
        (Value::Object(these), Value::Object(those)) if these.len() == those.len() => {
            these.iter().find_map(|(key, a)| difference(a, those.get(key).unwrap_or(&Value::Null)))
        }
        _ => (!is_same(a, b)).then_some((a, b)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_week_has_a_reading_of_each_table_every_five_seconds() {
        let bodies = week(1);
        let text: Vec<&str> = bodies.iter().map(|body| std::str::from_utf8(body).unwrap()).collect();
        let lines: Vec<&str> = text.iter().flat_map(|body| body.lines()).collect();
        assert_eq!(lines.len(), 2 * 120_960);
        assert!(lines[0].starts_with("temperature,place=room1 value=") && lines[0].ends_with(" 1704067200000000000"));
        assert!(lines[3].starts_with("humidity,place=room1 value=") && lines[3].ends_with(" 1704067205000000000"));
        assert_eq!(bodies, week(1));
    }

    #[test]
    fn a_panel_is_two_statements() {
        assert_eq!(
            statements("time >= now() - 30m AND time <= now()").split(';').next().unwrap(),
            "SELECT mean(\"value\") FROM \"dht\".\"autogen\".\"temperature\" WHERE (\"place\"::tag = 'room1') AND \
             time >= now() - 30m AND time <= now() GROUP BY time(10s) fill(previous)"
        );
    }

    #[test]
    fn answers_are_compared_to_their_last_point() {
        let answer =
            |value: Value| json!({"results": [{"statement_id": 0, "series": [{"values": [[0, 1.5], [10, value]]}]}]});
        let (a, b) = (answer(json!(2)), answer(json!(2.0)));
        assert_eq!(difference(&a, &b), None);
        assert_eq!(difference(&a, &answer(json!(3))), Some((&json!(2), &json!(3))));
        assert!(difference(&a, &json!({"results": []})).is_some());
        assert_eq!(points(&a), 2);
    }
}
