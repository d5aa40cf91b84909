//! What a request to each operation says, if it is to be good for somebody who may.

use serde_json::{Value as Json, json};

use super::world::{Caller, PASSWORD, Target};
use crate::harness::T0;

pub(super) enum Body {
    None,
    Text(String),
    Csv(String),
    Json(Json),
}

/// A template without variables.
pub(super) fn template(id: &str) -> Json {
    json!({
        "id": id, "version": 1, "title": "Test", "hardware": "Any", "language": "text", "description": "Nothing.",
        "variables": [], "files": [{"name": "note.txt", "body": "text"}],
    })
}

/// The query string and the body of a request that would be good for somebody who may.
pub(super) fn contents(operation: &str, caller: Caller, target: &Target) -> (String, Body) {
    let Target { database, table, fresh, .. } = target;
    let db = format!("?db={database}");
    let line = || Body::Text(format!("{table} written=1 {T0}"));
    let sql = format!("SELECT * FROM {table}");
    let wrong = "a-wrong-code-or-password";
    let (query, body) = match operation {
        "POST /api/v1/setup" => {
            ("", json!({"code": wrong, "organisation": fresh, "login": fresh, "password": PASSWORD}))
        }
        "POST /api/v1/session" => ("", json!({"login": fresh, "password": wrong})),
        "POST /api/v1/session/oidc" => ("", json!({"second_factor": wrong})),
        "POST /api/v1/invitations/accept" => ("", json!({"code": wrong, "password": PASSWORD})),
        "PUT /api/v1/account/password" => ("", json!({"current": PASSWORD, "new": PASSWORD})),
        "PUT /api/v1/account/email" => ("", json!({"password": PASSWORD, "address": null})),
        "POST /api/v1/account/email/confirm" => ("", json!({"code": wrong})),
        "POST /api/v1/password-reset/request" => ("", json!({"account": fresh})),
        "POST /api/v1/mail/test" => ("", json!({"address": "ada@example.org"})),
        "POST /api/v1/account/second-factor" => ("", json!({"password": PASSWORD})),
        "POST /api/v1/devices/{id}/claim" => ("", json!({})),
        "PATCH /api/v1/inbox/{id}" => ("", json!({"ignored": true})),
        "POST /api/v1/inbox/{id}/adopt" => ("", json!({})),
        "POST /api/v1/claims" => ("", json!({"code": "none"})),
        "POST /api/v1/registration" => ("", json!({"login": fresh, "password": PASSWORD})),
        "POST /api/v1/classes" => ("", json!({"name": fresh, "quotas": {"devices": 5}})),
        "PATCH /api/v1/classes/{id}" => ("", json!({"version": 1, "name": fresh})),
        "DELETE /api/v1/classes/{id}" => return ("?version=1".to_owned(), Body::None),
        "POST /api/v1/groups" => ("", json!({"name": fresh})),
        "PATCH /api/v1/groups/{id}" => ("", json!({"version": 1, "name": fresh})),
        "DELETE /api/v1/groups/{id}" => return ("?version=1".to_owned(), Body::None),
        "POST /api/v1/networks" => ("", json!({"name": fresh, "ssid": "ssid", "password": PASSWORD})),
        "PATCH /api/v1/networks/{id}" => ("", json!({"version": 1, "name": fresh})),
        "DELETE /api/v1/networks/{id}" => return ("?version=1".to_owned(), Body::None),
        "POST /api/v1/users" => {
            // A login is taken for all organisations.
            let login = format!("{fresh}-{}", caller.login().unwrap_or("nobody"));
            ("", json!({"login": login, "role": "viewer"}))
        }
        "PATCH /api/v1/users/{id}" => ("", json!({"version": 1, "name": fresh})),
        "DELETE /api/v1/users/{id}" => return ("?version=1".to_owned(), Body::None),
        "POST /api/v1/tokens" => ("", json!({"name": fresh, "can_read": true, "can_write": false})),
        "POST /api/v1/databases" => ("", json!({"name": fresh})),
        "PUT /api/v1/databases/{database}/retention" | "PUT /api/v1/databases/{database}/tables/{table}/retention" => {
            ("", json!({"keep_seconds": null}))
        }
        "POST /api/v1/databases/{database}/tables/{table}/delete" => {
            ("", json!({"start": "1970-01-01T00:00:00Z", "stop": "1970-01-01T00:00:01Z"}))
        }
        "POST /api/v1/databases/{database}/rollups" => {
            ("", json!({"name": fresh, "source": table, "interval_seconds": 60, "aggregates": ["max"]}))
        }
        "POST /api/v1/templates/{id}/render" => {
            let variables = json!({"device": "attic", "server": "http://box:8086/", "token": "secret", "interval": 30});
            ("", json!({"variables": variables}))
        }
        "POST /api/v1/places" => ("", json!({"name": fresh, "kind": "site"})),
        "PATCH /api/v1/places/{id}" => ("", json!({"version": 1, "name": fresh})),
        "DELETE /api/v1/places/{id}" => return ("?version=1".to_owned(), Body::None),
        "DELETE /api/v1/places/{id}/plan" => return ("?version=2".to_owned(), Body::None),
        "PUT /api/v1/places/{id}/plan" => {
            let drawing = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\"></svg>";
            return ("?version=2".to_owned(), Body::Text(drawing.to_owned()));
        }
        "POST /api/v1/submissions" => {
            let mut request = template(fresh);
            request.as_object_mut().unwrap().remove("version");
            ("", json!({"template": request}))
        }
        "POST /api/v1/submissions/{id}/render" => ("", json!({})),
        "POST /api/v1/submissions/{id}/review" => ("", json!({"decision": "accept"})),
        "POST /api/v1/submissions/{id}/comments" => ("", json!({"text": "text"})),
        "POST /api/v1/device-types" => ("", json!({"name": fresh, "table": table})),
        "PATCH /api/v1/device-types/{id}" | "PATCH /api/v1/devices/{id}" => ("", json!({"version": 1, "name": fresh})),
        "DELETE /api/v1/device-types/{id}" | "DELETE /api/v1/devices/{id}" => {
            return ("?version=1".to_owned(), Body::None);
        }
        "POST /api/v1/devices" => ("", json!({"name": fresh})),
        "POST /api/v1/devices/import" => return (String::new(), Body::Csv(format!("name\n{fresh}\n"))),
        "PUT /api/v1/devices/{id}/state/desired" => ("", json!({"version": 1, "state": {"a": 1}})),
        "POST /api/v1/devices/{id}/commands" => ("", json!({"name": fresh})),
        "PUT /api/v1/device/state/reported" => ("", json!({"a": 1})),
        "POST /api/v1/device/commands/{id}/answer" => ("", json!({"ok": true})),
        "POST /api/v1/devices/{id}/tokens" => ("", json!({"name": fresh})),
        "POST /api/v1/devices/{id}/credentials" => ("", json!({"kind": "psk", "label": fresh})),
        "POST /write" | "POST /api/v3/write_lp" => return (db, line()),
        "POST /api/v2/write" => return (format!("?bucket={database}"), line()),
        "POST /api/v1/readings" => return (format!("{db}&table={table}"), Body::Json(json!({"written": 1}))),
        "POST /api/v1/detections" => return (db, Body::Json(json!({"camera": fresh, "objects": []}))),
        "GET /api/v1/rejections" => return (format!("?database={database}"), Body::None),
        "GET /api/v1/sql" => return (format!("{db}&q={}", sql.replace(' ', "%20")), Body::None),
        "POST /api/v1/sql" => return (db, Body::Text(sql)),
        "GET /query" | "POST /query" => return ("?q=SHOW%20DATABASES".to_owned(), Body::None),
        "POST /api/v2/buckets" => ("", json!({"name": fresh})),
        "GET /api/v3/query_sql" | "GET /api/v3/query_influxql" => {
            return (format!("{db}&q={}", sql.replace(' ', "%20")), Body::None);
        }
        "POST /api/v3/query_sql" | "POST /api/v3/query_influxql" => ("", json!({"db": database, "q": sql})),
        "DELETE /api/v1/mqtt/retained" => return (format!("?topic={}", target.id), Body::None),
        // The key of a client that calls itself walk.
        "POST /api/v1/mqtt/traces" => ("", json!({"client": "LTp3YWxr"})),
        "POST /api/v1/mqtt/publish" => ("", json!({"topic": "cmnd/walk/POWER", "payload": "ON"})),
        "GET /api/v1/live" => return (format!("{db}&table={table}"), Body::None),
        _ => return (String::new(), Body::None),
    };
    (query.to_owned(), Body::Json(body))
}
