//! What a submission holds: how it is kept, and how two versions differ.

use sensorium_devices::{Template, diff, diff_of_text};

use super::{MAX_BYTES, SubmissionKind};
use crate::entity::submission;
use crate::error::MetadataError;
use crate::registry::NewType;

/// What a submission holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A template of code for devices.
    Template(Template),
    /// A type of devices as it is to be.
    Type(NewType),
}

impl Content {
    /// As it is kept.
    pub(super) fn to_json(&self) -> Result<String, MetadataError> {
        let text = match self {
            Self::Template(template) => serde_json::to_string(template),
            Self::Type(new) => serde_json::to_string(new),
        };
        // Texts, numbers and lists of them always have a JSON form.
        let text = text.unwrap_or_default();
        if text.len() > MAX_BYTES {
            let rule = "it has at most 524,288 bytes as JSON (MAX_BYTES, a fixed limit)";
            return Err(MetadataError::Invalid { what: "what you submit is too large", rule });
        }
        Ok(text)
    }

    /// What a row holds.
    pub(super) fn of(row: &submission::Model) -> Result<Self, MetadataError> {
        Self::parse(SubmissionKind::of(row)?, &row.definition)
    }

    /// What was kept as JSON.
    pub(super) fn parse(kind: SubmissionKind, text: &str) -> Result<Self, MetadataError> {
        let read = match kind {
            SubmissionKind::Template => serde_json::from_str(text).map(Self::Template),
            SubmissionKind::Type => serde_json::from_str(text).map(Self::Type),
        };
        read.map_err(|_| MetadataError::Unreadable("submission"))
    }

    /// What differs from another version, as a unified diff; empty if nothing does.
    pub(super) fn changes_from(&self, before: &Self) -> String {
        match (before, self) {
            (Self::Template(old), Self::Template(new)) => diff(old, new),
            (Self::Type(old), Self::Type(new)) => diff_of_text("type", &old.to_string(), &new.to_string()),
            // Versions of a thing are of one kind.
            (Self::Template(_), Self::Type(_)) | (Self::Type(_), Self::Template(_)) => String::new(),
        }
    }
}
