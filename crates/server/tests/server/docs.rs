//! Runs every `sh` block of the documentation, page by page, against a real server: what the pages say, works.
//!
//! A page's blocks run in order in one bash with `set -e`, in a folder that holds the two office-room files, with the
//! binary and a Python that has DuckDB and pyarrow on the `PATH`, `SENSORIUM_TOKEN` set, and `localhost:8086` and
//! `/var/lib/sensorium` replaced by the server's address and data folder. Blocks that must not run here (they start servers or
//! need other machines) are marked `text`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Server, TOKEN, python};

/// A page and its runnable blocks.
struct Page {
    path: PathBuf,
    blocks: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn pages() -> Vec<Page> {
    let mut pages: Vec<_> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| Page { blocks: shell_blocks(&std::fs::read_to_string(&path).unwrap()), path })
        .collect();
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    pages
}

fn shell_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line.trim_end()) {
            (None, "```sh") => open = Some(String::new()),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => writeln!(block, "{line}").unwrap(),
            (None, _) => {}
        }
    }
    blocks
}

/// The office-room files: the real ones where the machine has them, else the first rows of each.
fn place_office_files(folder: &Path) {
    let real = std::env::var_os("SENSORIUM_SAMPLE_DATA").map(PathBuf::from).map(|data| data.join("office-room"));
    for name in ["office-2015-02-02.csv", "office-2015-02-04.csv"] {
        let real = real.as_ref().map(|folder| folder.join(name)).filter(|file| file.exists());
        let source = real.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name));
        std::fs::copy(&source, folder.join(name)).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    }
}

fn run(page: &Page) {
    let server = Server::start();
    server.wait_for_host_metrics();
    let folder = tempfile::tempdir().unwrap();
    place_office_files(folder.path());
    let address = server.url().trim_start_matches("http://").to_owned();
    // A person's shell does not mind when `head` leaves before the writer is done; `pipefail` would, so it reads on.
    let mut script = String::from("set -euo pipefail\nhead() { command head \"$@\"; cat >/dev/null; }\n");
    for block in &page.blocks {
        let block = block.replace("localhost:8086", &address);
        script.push_str(&block.replace("/var/lib/sensorium", &server.data_dir().to_string_lossy()));
    }
    let binaries = Path::new(env!("CARGO_BIN_EXE_sensorium")).parent().unwrap();
    let output = Command::new("bash")
        .args(["-x", "-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{}:{}", binaries.display(), python().display(), std::env::var("PATH").unwrap()))
        .env("SENSORIUM_TOKEN", TOKEN)
        .env("SENSORIUM_URL", server.url())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{} failed:\n{}\n{}",
        page.path.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_command_in_the_documentation_works() {
    let pages = pages();
    let with_blocks: Vec<_> = pages.iter().filter(|page| !page.blocks.is_empty()).collect();
    assert!(with_blocks.len() >= 6, "only {} pages have commands: are blocks still marked `sh`?", with_blocks.len());
    for page in with_blocks {
        run(page);
    }
}

#[test]
fn every_setting_stands_on_the_configuration_page() {
    let page = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sensorium")).args(["config", "--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let settings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys: Vec<_> = settings.as_object().unwrap().keys().collect();
    assert!(keys.len() > 15, "{keys:?}");
    let missing: Vec<_> = keys.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/configuration.md does not name {missing:?}");
}

#[test]
fn only_sh_blocks_are_commands() {
    let text = "x\n```text\nno\n```\n```sh\nyes 1\nyes 2\n```\ny\n```sh\nyes 3\n```\n";
    assert_eq!(shell_blocks(text), ["yes 1\nyes 2\n", "yes 3\n"]);
}
