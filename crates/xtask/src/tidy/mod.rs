//! What `cargo xtask tidy` checks; each module holds one kind of check and returns findings as `path: what to do`.

pub(crate) mod dependencies;
pub(crate) mod features;
pub(crate) mod files;
pub(crate) mod links;
pub(crate) mod openapi;
pub(crate) mod sources;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Runs every check; an empty list means that the tree is tidy.
pub(crate) fn run(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    findings.extend(dependencies::check(root)?);
    findings.extend(features::check(root)?);
    findings.extend(sources::check(root)?);
    findings.extend(files::check(root)?);
    findings.extend(links::check(root)?);
    findings.extend(openapi::check(root)?);
    findings.sort();
    Ok(findings)
}

/// The files below a folder, sorted; build output and hidden folders are left out.
pub(crate) fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') || ["target", "node_modules", "dist", "data"].contains(&name.as_ref()) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a text file, naming it in the error.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A path as findings show it: relative to the project.
pub(crate) fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// Whether a path has an extension.
pub(crate) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}
