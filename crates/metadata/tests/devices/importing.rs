//! Adding and changing many devices at once.

use sensorium_metadata::places::{NewPlace, PlaceKind};
use sensorium_metadata::registry::{Location, PlaceOnPlan, Problems};
use sensorium_metadata::{
    DeviceQuery, DeviceSort, Edit, Import, ImportRow, Imported, MetadataError, NewDevice, RegistryError,
};
use sensorium_model::{ErrorKind, Principal, Role};
use serde_json::json;

use crate::fixture::{Fixture, kind, new_device, new_type};

fn row(line: u64, name: &str) -> ImportRow {
    ImportRow {
        line,
        name: name.into(),
        device_type: Edit::Keep,
        attributes: None,
        tags: None,
        writes_as: Edit::Keep,
        enabled: None,
        location: Edit::Keep,
        position: Edit::Keep,
    }
}

fn file(rows: Vec<ImportRow>) -> Import {
    Import { rows, problems: Problems::default() }
}

async fn count(fixture: &Fixture) -> usize {
    let query = DeviceQuery { limit: 1_000, sort: DeviceSort::Name, ..DeviceQuery::default() };
    fixture.metadata.devices(&fixture.owner, &query).await.unwrap().0.len()
}

#[tokio::test]
async fn rows_add_change_and_leave_devices() {
    let fixture = Fixture::new().await;
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    metadata.create_device_type(owner, new_type("Climate")).await.unwrap();
    let place = Location { latitude: 1.0, longitude: 2.0 };
    let attributes: std::collections::BTreeMap<_, _> = [("room".to_owned(), "x".to_owned())].into();
    let new = NewDevice { attributes: attributes.clone(), location: Some(place), ..new_device("Attic") };
    let attic = metadata.create_device(owner, new).await.unwrap();
    let secret = fixture.token(attic.id).await;
    assert!(fixture.who(&secret).await.is_some());
    let rows = || {
        file(vec![
            ImportRow { device_type: Edit::Set("CLIMATE".into()), enabled: Some(false), ..row(2, " attic ") },
            ImportRow { location: Edit::Set(place), ..row(3, "new") },
        ])
    };
    let expected = Imported { created: 1, updated: 1, unchanged: 0 };
    assert_eq!(metadata.import_devices(owner, rows(), true).await.unwrap(), expected);
    assert_eq!((count(&fixture).await, fixture.read(attic.id).await), (1, attic.clone()), "only asked");
    assert_eq!(metadata.import_devices(owner, rows(), false).await.unwrap(), expected);
    let now = fixture.read(attic.id).await;
    assert_eq!((now.name.as_str(), now.version, now.enabled), ("attic", 2, false));
    assert_eq!(
        (now.device_type.unwrap().name.as_str(), &now.attributes, now.location),
        ("Climate", &attributes, Some(place))
    );
    assert!(fixture.who(&secret).await.is_none(), "it was disabled");
    let again = Imported { created: 0, updated: 0, unchanged: 2 };
    assert_eq!(metadata.import_devices(owner, rows(), false).await.unwrap(), again);
    let clear =
        ImportRow { device_type: Edit::Clear, location: Edit::Clear, attributes: Some([].into()), ..row(2, "attic") };
    metadata.import_devices(owner, file(vec![clear]), false).await.unwrap();
    let now = fixture.read(attic.id).await;
    assert_eq!((now.device_type, now.location, now.attributes.len(), now.enabled), (None, None, 0, false));

    let log = fixture.log("device").await;
    let actions: Vec<_> = log.iter().map(|(action, name, ..)| (action.as_str(), name.as_str())).collect();
    let expected = [
        ("imported", ""),
        ("changed", "attic"),
        ("imported", ""),
        ("imported", ""),
        ("changed", "Attic"),
        ("created", "new"),
        ("created", "Attic"),
    ];
    assert_eq!(actions, expected);
    assert_eq!((&log[4].2["type"], &log[4].3["type"]), (&json!(null), &json!("Climate")));
}

#[tokio::test]
async fn a_file_is_taken_whole_or_not_at_all() {
    let fixture = Fixture::new().await;
    let mut wrong = file(vec![
        row(2, "good"),
        row(3, "GOOD"),
        row(4, ""),
        ImportRow { device_type: Edit::Set("none".into()), ..row(5, "a") },
        ImportRow { tags: Some([("x".into(), "\n".into())].into()), ..row(6, "b") },
    ]);
    wrong.problems.add(7, "it was no text");
    match fixture.metadata.import_devices(&fixture.owner, wrong, false).await {
        Err(MetadataError::Registry(RegistryError::Import(problems))) => {
            let lines: Vec<u64> = problems.first.iter().map(|problem| problem.line).collect();
            assert_eq!((problems.total, lines), (5, vec![3, 4, 5, 6, 7]), "{problems:?}");
            assert!(problems.first[0].problem.contains("line 2"), "{problems:?}");
            assert!(problems.first[2].problem.contains("\"none\""), "{problems:?}");
        }
        other => unreachable!("{other:?}"),
    }
    assert_eq!(count(&fixture).await, 0);
    let many = file((1..=250).map(|line| row(line, "")).collect());
    match fixture.metadata.import_devices(&fixture.owner, many, true).await {
        Err(MetadataError::Registry(RegistryError::Import(problems))) => {
            assert_eq!((problems.total, problems.first.len()), (250, 100));
        }
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn more_rows_than_one_statement_takes_are_taken() {
    let fixture = Fixture::new().await;
    let rows = || file((0..1_234).map(|number| row(number + 2, &format!("device {number}"))).collect());
    let done = fixture.metadata.import_devices(&fixture.owner, rows(), false).await.unwrap();
    assert_eq!(done, Imported { created: 1_234, ..Imported::default() });
    let again = fixture.metadata.import_devices(&fixture.owner, rows(), false).await.unwrap();
    assert_eq!(again, Imported { unchanged: 1_234, ..Imported::default() });
}

#[tokio::test]
async fn viewers_import_nothing_and_organisations_do_not_meet() {
    let fixture = Fixture::new().await;
    let viewer = Principal { role: Role::Viewer, can_write: false, ..fixture.owner.clone() };
    let denied = fixture.metadata.import_devices(&viewer, file(vec![row(2, "x")]), true).await;
    assert_eq!(kind(denied), Some(ErrorKind::Denied));
    let attic = fixture.device("attic").await;
    let theirs = ImportRow { enabled: Some(false), ..row(2, "attic") };
    let done = fixture.metadata.import_devices(&fixture.stranger, file(vec![theirs]), false).await.unwrap();
    assert_eq!(done, Imported { created: 1, ..Imported::default() });
    assert_eq!(fixture.read(attic.id).await, attic);
}

fn problems_of(result: Result<Imported, MetadataError>) -> Vec<(u64, String)> {
    match result {
        Err(MetadataError::Registry(RegistryError::Import(problems))) => {
            problems.first.into_iter().map(|problem| (problem.line, problem.problem)).collect()
        }
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_device_writes_as_goes_to_another_one_and_is_never_shared() {
    let fixture = Fixture::new().await;
    let writing = |line, name: &str, called: &str| {
        let writes_as = if called.is_empty() { Edit::Clear } else { Edit::Set(called.into()) };
        ImportRow { writes_as, ..row(line, name) }
    };
    let take = async |rows| fixture.metadata.import_devices(&fixture.owner, file(rows), false).await;
    take(vec![writing(2, "a", "One"), writing(3, "b", "Two"), row(4, "c")]).await.unwrap();
    let called = async || {
        let query = DeviceQuery { limit: 10, sort: DeviceSort::Name, ..DeviceQuery::default() };
        let (devices, _) = fixture.metadata.devices(&fixture.owner, &query).await.unwrap();
        devices.into_iter().map(|device| device.writes_as.unwrap_or_default()).collect::<Vec<_>>()
    };
    // Two change places, and a new one takes what a third lets go.
    take(vec![writing(2, "a", "two"), writing(3, "b", "one")]).await.unwrap();
    assert_eq!(called().await, ["two", "one", ""]);
    take(vec![writing(2, "d", "one"), writing(3, "b", "")]).await.unwrap();
    assert_eq!(called().await, ["two", "", "", "one"]);
    let told = problems_of(take(vec![writing(2, "b", "ONE"), writing(3, "c", "x"), writing(4, "e", "X")]).await);
    assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4], "{told:?}");
    assert!(told[0].1.contains("\"d\"") && told[1].1.contains("line 3"), "{told:?}");
    assert_eq!(called().await, ["two", "", "", "one"]);
    // Another organisation has names of its own.
    let theirs = fixture.metadata.import_devices(&fixture.stranger, file(vec![writing(2, "a", "one")]), false).await;
    assert_eq!(theirs.unwrap().created, 1);
}

#[tokio::test]
async fn a_place_is_found_by_its_names_in_the_own_organisation() {
    let fixture = Fixture::new().await;
    let place = |name: &str, kind, parent| NewPlace { name: name.into(), kind, parent, location: None, level: None };
    let (metadata, owner) = (&fixture.metadata, &fixture.owner);
    let farm = metadata.create_place(owner, place("Farm", PlaceKind::Site, None)).await.unwrap().id;
    let house = metadata.create_place(owner, place("House", PlaceKind::Building, Some(farm))).await.unwrap().id;
    let at = |line, path: &str, x| {
        let position = Edit::Set(PlaceOnPlan { place: path.parse().unwrap(), x, y: 0.5 });
        file(vec![ImportRow { position, ..row(line, "attic") }])
    };
    metadata.import_devices(owner, at(2, "FARM / house", 0.25), false).await.unwrap();
    let query = DeviceQuery { limit: 10, ..DeviceQuery::default() };
    let (devices, _) = metadata.devices(owner, &query).await.unwrap();
    let position = devices[0].position.unwrap();
    assert_eq!((position.place, position.x, position.y), (house, 0.25, 0.5));
    for wrong in [at(7, "House", 0.5), at(7, "Farm/House/Floor", 0.5), at(7, "Farm/House", 1.5)] {
        let told = problems_of(metadata.import_devices(owner, wrong, false).await);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, 7, "{told:?}");
    }
    let theirs = problems_of(metadata.import_devices(&fixture.stranger, at(2, "Farm/House", 0.5), false).await);
    assert!(theirs[0].1.contains("there is no place"), "{theirs:?}");
    let away = file(vec![ImportRow { position: Edit::Clear, ..row(2, "attic") }]);
    metadata.import_devices(owner, away, false).await.unwrap();
    assert_eq!(metadata.devices(owner, &query).await.unwrap().0[0].position, None);
}
