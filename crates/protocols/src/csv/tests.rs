//! Tests of the CSV decoder: what is understood of real and of broken files.

use proptest::prelude::*;
use sensorium_model::{
    Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Precision, Value,
};

use super::*;
use crate::refusals::Refusals;
use crate::time::DateOrder;

const NOW: i64 = 1_700_000_000_000_000_000;

fn import(text: &[u8], options: &Options) -> Result<(Plan, Batch, Refusals, u64), CsvError> {
    let plan = plan(text, true, options)?;
    let schema = DatabaseSchema::default();
    let limits = IngestLimits { earliest_unix_seconds: -9_000_000_000, ..IngestLimits::default() };
    let mut builder = BatchBuilder::new(&schema, limits, NOW);
    let mut refusals = Refusals::keep(100);
    let mut rows = Rows::new(plan, text);
    while rows.fill(&mut builder, &mut refusals, 3)? > 0 {}
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap());
    Ok((rows.plan().clone(), builder.finish(key), refusals, rows.ambiguous()))
}

fn read(text: &str, change: impl FnOnce(&mut Options)) -> (Plan, Batch, Refusals, u64) {
    let mut options = Options::new("t");
    change(&mut options);
    import(text.as_bytes(), &options).unwrap()
}

fn roles(plan: &Plan) -> Vec<(&str, Role)> {
    plan.columns.iter().map(|column| (column.name.as_str(), column.role)).collect()
}

fn is_text_time(role: Role) -> bool {
    matches!(role, Role::Time(TimeFormat::Text(_)))
}

fn seconds(batch: &Batch) -> Vec<i64> {
    batch.tables[0].time_ns.iter().map(|ns| ns / 1_000_000_000).collect()
}

#[test]
fn the_excerpt_of_the_office_room() {
    let text = include_str!("../../tests/fixtures/office-excerpt.csv");
    let (plan, batch, refusals, _) = read(text, |o| o.zone = "Europe/Brussels".parse().unwrap());
    assert_eq!(refusals.first(), []);
    assert!(plan.header);
    assert_eq!(plan.columns[0].role, Role::Skip(Skip::RowNumber));
    assert_eq!(plan.columns[1].name, "date");
    assert!(is_text_time(plan.columns[1].role));
    let names: Vec<_> = batch.tables[0].fields.iter().map(|field| field.name.as_ref()).collect();
    assert_eq!(names, ["CO2", "Humidity", "HumidityRatio", "Light", "Occupancy", "Temperature"]);
    // 2015-02-02 14:19:00 in Mons is 13:19:00 UTC.
    assert_eq!(seconds(&batch)[0], 1_422_883_140);
    assert_eq!(batch.tables[0].fields[2].get(0), Some(Value::F64(0.004_764_163_024_164_14)));
    assert_eq!(batch.tables[0].fields[4].get(0), Some(Value::F64(1.0)));
}

#[test]
fn a_plain_file() {
    let (plan, batch, refusals, _) = read(
        "time,place,temp,on,note\n2023-01-01T00:00:00Z,a,1.5,true,hi\n2023-01-01T00:00:01Z,b,2,False,\"a, b\"\n2023-01-01T00:00:02Z,,NA,,\n",
        |o| o.tags = vec!["Place".into()],
    );
    assert_eq!(plan.columns[1].role, Role::Tag);
    assert_eq!(plan.columns[3].role, Role::Field(FieldKind::Truth));
    assert_eq!(batch.tables[0].series_key(1).as_str(), "place=b");
    assert_eq!(batch.tables[0].fields[0].get(1), Some(Value::Text("a, b".into())));
    assert_eq!(batch.rows(), 2);
    assert_eq!(refusals.first()[0].line, 4);
    assert!(refusals.first()[0].error.to_string().contains("no field"));
}

#[test]
fn a_german_spreadsheet() {
    let text = "Datum;Uhrzeit;Temperatur;Tür\n04.02.2015;17:51;21,5;auf\n13.02.2015;7:05:30;-3;zu\n";
    let (plan, batch, refusals, _) = read(text, |o| o.zone = "Europe/Berlin".parse().unwrap());
    assert_eq!(refusals.first(), []);
    assert_eq!(plan.delimiter, b';');
    assert_eq!(plan.columns[1].role, Role::TimeOfDay);
    assert!(plan.columns[2].decimal_comma);
    assert_eq!(batch.tables[0].fields[0].get(0), Some(Value::F64(21.5)));
    assert_eq!(batch.tables[0].fields[1].name.as_ref(), "Tür");
    assert_eq!(seconds(&batch), [1_423_068_660, 1_423_807_530]);
}

#[test]
fn an_index_as_pandas_writes_it_is_no_field() {
    for header in [",time,v", "Unnamed: 0,time,v"] {
        let (plan, batch, ..) = read(&format!("{header}\n0,2023-01-01,5\n1,2023-01-02,6\n"), |_| {});
        assert_eq!(plan.columns[0].role, Role::Skip(Skip::RowNumber));
        assert_eq!(batch.tables[0].fields.len(), 1);
    }
}

#[test]
fn a_file_without_header() {
    let (plan, batch, ..) = read("1700000000,5\n1700000001,6\n", |o| o.time_column = Some("column_1".into()));
    assert!(!plan.header);
    assert_eq!(
        roles(&plan),
        [("column_1", Role::Time(TimeFormat::Number(Precision::S))), ("column_2", Role::Field(FieldKind::Number))]
    );
    assert_eq!(seconds(&batch), [1_700_000_000, 1_700_000_001]);
    let (_, batch, ..) = read("2023-01-01 00:00|5\n", |_| {});
    assert_eq!(batch.rows(), 1);
}

#[test]
fn times_as_numbers_have_one_unit() {
    let (plan, batch, ..) = read("ts,v\n1600000000000,1\n1600000000500.5,2\n", |_| {});
    assert_eq!(plan.columns[0].role, Role::Time(TimeFormat::Number(Precision::Ms)));
    assert_eq!(batch.tables[0].time_ns[1], 1_600_000_000_500_500_000);
    let (_, batch, ..) = read("n,v\n5,1\n6,2\n", |o| {
        o.time_column = Some("n".into());
        o.precision = Some(Precision::S);
    });
    assert_eq!(seconds(&batch), [5, 6]);
}

#[test]
fn integers_only_when_told() {
    let (_, batch, refusals, _) = read("time,n,m\n2023-01-01,5,5\n2023-01-02,6,6\n2023-01-03,6.5,7\n", |o| {
        o.integers = vec!["n".into()];
    });
    assert_eq!(batch.tables[0].fields[0].get(0), Some(Value::F64(5.0)));
    assert_eq!(batch.tables[0].fields[1].get(1), Some(Value::I64(6)));
    assert!(refusals.first()[0].error.to_string().contains("\"6.5\" is no integer"), "{refusals:?}");
}

#[test]
fn both_passes_of_the_doubled_hour_are_kept_and_counted() {
    let zone = |o: &mut Options| o.zone = "Europe/Brussels".parse().unwrap();
    let text = "time,v\n2015-10-25 02:30,1\n2015-10-25 02:59,2\n2015-10-25 02:30,3\n2015-10-25 03:00,4\n";
    let (_, batch, refusals, ambiguous) = read(text, zone);
    assert_eq!(refusals.first(), []);
    assert_eq!(ambiguous, 3);
    let start = seconds(&batch)[0];
    assert_eq!(seconds(&batch).iter().map(|s| (s - start) / 60).collect::<Vec<_>>(), [0, 29, 60, 90]);
    let (_, batch, refusals, _) = read("time,v\n2015-03-29 01:59,1\n2015-03-29 02:30,2\n2015-03-29 03:00,3\n", zone);
    assert_eq!(batch.rows(), 2);
    assert!(refusals.first()[0].error.to_string().contains("does not exist in Europe/Brussels"), "{refusals:?}");
}

#[test]
fn day_and_month_are_told_apart_by_the_whole_sample() {
    let (plan, ..) = read("date,v\n01/02/2015,1\n13/02/2015,2\n", |_| {});
    let Role::Time(TimeFormat::Text(format)) = plan.columns[0].role else { panic!("{plan:?}") };
    assert_eq!(format.order, DateOrder::DayMonthYear);
}

#[test]
fn a_column_without_values_in_the_sample_is_decided_later() {
    let text = "time,late\n2023-01-01,\n2023-01-02,\n2023-01-03,warm\n2023-01-04,5\n";
    let cut = text.find("2023-01-03").unwrap();
    let plan = plan(&text.as_bytes()[..cut + 3], false, &Options::new("t")).unwrap();
    assert_eq!(plan.columns[1].role, Role::Field(FieldKind::Undecided));
    let (plan, batch, ..) = read(text, |_| {});
    assert_eq!(plan.columns[1].role, Role::Field(FieldKind::Text));
    assert_eq!(batch.rows(), 2);
}

#[test]
fn a_bad_row_costs_only_itself() {
    let text = b"time,v\n2023-01-01,1\n2023-01-02,1,2\n\n2023-01-03,x\nnoon,1\n2023-13-01,1\n\xff,1\n2023-01-04,4\n";
    // The plan is made from the good rows at the start, as it would be in a long file.
    let plan = plan(&text[..21], false, &Options::new("t")).unwrap_or_else(|e| panic!("{e}"));
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW);
    let mut refusals = Refusals::keep(100);
    let mut rows = Rows::new(plan, &text[..]);
    assert_eq!(rows.fill(&mut builder, &mut refusals, 100).unwrap(), 7);
    assert_eq!(builder.rows(), 2);
    let lines: Vec<_> = refusals.first().iter().map(|r| (r.line, r.error.to_string())).collect();
    assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 5, 6, 7, 8], "{lines:?}");
    for ((_, message), words) in
        lines.iter().zip(["3 values", "\"x\" is no number", "no time", "does not exist", "UTF-8"])
    {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn what_cannot_be_planned_says_what_to_do() {
    let fails = |text: &[u8], change: &dyn Fn(&mut Options)| {
        let mut options = Options::new("t");
        change(&mut options);
        plan(text, true, &options).unwrap_err().to_string()
    };
    let unchanged = |_: &mut Options| {};
    assert!(fails(b"", &unchanged).contains("no row"));
    assert!(fails(b"time,v\n", &unchanged).contains("no row"));
    assert!(fails(b"\xff\xfet\0", &unchanged).contains("UTF-8"));
    assert!(fails(b"a,b\nx,1\n", &unchanged).contains("--time-column"));
    assert!(fails(b"time\n2023-01-01\n", &unchanged).contains("no column is left"));
    assert!(fails(b"time,v\n2023-01-01,1\n", &|o| o.tags = vec!["w".into()]).contains("the columns are time, v"));
    let message = fails(b"time,v\n2023-01-01,x\n", &|o| o.time_column = Some("v".into()));
    assert!(message.contains("\"x\" is none"), "{message}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_name() {
    let (plan, batch, ..) = read("\u{feff}time,v\n2023-01-01,1\n", |_| {});
    assert_eq!(plan.columns[0].name, "time");
    assert_eq!(batch.rows(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn never_panics_on_arbitrary_bytes(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        _ = import(&text, &Options::new("t"));
    }

    #[test]
    fn never_panics_on_almost_tables(text in "(time|v|[,;\n\" ]|2023-0[0-9]-[0-9]{2}|[0-9]{1,13}|[0-9],[0-9]|\\PC){0,60}") {
        for time_column in [None, Some("v".to_owned())] {
            let options = Options { time_column, ..Options::new("t") };
            if let Ok((_, batch, ..)) = import(text.as_bytes(), &options) {
                prop_assert!(batch.tables.iter().all(sensorium_model::TableBatch::is_rectangular));
            }
        }
    }

    #[test]
    fn never_panics_on_almost_times(text in "[0-9]{0,5}[-/.]?[0-9]{0,3}[-/.]?[0-9]{0,5}[T ]?[0-9:.,]{0,14} ?([AP]M|Z|[+-][0-9:]{0,6})?|\\PC{0,20}") {
        _ = crate::time::parse_utc(&text, None);
        _ = text.parse::<crate::time::Zone>();
    }
}
