//! The record of changes over HTTP.

use sensorium_model::Role;
use serde_json::{Value, json};

use super::server::{Server, failure};

#[tokio::test]
async fn the_record_is_read_a_page_at_a_time_and_filtered() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let body = json!({"login": "vera", "role": "viewer"});
    let invited = server.post("/api/v1/users").cookie(&ada).json(&body).send().await;
    let code = invited.json()["link"]["code"].as_str().unwrap().to_owned();
    let read = async |query: &str| {
        let reply = server.get(&format!("/api/v1/audit{query}")).cookie(&ada).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(!reply.text().contains(&code));
        reply.json()
    };
    let all = read("").await;
    let newest = &all["entries"][0];
    assert_eq!(
        (&newest["action"], &newest["target"], &newest["name"]),
        (&json!("created"), &json!("user"), &json!("vera"))
    );
    assert_eq!(
        (&newest["actor"], &newest["actor_kind"], &newest["before"]),
        (&json!("ada"), &json!("user"), &Value::Null)
    );
    assert_eq!(newest["after"]["role"], "viewer");
    let first = read("?limit=1").await;
    assert_eq!(first["entries"], json!([newest]));
    let second = read(&format!("?limit=1&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(second["entries"], json!([all["entries"][1]]));
    assert_eq!(read("?action=created&target=user&name=vera&actor=ada&q=VIEWER").await["entries"], json!([newest]));
    assert_eq!(read("?to=2001-01-01T00:00:00Z").await["entries"], json!([]));
    assert_eq!(read("?from=2001-01-01T00:00:00Z").await["entries"], all["entries"]);
    for wrong in ["?limit=0", "?limit=1001", "?after=x", "?from=yesterday", "?format=xml"] {
        let reply = server.get(&format!("/api/v1/audit{wrong}")).cookie(&ada).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{wrong}");
    }
    let reply = server.get(&format!("/api/v1/audit?q={}", "x".repeat(101))).cookie(&ada).send().await;
    assert_eq!(reply.failure(), failure(400, "invalid"));
}

#[tokio::test]
async fn the_export_has_everything_and_no_formulas() {
    let (server, owner) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    for number in 0..1_005 {
        let name = format!("=HYPERLINK(\"http://evil.example\",{number})");
        server.state.metadata.audit(&owner, sensorium_metadata::Change::created("test", &name)).await.unwrap();
    }
    let reply = server.get("/api/v1/audit?format=csv&target=test").cookie(&ada).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.header("content-type").starts_with("text/csv"));
    assert!(reply.header("content-disposition").contains("attachment"));
    let text = reply.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1_006, "more than a page, and a header");
    assert!(lines[1].contains(",\"'=HYPERLINK(\"\"http://evil.example\"\",1004)\","), "{}", lines[1]);
    assert!(lines[1005].contains(",0)\","), "{}", lines[1005]);
    server.user(owner.org, "edith", Role::Editor).await;
    let edith = server.cookie("edith").await;
    for path in ["/api/v1/audit", "/api/v1/audit?format=csv"] {
        assert_eq!(server.get(path).cookie(&edith).send().await.failure(), failure(403, "denied"));
    }
}

#[tokio::test]
async fn the_export_arrives_whole_where_a_browser_takes_it_compressed() {
    let (server, _) = Server::set_up().await;
    let ada = server.cookie("ada").await;
    let export = async |encoding: &str| {
        let call = server.get("/api/v1/audit?format=csv&target=user").cookie(&ada);
        call.header("accept-encoding", encoding).send().await
    };
    let plain = export("identity").await.text();
    assert!(plain.lines().count() > 1, "{plain}");
    assert_eq!(export("gzip").await.unzipped(), plain);
}
