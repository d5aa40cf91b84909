//! What the files say.
//!
//! A kind of things that is not mentioned is left alone. What a thing does not mention is at its default: none, or for
//! `enabled` true.

mod devices;
mod groups;
mod places;
mod templates;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) use devices::{Device, DeviceType};
pub(super) use groups::Group;
pub(super) use places::Place;
pub(super) use templates::Template;

/// A whole folder.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) device_types: Option<Vec<DeviceType>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) places: Option<Vec<Place>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) devices: Option<Vec<Device>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) templates: Option<Vec<Template>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) groups: Option<Vec<Group>>,
}

/// A kind of things, in the order in which they need each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    DeviceType,
    Place,
    Device,
    Template,
    Group,
}

impl Kind {
    /// Where such things are in the API.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::DeviceType => "/api/v1/device-types",
            Self::Place => "/api/v1/places",
            Self::Device => "/api/v1/devices",
            Self::Template => "/api/v1/templates",
            Self::Group => "/api/v1/groups",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeviceType => "device type",
            Self::Place => "place",
            Self::Device => "device",
            Self::Template => "template",
            Self::Group => "group",
        })
    }
}

/// Something that a file declares.
pub(super) trait Declared {
    const KIND: Kind;

    /// What it is known by; of a place the whole path.
    fn name(&self) -> String;

    /// All that can be changed of it, as the API takes it, but with names in the place of ids.
    fn members(&self) -> Map<String, Value>;

    /// What is said once, when it is added.
    fn fixed(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Two names that are the same without regard to case are one.
    fn key(&self) -> String {
        self.name().to_lowercase()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
