//! The committed `openapi.json` is what the code says.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::read;
use crate::cargo::cargo;

/// The committed document's name.
const FILE: &str = "openapi.json";

/// Compares the committed document with the code's.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let committed = read(&root.join(FILE))?;
    if committed == generated(root)? {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "{FILE}: differs from the code; run `cargo xtask openapi`, then `npm run api` in web/, and commit both"
    )])
}

/// Writes the code's document over the committed one.
pub(crate) fn write(root: &Path) -> Result<()> {
    std::fs::write(root.join(FILE), generated(root)?).with_context(|| format!("cannot write {FILE}"))
}

/// What the code says; building it is left to cargo, which has it already when this runs as part of `make test`.
fn generated(root: &Path) -> Result<String> {
    let output = cargo(root)
        .args(["run", "--quiet", "--locked", "--package", "sensorium-api", "--example", "openapi"])
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "printing the document failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).context("the document is not UTF-8")
}
