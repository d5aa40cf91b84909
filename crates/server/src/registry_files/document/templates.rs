//! What files say about templates of code that people of an organisation wrote.

use sensorium_devices::{File, Language, Variable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Declared, Kind, object};

/// A template that was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::registry_files) struct Template {
    id: String,
    title: String,
    hardware: String,
    language: Language,
    description: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    variables: Vec<Variable>,
    files: Vec<File>,
}

impl Declared for Template {
    const KIND: Kind = Kind::Template;

    fn name(&self) -> String {
        self.id.clone()
    }

    fn members(&self) -> Map<String, Value> {
        object(json!({
            "title": self.title, "hardware": self.hardware, "language": self.language,
            "description": self.description, "variables": self.variables, "files": self.files,
        }))
    }

    fn fixed(&self) -> Map<String, Value> {
        object(json!({ "id": self.id }))
    }
}
