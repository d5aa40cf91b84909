//! What a query may not do: write, reach outside, or eat the machine.

mod support;

use std::time::Duration;

use futures::StreamExt;
use sensorium_model::{ErrorKind, Point, Value};
use sensorium_query::{Position, QueryConfig, QueryError};
use support::{Bench, START, eventually, run};

/// Pairs for hours within its memory, and lets hardly a pair through, unless it is stopped.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 2000) a \
                       CROSS JOIN generate_series(1, 100000000000) b WHERE a.value + b.value = 7";

fn config() -> QueryConfig {
    QueryConfig { threads: 2, ..QueryConfig::default() }
}

async fn filled(config: QueryConfig, rows: i64) -> Bench {
    let bench = Bench::with(config);
    let points: Vec<Point<'_>> =
        (0..rows).map(|n| Point::new("t", START + n).tag("k", (n % 7).to_string()).field("v", Value::I64(n))).collect();
    bench.write(&points).await;
    bench
}

#[test]
fn memory_is_bounded_and_the_error_names_the_setting() {
    run(async {
        let bench = Bench::with(QueryConfig { memory_bytes: 4 * 1024 * 1024, ..config() });
        for hungry in [
            "SELECT * FROM (SELECT value, value * 7 % 1000003 AS k FROM generate_series(1, 3000000)) ORDER BY k, value",
            "SELECT count(*) FROM (SELECT value * 7919 % 3000017 AS k, count(*) FROM generate_series(1, 3000000) GROUP BY k)",
            "SELECT sum(total) FROM (SELECT sum(value) OVER () AS total FROM generate_series(1, 3000000))",
            "SELECT count(*) FROM generate_series(1, 3000000) a JOIN generate_series(1, 3000000) b ON a.value = b.value",
        ] {
            let error = bench.refused(hungry).await;
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{hungry}: {error:?}");
            assert!(error.to_string().contains("query.memory_bytes"), "{error}");
        }
        assert_eq!(bench.ask("SELECT count(*) FROM generate_series(1, 3000000)").await, ["3000000"]);
    });
}

#[test]
fn functions_that_multiply_text_are_bounded() {
    run(async {
        let bench = filled(config(), 5_000).await;
        for hungry in [
            "SELECT repeat('x', 2000000000)",
            "SELECT length(repeat(k, 1000000)) FROM t",
            "SELECT length(lpad('x', v * 100000)) FROM t",
            "SELECT rpad('x', 2000000000)",
            "SELECT length(replace(repeat('x', 60000), 'x', repeat('y', 60000)))",
            "SELECT length(replace(repeat(k, 1000), 'a', repeat('y', 60000))) FROM t",
            "SELECT length(regexp_replace(repeat('x', 60000), 'x', repeat('y', 60000), 'g'))",
            "SELECT length(concat(repeat('x', 60000), repeat('x', 60000)))",
            "SELECT to_char(now(), repeat('%c', 20000))",
            "SELECT levenshtein(repeat('x', 60000), repeat('y', 60000))",
        ] {
            let error = bench.refused(hungry).await;
            assert!(matches!(error, QueryError::Computation { .. }), "{hungry}: {error:?}");
        }
        assert_eq!(bench.ask("SELECT repeat('ab', 3), lpad('7', 3, '0'), rpad('x', 2)").await, ["ababab|007|x "]);
        assert_eq!(bench.ask("SELECT max(length(repeat(k, 10))) FROM t").await, ["10"]);
        let everyday = "SELECT replace('a-b', '-', '+'), regexp_replace('a1', '[0-9]', '#'), concat('a', 1, NULL, 'b'), \
                        levenshtein('ab', 'ac'), to_char(timestamp '2026-02-04', '%Y')";
        assert_eq!(bench.ask(everyday).await, ["a+b|a#|a1b|1|2026"]);
        let sums = bench.ask("SELECT max(length(concat(k, k))), max(length(replace(k, 'a', 'bb'))) FROM t").await;
        assert_eq!(sums, ["2|1"]);
    });
}

#[test]
fn time_is_bounded_and_the_error_names_the_setting() {
    run(async {
        let bench = Bench::with(QueryConfig { timeout: Duration::from_millis(300), ..config() });
        let error = bench.refused(ENDLESS).await;
        assert!(matches!(error, QueryError::Timeout { .. }), "{error:?}");
        assert!(error.to_string().contains("query.timeout_seconds"), "{error}");
        eventually("the slot of the query is free", || bench.engine.running() == 0).await;
    });
}

#[test]
fn a_reader_that_never_reads_loses_its_slot_at_the_deadline() {
    run(async {
        let bench = Bench::with(QueryConfig { timeout: Duration::from_millis(300), ..config() });
        let many = bench.request("SELECT * FROM generate_series(1, 10000000)");
        let mut stream = bench.engine.execute(many).await.unwrap();
        eventually("the slot of the query is free", || bench.engine.running() == 0).await;
        let mut last = None;
        while let Some(part) = stream.next().await {
            last = Some(part);
        }
        assert!(matches!(last, Some(Err(QueryError::Timeout { .. }))), "{last:?}");
    });
}

#[test]
fn rows_are_bounded_and_the_error_names_the_setting() {
    run(async {
        let bench = filled(QueryConfig { max_rows: 100, ..config() }, 101).await;
        assert_eq!(bench.ask("SELECT * FROM t LIMIT 100").await.len(), 100);
        let error = bench.refused("SELECT * FROM t").await;
        assert!(matches!(error, QueryError::Rows { limit: 100 }), "{error:?}");
        assert!(error.to_string().contains("query.max_rows"), "{error}");
    });
}

#[test]
fn one_query_too_many_is_busy() {
    run(async {
        let bench = Bench::with(QueryConfig { concurrent: 1, ..config() });
        let first = bench.engine.execute(bench.request(ENDLESS)).await.unwrap();
        let error = bench.refused("SELECT 1").await;
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.to_string().contains("query.concurrent"), "{error}");
        drop(first);
        eventually("the slot of the query is free", || bench.engine.running() == 0).await;
        assert_eq!(bench.ask("SELECT 1").await, ["1"]);
    });
}

#[test]
fn dropping_the_stream_stops_the_work() {
    run(async {
        let bench = Bench::new();
        let mut stream = bench.engine.execute(bench.request(ENDLESS)).await.unwrap();
        assert!(futures::poll!(stream.next()).is_pending());
        assert_eq!(bench.engine.running(), 1);
        drop(stream);
        eventually("the query has stopped", || bench.engine.running() == 0).await;
    });
}

#[test]
fn a_join_that_nobody_waits_for_leaves_its_thread_to_others() {
    run(async {
        let bench = Bench::with(QueryConfig { threads: 1, timeout: Duration::from_secs(30), ..config() });
        let mut stream = bench.engine.execute(bench.request(ENDLESS)).await.unwrap();
        assert!(futures::poll!(stream.next()).is_pending());
        drop(stream);
        // The only thread is free again before this query's own time is over.
        assert_eq!(bench.ask("SELECT 1").await, ["1"]);
    });
}

#[test]
fn dropping_the_engine_inside_a_runtime_is_safe() {
    run(async {
        let bench = Bench::new();
        let stream = bench.engine.execute(bench.request(ENDLESS)).await.unwrap();
        drop(bench);
        let last = stream.collect::<Vec<_>>().await.pop();
        assert!(matches!(last, Some(Err(QueryError::Internal { .. }))), "{last:?}");
    });
}

#[test]
fn statements_that_do_more_than_read_are_refused() {
    run(async {
        let bench = filled(config(), 1).await;
        for sql in [
            "DROP TABLE t",
            "CREATE TABLE u AS SELECT * FROM t",
            "CREATE EXTERNAL TABLE u STORED AS PARQUET LOCATION '/'",
            "INSERT INTO t SELECT * FROM t",
            "DELETE FROM t",
            "COPY t TO '/tmp/t.csv'",
            "SET datafusion.execution.target_partitions = 64",
            "SELECT * INTO u FROM t",
        ] {
            let error = bench.refused(sql).await;
            assert!(matches!(error, QueryError::ReadOnly { .. }), "{sql}: {error:?}");
        }
        for sql in [
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM \"/etc/passwd\"",
            "SELECT * FROM 'data/x.parquet'",
            "SELECT * FROM \"file:///etc/passwd\"",
        ] {
            let error = bench.refused(sql).await;
            assert_eq!(error.kind(), ErrorKind::Invalid, "{sql}: {error:?}");
        }
        assert_eq!(bench.ask("SELECT count(*) FROM t").await, ["1"]);
    });
}

#[test]
fn the_deepest_statements_that_pass_do_not_overflow_the_stack() {
    run(async {
        let bench = filled(config(), 1).await;
        for sql in [
            format!("SELECT 1 FROM t WHERE 0 < {}", vec!["v"; 240].join("+")),
            format!("SELECT {} FROM t", vec!["v"; 240].join("+")),
            format!("SELECT count(*) FROM t WHERE {}", vec!["v = 1"; 240].join(" OR ")),
            format!("SELECT count(*) FROM t WHERE {}", vec!["k = '1'"; 240].join(" AND ")),
            format!("SELECT v{} FROM t", "::bigint".repeat(240)),
            format!("SELECT {} FROM t", vec!["k"; 33].join("||")),
            format!("SELECT {}1{} FROM t", "(".repeat(40), ")".repeat(40)),
            vec!["SELECT v FROM t"; 90].join(" UNION ALL "),
            format!(
                "SELECT v FROM t WHERE v IN ({})",
                (0..20_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",")
            ),
        ] {
            let answer = bench.batches(bench.request(&sql)).await;
            assert!(answer.is_ok(), "{}…: {:?}", &sql[..50], answer.err());
        }
        let error = bench.refused(&format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000))).await;
        assert!(matches!(error, QueryError::TooComplex { .. }), "{error:?}");
        let error = bench.refused(&format!("SELECT {}", vec!["1"; 20_000].join("+"))).await;
        assert!(matches!(error, QueryError::TooComplex { .. }), "{error:?}");
    });
}

#[test]
fn mistakes_are_explained_where_they_are() {
    run(async {
        let bench = filled(config(), 1).await;
        bench.write(&[Point::new("office", START).field("Temperature", Value::F64(1.0))]).await;
        let error = bench.refused("SELECT v\nFROM t WHERE v >").await;
        assert!(matches!(error, QueryError::Syntax { .. }), "{error:?}");
        let error = bench.refused("SELECT v\nFRM t").await;
        assert_eq!(error.position().map(|place| place.line), Some(2), "{error:?}");
        let error = bench.refused("SELECT time,\n  temperature FROM office").await;
        assert_eq!(error.position(), Some(Position { line: 2, column: 3 }), "{error:?}");
        assert!(error.to_string().contains("\"Temperature\""), "{error}");
        let error = bench.refused("SELECT * FROM offce").await.to_string();
        assert!(error.contains("no table \"offce\"") && error.contains("office"), "{error}");
        let error = bench.refused("SELECT * FROM weather").await.to_string();
        assert!(error.contains("office, t"), "{error}");
        let error = bench.refused("SELECT * FROM mian.t").await.to_string();
        assert!(error.contains("Did you mean main?"), "{error}");
        let error = bench.refused("SELECT nonsense(v) FROM t").await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        let error = bench.refused("SELECT v / 0 FROM t").await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        let error = bench.refused("SELECT CAST(k || 'x' AS INT) FROM t").await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        let error = bench.refused("SELECT 1; SELECT 2").await;
        assert!(matches!(error, QueryError::OneStatement { found: 2 }), "{error:?}");
    });
}

#[test]
fn a_killed_query_says_so_and_frees_its_slot() {
    run(async {
        let bench = Bench::with(QueryConfig { concurrent: 1, ..config() });
        let mut stream = bench.engine.execute(bench.request(ENDLESS)).await.unwrap();
        assert!(futures::poll!(stream.next()).is_pending());
        // All slots are taken, and yet the list can be had.
        let shown = bench.ask("SHOW QUERIES").await;
        assert!(shown.len() == 1 && shown[0].contains("|system|main|") && shown[0].ends_with(ENDLESS), "{shown:?}");
        let running = bench.engine.queries(bench.org);
        let other = sensorium_model::OrgId::from_uuid(uuid::Uuid::from_u128(2));
        assert!(bench.engine.queries(other).is_empty());
        assert!(!bench.engine.kill(other, running[0].id));
        assert_eq!(bench.ask(&format!("KILL '{}'", running[0].id)).await, [running[0].id.to_string()]);
        let last = stream.collect::<Vec<_>>().await.pop();
        assert!(matches!(last, Some(Err(QueryError::Killed))), "{last:?}");
        eventually("the slot of the query is free", || bench.engine.running() == 0).await;
        assert!(bench.engine.queries(bench.org).is_empty());
        let error = bench.refused(&format!("KILL '{}'", running[0].id)).await;
        assert_eq!(error.kind(), ErrorKind::Missing, "{error:?}");
    });
}

#[test]
fn a_running_query_shows_what_it_has_used() {
    run(async {
        let bench = Bench::with(config());
        let sql = format!("SELECT * FROM generate_series(1, 10000000) -- {}", "x".repeat(2_000));
        let mut stream = bench.engine.execute(bench.request(&sql)).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        let running = bench.engine.queries(bench.org);
        assert!(running[0].rows >= first.num_rows() as u64 && running[0].bytes > 0, "{running:?}");
        assert_eq!(running[0].sql.chars().count(), 1_001, "long statements are cut");
        assert!(running[0].elapsed_ms > 0.0 && running[0].started_ns > START, "{running:?}");
    });
}

#[test]
fn only_those_who_may_list_and_end_queries() {
    run(async {
        let bench = Bench::new();
        for sql in ["SHOW QUERIES", "KILL '0190163d-8694-739b-aea5-966c26f8ad91'"] {
            let mut request = bench.request(sql);
            request.asker.manages_queries = false;
            let refused = bench.batches(request).await;
            assert!(matches!(refused, Err(QueryError::MayNotManage)), "{refused:?}");
        }
    });
}
