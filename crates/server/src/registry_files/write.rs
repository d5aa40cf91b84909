//! Writes a document as YAML: one text, or a file for each kind.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::document::Document;

/// The document as one text.
pub(super) fn text(document: &Document) -> Result<String> {
    serde_saphyr::to_string(document).context("the configuration cannot be written as YAML")
}

/// Writes a file for each kind of things that the document mentions and returns where they are. Files of the same names are
/// replaced, each once the new one is whole; others stay.
pub(super) fn files(document: Document, folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let Document { device_types, places, devices, templates, groups } = document;
    let parts = [
        ("device-types.yaml", Document { device_types, ..Document::default() }),
        ("places.yaml", Document { places, ..Document::default() }),
        ("devices.yaml", Document { devices, ..Document::default() }),
        ("templates.yaml", Document { templates, ..Document::default() }),
        ("groups.yaml", Document { groups, ..Document::default() }),
    ];
    let mentioned = parts.iter().filter(|(_, part)| *part != Document::default());
    mentioned.map(|(name, part)| whole(&folder.join(name), text(part)?.as_bytes())).collect()
}

/// Writes a file that is there once it is whole; where it is.
pub(super) fn whole(path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let draft = path.with_file_name(name);
    std::fs::write(&draft, bytes)
        .and_then(|()| std::fs::rename(&draft, path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_owned())
}
