//! Links between Markdown pages and to pictures: each leads to a file that exists.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{has_extension, read, shown, walk};

/// Checks the links of all Markdown files.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (page, target, resolved) in local_links(root)? {
        if !resolved.exists() {
            findings.push(format!("{}: the link to {target:?} leads nowhere", shown(root, &page)));
        }
    }
    Ok(findings)
}

/// All files that some page links to.
pub(crate) fn targets(root: &Path) -> Result<HashSet<PathBuf>> {
    Ok(local_links(root)?.into_iter().map(|(_, _, resolved)| resolved).collect())
}

fn local_links(root: &Path) -> Result<Vec<(PathBuf, String, PathBuf)>> {
    let mut links = Vec::new();
    for page in walk(root)?.into_iter().filter(|path| has_extension(path, "md")) {
        let folder = page.parent().unwrap_or(root).to_owned();
        for target in link_targets(&read(&page)?) {
            let resolved = normal(&folder.join(target.split('#').next().unwrap_or_default()));
            links.push((page.clone(), target, resolved));
        }
    }
    Ok(links)
}

/// The relative targets of `[text](target)` and `src="target"` outside of code blocks.
fn link_targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (opening, closing) in [("](", ')'), ("src=\"", '"')] {
            let rest = line.split(opening).skip(1).filter_map(|rest| rest.split(closing).next());
            targets
                .extend(rest.filter(|t| !t.is_empty() && !t.contains("://") && !t.starts_with('#')).map(str::to_owned));
        }
    }
    targets
}

/// Resolves `.` and `..` without asking the file system.
fn normal(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_links_outside_of_code_count() {
        let text = "[a](b.md#x) [w](https://example.org) [h](#here)\n```\n[c](d.md)\n```\n<img src=\"p.png\">\n";
        assert_eq!(link_targets(text), ["b.md#x", "p.png"]);
    }

    #[test]
    fn parents_are_resolved() {
        assert_eq!(normal(Path::new("/r/docs/../README.md")), Path::new("/r/README.md"));
    }
}
