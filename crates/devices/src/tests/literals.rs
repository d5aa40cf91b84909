//! Every filter against the language that it writes for: what comes out of the literal is what went in.

use std::fmt::Write as _;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::tools::{from_pypi, run, succeed};
use crate::escape::{
    c_string, comment, file_name, json_string, lambda_string, line_protocol, py_string, rust_string, sh_string,
    tasmota, url_part, yaml_string,
};

/// Texts that want to be code somewhere.
const HOSTILE: &[&str] = &[
    "",
    "\"",
    "'",
    "\\",
    "\\\"; system(\"id\"); //",
    "$(id)`id`${HOME}$HOME",
    "a\nb\r\nc\td",
    "*/ /* // # --",
    "??/\" ??'",
    "%s%n %value% {{ x }} {% y %} {# z #}",
    "x\\",
    "!literal &a *a [1] {b: c} - d: e",
    "id(x) $x ENDON ON System#Boot DO Reset 1 ENDON",
    "Grüße 東京 🌡 \u{202e}abc\u{2028}\u{85}\u{feff}\u{7f}\u{1b}[31m",
    "\u{1}7\u{1f}0",
    "\u{e9}1\u{ff}f\u{100}0\u{1f600}0",
    "N\\N{BULLET}\\x41\\u0041\\101",
];

/// Hostile texts and some by chance, always the same; without NUL, which no variable takes.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let strategy = prop_oneof![
        "[\\x01-\\x7f]{0,12}",
        "[\"'\\\\$`?{}()#%;|&\n\r\t ]{0,12}",
        proptest::collection::vec(any::<char>().prop_filter("NUL", |c| *c != '\0'), 0..8)
            .prop_map(|characters| characters.into_iter().collect::<String>()),
    ];
    for _ in 0..300 {
        texts.push(strategy.new_tree(&mut runner).unwrap().current());
    }
    texts
}

#[test]
fn python_reads_its_literals_back() {
    let texts = texts();
    let mut script = String::from("import ast, json, sys\n");
    for text in &texts {
        let literal = py_string(text).unwrap();
        assert!(literal.is_ascii() && !literal.contains('\n'), "{literal}");
        // As source of its own, and as the literal of a literal's text.
        writeln!(script, "assert {literal} == ast.literal_eval({})", py_string(&literal).unwrap()).unwrap();
        writeln!(script, "sys.stdout.buffer.write(json.dumps({literal}).encode() + b'\\n')").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("literals.py");
    std::fs::write(&path, script).unwrap();
    let printed = String::from_utf8(succeed(Command::new("python3").arg(&path))).unwrap();
    let read: Vec<String> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, texts);
}

#[test]
fn cpp_reads_its_literals_back() {
    let texts = texts();
    let mut source = String::from("#include <string>\nint main() {\n");
    for text in &texts {
        let bytes: Vec<String> = text.bytes().map(|byte| format!("(char){byte}")).collect();
        for literal in [c_string(text).unwrap(), lambda_string(text).unwrap()] {
            assert!(literal.is_ascii() && !literal.contains('\n'), "{literal}");
            // Digits behind it do not become part of an escape.
            writeln!(source, "static_assert(__builtin_strlen({literal} \"77\") == {});", text.len() + 2).unwrap();
            let letters = bytes.join(",");
            writeln!(
                source,
                "{{ const char want[] = {{{letters}{}0}}; if (__builtin_strcmp(want, {literal})) return 1; }}",
                if bytes.is_empty() { "" } else { "," }
            )
            .unwrap();
        }
    }
    source.push_str("return 0;\n}\n");
    let folder = tempfile::tempdir().unwrap();
    let (path, program) = (folder.path().join("literals.cpp"), folder.path().join("literals"));
    std::fs::write(&path, source).unwrap();
    succeed(
        Command::new("g++").args(["-std=c++11", "-trigraphs", "-w", "-funsigned-char", "-o"]).arg(&program).arg(&path),
    );
    succeed(&mut Command::new(program));
}

#[test]
fn the_shell_reads_its_words_back() {
    for text in texts() {
        let script = format!("printf %s {}", sh_string(&text).unwrap());
        let output = run(Command::new("sh").args(["-c", &script]));
        assert_eq!(String::from_utf8_lossy(&output.stdout), text, "{script}");
    }
}

#[test]
fn yaml_reads_its_texts_back() {
    let texts = texts();
    let mut document = String::new();
    for text in &texts {
        let literal = yaml_string(text).unwrap();
        assert!(literal.is_ascii() && !literal.contains('\n'), "{literal}");
        writeln!(document, "- {literal}").unwrap();
    }
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.argv[1])))";
    let output = run(from_pypi("python", "python3").args(["-c", script, &document]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(serde_json::from_slice::<Vec<String>>(&output.stdout).unwrap(), texts);
}

#[test]
fn json_reads_its_strings_back() {
    for text in texts() {
        let literal = json_string(&text).unwrap();
        assert!(literal.is_ascii(), "{literal}");
        assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), text);
    }
}

#[test]
fn rust_reads_its_literals_back() {
    let mut source = String::from("fn main() {\n");
    for text in texts() {
        let literal = rust_string(&text).unwrap();
        assert!(literal.is_ascii() && !literal.contains('\n'), "{literal}");
        let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
        writeln!(source, "assert_eq!({literal}.as_bytes(), [{}] as [u8; {}]);", bytes.join(","), bytes.len()).unwrap();
    }
    source.push_str("}\n");
    let folder = tempfile::tempdir().unwrap();
    let (path, program) = (folder.path().join("literals.rs"), folder.path().join("literals"));
    std::fs::write(&path, source).unwrap();
    succeed(Command::new("rustc").args(["--edition", "2024", "-o"]).arg(&program).arg(&path));
    succeed(&mut Command::new(program));
}

#[test]
fn what_has_no_quotes_takes_only_plain_words_and_comments_stay_on_their_line() {
    assert_eq!(tasmota("http://192.168.1.10:8086").unwrap(), "http://192.168.1.10:8086");
    for text in ["", "1", "a b", "a;b", "a|b", "a]b", "a[b", "%value%", "a\"b", "a\nb", "a\u{a0}b", "a\\b"] {
        assert!(tasmota(text).is_err(), "{text:?}");
    }
    for text in texts() {
        let line = comment(&text).unwrap();
        assert!(!line.contains(['\\', '\n', '\r']) && !line.contains("*/") && !line.contains("??/"), "{line:?}");
        if let Ok(name) = file_name(&text) {
            assert_eq!(crate::file_name::problem(&format!("{name}.yaml")), None, "{name}");
        }
    }
    assert_eq!(file_name("Kitchen (left)").unwrap(), "kitchen-left");
    assert!(file_name("東京").is_err());
    assert_eq!(url_part("a b&c=d/ü").unwrap(), "a%20b%26c%3Dd%2F%C3%BC");
    assert_eq!(line_protocol("a b,c=d\\").unwrap(), "a\\ b\\,c\\=d\\\\");
    for text in ["", "#a", "a\nb"] {
        assert!(line_protocol(text).is_err(), "{text:?}");
    }
    assert!(c_string("a\0b").is_err() && sh_string("a\0b").is_err() && lambda_string("a\0b").is_err());
    assert_eq!(lambda_string("$x id(y)").unwrap(), r#""\044x id\050y)""#);
}
