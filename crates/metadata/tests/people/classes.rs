//! Classes of people, and what their quotas bound.

use sensorium_metadata::{
    Class, ClassChange, Edit, Import, ImportRow, MetadataError, NewClass, NewDevice, NewDeviceToken, NewToken, Person,
    PersonChange, QuotaError, Quotas,
};
use sensorium_model::{DatabaseKey, DatabaseName, ErrorKind, Principal, Role};

use crate::fixture::{Fixture, kind};

fn device(name: &str) -> NewDevice {
    NewDevice {
        name: name.into(),
        type_id: None,
        attributes: Default::default(),
        tags: Default::default(),
        writes_as: None,
        enabled: true,
        location: None,
        position: None,
    }
}

fn rows(names: &[&str]) -> Import {
    let row = |name: &&str| ImportRow {
        line: 2,
        name: (*name).into(),
        device_type: Edit::Keep,
        attributes: None,
        tags: None,
        writes_as: Edit::Keep,
        enabled: None,
        location: Edit::Keep,
        position: Edit::Keep,
    };
    Import { rows: names.iter().map(row).collect(), ..Import::default() }
}

fn token() -> NewToken {
    NewToken {
        name: "t".into(),
        database: None,
        can_read: true,
        can_write: true,
        expires_at_ms: None,
        for_devices: false,
    }
}

fn database(name: &str) -> DatabaseName {
    DatabaseName::new(name).unwrap()
}

/// Databases that take so many bytes each.
fn each(bytes: u64) -> impl Fn(&DatabaseKey) -> u64 {
    move |_| bytes
}

impl Fixture {
    async fn class(&self, name: &str, quotas: Quotas) -> Class {
        self.metadata.create_class(&self.owner, NewClass { name: name.into(), quotas }).await.unwrap()
    }

    async fn put_into(&self, person: &Person, class: &Class) -> Person {
        let change = PersonChange { version: person.version, class: Edit::Set(class.id), ..PersonChange::default() };
        self.metadata.change_person(&self.owner, person.id, change).await.unwrap()
    }
}

#[tokio::test]
async fn classes_are_made_changed_and_deleted_by_administrators_only() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (edith, editor) = fixture.colleague("edith", Role::Editor).await;
    let quotas = Quotas { devices: Some(2), retention_days: Some(30), ..Quotas::default() };
    let guests = fixture.class(" Guests ", quotas).await;
    assert_eq!((guests.name.as_str(), guests.quotas, guests.people, guests.version), ("Guests", quotas, 0, 1));
    let same = NewClass { name: "guests".into(), quotas };
    assert_eq!(kind(metadata.create_class(&fixture.owner, same.clone()).await), Some(ErrorKind::Conflict));
    assert_eq!(kind(metadata.create_class(&editor, same).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.classes(&editor).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.class(&editor, guests.id).await), Some(ErrorKind::Denied));
    for wrong in [
        Quotas { devices: Some(100_001), ..Quotas::default() },
        Quotas { points_per_second: Some(0), ..Quotas::default() },
        Quotas { retention_days: Some(u64::MAX), ..Quotas::default() },
        Quotas { storage_bytes: Some(0), ..Quotas::default() },
        Quotas { storage_bytes: Some((1 << 50) + 1), ..Quotas::default() },
    ] {
        let new = NewClass { name: "Wrong".into(), quotas: wrong };
        assert_eq!(kind(metadata.create_class(&fixture.owner, new).await), Some(ErrorKind::Invalid), "{wrong:?}");
    }

    let edith = fixture.put_into(&edith, &guests).await;
    assert_eq!(edith.class.as_ref().unwrap().name, "Guests");
    assert_eq!(metadata.classes(&fixture.owner).await.unwrap()[0].people, 1);
    let in_use = metadata.delete_class(&fixture.owner, guests.id, 1).await.unwrap_err();
    assert!(in_use.to_string().contains("1 people are in class \"Guests\""), "{in_use}");
    let change = ClassChange { version: 1, devices: Edit::Clear, ..ClassChange::default() };
    let changed = metadata.change_class(&fixture.owner, guests.id, change.clone()).await.unwrap();
    assert_eq!((changed.quotas.devices, changed.quotas.retention_days, changed.version), (None, Some(30), 2));
    let late = metadata.change_class(&fixture.owner, guests.id, change).await.unwrap_err();
    assert!(matches!(late, MetadataError::ClassChanged(now) if *now == changed));
    let out = PersonChange { version: edith.version, class: Edit::Clear, ..PersonChange::default() };
    assert_eq!(metadata.change_person(&fixture.owner, edith.id, out).await.unwrap().class, None);
    metadata.delete_class(&fixture.owner, guests.id, 2).await.unwrap();
    assert_eq!(metadata.classes(&fixture.owner).await.unwrap(), []);
    assert_eq!(fixture.log("deleted", "class").await.len(), 1);
}

#[tokio::test]
async fn a_class_of_another_organisation_does_not_exist() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let guests = fixture.class("Guests", Quotas::default()).await;
    let org = metadata.create_organisation(&Principal::system(fixture.owner.org), "Elsewhere").await.unwrap();
    let stranger = Principal { org, ..fixture.owner.clone() };
    assert_eq!(kind(metadata.class(&stranger, guests.id).await), Some(ErrorKind::Missing));
    let change = ClassChange { version: 1, ..ClassChange::default() };
    assert_eq!(kind(metadata.change_class(&stranger, guests.id, change).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.delete_class(&stranger, guests.id, 1).await), Some(ErrorKind::Missing));
    assert_eq!(metadata.classes(&stranger).await.unwrap(), []);
    let theirs = NewClass { name: "Theirs".into(), quotas: Quotas::default() };
    let theirs = metadata.create_class(&stranger, theirs).await.unwrap();
    let (edith, _) = fixture.colleague("edith", Role::Editor).await;
    let change = PersonChange { version: edith.version, class: Edit::Set(theirs.id), ..PersonChange::default() };
    assert_eq!(kind(metadata.change_person(&fixture.owner, edith.id, change).await), Some(ErrorKind::Missing));
    assert_eq!(fixture.person(edith.id).await, edith, "nothing was changed");
}

#[tokio::test]
async fn devices_count_for_whoever_added_them_also_by_file_and_by_token() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (edith, editor) = fixture.colleague("edith", Role::Editor).await;
    let guests = fixture.class("Guests", Quotas { devices: Some(2), ..Quotas::default() }).await;
    let (_, secret) = metadata.create_token(&editor, token()).await.unwrap();
    let edith = fixture.put_into(&edith, &guests).await;
    let first = metadata.create_device(&editor, device("one")).await.unwrap();
    let token = metadata.authenticate_token(&secret).await.unwrap().unwrap();
    let over = metadata.import_devices(&token, rows(&["two", "three"]), true).await.unwrap_err();
    let expected = QuotaError::Devices { class: "Guests".into(), limit: 2, present: 1, more: 2 };
    assert!(matches!(&over, MetadataError::Quota(error) if *error == expected), "{over}");
    assert!(over.to_string().contains("`devices`") && over.kind() == ErrorKind::Denied, "{over}");
    metadata.create_device(&token, device("two")).await.unwrap();
    assert_eq!(kind(metadata.create_device(&editor, device("three")).await), Some(ErrorKind::Denied));
    metadata.import_devices(&editor, rows(&["one", "two"]), false).await.unwrap();
    let used = metadata.own_quotas(&token, |_| 0).await.unwrap();
    assert_eq!((used.class.as_deref(), used.devices, used.quotas.devices), (Some("Guests"), 2, Some(2)));

    // Others are not bound by it, and what is deleted makes room.
    metadata.create_device(&fixture.owner, device("three")).await.unwrap();
    metadata.delete_device(&editor, first.id, first.version).await.unwrap();
    metadata.create_device(&editor, device("four")).await.unwrap();
    let more = ClassChange { version: guests.version, devices: Edit::Set(3), ..ClassChange::default() };
    metadata.change_class(&fixture.owner, guests.id, more).await.unwrap();
    metadata.create_device(&editor, device("five")).await.unwrap();
    assert_eq!(edith.class.unwrap().id, guests.id);
}

#[tokio::test]
async fn points_of_a_person_their_tokens_and_their_devices_count_together() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (edith, editor) = fixture.colleague("edith", Role::Editor).await;
    metadata.spend_points(&editor, 1_000_000).await.unwrap();
    let guests = fixture.class("Guests", Quotas { points_per_second: Some(10), ..Quotas::default() }).await;
    let edith = fixture.put_into(&edith, &guests).await;
    let made = metadata.create_device(&editor, device("attic")).await.unwrap();
    let new = NewDeviceToken { name: "t".into(), database: None, expires_at_ms: None };
    let (_, secret) = metadata.create_device_token(&fixture.owner, made.id, new).await.unwrap();
    let attic = metadata.authenticate_token(&secret).await.unwrap().unwrap();
    assert_eq!(attic.answerable(), Some(edith.id), "whoever made its token");

    metadata.spend_points(&editor, 60).await.unwrap();
    metadata.spend_points(&attic, 40).await.unwrap();
    let over = metadata.spend_points(&attic, 5).await.unwrap_err();
    assert!(over.to_string().contains("`points_per_second` of class \"Guests\" is 10"), "{over}");
    assert_eq!((over.kind(), over.retry_after().unwrap().as_millis()), (ErrorKind::Busy, 500));
    assert_eq!(kind(metadata.spend_points(&editor, 101).await), Some(ErrorKind::TooLarge));
    metadata.spend_points(&fixture.owner, 1_000_000).await.unwrap();
    fixture.pass(500);
    metadata.spend_points(&attic, 5).await.unwrap();

    let none = ClassChange { version: 1, points_per_second: Edit::Clear, ..ClassChange::default() };
    metadata.change_class(&fixture.owner, guests.id, none).await.unwrap();
    metadata.spend_points(&attic, 1_000_000).await.unwrap();
}

#[tokio::test]
async fn storage_counts_for_whoever_created_the_databases_also_by_token() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (edith, editor) = fixture.colleague("edith", Role::Editor).await;
    let (_, secret) = metadata.create_token(&editor, token()).await.unwrap();
    let guests = fixture.class("Guests", Quotas { storage_bytes: Some(100), ..Quotas::default() }).await;
    fixture.put_into(&edith, &guests).await;
    let by_token = metadata.authenticate_token(&secret).await.unwrap().unwrap();
    metadata.record_database(&editor, &database("one")).await.unwrap();
    metadata.record_database(&by_token, &database("two")).await.unwrap();
    metadata.record_database(&fixture.owner, &database("ours")).await.unwrap();
    metadata.record_database(&Principal::system(fixture.owner.org), &database("main")).await.unwrap();
    assert_eq!(fixture.log("created", "database").await.len(), 4);

    let key = |name: &str| DatabaseKey::new(fixture.owner.org, database(name));
    metadata.check_storage(&key("one"), each(49)).await.unwrap();
    fixture.pass(1_000);
    for (name, is_full) in [("one", true), ("two", true), ("ours", false), ("main", false), ("older", false)] {
        assert_eq!(metadata.check_storage(&key(name), each(50)).await.is_err(), is_full, "{name}");
    }
    let over = metadata.check_storage(&key("two"), each(50)).await.unwrap_err();
    let expected = QuotaError::Storage { class: "Guests".into(), limit: 100, used: 100 };
    assert!(matches!(&over, MetadataError::Quota(error) if *error == expected), "{over}");
    assert!(over.to_string().contains("`storage_bytes` of class \"Guests\" is 100"), "{over}");
    assert_eq!((over.kind(), over.retry_after()), (ErrorKind::NoSpace, None));
    let own = metadata.own_quotas(&by_token, each(50)).await.unwrap();
    assert_eq!((own.storage_bytes, own.quotas.storage_bytes, own.check_storage()), (100, Some(100), Err(expected)));
    let unbound = metadata.own_quotas(&fixture.owner, each(50)).await.unwrap();
    assert_eq!((unbound.storage_bytes, unbound.check_storage()), (50, Ok(())));

    // Where there is room again, it is seen within a second.
    assert!(metadata.check_storage(&key("one"), each(0)).await.is_err());
    fixture.pass(1_000);
    metadata.check_storage(&key("one"), each(0)).await.unwrap();
}

#[tokio::test]
async fn storage_is_bound_by_what_holds_now() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (edith, editor) = fixture.colleague("edith", Role::Editor).await;
    let guests = fixture.class("Guests", Quotas { storage_bytes: Some(100), ..Quotas::default() }).await;
    let key = DatabaseKey::new(fixture.owner.org, database("one"));
    metadata.record_database(&editor, &key.name).await.unwrap();
    metadata.check_storage(&key, each(100)).await.unwrap();
    let edith = fixture.put_into(&edith, &guests).await;
    assert_eq!(kind(metadata.check_storage(&key, each(100)).await), Some(ErrorKind::NoSpace));
    let more = ClassChange { version: guests.version, storage_bytes: Edit::Set(101), ..ClassChange::default() };
    let guests = metadata.change_class(&fixture.owner, guests.id, more).await.unwrap();
    assert_eq!(guests.quotas.storage_bytes, Some(101));
    metadata.check_storage(&key, each(100)).await.unwrap();
    metadata.record_database(&editor, &database("two")).await.unwrap();
    assert_eq!(kind(metadata.check_storage(&key, each(100)).await), Some(ErrorKind::NoSpace), "two of 100");

    // A database of the same name elsewhere neither is bound nor counts.
    let org = metadata.create_organisation(&Principal::system(fixture.owner.org), "Elsewhere").await.unwrap();
    let theirs = DatabaseKey::new(org, database("one"));
    metadata.record_database(&Principal { org, ..editor.clone() }, &theirs.name).await.unwrap();
    metadata.check_storage(&theirs, each(1_000)).await.unwrap();
    let own = metadata.own_quotas(&editor, |database| u64::from(database.org == fixture.owner.org)).await.unwrap();
    assert_eq!(own.storage_bytes, 2);

    // Another server knows, and whoever is deleted binds nobody.
    let other = fixture.reopen().await;
    assert_eq!(kind(other.check_storage(&key, each(100)).await), Some(ErrorKind::NoSpace));
    metadata.delete_person(&fixture.owner, edith.id, edith.version).await.unwrap();
    metadata.check_storage(&key, each(100)).await.unwrap();
    metadata.record_database(&fixture.owner, &key.name).await.unwrap();
    assert_eq!(metadata.own_quotas(&fixture.owner, each(7)).await.unwrap().storage_bytes, 7);
}
