//! Any sequence of writes and flushes answers like a plain map of rows.

#![allow(clippy::indexing_slicing, reason = "indices are drawn from the length of what they index")]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use sensorium_model::{Point, Value};
use support::{Bench, HOUR, START, run};

const PLACES: [Option<&str>; 4] = [None, Some("a"), Some("b"), Some("ab")];
const KINDS: [Option<&str>; 3] = [None, Some("x"), Some("y")];

/// One reading: indices into the tag values, the time in half hours, the fields.
#[derive(Debug, Clone)]
struct Reading {
    place: usize,
    kind: usize,
    time: i64,
    float: Option<i64>,
    integer: Option<i64>,
    text: Option<u8>,
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Reading>),
    Flush,
    Restart,
}

/// A predicate and its meaning.
#[derive(Debug, Clone)]
enum Predicate {
    From(i64),
    Before(i64),
    Place(usize),
    Kind(usize),
    NoKind,
    PlaceAmong(usize),
    FloatAbove(i64),
    NoInteger,
    Text(u8),
    Both(Box<Predicate>, Box<Predicate>),
    Either(Box<Predicate>, Box<Predicate>),
    Not(Box<Predicate>),
}

type Key = (Option<&'static str>, Option<&'static str>, i64);
type Fields = (Option<i64>, Option<i64>, Option<u8>);

fn reading() -> impl Strategy<Value = Reading> {
    let field = || proptest::option::weighted(0.6, 0i64..20);
    (0..PLACES.len(), 0..KINDS.len(), 0i64..120, field(), field(), proptest::option::of(0u8..4)).prop_map(
        |(place, kind, time, float, integer, text)| Reading {
            place,
            kind,
            time,
            float: float.or(if integer.is_none() && text.is_none() { Some(0) } else { None }),
            integer,
            text,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => proptest::collection::vec(reading(), 1..25).prop_map(Step::Write),
        2 => Just(Step::Flush),
        1 => Just(Step::Restart),
    ]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        (0i64..120).prop_map(Predicate::From),
        (0i64..120).prop_map(Predicate::Before),
        (0..PLACES.len()).prop_map(Predicate::Place),
        (1..KINDS.len()).prop_map(Predicate::Kind),
        Just(Predicate::NoKind),
        (1..PLACES.len()).prop_map(Predicate::PlaceAmong),
        (0i64..20).prop_map(Predicate::FloatAbove),
        Just(Predicate::NoInteger),
        (0u8..4).prop_map(Predicate::Text),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            pair.clone().prop_map(|(a, b)| Predicate::Both(Box::new(a), Box::new(b))),
            pair.prop_map(|(a, b)| Predicate::Either(Box::new(a), Box::new(b))),
            inner.prop_map(|a| Predicate::Not(Box::new(a))),
        ]
    })
}

impl Predicate {
    fn sql(&self) -> String {
        let at = |time: i64| format!("to_timestamp_nanos({})", START + time * HOUR / 2);
        match self {
            Self::From(time) => format!("time >= {}", at(*time)),
            Self::Before(time) => format!("time < {}", at(*time)),
            Self::Place(place) => PLACES[*place].map_or("place IS NULL".into(), |place| format!("place = '{place}'")),
            Self::Kind(kind) => format!("kind = '{}'", KINDS[*kind].unwrap_or_default()),
            Self::NoKind => "kind IS NULL".into(),
            Self::PlaceAmong(place) => format!("place IN ('{}', 'nowhere')", PLACES[*place].unwrap_or_default()),
            Self::FloatAbove(bound) => format!("f > {bound}"),
            Self::NoInteger => "i IS NULL".into(),
            Self::Text(text) => format!("s = 's{text}'"),
            Self::Both(a, b) => format!("({} AND {})", a.sql(), b.sql()),
            Self::Either(a, b) => format!("({} OR {})", a.sql(), b.sql()),
            Self::Not(a) => format!("NOT ({})", a.sql()),
        }
    }

    /// Three-valued, as SQL has it.
    fn holds(&self, key: &Key, fields: &Fields) -> Option<bool> {
        match self {
            Self::From(time) => Some(key.2 >= *time),
            Self::Before(time) => Some(key.2 < *time),
            Self::Place(place) => match PLACES[*place] {
                None => Some(key.0.is_none()),
                Some(place) => key.0.map(|stored| stored == place),
            },
            Self::Kind(kind) => key.1.map(|stored| Some(stored) == KINDS[*kind]),
            Self::NoKind => Some(key.1.is_none()),
            Self::PlaceAmong(place) => key.0.map(|stored| Some(stored) == PLACES[*place]),
            Self::FloatAbove(bound) => fields.0.map(|float| float > *bound),
            Self::NoInteger => Some(fields.1.is_none()),
            Self::Text(text) => fields.2.map(|stored| stored == *text),
            Self::Both(a, b) => match (a.holds(key, fields), b.holds(key, fields)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Either(a, b) => match (a.holds(key, fields), b.holds(key, fields)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(a) => a.holds(key, fields).map(|holds| !holds),
        }
    }
}

fn point(reading: &Reading) -> Point<'_> {
    let mut point = Point::new("t", START + reading.time * HOUR / 2);
    for (name, value) in [("place", PLACES[reading.place]), ("kind", KINDS[reading.kind])] {
        if let Some(value) = value {
            point = point.tag(name, value);
        }
    }
    if let Some(float) = reading.float {
        point = point.field("f", Value::F64(float as f64));
    }
    if let Some(integer) = reading.integer {
        point = point.field("i", Value::I64(integer));
    }
    if let Some(text) = reading.text {
        point = point.field("s", Value::Text(format!("s{text}").into()));
    }
    point
}

fn apply(model: &mut BTreeMap<Key, Fields>, reading: &Reading) {
    let row = model.entry((PLACES[reading.place], KINDS[reading.kind], reading.time)).or_default();
    row.0 = reading.float.or(row.0);
    row.1 = reading.integer.or(row.1);
    row.2 = reading.text.or(row.2);
}

fn expected<'a>(rows: impl Iterator<Item = (&'a Key, &'a Fields)>) -> Vec<String> {
    let text = |value: Option<String>| value.unwrap_or_default();
    rows.map(|((place, kind, time), (float, integer, label))| {
        [
            (START + time * HOUR / 2).to_string(),
            place.unwrap_or_default().to_owned(),
            kind.unwrap_or_default().to_owned(),
            text(float.map(|float| format!("{:?}", float as f64))),
            text(integer.map(|integer| integer.to_string())),
            text(label.map(|label| format!("s{label}"))),
        ]
        .join("|")
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_do_not_depend_on_where_rows_are(
        steps in proptest::collection::vec(step(), 1..12),
        predicates in proptest::collection::vec(predicate(), 4),
    ) {
        run(async {
            let mut bench = Bench::new();
            let mut model = BTreeMap::new();
            // One row with every column, so that each can be named.
            let first = Reading { place: 1, kind: 1, time: 0, float: Some(1), integer: Some(1), text: Some(1) };
            for step in std::iter::once(Step::Write(vec![first])).chain(steps) {
                match step {
                    Step::Write(readings) => {
                        bench.write(&readings.iter().map(point).collect::<Vec<_>>()).await;
                        readings.iter().for_each(|reading| apply(&mut model, reading));
                    }
                    Step::Flush => bench.flush().await,
                    Step::Restart => bench = bench.restart().await,
                }
            }
            let columns = "CAST(time AS BIGINT) AS at, place, kind, f, i, s";
            let order = "ORDER BY place NULLS FIRST, kind NULLS FIRST, time";
            let all = bench.ask(&format!("SELECT {columns} FROM t {order}")).await;
            prop_assert_eq!(all, expected(model.iter()));
            for predicate in &predicates {
                let sql = predicate.sql();
                let matching: Vec<(&Key, &Fields)> =
                    model.iter().filter(|(key, fields)| predicate.holds(key, fields) == Some(true)).collect();
                let answer = bench.ask(&format!("SELECT {columns} FROM t WHERE {sql} {order}")).await;
                prop_assert_eq!(answer, expected(matching.iter().copied()), "{}", sql);
                let sum: i64 = matching.iter().filter_map(|(_, fields)| fields.1).sum();
                let integers = matching.iter().filter(|(_, fields)| fields.1.is_some()).count();
                let counted = bench.ask(&format!("SELECT count(*), count(i), coalesce(sum(i), 0) FROM t WHERE {sql}")).await;
                prop_assert_eq!(counted, [format!("{}|{integers}|{sum}", matching.len())], "{}", sql);
            }
            let mut groups: BTreeMap<Option<&str>, (usize, i64)> = BTreeMap::new();
            for ((place, _, _), fields) in &model {
                let group = groups.entry(*place).or_default();
                *group = (group.0 + 1, group.1 + fields.1.unwrap_or_default());
            }
            let grouped: Vec<String> = groups
                .iter()
                .map(|(place, (rows, sum))| format!("{}|{rows}|{sum}", place.unwrap_or_default()))
                .collect();
            let by_place = "SELECT place, count(*), coalesce(sum(i), 0) FROM t GROUP BY place ORDER BY place NULLS FIRST";
            prop_assert_eq!(bench.ask(by_place).await, grouped);
            let last = model.keys().map(|key| START + key.2 * HOUR / 2).max().unwrap_or_default();
            let totals = bench.ask("SELECT count(*), CAST(max(time) AS BIGINT) FROM t").await;
            prop_assert_eq!(totals, [format!("{}|{last}", model.len())]);
            let newest = bench.ask("SELECT CAST(time AS BIGINT) AS at FROM t ORDER BY time DESC LIMIT 1").await;
            prop_assert_eq!(newest, [last.to_string()]);
            Ok(())
        })?;
    }
}
