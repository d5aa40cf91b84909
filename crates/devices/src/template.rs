//! What a template is.

use serde::{Deserialize, Serialize};

use crate::variables::Variable;

/// Code for a kind of device, with what a person must fill in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// A word of `a` to `z`, digits and `-`, the same for all versions.
    pub id: String,
    /// From 1; a change of any kind is a new version.
    pub version: u32,
    /// A few words.
    pub title: String,
    /// The device and its sensors.
    pub hardware: String,
    /// What the files are mostly written in.
    pub language: Language,
    /// What it does, what is needed, and how it comes onto the device; plain text.
    pub description: String,
    /// What a person fills in, in the order of a form.
    pub variables: Vec<Variable>,
    /// What comes out.
    pub files: Vec<File>,
}

/// A file of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name, with folders parted by `/`; may hold `{{ variable | file_name }}`.
    pub name: String,
    /// Its text, with `{{ variable | c_string }}` and `{% if … %}`.
    pub body: String,
}

/// What code is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// C and C++, as the Arduino IDE takes it.
    Cpp,
    /// Python.
    Python,
    /// MicroPython.
    MicroPython,
    /// YAML, as ESPHome takes it.
    Yaml,
    /// The POSIX shell.
    Shell,
    /// Rust.
    Rust,
    /// JSON.
    Json,
    /// Commands of Tasmota's console.
    Tasmota,
    /// Anything else.
    Text,
}

/// The filters that write literals for files of an extension; `None` where any may be right.
pub(crate) fn literal_filters(file_name: &str) -> Option<&'static [&'static str]> {
    let (_, extension) = file_name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "ino" | "c" | "cc" | "cpp" | "h" | "hpp" => &["c_string"],
        "py" => &["py_string"],
        "yaml" | "yml" => &["yaml_string", "lambda_string"],
        "sh" => &["sh_string"],
        "rs" => &["rust_string"],
        "json" => &["json_string"],
        _ => return None,
    })
}
