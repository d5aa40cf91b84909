//! Types of devices that people submit: new ones and changes, discussed, decided about, and made or changed when accepted.

use axum::http::Method;
use serde_json::{Value, json};

use super::{People, SUBMISSIONS, failure, id};

const TYPES: &str = "/api/v1/device-types";

fn definition(name: &str) -> Value {
    json!({
        "name": name, "description": "Reads a capacitive probe.", "table": "soil", "decoder": "auto",
        "fields": [{"name": "moisture", "display_name": "Moisture", "unit": "%", "min": 0.0, "max": 100.0}],
    })
}

fn new_type(name: &str) -> Value {
    json!({"type": {"definition": definition(name)}})
}

impl People {
    async fn made(&self, name: &str) -> Value {
        let made = self.server.post(TYPES).cookie(&self.owner).json(&definition(name)).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()
    }

    /// A submitted change of a type: another name and another table.
    async fn change(&self, by: &str, of: &Value, name: &str) -> String {
        let mut definition = definition(name);
        definition["table"] = json!("probes");
        let what = json!({"type": {"id": of["id"], "version": of["version"], "definition": definition}});
        id(&self.submit(by, &what).await)
    }

    async fn types(&self, by: &str) -> Value {
        self.get(by, TYPES).await.json()["types"].clone()
    }
}

fn accept() -> Value {
    json!({"decision": "accept"})
}

#[tokio::test]
async fn a_type_is_submitted_discussed_returned_improved_and_made() {
    let people = People::new().await;
    let first = people.submit(&people.editor, &new_type(" Soil probe ")).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let submitted = first.json();
    assert_eq!((&submitted["kind"], &submitted["title"]), (&json!("type"), &json!("Soil probe")));
    let first = id(&first);
    let whole = people.get(&people.owner, &format!("{SUBMISSIONS}/{first}")).await.json();
    assert_eq!((&whole["changes"], &whole["base_version"]), (&Value::Null, &Value::Null));
    assert_eq!(whole["definition"], json!({"type": definition("Soil probe")}));
    let said = people.post(&people.owner, &first, "comments", json!({"text": "Which <b>probe</b>?"})).await;
    assert_eq!((said.status.as_u16(), &said.json()["text"]), (201, &json!("Which <b>probe</b>?")));
    let unsaid = people.post(&people.owner, &first, "review", json!({"decision": "return"})).await;
    assert_eq!(unsaid.failure(), failure(400, "invalid"));
    let back = people.post(&people.owner, &first, "review", json!({"decision": "return", "reason": "Name it"})).await;
    assert_eq!((&back.json()["status"], &back.json()["reviewer"]), (&json!("returned"), &json!("ada")));
    assert_eq!(people.types(&people.owner).await, json!([]));

    // Another version of the same type, which nobody has made.
    let again = json!({"type": {"id": submitted["subject"], "definition": definition("Soil probe 2")}});
    let second = people.submit(&people.editor, &again).await;
    assert_eq!((&second.json()["subject"], &second.json()["version"]), (&submitted["subject"], &json!(2)));
    let accepted = people.post(&people.owner, &id(&second), "review", accept()).await;
    assert_eq!(accepted.json()["status"], "accepted", "{}", accepted.text());
    let made = people.types(&people.viewer).await[0].clone();
    assert_eq!((&made["id"], &made["version"]), (&submitted["subject"], &json!(1)));
    assert_eq!((&made["name"], &made["fields"]), (&json!("Soil probe 2"), &definition("")["fields"]));
    // It is changed in the registry now; the submission stays as it was accepted.
    let gone = people.server.delete(&format!("{SUBMISSIONS}/{}", id(&second))).cookie(&people.owner).send().await;
    assert_eq!(gone.failure(), failure(409, "conflict"));

    let record = people.get(&people.owner, "/api/v1/audit?target=device_type").await.text();
    for word in ["submitted", "commented", "returned", "accepted", "created", "edith", "Name it"] {
        assert!(record.contains(word), "{word}: {record}");
    }
}

#[tokio::test]
async fn a_change_is_shown_as_a_difference_and_carried_out() {
    let people = People::new().await;
    let of = people.made("Soil probe").await;
    let change = people.change(&people.editor, &of, "Soil probe").await;
    let whole = people.get(&people.owner, &format!("{SUBMISSIONS}/{change}")).await.json();
    assert_eq!(
        whole["changes"],
        "--- old/type\n+++ new/type\n@@ -1,5 +1,5 @@\n name: Soil probe\n-table: soil\n+table: probes\n decoder: auto\n \
         description: Reads a capacitive probe.\n field moisture: \"Moisture\", unit %, min 0, max 100\n"
    );
    assert_eq!((&whole["base_version"], &whole["subject"]), (&json!(1), &of["id"]));
    let accepted = people.post(&people.owner, &change, "review", accept()).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    let now = people.types(&people.viewer).await[0].clone();
    assert_eq!((&now["table"], &now["version"], &now["id"]), (&json!("probes"), &json!(2), &of["id"]));
    // What it changed stays to be read.
    let whole = people.get(&people.owner, &format!("{SUBMISSIONS}/{change}")).await.json();
    assert!(whole["changes"].as_str().unwrap().contains("-table: soil"), "{whole}");
    let record = people.get(&people.owner, "/api/v1/audit?target=device_type&action=changed").await.text();
    assert!(record.contains("probes"), "{record}");
}

#[tokio::test]
async fn a_change_of_what_was_changed_or_deleted_meanwhile_is_not_carried_out() {
    let people = People::new().await;
    let of = people.made("Soil probe").await;
    let path = format!("{TYPES}/{}", of["id"].as_str().unwrap());
    let waiting = people.change(&people.editor, &of, "Soil probe").await;
    let changed = people.server.call(Method::PATCH, &path).cookie(&people.editor);
    let changed = changed.json(&json!({"version": 1, "description": "Other"})).send().await.json();
    let late = people.post(&people.owner, &waiting, "review", accept()).await;
    assert_eq!(late.failure(), failure(409, "conflict"));
    assert!(late.text().contains("Soil probe") && late.json()["current"] == changed, "{}", late.text());
    let whole = people.get(&people.owner, &format!("{SUBMISSIONS}/{waiting}")).await.json();
    assert_eq!(whole["status"], "waiting", "nothing of it was done");
    assert_eq!(people.types(&people.owner).await, json!([changed]));
    // One for a version that is gone is not taken in the first place.
    let old = json!({"type": {"id": of["id"], "version": 1, "definition": definition("x")}});
    assert_eq!(people.submit(&people.editor, &old).await.json()["current"], changed);
    let unversioned = json!({"type": {"id": of["id"], "definition": definition("x")}});
    assert_eq!(people.submit(&people.editor, &unversioned).await.failure(), failure(409, "conflict"));

    let waiting = people.change(&people.editor, &changed, "Soil probe").await;
    let deleted = people.server.delete(&format!("{path}?version=2")).cookie(&people.editor).send().await;
    assert_eq!(deleted.status, 204);
    let late = people.post(&people.owner, &waiting, "review", accept()).await;
    assert_eq!(late.failure(), failure(409, "conflict"));
    assert!(late.text().contains("Soil probe") && late.text().contains("deleted"), "{}", late.text());
    let nowhere = json!({"type": {"id": "0190163d-8694-739b-aea5-966c26f8ad91", "definition": definition("x")}});
    assert_eq!(people.submit(&people.editor, &nowhere).await.failure(), failure(404, "missing"));
    let of_nothing = json!({"type": {"version": 1, "definition": definition("x")}});
    assert_eq!(people.submit(&people.editor, &of_nothing).await.failure(), failure(404, "missing"));
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_and_a_type_that_was_made_are_conflicts() {
    let people = People::new().await;
    let waiting = id(&people.submit(&people.editor, &new_type("Soil probe")).await);
    people.made("SOIL PROBE").await;
    let late = people.post(&people.owner, &waiting, "review", accept()).await;
    assert_eq!(late.failure(), failure(409, "conflict"));
    assert!(late.text().contains("SOIL PROBE"), "{}", late.text());
    assert_eq!(people.submit(&people.editor, &new_type("soil probe")).await.failure(), failure(409, "conflict"));

    let first = people.submit(&people.editor, &new_type("Lamp")).await.json();
    let again = json!({"type": {"id": first["subject"], "definition": definition("Lamp 2")}});
    let second = people.submit(&people.owner, &again).await;
    assert_eq!(second.json()["version"], 2, "{}", second.text());
    assert_eq!(people.post(&people.owner, &id(&second), "review", accept()).await.status, 200);
    let late = people.post(&people.owner, first["id"].as_str().unwrap(), "review", accept()).await;
    assert_eq!(late.failure(), failure(409, "conflict"));
    assert_eq!(late.json()["current"]["name"], "Lamp 2", "{}", late.text());
}

#[tokio::test]
async fn only_the_organisation_sees_it_and_only_administrators_decide() {
    let people = People::new().await;
    let of = people.made("Soil probe").await;
    let waiting = people.change(&people.editor, &of, "Soil probe 2").await;
    let path = format!("{SUBMISSIONS}/{waiting}");
    for who in [&people.viewer, &people.stranger] {
        let refused = people.get(who, &path).await.status;
        assert!([403, 404].contains(&refused.as_u16()), "{refused}");
    }
    assert_eq!(people.submit(&people.viewer, &new_type("x")).await.failure(), failure(403, "denied"));
    assert_eq!(people.get(&people.stranger, SUBMISSIONS).await.json()["submissions"], json!([]));
    assert_eq!(people.post(&people.editor, &waiting, "review", accept()).await.failure(), failure(403, "denied"));
    assert_eq!(people.post(&people.stranger, &waiting, "review", accept()).await.failure(), failure(404, "missing"));
    let said = people.post(&people.stranger, &waiting, "comments", json!({"text": "x"})).await;
    assert_eq!(said.failure(), failure(404, "missing"));
    // Neither a type nor a submission of another organisation is something to change.
    let new = people.submit(&people.editor, &new_type("Lamp")).await.json();
    for id in [&of["id"], &new["subject"]] {
        let theirs = json!({"type": {"id": id, "definition": definition("Mine")}});
        assert_eq!(people.submit(&people.stranger, &theirs).await.failure(), failure(404, "missing"));
    }
    let withdraw = |by: &str| people.server.delete(&path).cookie(by).send();
    assert_eq!(withdraw(&people.stranger).await.failure(), failure(404, "missing"));
    assert_eq!(withdraw(&people.editor).await.json()["status"], "withdrawn");
    assert_eq!(people.post(&people.owner, &waiting, "review", accept()).await.failure(), failure(409, "conflict"));
    assert_eq!(people.types(&people.owner).await[0]["name"], "Soil probe");
}

#[tokio::test]
async fn kinds_are_told_apart_and_what_cannot_be_used_is_refused() {
    let people = People::new().await;
    let of = id(&people.submit(&people.editor, &new_type("Soil probe")).await);
    let template = json!({"template": {
        "id": "soil-probe", "title": "Soil probe", "hardware": "Any", "language": "text", "description": "Nothing.",
        "files": [{"name": "note.txt", "body": "text"}],
    }});
    people.submit(&people.editor, &template).await;
    for (query, kinds) in
        [("", vec!["template", "type"]), ("?kind=type", vec!["type"]), ("?kind=template", vec!["template"])]
    {
        let listed = people.get(&people.editor, &format!("{SUBMISSIONS}{query}")).await.json();
        let found: Vec<_> = listed["submissions"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert_eq!(found, kinds, "{query}");
    }
    // A type is nothing to make code of.
    assert_eq!(people.post(&people.owner, &of, "render", json!({})).await.failure(), failure(400, "invalid"));
    for wrong in [
        json!({}),
        json!({"type": definition("x")}),
        json!({"sensor": {"definition": definition("x")}}),
        json!({"type": {"definition": {"name": "", "table": "t"}}}),
        json!({"type": {"definition": {"name": "x", "table": "t", "fields": [{"name": "time"}]}}}),
    ] {
        assert_eq!(people.submit(&people.editor, &wrong).await.failure(), failure(400, "invalid"), "{wrong}");
    }
}
