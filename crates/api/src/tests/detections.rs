//! Detections over HTTP: what is stored, what is refused under which place, and who sees it.

use std::io::Write;

use sensorium_model::{DatabaseKey, DatabaseName, OrgId, Principal, Value};
use sensorium_store::LastRow;
use serde_json::json;

use super::server::{Server, failure};

const PATH: &str = "/api/v1/detections?db=main";

async fn writer() -> (Server, Principal, String) {
    let (server, owner) = Server::set_up().await;
    let token = server.token(&owner, None, true, true).await;
    (server, owner, token)
}

fn person() -> serde_json::Value {
    json!({"class": "person", "score": 0.91, "bbox": [812.5, 340, 96, 212.5], "track": 17})
}

/// The newest values of each object of each camera.
fn newest(server: &Server, org: OrgId) -> Vec<LastRow> {
    server.state.store.last_values(&DatabaseKey::new(org, DatabaseName::new("main").unwrap()), "detections")
}

fn value<'r>(row: &'r LastRow, field: &str) -> Option<&'r Value<'static>> {
    row.fields.iter().find(|last| *last.name == *field).map(|last| &last.value)
}

#[tokio::test]
async fn a_frame_is_stored() {
    let (server, owner, token) = writer().await;
    let frame = json!({"camera": "entrance-2", "time": 1_600_000_000, "frame": {"w": 1920, "h": 1080},
        "objects": [person(), {"class": "dog", "score": 0.5, "bbox": [0, 0, 1, 1]}]});
    let reply = server.post(PATH).token(&token).json(&frame).send().await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"accepted": 2, "rejected": []})));
    let rows = newest(&server, owner.org);
    let keys: Vec<_> = rows.iter().map(|row| row.series.as_str()).collect();
    assert_eq!(keys, ["camera=entrance-2,object=1", "camera=entrance-2,object=2"]);
    assert_eq!(value(&rows[0], "class"), Some(&Value::Text("person".into())));
    assert_eq!(value(&rows[0], "track"), Some(&Value::I64(17)));
    assert_eq!(value(&rows[0], "frame_w"), Some(&Value::I64(1920)));
    assert_eq!((value(&rows[1], "w"), value(&rows[1], "track")), (Some(&Value::F64(1.0)), None));
    assert!(rows.iter().flat_map(|row| &row.fields).all(|last| last.time_ns == 1_600_000_000_000_000_000));

    // Sent again, it is stored once.
    assert_eq!(server.post(PATH).token(&token).json(&frame).send().await.status, 200);
    assert_eq!(newest(&server, owner.org), rows);

    let milliseconds = json!([{"camera": "a", "time": 5, "objects": [person()]}, {"camera": "a", "objects": []}]);
    let reply = server.post(&format!("{PATH}&precision=ms")).token(&token).json(&milliseconds).send().await;
    assert_eq!(reply.json()["accepted"], 1);
    assert_eq!(newest(&server, owner.org)[2].fields[0].time_ns, 5_000_000);
}

#[tokio::test]
async fn refused_objects_are_named_by_their_place() {
    let (server, owner, token) = writer().await;
    let with_image = json!({"class": "person", "score": 1, "bbox": [0, 0, 1, 1], "jpeg": "/9j/4AAQ"});
    let frames = json!([
        {"camera": "a", "time": 1_600_000_000, "objects": [person()]},
        {"camera": "a", "time": "noon", "objects": [person(), person()]},
        {"camera": "a", "time": 1_600_000_001, "objects": [person(), with_image, person()]},
    ]);
    let reply = server.post(PATH).token(&token).json(&frames).send().await;
    assert_eq!((reply.status.as_u16(), &reply.json()["accepted"]), (200, &json!(3)));
    let rejected = reply.json()["rejected"].as_array().unwrap().clone();
    assert_eq!((rejected.len(), &rejected[0]["line"], &rejected[1]["line"]), (2, &json!(2), &json!(3)));
    let sentence = |row: &serde_json::Value| row["error"].as_str().unwrap().to_owned();
    assert!(sentence(&rejected[0]).starts_with("frame 2: \"noon\" is no time"), "{rejected:?}");
    assert!(sentence(&rejected[1]).starts_with("frame 3, object 2: no image is accepted"), "{rejected:?}");
    assert_eq!(newest(&server, owner.org).len(), 2, "the third object has no series, the first two do");

    let listed = server.get("/api/v1/rejections").token(&token).send().await.json();
    assert_eq!(listed["total"], 3, "both objects of the frame without a time count");
    assert_eq!(
        (&listed["rejections"][0]["source"], &listed["rejections"][0]["line"]),
        (&json!("detections"), &json!(3))
    );
    assert!(listed["rejections"][0]["sample"].as_str().unwrap().contains("jpeg"));

    let nothing = json!({"camera": "a", "objects": [{"class": "person"}]});
    let reply = server.post(PATH).token(&token).json(&nothing).send().await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
    let words = "partial write: 1 of 1 objects refused; frame 1, object 1: the object has no \\\"score\\\"";
    assert!(reply.text().contains(words), "{}", reply.text());
    assert_eq!(reply.json()["accepted"], 0);
}

#[tokio::test]
async fn a_column_of_another_type_costs_only_the_rows_that_have_it() {
    let (server, _, token) = writer().await;
    assert_eq!(server.post("/write?db=main").token(&token).body("detections track=\"a\"").send().await.status, 204);
    let frame = json!({"camera": "a", "objects": [person(), {"class": "dog", "score": 0.5, "bbox": [0, 0, 1, 1]}]});
    let reply = server.post(PATH).token(&token).json(&frame).send().await;
    assert_eq!((reply.status.as_u16(), &reply.json()["accepted"]), (200, &json!(1)));
    let rejected = &reply.json()["rejected"][0];
    assert_eq!(rejected["code"], "conflict");
    assert!(rejected["error"].as_str().unwrap().starts_with("frame 1, object 1: column \"track\""), "{rejected}");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let (server, owner, token) = writer().await;
    for (path, body, status, code, words) in [
        ("/api/v1/detections", "{}", 400, "invalid", "?db=NAME"),
        ("/api/v1/detections?db=absent", "{}", 404, "missing", "database not found"),
        ("/api/v1/detections?db=main&precision=fortnight", "{}", 400, "invalid", "fortnight"),
        (PATH, "", 400, "invalid", "the body is empty"),
        (PATH, "\u{fffd}JFIF", 400, "invalid", "cannot be read"),
        (PATH, "[{}", 400, "invalid", "EOF"),
    ] {
        let reply = server.post(path).token(&token).body(body).send().await;
        assert_eq!(reply.failure(), failure(status, code), "{path} {body}");
        assert!(reply.text().contains(words), "{path} {body}: {}", reply.text());
    }
    let body = json!({"camera": "a", "objects": [person()]});
    for (database, can_write) in [(None, false), (Some("other"), true)] {
        let token = server.token(&owner, database, true, can_write).await;
        assert_eq!(server.post(PATH).token(&token).json(&body).send().await.failure(), failure(403, "denied"));
    }
    assert!(newest(&server, owner.org).is_empty());
}

#[tokio::test]
async fn compressed_frames_are_read() {
    let (server, owner, token) = writer().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(json!({"camera": "a", "objects": [person()]}).to_string().as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let reply = server.post(PATH).token(&token).header("content-encoding", "gzip").body(body).send().await;
    assert_eq!((reply.status.as_u16(), newest(&server, owner.org).len()), (200, 1));
}

#[tokio::test]
async fn detections_of_others_stay_theirs() {
    let (server, owner, token) = writer().await;
    let stranger = server.stranger().await;
    let theirs = server.token(&stranger, None, true, true).await;
    let frame = json!({"camera": "a", "objects": [person(), {"class": "broken"}]});
    assert_eq!(server.post(PATH).token(&token).json(&frame).send().await.json()["accepted"], 1);

    // They have no database of that name, and then one of their own.
    assert_eq!(server.post(PATH).token(&theirs).json(&frame).send().await.failure(), failure(404, "missing"));
    server.database(stranger.org, "main").await;
    assert!(newest(&server, stranger.org).is_empty());
    assert_eq!(server.get("/api/v1/rejections").token(&theirs).send().await.json()["total"], 0);
    let other = json!({"camera": "elsewhere", "objects": [person()]});
    assert_eq!(server.post(PATH).token(&theirs).json(&other).send().await.status, 200);
    assert_eq!(newest(&server, stranger.org)[0].series.as_str(), "camera=elsewhere,object=1");
    assert_eq!(
        newest(&server, owner.org).iter().map(|row| row.series.as_str()).collect::<Vec<_>>(),
        ["camera=a,object=1"]
    );
}
