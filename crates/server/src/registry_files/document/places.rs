//! What files say about sites, buildings and floors.

use sensorium_metadata::places::PlacePath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::devices::Location;
use super::{Declared, Kind, object};

/// A site, a building or a floor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::registry_files) struct Place {
    pub(in crate::registry_files) name: String,
    pub(in crate::registry_files) kind: KindOfPlace,
    /// What it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::registry_files) parent: Option<PlacePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::registry_files) plan: Option<PlanOfPlace>,
}

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::registry_files) enum KindOfPlace {
    Site,
    Building,
    Floor,
}

/// The plan of a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::registry_files) struct PlanOfPlace {
    /// A file: in YAML beside that file, and once it was read from where the command runs. Without, the server's stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::registry_files) picture: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metres_per_pixel: Option<f64>,
}

impl Place {
    /// The names from the top down to it.
    pub(in crate::registry_files) fn path(&self) -> PlacePath {
        PlacePath::within(self.parent.as_ref(), &self.name)
    }
}

impl Declared for Place {
    const KIND: Kind = Kind::Place;

    fn name(&self) -> String {
        self.path().to_string()
    }

    fn members(&self) -> Map<String, Value> {
        object(json!({
            "name": self.name.trim(), "location": self.location, "level": self.level, "plan": self.plan,
        }))
    }

    fn fixed(&self) -> Map<String, Value> {
        object(json!({ "kind": self.kind, "parent": self.parent }))
    }
}
