//! Types of devices.

use sensorium_metadata::registry::{Decoder, MAX_FIELDS, TypeField, shipped_types};
use sensorium_metadata::{DeviceChange, Edit, MetadataError, NewDevice, NewType, RegistryError, TypeChange};
use sensorium_model::{ErrorKind, Principal, Role};
use serde_json::json;

use crate::fixture::{Fixture, kind, new_device, new_type, sentence};

fn field(name: &str, min: Option<f64>, max: Option<f64>) -> TypeField {
    TypeField { name: name.into(), display_name: String::new(), unit: "Cel".into(), min, max }
}

#[tokio::test]
async fn a_type_is_added_changed_and_deleted() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let new = NewType { name: " Büro-Klima ".into(), fields: vec![field("t", Some(-5.5), None)], ..new_type("") };
    let made = metadata.create_device_type(owner, new).await.unwrap();
    assert_eq!((made.name.as_str(), made.version, made.decoder), ("Büro-Klima", 1, None));
    let taken = metadata.create_device_type(owner, new_type("BÜRO-KLIMA")).await;
    assert!(sentence(taken).contains("\"Büro-Klima\" already"));
    let another = metadata.create_device_type(owner, new_type("another")).await.unwrap();
    let names: Vec<_> = metadata.device_types(owner).await.unwrap().into_iter().map(|of| of.name).collect();
    assert_eq!(names, ["another", "Büro-Klima"]);

    let change = || TypeChange {
        version: 1,
        name: Some("büro-klima".into()),
        decoder: Edit::Set(Decoder::LineProtocol),
        ..TypeChange::default()
    };
    let changed = metadata.change_device_type(owner, made.id, change()).await.unwrap();
    assert_eq!((changed.version, changed.decoder, &changed.fields), (2, Some(Decoder::LineProtocol), &made.fields));
    assert_eq!(metadata.device_type(owner, made.id).await.unwrap(), changed);
    match metadata.change_device_type(owner, made.id, change()).await {
        Err(MetadataError::Registry(RegistryError::TypeChanged(current))) => assert_eq!(*current, changed),
        other => unreachable!("{other:?}"),
    }
    let to_taken = TypeChange { version: 1, name: Some("Büro-Klima".into()), ..TypeChange::default() };
    assert_eq!(kind(metadata.change_device_type(owner, another.id, to_taken).await), Some(ErrorKind::Conflict));
    assert_eq!(kind(metadata.delete_device_type(owner, made.id, 1).await), Some(ErrorKind::Conflict));
    metadata.delete_device_type(owner, made.id, 2).await.unwrap();
    assert_eq!(kind(metadata.device_type(owner, made.id).await), Some(ErrorKind::Missing));

    let log = fixture.log("device_type").await;
    let actions: Vec<_> = log.iter().map(|(action, name, ..)| (action.as_str(), name.as_str())).collect();
    let expected =
        [("deleted", "büro-klima"), ("changed", "Büro-Klima"), ("created", "another"), ("created", "Büro-Klima")];
    assert_eq!(actions, expected);
    assert_eq!((&log[1].2["decoder"], &log[1].3["decoder"]), (&json!(null), &json!("line_protocol")));
    assert_eq!(log[0].2["fields"][0]["min"], json!(-5.5));
}

#[tokio::test]
async fn a_type_that_devices_have_stays() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let of = metadata.create_device_type(owner, new_type("climate")).await.unwrap();
    let mut devices = Vec::new();
    for number in 0..12 {
        let new = NewDevice { type_id: Some(of.id), ..new_device(&format!("device {number:02}")) };
        devices.push(metadata.create_device(owner, new).await.unwrap());
    }
    match metadata.delete_device_type(owner, of.id, 1).await {
        Err(MetadataError::Registry(RegistryError::TypeInUse { count, names })) => {
            assert_eq!((count, names.len(), names[9].as_str()), (12, 10, "device 09"));
        }
        other => unreachable!("{other:?}"),
    }
    assert!(sentence(metadata.delete_device_type(owner, of.id, 1).await).starts_with("12 devices have this type"));
    for device in &devices {
        fixture.change(device, DeviceChange { type_id: Edit::Clear, ..DeviceChange::default() }).await.unwrap();
    }
    metadata.delete_device_type(owner, of.id, 1).await.unwrap();
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_the_limit() {
    let fixture = Fixture::new().await;
    let refused = async |new: NewType, part: &str| {
        let sentence = sentence(fixture.metadata.create_device_type(&fixture.owner, new).await);
        assert!(sentence.contains(part), "{sentence}");
    };
    let with = |field: TypeField| NewType { fields: vec![field], ..new_type("x") };
    refused(new_type(" "), "MAX_NAME").await;
    refused(new_type(&"x".repeat(101)), "MAX_NAME").await;
    refused(new_type("a\u{7}b"), "control characters").await;
    refused(NewType { description: "x".repeat(1_001), ..new_type("x") }, "MAX_DESCRIPTION").await;
    refused(NewType { table: String::new(), ..new_type("x") }, "table").await;
    refused(with(field("time", None, None)), "reserved").await;
    refused(with(field("t", Some(2.0), Some(1.0))), "range").await;
    refused(with(field("t", Some(f64::NAN), None)), "range").await;
    refused(with(TypeField { unit: "deg C".into(), ..field("t", None, None) }), "UCUM").await;
    refused(with(TypeField { unit: "°C".into(), ..field("t", None, None) }), "UCUM").await;
    let twice = vec![field("t", None, None), field("t", None, None)];
    refused(NewType { fields: twice, ..new_type("x") }, "twice").await;
    let many = (0..=MAX_FIELDS).map(|number| field(&format!("f{number}"), None, None)).collect();
    refused(NewType { fields: many, ..new_type("x") }, "MAX_FIELDS").await;
}

#[tokio::test]
async fn the_types_that_are_shipped_can_be_added() {
    let fixture = Fixture::new().await;
    for new in shipped_types() {
        let expected = new.clone();
        let made = fixture.metadata.create_device_type(&fixture.owner, new).await.unwrap();
        assert_eq!((made.name, made.table, made.fields), (expected.name, expected.table, expected.fields));
    }
    assert_eq!(fixture.metadata.device_types(&fixture.owner).await.unwrap().len(), 5);
}

#[tokio::test]
async fn another_organisation_and_viewers_change_nothing() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let of = metadata.create_device_type(&fixture.owner, new_type("climate")).await.unwrap();
    let stranger = &fixture.stranger;
    let rename = || TypeChange { version: 1, name: Some("mine".into()), ..TypeChange::default() };
    assert_eq!(kind(metadata.device_type(stranger, of.id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.change_device_type(stranger, of.id, rename()).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.delete_device_type(stranger, of.id, 1).await), Some(ErrorKind::Missing));
    assert!(metadata.device_types(stranger).await.unwrap().is_empty());
    let device = NewDevice { type_id: Some(of.id), ..new_device("theirs") };
    assert_eq!(kind(metadata.create_device(stranger, device).await), Some(ErrorKind::Missing));
    assert!(metadata.create_device_type(stranger, new_type("climate")).await.is_ok(), "names are of an organisation");
    let viewer = Principal { role: Role::Viewer, can_write: false, ..fixture.owner.clone() };
    assert_eq!(kind(metadata.create_device_type(&viewer, new_type("x")).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.change_device_type(&viewer, of.id, rename()).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.delete_device_type(&viewer, of.id, 1).await), Some(ErrorKind::Denied));
    assert_eq!(metadata.device_type(&viewer, of.id).await.unwrap().name, "climate");
}
