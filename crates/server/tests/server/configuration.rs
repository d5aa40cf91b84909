//! Where settings come from, and what a wrong one says.

use std::fs;

use serde_json::Value;

use crate::support::{fail, sensorium, succeed};

#[test]
fn every_layer_wins_over_the_one_below_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sensorium.toml"), "[query]\nconcurrent = 2\nmax_rows = 5\n").unwrap();
    let config = |args: &[&str]| {
        let mut command = sensorium();
        command.current_dir(folder.path()).env("SENSORIUM_QUERY__MAX_ROWS", "6").arg("config").args(args);
        command
    };
    let text = succeed(&mut config(&["--http", "127.0.0.1:1", "--no-host-metrics"]));
    for (setting, origin) in [
        ("concurrent = 2", "sensorium.toml:2:1"),
        ("max_rows = 6", "environment SENSORIUM_QUERY__MAX_ROWS"),
        ("listen = \"127.0.0.1:1\"", "flag --http"),
        ("enabled = false", "flag --no-host-metrics"),
        ("timeout_seconds = 60", "default"),
    ] {
        let line = text.lines().find(|line| line.starts_with(setting)).unwrap_or_else(|| panic!("{setting}: {text}"));
        assert!(line.ends_with(&format!("# {origin}")), "{line}");
    }
    let json: Value = serde_json::from_str(&succeed(&mut config(&["--format", "json"]))).unwrap();
    assert_eq!(json["query.concurrent"]["value"], 2);
    assert_eq!(json["http.listen"]["origin"], "default");
}

#[test]
fn an_unknown_key_names_the_nearest_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    fs::write(&path, "[http]\nlistn = \"x\"\n").unwrap();
    for command in ["config", "serve", "query"] {
        let mut sensorium = sensorium();
        sensorium.arg(command).arg("--config").arg(&path);
        if command == "query" {
            sensorium.arg("SELECT 1");
        }
        let sentence = fail(&mut sensorium);
        assert!(sentence.contains("s.toml:2:1") && sentence.contains("\"http.listen\""), "{sentence}");
    }
    let sentence = fail(sensorium().arg("serve").env("SENSORIUM_HTTP__LISTN", "x"));
    assert!(sentence.contains("SENSORIUM_HTTP__LISTN") && sentence.contains("\"http.listen\""), "{sentence}");
    let sentence = fail(sensorium().args(["serve", "--set", "http.listn=x"]));
    assert!(sentence.contains("--set") && sentence.contains("\"http.listen\""), "{sentence}");
    let output = sensorium().args(["serve", "--htp", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("'--http'"));
}

#[test]
fn a_damaged_file_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    for (text, place) in
        [("[http\n", ":1:"), ("[http]\n\nlisten = \n", ":3:"), ("[http]\nconnections = \"x\"\n", ":2:1")]
    {
        fs::write(&path, text).unwrap();
        let sentence = fail(sensorium().arg("serve").arg("--config").arg(&path));
        assert!(sentence.contains(&format!("s.toml{place}")), "{text:?}: {sentence}");
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    let sentence = fail(sensorium().arg("serve").arg("--config").arg(&path));
    assert!(sentence.contains("s.toml"), "{sentence}");
}

#[test]
fn a_wrong_value_names_its_setting() {
    for (setting, advice) in [
        ("http.listen=nowhere", "http.listen"),
        ("log.level=loud=er", "log.level"),
        ("http.connections=0", "at least 1"),
        ("tls.cert=missing.pem", "tls.key"),
        ("host_metrics.database=../x", "host_metrics.database"),
    ] {
        let sentence = fail(sensorium().args(["serve", "--data-dir", "/proc/none", "--set", setting]));
        assert!(sentence.contains(advice), "{setting}: {sentence}");
    }
}

#[test]
fn help_has_examples_and_version_prints_it() {
    for command in ["serve", "import", "query", "token", "config", "version"] {
        let help = succeed(sensorium().args([command, "--help"]));
        assert!(help.contains("Example") && help.contains(&format!("sensorium {command}")), "{help}");
    }
    assert_eq!(succeed(sensorium().arg("version")), format!("sensorium {}\n", env!("CARGO_PKG_VERSION")));
}
