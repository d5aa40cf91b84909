//! Newest values and distinct tag values, which are answered from memory, equal what a scan finds.

mod support;

use proptest::prelude::*;
use sensorium_model::{DatabaseName, DatabaseScope, OrgId, Point, Value};
use sensorium_query::QueryError;
use support::{Bench, HOUR, START, key, run};
use uuid::Uuid;

const PLACES: [Option<&str>; 4] = [None, Some("a"), Some("b"), Some("ab")];
const KINDS: [Option<&str>; 3] = [None, Some("x"), Some("y")];

#[derive(Debug, Clone)]
struct Reading {
    place: Option<&'static str>,
    kind: Option<&'static str>,
    time: i64,
    float: Option<i64>,
    text: Option<u8>,
    truth: Option<bool>,
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Reading>),
    Flush,
    Restart,
}

fn reading() -> impl Strategy<Value = Reading> {
    let tags = (proptest::sample::select(&PLACES[..]), proptest::sample::select(&KINDS[..]));
    let fields = (proptest::option::of(0i64..20), proptest::option::of(0u8..4), proptest::option::of(any::<bool>()));
    (tags, 0i64..60, fields).prop_map(|((place, kind), time, (float, text, truth))| {
        let float = if text.is_none() && truth.is_none() { float.or(Some(7)) } else { float };
        Reading { place, kind, time, float, text, truth }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::collection::vec(reading(), 1..20).prop_map(Step::Write),
        2 => Just(Step::Flush),
        1 => Just(Step::Restart),
    ]
}

fn point(reading: &Reading) -> Point<'_> {
    let mut point = Point::new("t", START + reading.time * HOUR);
    for (name, value) in [("place", reading.place), ("kind", reading.kind)] {
        if let Some(value) = value {
            point = point.tag(name, value);
        }
    }
    if let Some(float) = reading.float {
        point = point.field("f", Value::F64(float as f64));
    }
    if let Some(text) = reading.text {
        point = point.field("s", Value::Text(format!("s{text}").into()));
    }
    if let Some(truth) = reading.truth {
        point = point.field("ok", Value::Bool(truth));
    }
    point
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_answer_is_that_of_a_scan(steps in proptest::collection::vec(step(), 1..10)) {
        run(async {
            let mut bench = Bench::new();
            let first =
                Reading { place: Some("a"), kind: Some("x"), time: 0, float: Some(1), text: Some(1), truth: Some(true) };
            for step in std::iter::once(Step::Write(vec![first])).chain(steps) {
                match step {
                    Step::Write(readings) => bench.write(&readings.iter().map(point).collect::<Vec<_>>()).await,
                    Step::Flush => bench.flush().await,
                    Step::Restart => bench = bench.restart().await,
                }
                let order = "ORDER BY place NULLS FIRST, kind NULLS FIRST";
                let newest = |field: &str| format!("last_value({field} ORDER BY time) FILTER (WHERE {field} IS NOT NULL)");
                let scan = format!(
                    "SELECT max(time), kind, place, {}, {}, {} FROM t GROUP BY kind, place {order}",
                    newest("f"), newest("ok"), newest("s"),
                );
                let all = bench.ask(&format!("SELECT * FROM last('t') {order}")).await;
                prop_assert_eq!(all, bench.ask(&scan).await);
                let filtered = "SELECT s, time FROM last('t') WHERE place = 'a' AND f > 5 ORDER BY time, s";
                let scanned = format!(
                    "SELECT s, time FROM ({}) WHERE place = 'a' AND f > 5 ORDER BY time, s",
                    scan.replace("max(time),", "max(time) AS time,")
                        .replace(&newest("f"), &format!("{} AS f", newest("f")))
                        .replace(&newest("s"), &format!("{} AS s", newest("s"))),
                );
                prop_assert_eq!(bench.ask(filtered).await, bench.ask(&scanned).await);
                prop_assert_eq!(
                    bench.ask("SELECT count(*) FROM last('t')").await,
                    bench.ask("SELECT count(*) FROM (SELECT DISTINCT place, kind FROM t)").await
                );
                for tag in ["place", "kind"] {
                    prop_assert_eq!(
                        bench.ask(&format!("SELECT value FROM tag_values('t', '{tag}')")).await,
                        bench.ask(&format!("SELECT DISTINCT {tag} FROM t WHERE {tag} IS NOT NULL ORDER BY {tag}")).await
                    );
                }
            }
            Ok(())
        })?;
    }
}

fn room(place: &str, hour: i64) -> Point<'_> {
    Point::new("room", START + hour * HOUR).tag("place", place)
}

#[test]
fn the_newest_values_are_a_table_that_is_never_scanned() {
    run(async {
        let bench = Bench::new();
        bench.write(&[room("a", 2).field("t", Value::F64(20.0)), room("b", 1).field("t", Value::F64(21.0))]).await;
        bench.flush().await;
        bench.write(&[room("a", 1).field("t", Value::F64(22.0)).field("h", Value::F64(50.0))]).await;
        let rows = ["a|20.0|50.0|2023-11-15T00:00:00Z", "b|21.0||2023-11-14T23:00:00Z"];
        assert_eq!(bench.ask("SELECT place, t, h, time FROM last('room') ORDER BY place").await, rows);
        for spelled in ["last(room)", "last('main', 'room')", "last(main.room)", "last(\"room\")"] {
            assert_eq!(bench.ask(&format!("SELECT t FROM {spelled} WHERE place = 'b'")).await, ["21.0"], "{spelled}");
        }
        assert_eq!(bench.ask("SELECT avg(l.t) FROM last('room') l WHERE l.time >= '2023-11-14'").await, ["20.5"]);
        let plan = bench.ask("EXPLAIN SELECT t FROM last('room') WHERE place = 'a'").await.join("\n");
        assert!(plan.contains("last(main.room)") && !plan.contains(".parquet"), "{plan}");
        let plan = bench.ask("EXPLAIN SELECT * FROM tag_values('room', 'place')").await.join("\n");
        assert!(plan.contains("tag_values(main.room, place)") && !plan.contains(".parquet"), "{plan}");
        assert_eq!(bench.ask("SELECT * FROM tag_values(room, place) LIMIT 1").await, ["a"]);
    });
}

#[test]
fn the_tag_that_makes_most_series_stands_first() {
    run(async {
        let bench = Bench::new();
        let visit = |place: &'static str, visitor: &'static str| {
            room(place, 0).tag("visitor", visitor).field("t", Value::F64(1.0))
        };
        bench.write(&[visit("a", "1"), visit("a", "2"), visit("b", "3")]).await;
        bench.flush().await;
        bench.write(&[room("a", 1).field("t", Value::F64(1.0))]).await;
        assert_eq!(bench.ask("SELECT * FROM cardinality('room')").await, ["visitor|3|3|4", "place|2|4|4"]);
        assert_eq!(bench.ask("SELECT max(distinct_values) FROM cardinality(room)").await, ["3"]);
    });
}

#[test]
fn mistakes_in_the_names_are_explained() {
    run(async {
        let bench = Bench::new();
        bench.write(&[room("a", 0).field("t", Value::F64(1.0))]).await;
        for (sql, words) in [
            ("SELECT * FROM last('rom')", "Did you mean room?"),
            ("SELECT * FROM last('mian', 'room')", "Did you mean main?"),
            ("SELECT * FROM last()", "last('table')"),
            ("SELECT * FROM last(7)", "last('table')"),
            ("SELECT * FROM last('a', 'b', 'c')", "last('table')"),
            ("SELECT * FROM cardinality('room', 'place', 'x')", "cardinality('table')"),
            ("SELECT * FROM tag_values('room')", "tag_values('table', 'tag')"),
            ("SELECT * FROM tag_values('room', 'plce')", "Did you mean place?"),
            ("SELECT * FROM tag_values('room', 't')", "no tag \"t\""),
        ] {
            let error = bench.refused(sql).await;
            assert!(matches!(error, QueryError::Meaning { .. }), "{sql}: {error:?}");
            assert!(error.to_string().contains(words), "{sql}: {error}");
        }
    });
}

#[test]
fn other_databases_are_invisible_here_too() {
    run(async {
        let bench = Bench::new();
        let stranger = OrgId::from_uuid(Uuid::from_u128(2));
        bench.store.create_database(&key(stranger, "secret")).unwrap();
        bench.store.create_database(&key(bench.org, "lab")).unwrap();
        let x = Point::new("x", START).tag("k", "v").field("v", Value::I64(1));
        bench.write_to(key(stranger, "secret"), std::slice::from_ref(&x)).await;
        bench.write_to(key(bench.org, "lab"), &[x]).await;
        assert_eq!(bench.ask("SELECT v FROM last('lab', 'x')").await, ["1"]);
        for sql in ["SELECT * FROM last('secret', 'x')", "SELECT * FROM tag_values('secret', 'x', 'k')"] {
            assert!(bench.refused(sql).await.to_string().contains("no database \"secret\""), "{sql}");
        }
        let mut narrow = bench.request("SELECT v FROM last('lab', 'x')");
        narrow.scope = DatabaseScope::One(DatabaseName::new("main").unwrap());
        assert!(bench.batches(narrow).await.is_err_and(|error| error.to_string().contains("no database \"lab\"")));
    });
}
