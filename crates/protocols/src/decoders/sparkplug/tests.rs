//! Tests of Sparkplug B: births and data, aliases, gaps, deaths, and nonsense.

use proptest::prelude::*;
use sensorium_model::{BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId};

use super::*;
use crate::Refusals;
use crate::decoders::tests::{expected, lines};
use crate::decoders::{Decoded, Decoder, Message};

const NOW: i64 = 1_700_000_000_000_000_000;
/// One second before, in milliseconds.
const THEN_MS: u64 = 1_699_999_999_000;

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

fn number(field: u64, number: u64) -> Vec<u8> {
    [varint(field << 3), varint(number)].concat()
}

fn bytes(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint((field << 3) | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn double(number: f64) -> Vec<u8> {
    [varint((13 << 3) | 1), number.to_le_bytes().to_vec()].concat()
}

fn float(number: f32) -> Vec<u8> {
    [varint((12 << 3) | 5), number.to_le_bytes().to_vec()].concat()
}

/// A metric with a name, an alias and a type, as far as they are given.
fn metric(name: &str, alias: u64, datatype: u64, value: Vec<u8>) -> Vec<u8> {
    let mut metric = Vec::new();
    if !name.is_empty() {
        metric.extend(bytes(1, name.as_bytes()));
    }
    if alias > 0 {
        metric.extend(number(2, alias));
    }
    if datatype > 0 {
        metric.extend(number(4, datatype));
    }
    metric.extend(value);
    metric
}

fn payload(seq: Option<u64>, metrics: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = number(1, THEN_MS);
    metrics.iter().for_each(|metric| payload.extend(bytes(2, metric)));
    payload.extend(seq.map(|seq| number(3, seq)).unwrap_or_default());
    payload
}

/// Metrics that the node of the tests remembers.
const MOST: usize = 2_000;

/// What became of a message.
#[derive(Debug)]
struct Outcome {
    decoded: Decoded,
    rebirth: bool,
    rows: Vec<String>,
}

/// What a message told after the node had heard it, and its rows and refusals.
fn tell(node: &mut Node, topic: &str, body: &[u8]) -> Result<Outcome, DecodeError> {
    let Heard { body: named, rebirth } = node.hear(topic, body, MOST)?;
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW);
    let mut refusals = Refusals::keep(100);
    let message = Message { topic, body: named.as_deref().unwrap_or(body), now_ns: NOW };
    let decoded = Decoder::Sparkplug.decode(message, &mut builder, &mut refusals)?;
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap());
    let batch = builder.finish(key);
    assert_eq!(decoded.readings, batch.rows() as u64 + refusals.total());
    Ok(Outcome { decoded, rebirth, rows: lines(&batch, &refusals) })
}

fn birth(session: u64) -> Vec<u8> {
    payload(
        Some(0),
        &[
            metric("bdSeq", 0, 4, number(11, session)),
            metric("Node Control/Rebirth", 0, 11, number(14, 0)),
            metric("Line 1/Temp", 1, 10, double(20.5)),
            metric("Parts", 2, 3, number(10, 0xffff_fffe)),
            metric("Empty", 3, 12, number(7, 1)),
        ],
    )
}

/// The birth of a device with the metric `Temp`.
fn device_birth() -> Vec<u8> {
    payload(Some(1), &[metric("Temp", 10, 9, float(0.5))])
}

fn born() -> Node {
    let mut node = Node::default();
    assert!(!tell(&mut node, "spBv1.0/plant/NBIRTH/edge", &birth(7)).unwrap().rebirth);
    node
}

#[test]
fn births_name_what_data_says_by_alias() {
    let mut node = Node::default();
    let Outcome { decoded, rebirth: _, rows } = tell(&mut node, "spBv1.0/plant/NBIRTH/edge", &birth(7)).unwrap();
    let told = Decoded { readings: 1, device: Some("edge".into()), presence: Some(true) };
    assert_eq!(decoded, told);
    let row = "sparkplug,device=edge,group=plant,node=edge line_1_temp=20.5,parts=-2i 1699999999000000000";
    assert_eq!(rows, expected(row));

    let data = payload(Some(1), &[metric("", 1, 0, double(21.5)), metric("", 2, 0, number(10, 5))]);
    let Outcome { decoded, rebirth, rows } = tell(&mut node, "spBv1.0/plant/NDATA/edge", &data).unwrap();
    assert_eq!((rebirth, decoded.presence), (false, None));
    let row = "sparkplug,device=edge,group=plant,node=edge line_1_temp=21.5,parts=5i 1699999999000000000";
    assert_eq!(rows, expected(row));
}

/// The messages of the end-to-end tests are files, as bytes are.
#[test]
fn the_files_hold_two_births_and_data_that_names_its_metric() {
    assert_eq!(birth(7), include_bytes!("../fixtures/sparkplug-nbirth.bin"));
    assert_eq!(device_birth(), include_bytes!("../fixtures/sparkplug-dbirth.bin"));
    let mut node = born();
    tell(&mut node, "spBv1.0/plant/DBIRTH/edge/press", &device_birth()).unwrap();
    let data = include_bytes!("../fixtures/sparkplug-ddata.bin");
    let Outcome { decoded, rebirth, rows } = tell(&mut node, "spBv1.0/plant/DDATA/edge/press", data).unwrap();
    assert_eq!((decoded.device.as_deref(), rebirth), (Some("press"), false));
    assert_eq!(rows, expected("sparkplug,device=press,group=plant,node=edge temp=1.5 NOW"));
}

#[test]
fn devices_have_births_of_their_own() {
    let mut node = born();
    let told = tell(&mut node, "spBv1.0/plant/DBIRTH/edge/press", &device_birth()).unwrap();
    let Outcome { decoded, rebirth: _, rows } = told;
    assert_eq!((decoded.device.as_deref(), decoded.presence), (Some("press"), Some(true)));
    assert_eq!(rows, expected("sparkplug,device=press,group=plant,node=edge temp=0.5 1699999999000000000"));
    let gone = payload(Some(2), &[]);
    let Outcome { decoded, rebirth, .. } = tell(&mut node, "spBv1.0/plant/DDEATH/edge/press", &gone).unwrap();
    assert_eq!((decoded.presence, rebirth), (Some(false), false));
    let data = payload(Some(3), &[metric("", 10, 0, double(1.0))]);
    let Outcome { rebirth, rows, .. } = tell(&mut node, "spBv1.0/plant/DDATA/edge/press", &data).unwrap();
    assert!(rebirth && rows[0].contains("alias 10"), "{rows:?}");
}

#[test]
fn times_of_metrics_make_rows() {
    let old = metric("Temp", 0, 10, [number(3, THEN_MS - 1_000), number(5, 1), double(1.0)].concat());
    let new = metric("Temp", 0, 10, double(2.0));
    let same = metric("Other", 0, 8, [number(3, THEN_MS - 1_000), number(11, 9)].concat());
    let Outcome { rows, .. } = tell(&mut born(), "spBv1.0/g/NDATA/n", &payload(Some(1), &[new, old, same])).unwrap();
    let lines = "sparkplug,device=n,group=g,node=n other=9u,temp=1.0 1699999998000000000
                 sparkplug,device=n,group=g,node=n temp=2.0 1699999999000000000";
    assert_eq!(rows, expected(lines));
}

#[test]
fn a_gap_an_unknown_alias_and_a_node_that_was_not_born_ask_for_a_birth() {
    let named = |seq| payload(Some(seq), &[metric("Line 1/Temp", 0, 0, double(1.0))]);
    let rebirth = |node: &mut Node, body: &[u8]| tell(node, "spBv1.0/g/NDATA/n", body).unwrap().rebirth;
    let mut node = born();
    assert!(!rebirth(&mut node, &named(1)));
    assert!(rebirth(&mut node, &named(3)), "a gap");
    assert!(!rebirth(&mut node, &named(4)), "counted on from there");
    assert!(rebirth(&mut node, &payload(Some(5), &[metric("", 99, 0, double(1.0))])), "an alias");
    assert!(rebirth(&mut node, &payload(None, &[])), "no number");
    assert!(rebirth(&mut Node::default(), &named(1)), "no birth");
    let mut node = born();
    assert!((1..=300).all(|seq: u64| !rebirth(&mut node, &named(seq % 256))), "0 after 255");
}

#[test]
fn the_last_will_of_an_older_session_is_late() {
    let death = |session| payload(None, &[metric("bdSeq", 0, 4, number(11, session))]);
    let mut node = born();
    tell(&mut node, "spBv1.0/plant/NDEATH/edge", &death(6)).unwrap();
    assert!(node.is_born());
    let data = |seq| payload(Some(seq), &[metric("", 1, 0, double(1.0))]);
    assert!(!tell(&mut node, "spBv1.0/plant/NDATA/edge", &data(1)).unwrap().rebirth);
    let Outcome { decoded, rows, .. } = tell(&mut node, "spBv1.0/plant/NDEATH/edge", &death(7)).unwrap();
    assert_eq!((decoded.presence, rows.len(), node.is_born()), (Some(false), 0, false));
    let Outcome { rebirth, rows, .. } = tell(&mut node, "spBv1.0/plant/NDATA/edge", &data(2)).unwrap();
    assert!(rebirth && rows[0].contains("alias 1"), "{rows:?}");
}

#[test]
fn what_is_rewritten_says_everything_by_itself() {
    let mut node = born();
    let data = payload(Some(1), &[metric("", 2, 0, number(10, 0xffff_fffe)), metric("Line 1/Temp", 0, 0, double(1.0))]);
    let named = node.hear("spBv1.0/plant/NDATA/edge", &data, MOST).unwrap().body.unwrap();
    let row = "sparkplug,device=edge,group=plant,node=edge line_1_temp=1.0,parts=-2i 1699999999000000000";
    for mut other in [Node::default(), born()] {
        assert_eq!(tell(&mut other, "spBv1.0/plant/NDATA/edge", &named).unwrap().rows, expected(row));
    }
    let whole = payload(Some(2), &[metric("Parts", 2, 3, number(10, 1))]);
    assert_eq!(node.hear("spBv1.0/plant/NDATA/edge", &whole, MOST).unwrap(), Heard::default());
}

#[test]
fn types_that_no_column_has_cost_only_themselves() {
    let metrics = [
        metric("Blob", 0, 17, bytes(16, b"\x00")),
        metric("Table", 0, 16, bytes(17, b"")),
        metric("Wrong", 0, 12, double(1.0)),
        metric("Nan", 0, 10, double(f64::NAN)),
        metric("Temp", 0, 10, double(2.0)),
    ];
    let Outcome { decoded, rebirth: _, rows } =
        tell(&mut born(), "spBv1.0/g/NDATA/n", &payload(Some(1), &metrics[..3])).unwrap();
    assert_eq!((decoded.readings, rows.iter().filter(|row| row.contains("which no column has")).count()), (3, 3));
    let Outcome { rows, .. } = tell(&mut born(), "spBv1.0/g/NDATA/n", &payload(Some(1), &metrics[3..])).unwrap();
    assert_eq!(rows[0], "refused: field \"Nan\" is not a finite number");
    assert_eq!(rows[1..], expected("sparkplug,device=n,group=g,node=n temp=2.0 1699999999000000000"));
}

#[test]
fn what_is_no_reading_and_what_is_wrong() {
    let mut node = born();
    for topic in
        ["spBv1.0/plant/NCMD/edge", "spBv1.0/STATE/host", "spBv1.0/plant/NDATA/edge/more", "spBv1.0/plant/DDATA/edge"]
    {
        assert_eq!(tell(&mut node, topic, b"{\"online\":true}").unwrap().decoded, Decoded::default(), "{topic}");
    }
    assert!(matches!(tell(&mut node, "spBv1.0/g/NDATA/n", b""), Err(DecodeError::Empty)));
    for body in [&b"{\"a\":1}"[..], &[0x12, 9], &bytes(2, &bytes(1, b"\xff"))] {
        assert!(tell(&mut node, "spBv1.0/g/NDATA/n", body).is_err(), "{body:?}");
    }
    assert_eq!(Node::of_topic("spBv1.0/g/DDATA/n/d"), Some(("g", "n")));
    assert_eq!(Node::of_topic("spBv1.0/STATE/host"), None);
}

#[test]
fn metrics_and_names_are_bounded() {
    let many = vec![Vec::new(); MAX_METRICS + 1];
    let error = tell(&mut born(), "spBv1.0/g/NDATA/n", &payload(Some(1), &many)).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("20000 metrics")), (ErrorKind::TooLarge, true));
    let named = |from: usize| -> Vec<_> {
        (from..from + MOST / 2).map(|n| metric(&format!("m{n}"), n as u64 + 1, 10, Vec::new())).collect()
    };
    let mut node = born();
    tell(&mut node, "spBv1.0/g/DBIRTH/n/a", &payload(Some(1), &named(0))).unwrap();
    let error = tell(&mut node, "spBv1.0/g/DBIRTH/n/b", &payload(Some(2), &named(0))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("2000 metrics (setting mqtt.sparkplug_metrics)"), "{error}");
    assert!(!tell(&mut node, "spBv1.0/g/DBIRTH/n/a", &payload(Some(2), &named(5))).unwrap().rebirth);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_panics(
        messages in proptest::collection::vec(
            (proptest::sample::select(vec!["NBIRTH/n", "NDATA/n", "NDEATH/n", "DBIRTH/n/d", "DDATA/n/d", "DDEATH/n/d"]),
             proptest::collection::vec((any::<[u8; 3]>(), 0_u64..20, any::<u64>()), 0..6), any::<Option<u64>>(), 0_usize..4),
            0..8,
        ),
    ) {
        let mut node = Node::default();
        for (topic, metrics, seq, cut) in messages {
            let metrics: Vec<_> = metrics
                .iter()
                .map(|(name, datatype, value)| {
                    let name = String::from_utf8_lossy(name);
                    metric(&name, value % 5, *datatype, number(10 + value % 2, *value))
                })
                .collect();
            let mut body = payload(seq, &metrics);
            body.truncate(body.len() - cut);
            _ = tell(&mut node, &format!("spBv1.0/g/{topic}"), &body);
        }
    }
}
