//! Groups, and what guests see because of them.

use sensorium_metadata::groups::{MAX_GROUP_DEVICES, MAX_GROUP_PLACES, MAX_MEMBERS};
use sensorium_metadata::places::{NewPicture, NewPlace, Place, PlaceKind};
use sensorium_metadata::registry::{Position, Standing};
use sensorium_metadata::{
    Device, DeviceChange, DeviceQuery, Edit, Group, GroupChange, GroupError, Import, ImportRow, MetadataError,
    NewCommand, NewDevice, NewGroup, NewToken, NewUser, PersonChange,
};
use sensorium_model::{DeviceId, ErrorKind, PlaceId, Principal, Role, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{Fixture, kind, new_device, sentence};

const NOWHERE: Uuid = Uuid::from_u128(7);

impl Fixture {
    /// Somebody of the first organisation.
    async fn user(&self, login: &str, role: Role) -> Principal {
        let new = NewUser { login: login.into(), password: "correct horse battery".into(), role };
        let id = self.metadata.create_user(&self.owner, new).await.unwrap();
        Principal::user(self.owner.org, id, None, role)
    }

    async fn place(&self, name: &str, kind: PlaceKind, parent: Option<&Place>) -> Place {
        let parent = parent.map(|place| place.id);
        let new = NewPlace { name: name.into(), kind, parent, location: None, level: None };
        self.metadata.create_place(&self.owner, new).await.unwrap()
    }

    /// A device that stands in a place.
    async fn standing(&self, name: &str, place: &Place) -> Device {
        let position = Some(Position { place: place.id, x: 0.5, y: 0.5 });
        self.metadata.create_device(&self.owner, NewDevice { position, ..new_device(name) }).await.unwrap()
    }

    async fn group(&self, name: &str, new: NewGroup) -> Group {
        self.metadata.create_group(&self.owner, NewGroup { name: name.into(), ..new }).await.unwrap()
    }

    async fn edit(&self, group: &Group, change: GroupChange) -> Group {
        let change = GroupChange { version: group.version, ..change };
        self.metadata.change_group(&self.owner, group.id, change).await.unwrap()
    }

    /// The names of the devices that somebody sees, also page by page.
    async fn devices_of(&self, who: &Principal) -> Vec<String> {
        let whole = DeviceQuery { limit: 100, ..DeviceQuery::default() };
        let all: Vec<Device> = self.metadata.devices(who, &whole).await.unwrap().0;
        let mut paged = Vec::new();
        let mut query = DeviceQuery { limit: 1, ..DeviceQuery::default() };
        loop {
            let (page, next) = self.metadata.devices(who, &query).await.unwrap();
            paged.extend(page);
            query.after = next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(all, paged, "pages have what the whole has");
        for device in &all {
            assert_eq!(&self.metadata.device(who, device.id).await.unwrap(), device);
        }
        all.into_iter().map(|device| device.name).collect()
    }

    /// The names of the places that somebody sees.
    async fn places_of(&self, who: &Principal) -> Vec<String> {
        let places = self.metadata.places(who).await.unwrap();
        for place in &places {
            assert_eq!(&self.metadata.place(who, place.id).await.unwrap(), place);
            let on = DeviceQuery { place: Some(Standing::On(place.id)), limit: 100, ..DeviceQuery::default() };
            let (on, _) = self.metadata.devices(who, &on).await.unwrap();
            assert_eq!(u64::try_from(on.len()).unwrap(), place.devices, "the count of {}", place.name);
        }
        places.into_iter().map(|place| place.name).collect()
    }
}

fn person(who: &Principal) -> UserId {
    who.person().unwrap()
}

/// A campus with a house with a floor, another house, and a device in each.
async fn campus(fixture: &Fixture) -> [Place; 4] {
    let site = fixture.place("Campus", PlaceKind::Site, None).await;
    let house = fixture.place("House", PlaceKind::Building, Some(&site)).await;
    let floor = fixture.place("Ground", PlaceKind::Floor, Some(&house)).await;
    let other = fixture.place("Other", PlaceKind::Building, None).await;
    for (name, place) in [("gate", &site), ("door", &house), ("lamp", &floor), ("hidden", &other)] {
        fixture.standing(name, place).await;
    }
    [site, house, floor, other]
}

#[tokio::test]
async fn a_guest_sees_what_is_shared_and_only_as_long_as_it_is() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let [site, house, floor, other] = campus(&fixture).await;
    let alone = fixture.device("alone").await;
    let guest = fixture.user("gus", Role::Guest).await;
    let nothing: [String; 0] = [];
    assert_eq!(
        (fixture.devices_of(&guest).await, fixture.places_of(&guest).await),
        (nothing.to_vec(), nothing.to_vec())
    );

    let members = vec![person(&guest)];
    let group = fixture.group("Guests", NewGroup { members, devices: vec![alone.id], ..NewGroup::default() }).await;
    assert_eq!(fixture.devices_of(&guest).await, ["alone"]);
    assert_eq!(fixture.places_of(&guest).await, nothing);
    let group = fixture.edit(&group, GroupChange { places: Some(vec![site.id]), ..GroupChange::default() }).await;
    assert_eq!(fixture.devices_of(&guest).await, ["alone", "door", "gate", "lamp"]);
    assert_eq!(fixture.places_of(&guest).await, ["Campus", "Ground", "House"]);
    let within = DeviceQuery { place: Some(Standing::Within(house.id)), limit: 10, ..DeviceQuery::default() };
    assert_eq!(metadata.devices(&guest, &within).await.unwrap().0.len(), 2);
    let text = DeviceQuery { text: Some("d".into()), limit: 10, ..DeviceQuery::default() };
    let found: Vec<String> = metadata.devices(&guest, &text).await.unwrap().0.into_iter().map(|one| one.name).collect();
    assert_eq!(found, ["door"], "and not the hidden one");

    // What is inside of something that is not shared stands nowhere.
    let group = fixture.edit(&group, GroupChange { places: Some(vec![floor.id]), ..GroupChange::default() }).await;
    assert_eq!(fixture.devices_of(&guest).await, ["alone", "lamp"]);
    assert_eq!(fixture.places_of(&guest).await, ["Ground"]);
    assert_eq!(metadata.place(&guest, floor.id).await.unwrap().parent, None);
    assert_eq!(metadata.place(&fixture.owner, floor.id).await.unwrap().parent, Some(house.id));
    let change =
        DeviceChange { position: Edit::Set(Position { place: other.id, x: 0.1, y: 0.1 }), ..DeviceChange::default() };
    let alone = fixture.change(&alone, change).await.unwrap();
    assert!(alone.position.is_some() && metadata.device(&guest, alone.id).await.unwrap().position.is_none());

    for place in [&house, &other] {
        assert_eq!(kind(metadata.place(&guest, place.id).await), Some(ErrorKind::Missing));
        assert_eq!(kind(metadata.plan_of_place(&guest, place.id).await), Some(ErrorKind::Missing));
        let there = DeviceQuery { place: Some(Standing::Within(place.id)), limit: 10, ..DeviceQuery::default() };
        assert_eq!(kind(metadata.devices(&guest, &there).await), Some(ErrorKind::Missing));
    }
    let (all, _) =
        metadata.devices(&fixture.owner, &DeviceQuery { limit: 10, ..DeviceQuery::default() }).await.unwrap();
    let hidden = all.iter().find(|device| device.name == "hidden").unwrap();
    assert_eq!(kind(metadata.device(&guest, hidden.id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.device_state(&guest, hidden.id).await), Some(ErrorKind::Missing));
    assert_eq!(metadata.device_state(&guest, alone.id).await.unwrap().device, "alone");
    let picture = NewPicture { width: 10, height: 10, media_type: "image/svg+xml", bytes: b"<svg/>".to_vec() };
    metadata.set_plan(&fixture.owner, floor.id, floor.version, picture).await.unwrap();
    assert_eq!(metadata.plan_of_place(&guest, floor.id).await.unwrap().bytes, b"<svg/>");

    // Gone at once, whichever end of it goes.
    let group = fixture.edit(&group, GroupChange { devices: Some(vec![]), ..GroupChange::default() }).await;
    assert_eq!(fixture.devices_of(&guest).await, ["lamp"]);
    let left = fixture.edit(&group, GroupChange { members: Some(vec![]), ..GroupChange::default() }).await;
    assert_eq!(
        (fixture.devices_of(&guest).await, fixture.places_of(&guest).await),
        (nothing.to_vec(), nothing.to_vec())
    );
    let back = GroupChange { members: Some(vec![person(&guest)]), ..GroupChange::default() };
    let group = fixture.edit(&left, back).await;
    assert_eq!(fixture.devices_of(&guest).await, ["lamp"]);
    metadata.delete_group(&fixture.owner, group.id, group.version).await.unwrap();
    assert_eq!(kind(metadata.device(&guest, alone.id).await), Some(ErrorKind::Missing));
    let everyone = ["alone", "door", "gate", "hidden", "lamp"];
    assert_eq!(fixture.devices_of(&fixture.user("vera", Role::Viewer).await).await, everyone);
}

#[tokio::test]
async fn groups_add_up_and_another_persons_do_not_count() {
    let fixture = Fixture::new().await;
    let [_, house, ..] = campus(&fixture).await;
    let alone = fixture.device("alone").await;
    let (gus, greta) = (fixture.user("gus", Role::Guest).await, fixture.user("greta", Role::Guest).await);
    let viewer = fixture.user("vera", Role::Viewer).await;
    let both = vec![person(&gus), person(&greta), person(&viewer)];
    fixture.group("One", NewGroup { members: both, devices: vec![alone.id], ..NewGroup::default() }).await;
    let members = vec![person(&greta), person(&greta)];
    let two = NewGroup { members, places: vec![house.id], devices: vec![alone.id], ..NewGroup::default() };
    let two = fixture.group("Two", two).await;
    assert_eq!(two.members.len(), 1, "each once");
    assert_eq!(fixture.devices_of(&gus).await, ["alone"]);
    assert_eq!(fixture.devices_of(&greta).await, ["alone", "door", "lamp"]);
    assert_eq!(fixture.devices_of(&viewer).await.len(), 5, "a group hides nothing from those who see all");
    let names: Vec<String> =
        fixture.metadata.groups(&fixture.owner).await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["One", "Two"]);
    assert_eq!(fixture.metadata.group(&fixture.owner, two.id).await.unwrap(), two);
}

#[tokio::test]
async fn a_guest_changes_nothing_and_sees_nothing_else() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let [_, house, ..] = campus(&fixture).await;
    let alone = fixture.device("alone").await;
    let guest = fixture.user("gus", Role::Guest).await;
    let members = vec![person(&guest)];
    let new = NewGroup { members, devices: vec![alone.id], places: vec![house.id], ..NewGroup::default() };
    let group = fixture.group("Guests", new).await;
    let denied = Some(ErrorKind::Denied);
    let change = DeviceChange { version: 1, enabled: Some(false), ..DeviceChange::default() };
    assert_eq!(kind(metadata.change_device(&guest, alone.id, change).await), denied);
    assert_eq!(kind(metadata.delete_device(&guest, alone.id, 1).await), denied);
    assert_eq!(kind(metadata.create_device(&guest, new_device("theirs")).await), denied);
    assert_eq!(kind(metadata.set_desired_state(&guest, alone.id, 0, &json!({})).await), denied);
    assert_eq!(kind(metadata.commands(&guest, alone.id, 10).await), denied);
    let command = NewCommand { name: "reboot".into(), arguments: json!({}), timeout_seconds: 60 };
    assert_eq!(kind(metadata.send_command(&guest, alone.id, command).await), denied);
    assert_eq!(kind(metadata.device_tokens(&guest, alone.id).await), denied);
    assert_eq!(kind(metadata.issue_claim(&guest, alone.id, None).await), denied);
    assert_eq!(kind(metadata.delete_place(&guest, house.id, 1).await), denied);
    assert_eq!(kind(metadata.device_types(&guest).await), denied);
    assert_eq!(kind(metadata.inbox(&guest).await), denied);
    assert_eq!(kind(metadata.networks(&guest).await), denied);
    assert_eq!(kind(metadata.audit_log(&guest, 10).await), denied);
    assert_eq!(kind(metadata.people(&guest, &Default::default()).await), denied);
    let token = NewToken {
        name: "t".into(),
        database: None,
        can_read: true,
        can_write: false,
        expires_at_ms: None,
        for_devices: false,
    };
    assert_eq!(kind(metadata.create_token(&guest, token).await), denied);
    for who in [&guest, &fixture.user("vera", Role::Viewer).await, &fixture.user("edith", Role::Editor).await] {
        assert_eq!(kind(metadata.groups(who).await), denied);
        assert_eq!(kind(metadata.group(who, group.id).await), denied);
        assert_eq!(
            kind(metadata.create_group(who, NewGroup { name: "x".into(), ..NewGroup::default() }).await),
            denied
        );
        let change = GroupChange { version: 1, ..GroupChange::default() };
        assert_eq!(kind(metadata.change_group(who, group.id, change).await), denied);
        assert_eq!(kind(metadata.delete_group(who, group.id, 1).await), denied);
    }
    assert_eq!(metadata.account(&guest).await.unwrap().user.unwrap().role, Role::Guest);
    assert!(!metadata.account(&guest).await.unwrap().can_write);
}

#[tokio::test]
async fn a_group_of_another_organisation_does_not_exist_and_has_nothing_of_this_one() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let [site, ..] = campus(&fixture).await;
    let alone = fixture.device("alone").await;
    let guest = fixture.user("gus", Role::Guest).await;
    let group = fixture.group("Guests", NewGroup::default()).await;
    let stranger = &fixture.stranger;
    assert_eq!(metadata.groups(stranger).await.unwrap(), []);
    assert_eq!(kind(metadata.group(stranger, group.id).await), Some(ErrorKind::Missing));
    let change = GroupChange { version: 1, name: Some("x".into()), ..GroupChange::default() };
    assert_eq!(kind(metadata.change_group(stranger, group.id, change).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.delete_group(stranger, group.id, 1).await), Some(ErrorKind::Missing));

    let theirs =
        metadata.create_group(stranger, NewGroup { name: "Guests".into(), ..NewGroup::default() }).await.unwrap();
    for (what, id, change) in [
        (
            "person",
            *person(&guest).as_uuid(),
            GroupChange { members: Some(vec![person(&guest)]), ..Default::default() },
        ),
        ("device", *alone.id.as_uuid(), GroupChange { devices: Some(vec![alone.id]), ..Default::default() }),
        ("place", *site.id.as_uuid(), GroupChange { places: Some(vec![site.id]), ..Default::default() }),
    ] {
        let change = GroupChange { version: 1, name: Some("Other".into()), ..change };
        let refused = metadata.change_group(stranger, theirs.id, change).await.unwrap_err();
        assert!(refused.to_string().contains(&format!("no such {what}: {id}")), "{refused}");
        assert_eq!(refused.kind(), ErrorKind::Missing);
        assert_eq!(metadata.group(stranger, theirs.id).await.unwrap(), theirs, "nothing was changed");
    }
    let new = NewGroup { name: "x".into(), devices: vec![alone.id], ..NewGroup::default() };
    assert_eq!(kind(metadata.create_group(stranger, new).await), Some(ErrorKind::Missing));
    assert_eq!(metadata.groups(stranger).await.unwrap().len(), 1);
    let nowhere = GroupChange { version: 1, devices: Some(vec![DeviceId::from_uuid(NOWHERE)]), ..Default::default() };
    assert!(sentence(metadata.change_group(&fixture.owner, group.id, nowhere).await).contains(&NOWHERE.to_string()));
}

#[tokio::test]
async fn of_two_changes_the_second_is_told_how_the_group_is_now_and_both_ends_are_on_record() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let alone = fixture.device("alone").await;
    let guest = fixture.user("gus", Role::Guest).await;
    let group = fixture.group(" Guests ", NewGroup { members: vec![person(&guest)], ..NewGroup::default() }).await;
    assert_eq!((group.name.as_str(), group.version, group.members[0].login.as_str()), ("Guests", 1, "gus"));
    let change = GroupChange {
        version: 1,
        name: Some("Visitors".into()),
        description: Some("of the house".into()),
        devices: Some(vec![alone.id]),
        ..GroupChange::default()
    };
    let changed = metadata.change_group(&fixture.owner, group.id, change.clone()).await.unwrap();
    assert_eq!((changed.version, &changed.members, changed.devices[0].name.as_str()), (2, &group.members, "alone"));
    let late = metadata.change_group(&fixture.owner, group.id, change).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    assert!(matches!(late, MetadataError::Group(GroupError::Changed(now)) if *now == changed));
    assert_eq!(kind(metadata.delete_group(&fixture.owner, group.id, 1).await), Some(ErrorKind::Conflict));
    let same = NewGroup { name: "VISITORS".into(), ..NewGroup::default() };
    assert_eq!(kind(metadata.create_group(&fixture.owner, same).await), Some(ErrorKind::Conflict));
    metadata.delete_group(&fixture.owner, group.id, 2).await.unwrap();

    let log = fixture.log("group").await;
    let actions: Vec<&str> = log.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["deleted", "changed", "created"]);
    let (_, name, before, after) = &log[1];
    assert_eq!((name.as_str(), &before["name"], &after["name"]), ("Guests", &json!("Guests"), &json!("Visitors")));
    assert_eq!((&before["devices"], &after["devices"]), (&json!({}), &json!({alone.id.to_string(): "alone"})));
    assert_eq!(after["members"], json!({person(&guest).to_string(): "gus"}));
    assert_eq!(log[0].2["devices"], after["devices"]);
}

#[tokio::test]
async fn what_is_deleted_leaves_its_groups() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (attic, cellar) = (fixture.device("attic").await, fixture.device("cellar").await);
    let [first, second] =
        [fixture.place("A", PlaceKind::Site, None).await, fixture.place("B", PlaceKind::Site, None).await];
    let (gus, greta) = (fixture.user("gus", Role::Guest).await, fixture.user("greta", Role::Guest).await);
    let new = NewGroup {
        members: vec![person(&gus), person(&greta)],
        devices: vec![attic.id, cellar.id],
        places: vec![first.id, second.id],
        ..NewGroup::default()
    };
    let group = fixture.group("Guests", new).await;
    metadata.delete_device(&fixture.owner, attic.id, 1).await.unwrap();
    metadata.delete_place(&fixture.owner, first.id, 1).await.unwrap();
    metadata.delete_person(&fixture.owner, person(&gus), 1).await.unwrap();
    let now = metadata.group(&fixture.owner, group.id).await.unwrap();
    let names = (now.members[0].login.as_str(), now.devices[0].name.as_str(), now.places[0].name.as_str());
    assert_eq!(names, ("greta", "cellar", "B"));
    assert_eq!((now.members.len(), now.devices.len(), now.places.len(), now.version), (1, 1, 1, 1));
    let back = GroupChange { version: 1, members: Some(vec![person(&gus)]), ..GroupChange::default() };
    assert_eq!(kind(metadata.change_group(&fixture.owner, group.id, back).await), Some(ErrorKind::Missing));
    assert_eq!(fixture.devices_of(&greta).await, ["cellar"]);

    // Another role is as if nothing was shared, and back again.
    let change = PersonChange { version: 1, role: Some(Role::Viewer), ..PersonChange::default() };
    assert_eq!(metadata.change_person(&fixture.owner, person(&greta), change).await.unwrap().role, Role::Viewer);
    let change = PersonChange { version: 2, role: Some(Role::Guest), ..PersonChange::default() };
    assert_eq!(metadata.change_person(&fixture.owner, person(&greta), change).await.unwrap().role, Role::Guest);
    assert_eq!(fixture.devices_of(&greta).await, ["cellar"]);
}

#[tokio::test]
async fn a_list_that_is_too_long_is_refused_and_the_limit_named() {
    fn made_up<T>(count: usize, from: impl Fn(Uuid) -> T) -> Vec<T> {
        (0_u128..).take(count).map(|number| from(Uuid::from_u128(number))).collect()
    }
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let group = fixture.group("Guests", NewGroup::default()).await;
    for (limit, change) in [
        ("1000", GroupChange { members: Some(made_up(MAX_MEMBERS + 1, UserId::from_uuid)), ..Default::default() }),
        (
            "10000",
            GroupChange { devices: Some(made_up(MAX_GROUP_DEVICES + 1, DeviceId::from_uuid)), ..Default::default() },
        ),
        ("1000", GroupChange { places: Some(made_up(MAX_GROUP_PLACES + 1, PlaceId::from_uuid)), ..Default::default() }),
    ] {
        let change = GroupChange { version: 1, ..change };
        let refused = metadata.change_group(&fixture.owner, group.id, change).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(refused.to_string().contains(&format!("at most {limit}")), "{refused}");
        assert!(refused.to_string().contains("a fixed limit"), "{refused}");
    }
    for name in ["", " ", "a\u{7}", &"x".repeat(101)] {
        let new = NewGroup { name: name.into(), ..NewGroup::default() };
        assert_eq!(kind(metadata.create_group(&fixture.owner, new).await), Some(ErrorKind::Invalid), "{name:?}");
    }
    let long = NewGroup { name: "Long".into(), description: "x".repeat(1_001), ..NewGroup::default() };
    assert_eq!(kind(metadata.create_group(&fixture.owner, long).await), Some(ErrorKind::Invalid));

    // More than one statement takes.
    let row = |number: u32| ImportRow {
        line: 2,
        name: format!("device {number}"),
        device_type: Edit::Keep,
        attributes: None,
        tags: None,
        writes_as: Edit::Keep,
        enabled: None,
        position: Edit::Keep,
        location: Edit::Keep,
    };
    let rows = Import { rows: (0..501).map(row).collect(), ..Import::default() };
    metadata.import_devices(&fixture.owner, rows, false).await.unwrap();
    let all = DeviceQuery { limit: 1_000, ..DeviceQuery::default() };
    let (all, _) = metadata.devices(&fixture.owner, &all).await.unwrap();
    let change = GroupChange { devices: Some(all.iter().map(|one| one.id).collect()), ..GroupChange::default() };
    assert_eq!(fixture.edit(&group, change).await.devices.len(), 501);
}
