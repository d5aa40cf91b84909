//! What a device is as a row of its table: checked, made, changed, and told in the record of changes.

use sensorium_model::{OrgId, PlaceId, Principal};
use serde_json::{Value, json};

use super::devices::{Device, Location, NewDevice, Position};
use super::{check_labels, check_name, name_key, to_json, wrong};
use crate::entity::device;
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// The point on a plan that a row names.
pub(super) fn position(row: &device::Model) -> Option<Position> {
    let (x, y) = row.place_x.zip(row.place_y)?;
    Some(Position { place: PlaceId::from_uuid(row.place_id?), x, y })
}

/// Checks a device and removes white space around its name; what it writes as was checked by [`called`].
pub(super) fn checked(new: NewDevice) -> Result<NewDevice, MetadataError> {
    let name = check_name("device", &new.name)?.to_owned();
    check_labels("attribute", &new.attributes)?;
    check_labels("tag", &new.tags)?;
    if let Some(location) = new.location {
        check_location(location)?;
    }
    if let Some(Position { x, y, .. }) = new.position
        // Not a number is in no range.
        && !((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y))
    {
        let rule = "give x from the left and y from the top as fractions from 0 to 1";
        return Err(wrong(format!("the point {x}, {y} is not on the plan"), rule));
    }
    Ok(NewDevice { name, ..new })
}

/// What a device is to call itself when it writes, as it is kept.
pub(super) fn called(name: &str) -> Result<String, MetadataError> {
    Ok(name_key(check_name("device that it writes as", name)?))
}

pub(crate) fn check_location(Location { latitude, longitude }: Location) -> Result<(), MetadataError> {
    // Not a number is in no range.
    if !(-90.0..=90.0).contains(&latitude) {
        return Err(wrong(format!("latitude {latitude} is on no map"), "give degrees from -90 to 90"));
    }
    if !(-180.0..=180.0).contains(&longitude) {
        return Err(wrong(format!("longitude {longitude} is on no map"), "give degrees from -180 to 180"));
    }
    Ok(())
}

/// The row of a new device that was checked.
pub(super) fn added(who: &Principal, new: &NewDevice, now_ms: i64) -> device::Model {
    let added_by = who.answerable().map(|person| *person.as_uuid());
    device::Model { id: Metadata::new_id(), added_by, ..row(who.org, new, now_ms) }
}

/// What a device that was checked decides of its row.
fn row(org: OrgId, new: &NewDevice, now_ms: i64) -> device::Model {
    device::Model {
        id: uuid::Uuid::nil(),
        org_id: *org.as_uuid(),
        name: new.name.clone(),
        name_key: name_key(&new.name),
        type_id: new.type_id.map(|id| *id.as_uuid()),
        attributes: to_json(&new.attributes),
        tags: to_json(&new.tags),
        enabled: new.enabled,
        latitude: new.location.map(|location| location.latitude),
        longitude: new.location.map(|location| location.longitude),
        place_id: new.position.map(|position| *position.place.as_uuid()),
        place_x: new.position.map(|position| position.x),
        place_y: new.position.map(|position| position.y),
        writes_as: new.writes_as.clone(),
        added_by: None,
        version: 1,
        created_at_ms: now_ms,
        last_seen_ms: 0,
        rows_accepted: 0,
        messages: 0,
        errors: 0,
    }
}

/// The row that a device has after a change, with the next version.
pub(super) fn changed(before: &device::Model, new: &NewDevice) -> device::Model {
    let after = row(OrgId::from_uuid(before.org_id), new, before.created_at_ms);
    device::Model {
        id: before.id,
        added_by: before.added_by,
        version: before.version.saturating_add(1),
        last_seen_ms: before.last_seen_ms,
        rows_accepted: before.rows_accepted,
        messages: before.messages,
        errors: before.errors,
        ..after
    }
}

/// What the record of changes says about a device.
pub(super) fn facts(device: &Device) -> Value {
    json!({
        "name": device.name,
        "type": device.device_type.as_ref().map(|device_type| &device_type.name),
        "attributes": device.attributes,
        "tags": device.tags,
        "writes_as": device.writes_as,
        "enabled": device.enabled,
        "latitude": device.location.map(|location| location.latitude),
        "longitude": device.location.map(|location| location.longitude),
        "place": device.position.map(|position| position.place),
        "x": device.position.map(|position| position.x),
        "y": device.position.map(|position| position.y),
    })
}
