//! Answers over memory and files together.

mod support;

use sensorium_model::{DatabaseName, DatabaseScope, OrgId, Point, Value};
use sensorium_query::QueryError;
use support::{Bench, HOUR, START, key, run};
use uuid::Uuid;

fn room(place: &str, hour: i64) -> Point<'_> {
    Point::new("room", START + hour * HOUR).tag("place", place)
}

#[test]
fn rows_in_files_and_in_memory_are_one_table() {
    run(async {
        let bench = Bench::new();
        bench.write(&[room("a", 0).field("t", Value::F64(20.0)), room("b", 0).field("t", Value::F64(21.0))]).await;
        bench.flush().await;
        bench.write(&[room("a", 1).field("t", Value::F64(22.0))]).await;
        let expected = ["a|20.0|2023-11-14T22:00:00Z", "a|22.0|2023-11-14T23:00:00Z", "b|21.0|2023-11-14T22:00:00Z"];
        assert_eq!(bench.ask("SELECT place, t, time FROM room ORDER BY place, time").await, expected);
        assert_eq!(
            bench.ask("SELECT count(*), count(t), sum(t), max(time) FROM room").await,
            ["3|3|63.0|2023-11-14T23:00:00Z"]
        );
        bench.flush().await;
        assert_eq!(bench.ask("SELECT place, t, time FROM room ORDER BY place, time").await, expected);
        assert_eq!(bench.ask("SELECT count(*) FROM room").await, ["3"]);
    });
}

#[test]
fn a_later_write_replaces_the_fields_that_it_names() {
    run(async {
        let bench = Bench::new();
        bench.write(&[room("a", 0).field("t", Value::F64(20.0)).field("h", Value::F64(50.0))]).await;
        bench.flush().await;
        bench.write(&[room("a", 0).field("t", Value::F64(25.0))]).await;
        assert_eq!(bench.ask("SELECT place, t, h FROM room").await, ["a|25.0|50.0"]);
        assert_eq!(bench.ask("SELECT h FROM room").await, ["50.0"]);
        assert_eq!(bench.ask("SELECT count(*) FROM room").await, ["1"]);
        bench.flush().await;
        assert_eq!(bench.ask("SELECT place, t, h FROM room").await, ["a|25.0|50.0"]);
        // A predicate on the replaced value must not bring it back.
        assert_eq!(bench.ask("SELECT t FROM room WHERE t < 22").await, Vec::<String>::new());
        assert_eq!(bench.ask("SELECT t FROM room WHERE t < 22 OR place = 'z'").await, Vec::<String>::new());
        assert_eq!(bench.ask("SELECT t, h FROM room WHERE place = 'a' AND h > 40").await, ["25.0|50.0"]);
        let plan = bench.ask("EXPLAIN SELECT t FROM room WHERE t < 22").await.join("\n");
        assert!(plan.contains("MergeNewestExec: sets=1, sources=2"), "{plan}");
    });
}

#[test]
fn files_from_before_a_column_existed_give_nulls() {
    run(async {
        let bench = Bench::new();
        bench.write(&[Point::new("room", START).field("t", Value::F64(1.0))]).await;
        bench.flush().await;
        bench.write(&[room("a", 1).field("co2", Value::I64(400)).field("note", Value::Text("hi".into()))]).await;
        bench.flush().await;
        bench.write(&[room("a", 2).field("ok", Value::Bool(true)).field("n", Value::U64(u64::MAX))]).await;
        let all = "SELECT place, co2, n, note, ok, t FROM room ORDER BY time";
        assert_eq!(bench.ask(all).await, ["|||||1.0", "a|400||hi||", "a||18446744073709551615||true|"]);
        assert_eq!(bench.ask("SELECT count(*) FROM room WHERE place IS NULL").await, ["1"]);
        assert_eq!(bench.ask("SELECT t FROM room WHERE co2 IS NULL AND ok IS NULL").await, ["1.0"]);
        assert_eq!(bench.ask("SELECT co2 FROM room WHERE note = 'hi'").await, ["400"]);
        // The same with an overlap, so that the old file takes part in a merge.
        bench
            .write(&[Point::new("room", START).field("co2", Value::I64(7)), room("b", 2).field("t", Value::F64(2.0))])
            .await;
        assert_eq!(bench.ask("SELECT co2, t FROM room WHERE time = '2023-11-14T22:00:00Z'").await, ["7|1.0"]);
        assert_eq!(bench.ask("SELECT count(*) FROM room").await, ["4"]);
    });
}

#[test]
fn times_group_into_hours() {
    run(async {
        let bench = Bench::new();
        let point = |minute: i64, t: f64, co2: i64| {
            Point::new("office", START + minute * HOUR / 60)
                .field("Temperature", Value::F64(t))
                .field("CO2", Value::I64(co2))
        };
        bench.write(&[point(0, 20.0, 400), point(30, 22.0, 500), point(61, 30.0, 450)]).await;
        let sql = "SELECT date_bin(INTERVAL '1 hour', time) t, avg(\"Temperature\"), max(\"CO2\") FROM office GROUP BY t ORDER BY t";
        let expected = ["2023-11-14T22:00:00Z|21.0|500", "2023-11-14T23:00:00Z|30.0|450"];
        assert_eq!(bench.ask(sql).await, expected);
        bench.flush().await;
        assert_eq!(bench.ask(sql).await, expected);
        let recent = "SELECT count(*) FROM office WHERE time >= now() - INTERVAL '1 hour'";
        assert_eq!(bench.ask(recent).await, ["0"]);
        assert_eq!(bench.ask("SELECT count(*) FROM office WHERE time < now() AND time > '2023-11-14'").await, ["3"]);
        assert_eq!(bench.ask("SELECT max(time) - min(time) FROM office").await.len(), 1);
    });
}

#[test]
fn now_is_one_moment_all_over_a_statement() {
    run(async {
        let bench = Bench::new();
        bench.write(&[room("a", 0).field("t", Value::F64(1.0))]).await;
        let old = "SELECT count(*) FROM room WHERE time < now() - INTERVAL '5 minutes' AND time < now()";
        assert_eq!(bench.ask(old).await, ["1"]);
        assert_eq!(bench.ask("SELECT count(*) FROM room WHERE time >= now() - INTERVAL '5 minutes'").await, ["0"]);
        assert_eq!(bench.ask("SELECT now() = now() FROM room").await, ["true"]);
    });
}

#[test]
fn a_time_range_leaves_out_files_without_opening_them() {
    run(async {
        let bench = Bench::new();
        for day in 0..4 {
            bench.write(&[room("a", day * 24).field("t", Value::F64(1.0))]).await;
            bench.flush().await;
        }
        let plan =
            bench.ask("EXPLAIN SELECT t FROM room WHERE time >= '2023-11-16' AND time < '2023-11-17'").await.join("\n");
        assert_eq!(plan.matches(".parquet").count(), 1, "{plan}");
        let plan = bench.ask("EXPLAIN SELECT t FROM room").await.join("\n");
        assert_eq!(plan.matches(".parquet").count(), 4, "{plan}");
        let plan = bench.ask("EXPLAIN SELECT t FROM room WHERE t > 2").await.join("\n");
        assert!(plan.contains("pruning_predicate"), "{plan}");
        let plan = bench.ask("EXPLAIN SELECT t FROM room WHERE place = 'b'").await.join("\n");
        assert!(plan.contains("EmptyExec"), "no series has it: {plan}");
        assert_eq!(bench.ask("SELECT t FROM room WHERE time > '2030-01-01'").await, Vec::<String>::new());
    });
}

#[test]
fn strange_names_are_read_from_files() {
    run(async {
        let bench = Bench::new();
        let name = "Ä b/c%20\"d'..";
        let point = Point::new(name, START).tag("Ort %", "ü").field("CO 2", Value::F64(1.5));
        bench.write(&[point]).await;
        bench.flush().await;
        assert_eq!(bench.ask("SELECT \"Ort %\", \"CO 2\" FROM \"Ä b/c%20\"\"d'..\"").await, ["ü|1.5"]);
    });
}

#[test]
fn the_schema_can_be_asked_for() {
    run(async {
        let bench = Bench::new();
        bench.store.create_database(&key(bench.org, "lab")).unwrap();
        bench.write_to(key(bench.org, "lab"), &[Point::new("x", START).field("v", Value::I64(1))]).await;
        bench.write(&[room("a", 0).field("t", Value::F64(1.0))]).await;
        assert_eq!(bench.ask("SHOW DATABASES").await, ["lab", "main"]);
        let tables = bench.ask("SHOW TABLES").await.join("\n");
        assert!(tables.contains("sensorium|main|room|BASE TABLE"), "{tables}");
        assert!(tables.contains("sensorium|lab|x|BASE TABLE"), "{tables}");
        let columns = bench.ask("SHOW COLUMNS FROM room").await;
        assert_eq!(columns.len(), 3, "{columns:?}");
        assert!(columns.iter().any(|column| column.contains("|t|Float64|YES")), "{columns:?}");
        assert_eq!(bench.ask("DESCRIBE room").await.len(), 3);
        assert_eq!(bench.ask("SELECT v FROM lab.x").await, ["1"]);
        assert!(bench.ask("EXPLAIN ANALYZE SELECT * FROM room").await.join("").contains("DataSourceExec"));
    });
}

#[test]
fn other_databases_are_invisible() {
    run(async {
        let bench = Bench::new();
        let stranger = OrgId::from_uuid(Uuid::from_u128(2));
        bench.store.create_database(&key(stranger, "secret")).unwrap();
        bench.store.create_database(&key(stranger, "main")).unwrap();
        bench.store.create_database(&key(bench.org, "lab")).unwrap();
        bench.write_to(key(stranger, "secret"), &[Point::new("x", START).field("v", Value::I64(1))]).await;
        bench.write_to(key(stranger, "main"), &[Point::new("theirs", START).field("v", Value::I64(1))]).await;
        bench.write_to(key(bench.org, "lab"), &[Point::new("x", START).field("v", Value::I64(1))]).await;
        assert_eq!(bench.ask("SHOW DATABASES").await, ["lab", "main"]);
        assert!(matches!(bench.refused("SELECT * FROM secret.x").await, QueryError::UnknownDatabase { .. }));
        assert!(matches!(bench.refused("SELECT * FROM theirs").await, QueryError::UnknownTable { .. }));
        let everything = bench.ask("SELECT * FROM information_schema.columns").await.join("\n");
        assert!(!everything.contains("theirs") && !everything.contains("secret"), "{everything}");

        let scope = DatabaseScope::One(DatabaseName::new("main").unwrap());
        let mut narrow = bench.request("SELECT v FROM lab.x");
        narrow.scope = scope.clone();
        assert!(matches!(bench.batches(narrow).await, Err(QueryError::UnknownDatabase { .. })));
        let mut other = bench.request("SELECT 1");
        other.scope = scope;
        other.database = DatabaseName::new("lab").unwrap();
        assert!(matches!(bench.batches(other).await, Err(QueryError::UnknownDatabase { .. })));
    });
}

#[test]
fn an_empty_answer_still_has_columns() {
    run(async {
        let bench = Bench::new();
        bench.write(&[room("a", 0).field("t", Value::F64(1.0))]).await;
        let stream = bench.engine.execute(bench.request("SELECT t, place FROM room WHERE t > 5")).await.unwrap();
        assert_eq!(stream.schema().fields().len(), 2);
    });
}

#[test]
fn rows_are_grouped_by_tags_as_text_and_the_groups_are_tags_again() {
    run(async {
        let bench = Bench::new();
        let point = |place: &'static str, kind: &'static str, hour, value| {
            room(place, hour).tag("kind", kind).field("t", Value::F64(value))
        };
        bench.write(&[point("a", "x", 0, 1.0), point("b", "x", 1, 2.0), point("a", "y", 2, 4.0)]).await;
        bench.flush().await;
        bench.write(&[point("a", "x", 3, 8.0), room("a", 4).field("t", Value::F64(16.0))]).await;
        for (sql, rows) in [
            ("SELECT place, sum(t) FROM room GROUP BY place ORDER BY place", vec!["a|29.0", "b|2.0"]),
            (
                "SELECT kind, place, count(*) FROM room GROUP BY place, kind ORDER BY place, kind NULLS FIRST",
                vec!["|a|1", "x|a|2", "y|a|1", "x|b|1"],
            ),
            ("SELECT DISTINCT kind FROM room ORDER BY kind", vec!["x", "y", ""]),
            ("SELECT r.place AS p FROM room r GROUP BY r.place HAVING sum(t) > 5 AND r.place <> 'c'", vec!["a"]),
            (
                "SELECT place, date_bin(INTERVAL '3 hours', time) AS at, max(t) FROM room WHERE kind = 'x' \
              GROUP BY place, at ORDER BY place, at LIMIT 2",
                vec!["a|2023-11-14T21:00:00Z|1.0", "a|2023-11-15T00:00:00Z|8.0"],
            ),
            ("SELECT place, count(*) FROM room GROUP BY ROLLUP(place) ORDER BY 2", vec!["b|1", "a|4", "|5"]),
            ("SELECT count(DISTINCT place), count(DISTINCT kind) FROM room", vec!["2|2"]),
            (
                "SELECT a.place, a.n FROM (SELECT place, count(*) AS n FROM room GROUP BY place) a JOIN \
              (SELECT DISTINCT place FROM room WHERE kind = 'y') b ON a.place = b.place",
                vec!["a|4"],
            ),
        ] {
            assert_eq!(bench.ask(sql).await, rows, "{sql}");
        }
        let plan = bench.ask("EXPLAIN SELECT place, sum(t) FROM room GROUP BY place").await.join("\n");
        assert!(plan.contains("AS Utf8View"), "{plan}");
        let answer = bench.batches(bench.request("SELECT place FROM room GROUP BY place")).await.unwrap();
        let types: Vec<_> = answer.iter().map(|batch| batch.schema().field(0).data_type().clone()).collect();
        let stored = bench.batches(bench.request("SELECT place FROM room")).await.unwrap();
        assert!(types.iter().all(|of_group| of_group == stored[0].schema().field(0).data_type()), "{types:?}");
    });
}

#[test]
fn a_chart_gets_the_rows_that_it_shows() {
    run(async {
        let bench = Bench::new();
        let spike = |minute: i64| if minute == 517 { 99.0 } else { (minute % 10) as f64 };
        let point = |minute: i64| {
            Point::new("room", START + minute * HOUR / 60).tag("place", "a").field("t", Value::F64(spike(minute)))
        };
        bench.write(&(0..600).map(point).collect::<Vec<_>>()).await;
        bench.flush().await;
        bench.write(&(600..1_000).map(point).collect::<Vec<_>>()).await;
        let mut request = bench.request("SELECT time, place, t FROM room");
        request.points = std::num::NonZeroUsize::new(20);
        let rows: usize = bench.batches(request.clone()).await.unwrap().iter().map(|batch| batch.num_rows()).sum();
        assert!((20..=80).contains(&rows), "{rows}");
        request.sql = "SELECT t, time FROM room WHERE t > 50".into();
        let rows: usize = bench.batches(request.clone()).await.unwrap().iter().map(|batch| batch.num_rows()).sum();
        assert_eq!(rows, 1);
        request.sql = "SELECT t FROM room".into();
        assert!(bench.batches(request).await.is_err_and(|error| error.to_string().contains("points needs a time")));
    });
}
