//! Writes a document as YAML: one text, or a file for each kind.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::document::Document;

/// The document as one text.
pub(super) fn text(document: &Document) -> Result<String> {
    serde_saphyr::to_string(document).context("the configuration cannot be written as YAML")
}

/// Writes a file for each kind of things and returns where they are. Files of the same names are replaced, each once the new one
/// is whole; others stay.
pub(super) fn files(document: &Document, folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let Document { device_types, devices } = document;
    let parts = [
        ("device-types.yaml", Document { device_types: device_types.clone(), ..Document::default() }),
        ("devices.yaml", Document { devices: devices.clone(), ..Document::default() }),
    ];
    let mut written = Vec::new();
    for (name, part) in parts {
        let path = folder.join(name);
        let draft = folder.join(format!("{name}.part"));
        std::fs::write(&draft, text(&part)?)
            .and_then(|()| std::fs::rename(&draft, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}
