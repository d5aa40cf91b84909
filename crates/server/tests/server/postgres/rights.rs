//! Who is let in, and what they see: passwords and tokens, databases, other organisations, TLS.

use std::process::Stdio;

use serde_json::json;

use super::{ENDLESS, fill, psql, refused, rows, server};
use crate::registry_files::token_of_another_organisation;
use crate::support::{Server, Start, TOKEN, block_on, client, wait_for};
use crate::tls::fixture;

const LOGIN: &str = "ada";
const PASSWORD: &str = "correct horse battery";

fn set_up(server: &Server) {
    let code = server.opened().split("#code=").nth(1).unwrap();
    let body = json!({"code": code, "organisation": "Lab", "login": LOGIN, "password": PASSWORD});
    let request = client().post(format!("{}/api/v1/setup", server.url())).json(&body);
    assert_eq!(block_on(async { request.send().await.unwrap().status() }), 201);
}

/// What psql says when it is not let in.
fn kept_out(server: &Server, credential: (&str, &str), database: &str) -> String {
    let output = psql(server, credential, database).args(["-c", "SELECT 1"]).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// An API token that whoever runs the server makes.
fn make_token(server: &Server, body: &serde_json::Value) -> String {
    let request = client().post(format!("{}/api/v1/tokens", server.url())).bearer_auth(server.local_token()).json(body);
    let made: serde_json::Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
    made["secret"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

#[test]
fn people_and_tokens_are_let_in_and_nobody_else() {
    let server = server();
    set_up(&server);
    let person = psql(&server, (LOGIN, PASSWORD), "main").args(["-c", "SELECT current_user"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&person.stdout), "ada\n");
    assert_eq!(rows(&server, "SELECT 1"), ["1"]);
    for (user, password) in [(LOGIN, "wrong"), ("token", "wrong"), ("eve", PASSWORD)] {
        let sentence = kept_out(&server, (user, password), "main");
        assert!(sentence.contains("wrong"), "{sentence}");
    }
    let missing = kept_out(&server, ("token", TOKEN), "nowhere");
    assert!(missing.contains("there is no database"), "{missing}");
}

#[test]
fn guessing_has_to_wait_as_it_has_over_http() {
    let server = server();
    set_up(&server);
    let waits = (0..8).map(|_| kept_out(&server, (LOGIN, "guess"), "main")).any(|said| said.contains("try again in"));
    assert!(waits, "eight wrong passwords, and no wait");
    // The same count: over HTTP the right password has to wait, too.
    let body = json!({"login": LOGIN, "password": PASSWORD});
    let request = client().post(format!("{}/api/v1/session", server.url())).json(&body);
    assert_eq!(block_on(async { request.send().await.unwrap().status() }), 429);
}

#[test]
fn another_organisation_sees_nothing_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let first = Start::at(&data_dir).quiet().start();
    fill(&first);
    assert!(first.stop().success());
    let token = token_of_another_organisation(&data_dir);
    let server = Start::at(&data_dir).quiet().postgres().start();
    let sentence = kept_out(&server, ("token", &token), "main");
    assert!(sentence.contains("there is no database"), "{sentence}");
    // With a database of the same name of its own, it sees that one alone.
    let request = client().post(format!("{}/api/v1/databases", server.url())).bearer_auth(&token);
    let request = request.json(&json!({"name": "main"}));
    assert_eq!(block_on(async { request.send().await.unwrap().status() }), 201);
    let theirs = |sql: &str| psql(&server, ("token", &token), "main").args(["-c", sql]).output().unwrap();
    for sql in ["\\dt", "SELECT relname FROM pg_class", "SELECT table_name FROM information_schema.tables"] {
        let output = theirs(sql);
        assert!(output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("room"), "{sql}");
    }
    assert_eq!(String::from_utf8_lossy(&theirs("SELECT datname FROM pg_database").stdout), "main\n");
    assert!(!theirs("SELECT * FROM room").status.success());
    assert_eq!(rows(&server, "SELECT count(*) FROM room"), ["2"]);
}

#[test]
fn a_token_of_one_database_sees_one_database() {
    let server = server();
    for name in ["other", "third"] {
        let request = server.request(reqwest::Method::POST, "/api/v1/databases").json(&json!({"name": name}));
        assert_eq!(block_on(async { request.send().await.unwrap().status() }), 201);
    }
    let token =
        &make_token(&server, &json!({"name": "one", "database": "other", "can_read": true, "can_write": false}));
    let output = psql(&server, ("token", token), "other").args(["-c", "SELECT datname FROM pg_database"]).output();
    assert_eq!(String::from_utf8_lossy(&output.unwrap().stdout), "other\n");
    let sentence = kept_out(&server, ("token", token), "main");
    assert!(sentence.contains("may not read"), "{sentence}");
    assert!(refused(&server, "SELECT * FROM other.room").contains("42P01"));
}

#[test]
fn tls_has_the_certificate_of_the_server() {
    let server = Start::new().quiet().postgres();
    let server = server.arg("--tls-cert").arg(fixture("cert.pem")).arg("--tls-key").arg(fixture("key.pem")).start();
    let address = server.postgres();
    let ask = |host: &str, mode: &str| {
        let mut command = psql(&server, ("token", TOKEN), "main");
        command.args(["-h", host, "-p", &address.port().to_string(), "-c", "SELECT 1"]);
        command.env("PGSSLMODE", mode).env("PGSSLROOTCERT", fixture("cert.pem")).env("PGHOSTADDR", "127.0.0.1");
        command.output().unwrap()
    };
    for mode in ["require", "verify-full", "prefer", "disable"] {
        let output = ask("localhost", mode);
        assert!(output.status.success(), "{mode}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_query_that_somebody_kills_ends_with_a_code() {
    let server = server();
    let mut command = psql(&server, ("token", TOKEN), "main");
    let child = command.args(["-c", ENDLESS]).stderr(Stdio::piped()).spawn().unwrap();
    let id = wait_for("the query is listed", || {
        let lines = rows(&server, "SHOW QUERIES");
        lines.first().and_then(|line| line.split('|').next().map(str::to_owned))
    });
    assert_eq!(rows(&server, &format!("KILL '{id}'")), [id]);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("57014"), "{said}");
    let recorded = server.get("/api/v1/audit");
    assert!(recorded.to_string().contains("\"ended\""), "{recorded}");
}

#[test]
fn a_token_that_may_not_read_is_kept_out() {
    let server = server();
    let token = make_token(&server, &json!({"name": "writer", "can_read": false, "can_write": true}));
    let sentence = kept_out(&server, ("token", &token), "main");
    assert!(sentence.contains("may not read"), "{sentence}");
}
