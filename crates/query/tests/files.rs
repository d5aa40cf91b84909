//! Answers from files, whose times and decimals stand in smaller types than the table's.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a missing column fails the test")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::prelude::*;
use sensorium_model::{Point, Value};
use support::{Bench, START, run};

/// The units that times are drawn in.
const UNITS: [i64; 4] = [1, 1_000, 1_000_000, 1_000_000_000];

/// Time and value of each row, the value bit by bit.
fn rows(batches: &[RecordBatch]) -> Vec<(i64, Option<u64>)> {
    let of = |batch: &RecordBatch| {
        let (times, values) =
            (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Float64Type>());
        let value = |row| values.is_valid(row).then(|| values.value(row).to_bits());
        (0..batch.num_rows()).map(|row| (times.value(row), value(row))).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of).collect()
}

async fn ask(bench: &Bench, rest: &str) -> Vec<(i64, Option<u64>)> {
    let sql = format!("SELECT CAST(time AS BIGINT) AS at, f FROM t {rest}");
    match bench.batches(bench.request(&sql)).await {
        Ok(batches) => rows(&batches),
        Err(error) => panic!("{sql}: {error} ({error:?})"),
    }
}

/// A double that can be stored, of a kind that a column may be made of.
fn value(digits: i32) -> impl Strategy<Value = f64> {
    let special = prop_oneof![Just(-0.0), Just(0.1 + 0.2), Just(1e300), Just(5e-324), Just(-1e16)];
    prop_oneof![
        200 => (-3_000_i64..3_000).prop_map(move |integer| integer as f64 / 10_f64.powi(digits)),
        1 => special,
        1 => any::<f64>().prop_filter("finite", |value| value.is_finite()),
    ]
}

/// The rows of a file: offsets of times in a unit, and values.
fn file() -> impl Strategy<Value = (i64, Vec<(i64, Option<f64>)>)> {
    (0..UNITS.len(), 0..10).prop_flat_map(|(unit, digits)| {
        let row = (-40_i64..40, proptest::option::weighted(0.9, value(digits)));
        (Just(UNITS[unit]), proptest::collection::vec(row, 1..60))
    })
}

/// A time near those of the rows, mostly between two of their units.
fn bound() -> impl Strategy<Value = i64> {
    (0..UNITS.len(), -45_i64..45, prop_oneof![Just(0), -2_i64..3, -600_000_i64..600_000])
        .prop_map(|(unit, count, rest)| START + count * UNITS[unit] + rest)
}

fn literal(time: i64) -> String {
    format!("to_timestamp_nanos({time})")
}

const OPERATORS: [&str; 6] = ["<", "<=", ">", ">=", "=", "<>"];

fn holds<T: PartialOrd>(a: T, operator: &str, b: T) -> bool {
    match operator {
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        ">=" => a >= b,
        "=" => a == b,
        _ => a != b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_give_back_every_bit_and_no_predicate_loses_a_row(
        files in proptest::collection::vec(file(), 1..4),
        bounds in proptest::collection::vec((bound(), 0..OPERATORS.len()), 8),
        thresholds in proptest::collection::vec((value(2), 0..OPERATORS.len()), 6),
    ) {
        run(async {
            let bench = Bench::new();
            let mut model: BTreeMap<i64, Option<u64>> = BTreeMap::new();
            for (unit, rows) in &files {
                let points: Vec<Point<'_>> = rows
                    .iter()
                    .map(|(count, value)| {
                        let point = Point::new("t", START + count * unit).field("other", Value::I64(1));
                        value.iter().fold(point, |point, value| point.field("f", Value::F64(*value)))
                    })
                    .collect();
                for (point, (_, value)) in points.iter().zip(rows) {
                    let stored = model.entry(point.time_ns).or_default();
                    *stored = value.map(f64::to_bits).or(*stored);
                }
                bench.write(&points).await;
                bench.flush().await;
            }
            bench.write(&[Point::new("t", START + i64::from(u32::MAX) * 1_000).field("f", Value::F64(0.5))]).await;
            model.insert(START + i64::from(u32::MAX) * 1_000, Some(0.5_f64.to_bits()));
            let matching = |keep: &dyn Fn(i64, Option<f64>) -> bool| -> Vec<(i64, Option<u64>)> {
                model.iter().filter(|(time, value)| keep(**time, value.map(f64::from_bits))).map(|(t, v)| (*t, *v)).collect()
            };
            prop_assert_eq!(ask(&bench, "ORDER BY time").await, matching(&|_, _| true));
            for (time, operator) in &bounds {
                let operator = OPERATORS[*operator];
                let expected = matching(&|at, _| holds(at, operator, *time));
                let rest = format!("WHERE time {operator} {} ORDER BY time", literal(*time));
                prop_assert_eq!(ask(&bench, &rest).await, expected.clone(), "{}", rest);
                // The comparison as a value, computed where the file is read.
                let sql = format!("SELECT count(*) FROM (SELECT time {operator} {} AS b FROM t) WHERE b", literal(*time));
                prop_assert_eq!(bench.ask(&sql).await, [expected.len().to_string()], "{}", sql);
                let sql = format!("SELECT sum(CASE WHEN time {operator} {} THEN 1 ELSE 0 END) FROM t", literal(*time));
                prop_assert_eq!(bench.ask(&sql).await, [expected.len().to_string()], "{}", sql);
            }
            for (threshold, operator) in thresholds.iter().filter(|(threshold, _)| *threshold != 0.0) {
                let operator = OPERATORS[*operator];
                let expected = matching(&|_, value| value.is_some_and(|value| holds(value, operator, *threshold)));
                let rest = format!("WHERE f {operator} CAST('{threshold:e}' AS DOUBLE) ORDER BY time");
                prop_assert_eq!(ask(&bench, &rest).await, expected, "{}", rest);
            }
            let newest = matching(&|_, _| true).into_iter().rev().take(3).collect::<Vec<_>>();
            prop_assert_eq!(ask(&bench, "ORDER BY time DESC LIMIT 3").await, newest);
            let oldest = matching(&|_, _| true).into_iter().take(3).collect::<Vec<_>>();
            prop_assert_eq!(ask(&bench, "ORDER BY time LIMIT 3").await, oldest);
            Ok(())
        })?;
    }
}

/// Pages that statistics were asked for, and those that were left after it, as a plan with metrics says.
fn pages(plan: &str) -> Option<(u64, u64)> {
    let (_, rest) = plan.split_once("page_index_pages_pruned=")?;
    let (total, rest) = rest.split_once(" total")?;
    let matched = rest.strip_prefix(" → ")?.split_once(" matched")?.0;
    Some((total.parse().ok()?, matched.parse().ok()?))
}

#[test]
fn pages_are_left_out_by_decimals_and_by_times_of_a_coarser_unit() {
    run(async {
        let bench = Bench::new();
        let rows: i64 = 40_000;
        let time = |row: i64| START + row * 100_000_000;
        let point = |row: i64| Point::new("t", time(row)).field("f", Value::F64((row / 10) as f64 / 100.0));
        bench.write(&(0..rows).map(point).collect::<Vec<_>>()).await;
        bench.flush().await;
        let between = time(30_000) + 1;
        for (predicate, expected) in [
            (format!("time > {}", literal(between)), rows - 30_001),
            (format!("time < {}", literal(between)), 30_001),
            (format!("time >= {} AND time < {}", literal(between), literal(time(30_011))), 10),
            ("f > 39.94".to_owned(), 50),
            ("f = 12.34".to_owned(), 10),
            ("f < 0.01".to_owned(), 10),
            ("f >= 20 AND f <= 20.005".to_owned(), 10),
        ] {
            let counted = bench.ask(&format!("SELECT count(f) FROM t WHERE {predicate}")).await;
            assert_eq!(counted, [expected.to_string()], "{predicate}");
            let plan = bench.ask(&format!("EXPLAIN ANALYZE SELECT count(f) FROM t WHERE {predicate}")).await.join("\n");
            let pages = pages(&plan);
            assert!(
                pages.is_some_and(|(total, matched)| 0 < matched && matched < total),
                "{predicate}: {pages:?} {plan}"
            );
        }
    });
}

#[test]
fn a_question_about_one_series_reads_its_pages_only() {
    run(async {
        let bench = Bench::new();
        let (places, rows) = (300, 200);
        let time = |row: i64| START + row * 1_000_000_000;
        let room = |place: i64, row: i64, field: &'static str| {
            let value = Value::F64((place * rows + row) as f64 / 10.0);
            Point::new("t", time(row)).tag("place", format!("room {place:03}")).tag("site", "x").field(field, value)
        };
        let write = async |field| {
            let all = (0..places).flat_map(|place| (0..rows).map(move |row| room(place, row, field)));
            bench.write(&all.collect::<Vec<_>>()).await;
            bench.flush().await;
        };
        write("f").await;
        let plan = bench.ask("EXPLAIN SELECT f FROM t WHERE place = 'room 123'").await.join("\n");
        let read = plan.split_once("NarrowExec: files=1, rows=").and_then(|(_, rest)| leading(rest));
        assert!(read.is_some_and(|rows| rows <= 16_384), "one page or two: {plan}");
        assert!(!plan.contains("RepartitionExec"), "one thread is enough: {plan}");

        write("g").await;
        let without_place = Point::new("t", time(7)).tag("site", "y").field("f", Value::F64(-1.0));
        bench.write(&[without_place]).await;
        bench.flush().await;
        let plan = bench.ask("EXPLAIN SELECT f FROM t WHERE place = 'room 123'").await.join("\n");
        assert!(plan.contains("sources=3, narrow=3"), "{plan}");
        for (predicate, expected) in [
            ("place = 'room 123'", "200|200|2460.0|2479.9"),
            ("place = 'room 299' AND site = 'x'", "200|200|5980.0|5999.9"),
            ("place IN ('room 000', 'room 150')", "400|400|0.0|3019.9"),
            ("place = 'room 123' AND time < '2023-11-14T22:00:10Z'", "10|10|2460.0|2460.9"),
            ("place IS NULL", "1|0|-1.0|-1.0"),
            ("place = 'room 123' AND site = 'y'", "0|0||"),
        ] {
            let answer =
                bench.ask(&format!("SELECT count(f), count(g), min(f), max(f) FROM t WHERE {predicate}")).await;
            assert_eq!(answer, [expected], "{predicate}");
        }
    });
}

/// The number at the start of a text.
fn leading(text: &str) -> Option<u64> {
    text.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn files_of_format_1_are_asked_together_with_new_ones() {
    run(async {
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../store/src/tests/fixtures/format-1");
        let bench = Bench::with_data(7, |folder| copy(Path::new(fixture), folder));
        let count = "SELECT count(*), count(DISTINCT place), min(temperature), max(temperature) FROM t";
        assert_eq!(bench.ask(count).await, ["50|2|20.0|23.44"]);
        let newer = Point::new("t", START + 1_000_000_000).tag("place", "hall").field("temperature", Value::F64(19.5));
        bench.write(&[newer]).await;
        bench.flush().await;
        assert_eq!(bench.ask(count).await, ["51|2|19.5|23.44"]);
        let exact = "SELECT place FROM t WHERE time = to_timestamp_nanos(1700000003000000021) AND temperature = 20.21";
        assert_eq!(bench.ask(exact).await, ["roof"]);
        assert_eq!(
            bench.ask("SELECT temperature FROM t WHERE temperature < 20.01 ORDER BY time").await,
            ["19.5", "20.0"]
        );
    });
}
