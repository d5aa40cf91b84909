//! The direction of dependencies: who may see whom, and which heavy crates stay behind one door.

use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::{read, shown};

/// Crates in layers; a crate may depend on its own layer only where [`SAME_LAYER`] says so, and on any layer before.
const LAYERS: &[(&str, &[&str])] = &[
    ("pure", &["model", "protocols", "agent", "devices"]),
    ("features", &["features"]),
    ("state", &["store", "query", "metadata", "ingest", "live", "mail"]),
    ("edge", &["api", "gateways", "postgres"]),
    ("binary", &["server"]),
    ("tools", &["bench", "xtask"]),
];

/// The dependencies inside one layer that are meant.
const SAME_LAYER: &[(&str, &str)] =
    &[("protocols", "model"), ("agent", "model"), ("query", "store"), ("ingest", "store"), ("ingest", "metadata")];

/// Crates that only these of ours may name.
const QUARANTINE: &[(&str, &[&str])] = &[
    ("datafusion", &["query"]),
    ("sea-orm", &["metadata"]),
    ("axum", &["api", "gateways", "server"]),
    ("influxdb-line-protocol", &["protocols"]),
    ("minijinja", &["devices"]),
    ("lettre", &["mail"]),
    ("pgwire", &["postgres"]),
];

/// What pure crates must not name: no sockets, no runtime, no clock of their own.
const IMPURE: &[&str] = &["tokio", "axum", "reqwest", "datafusion", "arrow", "parquet", "sea-orm", "rand"];

/// Checks the manifests of all crates.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let manifest = entry?.path().join("Cargo.toml");
        let table: Table = read(&manifest)?.parse().with_context(|| shown(root, &manifest))?;
        let package = table.get("package").and_then(|p| p.get("name")).and_then(Value::as_str).unwrap_or_default();
        let name = package.trim_start_matches("sensorium-");
        let dependencies = names(&table, "dependencies");
        findings
            .extend(violations(name, &dependencies).into_iter().map(|v| format!("{}: {v}", shown(root, &manifest))));
    }
    Ok(findings)
}

fn names(manifest: &Table, section: &str) -> Vec<String> {
    manifest.get(section).and_then(Value::as_table).map(|t| t.keys().cloned().collect()).unwrap_or_default()
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, members)| members.contains(&name))
}

fn violations(name: &str, dependencies: &[String]) -> Vec<String> {
    let Some(own) = layer(name) else {
        return vec![format!("crate {name:?} has no layer; add it to LAYERS and to ARCHITECTURE.md")];
    };
    let mut found = Vec::new();
    for dependency in dependencies {
        if let Some(other) = dependency.strip_prefix("sensorium-") {
            let allowed = match layer(other) {
                None => false,
                Some(level) if level == own => SAME_LAYER.contains(&(name, other)),
                Some(level) => level < own,
            };
            if !allowed {
                found.push(format!("{name} must not depend on {other}: dependencies point from edges to pure crates"));
            }
        }
        if let Some((crate_name, owners)) = QUARANTINE.iter().find(|(quarantined, _)| quarantined == dependency)
            && !owners.contains(&name)
        {
            found.push(format!("only {} may depend on {crate_name}", owners.join(", ")));
        }
        if own == 0 && IMPURE.contains(&dependency.as_str()) {
            found.push(format!("{name} is pure and must not depend on {dependency}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, dependency: &str) -> usize {
        violations(name, &[dependency.to_owned()]).len()
    }

    #[test]
    fn arrows_point_from_edges_to_pure_crates() {
        assert_eq!(found("api", "sensorium-store"), 0);
        assert_eq!(found("query", "sensorium-store"), 0);
        assert_eq!(found("ingest", "sensorium-metadata"), 0);
        assert_eq!(found("metadata", "sensorium-ingest"), 1);
        assert_eq!(found("store", "sensorium-query"), 1);
        assert_eq!(found("store", "sensorium-live"), 1);
        assert_eq!(found("model", "sensorium-store"), 1);
    }

    #[test]
    fn heavy_crates_stay_behind_one_door() {
        assert_eq!(found("query", "datafusion"), 0);
        assert_eq!(found("api", "datafusion"), 1);
        assert_eq!(found("protocols", "tokio"), 1);
        assert_eq!(found("novel", "serde"), 1);
    }
}
