//! Rows for the times at which nothing was measured.

mod support;

use sensorium_model::{ErrorKind, Point, Value};
use sensorium_query::{QueryConfig, QueryError};
use support::{Bench, HOUR, START, run};

const MINUTE: i64 = HOUR / 60;

fn room(place: &str, minute: i64) -> Point<'_> {
    Point::new("room", START + minute * MINUTE).tag("place", place)
}

/// In room a 20 at 22:00 and 23 at 22:30, in room b 10 at 22:10; the first in a file, the others in memory.
async fn rooms(config: QueryConfig) -> Bench {
    let bench = Bench::with(config);
    bench.write(&[room("a", 0).field("x", Value::F64(20.0)).field("n", Value::I64(0))]).await;
    bench.flush().await;
    bench
        .write(&[
            room("a", 30)
                .field("x", Value::F64(23.0))
                .field("n", Value::I64(10))
                .field("door", Value::Text("open".into())),
            room("b", 10).field("x", Value::F64(10.0)),
        ])
        .await;
    bench
}

fn config() -> QueryConfig {
    QueryConfig { threads: 2, ..QueryConfig::default() }
}

const BIN: &str = "date_bin_gapfill(INTERVAL '10 minutes', time) AS t";
const BOUNDS: &str = "time >= '2023-11-14T21:50:00Z' AND time < '2023-11-14T22:50:00Z'";

#[test]
fn each_group_has_a_row_per_bin_between_the_bounds() {
    run(async {
        let bench = rooms(config()).await;
        let sql = format!(
            "SELECT {BIN}, place, avg(x), count(*) FROM room WHERE {BOUNDS} GROUP BY t, place ORDER BY place, t"
        );
        let expected = [
            "2023-11-14T21:50:00Z|a||",
            "2023-11-14T22:00:00Z|a|20.0|1",
            "2023-11-14T22:10:00Z|a||",
            "2023-11-14T22:20:00Z|a||",
            "2023-11-14T22:30:00Z|a|23.0|1",
            "2023-11-14T22:40:00Z|a||",
            "2023-11-14T21:50:00Z|b||",
            "2023-11-14T22:00:00Z|b||",
            "2023-11-14T22:10:00Z|b|10.0|1",
            "2023-11-14T22:20:00Z|b||",
            "2023-11-14T22:30:00Z|b||",
            "2023-11-14T22:40:00Z|b||",
        ];
        assert_eq!(bench.ask(&sql).await, expected);
        bench.flush().await;
        assert_eq!(bench.ask(&sql).await, expected);
        let sql = format!("SELECT {BIN}, max(x) FROM room WHERE {BOUNDS} GROUP BY 1");
        let expected = ["21:50:00Z|", "22:00:00Z|20.0", "22:10:00Z|10.0", "22:20:00Z|", "22:30:00Z|23.0", "22:40:00Z|"];
        assert_eq!(
            bench.ask(&sql).await,
            expected.map(|row| format!("2023-11-14T{row}")),
            "no other columns: one group"
        );
    });
}

#[test]
fn aggregates_are_carried_on_or_lie_on_a_line_if_that_is_asked_for() {
    run(async {
        let bench = rooms(config()).await;
        let sql = format!(
            "SELECT {BIN}, avg(x), locf(avg(x)), interpolate(avg(x)), interpolate(max(n)), locf(last_value(door ORDER BY time)) \
             FROM room WHERE {BOUNDS} AND place = 'a' GROUP BY t ORDER BY t"
        );
        let expected = [
            "21:50:00Z|||||",
            "22:00:00Z|20.0|20.0|20.0|0|",
            "22:10:00Z||20.0|21.0|3|",
            "22:20:00Z||20.0|22.0|7|",
            "22:30:00Z|23.0|23.0|23.0|10|open",
            "22:40:00Z||23.0|||open",
        ];
        assert_eq!(bench.ask(&sql).await, expected.map(|row| format!("2023-11-14T{row}")));
        let answer = bench.batches(bench.request(&sql)).await.unwrap();
        let names: Vec<String> = answer[0].schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names[1..4], ["avg(room.x)", "locf(avg(room.x))", "interpolate(avg(room.x))"]);
        // Around expressions, and within them.
        let sql = format!(
            "SELECT {BIN}, round(locf(max(x) - min(n)) + 0.5, 1) AS r, coalesce(sum(n), 0) AS s, locf(max(x) - min(n)) AS y \
             FROM room WHERE {BOUNDS} AND place = 'a' GROUP BY t ORDER BY t"
        );
        let expected = ["|0|", "20.5|0|20.0", "20.5|0|20.0", "20.5|0|20.0", "13.5|10|13.0", "13.5|0|13.0"];
        let rows = bench.ask(&sql).await;
        assert_eq!(rows.iter().map(|row| row.split_once('|').unwrap().1).collect::<Vec<_>>(), expected);
    });
}

#[test]
fn groups_do_not_fill_each_other() {
    run(async {
        let bench = rooms(config()).await;
        let sql = format!(
            "SELECT place, {BIN}, locf(avg(x)) AS v FROM room WHERE {BOUNDS} GROUP BY place, t ORDER BY place, t"
        );
        let rows = bench.ask(&sql).await;
        let values: Vec<&str> = rows.iter().map(|row| row.rsplit_once('|').unwrap().1).collect();
        assert_eq!(values, ["", "20.0", "20.0", "20.0", "23.0", "23.0", "", "", "10.0", "10.0", "10.0", "10.0"]);
    });
}

#[test]
fn bounds_are_found_wherever_they_stand() {
    run(async {
        let bench = rooms(config()).await;
        let counted = async |sql: &str| bench.ask(&format!("SELECT count(*), min(t), max(t) FROM ({sql})")).await;
        let of = |bounds: &str| format!("SELECT {BIN}, sum(n) FROM room WHERE {bounds} GROUP BY t");
        let six = ["6|2023-11-14T21:50:00Z|2023-11-14T22:40:00Z"];
        for bounds in [
            BOUNDS,
            "time > '2023-11-14T21:49:59.999999999Z' AND time <= '2023-11-14T22:40:00Z'",
            "time BETWEEN '2023-11-14T21:59:00Z' AND '2023-11-14T22:41:00Z'",
            "'2023-11-14T21:50:00Z' <= time AND (time < '2023-11-14T22:41:00Z' AND n IS NOT NULL OR time < '2023-11-14T22:30:00Z')",
            "time >= timestamp '2023-11-14T22:50:00Z' - INTERVAL '1 hour' AND time < '2023-11-14T22:50:00Z'",
        ] {
            assert_eq!(counted(&of(bounds)).await, six, "{bounds}");
        }
        for sql in [
            format!(
                "WITH r AS (SELECT time AS at, n FROM room AS x WHERE {BOUNDS}) SELECT date_bin_gapfill(INTERVAL '10 minutes', at) AS t, sum(n) FROM r GROUP BY t"
            ),
            format!(
                "SELECT date_bin_gapfill(INTERVAL '10 minutes', a.time) AS t, sum(b.n) FROM room a JOIN room b ON a.time = b.time WHERE {} GROUP BY t",
                BOUNDS.replace("time", "a.time")
            ),
        ] {
            assert_eq!(counted(&sql).await, six, "{sql}");
        }
        // Without an upper bound, until now.
        let day = "SELECT count(*) FROM (SELECT date_bin_gapfill(INTERVAL '1 day', time) AS t, sum(n) FROM room \
                   WHERE time >= '2023-11-14' GROUP BY t)";
        let days: i64 = bench.ask(day).await[0].parse().unwrap();
        let passed = "SELECT CAST(date_part('epoch', now() - timestamp '2023-11-14T00:00:00Z') / 86400 AS BIGINT)";
        let passed: i64 = bench.ask(passed).await[0].parse().unwrap();
        assert!((days - passed).abs() <= 1, "{days} bins, {passed} days");
    });
}

#[test]
fn bins_are_those_of_date_bin() {
    run(async {
        let bench = rooms(config()).await;
        for arguments in [
            "INTERVAL '7 minutes', time",
            "INTERVAL '7 minutes', time, '2030-01-01T00:00:13Z'",
            "INTERVAL '7 minutes', time, timestamp '1999-01-01T00:00:13Z'",
            "INTERVAL '3 days', time",
            "INTERVAL '1 week', time",
            "INTERVAL '1 month', time",
            "INTERVAL '1 month', time, '2020-01-31T12:00:00Z'",
            "INTERVAL '5 months', time, '2025-01-31T12:00:00Z'",
            "INTERVAL '1 year', time",
        ] {
            let of = |function: &str| {
                format!(
                    "SELECT {function}({arguments}) AS t, count(*) AS n FROM room WHERE time >= '2022-11-30' AND time < '2023-12-15' GROUP BY t"
                )
            };
            let measured = bench.ask(&format!("{} ORDER BY t", of("date_bin"))).await;
            let filled = format!("SELECT * FROM ({}) WHERE n > 0 ORDER BY t", of("date_bin_gapfill"));
            assert_eq!(bench.ask(&filled).await, measured, "{arguments}");
            let twice = format!("SELECT count(*) - count(DISTINCT t) FROM ({})", of("date_bin_gapfill"));
            assert_eq!(bench.ask(&twice).await, ["0"], "{arguments}");
        }
    });
}

#[test]
fn without_readings_there_are_no_rows() {
    run(async {
        let bench = rooms(config()).await;
        for nowhere in ["place = 'z'", "n > 100", "time < '2000-01-01'"] {
            let sql = format!("SELECT {BIN}, place, count(*) FROM room WHERE {BOUNDS} AND {nowhere} GROUP BY t, place");
            assert_eq!(bench.ask(&sql).await, Vec::<String>::new(), "{nowhere}");
        }
        // Bounds that are counted from now.
        let recent = "SELECT date_bin_gapfill(INTERVAL '10 minutes', time) AS t, place, avg(x) AS measured,
                locf(avg(x)) AS kept, interpolate(avg(x)) AS line
            FROM room WHERE time >= now() - INTERVAL '2 hours' AND place = 'a' GROUP BY t, place ORDER BY place, t";
        assert_eq!(bench.ask(recent).await, Vec::<String>::new());
    });
}

#[test]
fn what_stands_around_sees_the_filled_rows() {
    run(async {
        let bench = rooms(config()).await;
        let filled =
            format!("SELECT {BIN}, place, locf(avg(x)) AS v, count(*) AS n FROM room WHERE {BOUNDS} GROUP BY t, place");
        for (sql, expected) in [
            (format!("SELECT count(*), count(v), sum(v) FROM ({filled})"), vec!["12|9|146.0"]),
            (format!("SELECT count(*) FROM ({filled}) WHERE n IS NULL"), vec!["9"]),
            (format!("SELECT count(*) FROM ({filled} UNION ALL {filled}) WHERE n IS NULL"), vec!["18"]),
            (format!("{filled} HAVING count(*) > 0 ORDER BY place, t LIMIT 1"), vec!["2023-11-14T22:00:00Z|a|20.0|1"]),
            (
                format!("{filled} HAVING locf(avg(x)) > 22 ORDER BY t"),
                vec!["2023-11-14T22:30:00Z|a|23.0|1", "2023-11-14T22:40:00Z|a|23.0|"],
            ),
            (format!("SELECT (SELECT count(*) FROM ({filled})) AS n"), vec!["12"]),
            (format!("SELECT DISTINCT place FROM ({filled}) ORDER BY place"), vec!["a", "b"]),
            (
                format!(
                    "SELECT {BIN}, locf(avg(x)) - lag(locf(avg(x))) OVER (ORDER BY date_bin_gapfill(INTERVAL '10 minutes', time)) AS d \
                     FROM room WHERE {BOUNDS} AND place = 'a' GROUP BY t ORDER BY d DESC NULLS LAST LIMIT 1"
                ),
                vec!["2023-11-14T22:30:00Z|3.0"],
            ),
        ] {
            assert_eq!(bench.ask(&sql).await, expected, "{sql}");
        }
        let plan = bench.ask(&format!("EXPLAIN {filled}")).await.join("\n");
        assert!(plan.contains("GapFill: fill=[Null, Null, Previous]"), "{plan}");
        assert!(plan.contains("GapFillExec") && plan.contains("AS Utf8View"), "{plan}");
    });
}

#[test]
fn endless_bins_end_with_an_error_that_names_the_limit() {
    run(async {
        let bench = rooms(QueryConfig { max_rows: 50_000, ..config() }).await;
        let nanos = "SELECT date_bin_gapfill(INTERVAL '1 nanosecond', time) AS t, place, locf(avg(x)) AS v FROM room \
                     WHERE time >= '2023-01-01' AND time < '2024-01-01' GROUP BY t, place";
        for sql in [nanos.to_owned(), format!("SELECT count(*) FROM ({nanos})"), format!("{nanos} ORDER BY v")] {
            let error = bench.refused(&sql).await;
            assert!(matches!(error, QueryError::FilledRows { limit: 50_000 }), "{sql}: {error:?}");
            assert!(error.to_string().contains("query.max_rows"), "{error}");
            assert_eq!(error.kind(), ErrorKind::TooLarge);
        }
        // Whoever wants the first ones only gets them.
        assert_eq!(bench.ask(&format!("{nanos} ORDER BY place, t LIMIT 2")).await.len(), 2);
    });
}

#[test]
fn misuse_is_explained() {
    run(async {
        let bench = rooms(config()).await;
        let grouped = |select: &str, rest: &str| format!("SELECT {select} FROM room WHERE {BOUNDS} {rest}");
        for (sql, part) in [
            (format!("SELECT {BIN}, sum(n) FROM room GROUP BY t"), "add a lower bound to WHERE, such as time >= now()"),
            (format!("SELECT {BIN}, sum(n) FROM room WHERE time < now() GROUP BY t"), "add a lower bound"),
            (
                format!("SELECT {BIN}, sum(n) FROM room WHERE time >= '2023-11-14' OR n = 1 GROUP BY t"),
                "add a lower bound",
            ),
            (format!("SELECT {BIN} FROM room"), "stands in GROUP BY"),
            (
                "SELECT n FROM room WHERE date_bin_gapfill(INTERVAL '1 hour', time) > '2023-11-14'".to_owned(),
                "stands in GROUP BY",
            ),
            (
                grouped("date_trunc('hour', date_bin_gapfill(INTERVAL '1 hour', time)) AS t, sum(n)", "GROUP BY t"),
                "stands in GROUP BY",
            ),
            (grouped(&format!("{BIN}, sum(n)"), "GROUP BY ROLLUP(t)"), "stands in GROUP BY"),
            (
                grouped(&format!("{BIN}, date_bin_gapfill(INTERVAL '1 hour', time) AS h, sum(n)"), "GROUP BY t, h"),
                "one date_bin_gapfill",
            ),
            (grouped("date_bin_gapfill(INTERVAL '0 hours', time) AS t, sum(n)", "GROUP BY t"), "more than nothing"),
            (grouped("date_bin_gapfill(INTERVAL '1 month 1 day', time) AS t, sum(n)", "GROUP BY t"), "not both"),
            (grouped("date_bin_gapfill(make_interval, time) AS t, sum(n)", "GROUP BY t"), "no column"),
            (
                grouped("date_bin_gapfill(INTERVAL '1 hour', time + INTERVAL '1 minute') AS t, sum(n)", "GROUP BY t"),
                "the column time",
            ),
            (grouped("date_bin_gapfill(INTERVAL '1 hour', time, time) AS t, sum(n)", "GROUP BY t"), "a constant time"),
            (grouped("locf(n)", ""), "with GROUP BY date_bin_gapfill"),
            (
                grouped("date_bin(INTERVAL '1 hour', time) AS t, locf(sum(n))", "GROUP BY t"),
                "with GROUP BY date_bin_gapfill",
            ),
            (grouped("interpolate(n)", "ORDER BY n"), "with GROUP BY date_bin_gapfill"),
            (grouped(&format!("{BIN}, place, locf(place)"), "GROUP BY t, place"), "is no aggregate"),
            (grouped(&format!("{BIN}, locf(1)"), "GROUP BY t"), "nothing to fill"),
            (grouped(&format!("{BIN}, locf(interpolate(sum(n)))"), "GROUP BY t"), "around each other"),
            (grouped(&format!("{BIN}, interpolate(max(door))"), "GROUP BY t"), "whole numbers or floats"),
            (grouped(&format!("{BIN}, sum(locf(n))"), "GROUP BY t"), "with GROUP BY date_bin_gapfill"),
        ] {
            let error = bench.refused(&sql).await;
            assert!(matches!(error, QueryError::Meaning { .. }), "{sql}: {error:?}");
            assert!(error.to_string().contains(part), "{sql}: {error}");
        }
    });
}
