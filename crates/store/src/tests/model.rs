//! The store against a map: writes, overlapping keys, flushes and restarts in any order.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;

use std::sync::Arc;

use super::*;
use sensorium_model::Name;

use crate::wal::codec::tests::vector;
use crate::{Deletion, StoreConfig};

const DAY: i64 = 86_400_000_000_000;

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Point<'static>>),
    Flush,
    Compact,
    Delete(Deletion),
    Restart,
    ShutDownAndRestart,
    Read,
}

fn field() -> impl Strategy<Value = (&'static str, Value<'static>)> {
    prop_oneof![
        any::<i32>().prop_map(|v| ("double", Value::F64(f64::from(v) / 100.0))),
        any::<i64>().prop_map(|v| ("signed", Value::I64(v))),
        any::<u64>().prop_map(|v| ("unsigned", Value::U64(v))),
        any::<bool>().prop_map(|v| ("truth", Value::Bool(v))),
        "[a-c]{0,2}".prop_map(|v| ("text", Value::Text(v.into()))),
        vector().prop_map(|v| ("vector", Value::Vector(v.into()))),
    ]
}

prop_compose! {
    pub(super) fn point()(
        table in prop_oneof![9 => Just("t"), 1 => Just("u/ü")],
        tags in proptest::collection::btree_map(prop_oneof!["x", "y", "z"], "[ab]", 0..3),
        fields in vec(field(), 1..4),
        day in -1..3_i64,
        within in 0..4_i64,
    ) -> Point<'static> {
        let mut point = Point::new(table, day * DAY + within);
        point.tags = tags.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        point.fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        point
    }
}

prop_compose! {
    pub(super) fn deletion()(
        from in -1..3_i64,
        days in 0..2_i64,
        tags in proptest::collection::btree_map(prop_oneof!["x", "y"], "[ab]", 0..2),
    ) -> Deletion {
        let tags = tags.into_iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
        Deletion { time_min_ns: from * DAY, time_max_ns: (from + days) * DAY + 1, tags }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => vec(point(), 1..12).prop_map(Step::Write),
        3 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => deletion().prop_map(Step::Delete),
        1 => Just(Step::Restart),
        1 => Just(Step::ShutDownAndRestart),
        2 => Just(Step::Read),
    ]
}

type Newest = BTreeMap<(SeriesKey, String), (i64, Value<'static>)>;

/// What a store must hold.
#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<String, Rows>,
    newest: BTreeMap<String, Newest>,
}

impl Model {
    pub(super) fn write(&mut self, point: &Point<'static>) {
        let mut tags = point.tags.clone();
        tags.sort();
        let series = SeriesKey::from_sorted(tags.iter().map(|(n, v)| (n.as_ref(), v.as_ref())));
        let fields =
            self.rows.entry(point.table.to_string()).or_default().entry((series.clone(), point.time_ns)).or_default();
        let newest = self.newest.entry(point.table.to_string()).or_default();
        for (name, value) in &point.fields {
            fields.insert(name.to_string(), value.clone());
            if matches!(value, Value::Vector(_)) {
                continue; // Not kept among the newest values.
            }
            let stands = newest.entry((series.clone(), name.to_string())).or_insert((i64::MIN, value.clone()));
            if point.time_ns >= stands.0 {
                *stands = (point.time_ns, value.clone());
            }
        }
    }

    pub(super) fn delete(&mut self, table: &str, deletion: &Deletion) {
        let Some(rows) = self.rows.get_mut(table) else { return };
        let is_deleted = |series: &SeriesKey, time: i64| {
            let tags = series.tags();
            let has = |(name, value): &(Name, Name)| {
                tags.iter().any(|(tag, of_tag)| tag.as_str() == name.as_ref() && of_tag.as_str() == value.as_ref())
            };
            (deletion.time_min_ns..=deletion.time_max_ns).contains(&time) && deletion.tags.iter().all(has)
        };
        rows.retain(|(series, time), _| !is_deleted(series, *time));
        let mut newest = Newest::new();
        for ((series, time), fields) in rows.iter() {
            for (name, value) in fields.iter().filter(|(_, value)| !matches!(value, Value::Vector(_))) {
                let stands = newest.entry((series.clone(), name.clone())).or_insert((i64::MIN, value.clone()));
                if *time >= stands.0 {
                    *stands = (*time, value.clone());
                }
            }
        }
        self.newest.insert(table.to_owned(), newest);
    }

    /// Whether the store has exactly these rows.
    pub(super) fn agrees(&self, store: &Store) -> bool {
        self.rows.iter().all(|(table, rows)| &read(store, table) == rows)
    }

    pub(super) fn check(&self, store: &Store) {
        for (table, rows) in &self.rows {
            assert_eq!(&read(store, table), rows, "table {table}");
            let newest = store.last_values(&key(), table).into_iter().flat_map(|row| {
                let series = row.series;
                row.fields
                    .into_iter()
                    .map(move |field| ((series.clone(), field.name.to_string()), (field.time_ns, field.value)))
            });
            assert_eq!(newest.collect::<Newest>(), self.newest[table], "newest values of {table}");
            let snapshot = store.snapshot(&key(), table).unwrap();
            for source in &snapshot.sources {
                assert!(source.rows > 0);
                let times: Vec<i64> = load(&source.data)
                    .iter()
                    .flat_map(|batch| rows_of(batch).into_keys().map(|(_, time)| time))
                    .collect();
                assert_eq!(times.iter().min(), Some(&source.time_min_ns));
                assert_eq!(times.iter().max(), Some(&source.time_max_ns));
            }
        }
    }
}

proptest! {
    #![proptest_config(proptest_config(48))]
    #[test]
    fn the_store_is_a_map(steps in vec(step(), 1..24)) {
        let folder = tempfile::tempdir().unwrap();
        let commits = Arc::new(AtomicU64::new(0));
        let config = || {
            let commits = Arc::clone(&commits);
            let on_commit: crate::CommitListener = Arc::new(move |seq, _| commits.store(seq, Ordering::SeqCst));
            StoreConfig { segment_bytes: 600, on_commit: Some(on_commit), ..super::config(folder.path()) }
        };
        let mut store = Store::open(config()).unwrap().0;
        store.create_database(&key()).unwrap();
        let mut model = Model::default();
        let mut seq = 1;
        for step in steps {
            match step {
                Step::Write(points) => {
                    let report = write(&store, &points);
                    seq += 1;
                    prop_assert_eq!((report.seq, report.accepted, report.rejected.len()), (seq, points.len(), 0));
                    points.iter().for_each(|point| model.write(point));
                }
                Step::Flush => {
                    wait(store.flush()).unwrap();
                    let stats = store.stats();
                    prop_assert_eq!((stats.memtable_rows, stats.memtable_bytes, stats.flushed_seq), (0, 0, seq));
                    prop_assert_eq!((stats.log_segments, stats.log_bytes), (0, 0));
                }
                Step::Compact => {
                    wait(store.compact()).unwrap();
                    let snapshot = store.snapshot(&key(), "t");
                    let files = snapshot.iter().flat_map(|snapshot| &snapshot.sources);
                    let files = files.filter(|source| matches!(source.data, SourceData::File(_))).count();
                    prop_assert!(files <= 2, "days -1 and 0 to 2 lie in two windows of 64 days");
                }
                Step::Delete(deletion) => {
                    wait(store.delete(&key(), "t", deletion.clone())).unwrap();
                    model.delete("t", &deletion);
                }
                Step::Restart | Step::ShutDownAndRestart => {
                    if matches!(step, Step::ShutDownAndRestart) {
                        wait(store.shutdown()).unwrap();
                        prop_assert_eq!(store.stats().memtable_rows, 0);
                    }
                    drop(store);
                    let (reopened, report) = Store::open(config()).unwrap();
                    prop_assert_eq!((report.torn_bytes, report.removed_files, report.unknown_files), (0, 0, 0));
                    store = reopened;
                }
                Step::Read => model.check(&store),
            }
        }
        model.check(&store);
    }
}
