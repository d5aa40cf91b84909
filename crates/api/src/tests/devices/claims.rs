//! Claim links over HTTP.

use serde_json::{Value, json};

use super::{device, path, start};
use crate::tests::server::{HOME, failure};

#[tokio::test]
async fn a_device_is_claimed_without_an_account_and_then_writes() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let path = format!("{}/claim", path("devices", &attic));
    assert_eq!(server.get(&path).cookie(&ada).send().await.failure(), failure(404, "missing"));
    let link = server.post(&path).cookie(&ada).json(&json!({"database": "main"})).send().await;
    assert_eq!(link.status, 201, "{}", link.text());
    let code = link.json()["code"].clone();
    let out = server.get(&path).cookie(&ada).send().await;
    assert_eq!((&out.json()["database"], out.text().contains(code.as_str().unwrap())), (&json!("main"), false));

    let body = json!({"code": code});
    let foreign = server.post("/api/v1/claims").origin("http://elsewhere").json(&body).send().await;
    assert_eq!(foreign.status, 403, "a page of another site");
    let claimed = server.post("/api/v1/claims").origin(HOME).json(&body).send().await;
    assert_eq!(claimed.status, 201, "{}", claimed.text());
    let claimed = claimed.json();
    assert_eq!(
        (&claimed["device"], &claimed["table"], &claimed["database"]),
        (&json!("attic"), &Value::Null, &json!("main"))
    );
    let written =
        server.post("/write?db=main").token(claimed["token"].as_str().unwrap()).body("climate t=1").send().await;
    assert_eq!(written.status, 204, "{}", written.text());
    let again = server.post("/api/v1/claims").origin(HOME).json(&body).send().await;
    assert_eq!(again.failure(), failure(401, "unauthenticated"));
    for wrong in [json!({}), json!({"code": 7}), json!({"code": "x", "more": 1})] {
        let refused = server.post("/api/v1/claims").origin(HOME).json(&wrong).send().await;
        assert_eq!(refused.failure(), failure(400, "invalid"), "{wrong}");
    }
    let bad = server.post(&path).cookie(&ada).json(&json!({"database": "no/such"})).send().await;
    assert_eq!(bad.failure(), failure(400, "invalid"));
}
