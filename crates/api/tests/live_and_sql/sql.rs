//! `/api/v1/sql`: the formats, the failures, and clients that leave.

use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, TimestampNanosecondType};
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sensorium_metadata::NewToken;
use sensorium_model::{DatabaseName, Principal};
use sensorium_query::QueryConfig;
use serde_json::{Value as Json, json};

use crate::harness::{Options, Server, T0, TOKEN, client, rows, until};

const ALL: &str = "/api/v1/sql?db=main&q=SELECT+time,s,v+FROM+cpu+ORDER+BY+time";

async fn with_two_rows() -> Server {
    let server = Server::start().await;
    server.write(rows(server.key("main"), [("cpu", "a", T0, 1.5), ("cpu", "b\"x", T0 + 500_000, -2.0)])).await;
    server
}

/// A server whose table `n` has this many rows.
async fn with_rows(count: i64, query: QueryConfig) -> Server {
    let server = Server::with(Options { query, ..Options::default() }).await;
    let batch = rows(server.key("main"), (0..count).map(|index| ("n", "a", T0 + index, index as f64)));
    server.write(batch).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn json_holds_columns_and_rows() {
    let server = with_two_rows().await;
    let response = server.get(ALL).await;
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    let answer: Json = response.json().await.unwrap();
    assert_eq!(
        answer["columns"],
        json!([{"name": "time", "type": "timestamp"}, {"name": "s", "type": "string"}, {"name": "v", "type": "float"}])
    );
    assert_eq!(
        answer["rows"],
        json!([["2023-11-14T22:13:20Z", "a", 1.5], ["2023-11-14T22:13:20.000500Z", "b\"x", -2.0]])
    );
    assert_eq!(answer["row_count"], 2);
    let answer: Json = server.get(&format!("{ALL}&points=800")).await.json().await.unwrap();
    assert_eq!(answer["row_count"], 2);
    let answer: Json = server.get(&format!("{ALL}&epoch=ms")).await.json().await.unwrap();
    assert_eq!(answer["columns"][0]["type"], "float");
    assert_eq!(answer["rows"][1][0], json!(1_700_000_000_000.5));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statement_may_stand_in_the_body() {
    let server = with_two_rows().await;
    let post = |media: &'static str, body: &'static str| {
        client()
            .post(server.url("/api/v1/sql?db=main"))
            .bearer_auth(TOKEN)
            .header("content-type", media)
            .body(body)
            .send()
    };
    for (media, body) in [
        ("text/plain", "SELECT count(*) AS c FROM cpu"),
        ("application/json", r#"{"q":"SELECT count(*) AS c FROM cpu","db":"main","format":"json"}"#),
        ("application/x-www-form-urlencoded", "q=SELECT+count(*)+AS+c+FROM+cpu"),
    ] {
        let response = post(media, body).await.unwrap();
        assert_eq!(response.status(), 200, "{media}");
        assert_eq!(response.json::<Json>().await.unwrap()["rows"], json!([[2]]), "{media}");
    }
    let response = post("application/json", r#"{"query":"SELECT 1"}"#).await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.json::<Json>().await.unwrap()["error"].as_str().unwrap().contains("`query`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_has_a_header_even_without_rows() {
    let server = with_two_rows().await;
    let response = client().get(server.url(ALL)).bearer_auth(TOKEN).header("accept", "text/csv").send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    assert!(response.headers()["content-disposition"].to_str().unwrap().contains("readings.csv"));
    let text = response.text().await.unwrap();
    assert_eq!(text, "time,s,v\n2023-11-14T22:13:20Z,a,1.5\n2023-11-14T22:13:20.000500Z,\"b\"\"x\",-2.0\n");
    let none = "/api/v1/sql?db=main&format=csv&q=SELECT+s,v+FROM+cpu+WHERE+v>1e9";
    assert_eq!(server.get(none).await.text().await.unwrap(), "s,v\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_ends_well() {
    let server = with_rows(20_000, QueryConfig::default()).await;
    for format in ["json", "csv", "arrow", "parquet"] {
        let path = format!("/api/v1/sql?db=main&format={format}&q=SELECT+time,v+FROM+n+ORDER+BY+time");
        let asking = client().get(server.url(&path)).bearer_auth(TOKEN).header("accept-encoding", "gzip");
        let response = asking.send().await.unwrap();
        let is_compressed = response.headers().contains_key("content-encoding");
        assert_eq!(is_compressed, matches!(format, "json" | "csv"), "{format}");
        assert!(response.bytes().await.is_ok_and(|bytes| !bytes.is_empty()), "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arrow_is_a_stream() {
    let server = with_two_rows().await;
    let read = async |path: String| -> Vec<RecordBatch> {
        let bytes = server.get(&path).await.bytes().await.unwrap();
        StreamReader::try_new(bytes.as_ref(), None).unwrap().map(Result::unwrap).collect()
    };
    let batches = read(format!("{ALL}&format=arrow")).await;
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert_eq!(batches[0]["time"].as_primitive::<TimestampNanosecondType>().value(0), T0);
    let batches = read(format!("{ALL}&format=arrow&epoch=ms")).await;
    assert_eq!(*batches[0]["time"].data_type(), DataType::Float64);
    assert_eq!(batches[0]["time"].as_primitive::<Float64Type>().value(0), 1_700_000_000_000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_can_be_read_again() {
    let server = with_rows(150_000, QueryConfig::default()).await;
    let response = server.get("/api/v1/sql?db=main&format=parquet&q=SELECT+time,s,v+FROM+n+ORDER+BY+time").await;
    assert_eq!(response.headers()["content-type"], "application/vnd.apache.parquet");
    let bytes = response.bytes().await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    assert!(reader.metadata().num_row_groups() > 1, "it was not held in memory as a whole");
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let values: Vec<f64> =
        batches.iter().flat_map(|batch| batch["v"].as_primitive::<Float64Type>().values().to_vec()).collect();
    assert_eq!(values, (0..150_000).map(f64::from).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_answered_with_what_is_wrong() {
    let server = with_two_rows().await;
    let ask = async |path: &str| {
        let response = server.get(path).await;
        (response.status().as_u16(), response.json::<Json>().await.unwrap())
    };
    let (status, body) = ask("/api/v1/sql?db=main&q=SELECT+*+FORM+cpu").await;
    assert_eq!((status, &body["code"]), (400, &json!("invalid")));
    assert!(body["line"].is_u64() && body["column"].is_u64(), "{body}");
    for (path, expected) in [
        ("/api/v1/sql?q=SELECT+1", 400),
        ("/api/v1/sql?db=main", 400),
        ("/api/v1/sql?db=a/b&q=SELECT+1", 400),
        ("/api/v1/sql?db=nowhere&q=SELECT+1", 404),
        ("/api/v1/sql?db=main&q=SELECT+1&format=xml", 400),
        ("/api/v1/sql?db=main&q=SELECT+1&epoch=days", 400),
        ("/api/v1/sql?db=main&q=SELECT+now()&points=0", 400),
        ("/api/v1/sql?db=main&q=SELECT+now()&points=100001", 400),
        ("/api/v1/sql?db=main&q=SELECT+1&points=5", 400),
        ("/api/v1/sql?db=main&q=DROP+TABLE+cpu", 400),
    ] {
        let (status, body) = ask(path).await;
        assert_eq!(status, expected, "{path}: {body}");
        assert!(body["error"].as_str().is_some_and(|sentence| !sentence.is_empty()), "{path}");
    }
    assert_eq!(client().get(server.url(ALL)).send().await.unwrap().status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_database_asks_no_other() {
    let server = with_two_rows().await;
    let new = NewToken {
        name: "display".into(),
        database: Some(DatabaseName::new("other").unwrap()),
        can_read: true,
        can_write: false,
        expires_at_ms: None,
        for_devices: false,
    };
    let (_, secret) = server.state.metadata.create_token(&Principal::system(server.org()), new).await.unwrap();
    let response = client().get(server.url(ALL)).bearer_auth(&secret).send().await.unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_the_first_rows_is_seen() {
    let limit = QueryConfig { max_rows: 40_000, ..QueryConfig::default() };
    let server = with_rows(100_000, limit).await;
    let path = "/api/v1/sql?db=main&q=SELECT+time,v+FROM+n";
    let response = server.get(path).await;
    assert_eq!(response.status(), 200);
    let answer: Json = response.json().await.unwrap();
    assert_eq!(answer["code"], "too_large");
    assert!(answer["error"].as_str().unwrap().contains("query.max_rows"), "{}", answer["error"]);
    assert_eq!(answer["rows"].as_array().unwrap().len() as u64, answer["row_count"].as_u64().unwrap());
    for format in ["csv", "arrow", "parquet"] {
        let whole = async {
            let asking = client().get(server.url(&format!("{path}&format={format}"))).bearer_auth(TOKEN).send();
            asking.await?.error_for_status()?.bytes().await
        };
        let cut = whole.await.expect_err("half an answer looks like a whole one");
        assert!(cut.status().is_none(), "{format}: the status is sent before the failure is known: {cut}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_stops_its_query() {
    let server = with_rows(20_000, QueryConfig { concurrent: 1, ..QueryConfig::default() }).await;
    let endless = "/api/v1/sql?db=main&q=SELECT+sum(a.v*b.v*c.v)+FROM+n+a,+n+b,+n+c";
    // The question below may hold the only place for a moment; whoever is refused as busy asks again.
    let asking = async {
        loop {
            let answer = server.get(endless).await;
            if answer.status() != 429 {
                return answer;
            }
        }
    };
    let is_busy = async || server.get("/api/v1/sql?db=main&q=SELECT+1").await.status() == 429;
    tokio::select! {
        answer = asking => panic!("the endless query answered: {answer:?}"),
        () = until("the query runs", is_busy) => {}
    }
    // The connection was dropped with the request.
    let left = std::time::Instant::now();
    until("its place is free again", async || !is_busy().await).await;
    assert!(left.elapsed() < Duration::from_secs(20), "{:?}", left.elapsed());
}
