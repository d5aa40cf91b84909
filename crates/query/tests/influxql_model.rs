//! What DataFusion makes of bins is what the reader of rows makes of them: the same question, asked with a condition that
//! only the reader understands, has the same answer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails")]

mod support;

use futures::TryStreamExt;
use proptest::prelude::*;
use sensorium_model::{DatabaseName, DatabaseScope, Point, Value};
use sensorium_protocols::influxql::parse;
use sensorium_query::Asker;
use sensorium_query::influxql::{InfluxqlRequest, Series};
use support::{Bench, START, run};

const SECOND: i64 = 1_000_000_000;
const PLACES: [Option<&str>; 4] = [None, Some("a"), Some("b"), Some("ab")];
const KINDS: [Option<&str>; 3] = [None, Some("x"), Some("y")];

#[derive(Debug, Clone)]
struct Reading {
    place: Option<&'static str>,
    kind: Option<&'static str>,
    second: i64,
    value: i64,
    whole: Option<i64>,
}

fn reading() -> impl Strategy<Value = Reading> {
    let tags = (proptest::sample::select(&PLACES[..]), proptest::sample::select(&KINDS[..]));
    (tags, 0i64..90, -20i64..20, proptest::option::of(-3i64..3))
        .prop_map(|((place, kind), second, value, whole)| Reading { place, kind, second, value, whole })
}

fn point(reading: &Reading) -> Point<'_> {
    let mut point = Point::new("t", START + reading.second * SECOND);
    for (name, value) in [("place", reading.place), ("kind", reading.kind)] {
        if let Some(value) = value {
            point = point.tag(name, value);
        }
    }
    if let Some(whole) = reading.whole {
        point = point.field("n", Value::I64(whole));
    }
    // Small numbers, whose sums are exact in any order.
    point.field("v", Value::F64(reading.value as f64 / 4.0))
}

async fn ask(bench: &Bench, text: &str) -> Vec<Series> {
    let request = InfluxqlRequest {
        org: bench.org,
        database: Some(DatabaseName::new("main").unwrap()),
        scope: DatabaseScope::All,
        asker: Asker::system(),
        now_ns: START + 100 * SECOND,
        chunk: None,
    };
    let statements = parse(text).unwrap();
    match bench.engine.influxql(request, &statements[0]).await {
        Ok(answer) => answer.try_collect().await.unwrap(),
        Err(error) => panic!("{text}: {error} ({error:?})"),
    }
}

fn what() -> impl Strategy<Value = String> {
    let function = proptest::sample::select(
        &["count", "sum", "mean", "min", "max", "spread", "first", "last", "median", "stddev", "mode"][..],
    );
    let call = (function, proptest::sample::select(&["v", "n"][..])).prop_map(|(name, of)| format!("{name}({of})"));
    proptest::collection::vec(call, 1..4).prop_map(|calls| calls.join(", "))
}

fn bins() -> impl Strategy<Value = String> {
    let fill = proptest::sample::select(
        &["", " fill(none)", " fill(previous)", " fill(linear)", " fill(3)", " fill(0.5)"][..],
    );
    let by = proptest::sample::select(&["", "place", "kind, place", "*"][..]);
    let every = proptest::sample::select(&["", "time(7s)", "time(20s, 3s)"][..]);
    let order = proptest::sample::select(&["", " ORDER BY time DESC", " LIMIT 3 OFFSET 1"][..]);
    (every, by, fill, order).prop_map(|(every, by, fill, order)| {
        let dimensions: Vec<&str> = [every, by].into_iter().filter(|part| !part.is_empty()).collect();
        let group = if dimensions.is_empty() { String::new() } else { format!(" GROUP BY {}", dimensions.join(", ")) };
        format!("{group}{fill}{order}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bins_of_a_plan_are_those_of_its_rows(
        readings in proptest::collection::vec(reading(), 1..60),
        statements in proptest::collection::vec((what(), bins()), 1..8),
        is_flushed in any::<bool>(),
    ) {
        run(async {
            let bench = Bench::new();
            bench.write(&readings.iter().map(point).collect::<Vec<_>>()).await;
            if is_flushed {
                bench.flush().await;
            }
            for (what, bins) in &statements {
                let time = format!("time >= {} AND time < {}", START + 5 * SECOND, START + 80 * SECOND);
                let planned = format!("SELECT {what} FROM t WHERE {time}{bins}");
                // Every row has a value of `v`, so that this leaves out none.
                let read = format!("SELECT {what} FROM t WHERE {time} AND v + 1 > -1000{bins}");
                prop_assert_eq!(ask(&bench, &planned).await, ask(&bench, &read).await, "{}", planned);
            }
            Ok(())
        })?;
    }
}
