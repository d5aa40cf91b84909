//! What the files say.
//!
//! A kind of things that is not mentioned is left alone. What a thing does not mention is at its default: none, or for
//! `enabled` true.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A whole folder.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) device_types: Option<Vec<DeviceType>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) devices: Option<Vec<Device>>,
}

/// A kind of devices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceType {
    pub(super) name: String,
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
pub(super) struct Device {
    pub(super) name: String,
    /// The name of its type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) device_type: Option<String>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    enabled: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

/// Degrees north and east.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Location {
    latitude: f64,
    longitude: f64,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
fn is_yes(enabled: &bool) -> bool {
    *enabled
}

/// A kind of things, in the order in which they need each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    DeviceType,
    Device,
}

impl Kind {
    /// Where such things are in the API.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::DeviceType => "/api/v1/device-types",
            Self::Device => "/api/v1/devices",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeviceType => "device type",
            Self::Device => "device",
        })
    }
}

/// Something that a file declares.
pub(super) trait Declared {
    const KIND: Kind;

    /// What it is known by.
    fn name(&self) -> &str;

    /// All that can be said of it, as the API takes it, but with names in the place of ids.
    fn members(&self) -> Map<String, Value>;

    /// Two names that are the same without regard to case are one.
    fn key(&self) -> String {
        self.name().to_lowercase()
    }
}

impl Declared for DeviceType {
    const KIND: Kind = Kind::DeviceType;

    fn name(&self) -> &str {
        &self.name
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

    fn name(&self) -> &str {
        &self.name
    }

    fn members(&self) -> Map<String, Value> {
        object(json!({
            "name": self.name, "type": self.device_type, "enabled": self.enabled, "attributes": self.attributes,
            "tags": self.tags, "location": self.location,
        }))
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
