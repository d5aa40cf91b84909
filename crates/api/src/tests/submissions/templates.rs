//! Templates that people write: submitted, discussed, decided about, and made code of.

use axum::http::Method;
use serde_json::{Value, json};

use super::{People, SUBMISSIONS, failure, id};

fn template(id: &str, body: &str) -> Value {
    json!({"template": {
        "id": id, "title": "Soil probe", "hardware": "ESP32-C3", "language": "micropython",
        "description": "Reads a capacitive probe.",
        "variables": [
            {"name": "device", "label": "Name", "kind": {"type": "text", "max_characters": 40}, "required": true},
            {"name": "pin", "label": "Pin", "kind": {"type": "integer", "min": 0, "max": 21}, "default": 3},
        ],
        "files": [{"name": "main.py", "body": body}],
    }})
}

const BODY: &str = "DEVICE = {{ device | py_string }}\nPIN = {{ pin }}\n";

#[tokio::test]
async fn a_template_is_submitted_discussed_returned_improved_and_accepted() {
    let people = People::new().await;
    let first = people.submit(&people.editor, &template("soil-probe", BODY)).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let first = id(&first);
    assert_eq!(people.get(&people.viewer, "/api/v1/templates/soil-probe").await.failure(), failure(404, "missing"));

    let said = people.post(&people.owner, &first, "comments", json!({"text": "Which <b>probe</b>?"})).await;
    assert_eq!((said.status.as_u16(), &said.json()["author"]), (201, &json!("ada")));
    let unsaid = people.post(&people.owner, &first, "review", json!({"decision": "return", "reason": " "})).await;
    assert_eq!(unsaid.failure(), failure(400, "invalid"));
    let back = people.post(&people.owner, &first, "review", json!({"decision": "return", "reason": "Name it"})).await;
    assert_eq!((&back.json()["status"], &back.json()["reviewer"]), (&json!("returned"), &json!("ada")));
    let twice = people.post(&people.owner, &first, "review", json!({"decision": "accept"})).await;
    assert_eq!(twice.failure(), failure(409, "conflict"));

    let second = id(&people.submit(&people.editor, &template("soil-probe", BODY)).await);
    let accepted = people.post(&people.owner, &second, "review", json!({"decision": "accept"})).await;
    assert_eq!((&accepted.json()["status"], &accepted.json()["version"]), (&json!("accepted"), &json!(2)));
    let seen = people.get(&people.viewer, "/api/v1/templates/soil-probe").await.json();
    assert_eq!((&seen["version"], &seen["shipped"]), (&json!(2), &json!(false)));
    let listed = people.get(&people.viewer, "/api/v1/templates").await.text();
    assert!(listed.contains("soil-probe") && listed.contains("shell-curl"), "{listed}");

    let changed = BODY.replace("PIN", "PROBE");
    let third = id(&people.submit(&people.editor, &template("soil-probe", &changed)).await);
    let whole = people.get(&people.owner, &format!("{SUBMISSIONS}/{third}")).await.json();
    let changes = whole["changes"].as_str().unwrap();
    assert!(changes.contains("-PIN = {{ pin }}") && changes.contains("+PROBE = {{ pin }}"), "{changes}");
    assert_eq!(whole["own"], false);
    // Until it is accepted, code is made of the version before.
    let render = |path: String, by: String| {
        let body = json!({"variables": {"device": "it's \"one\""}});
        let server = &people.server;
        async move { server.post(&path).cookie(&by).json(&body).send().await }
    };
    let made = render("/api/v1/templates/soil-probe/render".to_owned(), people.viewer.clone()).await.json();
    assert_eq!(made["files"][0]["text"], "DEVICE = \"it's \\\"one\\\"\"\nPIN = 3\n");
    let tried = render(format!("{SUBMISSIONS}/{third}/render"), people.owner.clone()).await.json();
    assert!(tried["files"][0]["text"].as_str().unwrap().contains("PROBE = 3"), "{tried}");

    let record = people.get(&people.owner, "/api/v1/audit?target=template").await.text();
    for word in ["submitted", "commented", "returned", "accepted", "edith", "Name it"] {
        assert!(record.contains(word), "{word}: {record}");
    }
}

#[tokio::test]
async fn only_the_organisation_sees_it_and_only_administrators_decide() {
    let people = People::new().await;
    let waiting = id(&people.submit(&people.editor, &template("soil-probe", BODY)).await);
    let path = format!("{SUBMISSIONS}/{waiting}");
    for who in [&people.viewer, &people.stranger] {
        let refused = people.get(who, &path).await.status;
        assert!([403, 404].contains(&refused.as_u16()), "{refused}");
    }
    assert_eq!(people.get(&people.stranger, SUBMISSIONS).await.json()["submissions"], json!([]));
    let accept = json!({"decision": "accept"});
    assert_eq!(people.post(&people.editor, &waiting, "review", accept.clone()).await.failure(), failure(403, "denied"));
    let elsewhere = people.post(&people.stranger, &waiting, "review", accept.clone()).await;
    assert_eq!(elsewhere.failure(), failure(404, "missing"));
    let said = people.post(&people.stranger, &waiting, "comments", json!({"text": "x"})).await;
    assert_eq!(said.failure(), failure(404, "missing"));
    let withdraw = |by: &str| people.server.call(Method::DELETE, &path).cookie(by).send();
    assert_eq!(withdraw(&people.stranger).await.failure(), failure(404, "missing"));

    people.post(&people.owner, &waiting, "review", accept.clone()).await;
    assert_eq!(people.get(&people.stranger, "/api/v1/templates/soil-probe").await.failure(), failure(404, "missing"));
    // The same id elsewhere is another template.
    assert_eq!(people.submit(&people.stranger, &template("soil-probe", BODY)).await.json()["version"], 1);
    // What is accepted, its author does not take away from the others.
    assert_eq!(withdraw(&people.editor).await.failure(), failure(409, "conflict"));
    assert_eq!(withdraw(&people.owner).await.json()["status"], "withdrawn");
    assert_eq!(people.get(&people.viewer, "/api/v1/templates/soil-probe").await.failure(), failure(404, "missing"));
    let of_owner = id(&people.submit(&people.owner, &template("other", BODY)).await);
    let not_theirs = people.server.delete(&format!("{SUBMISSIONS}/{of_owner}")).cookie(&people.editor).send().await;
    assert_eq!(not_theirs.failure(), failure(403, "denied"));
}

#[tokio::test]
async fn a_template_that_cannot_be_used_is_refused_with_all_that_is_wrong() {
    let people = People::new().await;
    let body = "{% include \"/etc/passwd\" %}{{ device }}\n{% for x in range(999999999) %}{% endfor %}";
    let refused = people.submit(&people.editor, &template("soil-probe", body)).await;
    assert_eq!(refused.failure(), failure(400, "invalid"));
    let problems = refused.json()["template_problems"].clone();
    assert!(!problems.as_array().unwrap().is_empty() && problems[0]["place"] == "file \"main.py\"", "{problems}");
    let shipped = people.submit(&people.editor, &template("shell-curl", BODY)).await;
    assert_eq!(shipped.failure(), failure(409, "conflict"));
    let mut huge = template("huge", BODY);
    huge["template"]["files"] =
        json!((0..10).map(|n| json!({"name": format!("f{n}.txt"), "body": "x".repeat(60_000)})).collect::<Vec<_>>());
    huge["template"]["variables"] = json!([]);
    let refused = people.submit(&people.editor, &huge).await;
    assert!(refused.text().contains("MAX_BYTES"), "{}", refused.text());
    for bad in ["<script>", "../x", "", "Ä"] {
        let refused = people.submit(&people.editor, &template(bad, BODY)).await;
        assert_eq!(refused.failure(), failure(400, "invalid"), "{bad}");
    }
    let waiting = id(&people.submit(&people.editor, &template("soil-probe", BODY)).await);
    for text in ["", "\u{7}", &"x".repeat(2_001)] {
        let said = people.post(&people.editor, &waiting, "comments", json!({ "text": text })).await;
        assert_eq!(said.failure(), failure(400, "invalid"), "{text:?}");
    }
    let network = json!({"network": "0198c1f2-5f3e-7c4b-9a51-0f6a1c2b3d4e", "variables": {}});
    assert_eq!(people.post(&people.owner, &waiting, "render", network).await.failure(), failure(400, "invalid"));
}

#[tokio::test]
async fn one_version_of_a_person_waits_and_no_more_than_a_few_templates() {
    let people = People::new().await;
    let old = id(&people.submit(&people.editor, &template("soil-probe", BODY)).await);
    people.submit(&people.editor, &template("soil-probe", BODY)).await;
    let old = people.get(&people.editor, &format!("{SUBMISSIONS}/{old}")).await.json();
    assert_eq!(old["status"], "withdrawn");
    people.submit(&people.owner, &template("soil-probe", BODY)).await;
    let waiting = people.get(&people.editor, &format!("{SUBMISSIONS}?status=waiting")).await.json();
    assert_eq!(waiting["submissions"].as_array().unwrap().len(), 2, "another person's version waits as well");
    for number in 1..20 {
        assert_eq!(people.submit(&people.editor, &template(&format!("t{number}"), BODY)).await.status, 201);
    }
    let refused = people.submit(&people.editor, &template("one-more", BODY)).await;
    assert!(refused.text().contains("MAX_WAITING"), "{}", refused.text());
}
