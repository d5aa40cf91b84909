//! `apply` and `export-config`: what one server has as files, and of files another server.

use std::collections::BTreeMap;
use std::path::Path;

use sensorium_metadata::{Engine, Metadata, MetadataConfig, NewToken};
use sensorium_model::Principal;
use serde_json::{Value, json};

use crate::support::{Server, Start, TOKEN, block_on, fail, postgres, sensorium, succeed};

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
    for kind in ["device-types", "places", "devices", "templates"] {
        assert!(wrote.contains(&format!("/{kind}.yaml\n")), "{wrote}");
    }
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
        let mut command = sensorium();
        command.args(["apply", "--yes", "--url", server.url(), "--token", token.trim(), "-f"]).arg(&files);
        command
    };
    assert!(fail(&mut by(&reader)).contains("may not change devices"));
    assert!(fail(&mut by("wrong")).contains("token"));
    assert_eq!(server.get("/api/v1/devices")["devices"], json!([]));
    succeed(&mut by(TOKEN));
    let nowhere = folder.path().join("no-data");
    let mut command = sensorium();
    let sentence = fail(command.args(["apply", "-f"]).arg(&files).arg("--data-dir").arg(&nowhere));
    assert!(sentence.contains("sensorium serve") && !nowhere.exists(), "{sentence}");
}

const FARM: &str = r#"
places:
- name: Ground floor
  kind: floor
  parent: Farm/House 1\/2
  level: 0
  plan: {picture: drawings/ground.svg, metres_per_pixel: 0.02}
- {name: Farm, kind: site, location: {latitude: 48.2, longitude: 16.4}}
- {name: House 1/2, kind: building, parent: Farm}
- {name: House 1/2, kind: building}
devices:
- name: bed
  writes_as: ESP_12AB
  position: {place: farm / house 1\/2 / ground floor, x: 0.25, y: 1}
- {name: hall, writes_as: Hall, position: {place: House 1\/2, x: 0, y: 0.125}}
templates:
- id: soil-probe
  title: Soil probe
  hardware: ESP32-C3
  language: micropython
  description: "Reads a probe.\nAnd says so."
  variables:
  - {name: device, label: Name, kind: {type: text, max_characters: 40}, required: true}
  - {name: pin, label: Pin, kind: {type: integer, min: 0, max: 21}, default: 3}
  - {name: how, label: How, kind: {type: choice, options: [{value: 'on', label: 'Yes'}, {value: '3', label: '3'}]}, default: '3'}
  files:
  - name: main.py
    body: "  # How: {{ how }}\nDEVICE = {{ device | py_string }}\n\n\tPIN = {{ pin }}\n\n"
"#;

const DRAWING: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1200 800\"><script>alert(1)</script>\
    <rect width=\"5\" height=\"5\"/></svg>";

/// A folder with [`FARM`] and its drawing.
fn farm(folder: &Path) -> std::path::PathBuf {
    std::fs::create_dir_all(folder.join("drawings")).unwrap();
    std::fs::write(folder.join("drawings/ground.svg"), DRAWING).unwrap();
    let files = folder.join("farm.yaml");
    std::fs::write(&files, FARM).unwrap();
    files
}

/// All files of an export, by name.
fn exported(server: &Server, folder: &Path) -> BTreeMap<String, String> {
    succeed(server.command(&["export-config"]).arg("--output").arg(folder));
    let mut files = BTreeMap::new();
    for folder in [folder.to_owned(), folder.join("plans")] {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            files.insert(
                entry.file_name().unwrap().to_str().unwrap().to_owned(),
                std::fs::read_to_string(entry).unwrap(),
            );
        }
    }
    files
}

fn own_templates(server: &Server) -> Vec<Value> {
    let listed = server.get("/api/v1/templates")["templates"].clone();
    listed.as_array().unwrap().iter().filter(|template| template["shipped"] == false).cloned().collect()
}

#[test]
fn places_with_plans_and_templates_go_from_one_server_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let files = farm(folder.path());
    let first = Start::new().quiet().start();
    let done = succeed(&mut apply(&first, &files, &["--yes"]));
    assert!(done.ends_with("Done: added 7, changed 0, removed 0.\n"), "{done}");
    // The server keeps less of the drawing than the file has; it is the same nevertheless.
    assert!(succeed(&mut apply(&first, &files, &["--prune"])).starts_with("Nothing to change: 7 are"));

    let out = folder.path().join("first");
    let all = exported(&first, &out);
    assert!(
        all["farm-house-1--2-ground-floor.svg"].contains("<rect") && !all.values().any(|text| text.contains("alert"))
    );
    assert!(all["places.yaml"].contains("plans/farm-house-1--2-ground-floor.svg"), "{}", all["places.yaml"]);
    let second = Start::new().quiet().start();
    succeed(&mut apply(&second, &out, &["--yes"]));
    assert!(succeed(&mut apply(&second, &out, &["--prune"])).starts_with("Nothing to change"));
    assert_eq!(exported(&second, &folder.path().join("second")), all);

    let bed = second.get("/api/v1/devices?q=bed")["devices"][0].clone();
    assert_eq!((&bed["writes_as"], &bed["position"]["y"]), (&json!("esp_12ab"), &json!(1.0)));
    let place = second.get(&format!("/api/v1/places/{}", bed["position"]["place"].as_str().unwrap()));
    assert_eq!((&place["name"], &place["plan"]["metres_per_pixel"]), (&json!("Ground floor"), &json!(0.02)));
    let template = second.get("/api/v1/templates/soil-probe");
    let body = "  # How: {{ how }}\nDEVICE = {{ device | py_string }}\n\n\tPIN = {{ pin }}\n\n";
    assert_eq!((&template["sources"][0]["body"], &template["version"]), (&json!(body), &json!(1)));
    // Printed, it names no pictures, and leaves those that there are.
    let text = first.command(&["export-config"]).output().unwrap();
    assert!(String::from_utf8_lossy(&text.stderr).contains("--output"));
    let printed = folder.path().join("printed.yaml");
    std::fs::write(&printed, &text.stdout).unwrap();
    assert!(succeed(&mut apply(&first, &printed, &["--prune"])).starts_with("Nothing to change"));
}

#[test]
fn plans_and_templates_change_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let files = farm(folder.path());
    let server = Start::new().quiet().start();
    succeed(&mut apply(&server, &files, &["--yes"]));
    let apply_text = |text: &str| {
        std::fs::write(&files, text).unwrap();
        let done = succeed(&mut apply(&server, &files, &["--yes"]));
        assert!(succeed(&mut apply(&server, &files, &[])).starts_with("Nothing to change"), "{done}");
        done
    };
    let changed = FARM.replace("0.02", "0.5").replace("title: Soil probe", "title: Probe");
    let done = apply_text(&changed);
    assert!(done.contains("    plan.metres_per_pixel: 0.02 → 0.5\n"), "{done}");
    assert!(done.contains("~ template \"soil-probe\"\n    title: \"Soil probe\" → \"Probe\"\n"), "{done}");
    assert_eq!(own_templates(&server)[0]["version"], 2);
    // A picture of another size loses the scale on the server, and has the one of the file again.
    std::fs::write(folder.path().join("drawings/ground.svg"), DRAWING.replace("1200", "2400")).unwrap();
    let done = apply_text(&changed);
    assert!(done.contains("    plan.picture: \"another picture\" → "), "{done}");
    let floor = server.get("/api/v1/places")["places"].clone();
    let floor = floor.as_array().unwrap().iter().find(|place| place["kind"] == "floor").unwrap().clone();
    assert_eq!((&floor["plan"]["width"], &floor["plan"]["metres_per_pixel"]), (&json!(2400), &json!(0.5)));
    apply_text(&changed.replace("  plan: {picture: drawings/ground.svg, metres_per_pixel: 0.5}\n", ""));
    assert_eq!(server.get(&format!("/api/v1/places/{}", floor["id"].as_str().unwrap()))["plan"], json!(null));

    // What two devices write as changes hands, and a renamed parent takes along what is in it.
    let renamed = FARM.replace("ESP_12AB", "x").replace("Hall", "esp_12ab").replace("writes_as: x", "writes_as: HALL");
    let renamed = renamed.replace("Farm", "Ranch").replace("place: farm", "place: ranch");
    std::fs::write(&files, &renamed).unwrap();
    let done = succeed(&mut apply(&server, &files, &["--yes", "--prune"]));
    assert!(
        done.contains(
            "- place \"Farm/House 1\\\\/2/Ground floor\"\n- place \"Farm/House 1\\\\/2\"\n- place \"Farm\"\n"
        ),
        "{done}"
    );
    assert!(succeed(&mut apply(&server, &files, &["--prune"])).starts_with("Nothing to change"));

    std::fs::write(&files, "places: []\ndevices: []\ntemplates: []\n").unwrap();
    succeed(&mut apply(&server, &files, &["--yes", "--prune"]));
    assert_eq!(server.get("/api/v1/places")["places"], json!([]));
    assert_eq!(own_templates(&server), Vec::<Value>::new(), "an older version took its place");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let files = farm(folder.path());
    let server = Start::new().quiet().start();
    for (wrong, instead, part) in [
        ("parent: Farm}", "parent: Barn}", "the place \"Barn/House 1\\\\/2\" names the place \"Barn\""),
        ("place: House 1", "place: Home 1", "the device \"hall\" names the place"),
        ("drawings/ground.svg", "drawings/none.svg", "cannot read"),
        ("drawings/ground.svg", "farm.yaml", "farm.yaml cannot be a plan"),
        ("writes_as: Hall", "writes_as: esp_12ab", "only one can"),
    ] {
        std::fs::write(&files, FARM.replace(wrong, instead)).unwrap();
        let sentence = fail(&mut apply(&server, &files, &["--yes"]));
        assert!(
            sentence.contains(part) && sentence.contains("farm.yaml") | sentence.contains("none.svg"),
            "{sentence}"
        );
    }
    // Only people decide which code runs on devices.
    std::fs::write(&files, FARM).unwrap();
    let mut by_token = sensorium();
    by_token.args(["apply", "--yes", "--url", server.url(), "--token", TOKEN, "-f"]).arg(&files);
    let sentence = fail(&mut by_token);
    assert!(sentence.contains("which only a person may"), "{sentence}");
    for (path, list) in [("devices", "devices"), ("places", "places")] {
        assert_eq!(server.get(&format!("/api/v1/{path}"))[list], json!([]), "something was changed");
    }
}

#[test]
fn groups_hold_devices_and_places_by_name_and_keep_their_people() {
    let folder = tempfile::tempdir().unwrap();
    let files = farm(folder.path());
    let groups = "groups:\n- name: Beds\n  description: Outside\n  devices: [BED]\n  places: [farm]\n";
    std::fs::write(&files, format!("{FARM}{groups}")).unwrap();
    let first = Start::new().quiet().start();
    succeed(&mut apply(&first, &files, &["--yes"]));
    assert!(succeed(&mut apply(&first, &files, &["--prune"])).starts_with("Nothing to change: 8 are"));
    let out = folder.path().join("first");
    let all = exported(&first, &out);
    assert!(
        all["groups.yaml"].contains("- bed\n") && all["groups.yaml"].contains("- Farm\n"),
        "{}",
        all["groups.yaml"]
    );
    let second = Start::new().quiet().start();
    succeed(&mut apply(&second, &out, &["--yes"]));
    assert_eq!(exported(&second, &folder.path().join("second")), all);
    std::fs::write(&files, format!("{FARM}{}", groups.replace("[BED]", "[hall, bed]").replace("[farm]", "[]")))
        .unwrap();
    let done = succeed(&mut apply(&first, &files, &["--yes"]));
    assert!(done.contains("~ group \"Beds\"") && done.contains("changed 1"), "{done}");
    let group = first.get("/api/v1/groups")["groups"][0].clone();
    assert_eq!((group["devices"].as_array().unwrap().len(), &group["places"]), (2, &json!([])));

    // Only administrators see groups; others export the rest, and are told.
    let editor = succeed(&mut first.command(&["token", "create", "--name", "e", "--read", "--write"]));
    let by_editor = |args: &[&str]| {
        let mut command = sensorium();
        command.args(args).args(["--url", first.url(), "--token", editor.trim()]);
        command
    };
    let told = by_editor(&["export-config"]).output().unwrap();
    assert!(
        told.status.success() && String::from_utf8_lossy(&told.stderr).contains("Groups are not in it"),
        "{told:?}"
    );
    assert!(!String::from_utf8_lossy(&told.stdout).contains("groups:"));
    let sentence = fail(by_editor(&["apply"]).arg("-f").arg(&files));
    assert!(sentence.contains("groups"), "{sentence}");
    std::fs::write(&files, "groups: []\n").unwrap();
    let done = succeed(&mut apply(&first, &files, &["--yes", "--prune"]));
    assert!(done.contains("- group \"Beds\"") && done.contains("removed 1"), "{done}");
}

/// The metadata of a server that does not run, and somebody who may do everything in another organisation there.
pub(crate) async fn another_organisation(data_dir: &Path) -> (Metadata, Principal) {
    let default = MetadataConfig::new(data_dir);
    let engine = postgres::url_of(data_dir).map(|url| Engine::Postgres(url.parse().unwrap()));
    let config = MetadataConfig { engine: engine.unwrap_or(default.engine.clone()), ..default };
    let (metadata, first) = Metadata::open(config).await.unwrap();
    let org = metadata.create_organisation(&Principal::system(first.org), "Elsewhere").await.unwrap();
    (metadata, Principal::system(org))
}

/// An API token of another organisation on the same server, which does not run.
pub(crate) fn token_of_another_organisation(data_dir: &Path) -> String {
    block_on(async {
        let (metadata, somebody) = another_organisation(data_dir).await;
        let new = NewToken {
            name: "elsewhere".into(),
            database: None,
            can_read: true,
            can_write: true,
            expires_at_ms: None,
            for_devices: false,
        };
        let (_, secret) = metadata.create_token(&somebody, new).await.unwrap();
        metadata.close().await.unwrap();
        secret
    })
}

#[test]
fn files_of_one_organisation_never_touch_another() {
    let folder = tempfile::tempdir().unwrap();
    let files = farm(folder.path());
    let data_dir = folder.path().join("data");
    let server = Start::at(&data_dir).quiet().start();
    succeed(&mut apply(&server, &files, &["--yes"]));
    assert!(server.stop().success());
    let token = token_of_another_organisation(&data_dir);
    let server = Start::at(&data_dir).quiet().start();
    let before = exported(&server, &folder.path().join("before"));
    let by_stranger = |args: &[&str]| {
        let mut command = sensorium();
        command.args(args).args(["--url", server.url(), "--token", &token]);
        command
    };
    let theirs = succeed(&mut by_stranger(&["export-config"]));
    assert!(!theirs.contains("Farm") && !theirs.contains("bed") && !theirs.contains("soil-probe"), "{theirs}");
    // The same names are other things, and pruning finds nothing of the first organisation.
    let without_templates = FARM.split("templates:").next().unwrap();
    for text in [without_templates, "device_types: []\nplaces: []\ndevices: []\n"] {
        std::fs::write(&files, text).unwrap();
        succeed(by_stranger(&["apply", "--yes", "--prune"]).arg("-f").arg(&files));
        assert_eq!(exported(&server, &folder.path().join("after")), before);
    }
}
