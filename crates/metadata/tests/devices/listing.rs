//! Listing devices.

use sensorium_metadata::{DeviceQuery, DeviceSort, MetadataError, NewDevice};
use sensorium_model::{DeviceId, ErrorKind, Principal};

use crate::fixture::{Fixture, kind, new_device, new_type};

/// The names of all devices that a query finds, read a page of two at a time.
async fn names(fixture: &Fixture, query: DeviceQuery) -> Result<Vec<String>, MetadataError> {
    let mut found = Vec::new();
    let mut query = DeviceQuery { limit: 2, ..query };
    loop {
        let (page, next) = fixture.metadata.devices(&fixture.owner, &query).await?;
        found.extend(page.into_iter().map(|device| device.name));
        match next {
            // As a client sends it.
            Some(next) => query.after = Some(next.to_string().parse().unwrap()),
            None => return Ok(found),
        }
    }
}

#[tokio::test]
async fn devices_are_sorted_filtered_and_paged() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let zebra = metadata.create_device_type(owner, new_type("zebra")).await.unwrap().id;
    let ant = metadata.create_device_type(owner, new_type("Ant")).await.unwrap().id;
    let mut ids = Vec::new();
    for (name, type_id, enabled, room) in [
        ("b", Some(zebra), true, "Attic"),
        ("A", Some(ant), true, "100%"),
        ("c", None, false, "1000"),
        ("d", Some(ant), true, ""),
        ("E", Some(zebra), false, "attic"),
    ] {
        let new = NewDevice { type_id, enabled, attributes: [("room".into(), room.into())].into(), ..new_device(name) };
        ids.push(metadata.create_device(owner, new).await.unwrap().id);
        fixture.pass(1);
    }
    for id in [ids[3], ids[0]] {
        metadata.count_device_message(owner.org, id, 1, 0);
        fixture.pass(1);
    }
    metadata.save_device_activity().await.unwrap();
    metadata.create_device(&fixture.stranger, new_device("theirs")).await.unwrap();

    for (sort, expected) in [
        (DeviceSort::Name, ["A", "b", "c", "d", "E"]),
        (DeviceSort::Created, ["b", "A", "c", "d", "E"]),
        (DeviceSort::Type, ["c", "A", "d", "b", "E"]),
        (DeviceSort::LastSeen, ["A", "c", "E", "d", "b"]),
    ] {
        let query = DeviceQuery { sort, ..DeviceQuery::default() };
        assert_eq!(names(&fixture, query.clone()).await.unwrap(), expected, "{sort:?}");
        let reversed: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(names(&fixture, DeviceQuery { descending: true, ..query }).await.unwrap(), reversed, "{sort:?}");
    }
    let text = |text: &str| DeviceQuery { text: Some(text.into()), ..DeviceQuery::default() };
    assert_eq!(names(&fixture, text("ATTIC")).await.unwrap(), ["b", "E"]);
    assert_eq!(names(&fixture, text("0%")).await.unwrap(), ["A"]);
    assert_eq!(names(&fixture, text("")).await.unwrap().len(), 5);
    let of = DeviceQuery { type_id: Some(ant), ..DeviceQuery::default() };
    assert_eq!(names(&fixture, of.clone()).await.unwrap(), ["A", "d"]);
    let off = DeviceQuery { enabled: Some(false), ..DeviceQuery::default() };
    assert_eq!(names(&fixture, off).await.unwrap(), ["c", "E"]);
    assert_eq!(names(&fixture, DeviceQuery { enabled: Some(false), ..of }).await.unwrap(), [""; 0]);
    assert_eq!(kind(names(&fixture, text(&"x".repeat(101))).await), Some(ErrorKind::Invalid));
    assert_eq!(kind(names(&fixture, text("a\0b")).await), Some(ErrorKind::Invalid));
}

#[tokio::test]
async fn a_place_in_another_order_is_refused() {
    let fixture = Fixture::new().await;
    for name in ["a", "b"] {
        fixture.device(name).await;
    }
    let query = DeviceQuery { limit: 1, ..DeviceQuery::default() };
    let (_, next) = fixture.metadata.devices(&fixture.owner, &query).await.unwrap();
    let other = DeviceQuery { after: next, sort: DeviceSort::Created, ..query };
    assert_eq!(kind(fixture.metadata.devices(&fixture.owner, &other).await), Some(ErrorKind::Invalid));
}

#[tokio::test]
async fn a_page_by_last_seen_goes_on_where_it_was_written() {
    let fixture = Fixture::new().await;
    let (a, b) = (fixture.device("a").await, fixture.device("b").await);
    let query = DeviceQuery { limit: 1, sort: DeviceSort::LastSeen, ..DeviceQuery::default() };
    let first = if a.id < b.id { &a } else { &b };
    // It is seen, but that is not written yet: it is still sorted among those that were never seen.
    fixture.metadata.count_device_message(fixture.owner.org, first.id, 1, 0);
    assert_eq!(names(&fixture, DeviceQuery { limit: 1, ..query.clone() }).await.unwrap().len(), 2);
    let (page, next) = fixture.metadata.devices(&fixture.owner, &query).await.unwrap();
    assert_eq!(page[0].id, first.id);
    let (page, _) = fixture.metadata.devices(&fixture.owner, &DeviceQuery { after: next, ..query }).await.unwrap();
    assert_eq!(page.len(), 1, "the other one is not hidden");
}

#[tokio::test]
async fn names_are_those_of_the_own_organisation() {
    let fixture = Fixture::new().await;
    let (ours, nothing) = (fixture.device("ours").await.id, DeviceId::from_uuid(uuid::Uuid::nil()));
    let theirs = fixture.metadata.create_device(&fixture.stranger, new_device("theirs")).await.unwrap().id;
    let ids = [ours, theirs, nothing];
    let named = fixture.metadata.device_names(&fixture.owner, &ids).await.unwrap();
    assert_eq!(named, [(ours, "ours".to_owned())].into());
    assert!(fixture.metadata.device_names(&fixture.owner, &[]).await.unwrap().is_empty());
    let guest = Principal { can_read: false, ..fixture.owner.clone() };
    assert_eq!(kind(fixture.metadata.device_names(&guest, &ids).await), Some(ErrorKind::Denied));
}
