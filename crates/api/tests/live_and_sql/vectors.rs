//! Vectors from a camera's request to the answers: in memory, in files, in each format, and not in live data.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float32Type;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};

use crate::harness::{Server, TOKEN, client};

const ASK: &str = "/api/v1/sql?db=main&q=SELECT+object,embedding+FROM+detections+ORDER+BY+time,object";

async fn send(server: &Server, frame: Json) -> Json {
    let request = client().post(server.url("/api/v1/detections?db=main")).bearer_auth(TOKEN).json(&frame);
    request.send().await.unwrap().json().await.unwrap()
}

fn object(embedding: &Json) -> Json {
    json!({"class": "person", "score": 0.9, "bbox": [1, 2, 3, 4], "embedding": embedding})
}

/// Three vectors and an object without one, in two frames; the first of them is sent twice.
async fn filled() -> Server {
    let server = Server::start().await;
    let first =
        json!({"camera": "a", "time": 1_700_000_000, "objects": [object(&json!([0.1, -2, 3])), object(&Json::Null)]});
    let second = json!({"camera": "a", "time": 1_700_000_001, "objects": [object(&json!([4, 5, 6])), object(&json!([7, 8, 1e-7]))]});
    for frame in [&first, &second, &first] {
        assert_eq!(send(&server, frame.clone()).await, json!({"accepted": 2, "rejected": []}));
    }
    server
}

fn expected() -> Json {
    json!([["1", [0.1, -2.0, 3.0]], ["2", null], ["1", [4.0, 5.0, 6.0]], ["2", [7.0, 8.0, 1e-7]]])
}

async fn rows(server: &Server) -> Json {
    server.get(ASK).await.json::<Json>().await.unwrap()["rows"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_come_back_from_memory_and_from_files() {
    let server = filled().await;
    let answer: Json = server.get(ASK).await.json().await.unwrap();
    assert_eq!(answer["columns"][1], json!({"name": "embedding", "type": "vector"}));
    assert_eq!(answer["rows"], expected());
    server.state.store.flush().await.unwrap();
    assert_eq!(rows(&server).await, expected());

    // A newer vector and a newer row without one, in memory beside the file, then in a second file, then in a merged one.
    let newer =
        json!({"camera": "a", "time": 1_700_000_001, "objects": [object(&json!([1, 1, 1])), object(&Json::Null)]});
    assert_eq!(send(&server, newer).await["accepted"], 2);
    let mut expected = expected();
    expected[2][1] = json!([1.0, 1.0, 1.0]);
    assert_eq!(rows(&server).await, expected);
    server.state.store.flush().await.unwrap();
    assert_eq!(rows(&server).await, expected);
    server.state.store.compact().await.unwrap();
    assert_eq!(rows(&server).await, expected);
    let one = "/api/v1/sql?db=main&q=SELECT+embedding+FROM+detections+WHERE+object='2'+AND+embedding+IS+NOT+NULL";
    assert_eq!(server.get(one).await.json::<Json>().await.unwrap()["rows"], json!([[[7.0, 8.0, 1e-7]]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_has_vectors() {
    let server = filled().await;
    let text = server.get(&format!("{ASK}&format=csv")).await.text().await.unwrap();
    let lines = "object,embedding\n1,\"[0.1,-2.0,3.0]\"\n2,\n1,\"[4.0,5.0,6.0]\"\n2,\"[7.0,8.0,1e-7]\"\n";
    assert_eq!(text, lines);
    let arrow = server.get(&format!("{ASK}&format=arrow")).await.bytes().await.unwrap();
    let parquet = server.get(&format!("{ASK}&format=parquet")).await.bytes().await.unwrap();
    let streamed = StreamReader::try_new(arrow.as_ref(), None).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    let stored = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap().build().unwrap();
    for batches in [streamed, stored.map(Result::unwrap).collect::<Vec<RecordBatch>>()] {
        let numbers = |batch: &RecordBatch| {
            let lists = batch["embedding"].as_list::<i32>().clone();
            let numbers = (0..lists.len()).map(|row| {
                let is_there = lists.is_valid(row);
                is_there.then(|| lists.value(row).as_primitive::<Float32Type>().values().to_vec())
            });
            numbers.collect::<Vec<_>>()
        };
        let numbers: Vec<_> = batches.iter().flat_map(numbers).collect();
        assert_eq!(numbers, [Some(vec![0.1, -2.0, 3.0]), None, Some(vec![4.0, 5.0, 6.0]), Some(vec![7.0, 8.0, 1e-7])]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_of_another_length_costs_only_its_object() {
    let server = filled().await;
    let mixed = json!({"camera": "b", "objects": [object(&json!([1, 2])), object(&json!([1, 2, 3]))]});
    let answer = send(&server, mixed).await;
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["code"]), (&json!(1), &json!("conflict")));
    let sentence = answer["rejected"][0]["error"].as_str().unwrap();
    let words = "frame 1, object 1: column \"embedding\" of table \"detections\" is a vector(3) field, but this row sends a vector(2)";
    assert!(sentence.starts_with(words), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_are_no_newest_values_and_not_live() {
    let server = Server::start().await;
    let mut socket = server.connect().await;
    socket.subscribe(1, "detections").await;
    let frame = json!({"camera": "a", "time": 1_700_000_000, "objects": [object(&json!([1, 2, 3]))]});
    assert_eq!(send(&server, frame).await["accepted"], 1);
    let live = socket.frame().await.points.into_iter().map(|point| point.3).collect::<Vec<_>>();
    assert_eq!(live, ["class", "h", "score", "w", "x", "y"]);
    let last: Json = server.get("/api/v1/databases/main/last?table=detections").await.json().await.unwrap();
    let fields = last["tables"][0]["series"][0]["fields"].as_object().unwrap().clone();
    assert!(fields.contains_key("class") && !fields.contains_key("embedding"), "{fields:?}");
    let tables: Json = server.get("/api/v1/databases/main/tables").await.json().await.unwrap();
    let columns = tables["tables"][0]["columns"].as_array().unwrap().clone();
    assert!(columns.contains(&json!({"name": "embedding", "kind": "field", "type": "vector"})), "{columns:?}");
}
