//! Dependencies have the same features whatever is built, so that each is compiled once: see `crates/features`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::cargo::cargo;

/// The crates whose dependencies are worth sharing: those that need DataFusion.
const CRATES: &[&str] = &["sensorium-query", "sensorium-api", "sensorium-server"];

/// Compares the features that each crate alone asks for with those of the whole workspace.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let whole = tree(root, &["--workspace", "--edges", "all"])?;
    let mut findings = BTreeSet::new();
    for name in CRATES {
        for edges in ["all", "normal,build"] {
            let alone = tree(root, &["--package", name, "--edges", edges])?;
            findings.extend(alone.difference(&whole).map(|package| {
                format!("crates/features/Cargo.toml: {name} alone builds {package}; add the features that the workspace builds it with")
            }));
        }
    }
    Ok(findings.into_iter().collect())
}

/// The third-party packages of a selection as `name version|features`.
fn tree(root: &Path, selection: &[&str]) -> Result<BTreeSet<String>> {
    let output = cargo(root)
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}|{f}"])
        .args(selection)
        .output()
        .context("cannot run cargo tree")?;
    ensure!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(packages(&String::from_utf8(output.stdout)?))
}

fn packages(tree: &str) -> BTreeSet<String> {
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    lines.filter(|line| line.contains('|') && !line.starts_with("sensorium-")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_crates_and_feature_rows_do_not_count() {
        let tree = "sensorium-query v0.1.0 (/p)|\narrow v59.0.0|csv (*)\nserde feature \"std\"\narrow v59.0.0|csv\n";
        assert_eq!(packages(tree), BTreeSet::from(["arrow v59.0.0|csv".to_owned()]));
    }
}
