//! What files say about groups: what is in one, but not which people.

use sensorium_metadata::places::PlacePath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Declared, Kind, object};

/// A group of devices and places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::registry_files) struct Group {
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    /// The names of its devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::registry_files) devices: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::registry_files) places: Vec<PlacePath>,
}

impl Group {
    /// Puts what is in it in order, each thing once: the order means nothing.
    pub(in crate::registry_files) fn sort(&mut self) {
        self.devices.sort_by_key(|name| name.to_lowercase());
        self.devices.dedup_by_key(|name| name.to_lowercase());
        self.places.sort_by_key(PlacePath::key);
        self.places.dedup_by_key(|path| path.key());
    }
}

impl Declared for Group {
    const KIND: Kind = Kind::Group;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn members(&self) -> Map<String, Value> {
        object(json!({
            "name": self.name, "description": self.description, "devices": self.devices, "places": self.places,
        }))
    }
}
