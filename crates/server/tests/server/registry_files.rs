//! `apply` and `export-config`: the registry of one server as files, and of files another server.

use std::path::Path;

use serde_json::json;

use crate::support::{Server, Start, TOKEN, fail, succeed};

const FILES: &str = "
device_types:
- name: Climate sensor
  table: climate
  fields:
  - {name: temperature, unit: Cel, min: -40, max: 80.5}
  - {name: humidity, unit: '%'}
devices:
- name: attic
  type: Climate sensor
  attributes: {note: \"it's # not: a comment\", empty: ''}
  tags: {floor: '3', site: \"*home\"}
  location: {latitude: 48.20771, longitude: -16.37}
- {name: 'on', enabled: false}
- name: \"2026-01-01 ümläut\"
";

fn apply(server: &Server, files: &Path, more: &[&str]) -> std::process::Command {
    let mut command = server.command(&["apply"]);
    command.arg("-f").arg(files).args(more);
    command
}

#[test]
fn what_one_server_exports_makes_another_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("first.yaml");
    std::fs::write(&files, FILES).unwrap();
    let first = Start::new().quiet().start();

    let unsaid = apply(&first, &files, &[]).output().unwrap();
    let (plan, sentence) = (String::from_utf8_lossy(&unsaid.stdout), String::from_utf8_lossy(&unsaid.stderr));
    assert_eq!(unsaid.status.code(), Some(1), "{sentence}");
    assert!(plan.contains("+ device \"attic\"") && sentence.contains("--yes"), "{plan}{sentence}");
    assert_eq!(first.get("/api/v1/devices")["devices"], json!([]), "a plan changed something");

    let done = succeed(&mut apply(&first, &files, &["--yes"]));
    assert!(done.ends_with("Done: added 4, changed 0, removed 0.\n"), "{done}");
    assert!(succeed(&mut apply(&first, &files, &[])).starts_with("Nothing to change: 4 are"));

    let exported = folder.path().join("exported");
    let wrote = succeed(first.command(&["export-config"]).arg("--output").arg(&exported));
    assert_eq!(wrote.lines().count(), 2, "{wrote}");
    let second = Start::new().quiet().start();
    succeed(&mut apply(&second, &exported, &["--yes"]));
    let text = |server: &Server| succeed(&mut server.command(&["export-config"]));
    assert_eq!(text(&first), text(&second));
    // Also what YAML would take for something else came through.
    let devices = second.get("/api/v1/devices?sort=created")["devices"].clone();
    let names: Vec<&str> = devices.as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 3);
    let attic = devices.as_array().unwrap().iter().find(|of| of["name"] == "attic").unwrap();
    assert_eq!(attic["attributes"], json!({"note": "it's # not: a comment", "empty": ""}));
    assert_eq!(attic["location"], json!({"latitude": 48.20771, "longitude": -16.37}));
    assert_eq!(attic["type"]["name"], "Climate sensor");
    assert!(names.contains(&"on") && names.contains(&"2026-01-01 ümläut"), "{names:?}");
}

#[test]
fn a_change_and_a_removal_are_planned_and_done_and_audited() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("a.yaml");
    std::fs::write(&files, FILES).unwrap();
    let server = Start::new().quiet().start();
    succeed(&mut apply(&server, &files, &["--yes"]));

    std::fs::write(&files, "devices:\n- {name: attic, type: null, tags: {floor: '4'}}\n").unwrap();
    let sentence = succeed(&mut apply(&server, &files, &["--yes"]));
    assert!(sentence.contains("    tags.floor: \"3\" → \"4\"\n") && sentence.contains("changed 1"), "{sentence}");
    let done = succeed(&mut apply(&server, &files, &["--prune", "--yes"]));
    assert!(done.contains("- device \"on\"") && done.contains("removed 2"), "{done}");
    assert!(!done.contains("device type"), "a kind that no file mentions was touched: {done}");
    let devices = server.get("/api/v1/devices")["devices"].clone();
    assert_eq!((devices.as_array().unwrap().len(), &devices[0]["type"]), (1, &json!(null)));
    assert!(server.get("/api/v1/audit").to_string().contains("\"4\""));
}

#[test]
fn a_step_that_fails_ends_the_run_and_the_next_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("a.yaml");
    let of = |middle: &str| format!("devices:\n- name: a\n- name: \"{middle}\"\n- name: c\n");
    std::fs::write(&files, of(&"x".repeat(101))).unwrap();
    let server = Start::new().quiet().start();
    let sentence = fail(&mut apply(&server, &files, &["--yes"]));
    assert!(sentence.contains("1 of 3 steps are done") && sentence.contains("MAX_NAME"), "{sentence}");
    std::fs::write(&files, of("b")).unwrap();
    let done = succeed(&mut apply(&server, &files, &["--yes"]));
    assert!(done.contains("added 2"), "{done}");
}

#[test]
fn a_credential_that_may_not_change_devices_changes_none() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("a.yaml");
    std::fs::write(&files, FILES).unwrap();
    let server = Start::new().quiet().start();
    let reader = succeed(&mut server.command(&["token", "create", "--name", "r", "--read"]));
    let by = |token: &str| {
        let mut command = crate::support::sensorium();
        command.args(["apply", "--yes", "--url", server.url(), "--token", token.trim(), "-f"]).arg(&files);
        command
    };
    assert!(fail(&mut by(&reader)).contains("may not change devices"));
    assert!(fail(&mut by("wrong")).contains("token"));
    assert_eq!(server.get("/api/v1/devices")["devices"], json!([]));
    succeed(&mut by(TOKEN));
    let nowhere = folder.path().join("no-data");
    let mut command = crate::support::sensorium();
    let sentence = fail(command.args(["apply", "-f"]).arg(&files).arg("--data-dir").arg(&nowhere));
    assert!(sentence.contains("sensorium serve") && !nowhere.exists(), "{sentence}");
}
