//! Tests of the decoder of detections: frames, objects, places and nonsense.

use proptest::prelude::*;
use sensorium_model::{Batch, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, TableBatch};

use super::*;

const NOW: i64 = 1_700_000_000_000_000_000;
const PERSON: &str = r#"{"class":"person","score":0.91,"bbox":[812.5, 340,96,212.5]}"#;

fn key() -> DatabaseKey {
    DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), DatabaseName::new("main").unwrap())
}

fn decode_with(body: &[u8], limits: IngestLimits) -> Result<(Batch, Refusals), DetectionsError> {
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, limits, NOW);
    let mut refusals = Refusals::keep(100);
    let options = Options { precision: None, now_ns: NOW };
    let seen = decode(body, options, &mut builder, &mut refusals)?;
    let batch = builder.finish(key());
    assert_eq!(seen, batch.rows() as u64 + refusals.total());
    Ok((batch, refusals))
}

/// The rows of a body of which nothing is refused.
fn read(body: &str) -> TableBatch {
    let (mut batch, refusals) = decode_with(body.as_bytes(), IngestLimits::default()).unwrap();
    assert_eq!(refusals.first(), [], "{body}");
    assert_eq!(batch.tables.len(), 1, "{body}");
    batch.tables.remove(0)
}

/// The place of what is refused, and why.
fn refused(body: &str) -> Vec<(String, String)> {
    let (_, mut refusals) = decode_with(body.as_bytes(), IngestLimits::default()).unwrap();
    refusals.sort();
    refusals.first().iter().map(|refused| (place(refused.line).1, refused.error.to_string())).collect()
}

fn frame(objects: &str) -> String {
    format!(r#"{{"camera":"entrance-2","time":1699999999,"objects":[{objects}]}}"#)
}

fn field<'t>(rows: &'t TableBatch, name: &str, row: usize) -> Option<Value<'t>> {
    rows.fields.iter().find(|field| field.name.as_ref() == name)?.get(row)
}

#[test]
fn objects_become_rows() {
    let rows = read(
        r#"{"camera":"entrance-2","time":"2023-11-14T22:13:19.5Z","frame":{"w":1920,"h":1080},"objects":[
            {"class":"person","score":0.91,"bbox":[812.5, 340,96,212.5],"track":17},
            {"bbox":[-3,0.1,0,0],"score":5e-1,"class":"dog \"Rex\"","track":null}]}"#,
    );
    assert_eq!(rows.table.as_ref(), TABLE);
    assert_eq!(rows.time_ns, [NOW - 500_000_000; 2]);
    assert_eq!(rows.series_key(0).as_str(), "camera=entrance-2,object=1");
    assert_eq!(rows.series_key(1).as_str(), "camera=entrance-2,object=2");
    for (name, first, second) in [
        ("class", Some(Value::Text("person".into())), Some(Value::Text("dog \"Rex\"".into()))),
        ("score", Some(Value::F64(0.91)), Some(Value::F64(0.5))),
        ("x", Some(Value::F64(812.5)), Some(Value::F64(-3.0))),
        ("y", Some(Value::F64(340.0)), Some(Value::F64(0.1))),
        ("w", Some(Value::F64(96.0)), Some(Value::F64(0.0))),
        ("h", Some(Value::F64(212.5)), Some(Value::F64(0.0))),
        ("frame_w", Some(Value::I64(1920)), Some(Value::I64(1920))),
        ("frame_h", Some(Value::I64(1080)), Some(Value::I64(1080))),
        ("track", Some(Value::I64(17)), None),
    ] {
        assert_eq!((field(&rows, name, 0), field(&rows, name, 1)), (first, second), "{name}");
    }
    assert_eq!(rows.fields.len(), 9);
}

#[test]
fn embeddings_are_vectors_of_one_length() {
    let with = |embedding: &str| format!(r#"{{"class":"a","score":1,"bbox":[1,2,3,4],"embedding":{embedding}}}"#);
    let long = |numbers: usize| with(&format!("[{}]", vec!["0.5"; numbers].join(",")));
    let objects = [with("[0.1, -2 ,3e-5]"), with("null"), with("[1,2]"), with("[1,2,3]"), long(5_000)].join(",");
    let (batch, refusals) = decode_with(frame(&objects).as_bytes(), IngestLimits::default()).unwrap();
    let rows = &batch.tables[0];
    assert_eq!(field(rows, "embedding", 0), Some(Value::Vector(vec![0.1, -2.0, 3e-5].into())));
    assert_eq!(field(rows, "embedding", 1), None);
    assert_eq!(field(rows, "embedding", 2), Some(Value::Vector(vec![1.0, 2.0, 3.0].into())));
    let refused: Vec<_> = refusals.first().iter().map(|r| (place(r.line).1, r.error.to_string())).collect();
    assert_eq!(refused[0].0, "frame 1, object 3");
    assert!(refused[0].1.contains("is a vector(3) field, but this row sends a vector(2) field"), "{refused:?}");
    assert_eq!(refused[1].0, "frame 1, object 5");
    assert!(refused[1].1.contains("1 to 4096 numbers"), "{refused:?}");
    let longest = read(&frame(&long(4_096)));
    assert!(matches!(field(&longest, "embedding", 0), Some(Value::Vector(numbers)) if numbers.len() == 4_096));
}

#[test]
fn the_order_of_keys_does_not_matter_and_the_last_of_two_equal_ones_wins() {
    let rows = read(&format!(
        r#"{{"objects":[5],"objects":[{PERSON}],"time":1,"frame":null,"camera":"old","time":1699999999000,"camera":"new"}}"#
    ));
    assert_eq!(
        (rows.time_ns.as_slice(), rows.series_key(0).as_str()),
        (&[NOW - 1_000_000_000][..], "camera=new,object=1")
    );
    assert_eq!(field(&rows, "frame_w", 0), None);
}

#[test]
fn a_list_of_frames_of_which_some_are_empty() {
    let rows = read(&format!(
        r#" [{},{{"camera":"b","objects":[]}}, {{"camera":"c","time":null,"objects":[{PERSON}]}}] "#,
        frame(&format!("{PERSON},{PERSON}"))
    ));
    assert_eq!(
        rows.source.iter().map(|line| place(*line).1).collect::<Vec<_>>(),
        ["frame 1, object 1", "frame 1, object 2", "frame 3, object 1"]
    );
    assert_eq!(rows.time_ns, [NOW - 1_000_000_000, NOW - 1_000_000_000, NOW]);
    let (nothing, refusals) = decode_with(b"[]", IngestLimits::default()).unwrap();
    assert!(nothing.is_empty() && refusals.is_empty());
}

#[test]
fn a_bad_object_costs_only_itself() {
    let objects = [
        PERSON,
        "5",
        "{}",
        r#"{"class":"","score":1,"bbox":[1,2,3,4]}"#,
        r#"{"class":"a","score":"high","bbox":[1,2,3,4]}"#,
        r#"{"class":"a","score":1e999,"bbox":[1,2,3,4]}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3]}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3,4,5]}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3,-4]}"#,
        r#"{"class":"a","score":1,"bbox":[[1,2],[3,4]]}"#,
        r#"{"class":"a","score":1,"bbox":["1,2,3,4"]}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3,4],"track":1.5}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3,4],"embedding":[]}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3,4],"embedding":[1,1e39]}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3,4],"embedding":[1,null]}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3,4],"embedding":"AAAA"}"#,
        r#"{"class":"a","score":1,"bbox":[1,2,3,4],"colour":{"deep":[1]}}"#,
        r#"{"class":"\ud800","score":1,"bbox":[1,2,3,4]}"#,
        PERSON,
    ];
    let refused = refused(&frame(&objects.join(",")));
    let words = [
        "JSON object",
        "no \"class\"",
        "\"class\" is text",
        "\"score\" is a number",
        "\"score\" is a number",
        "\"bbox\" is four numbers",
        "\"bbox\" is four numbers",
        "not negative",
        "\"bbox\" is four numbers",
        "\"bbox\" is four numbers",
        "\"track\" is a whole number",
        "\"embedding\" is a list",
        "\"embedding\" is a list",
        "\"embedding\" is a list",
        "\"embedding\" is a list",
        "\"colour\" is unknown here; an object has the keys class, score, bbox, track and embedding",
        "\"class\" is text",
    ];
    assert_eq!(refused.len(), words.len(), "{refused:?}");
    for ((number, word), (place, message)) in (2..).zip(words).zip(&refused) {
        assert_eq!(*place, format!("frame 1, object {number}"));
        assert!(message.contains(word), "{place}: {message} / {word}");
    }
}

#[test]
fn a_bad_frame_costs_only_itself() {
    let frames = [
        frame(PERSON),
        "5".to_owned(),
        "[[{\"a\":1}]]".to_owned(),
        "null".to_owned(),
        format!(r#"{{"objects":[{PERSON},{PERSON}]}}"#),
        format!(r#"{{"camera":7,"objects":[{PERSON}]}}"#),
        r#"{"camera":"a"}"#.to_owned(),
        r#"{"camera":"a","objects":{"class":"a"}}"#.to_owned(),
        format!(r#"{{"camera":"a","time":"noon","objects":[{PERSON}]}}"#),
        format!(r#"{{"camera":"a","frame":{{"w":-1,"h":5}},"objects":[{PERSON}]}}"#),
        format!(r#"{{"camera":"a","frame":{{"w":1,"h":5,"d":3}},"objects":[{PERSON}]}}"#),
        format!(r#"{{"camera":"a","place":"hall","objects":[{PERSON}]}}"#),
        format!(r#"{{"camera":"c","objects":[{PERSON}]}}"#),
        format!(r#"{{"camera":"c","objects":[{PERSON}]}}"#),
        frame(PERSON),
    ];
    let refused = refused(&format!("[{}]", frames.join(",")));
    let words = [
        "JSON object",
        "JSON object",
        "JSON object",
        "names no camera",
        "\"camera\" is text",
        "\"objects\" is a list",
        "\"objects\" is a list",
        "no time",
        "size of the frame",
        "size of the frame",
        "\"place\" is unknown here; a frame has the keys",
        "second frame of camera \"c\" without a time",
    ];
    assert_eq!(refused.len(), words.len(), "{refused:?}");
    let places = (2..=12).chain([14]).map(|number| format!("frame {number}"));
    for ((number, word), (place, message)) in places.zip(words).zip(&refused) {
        assert_eq!(*place, number);
        assert!(message.contains(word), "{place}: {message} / {word}");
    }
    // All objects of a refused frame count.
    let (_, refusals) = decode_with(frames[4].as_bytes(), IngestLimits::default()).unwrap();
    assert_eq!(refusals.total(), 2);
}

#[test]
fn images_are_not_accepted() {
    for key in ["image", "jpeg", "png", "data", "thumbnail", "crop", "Image_Base64", "frameJpeg", "snapshot_url"] {
        let object = format!(r#"{{"class":"a","score":1,"bbox":[1,2,3,4],"{key}":"/9j/4AAQ"}}"#);
        let frame_key = format!(r#"{{"camera":"a","{key}":"/9j/4AAQ","objects":[{PERSON}]}}"#);
        for body in [frame(&object), frame_key] {
            let refused = refused(&body);
            assert!(refused[0].1.starts_with(&format!("no image is accepted, and \"{key}\"")), "{refused:?}");
        }
    }
    let long = format!(r#"{{"class":"{}","score":1,"bbox":[1,2,3,4]}}"#, "A".repeat(MAX_CLASS_BYTES + 1));
    assert!(refused(&frame(&long))[0].1.contains("1 to 255 bytes"));
}

#[test]
fn objects_beyond_the_limit_are_counted_and_described_once() {
    let body = frame(&vec![PERSON; MAX_OBJECTS + 25].join(","));
    let (batch, refusals) = decode_with(body.as_bytes(), IngestLimits::default()).unwrap();
    assert_eq!((batch.rows(), refusals.total(), refusals.first().len()), (MAX_OBJECTS, 25, 1));
    assert_eq!(batch.tables[0].series_key(MAX_OBJECTS - 1).as_str(), "camera=entrance-2,object=1000");
    let first = &refusals.first()[0];
    assert_eq!(place(first.line).1, "frame 1, object 1001");
    assert!(first.error.to_string().contains("this one has 1025"), "{}", first.error);
}

#[test]
fn limits_of_rows_and_columns_hold() {
    let limits = IngestLimits { rows_per_request: 2, ..IngestLimits::default() };
    let (batch, refusals) = decode_with(frame(&[PERSON; 3].join(",")).as_bytes(), limits).unwrap();
    assert_eq!((batch.rows(), refusals.by_kind()), (2, &[(ErrorKind::TooLarge, 1)][..]));
    let long = format!(r#"{{"camera":"{}","objects":[{PERSON}]}}"#, "c".repeat(2_000));
    let (_, refusals) = decode_with(long.as_bytes(), IngestLimits::default()).unwrap();
    assert!(refusals.first()[0].error.to_string().contains("limits.tag_value_bytes"));
}

#[test]
fn decimals_are_the_nearest_double() {
    let rows = read(&frame(r#"{"class":"a","score":0.47766000000000003,"bbox":[ 2.2250738585072014e-308 ,1,2,3]}"#));
    assert_eq!(field(&rows, "score", 0), Some(Value::F64(0.477_660_000_000_000_03)));
    assert_eq!(field(&rows, "x", 0), Some(Value::F64(f64::MIN_POSITIVE)));
}

#[test]
fn what_is_no_json_refuses_the_request() {
    for (body, words) in [
        ("", "empty"),
        (" \n", "empty"),
        ("{\"camera\":\"a\",\n\"objects\":[}", "line 2 column 12"),
        ("[{}", "EOF"),
        ("{\"camera\":\"a\",\"objects\":[]} x", "trailing"),
        ("person", "cannot be read"),
        ("7", "a frame or a list of frames"),
    ] {
        let error = decode_with(body.as_bytes(), IngestLimits::default()).unwrap_err();
        assert!(error.to_string().contains(words), "{body}: {error}");
    }
    assert!(
        decode_with(b"{\"camera\":\"\xff\"}", IngestLimits::default()).unwrap_err().to_string().contains("no text")
    );
}

#[test]
fn places_are_kept_apart_up_to_the_last_row() {
    assert_eq!(place(line(4_000_000, MAX_OBJECTS + 1)), (4_000_000, "frame 4000000, object 1001".to_owned()));
    assert_eq!(place(line(u32::MAX, usize::MAX)), (u32::MAX >> OBJECT_BITS, "frame 4194303, object 1023".to_owned()));
    assert_eq!(place(line(3, 0)), (3, "frame 3".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_panics_on_arbitrary_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        _ = decode_with(&body, IngestLimits::default());
    }

    #[test]
    fn never_panics_on_almost_frames(
        body in "([\\[\\]{}:,\" 0-9.eE-]|\"(camera|time|frame|objects|class|score|bbox|track|embedding|w|h)\":|true|null|\\\\u[0-9a-f]{4}|\\PC){0,40}",
    ) {
        _ = decode_with(body.as_bytes(), IngestLimits::default());
        _ = decode_with(frame(&body).as_bytes(), IngestLimits::default());
        _ = decode_with(frame(&format!("{{{body}}}")).as_bytes(), IngestLimits::default());
    }

    #[test]
    fn every_finite_double_survives(numbers in any::<[f64; 2]>().prop_filter("finite", |n| n.iter().all(|n| n.is_finite()))) {
        let [x, score] = numbers;
        let rows = read(&frame(&format!(r#"{{"class":"a","score":{score:?},"bbox":[{x:?},0,0,0]}}"#)));
        for (name, sent) in [("x", x), ("score", score)] {
            match field(&rows, name, 0) {
                Some(Value::F64(stored)) => prop_assert_eq!(stored.to_bits(), sent.to_bits()),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
