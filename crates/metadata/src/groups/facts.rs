//! What the record of changes says about groups. A list that is too long to repeat is recorded by its length and by what the other
//! state of the same change does not have.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Group;

/// The most things of a kind that are named.
pub(super) const NAMED: usize = 100;

/// A group before or after a change; `other` is how it was or is besides.
pub(super) fn facts(group: &Group, other: Option<&Group>) -> Value {
    json!({
        "name": group.name,
        "description": group.description,
        "members": listed(members(group), other.map(members)),
        "devices": listed(devices(group), other.map(devices)),
        "places": listed(places(group), other.map(places)),
    })
}

type Named<'g> = Vec<(Uuid, &'g str)>;

fn members(group: &Group) -> Named<'_> {
    group.members.iter().map(|member| (*member.id.as_uuid(), member.login.as_str())).collect()
}

fn devices(group: &Group) -> Named<'_> {
    group.devices.iter().map(|device| (*device.id.as_uuid(), device.name.as_str())).collect()
}

fn places(group: &Group) -> Named<'_> {
    group.places.iter().map(|place| (*place.id.as_uuid(), place.name.as_str())).collect()
}

/// Names by id.
fn listed(named: Named<'_>, other: Option<Named<'_>>) -> Value {
    let other = other.unwrap_or_default();
    let by_id = |named: &mut dyn Iterator<Item = &(Uuid, &str)>| -> Map<String, Value> {
        named.take(NAMED).map(|(id, name)| (id.to_string(), json!(name))).collect()
    };
    if named.len() <= NAMED && other.len() <= NAMED {
        return by_id(&mut named.iter()).into();
    }
    let elsewhere: HashSet<Uuid> = other.iter().map(|(id, _)| *id).collect();
    let mut only_here = named.iter().filter(|(id, _)| !elsewhere.contains(id));
    json!({"count": named.len(), "only_here": by_id(&mut only_here)})
}

#[cfg(test)]
mod tests {
    use sensorium_model::{DeviceId, GroupId};

    use super::super::GroupDevice;
    use super::*;

    fn group(devices: std::ops::Range<u128>) -> Group {
        let device = |number: u128| GroupDevice {
            id: DeviceId::from_uuid(Uuid::from_u128(number)),
            name: format!("device {number}"),
        };
        Group {
            id: GroupId::from_uuid(Uuid::nil()),
            name: "Guests".to_owned(),
            description: String::new(),
            members: Vec::new(),
            devices: devices.map(device).collect(),
            places: Vec::new(),
            version: 1,
            created_at_ms: 0,
        }
    }

    #[test]
    fn a_long_list_is_recorded_by_what_changed() {
        let (few, many) = (group(0..2), group(1..500));
        assert_eq!(facts(&few, None)["devices"][Uuid::from_u128(1).to_string()], "device 1");
        let before = &facts(&few, Some(&many))["devices"];
        assert_eq!(before, &json!({"count": 2, "only_here": {Uuid::from_u128(0).to_string(): "device 0"}}));
        let after = &facts(&many, Some(&few))["devices"];
        assert_eq!((&after["count"], after["only_here"].as_object().unwrap().len()), (&json!(499), NAMED));
        assert!(after["only_here"].get(Uuid::from_u128(1).to_string()).is_none(), "it was there before");
    }
}
