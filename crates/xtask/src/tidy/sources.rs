//! Rust sources: every module says what it is for, and none has grown into two.

use std::path::Path;

use anyhow::Result;

use super::{has_extension, read, shown, walk};

/// A file with more lines than this before its tests holds two things.
const MAX_LINES: usize = 500;

/// Checks all Rust files of the project.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in walk(&root.join("crates"))?.into_iter().filter(|path| has_extension(path, "rs")) {
        let text = read(&path)?;
        findings.extend(complaints(&text).into_iter().map(|complaint| format!("{}: {complaint}", shown(root, &path))));
    }
    Ok(findings)
}

fn complaints(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push("open the file with a `//!` header that says what the module is for".to_owned());
    }
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    if lines > MAX_LINES {
        found.push(format!("{lines} lines before its tests (limit {MAX_LINES}): split what it holds into two modules"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_required_and_tests_do_not_count() {
        assert_eq!(complaints("//! Fine.\nfn a() {}\n").len(), 0);
        assert_eq!(complaints("fn a() {}\n").len(), 1);
        assert_eq!(complaints(&format!("//! Long.\n{}", "x\n".repeat(MAX_LINES))).len(), 1);
        assert_eq!(complaints(&format!("//! Long tests.\n#[cfg(test)]\n{}", "x\n".repeat(MAX_LINES))).len(), 0);
    }
}
