//! The embedded page, its headers, and addresses that do not exist.

use axum::http::Method;

use super::server::{Server, failure};

#[tokio::test]
async fn unknown_addresses_of_the_interface_are_json() {
    let server = Server::start().await;
    for path in ["/api", "/api/", "/api/v1/nothing", "/api/v2/nothing", "/ws", "/ws/other", "/assets/gone-1234.js"] {
        let reply = server.get(path).send().await;
        assert_eq!(reply.failure(), failure(404, "missing"), "{path}");
        assert_eq!(reply.header("content-type"), "application/json", "{path}");
    }
    let reply = server.post("/dashboards/1").send().await;
    assert_eq!(reply.failure(), failure(404, "missing"), "pages are only read");
    let reply = server.call(Method::PUT, "/api/v1/session").send().await;
    assert_eq!(reply.failure(), failure(405, "invalid"));
}

#[tokio::test]
async fn every_view_is_the_page_and_is_guarded() {
    let server = Server::start().await;
    let root = server.get("/").send().await;
    assert_eq!(root.status, 200);
    assert!(root.text().starts_with("<!doctype html>"), "{}", root.text());
    for path in ["/", "/explore", "/dashboards/7?kiosk", "/index.html", "/apiary"] {
        let reply = server.get(path).send().await;
        assert_eq!((reply.status.as_u16(), reply.text()), (200, root.text()), "{path}");
        assert_eq!(reply.header("cache-control"), "no-cache", "{path}");
        assert!(reply.header("content-type").starts_with("text/html"), "{path}");
        let policy = reply.header("content-security-policy");
        for part in ["default-src 'self'", "script-src 'self'", "frame-ancestors 'none'", "object-src 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "same-origin");
        assert_eq!(reply.header("x-frame-options"), "DENY");
    }
    let etag = root.header("etag").to_owned();
    assert_eq!(server.get("/").header("if-none-match", &etag).send().await.status, 304);
}

#[tokio::test]
async fn hashed_files_are_kept_for_long() {
    let server = Server::start().await;
    let page = server.get("/").send().await.text();
    // The page that stands in for one that is not built has no such files.
    let Some(path) = page.split('"').find(|part| part.starts_with("/assets/")) else { return };
    let reply = server.get(path).send().await;
    assert_eq!(reply.status, 200, "{path}");
    assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn every_answer_has_an_id_and_interface_answers_are_not_kept() {
    let server = Server::start().await;
    let reply = server.get("/api/v1/setup").send().await;
    assert_eq!(reply.header("x-request-id").len(), 36);
    assert_eq!(reply.header("cache-control"), "no-store");
    let reply = server.get("/api/v1/setup").header("x-request-id", "mine-1").send().await;
    assert_eq!(reply.header("x-request-id"), "mine-1");
    let long = "x".repeat(65);
    for unfit in ["a b", "a=b", long.as_str()] {
        let reply = server.get("/api/v1/setup").header("x-request-id", unfit).send().await;
        assert_eq!(reply.header("x-request-id").len(), 36, "{unfit}");
    }
}
