//! What files say about devices and their types.

use std::collections::BTreeMap;

use sensorium_metadata::places::PlacePath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Declared, Kind, object};

/// A kind of devices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::registry_files) struct DeviceType {
    pub(in crate::registry_files) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    table: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decoder: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
}

/// Something that devices of a type measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    display_name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    unit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::registry_files) struct Device {
    pub(in crate::registry_files) name: String,
    /// The name of its type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(in crate::registry_files) device_type: Option<String>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    enabled: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    /// What it calls itself when it writes with a key for devices, if that is not its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    writes_as: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::registry_files) position: Option<Position>,
}

/// Degrees north and east.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Location {
    latitude: f64,
    longitude: f64,
}

/// A point on the plan of a place, as fractions from the left and from the top.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::registry_files) struct Position {
    pub(in crate::registry_files) place: PlacePath,
    x: f64,
    y: f64,
}

impl Device {
    /// What it calls itself when it writes, as the server keeps it.
    pub(in crate::registry_files) fn called(&self) -> Option<String> {
        self.writes_as.as_ref().map(|name| name.trim().to_lowercase())
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
fn is_yes(enabled: &bool) -> bool {
    *enabled
}

impl Declared for DeviceType {
    const KIND: Kind = Kind::DeviceType;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn members(&self) -> Map<String, Value> {
        object(json!({
            "name": self.name, "description": self.description, "table": self.table, "decoder": self.decoder,
            "fields": self.fields,
        }))
    }
}

impl Declared for Device {
    const KIND: Kind = Kind::Device;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn members(&self) -> Map<String, Value> {
        object(json!({
            "name": self.name, "type": self.device_type, "enabled": self.enabled, "attributes": self.attributes,
            "tags": self.tags, "writes_as": self.called(), "location": self.location, "position": self.position,
        }))
    }
}
