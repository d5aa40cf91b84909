//! Pre-shared keys and client certificates of devices.

use sea_orm::{ConnectionTrait, Database};
use sensorium_metadata::{
    CertificateFingerprint, CredentialKind, DeviceChange, FILE, NewCredential, NewPerson, PersonChange, PersonStatus,
    Proof,
};
use sensorium_model::{Action, DatabaseName, DeviceId, ErrorKind, Principal, Role};
use serde_json::json;

use crate::fixture::{Fixture, START_MS, kind, sentence};
use crate::postgres::url_of;

const KEY: &str = "6f9a1c03d27be845906e1fb3c8a7d254";

fn key(identity: Option<&str>, key: Option<&str>) -> NewCredential {
    let (identity, key) = (identity.map(Into::into), key.map(|key| key.to_owned().into()));
    NewCredential { label: "firmware".into(), expires_at_ms: None, proof: Proof::PreSharedKey { identity, key } }
}

fn certificate(pem: &str) -> NewCredential {
    let proof = Proof::Certificate { pem: pem.to_owned() };
    NewCredential { label: "factory".into(), expires_at_ms: None, proof }
}

/// A certificate in PEM form that is good for so long from the start, and its fingerprint.
fn made(seconds: i64) -> (String, CertificateFingerprint) {
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "attic");
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_after = epoch + std::time::Duration::from_secs(u64::try_from(START_MS / 1_000 + seconds).unwrap());
    let made = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    (made.pem(), CertificateFingerprint::of(made.der()))
}

impl Fixture {
    /// The name of the device of a key.
    async fn by_psk(&self, identity: &str) -> Option<String> {
        let found = self.metadata.device_by_psk(identity).await.unwrap();
        found.map(|(_, who)| who.device.unwrap().name.to_string())
    }

    /// The name of the device of a certificate.
    async fn by_certificate(&self, fingerprint: &CertificateFingerprint) -> Option<String> {
        let found = self.metadata.device_by_certificate(fingerprint).await.unwrap();
        found.map(|who| who.device.unwrap().name.to_string())
    }

    /// The identity of a new key of a device.
    async fn key_of(&self, device: DeviceId) -> String {
        let made = self.metadata.create_device_credential(&self.owner, device, key(None, None)).await.unwrap();
        made.0.identity
    }
}

#[tokio::test]
async fn who_has_a_key_or_a_certificate_is_the_device_as_with_a_token() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let (device, with_token) = fixture.acting("attic").await;
    let (info, secret) =
        metadata.create_device_credential(owner, device.id, key(Some("attic-1"), Some(KEY))).await.unwrap();
    assert_eq!((info.kind, info.identity.as_str()), (CredentialKind::PreSharedKey, "attic-1"));
    assert_eq!((info.created_by.as_deref(), info.last_used_at_ms), (Some("ada"), None));
    assert_eq!(secret.unwrap().to_hex().as_str(), KEY);
    let (found, by_key) = metadata.device_by_psk("attic-1").await.unwrap().unwrap();
    assert_eq!(found.to_hex().as_str(), KEY);

    let (pem, fingerprint) = made(600);
    let (info, none) = metadata.create_device_credential(owner, device.id, certificate(&pem)).await.unwrap();
    assert_eq!((info.kind, none), (CredentialKind::Certificate, None));
    assert_eq!(info.identity, fingerprint.as_str());
    assert!(info.subject.unwrap().ends_with("CN=attic"));
    assert_eq!(info.not_after_ms, Some(START_MS + 600_000));
    let by_certificate = metadata.device_by_certificate(&fingerprint).await.unwrap().unwrap();

    let main = DatabaseName::new("main").unwrap();
    for who in [by_key, by_certificate] {
        assert!(
            who.allows(Action::Write(&main)) && who.allows(Action::ActAsDevice) && !who.allows(Action::ReadDevices)
        );
        assert!(metadata.is_current(&who).await.unwrap(), "a connection that stands goes on");
        assert_eq!(Principal { subject: with_token.subject, ..who }, with_token);
    }
    let used: Vec<_> = metadata.device_credentials(owner, device.id).await.unwrap();
    assert!(used.iter().all(|info| info.last_used_at_ms == Some(START_MS)), "{used:?}");
    let log = fixture.log("device_credential").await;
    let told: Vec<_> =
        log.iter().map(|(action, name, _, after)| (action.as_str(), name.as_str(), &after["kind"])).collect();
    assert_eq!(told, [("created", "attic", &json!("x509")), ("created", "attic", &json!("psk"))]);
    assert!(!format!("{log:?}").contains(KEY));
}

#[tokio::test]
async fn a_key_is_made_sealed_and_gone_once_it_is_revoked() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let device = fixture.device("attic").await;
    let (info, secret) = metadata.create_device_credential(owner, device.id, key(None, None)).await.unwrap();
    let secret = secret.unwrap();
    assert_eq!(secret.as_bytes().len(), 32);
    assert_eq!(metadata.device_by_psk(&info.identity).await.unwrap().unwrap().0, secret);
    let folder = fixture.folder();
    let url = url_of(folder).unwrap_or_else(|| format!("sqlite://{}", folder.join(FILE).display()));
    let db = Database::connect(url).await.unwrap();
    let rows = async |condition: &str| {
        let count = format!("SELECT count(*) AS n FROM device_credential WHERE {condition}");
        let row = db.query_one_raw(sea_orm::Statement::from_string(db.get_database_backend(), count)).await.unwrap();
        row.unwrap().try_get::<i64>("", "n").unwrap()
    };
    assert_eq!(rows("secret LIKE 'v1.%'").await, 1, "sealed");
    assert_eq!(rows(&format!("secret LIKE '%{}%'", secret.to_hex().as_str())).await, 0);
    metadata.revoke_device_credential(owner, device.id, info.id).await.unwrap();
    assert_eq!((rows("secret IS NOT NULL").await, rows("revoked_at_ms IS NOT NULL").await), (0, 1));
    assert_eq!(fixture.by_psk(&info.identity).await, None);
    db.close().await.unwrap();
}

#[tokio::test]
async fn what_is_revoked_is_refused_at_once_and_frees_its_identity() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let (attic, cellar) = (fixture.device("attic").await, fixture.device("cellar").await);
    let (pem, fingerprint) = made(600);
    let (first, _) = metadata.create_device_credential(owner, attic.id, key(Some("x"), None)).await.unwrap();
    let (second, _) = metadata.create_device_credential(owner, attic.id, certificate(&pem)).await.unwrap();
    let who = metadata.device_by_certificate(&fingerprint).await.unwrap().unwrap();
    for new in [key(Some("x"), None), certificate(&pem)] {
        let twice = metadata.create_device_credential(owner, cellar.id, new.clone()).await;
        assert_eq!(kind(twice), Some(ErrorKind::Conflict), "also for another device");
    }
    let (strange, other_pem) = (&fixture.stranger, made(600).0);
    let theirs = metadata.create_device(strange, crate::fixture::new_device("attic")).await.unwrap();
    let taken = metadata.create_device_credential(strange, theirs.id, key(Some("x"), None)).await;
    assert!(!sentence(taken).contains("attic"), "says nothing about the other organisation");
    metadata.create_device_credential(strange, theirs.id, certificate(&other_pem)).await.unwrap();

    assert_eq!(kind(metadata.revoke_device_credential(owner, cellar.id, first.id).await), Some(ErrorKind::Missing));
    for id in [first.id, second.id] {
        metadata.revoke_device_credential(owner, attic.id, id).await.unwrap();
        assert_eq!(kind(metadata.revoke_device_credential(owner, attic.id, id).await), Some(ErrorKind::Missing));
    }
    assert_eq!((fixture.by_psk("x").await, fixture.by_certificate(&fingerprint).await), (None, None));
    assert!(!metadata.is_current(&who).await.unwrap());
    assert!(metadata.device_credentials(owner, attic.id).await.unwrap().is_empty());
    for new in [key(Some("x"), None), certificate(&pem)] {
        metadata.create_device_credential(owner, cellar.id, new).await.unwrap();
    }
    assert_eq!(fixture.by_psk("x").await.as_deref(), Some("cellar"));
    assert_eq!(fixture.by_certificate(&fingerprint).await.as_deref(), Some("cellar"));
    assert_eq!(fixture.log("device_credential").await.iter().filter(|entry| entry.0 == "revoked").count(), 2);
}

#[tokio::test]
async fn a_disabled_renamed_or_deleted_device_is_known_at_once() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let device = fixture.device("attic").await;
    let (pem, fingerprint) = made(600);
    let identity = fixture.key_of(device.id).await;
    metadata.create_device_credential(&fixture.owner, device.id, certificate(&pem)).await.unwrap();
    let both = async || (fixture.by_psk(&identity).await, fixture.by_certificate(&fingerprint).await);
    let named = |name: &str| (Some(name.to_owned()), Some(name.to_owned()));
    assert_eq!(both().await, named("attic"));
    let change = |enabled| DeviceChange { enabled: Some(enabled), ..DeviceChange::default() };
    let device = fixture.change(&device, change(false)).await.unwrap();
    assert_eq!(both().await, (None, None));
    let device = fixture.change(&device, change(true)).await.unwrap();
    let renamed = DeviceChange { name: Some("cellar".into()), ..DeviceChange::default() };
    let device = fixture.change(&device, renamed).await.unwrap();
    assert_eq!(both().await, named("cellar"));
    metadata.delete_device(&fixture.owner, device.id, device.version).await.unwrap();
    assert_eq!(both().await, (None, None));
    assert_eq!(fixture.log("device").await[0].3["credentials_deleted"], json!(2));
    let again = fixture.device("loft").await;
    metadata.create_device_credential(&fixture.owner, again.id, certificate(&pem)).await.unwrap();
}

#[tokio::test]
async fn what_is_too_old_is_refused_and_makes_room() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let device = fixture.device("attic").await;
    let short = |new: NewCredential| NewCredential { expires_at_ms: Some(START_MS + 1_000), ..new };
    let ((early, by_itself), (late, by_us)) = (made(1), made(600));
    metadata.create_device_credential(owner, device.id, short(key(Some("x"), None))).await.unwrap();
    metadata.create_device_credential(owner, device.id, certificate(&early)).await.unwrap();
    metadata.create_device_credential(owner, device.id, short(certificate(&late))).await.unwrap();
    let good = async || {
        [
            fixture.by_psk("x").await.is_some(),
            fixture.by_certificate(&by_itself).await.is_some(),
            fixture.by_certificate(&by_us).await.is_some(),
        ]
    };
    fixture.pass(999);
    let who = metadata.device_by_psk("x").await.unwrap().unwrap().1;
    assert_eq!(good().await, [true; 3]);
    fixture.pass(1);
    assert_eq!(good().await, [false, true, false], "a certificate is good at its last moment (RFC 5280)");
    assert!(!metadata.is_current(&who).await.unwrap());
    fixture.pass(1);
    assert_eq!(good().await, [false; 3]);
    let expired = metadata.create_device_credential(owner, device.id, certificate(&early)).await;
    assert!(sentence(expired).contains("expired"));
    let past = metadata.create_device_credential(owner, device.id, short(key(None, None))).await;
    assert_eq!(kind(past), Some(ErrorKind::Invalid));

    assert_eq!(metadata.device_credentials(owner, device.id).await.unwrap().len(), 3, "listed until they make room");
    for _ in 0..4 {
        fixture.key_of(device.id).await;
        metadata.create_device_credential(owner, device.id, certificate(&made(600).0)).await.unwrap();
    }
    assert_eq!(metadata.device_credentials(owner, device.id).await.unwrap().len(), 8, "four of each kind");
    for new in [key(None, None), certificate(&made(600).0)] {
        let fifth = metadata.create_device_credential(owner, device.id, new).await;
        assert!(sentence(fifth).contains("MAX_DEVICE_CREDENTIALS"));
    }
}

#[tokio::test]
async fn credentials_that_break_a_rule_are_refused() {
    let fixture = Fixture::new().await;
    let device = fixture.device("attic").await;
    let long = "x".repeat(101);
    for new in [
        NewCredential { label: " ".into(), ..key(None, None) },
        NewCredential { label: long, ..key(None, None) },
        key(Some("a b"), None),
        key(None, Some("00000000000000000000000000000000")),
        key(None, Some("short")),
        certificate("attic"),
    ] {
        let refused = fixture.metadata.create_device_credential(&fixture.owner, device.id, new).await;
        assert_eq!(kind(refused), Some(ErrorKind::Invalid));
    }
    for unknown in ["", "nobody", "a\0b"] {
        assert_eq!(fixture.by_psk(unknown).await, None);
    }
}

#[tokio::test]
async fn devices_tokens_and_strangers_manage_none() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (device, acting) = fixture.acting("attic").await;
    let (info, _) = metadata.create_device_credential(&fixture.owner, device.id, key(Some("x"), None)).await.unwrap();
    let with_key = metadata.device_by_psk("x").await.unwrap().unwrap().1;
    let token = Principal { subject: acting.subject, role: Role::Editor, ..fixture.owner.clone() };
    let viewer = Principal { role: Role::Viewer, can_write: false, ..fixture.owner.clone() };
    for (who, expected) in [
        (&acting, ErrorKind::Denied),
        (&with_key, ErrorKind::Denied),
        (&token, ErrorKind::Denied),
        (&viewer, ErrorKind::Denied),
        (&fixture.stranger, ErrorKind::Missing),
    ] {
        let made = metadata.create_device_credential(who, device.id, key(None, None)).await;
        assert_eq!(kind(made), Some(expected));
        assert_eq!(kind(metadata.device_credentials(who, device.id).await), Some(expected));
        assert_eq!(kind(metadata.revoke_device_credential(who, device.id, info.id).await), Some(expected));
    }
    assert_eq!(fixture.by_psk("x").await.as_deref(), Some("attic"));
}

#[tokio::test]
async fn a_device_keeps_its_credentials_when_who_made_them_leaves() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let device = fixture.device("attic").await;
    let new = NewPerson { login: "vera".into(), name: String::new(), role: Role::Editor, email: None };
    let (person, link) = metadata.invite(&fixture.owner, new).await.unwrap();
    let peer = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let session = metadata.accept_link(&link.secret, "correct horse battery", peer).await.unwrap();
    let (vera, _) = metadata.session(&session.secret).await.unwrap().unwrap();
    let (info, _) = metadata.create_device_credential(&vera, device.id, key(Some("x"), None)).await.unwrap();
    assert_eq!(info.created_by.as_deref(), Some("vera"));
    let person = metadata.person(&fixture.owner, person.id).await.unwrap();
    let suspend =
        PersonChange { version: person.version, status: Some(PersonStatus::Suspended), ..PersonChange::default() };
    metadata.change_person(&fixture.owner, person.id, suspend).await.unwrap();
    assert!(fixture.by_psk("x").await.is_some());
    let late = metadata.create_device_credential(&vera, device.id, key(None, None)).await;
    assert_eq!(kind(late), Some(ErrorKind::Denied), "a request that was under way makes none");
}
