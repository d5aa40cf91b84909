//! What rollups refuse, and say of it.

use std::time::Duration;

use sensorium_model::ErrorKind;

use super::rolling::{SECOND, all, check, declare, info, rollup, settle};
use super::*;
use crate::{Aggregate, Rollup, RollupError};

#[test]
fn nobody_else_writes_to_the_table_of_a_rollup() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    declare(&store, &rollup("r", 60));
    let foreign = |time| Point::new("r", time).field("value_mean", Value::Text("no number".into()));
    let report = write(&store, &[foreign(1), reading(2, 2.0), foreign(2)]);
    assert_eq!((report.accepted, report.rejected.len(), report.rejected[1].line), (1, 2, 3));
    let error = &report.rejected[0].error;
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("rollup of \"t\""), "{error}");
    drop(store);
    let store = open(folder.path());
    settle(&store);
    check(&store, &rollup("r", 60));
    assert_eq!(write(&store, &[foreign(1)]).accepted, 0, "nor after a restart");
    // When it is no rollup any more, its rows stay and others may come.
    store.delete_rollup(&key(), "r").unwrap();
    let point = Point::new("r", 99).field("mine", Value::F64(1.0));
    assert_eq!(write(&store, &[point]).accepted, 1);
    write(&store, &[reading(61 * SECOND, 2.0)]);
    wait(store.flush()).unwrap();
    wait(store.roll_up()).unwrap();
    assert_eq!((read(&store, "r").len(), store.rollups(&key())), (2, vec![]));
}

#[test]
fn a_rollup_that_cannot_be_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let limits = IngestLimits { columns_per_table: 20, tables_per_database: 5, ..IngestLimits::default() };
    let config = StoreConfig { rollups_per_database: 2, limits, ..config(folder.path()) };
    let store = Store::open(config).unwrap().0;
    store.create_database(&key()).unwrap();
    let full = reading(1, 1.0).field("text", Value::Text("".into())).field("n", Value::I64(1)).tag("n_min", "x");
    write(&store, &[full, Point::new("used", 1).field("f", Value::Bool(true))]);
    let try_with = |rollup: Rollup, keep: Option<u64>| {
        let keep = keep.map(Duration::from_secs);
        store.create_rollup(&key(), rollup, keep).map_err(|error| (error.kind(), error.to_string()))
    };
    let refused = |rollup: Rollup, keep: Option<u64>, kind: ErrorKind, sentence: &str| {
        let (found, message) = try_with(rollup.clone(), keep).unwrap_err();
        assert!(found == kind && message.contains(sentence), "{rollup:?}: {found:?} {message}");
    };
    use ErrorKind::{Conflict, Invalid, Missing, TooLarge};
    let r = || rollup("r", 60);
    refused(Rollup { target: "".into(), ..r() }, None, Invalid, "empty");
    refused(rollup("r", 7), None, Invalid, "divisor of a day");
    refused(Rollup { aggregates: vec![], ..r() }, None, Invalid, "name some of min");
    refused(rollup("r", 3_600), Some(3_599), Invalid, "keep the rollup for longer");
    refused(Rollup { source: "none".into(), ..r() }, None, Missing, "write readings to it first");
    refused(rollup("t", 60), None, Conflict, "choose another name");
    refused(rollup("used", 60), None, Conflict, "table with readings of its own");
    refused(Rollup { fields: vec!["nothing".into()], ..r() }, None, Invalid, "no field \"nothing\"");
    refused(Rollup { fields: vec!["place".into()], ..r() }, None, Invalid, "no field \"place\"");
    refused(Rollup { fields: vec!["text".into()], ..r() }, None, Invalid, "only numbers");
    refused(Rollup { fields: vec!["n".into()], ..r() }, None, Invalid, "name of a tag");

    try_with(r(), Some(60)).unwrap();
    refused(r(), None, Conflict, "delete it first");
    refused(Rollup { source: "r".into(), ..rollup("r2", 60) }, None, Invalid, "another rollup of \"t\"");
    try_with(rollup("r3", 60), None).unwrap();
    refused(rollup("r4", 60), None, TooLarge, "store.rollups_per_database");
    store.delete_rollup(&key(), "r3").unwrap();
    // No cycle: what a rollup is computed from cannot become one.
    wait(store.delete(&key(), "t", all(i64::MIN, i64::MAX))).unwrap();
    refused(Rollup { source: "used".into(), ..rollup("t", 60) }, None, Conflict, "rollup \"r\" is computed from");
    write(&store, &[reading(1, 1.0).field("m", Value::I64(1))]);
    refused(rollup("r3", 60), None, TooLarge, "limits.columns_per_table");
    let few = |target: &str| Rollup { aggregates: vec![Aggregate::Min], ..rollup(target, 60) };
    write(&store, &[Point::new("a", 1).field("f", Value::I64(1)), Point::new("b", 1).field("f", Value::I64(1))]);
    refused(few("r3"), None, TooLarge, "limits.tables_per_database");
    let error = store.delete_rollup(&key(), "none").unwrap_err();
    assert_eq!(error.kind(), Missing);
}

#[test]
fn a_rollup_can_be_declared_anew_when_the_rows_of_the_old_one_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    write(&store, &[reading(1, 1.0)]);
    declare(&store, &rollup("r", 60));
    settle(&store);
    store.delete_rollup(&key(), "r").unwrap();
    let days = rollup("r", 86_400);
    assert!(matches!(store.create_rollup(&key(), days.clone(), None), Err(RollupError::TableExists { .. })));
    wait(store.delete(&key(), "r", all(i64::MIN, i64::MAX))).unwrap();
    declare(&store, &days);
    settle(&store);
    check(&store, &days);
}

#[test]
fn rows_that_are_refused_are_told_and_the_others_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let point = |tag: &'static str| Point::new("t", 1).tag("x", tag).field("v", Value::F64(1.0));
    write(&store, &[point("a"), point("b"), point("c")]);
    wait(store.flush()).unwrap();
    drop(store);
    let store = Store::open(StoreConfig { series_per_table: 2, ..config(folder.path()) }).unwrap().0;
    declare(&store, &rollup("r", 60));
    wait(store.roll_up()).unwrap();
    let info = info(&store, "r");
    assert_eq!((read(&store, "r").len(), info.pending_windows), (2, 0));
    assert!(info.problem.unwrap().contains("store.series_per_table"));
}
