//! Pre-shared keys and client certificates of devices over HTTP.

use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};

use super::{device, failure, path, start};

const KEY: &str = "6f9a1c03d27be845906e1fb3c8a7d254";

/// A certificate that is good for long.
fn certificate() -> String {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "attic");
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

#[tokio::test]
async fn a_key_is_shown_once_listed_without_it_and_revoked() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let credentials = format!("{}/credentials", path("devices", &attic));
    let body = json!({"kind": "psk", "label": "first", "identity": "attic-1", "key": KEY, "expires_at": "2100-01-01T00:00:00Z"});
    let made = server.post(&credentials).cookie(&ada).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["key"], &made["credential"]["identity"]), (&json!(KEY), &json!("attic-1")));
    assert_eq!(
        (&made["credential"]["kind"], &made["credential"]["expires_at"], &made["credential"]["created_by"]),
        (&json!("psk"), &json!("2100-01-01T00:00:00.000Z"), &json!("ada"))
    );
    let listed = server.get(&credentials).cookie(&ada).send().await;
    assert!(!listed.text().contains(KEY));
    assert_eq!(listed.json(), json!({"credentials": [made["credential"]]}));

    let random = server.post(&credentials).cookie(&ada).json(&json!({"kind": "psk", "label": "x"})).send().await.json();
    assert_eq!(random["key"].as_str().unwrap().len(), 64);
    assert!(random["credential"]["identity"].as_str().unwrap().starts_with("sen-"));
    let taken = server.post(&credentials).cookie(&ada).json(&body).send().await;
    assert_eq!(taken.failure(), failure(409, "conflict"));
    for wrong in [
        json!({"label": "x"}),
        json!({"kind": "tpm", "label": "x"}),
        json!({"kind": "psk"}),
        json!({"kind": "psk", "label": ""}),
        json!({"kind": "psk", "label": "x", "key": "00".repeat(16)}),
        json!({"kind": "psk", "label": "x", "identity": "a b"}),
        json!({"kind": "psk", "label": "x", "certificate": "x"}),
        json!({"kind": "psk", "label": "x", "expires_at": "2001-01-01T00:00:00Z"}),
    ] {
        let reply = server.post(&credentials).cookie(&ada).json(&wrong).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{wrong}");
    }
    let one = format!("{credentials}/{}", made["credential"]["id"].as_str().unwrap());
    assert_eq!(server.delete(&one).cookie(&ada).send().await.status, 204);
    assert_eq!(server.delete(&one).cookie(&ada).send().await.failure(), failure(404, "missing"));
    assert!(server.state.metadata.device_by_psk("attic-1").await.unwrap().is_none());
}

#[tokio::test]
async fn a_certificate_is_uploaded_as_a_text_and_kept_by_its_fingerprint() {
    let (server, ada) = start().await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let credentials = format!("{}/credentials", path("devices", &attic));
    let body = |pem: &str| json!({"kind": "x509", "label": "factory", "certificate": pem});
    let pem = certificate();
    let made = server.post(&credentials).cookie(&ada).json(&body(&pem)).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["key"], &made["credential"]["kind"]), (&Value::Null, &json!("x509")));
    assert!(made["credential"]["subject"].as_str().unwrap().ends_with("CN=attic"));
    assert_eq!(made["credential"]["not_after"], "2100-01-01T00:00:00.000Z");
    assert_eq!(made["credential"]["identity"].as_str().unwrap().len(), 64);
    for wrong in ["", "attic", &format!("{pem}{pem}")] {
        let reply = server.post(&credentials).cookie(&ada).json(&body(wrong)).send().await;
        assert_eq!(reply.failure(), failure(400, "invalid"), "{wrong}");
    }
    assert_eq!(
        server.post(&credentials).cookie(&ada).json(&body(&pem)).send().await.failure(),
        failure(409, "conflict")
    );
    for _ in 0..3 {
        assert_eq!(server.post(&credentials).cookie(&ada).json(&body(&certificate())).send().await.status, 201);
    }
    let fifth = server.post(&credentials).cookie(&ada).json(&body(&certificate())).send().await;
    assert!(fifth.status == 409 && fifth.text().contains("MAX_DEVICE_CREDENTIALS"), "{}", fifth.text());
}

#[tokio::test]
async fn another_organisation_finds_none() {
    let (server, ada) = start().await;
    server.stranger().await;
    let eve = server.cookie("eve").await;
    let attic = device(&server, &ada, json!({"name": "attic"})).await;
    let credentials = format!("{}/credentials", path("devices", &attic));
    let body = json!({"kind": "psk", "label": "x"});
    let made = server.post(&credentials).cookie(&ada).json(&body).send().await.json();
    let one = format!("{credentials}/{}", made["credential"]["id"].as_str().unwrap());
    assert_eq!(server.get(&credentials).cookie(&eve).send().await.failure(), failure(404, "missing"));
    assert_eq!(server.post(&credentials).cookie(&eve).json(&body).send().await.failure(), failure(404, "missing"));
    assert_eq!(server.delete(&one).cookie(&eve).send().await.failure(), failure(404, "missing"));
    let listed = server.get(&credentials).cookie(&ada).send().await.json();
    assert_eq!(listed["credentials"].as_array().unwrap().len(), 1);
}
