//! What is answered without a plan, and that it is what a plan answers.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use futures::TryStreamExt;
use proptest::prelude::*;
use sensorium_model::{BatchBuilder, IngestLimits, OrgId, Point, Value};
use sensorium_store::{Deletion, Durability, StoreConfig};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::session::Sessions;
use crate::{Asker, QueryConfig, QueryEngine, statement};

/// 2023-11-14T22:00:00Z.
const START: i64 = 1_699_999_200_000_000_000;
const MINUTE: i64 = 60_000_000_000;

struct World {
    store: Store,
    sessions: Sessions,
    engine: QueryEngine,
    key: DatabaseKey,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreConfig { durability: Durability::Memory, ..StoreConfig::new(folder.path()) };
        let (store, _) = Store::open(settings).unwrap();
        let key = DatabaseKey::new(OrgId::from_uuid(Uuid::from_u128(1)), DatabaseName::new("main").unwrap());
        store.create_database(&key).unwrap();
        let config = QueryConfig { threads: 2, ..QueryConfig::default() };
        let sessions = Sessions::new(store.clone(), &config).unwrap();
        let engine = QueryEngine::new(store.clone(), config).unwrap();
        Self { store, sessions, engine, key, _folder: folder }
    }

    async fn write(&self, points: &[Point<'_>]) {
        let schema = self.store.schema(&self.key).unwrap();
        let mut builder = BatchBuilder::new(schema.as_ref(), IngestLimits::default(), START);
        for (line, point) in (1..).zip(points) {
            builder.push(point, line).unwrap();
        }
        assert_eq!(self.store.write(builder.finish(self.key.clone())).await.unwrap().rejected, []);
    }

    fn request(&self, sql: &str) -> QueryRequest {
        QueryRequest {
            org: self.key.org,
            database: self.key.name.clone(),
            scope: DatabaseScope::All,
            asker: Asker::system(),
            sql: sql.to_owned(),
            points: None,
            postgres: None,
        }
    }

    async fn direct(&self, sql: &str) -> Option<RecordBatch> {
        let request = self.request(sql);
        answer(self.sessions.reading(), &request, &statement::parse(sql).unwrap()).await.unwrap()
    }

    /// What a plan answers: a condition that is always true stands in the way of the shorter path.
    async fn planned(&self, sql: &str) -> RecordBatch {
        let sql = match sql.contains("WHERE") {
            true => sql.replace("WHERE", "WHERE 1 = 1 AND"),
            false => format!("{sql} WHERE 1 = 1"),
        };
        assert!(self.direct(&sql).await.is_none(), "{sql}");
        let rows = self.engine.execute(self.request(&sql)).await.unwrap();
        let schema = rows.schema();
        concat_batches(&schema, &rows.try_collect::<Vec<_>>().await.unwrap()).unwrap()
    }

    async fn check(&self, sql: &str) {
        let direct = self.direct(sql).await.unwrap_or_else(|| panic!("planned: {sql}"));
        let planned = self.planned(sql).await;
        assert_eq!(direct.schema(), planned.schema(), "{sql}");
        assert_eq!(direct, planned, "{sql}");
    }
}

fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn room(place: &str, minute: i64) -> Point<'_> {
    Point::new("room", START + minute * MINUTE).tag("place", place).tag("house", "h")
}

#[test]
fn one_series_in_bins_is_answered_without_a_plan() {
    run(async {
        let world = World::new();
        for minute in 0..90 {
            let fields = |point: Point<'static>| {
                let point = point.field("t", Value::F64(20.0 + minute as f64 / 7.0)).field("n", Value::I64(minute));
                point.field("u", Value::U64(minute as u64)).field("on", Value::Bool(minute % 2 == 0))
            };
            world.write(&[fields(room("a", minute)), fields(room("b", minute))]).await;
        }
        let (from, to) = ("2023-11-14T22:10:00Z", "2023-11-14T23:05:00+00:00");
        for flushed in [false, true] {
            if flushed {
                world.store.flush().await.unwrap();
            }
            for sql in [
                format!(
                    "SELECT date_bin(INTERVAL '10 minutes', time) AS t1, avg(t), min(t), max(t), sum(t), count(t), count(*) \
                     FROM room WHERE place = 'a' AND time >= '{from}' AND time < '{to}' GROUP BY t1 ORDER BY t1"
                ),
                format!(
                    "SELECT avg(n) AS n, sum(n) AS s, min(n), max(u), sum(u), avg(u), count(\"on\"), \
                     DATE_BIN(INTERVAL 1 HOUR, room.time) AS \"Hour\" FROM main.room \
                     WHERE (time BETWEEN '{from}' AND '{to}') AND room.place = 'b' GROUP BY \"Hour\" ORDER BY 8 DESC"
                ),
                "SELECT date_bin(INTERVAL '1 day', time) AS b, count(time) FROM room \
                 WHERE house = 'h' AND place = 'a' GROUP BY date_bin(INTERVAL '1 day', time) ORDER BY b"
                    .to_owned(),
                "SELECT date_bin(INTERVAL '7 minutes', time) AS b, max(t) FROM room WHERE place = 'a' AND time < now() \
                 AND time > now() - INTERVAL '100000 days' AND time <= now() + INTERVAL '1' HOUR GROUP BY b ORDER BY b"
                    .to_owned(),
                "SELECT date_bin(INTERVAL '90 seconds', time) AS b, avg(t) FROM room \
                 WHERE place = 'a' AND time > '2030-01-01' GROUP BY 1 ORDER BY 1"
                    .to_owned(),
            ] {
                world.check(&sql).await;
            }
        }
    });
}

#[test]
fn files_of_one_length_are_told_apart() {
    run(async {
        let world = World::new();
        for hour in 0..2 {
            let minutes =
                (0..3).map(|minute| room("a", hour * 60 + minute).field("t", Value::F64((hour + minute) as f64)));
            world.write(&minutes.collect::<Vec<_>>()).await;
            world.store.flush().await.unwrap();
        }
        let sql =
            "SELECT date_bin(INTERVAL '1 minute', time) AS b, avg(t) FROM room WHERE place = 'a' GROUP BY b ORDER BY b";
        world.check(sql).await;
        world.check(sql).await;
    });
}

#[test]
fn everything_else_is_planned() {
    run(async {
        let world = World::new();
        let fields = |point: Point<'static>| point.field("t", Value::F64(20.0)).field("note", Value::Text("x".into()));
        world.write(&[fields(room("a", 0)), fields(room("b", 1))]).await;
        let plain =
            "SELECT date_bin(INTERVAL '1 minute', time) AS b, avg(t) FROM room WHERE place = 'a' GROUP BY b ORDER BY b";
        world.check(plain).await;
        for (part, instead) in [
            // Two series, or none.
            ("WHERE place = 'a'", "WHERE house = 'h'"),
            ("WHERE place = 'a'", "WHERE place = 'c'"),
            ("WHERE place = 'a'", ""),
            // Other conditions.
            ("place = 'a'", "place <> 'a'"),
            ("place = 'a'", "place = 'a' OR t > 3"),
            ("place = 'a'", "place = 'a' AND t > 3"),
            ("place = 'a'", "place = 'a' AND time < now() - INTERVAL '1 month'"),
            ("place = 'a'", "place = 'a' AND time < now() - time"),
            ("place = 'a'", "place = 'a' AND time < 'tomorrow'"),
            // Other functions, and other forms of them.
            ("avg(t)", "median(t)"),
            ("avg(t)", "avg(t + 1)"),
            ("avg(t)", "avg(DISTINCT t)"),
            ("avg(t)", "avg(t) FILTER (WHERE t > 0)"),
            ("avg(t)", "max(note)"),
            ("avg(t)", "count(place)"),
            ("avg(t)", "t"),
            ("avg(t)", "avg(missing)"),
            ("avg(t)", "avg(t) AS b"),
            ("INTERVAL '1 minute', time", "INTERVAL '1 month', time"),
            ("INTERVAL '1 minute', time", "INTERVAL '-1 minute', time"),
            ("INTERVAL '1 minute', time", "INTERVAL '1 minute', time, TIMESTAMP '2000-01-01T00:00:07'"),
            // Names that mean something else.
            ("AS b", "AS t"),
            ("AS b", "AS time"),
            ("AS b", ""),
            ("FROM room", "FROM rooms"),
            ("FROM room", "FROM other.room"),
            ("FROM room", "FROM room AS r"),
            ("FROM room", "FROM room, room AS r"),
            // Other clauses.
            ("GROUP BY b", "GROUP BY b, place"),
            ("GROUP BY b", "GROUP BY b HAVING avg(t) > 0"),
            ("ORDER BY b", "ORDER BY b LIMIT 1"),
            ("ORDER BY b", "ORDER BY b, 2"),
            ("ORDER BY b", "ORDER BY 2"),
            ("SELECT", "SELECT DISTINCT"),
            ("SELECT", "EXPLAIN SELECT"),
        ] {
            let sql = plain.replace(part, instead);
            assert_ne!(sql, plain);
            assert!(world.direct(&sql).await.is_none(), "{sql}");
        }
        let other = DatabaseScope::One(DatabaseName::new("other").unwrap());
        let request = QueryRequest { scope: other, ..world.request(plain) };
        let statement = statement::parse(plain).unwrap();
        assert!(answer(world.sessions.reading(), &request, &statement).await.unwrap().is_none());
    });
}

#[test]
fn newest_values_are_answered_without_a_plan() {
    run(async {
        let world = World::new();
        let other = Point::new("room", START).field("note", Value::Text("x".into()));
        world.write(&[room("a", 0).field("t", Value::F64(20.0)), room("b", 1).field("n", Value::I64(1)), other]).await;
        for sql in [
            "SELECT * FROM last('room')",
            "SELECT place, t FROM last('room')",
            "SELECT t AS \"T\", TIME, note AS remark FROM last('main', 'room')",
        ] {
            world.check(sql).await;
        }
        for sql in [
            "SELECT t + 1 FROM last('room')",
            "SELECT t, t FROM last('room')",
            "SELECT missing FROM last('room')",
            "SELECT * EXCLUDE (t) FROM last('room')",
            "SELECT DISTINCT t FROM last('room')",
            "SELECT t FROM last('room') WHERE t > 1",
            "SELECT t FROM last('room') ORDER BY t",
            "SELECT t FROM last('room') LIMIT 1",
            "SELECT count(*) FROM last('room')",
            "SELECT t FROM last('room') GROUP BY t",
            "SELECT t FROM last('room') AS l",
            "SELECT last.t FROM last('room')",
            "SELECT t FROM LAST('room')",
            "SELECT t FROM last('rooms')",
            "SELECT t FROM last('other', 'room')",
            "SELECT t FROM last('main', 'room', 'more')",
            "SELECT value FROM tag_values('room', 'place')",
            "SELECT t FROM room",
        ] {
            assert!(world.direct(sql).await.is_none(), "{sql}");
        }
    });
}

/// One reading: whether of the series in question, the minute, the fields.
type Reading = (bool, i64, Option<i64>, Option<i64>);

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Reading>),
    Delete(bool, i64, i64),
    Flush,
    Compact,
}

fn step() -> impl Strategy<Value = Step> {
    let field = || proptest::option::weighted(0.7, -20i64..20);
    let reading = (proptest::bool::weighted(0.7), 0i64..40, field(), field());
    prop_oneof![
        4 => proptest::collection::vec(reading, 1..25).prop_map(Step::Write),
        2 => Just(Step::Flush),
        1 => (any::<bool>(), 0i64..40, 0i64..10).prop_map(|(all, from, length)| Step::Delete(all, from, from + length)),
        1 => Just(Step::Compact),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_answer_is_that_of_a_plan(
        steps in proptest::collection::vec(step(), 1..12),
        (from, length, step_seconds) in (-5i64..45, 0i64..50, 1i64..1_000),
        descending in any::<bool>(),
    ) {
        run(async {
            let world = World::new();
            // Halves: sums of them are exact in whatever order.
            let number = |value: i64| Value::F64(value as f64 / 2.0);
            world.write(&[room("a", 0).field("f", number(1)).field("i", Value::I64(1)), room("b", 0).field("f", number(1))]).await;
            let at = |minute: i64| chrono::DateTime::from_timestamp_nanos(START + minute * MINUTE).to_rfc3339();
            let (from, to) = (at(from), at(from + length));
            let order = if descending { "DESC" } else { "" };
            let sql = format!(
                "SELECT date_bin(INTERVAL '{step_seconds} seconds', time) AS b, avg(f), sum(f), min(f), max(f), count(f), avg(i), \
                 sum(i), count(*) FROM room WHERE place = 'a' AND time >= '{from}' AND time <= '{to}' GROUP BY b ORDER BY b {order}"
            );
            for step in steps {
                match step {
                    Step::Write(readings) => {
                        let point = |(ours, minute, f, i): &Reading| {
                            let mut point = room(if *ours { "a" } else { "b" }, *minute);
                            if let Some(i) = i {
                                point = point.field("i", Value::I64(*i));
                            }
                            match f {
                                Some(f) => point.field("f", number(*f)),
                                None if i.is_none() => point.field("f", number(0)),
                                None => point,
                            }
                        };
                        world.write(&readings.iter().map(point).collect::<Vec<_>>()).await;
                    }
                    Step::Delete(all, from, to) => {
                        let tags = if all { Vec::new() } else { vec![("place".into(), "a".into())] };
                        let (time_min_ns, time_max_ns) = (START + from * MINUTE, START + to * MINUTE);
                        let deletion = Deletion { time_min_ns, time_max_ns, tags };
                        world.store.delete(&world.key, "room", deletion).await.unwrap();
                    }
                    Step::Flush => world.store.flush().await.unwrap(),
                    Step::Compact => world.store.compact().await.unwrap(),
                }
                // Each time: what was read before is kept, and must still be right.
                world.check(&sql).await;
            }
        });
    }
}
