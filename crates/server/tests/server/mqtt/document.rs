//! `docs/mqtt-conformance.md`: the statements of `statements.txt` with the tests that name them.
//!
//! A line of `statements.txt` is the number of a statement, what it asks of a server, and where there is one the reason why no
//! test covers it, with bars between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const STATEMENTS: &str = include_str!("statements.txt");
/// What the sections of the standard are called here.
const SECTIONS: &[(&str, &str)] = &[
    ("1.5", "Data"),
    ("2.1", "First byte"),
    ("2.2", "Identifiers and properties"),
    ("3.1", "CONNECT"),
    ("3.2", "CONNACK"),
    ("3.3", "PUBLISH"),
    ("3.4", "PUBACK"),
    ("3.5", "PUBREC"),
    ("3.6", "PUBREL"),
    ("3.7", "PUBCOMP"),
    ("3.8", "SUBSCRIBE"),
    ("3.9", "SUBACK"),
    ("3.10", "UNSUBSCRIBE"),
    ("3.11", "UNSUBACK"),
    ("3.12", "PINGREQ"),
    ("3.14", "DISCONNECT"),
    ("3.15", "AUTH"),
    ("4.1", "Sessions"),
    ("4.2", "Connections"),
    ("4.3", "QoS"),
    ("4.4", "Sending again"),
    ("4.5", "Messages that are received"),
    ("4.6", "Order"),
    ("4.7", "Topics and filters"),
    ("4.8", "Shared subscriptions"),
    ("4.9", "Flow control"),
    ("4.12", "Enhanced authentication"),
    ("4.13", "Errors"),
    ("6.0", "WebSocket"),
];
/// Set to write the page instead of comparing it.
const WRITE: &str = "SENSORIUM_WRITE_DOCUMENTS";
const COMMAND: &str = "SENSORIUM_WRITE_DOCUMENTS=1 cargo test -p sensorium-server --test server mqtt::document";

/// A statement that binds a server.
struct Statement {
    number: &'static str,
    text: &'static str,
    /// Why no test covers it.
    reason: Option<&'static str>,
}

fn statements() -> impl Iterator<Item = Statement> {
    STATEMENTS.lines().map(|line| {
        let mut parts = line.split(" | ");
        let (number, text) = (parts.next().unwrap(), parts.next().unwrap_or_else(|| panic!("{line}")));
        Statement { number, text, reason: parts.next() }
    })
}

/// Fails when a test names a statement that is not in the list.
pub(super) fn assert_known(names: &[&str]) {
    for name in names {
        let is_known = statements().any(|statement| name.strip_prefix("MQTT-") == Some(statement.number));
        assert!(is_known, "{name} is not in statements.txt");
    }
}

/// The tests of each statement, such as `connect::a_client_is_let_in`.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/mqtt");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let named = text.split("#[test]").skip(1).filter_map(|part| {
            let test = part.split("fn ").nth(1)?.split('(').next()?;
            let statements = part.split("covers!(").nth(1)?.split(");").next()?;
            Some((test, statements.split('"').skip(1).step_by(2)))
        });
        for (test, statements) in named.filter(|_| module != "document") {
            for statement in statements {
                found.entry(statement.to_owned()).or_default().insert(format!("{module}::{test}"));
            }
        }
    }
    found
}

/// What stands in the last column.
fn coverage(statement: &Statement, tests: &BTreeMap<String, BTreeSet<String>>) -> String {
    let covering = tests.get(&format!("MQTT-{}", statement.number));
    match (covering, statement.reason) {
        (Some(_), Some(_)) => panic!("{} has tests and a reason to have none", statement.number),
        (Some(tests), None) => tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join("<br>"),
        (None, Some(reason)) => reason.to_owned(),
        (None, None) => "not covered".to_owned(),
    }
}

/// The page.
fn page() -> String {
    let tests = tests();
    let with_coverage = |statement: Statement| {
        let coverage = coverage(&statement, &tests);
        (statement, coverage)
    };
    let all: Vec<(Statement, String)> = statements().map(with_coverage).collect();
    let count = |is_counted: fn(&str) -> bool| all.iter().filter(|(_, coverage)| is_counted(coverage)).count();
    let mut page = format!(
        "# Conformance to MQTT 5.0\n\n\
         What the numbered statements of [MQTT 5.0](https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html) ask of a \
         server, in our words, and the tests in `crates/server/tests/server/mqtt` that cover each. This page is made of these \
         tests:\n\n```text\n{COMMAND}\n```\n\n\
         | statements | number |\n|---|---|\n| covered by tests | {} |\n| not applicable here | {} |\n\
         | not testable from outside | {} |\n| not covered | {} |\n",
        count(|coverage| coverage.starts_with('`')),
        count(|coverage| coverage.starts_with("not applicable")),
        count(|coverage| coverage.starts_with("not testable")),
        count(|coverage| coverage == "not covered"),
    );
    let mut last = String::new();
    for (statement, coverage) in &all {
        let section: String = statement.number.split('.').take(2).collect::<Vec<_>>().join(".");
        if section != last {
            let (_, title) = SECTIONS.iter().find(|(known, _)| *known == section).unwrap();
            write!(page, "\n## {section} {title}\n\n| statement | what it asks | tests |\n|---|---|---|\n").unwrap();
            last = section;
        }
        writeln!(page, "| {} | {} | {coverage} |", statement.number, statement.text).unwrap();
    }
    page
}

#[test]
fn the_page_says_what_the_tests_cover() {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../docs/mqtt-conformance.md"].iter().collect();
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(path, page()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page(), "docs/mqtt-conformance.md is not what the tests cover; write it anew: {COMMAND}");
}

#[test]
fn statements_stand_in_their_order_and_once() {
    let number = |statement: Statement| -> Vec<u32> {
        statement.number.split(['.', '-']).map(|part| part.parse().unwrap()).collect()
    };
    let numbers: Vec<_> = statements().map(number).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next));
}
