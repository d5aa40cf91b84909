//! Adding, changing and deleting devices.

use sensorium_metadata::registry::{Location, MAX_LABELS};
use sensorium_metadata::{DeviceChange, Edit, MetadataError, NewDevice, RegistryError};
use sensorium_model::{ErrorKind, Principal, Role};
use serde_json::json;

use crate::fixture::{Fixture, START_MS, kind, new_device, new_type, sentence};

#[tokio::test]
async fn a_device_is_added_changed_and_deleted() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let of = metadata.create_device_type(owner, new_type("climate")).await.unwrap();
    let name = "Dachboden <\u{1f321}> \"1\" = '%_\\,";
    let new = NewDevice {
        name: format!(" {name} "),
        type_id: Some(of.id),
        attributes: [("room".into(), "attic".into())].into(),
        tags: [("site".into(), String::new())].into(),
        writes_as: Some(" ESP_1 ".into()),
        enabled: true,
        location: Some(Location { latitude: -90.0, longitude: 180.0 }),
        position: None,
    };
    let made = metadata.create_device(owner, new).await.unwrap();
    assert_eq!((made.name.as_str(), made.version, made.created_at_ms), (name, 1, START_MS));
    assert_eq!(made.device_type.as_ref().unwrap().name, "climate");
    assert_eq!(made.writes_as.as_deref(), Some("esp_1"));
    assert_eq!((made.status.last_seen_ms, made.status.rows), (None, 0));
    assert_eq!(fixture.read(made.id).await, made);
    let taken = metadata.create_device(owner, new_device(&name.to_uppercase())).await;
    assert_eq!(kind(taken), Some(ErrorKind::Conflict));

    let keep = fixture.change(&made, DeviceChange::default()).await.unwrap();
    assert_eq!((keep.version, &keep.attributes, keep.location), (2, &made.attributes, made.location));
    let change = DeviceChange {
        name: Some("attic".into()),
        type_id: Edit::Clear,
        attributes: Some([].into()),
        tags: Some([("a".into(), "b".into())].into()),
        enabled: Some(false),
        location: Edit::Clear,
        ..DeviceChange::default()
    };
    let changed = fixture.change(&keep, change.clone()).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.version, changed.enabled), ("attic", 3, false));
    assert_eq!((&changed.device_type, changed.location, changed.attributes.len()), (&None, None, 0));
    match fixture.change(&keep, change).await {
        Err(MetadataError::Registry(RegistryError::DeviceChanged(current))) => assert_eq!(*current, changed),
        other => unreachable!("{other:?}"),
    }
    assert_eq!(kind(metadata.delete_device(owner, made.id, 2).await), Some(ErrorKind::Conflict));
    metadata.delete_device(owner, made.id, 3).await.unwrap();
    assert_eq!(kind(metadata.device(owner, made.id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.delete_device(owner, made.id, 3).await), Some(ErrorKind::Missing));
    fixture.device("attic").await;

    let log = fixture.log("device").await;
    let actions: Vec<_> = log.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["created", "deleted", "changed", "changed", "created"]);
    let (_, of_name, before, after) = &log[2];
    assert_eq!((of_name.as_str(), &before["type"], &after["type"]), (name, &json!("climate"), &json!(null)));
    assert_eq!((&before["latitude"], &after["enabled"]), (&json!(-90.0), &json!(false)));
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_the_limit() {
    let fixture = Fixture::new().await;
    let refused = async |new: NewDevice, part: &str| {
        let sentence = sentence(fixture.metadata.create_device(&fixture.owner, new).await);
        assert!(sentence.contains(part), "{sentence}");
    };
    let labels = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    let at = |latitude, longitude| NewDevice { location: Some(Location { latitude, longitude }), ..new_device("x") };
    refused(new_device(""), "MAX_NAME").await;
    refused(new_device(&"ä".repeat(101)), "MAX_NAME").await;
    refused(new_device("a\nb"), "control characters").await;
    refused(at(90.1, 0.0), "latitude").await;
    refused(at(f64::NAN, 0.0), "latitude").await;
    refused(at(0.0, -180.5), "longitude").await;
    refused(NewDevice { tags: labels("", "x"), ..new_device("x") }, "MAX_LABEL_NAME").await;
    refused(NewDevice { tags: labels(&"x".repeat(65), "x"), ..new_device("x") }, "MAX_LABEL_NAME").await;
    refused(NewDevice { attributes: labels("x", &"x".repeat(257)), ..new_device("x") }, "MAX_LABEL_VALUE").await;
    refused(NewDevice { attributes: labels("x", "\0"), ..new_device("x") }, "attribute").await;
    let many = (0..=MAX_LABELS).map(|number| (number.to_string(), String::new())).collect();
    refused(NewDevice { tags: many, ..new_device("x") }, "MAX_LABELS").await;
    assert!(fixture.metadata.create_device(&fixture.owner, new_device(&"ä".repeat(100))).await.is_ok());
}

#[tokio::test]
async fn another_organisation_and_viewers_change_nothing() {
    let fixture = Fixture::new().await;
    let (metadata, stranger) = (&fixture.metadata, &fixture.stranger);
    let device = fixture.device("attic").await;
    let rename = || DeviceChange { version: 1, name: Some("mine".into()), ..DeviceChange::default() };
    assert_eq!(kind(metadata.device(stranger, device.id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.change_device(stranger, device.id, rename()).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.delete_device(stranger, device.id, 1).await), Some(ErrorKind::Missing));
    assert!(metadata.create_device(stranger, new_device("attic")).await.is_ok(), "names are of an organisation");
    let viewer = Principal { role: Role::Viewer, can_write: false, ..fixture.owner.clone() };
    assert_eq!(kind(metadata.create_device(&viewer, new_device("x")).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.change_device(&viewer, device.id, rename()).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.delete_device(&viewer, device.id, 1).await), Some(ErrorKind::Denied));
    assert_eq!(fixture.read(device.id).await, device);
}

#[tokio::test]
async fn what_a_device_did_is_counted_and_outlives_a_restart() {
    let fixture = Fixture::new().await;
    let org = fixture.owner.org;
    let device = fixture.device("attic").await;
    fixture.metadata.count_device_message(org, device.id, 3, 1);
    fixture.pass(1_000);
    fixture.metadata.count_device_message(org, device.id, 2, 0);
    let seen =
        |status: sensorium_metadata::DeviceStatus| (status.last_seen_ms, status.rows, status.messages, status.errors);
    let expected = (Some(START_MS + 1_000), 5, 2, 1);
    assert_eq!(seen(fixture.read(device.id).await.status), expected, "what is not written yet is shown");
    assert_eq!(fixture.metadata.save_device_activity().await.unwrap(), 1);
    assert_eq!(fixture.metadata.save_device_activity().await.unwrap(), 0);
    assert_eq!(seen(fixture.read(device.id).await.status), expected);
    let fixture = fixture.reopen().await;
    let read = fixture.read(device.id).await;
    assert_eq!((seen(read.status), read.version), (expected, 1), "a count is no change of the device");
    fixture.metadata.count_device_message(org, device.id, 1, 0);
    let renamed = DeviceChange { name: Some("cellar".into()), ..DeviceChange::default() };
    assert_eq!(fixture.change(&read, renamed).await.unwrap().status.rows, 6);
    fixture.metadata.delete_device(&fixture.owner, device.id, 2).await.unwrap();
    fixture.metadata.count_device_message(org, device.id, 1, 0);
    assert_eq!(fixture.metadata.save_device_activity().await.unwrap(), 1, "one that is gone is no failure");
}
