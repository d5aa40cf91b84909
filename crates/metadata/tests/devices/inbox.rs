//! The inbox: what devices send that are not known, until somebody adopts them.

use std::net::{IpAddr, Ipv4Addr};

use sensorium_metadata::inbox::{Adopted, Kept, Message, NewMessage, Newcomer, Sender};
use sensorium_metadata::{Adoption, DeviceChange, Edit, InboxError, InboxLimits, MetadataError, NewDevice, NewToken};
use sensorium_model::{DatabaseName, ErrorKind, NewcomerId, Principal, Role};

use crate::fixture::{Fixture, kind, new_device, new_type, sentence};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const DAY_MS: i64 = 86_400_000;

/// What a key for devices is, in the caller's organisation.
async fn key(fixture: &Fixture, of: &Principal) -> Principal {
    let new = NewToken {
        name: "workshop".into(),
        database: None,
        can_read: false,
        can_write: true,
        expires_at_ms: None,
        for_devices: true,
    };
    let (_, secret) = fixture.metadata.create_token(of, new).await.unwrap();
    fixture.who(&secret).await.unwrap()
}

async fn send(fixture: &Fixture, key: &Principal, name: &str, body: &str) -> Result<Kept, MetadataError> {
    let database = DatabaseName::new("main").unwrap();
    let new = NewMessage { name, database: &database, format: "line_protocol", reading: "{}", body, address: PEER };
    fixture.metadata.keep_message(key, new).await
}

async fn waiting(fixture: &Fixture) -> Vec<Newcomer> {
    fixture.metadata.inbox(&fixture.owner).await.unwrap()
}

async fn bodies(fixture: &Fixture, id: NewcomerId) -> Vec<String> {
    let (_, kept) = fixture.metadata.newcomer(&fixture.owner, id).await.unwrap();
    kept.into_iter().map(|message| message.body).collect()
}

/// Takes all that an adopted device is to be given.
async fn take(fixture: &Fixture, adopted: Adopted) -> Vec<(Message, String)> {
    let mut taken = Vec::new();
    while let Some((message, device)) = fixture.metadata.next_kept(adopted).await.unwrap() {
        fixture.metadata.forget_kept(adopted, message.id).await.unwrap();
        taken.push((message, device.name.to_string()));
    }
    taken
}

fn as_new(name: Option<&str>) -> Adoption {
    Adoption::New { name: name.map(str::to_owned), type_id: None }
}

#[tokio::test]
async fn what_an_unknown_device_sends_waits_and_is_seen() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    assert_eq!(send(&fixture, &key, " ESP_12AB ", "climate v=1").await.unwrap(), Kept::InInbox);
    fixture.pass(5);
    assert_eq!(send(&fixture, &key, "esp_12ab", "climate v=2").await.unwrap(), Kept::InInbox);
    fixture.pass(5);
    send(&fixture, &key, "other", "climate v=3").await.unwrap();
    let [other, esp] = waiting(&fixture).await.try_into().unwrap();
    assert_eq!((other.name.as_str(), esp.name.as_str()), ("other", "ESP_12AB"));
    assert_eq!((esp.messages, esp.kept, esp.kept_bytes, esp.last_seen_ms - esp.first_seen_ms), (2, 2, 22, 5));
    assert_eq!(
        (esp.database.as_str(), esp.format.as_str(), esp.address.as_str()),
        ("main", "line_protocol", "127.0.0.1")
    );
    assert_eq!(bodies(&fixture, esp.id).await, ["climate v=2", "climate v=1"]);
    assert_eq!(fixture.metadata.inbox_size(&fixture.owner).await.unwrap(), 2);
}

#[tokio::test]
async fn names_stand_for_what_a_device_calls_itself_then_for_its_name() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    let attic = fixture.device("Attic").await;
    let cellar = fixture.device("cellar").await;
    fixture.change(&cellar, DeviceChange { enabled: Some(false), ..DeviceChange::default() }).await.unwrap();
    send(&fixture, &key, "esp", "climate v=1").await.unwrap();
    let esp = waiting(&fixture).await.remove(0);
    let (roof, _) = fixture.metadata.adopt(&fixture.owner, esp.id, as_new(Some("Roof"))).await.unwrap();
    let senders = fixture.metadata.senders(&key, &["ATTIC", "cellar", "ESP", "roof", "nobody"]).await.unwrap();
    let known = |sender: &Sender| match sender {
        Sender::Known(device) => Some((device.id, device.name.to_string())),
        Sender::Disabled | Sender::Unknown => None,
    };
    assert_eq!(known(&senders[0]), Some((attic.id, "Attic".to_owned())));
    assert_eq!(senders[1], Sender::Disabled);
    assert_eq!(known(&senders[2]), Some((roof.id, "Roof".to_owned())));
    // The device that is called Roof calls itself otherwise.
    assert_eq!([&senders[3], &senders[4]], [&Sender::Unknown, &Sender::Unknown]);
    let theirs = fixture.metadata.senders(&fixture.stranger, &["attic", "esp"]).await.unwrap();
    assert_eq!(theirs, [Sender::Unknown, Sender::Unknown]);
    let many = vec!["x"; 1_001];
    assert!(sentence(fixture.metadata.senders(&key, &many).await).contains("MAX_SENDERS"));
}

#[tokio::test]
async fn an_adopted_device_gets_what_was_kept_oldest_first_and_keeps_what_it_calls_itself() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    for body in ["climate v=1", "climate v=2", "climate v=3"] {
        send(&fixture, &key, "esp", body).await.unwrap();
        fixture.pass(1);
    }
    let esp = waiting(&fixture).await.remove(0);
    let type_id = fixture.metadata.create_device_type(&fixture.owner, new_type("Climate")).await.unwrap().id;
    let adoption = Adoption::New { name: Some("Roof".into()), type_id: Some(type_id) };
    let (roof, adopted) = fixture.metadata.adopt(&fixture.owner, esp.id, adoption).await.unwrap();
    assert_eq!(
        (roof.name.as_str(), roof.writes_as.as_deref(), roof.device_type.unwrap().id),
        ("Roof", Some("esp"), type_id)
    );
    // From now on it is known, also while it is being given what was kept.
    assert!(
        matches!(send(&fixture, &key, "ESP", "climate v=4").await.unwrap(), Kept::Known(device) if device.id == roof.id)
    );
    assert_eq!(fixture.metadata.inbox_size(&fixture.owner).await.unwrap(), 0);
    let again = fixture.metadata.adopt(&fixture.owner, esp.id, as_new(None)).await;
    assert_eq!(kind(again), Some(ErrorKind::Conflict));
    assert_eq!(kind(fixture.metadata.dismiss_newcomer(&fixture.owner, esp.id).await), Some(ErrorKind::Conflict));
    // It gets another name meanwhile, and the server starts anew.
    let roof = fixture.read(roof.id).await;
    let change = DeviceChange { name: Some("Gable".into()), ..DeviceChange::default() };
    assert_eq!(fixture.change(&roof, change).await.unwrap().writes_as.as_deref(), Some("esp"));
    let (first, _) = fixture.metadata.next_kept(adopted).await.unwrap().unwrap();
    fixture.metadata.forget_kept(adopted, first.id).await.unwrap();
    let fixture = fixture.reopen().await;
    assert_eq!(fixture.metadata.adoptions_to_finish().await.unwrap(), [adopted]);
    let taken = take(&fixture, adopted).await;
    let told: Vec<_> = taken.iter().map(|(message, device)| (message.body.as_str(), device.as_str())).collect();
    assert_eq!((first.body.as_str(), told), ("climate v=1", vec![("climate v=2", "Gable"), ("climate v=3", "Gable")]));
    assert_eq!(fixture.metadata.adoptions_to_finish().await.unwrap(), []);
    assert_eq!(kind(fixture.metadata.newcomer(&fixture.owner, esp.id).await), Some(ErrorKind::Missing));
    let log = fixture.log("inbox device").await;
    assert_eq!((log[0].0.as_str(), log[0].1.as_str(), &log[0].3["device"]), ("adopted", "esp", &"Roof".into()));
}

#[tokio::test]
async fn a_device_takes_the_place_of_one_that_there_is() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    let attic = fixture.device("attic").await;
    send(&fixture, &key, "new chip", "climate v=1").await.unwrap();
    let chip = waiting(&fixture).await.remove(0);
    let (same, adopted) = fixture.metadata.adopt(&fixture.owner, chip.id, Adoption::Existing(attic.id)).await.unwrap();
    assert_eq!((same.id, same.writes_as.as_deref(), same.version), (attic.id, Some("new chip"), attic.version + 1));
    assert_eq!(take(&fixture, adopted).await.len(), 1);
    // Under its name alone it is not known any more.
    assert_eq!(send(&fixture, &key, "attic", "climate v=1").await.unwrap(), Kept::InInbox);
    let attic_again = waiting(&fixture).await.remove(0);
    assert!(sentence(fixture.metadata.adopt(&fixture.owner, attic_again.id, as_new(None)).await).contains("\"attic\""));
    fixture.metadata.adopt(&fixture.owner, attic_again.id, Adoption::Existing(attic.id)).await.unwrap();
    assert!(matches!(send(&fixture, &key, "attic", "climate v=1").await.unwrap(), Kept::Known(_)));
}

#[tokio::test]
async fn what_was_kept_goes_with_a_device_that_is_deleted() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    send(&fixture, &key, "esp", "climate v=1").await.unwrap();
    let esp = waiting(&fixture).await.remove(0);
    let (device, adopted) = fixture.metadata.adopt(&fixture.owner, esp.id, as_new(None)).await.unwrap();
    assert_eq!(device.writes_as, None, "it is called as it calls itself");
    fixture.metadata.delete_device(&fixture.owner, device.id, device.version).await.unwrap();
    assert_eq!(fixture.metadata.next_kept(adopted).await.unwrap(), None);
    assert_eq!((waiting(&fixture).await, fixture.metadata.adoptions_to_finish().await.unwrap()), (vec![], vec![]));
    assert_eq!(send(&fixture, &key, "esp", "climate v=1").await.unwrap(), Kept::InInbox);
}

#[tokio::test]
async fn an_ignored_device_is_refused_until_it_is_heard_again() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    send(&fixture, &key, "noise", "climate v=1").await.unwrap();
    let noise = waiting(&fixture).await.remove(0);
    fixture.metadata.ignore_newcomer(&fixture.owner, noise.id, true).await.unwrap();
    let refused = send(&fixture, &key, "noise", "climate v=2").await.unwrap_err();
    assert!(matches!(&refused, MetadataError::Inbox(InboxError::Ignored(name)) if name == "noise"), "{refused}");
    assert_eq!(refused.kind(), ErrorKind::Denied);
    assert_eq!((waiting(&fixture).await[0].kept, fixture.metadata.inbox_size(&fixture.owner).await.unwrap()), (0, 0));
    fixture.pass(30 * DAY_MS);
    fixture.metadata.clean_up().await.unwrap();
    assert!(send(&fixture, &key, "noise", "climate v=2").await.is_err(), "it stays ignored");
    fixture.metadata.ignore_newcomer(&fixture.owner, noise.id, false).await.unwrap();
    assert_eq!(send(&fixture, &key, "noise", "climate v=3").await.unwrap(), Kept::InInbox);
    fixture.metadata.dismiss_newcomer(&fixture.owner, noise.id).await.unwrap();
    assert_eq!(waiting(&fixture).await, []);
    assert_eq!(kind(fixture.metadata.dismiss_newcomer(&fixture.owner, noise.id).await), Some(ErrorKind::Missing));
}

#[tokio::test]
async fn the_newest_messages_are_kept_and_the_limits_are_named() {
    let limits = InboxLimits { devices: 2, messages: 3, bytes: 40, per_minute: 600, ..InboxLimits::default() };
    let fixture = Fixture::with_inbox(limits).await;
    let key = key(&fixture, &fixture.owner).await;
    for value in 1..=5 {
        send(&fixture, &key, "a", &format!("climate v={value}")).await.unwrap();
        fixture.pass(1);
    }
    let a = waiting(&fixture).await.remove(0);
    assert_eq!((a.messages, a.kept, a.kept_bytes), (5, 3, 33));
    assert_eq!(bodies(&fixture, a.id).await, ["climate v=5", "climate v=4", "climate v=3"]);
    send(&fixture, &key, "a", &"x".repeat(30)).await.unwrap();
    assert_eq!(waiting(&fixture).await[0].kept_bytes, 30, "the bytes are bounded, too");
    let long = send(&fixture, &key, "a", &"x".repeat(41)).await.unwrap_err();
    assert!(long.to_string().contains("inbox.bytes") && long.kind() == ErrorKind::TooLarge, "{long}");
    send(&fixture, &key, "b", "climate v=1").await.unwrap();
    let full = send(&fixture, &key, "c", "climate v=1").await.unwrap_err();
    assert!(full.to_string().contains("inbox.devices") && full.kind() == ErrorKind::Busy, "{full}");
    assert!(full.to_string().contains("\"c\"") && full.retry_after().is_some());
    // The other organisation has an inbox of its own.
    let theirs = self::key(&fixture, &fixture.stranger).await;
    assert_eq!(send(&fixture, &theirs, "c", "climate v=1").await.unwrap(), Kept::InInbox);
    let sent = send_many(&fixture, &key, 200).await;
    let often = sent.into_iter().find_map(Result::err).unwrap();
    assert!(often.to_string().contains("inbox.per_minute") && often.retry_after().is_some(), "{often}");
}

async fn send_many(fixture: &Fixture, key: &Principal, count: usize) -> Vec<Result<Kept, MetadataError>> {
    let mut sent = Vec::new();
    for _ in 0..count {
        sent.push(send(fixture, key, "b", "climate v=1").await);
    }
    sent
}

#[tokio::test]
async fn what_nobody_wants_is_forgotten_and_what_was_adopted_is_not() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    send(&fixture, &key, "old", "climate v=1").await.unwrap();
    send(&fixture, &key, "adopted", "climate v=1").await.unwrap();
    let adopted = waiting(&fixture).await.into_iter().find(|newcomer| newcomer.name == "adopted").unwrap();
    let (_, adopted) = fixture.metadata.adopt(&fixture.owner, adopted.id, as_new(None)).await.unwrap();
    fixture.pass(4 * DAY_MS);
    send(&fixture, &key, "young", "climate v=1").await.unwrap();
    fixture.pass(4 * DAY_MS);
    assert_eq!(fixture.metadata.clean_up().await.unwrap().messages, 1);
    let left: Vec<String> = waiting(&fixture).await.into_iter().map(|newcomer| newcomer.name).collect();
    assert_eq!(left, ["young", "adopted"]);
    assert_eq!(take(&fixture, adopted).await.len(), 1);
}

#[tokio::test]
async fn only_keys_for_devices_write_here_and_only_editors_decide() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    assert_eq!(kind(send(&fixture, &fixture.owner, "esp", "climate v=1").await), Some(ErrorKind::Denied));
    send(&fixture, &key, "esp", "climate v=1").await.unwrap();
    let esp = waiting(&fixture).await.remove(0);
    let viewer = Principal { role: Role::Viewer, can_write: false, ..fixture.owner.clone() };
    assert!(fixture.metadata.newcomer(&viewer, esp.id).await.is_ok());
    for who in [&viewer, &key] {
        assert_eq!(kind(fixture.metadata.adopt(who, esp.id, as_new(None)).await), Some(ErrorKind::Denied));
        assert_eq!(kind(fixture.metadata.ignore_newcomer(who, esp.id, true).await), Some(ErrorKind::Denied));
        assert_eq!(kind(fixture.metadata.dismiss_newcomer(who, esp.id).await), Some(ErrorKind::Denied));
    }
    assert_eq!(kind(fixture.metadata.inbox(&key).await), Some(ErrorKind::Denied));
    let stranger = &fixture.stranger;
    assert_eq!(fixture.metadata.inbox(stranger).await.unwrap(), []);
    assert_eq!(kind(fixture.metadata.newcomer(stranger, esp.id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(fixture.metadata.adopt(stranger, esp.id, as_new(None)).await), Some(ErrorKind::Missing));
    assert_eq!(kind(fixture.metadata.ignore_newcomer(stranger, esp.id, true).await), Some(ErrorKind::Missing));
    assert_eq!(kind(fixture.metadata.dismiss_newcomer(stranger, esp.id).await), Some(ErrorKind::Missing));
    // Nor into a device of somebody else.
    let theirs = fixture.metadata.create_device(stranger, new_device("theirs")).await.unwrap();
    let adopted = fixture.metadata.adopt(&fixture.owner, esp.id, Adoption::Existing(theirs.id)).await;
    assert_eq!(kind(adopted), Some(ErrorKind::Missing));
    let reading = NewToken {
        name: "both".into(),
        database: None,
        can_read: true,
        can_write: true,
        expires_at_ms: None,
        for_devices: true,
    };
    assert_eq!(kind(fixture.metadata.create_token(&fixture.owner, reading).await), Some(ErrorKind::Invalid));
}

#[tokio::test]
async fn an_editor_says_what_a_device_writes_as() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    let (roof, attic) = (fixture.device("roof").await, fixture.device("attic").await);
    let set = |name: &str| DeviceChange { writes_as: Edit::Set(name.into()), ..DeviceChange::default() };
    let roof = fixture.change(&roof, set(" ESP ")).await.unwrap();
    assert!(
        matches!(send(&fixture, &key, "esp", "climate v=1").await.unwrap(), Kept::Known(device) if device.id == roof.id)
    );
    assert_eq!(fixture.log("device").await[0].3["writes_as"], "esp");
    assert!(sentence(fixture.change(&attic, set("Esp")).await).contains("\"roof\""));
    for wrong in ["", " ", "a\nb", &"x".repeat(101)] {
        assert_eq!(kind(fixture.change(&attic, set(wrong)).await), Some(ErrorKind::Invalid), "{wrong:?}");
    }
    let theirs = NewDevice { writes_as: Some("ESP".into()), ..new_device("roof") };
    assert!(fixture.metadata.create_device(&fixture.stranger, theirs).await.is_ok(), "it is of an organisation");
    let by_name = DeviceChange { writes_as: Edit::Clear, ..DeviceChange::default() };
    assert_eq!(fixture.change(&roof, by_name).await.unwrap().writes_as, None);
    assert_eq!(send(&fixture, &key, "esp", "climate v=1").await.unwrap(), Kept::InInbox);
    assert!(fixture.change(&attic, set("esp")).await.is_ok());
}

#[tokio::test]
async fn a_device_may_be_adopted_with_a_type_that_is_made_for_it_or_neither_is_made() {
    let fixture = Fixture::new().await;
    let key = key(&fixture, &fixture.owner).await;
    fixture.device("taken").await;
    send(&fixture, &key, "esp", "climate v=1").await.unwrap();
    let esp = waiting(&fixture).await.remove(0);
    let adopt = |name: &str| Adoption::NewOfNewType { name: Some(name.into()), new_type: new_type("Climate") };
    let failed = fixture.metadata.adopt(&fixture.owner, esp.id, adopt("taken")).await;
    assert_eq!(kind(failed), Some(ErrorKind::Conflict));
    assert!(fixture.metadata.device_types(&fixture.owner).await.unwrap().is_empty());
    assert_eq!(kind(fixture.metadata.adopt(&fixture.stranger, esp.id, adopt("Roof")).await), Some(ErrorKind::Missing));
    let (roof, _) = fixture.metadata.adopt(&fixture.owner, esp.id, adopt("Roof")).await.unwrap();
    assert_eq!(roof.device_type.unwrap().name, "Climate");
}
