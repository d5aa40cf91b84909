//! InfluxQL is bounded as SQL is: by permission, rows, memory and bins; a single series gives the answer that a plan gives.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails")]

mod support;

use futures::TryStreamExt;
use sensorium_model::{DatabaseName, DatabaseScope, OrgId, Point, Value};
use sensorium_protocols::influxql::parse;
use sensorium_query::influxql::{Cell, InfluxqlRequest, Series};
use sensorium_query::{Asker, QueryConfig, QueryError};
use support::{Bench, HOUR, START, eventually, key, run};
use uuid::Uuid;

const SECOND: i64 = 1_000_000_000;

fn request(bench: &Bench) -> InfluxqlRequest {
    InfluxqlRequest {
        org: bench.org,
        database: Some(DatabaseName::new("main").unwrap()),
        scope: DatabaseScope::All,
        asker: Asker::system(),
        now_ns: START + 24 * HOUR,
        chunk: None,
    }
}

async fn ask(bench: &Bench, request: InfluxqlRequest, text: &str) -> Result<Vec<Series>, QueryError> {
    let statements = parse(text).unwrap();
    bench.engine.influxql(request, &statements[0]).await?.try_collect().await
}

fn sensor(name: &'static str, second: i64) -> Point<'static> {
    Point::new("s", START + second * SECOND).tag("name", name).field("v", Value::F64((second % 17) as f64))
}

fn sensors(count: i64) -> Vec<Point<'static>> {
    (0..count).flat_map(|second| ["a", "b"].map(|name| sensor(name, second))).collect()
}

fn config() -> QueryConfig {
    QueryConfig { threads: 2, ..QueryConfig::default() }
}

#[test]
fn a_database_of_another_organisation_does_not_exist() {
    run(async {
        let bench = Bench::new();
        let other = OrgId::from_uuid(Uuid::from_u128(2));
        bench.store.create_database(&key(other, "theirs")).unwrap();
        bench.write_to(key(other, "theirs"), &sensors(1)).await;
        let error = ask(&bench, request(&bench), "SELECT v FROM theirs..s").await.unwrap_err();
        assert_eq!(error.to_string(), "database not found: theirs");
        let theirs = InfluxqlRequest { org: other, ..request(&bench) };
        let found = ask(&bench, theirs, "SELECT v FROM theirs..s").await.unwrap();
        assert_eq!(found[0].rows.len(), 2);
    });
}

#[test]
fn a_token_of_one_database_sees_no_other() {
    run(async {
        let bench = Bench::new();
        bench.store.create_database(&key(bench.org, "second")).unwrap();
        bench.write_to(key(bench.org, "second"), &sensors(1)).await;
        let scope = DatabaseScope::One(DatabaseName::new("main").unwrap());
        let narrow = InfluxqlRequest { scope, ..request(&bench) };
        for text in ["SELECT v FROM second..s", "SELECT max(v) FROM (SELECT v FROM second..s)"] {
            let error = ask(&bench, narrow.clone(), text).await.unwrap_err();
            assert_eq!(error.to_string(), "database not found: second", "{text}");
        }
        let none = InfluxqlRequest { database: None, ..request(&bench) };
        let error = ask(&bench, none, "SELECT v FROM s").await.unwrap_err();
        assert_eq!(error.to_string(), "database name required");
    });
}

#[test]
fn answers_and_bins_are_counted() {
    run(async {
        let bench = Bench::with(QueryConfig { max_rows: 100, ..config() });
        bench.write(&sensors(80)).await;
        let error = ask(&bench, request(&bench), "SELECT v FROM s").await.unwrap_err();
        assert!(matches!(error, QueryError::Rows { limit: 100 }), "{error}");
        assert_eq!(ask(&bench, request(&bench), "SELECT v FROM s LIMIT 100").await.unwrap()[0].rows.len(), 100);
        let year = format!("time >= {START} AND time < {}", START + 365 * 24 * HOUR);
        let tiny = format!("SELECT mean(v) FROM s WHERE {year} GROUP BY time(1ns)");
        let error = ask(&bench, request(&bench), &tiny).await.unwrap_err().to_string();
        assert!(error.starts_with("max-select-buckets limit exceeded: (31536000000000000/100)"), "{error}");
        assert!(error.contains("query.max_rows"), "{error}");
        let unbounded = "SELECT mean(v) FROM s GROUP BY time(1ms)";
        let error = ask(&bench, request(&bench), unbounded).await.unwrap_err().to_string();
        assert!(error.starts_with("max-select-buckets limit exceeded"), "{error}");
        let few = ask(&bench, request(&bench), "SELECT mean(v) FROM s GROUP BY time(1ms) LIMIT 3").await.unwrap();
        assert_eq!(few[0].rows.len(), 3);
    });
}

#[test]
fn values_that_are_held_are_counted() {
    run(async {
        let bench = Bench::with(QueryConfig { memory_bytes: 512 * 1024, ..config() });
        bench.write(&sensors(20_000)).await;
        let error = ask(&bench, request(&bench), "SELECT median(v) FROM s").await.unwrap_err();
        assert!(matches!(error, QueryError::Memory { .. }), "{error}");
        let sum = ask(&bench, request(&bench), "SELECT count(v) FROM s").await.unwrap();
        assert_eq!(sum[0].rows, [[Cell::Time(0), Cell::Integer(40_000)]]);
    });
}

#[test]
fn long_series_come_in_parts() {
    run(async {
        let bench = Bench::new();
        bench.write(&sensors(5)).await;
        let chunked = InfluxqlRequest { chunk: Some(2), ..request(&bench) };
        let parts = ask(&bench, chunked, "SELECT v FROM s GROUP BY \"name\"").await.unwrap();
        let sizes: Vec<(usize, bool)> = parts.iter().map(|part| (part.rows.len(), part.is_partial)).collect();
        assert_eq!(sizes, [(2, true), (2, true), (1, false), (2, true), (2, true), (1, false)]);
        assert_eq!(&*parts[3].tags[0].1, "b");
    });
}

#[test]
fn one_series_without_a_plan_is_answered_as_with_one() {
    run(async {
        let bench = Bench::new();
        bench.write(&sensors(300)).await;
        bench.flush().await;
        bench.write(&[sensor("a", 300), sensor("a", 7)]).await;
        for what in ["v", "mean(v)", "max(v)", "last(v)", "percentile(v, 90)", "derivative(v, 1s)", "count(v), sum(v)"]
        {
            for rest in ["", " ORDER BY time DESC", " ORDER BY time DESC LIMIT 5 OFFSET 2"] {
                // The second condition says the same and is not recognised.
                let one = format!("SELECT {what} FROM s WHERE \"name\" = 'a'{rest}");
                let planned = format!("SELECT {what} FROM s WHERE \"name\" =~ /^a$/{rest}");
                let one = ask(&bench, request(&bench), &one).await.unwrap();
                assert_eq!(one, ask(&bench, request(&bench), &planned).await.unwrap(), "{what}{rest}");
            }
        }
    });
}

#[test]
fn what_is_newest_is_what_a_scan_finds() {
    run(async {
        let bench = Bench::new();
        bench.write(&sensors(50)).await;
        bench.flush().await;
        bench.write(&[sensor("a", 60).field("w", Value::I64(3)), sensor("b", 49)]).await;
        for rest in ["", " GROUP BY \"name\"", " GROUP BY \"name\" ORDER BY time DESC"] {
            for what in ["last(v)", "last(w)", "last(v), last(w)", "last(v), \"name\""] {
                let newest = format!("SELECT {what} FROM s WHERE \"name\" != 'z'{rest}");
                // A time that is later than all rows asks for a scan.
                let scanned = format!("SELECT {what} FROM s WHERE time < '2100-01-01'{rest}");
                let newest = ask(&bench, request(&bench), &newest).await.unwrap();
                assert_eq!(newest, ask(&bench, request(&bench), &scanned).await.unwrap(), "{what}{rest}");
            }
        }
    });
}

#[test]
fn a_reader_that_is_gone_ends_its_statement() {
    run(async {
        let bench = Bench::new();
        bench.write(&sensors(200)).await;
        let statements = parse("SELECT v FROM s").unwrap();
        let chunked = InfluxqlRequest { chunk: Some(1), ..request(&bench) };
        let stream = bench.engine.influxql(chunked, &statements[0]).await.unwrap();
        assert_eq!(bench.engine.queries(bench.org).len(), 1);
        drop(stream);
        eventually("nothing runs", || bench.engine.queries(bench.org).is_empty() && bench.engine.running() == 0).await;
    });
}

#[test]
fn a_statement_that_runs_can_be_ended() {
    run(async {
        let bench = Bench::new();
        bench.write(&sensors(200)).await;
        let statements = parse("SELECT v FROM s").unwrap();
        let chunked = InfluxqlRequest { chunk: Some(1), ..request(&bench) };
        let stream = bench.engine.influxql(chunked, &statements[0]).await.unwrap();
        let running = bench.engine.queries(bench.org);
        assert!(running[0].sql.starts_with("SELECT v FROM s"), "{running:?}");
        assert!(bench.engine.kill(bench.org, running[0].id));
        let ended: Result<Vec<Series>, QueryError> = stream.try_collect().await;
        assert!(matches!(ended, Err(QueryError::Killed)), "{ended:?}");
    });
}

#[test]
fn a_plan_is_told_line_by_line() {
    run(async {
        let bench = Bench::new();
        bench.write(&sensors(3)).await;
        let plan = ask(&bench, request(&bench), "EXPLAIN SELECT mean(v) FROM s").await.unwrap();
        assert_eq!(plan[0].columns.join(","), "QUERY PLAN");
        assert_eq!(plan[0].rows[0], [Cell::Text("EXPRESSION: mean(v::float)".into())]);
        let analysed = ask(&bench, request(&bench), "EXPLAIN ANALYZE SELECT v FROM s").await.unwrap();
        assert!(analysed[0].rows.contains(&vec![Cell::Text("NUMBER OF ROWS: 6".into())]), "{analysed:?}");
    });
}
