//! API tokens of devices, and tokens that expire.

use sensorium_metadata::{DeviceChange, NewDeviceToken, NewPerson, NewToken, PersonChange, PersonStatus};
use sensorium_model::{Action, DatabaseName, ErrorKind, Principal, Role, Subject};
use serde_json::json;

use crate::fixture::{Fixture, START_MS, kind, new_token, sentence};

#[tokio::test]
async fn a_token_of_a_device_writes_as_the_device_and_nothing_else() {
    let fixture = Fixture::new().await;
    let device = fixture.device("attic").await;
    let secret = fixture.token(device.id).await;
    let main = DatabaseName::new("main").unwrap();
    // Once from the table and once from memory.
    for _ in 0..2 {
        let who = fixture.who(&secret).await.unwrap();
        let acting = who.device.as_ref().unwrap();
        assert_eq!((acting.id, acting.name.as_ref()), (device.id, "attic"));
        assert!(who.allows(Action::Write(&main)) && !who.allows(Action::Read(&main)));
        assert!(!who.allows(Action::CreateDatabase(&main)) && !who.allows(Action::ReadDevices));
    }
    let one = NewDeviceToken { database: Some(main.clone()), ..new_token("one") };
    let (info, secret) = fixture.metadata.create_device_token(&fixture.owner, device.id, one).await.unwrap();
    assert_eq!((info.database.as_ref(), info.created_by.as_deref()), (Some(&main), Some("ada")));
    let who = fixture.who(&secret).await.unwrap();
    assert!(!who.allows(Action::Write(&DatabaseName::new("other").unwrap())));
    assert!(fixture.metadata.tokens(&fixture.owner).await.unwrap().is_empty(), "they are listed with their device");
    let revoked = fixture.metadata.revoke_token(&fixture.owner, info.id).await;
    assert_eq!(kind(revoked), Some(ErrorKind::Missing));
    let log = fixture.log("device_token").await;
    assert_eq!((log[0].0.as_str(), log[0].1.as_str(), &log[0].3["token"]), ("created", "attic", &json!("one")));
    assert!(!format!("{log:?}").contains(&secret));
}

#[tokio::test]
async fn a_disabled_renamed_or_deleted_device_is_known_at_once() {
    let fixture = Fixture::new().await;
    let device = fixture.device("attic").await;
    let secret = fixture.token(device.id).await;
    assert!(fixture.who(&secret).await.is_some());
    let disabled = DeviceChange { enabled: Some(false), ..DeviceChange::default() };
    let device = fixture.change(&device, disabled).await.unwrap();
    assert!(fixture.who(&secret).await.is_none());
    let enabled = DeviceChange { enabled: Some(true), ..DeviceChange::default() };
    let device = fixture.change(&device, enabled).await.unwrap();
    assert_eq!(fixture.who(&secret).await.unwrap().device.unwrap().name.as_ref(), "attic");
    let renamed = DeviceChange { name: Some("cellar".into()), ..DeviceChange::default() };
    let device = fixture.change(&device, renamed).await.unwrap();
    assert_eq!(fixture.who(&secret).await.unwrap().device.unwrap().name.as_ref(), "cellar");
    fixture.metadata.delete_device(&fixture.owner, device.id, device.version).await.unwrap();
    assert!(fixture.who(&secret).await.is_none());
    assert_eq!(fixture.log("device").await[0].3["tokens_revoked"], json!(1));
}

#[tokio::test]
async fn tokens_are_rotated_without_a_pause() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let device = fixture.device("attic").await;
    let other = fixture.device("cellar").await;
    let first = fixture.token(device.id).await;
    let second = fixture.token(device.id).await;
    assert!(fixture.who(&first).await.is_some() && fixture.who(&second).await.is_some());
    let tokens = metadata.device_tokens(owner, device.id).await.unwrap();
    assert_eq!(tokens.len(), 2);
    let oldest = tokens.iter().min_by_key(|token| token.id).unwrap().id;
    assert_eq!(kind(metadata.revoke_device_token(owner, other.id, oldest).await), Some(ErrorKind::Missing));
    metadata.revoke_device_token(owner, device.id, oldest).await.unwrap();
    assert!(fixture.who(&first).await.is_none() && fixture.who(&second).await.is_some());
    assert_eq!(kind(metadata.revoke_device_token(owner, device.id, oldest).await), Some(ErrorKind::Missing));

    for _ in 0..3 {
        fixture.token(device.id).await;
    }
    let fifth = metadata.create_device_token(owner, device.id, new_token("x")).await;
    assert!(sentence(fifth).contains("MAX_DEVICE_TOKENS"));
    assert_eq!(metadata.device_tokens(owner, device.id).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_token_is_refused_when_its_time_is_over() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let expires_at_ms = Some(START_MS + 1_000);
    let new = |expires_at_ms| NewToken {
        name: "x".into(),
        database: None,
        can_read: true,
        can_write: true,
        expires_at_ms,
        for_devices: false,
    };
    let (info, person) = metadata.create_token(owner, new(expires_at_ms)).await.unwrap();
    assert_eq!(info.expires_at_ms, expires_at_ms);
    let device = fixture.device("attic").await;
    let short = NewDeviceToken { expires_at_ms, ..new_token("short") };
    let (_, of_device) = metadata.create_device_token(owner, device.id, short).await.unwrap();
    fixture.pass(999);
    let who = fixture.who(&person).await.unwrap();
    assert!(fixture.who(&of_device).await.is_some() && metadata.is_current(&who).await.unwrap());
    fixture.pass(1);
    assert!(fixture.who(&person).await.is_none(), "also while it is remembered");
    assert!(fixture.who(&of_device).await.is_none());
    assert!(!metadata.is_current(&who).await.unwrap(), "a connection that stands ends, too");
    fixture.pass(100_000);
    assert!(fixture.who(&person).await.is_none(), "from the table");
    assert_eq!(kind(metadata.create_token(owner, new(Some(START_MS))).await), Some(ErrorKind::Invalid));
    let past = NewDeviceToken { expires_at_ms: Some(START_MS), ..new_token("x") };
    assert_eq!(kind(metadata.create_device_token(owner, device.id, past).await), Some(ErrorKind::Invalid));

    assert_eq!(metadata.device_tokens(owner, device.id).await.unwrap().len(), 1, "it is listed until it makes room");
    for _ in 0..4 {
        fixture.token(device.id).await;
    }
    assert_eq!(metadata.device_tokens(owner, device.id).await.unwrap().len(), 4);
}

#[tokio::test]
async fn tokens_make_no_tokens_and_strangers_find_none() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let device = fixture.device("attic").await;
    let (info, secret) = metadata.create_device_token(&fixture.owner, device.id, new_token("x")).await.unwrap();
    let acting = fixture.who(&secret).await.unwrap();
    let token = Principal { subject: Subject::Token(info.id), role: Role::Editor, ..fixture.owner.clone() };
    for who in [acting, token] {
        let made = metadata.create_device_token(&who, device.id, new_token("x")).await;
        assert_eq!(kind(made), Some(ErrorKind::Denied));
        assert_eq!(kind(metadata.device_tokens(&who, device.id).await), Some(ErrorKind::Denied));
        assert_eq!(kind(metadata.revoke_device_token(&who, device.id, info.id).await), Some(ErrorKind::Denied));
    }
    let stranger = &fixture.stranger;
    assert_eq!(kind(metadata.device_tokens(stranger, device.id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.revoke_device_token(stranger, device.id, info.id).await), Some(ErrorKind::Missing));
    let made = metadata.create_device_token(stranger, device.id, new_token("x")).await;
    assert_eq!(kind(made), Some(ErrorKind::Missing));
    assert!(fixture.who(&secret).await.is_some());
}

#[tokio::test]
async fn a_device_keeps_its_tokens_when_who_made_them_leaves() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let device = fixture.device("attic").await;
    let new = NewPerson { login: "vera".into(), name: String::new(), role: Role::Editor, email: None };
    let (person, link) = metadata.invite(&fixture.owner, new).await.unwrap();
    let peer = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let session = metadata.accept_link(&link.secret, "correct horse battery", peer).await.unwrap();
    let (vera, _) = metadata.session(&session.secret).await.unwrap().unwrap();
    let (_, secret) = metadata.create_device_token(&vera, device.id, new_token("x")).await.unwrap();
    let person = metadata.person(&fixture.owner, person.id).await.unwrap();
    let suspend =
        PersonChange { version: person.version, status: Some(PersonStatus::Suspended), ..PersonChange::default() };
    metadata.change_person(&fixture.owner, person.id, suspend).await.unwrap();
    assert!(fixture.who(&secret).await.is_some());
    let late = metadata.create_device_token(&vera, device.id, new_token("y")).await;
    assert_eq!(kind(late), Some(ErrorKind::Denied), "a request that was under way makes none");
}
