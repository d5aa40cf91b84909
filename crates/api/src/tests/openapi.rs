//! The document that clients are generated from.

use std::collections::BTreeSet;

use super::server::Server;

#[tokio::test]
async fn the_document_is_served_and_whole() {
    let server = Server::start().await;
    let reply = server.get("/api/openapi.json").send().await;
    assert_eq!(reply.header("content-type"), "application/json");
    let document = reply.json();
    assert_eq!(document, serde_json::to_value(crate::openapi()).unwrap());
    assert_eq!(document["info"]["title"], "Sensorium");

    let mut ids = BTreeSet::new();
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            let tag = operation["tags"][0].as_str().unwrap();
            assert!(tags.contains(tag), "{method} {path} has the undescribed tag {tag}");
        }
    }
    assert!(ids.len() >= 12, "{ids:?}");
    for scheme in ["token", "password", "session"] {
        assert!(document["components"]["securitySchemes"][scheme].is_object(), "{scheme}");
    }
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is referred to and missing");
    }
}
