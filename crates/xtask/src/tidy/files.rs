//! Dead files: Rust modules that no `mod` names, and pages and pictures of the documentation that nothing links.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{has_extension, links, read, shown, walk};

/// Checks crates and documentation for files that nothing uses.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let source = entry?.path().join("src");
        findings.extend(orphans(&source)?.into_iter().map(|path| {
            format!("{}: no `mod` declaration leads here; delete the file or declare it", shown(root, &path))
        }));
    }
    let linked = links::targets(root)?;
    for path in walk(&root.join("docs"))? {
        if !linked.contains(&path) {
            findings
                .push(format!("{}: no page links here; link it from docs/README.md or delete it", shown(root, &path)));
        }
    }
    Ok(findings)
}

/// The Rust files below a crate's `src` that its roots do not reach.
fn orphans(source: &Path) -> Result<Vec<PathBuf>> {
    let files = walk(source)?;
    let mut reached: HashSet<PathBuf> = HashSet::new();
    let mut open: Vec<PathBuf> = files
        .iter()
        .filter(|path| {
            let at_root = path.parent() == Some(source) && ["lib.rs", "main.rs"].iter().any(|n| path.ends_with(n));
            at_root || path.starts_with(source.join("bin"))
        })
        .cloned()
        .collect();
    while let Some(file) = open.pop() {
        let home = module_folder(&file);
        for module in modules(&read(&file)?) {
            open.extend(
                [home.join(format!("{module}.rs")), home.join(&module).join("mod.rs")]
                    .into_iter()
                    .filter(|p| p.exists()),
            );
        }
        reached.insert(file);
    }
    Ok(files.into_iter().filter(|path| has_extension(path, "rs") && !reached.contains(path)).collect())
}

/// Where the child modules of a file lie.
fn module_folder(file: &Path) -> PathBuf {
    let parent = file.parent().unwrap_or(Path::new("."));
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("lib" | "main" | "mod") | None => parent.to_owned(),
        Some(stem) => parent.join(stem),
    }
}

/// The modules that a file declares without a body.
fn modules(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let declaration = line.trim().strip_suffix(';')?;
            let (visibility, name) = declaration.rsplit_once("mod ")?;
            let plain = visibility.is_empty() || visibility.starts_with("pub");
            (plain && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_declarations_are_recognised() {
        let text = "pub mod a;\nmod b;\npub(crate) mod c;\nmod d { }\n// mod e;\nuse x::mod_f;\n";
        assert_eq!(modules(text), ["a", "b", "c"]);
    }

    #[test]
    fn children_of_a_module_lie_in_its_folder() {
        assert_eq!(module_folder(Path::new("src/wal.rs")), Path::new("src/wal"));
        assert_eq!(module_folder(Path::new("src/wal/mod.rs")), Path::new("src/wal"));
    }
}
