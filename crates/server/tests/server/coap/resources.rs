//! What is built in: readings in any format, newest values, states of devices, what there is, and who may do what.

use sensorium_protocols::coap::{Code, format, option};
use serde_json::{Value, json};

use super::client::{Client, request, stores, text};
use super::{ask, device, local, post, server, with_token, with_tokens};
use crate::registry_files::token_of_another_organisation;
use crate::support::{Start, wait_for};

#[test]
fn readings_come_in_any_format() {
    let client = Client::new(server().coap());
    let cbor = [0xa1, 0x65, b'v', b'a', b'l', b'u', b'e', 0xf9, 0x4d, 0x20]; // {"value": 20.5}
    let cases: [(Option<u16>, &[u8]); 5] = [
        (None, b"16.5"),
        (Some(format::TEXT), b"17.5"),
        (Some(format::JSON), br#"{"value": 18.5}"#),
        (Some(format::CBOR), &cbor),
        (Some(65_000), b"coap_formats,device=formats value=21.5"),
    ];
    for (content_format, payload) in cases {
        let path = with_token("/readings?table=coap_formats&field=value&device=formats");
        let answer = client.ask(stores(&path, content_format, payload.to_vec()));
        assert_eq!(answer.code, Code::CHANGED, "{content_format:?}: {}", text(&answer));
    }
    let rows = server().query("SELECT device, value FROM coap_formats ORDER BY value");
    let expected: Vec<Vec<Value>> =
        [16, 17, 18, 20, 21].map(|value| vec![json!("formats"), json!(f64::from(value) + 0.5)]).into();
    assert_eq!(rows, expected);
    let unknown = client.ask(stores(&with_token("/readings"), Some(41), "<a/>"));
    assert_eq!(unknown.code, Code::UNSUPPORTED_CONTENT_FORMAT);
    let wrong = client.ask(stores(&with_token("/readings"), Some(format::JSON), "{"));
    assert_eq!(wrong.code, Code::BAD_REQUEST);
    assert!(!wrong.payload.is_empty(), "the sentence says why");
}

#[test]
fn senml_is_stored_by_its_names_and_times() {
    let client = Client::new(server().coap());
    let pack = r#"[{"bn":"senml-attic/","bt":1700000000,"n":"temperature","u":"Cel","v":21.5},{"n":"humidity","t":-60,"v":40}]"#;
    let answer = client.ask(stores(&with_token("/readings?table=coap_senml"), Some(format::SENML_JSON), pack));
    assert_eq!(answer.code, Code::CHANGED, "{}", text(&answer));
    assert_eq!(
        server().query("SELECT device, temperature FROM coap_senml WHERE temperature IS NOT NULL"),
        [[json!("senml-attic"), json!(21.5)]]
    );
    let mut wanted = request(Code::GET, &with_token("/devices/senml-attic/humidity"));
    wanted.options.set_uint(option::ACCEPT, u64::from(format::SENML_JSON));
    let shown: Value = serde_json::from_slice(&client.ask(wanted).payload).unwrap();
    assert_eq!(
        (&shown[0]["bn"], &shown[0]["v"], &shown[0]["t"]),
        (&json!("senml-attic/"), &json!(40.0), &json!(1_699_999_940.0))
    );
}

#[test]
fn the_newest_value_has_the_form_that_is_asked_for() {
    let client = Client::new(server().coap());
    server().write("main", "coap_room,device=forms temperature=21.5,on=true 1700000000000000000");
    let shown_as = |path: &str, accept: Option<u16>| {
        let mut message = request(Code::GET, &with_token(path));
        if let Some(accept) = accept {
            message.options.set_uint(option::ACCEPT, u64::from(accept));
        }
        client.ask(message)
    };
    let plain = shown_as("/devices/forms/temperature", None);
    assert_eq!((text(&plain), plain.options.uint(option::CONTENT_FORMAT)), ("21.5", Some(0)));
    assert_eq!(text(&shown_as("/devices/forms/on", None)), "true");
    let shown: Value = serde_json::from_slice(&shown_as("/devices/forms/temperature", Some(50)).payload).unwrap();
    let expected = json!({"table": "coap_room", "field": "temperature", "value": 21.5, "time": "2023-11-14T22:13:20Z"});
    assert_eq!(shown, expected);
    let all: Value = serde_json::from_slice(&shown_as("/coap_room?device=forms", None).payload).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(text(&shown_as("/coap_room?device=forms&field=temperature", None)), "21.5");
    for (path, accept, code) in [
        ("/devices/forms/temperature", Some(60), Code::NOT_ACCEPTABLE),
        ("/coap_room?device=forms", Some(0), Code::NOT_ACCEPTABLE),
        ("/devices/forms/pressure", None, Code::NOT_FOUND),
        ("/devices/nobody/temperature", None, Code::NOT_FOUND),
        ("/coap_room", None, Code::BAD_REQUEST),
        ("/a/b/c/d", None, Code::NOT_FOUND),
    ] {
        assert_eq!(shown_as(path, accept).code, code, "{path}");
    }
}

#[test]
fn a_device_writes_as_itself_and_is_told_its_desired_state() {
    let server = server();
    let client = Client::new(server.coap());
    let (id, token) = device(server, "coap-pump");
    let path = |path: &str| format!("{path}?token={token}");
    let answer = client.ask(stores(&path("/readings"), Some(format::JSON), r#"{"flow": 3.5}"#));
    assert_eq!(answer.code, Code::CHANGED, "{}", text(&answer));
    assert_eq!(
        server.query("SELECT device, flow FROM readings WHERE flow IS NOT NULL"),
        [[json!("coap-pump"), json!(3.5)]]
    );
    // It reads nothing, and is told nothing of others.
    assert_eq!(client.ask(request(Code::GET, &path("/devices/coap-pump/flow"))).code, Code::FORBIDDEN);
    assert_eq!(client.ask(request(Code::GET, &path("/devices/coap-other/desired"))).code, Code::FORBIDDEN);
    assert_eq!(client.ask(request(Code::GET, &with_token("/devices/coap-pump/desired"))).code, Code::FORBIDDEN);
    let set = json!({"version": 0, "state": {"on": true}});
    ask(local(server, reqwest::Method::PUT, &format!("/api/v1/devices/{id}/state/desired")).json(&set));
    let told = client.ask(request(Code::GET, &path("/devices/coap-pump/desired")));
    let state: Value = serde_json::from_slice(&told.payload).unwrap();
    assert_eq!(state, json!({"version": 1, "state": {"on": true}}));
    let mut again = request(Code::GET, &path("/devices/coap-pump/desired"));
    again.options.set(option::ETAG, told.options.get(option::ETAG).unwrap().clone());
    assert_eq!(client.ask(again).code, Code::VALID);
    let mut report = stores(&path("/devices/coap-pump/reported"), Some(format::JSON), r#"{"on": true}"#);
    report.code = Code::PUT;
    assert_eq!(client.ask(report).code, Code::CHANGED);
    let shown = server.get(&format!("/api/v1/devices/{id}/state"));
    assert_eq!(shown["reported"]["state"], json!({"on": true}));
}

#[test]
fn what_a_key_for_devices_brings_of_a_device_that_is_not_known_waits() {
    let server = server();
    let client = Client::new(server.coap());
    let new = json!({"name": "coap key", "can_read": false, "can_write": true, "for_devices": true});
    let key = post(server, "/api/v1/tokens", &new)["secret"].as_str().unwrap().to_owned();
    let path = format!("/readings?table=coap_inbox&device=coap-unknown&token={key}");
    assert_eq!(client.ask(stores(&path, None, "21.5")).code, Code::CHANGED);
    let waiting = server.get("/api/v1/inbox");
    assert!(waiting.to_string().contains("coap-unknown"), "{waiting}");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'coap_inbox'";
    assert_eq!(server.query(tables), [[json!(0)]]);
    let nameless = client.ask(stores(&format!("/readings?token={key}"), None, "1"));
    assert_eq!(nameless.code, Code::BAD_REQUEST, "{}", text(&nameless));
}

#[test]
fn what_depends_on_a_version_is_not_stored() {
    let client = Client::new(server().coap());
    let path = with_token("/readings?table=coap_conditional");
    for (number, value) in [(option::IF_NONE_MATCH, ""), (option::IF_MATCH, "v1")] {
        let mut message = stores(&path, None, "1");
        message.options.add(number, value);
        assert_eq!(client.ask(message).code, Code::PRECONDITION_FAILED);
    }
    let mut exists = stores(&path, None, "2");
    exists.options.add(option::IF_MATCH, "");
    assert_eq!(client.ask(exists).code, Code::CHANGED);
    assert_eq!(server().query("SELECT value FROM coap_conditional"), [[json!(2.0)]]);
}

#[test]
fn two_organisations_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let server = Start::at(&data_dir).quiet().start();
    server.write("main", "room,device=attic temperature=21.5");
    assert!(server.stop().success());
    let token = token_of_another_organisation(&data_dir);
    let server = Start::at(&data_dir).quiet().coap().set("coap.tokens_in_plain", true).start();
    let client = Client::new(server.coap());
    assert_eq!(text(&client.ask(request(Code::GET, &with_token("/devices/attic/temperature")))), "21.5");
    for path in ["/devices/attic/temperature", "/room?device=attic"] {
        let mut theirs =
            request(Code::GET, &format!("{path}{}token={token}", if path.contains('?') { '&' } else { '?' }));
        assert_eq!(client.ask(theirs.clone()).code, Code::NOT_FOUND);
        theirs.options.set_uint(option::OBSERVE, 0);
        assert_eq!(client.ask(theirs).code, Code::NOT_FOUND);
    }
    let written =
        client.ask(stores(&format!("/readings?token={token}&table=room&device=attic&field=temperature"), None, "1"));
    assert_eq!(written.code, Code::NOT_FOUND, "their database of this name is not there: {}", text(&written));
    assert_eq!(server.query("SELECT count(*) FROM room"), [[json!(1)]]);
}

#[test]
fn a_route_lets_in_whom_it_names() {
    let routes = json!([
        {"path": "/d/{field}", "methods": ["POST", "GET"], "database": "main", "table": "by_devices", "field": "{field}"},
        {"path": "/t/{field}", "database": "main", "table": "by_token", "field": "{field}", "allow": "greenhouse", "reply_code": "2.01"},
    ]);
    let server = with_tokens().set("coap.route", &routes).start();
    let client = Client::new(server.coap());
    let (_, own) = device(&server, "routed");
    let token = |name: &str| {
        let made = post(&server, "/api/v1/tokens", &json!({"name": name, "can_read": true, "can_write": true}));
        made["secret"].as_str().unwrap().to_owned()
    };
    let (greenhouse, other) = (token("greenhouse"), token("other"));
    let code = |path: &str, token: Option<&str>| {
        let query = token.map(|token| format!("?token={token}")).unwrap_or_default();
        client.ask(stores(&format!("{path}{query}"), None, "1")).code
    };
    assert_eq!(code("/d/a", None), Code::UNAUTHORIZED);
    assert_eq!(code("/d/a", Some(&other)), Code::FORBIDDEN);
    assert_eq!(code("/d/a", Some(&own)), Code::CHANGED);
    assert_eq!(code("/t/a", Some(&own)), Code::FORBIDDEN);
    assert_eq!(code("/t/a", Some(&other)), Code::FORBIDDEN);
    assert_eq!(code("/t/a", Some(&greenhouse)), Code::CREATED);
    assert_eq!(code("/t/a", Some("wrong")), Code::UNAUTHORIZED);
    assert_eq!(
        text(&client.ask(request(Code::GET, &format!("/d/a?token={own}")))),
        "1",
        "what a route shows to devices"
    );
    assert_eq!(server.query("SELECT device, a FROM by_devices"), [[json!("routed"), json!(1.0)]]);
}

#[test]
fn what_there_is_can_be_asked_for() {
    let client = Client::new(server().coap());
    let answer = client.ask(request(Code::GET, "/.well-known/core"));
    assert_eq!(answer.options.uint(option::CONTENT_FORMAT), Some(40));
    assert!(text(&answer).contains("</readings>"), "{}", text(&answer));
    let none = client.ask(request(Code::GET, "/.well-known/core?rt=nothing"));
    assert_eq!((none.code, text(&none)), (Code::CONTENT, ""));
}

#[test]
fn what_happens_is_counted() {
    let client = Client::new(server().coap());
    client.ask(request(Code::GET, "/.well-known/core"));
    let metrics = wait_for("metrics of CoAP", || {
        let request = server().request(reqwest::Method::GET, "/metrics");
        let text = crate::support::block_on(async { request.send().await.unwrap().text().await.unwrap() });
        text.contains("sensorium_coap_events_total").then_some(text)
    });
    assert!(metrics.contains("sensorium_coap_requests_total{method=\"GET\"}"), "{metrics}");
    assert!(metrics.contains("sensorium_coap_responses_total{code=\"2.05\"}"), "{metrics}");
}
