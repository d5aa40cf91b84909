//! The templates that come with Sensorium: each is without mistakes, and what it writes is code of its language, also when
//! what was filled in wants to be code itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::tools::{from_pypi, stub, succeed};
use crate::{Given, Kind, Rendered, Template, shipped};

/// One line that ends literals, comments and commands wherever something lets it.
const HOSTILE: &str =
    "a1\" ' \\ $(exit 1) `exit 1` ${x} $x */ /* // # ??/ %s {{ x }} {% y %} id(x) ;]|,= Grüße \u{202e}東京 \\";

/// What is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filling {
    /// What must be.
    Required,
    /// Everything, with an https address.
    All,
    /// Everything, as hostile as it may be.
    Hostile,
}

fn fill_in(template: &Template, filling: Filling) -> Given {
    let mut given = Given::new();
    for variable in &template.variables {
        let cut = |text: &str, most: usize| json!(text.chars().take(most).collect::<String>());
        let value = match (&variable.kind, filling) {
            (_, Filling::Required) if !variable.required || variable.default.is_some() => continue,
            (Kind::Text { multiline: true, .. }, _) => {
                json!("-----BEGIN CERTIFICATE-----\n\"\\\n$(exit 1)\n-----END CERTIFICATE-----\n")
            }
            (Kind::Text { max_characters, .. }, Filling::Hostile) => cut(HOSTILE, *max_characters),
            (Kind::Secret { max_characters }, Filling::Hostile) => cut(HOSTILE, *max_characters),
            (Kind::WifiSsid, Filling::Hostile) => json!("\"; \\ '$(x)`x`${y} ü*/??/ \\"),
            (Kind::Url, Filling::Hostile) => json!("http://a.example/'$(exit)'*;"),
            (Kind::Url, Filling::All) if speaks_https(template) => json!("https://sensors.example.org"),
            (Kind::Url, _) => json!("http://192.168.1.10:8086/"),
            (Kind::Text { .. } | Kind::Secret { .. } | Kind::WifiSsid | Kind::Host, _) => json!("word-12345"),
            (Kind::Integer { max, .. }, _) if variable.default.is_none() => json!(max),
            (Kind::Choice { options }, Filling::All) => json!(options[options.len() - 1].value),
            _ => continue,
        };
        given.insert(variable.name.clone(), value);
    }
    given
}

fn speaks_https(template: &Template) -> bool {
    template.id != "tasmota-switch"
}

fn template(id: &str) -> &'static Template {
    shipped().iter().find(|template| template.id == id).unwrap()
}

fn files(template: &Template, filling: Filling) -> Vec<Rendered> {
    template.render(&fill_in(template, filling)).unwrap_or_else(|error| panic!("{} {filling:?}: {error}", template.id))
}

/// Writes the files of a template to a folder and returns the path of the first.
fn written(folder: &Path, id: &str, filling: Filling) -> PathBuf {
    let files = files(template(id), filling);
    for file in &files {
        let path = folder.join(&file.name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.text).unwrap();
    }
    folder.join(&files[0].name)
}

/// Hands each way to fill in a template to a check.
fn each(id: &str, check: impl Fn(&Path)) {
    for filling in [Filling::Required, Filling::All, Filling::Hostile] {
        let folder = tempfile::tempdir().unwrap();
        check(&written(folder.path(), id, filling));
    }
}

#[test]
fn each_is_without_mistakes_and_has_a_name_of_its_own() {
    let ids: Vec<&str> = shipped().iter().map(|template| template.id.as_str()).collect();
    for (position, template) in shipped().iter().enumerate() {
        assert_eq!(template.check(), Ok(()), "{}", template.id);
        assert!(!ids[..position].contains(&template.id.as_str()));
        for variable in &template.variables {
            assert!(variable.help.is_empty() || variable.help.ends_with('.'), "{}: {}", template.id, variable.help);
        }
        for file in files(template, Filling::Required) {
            assert!(file.text.lines().all(|line| line.trim_end() == line), "{}: space at the end of a line", file.name);
            assert!(!file.text.contains("{{") && !file.text.contains("{%"), "{}", file.name);
            assert!(file.text.ends_with('\n') && !file.text.contains("\n\n\n\n"), "{}", file.name);
        }
        let text = serde_json::to_string(template).unwrap();
        assert_eq!(&serde_json::from_str::<Template>(&text).unwrap(), template);
    }
}

#[test]
fn https_without_a_way_to_know_the_server_is_refused() {
    for id in ["esp8266-dht", "esp32-bme280", "tasmota-switch"] {
        let mut given = fill_in(template(id), Filling::Required);
        given.insert("server".into(), json!("https://sensors.example.org"));
        let error = template(id).render(&given).unwrap_err().to_string();
        assert!(error.contains("https") || error.contains("http only"), "{error}");
    }
    let mut given = fill_in(template("esp8266-dht"), Filling::Required);
    given.insert("server".into(), json!("https://sensors.example.org"));
    given.insert("fingerprint".into(), json!("AA:BB"));
    assert!(template("esp8266-dht").render(&given).unwrap()[0].text.contains("setFingerprint(\"AA:BB\")"));
}

#[test]
fn arduino_sketches_compile_with_the_interfaces_of_their_libraries() {
    for id in ["esp8266-dht", "esp32-bme280"] {
        each(id, |path| {
            let mut compiler = Command::new("g++");
            compiler.args(["-fsyntax-only", "-std=gnu++17", "-trigraphs", "-Wall", "-Wextra", "-Werror", "-x", "c++"]);
            succeed(compiler.arg("-I").arg(stub("arduino")).arg(path));
        });
    }
}

#[test]
fn python_and_micropython_compile() {
    for id in ["linux-python", "micropython-dht"] {
        each(id, |path| _ = succeed(Command::new("python3").args(["-W", "error", "-m", "py_compile"]).arg(path)));
    }
}

#[test]
fn shell_scripts_are_shell_scripts() {
    for id in ["shell-curl", "android-termux"] {
        each(id, |path| _ = succeed(Command::new("sh").arg("-n").arg(path)));
    }
}

#[test]
fn rust_compiles_with_the_interface_of_its_library() {
    let library = tempfile::tempdir().unwrap();
    let compile = |path: &Path, more: &[&str]| {
        let mut compiler = Command::new("rustc");
        compiler
            .args(["--edition", "2024", "--emit", "metadata", "--out-dir"])
            .arg(library.path())
            .args(more)
            .arg(path);
        succeed(&mut compiler)
    };
    compile(&stub("rust/esp_idf_svc.rs"), &["--crate-type", "lib"]);
    let external = format!("esp_idf_svc={}", library.path().join("libesp_idf_svc.rmeta").display());
    each("rust-esp-sht31", |path| {
        compile(path, &["--crate-type", "bin", "-D", "warnings", "--extern", &external]);
        // The other files are TOML, or have no variables.
        for name in ["Cargo.toml", ".cargo/config.toml", "rust-toolchain.toml"] {
            let text = std::fs::read_to_string(path.parent().unwrap().parent().unwrap().join(name)).unwrap();
            let script = "import sys, tomllib; tomllib.loads(sys.argv[1])";
            succeed(Command::new("python3").args(["-c", script, &text]));
        }
    });
}

#[test]
fn esphome_takes_its_configuration() {
    each("esphome-dht", |path| {
        succeed(from_pypi("esphome", "esphome").arg("config").arg(path).current_dir(path.parent().unwrap()));
    });
}

#[test]
fn tasmota_takes_only_plain_words_and_its_rules_fit() {
    let template = template("tasmota-switch");
    for filling in [Filling::Required, Filling::All] {
        let text = &files(template, filling)[0].text;
        for rule in text.lines().filter(|line| line.starts_with("Rule") && line.len() > 8) {
            assert!(rule.len() < 511, "{rule}");
            let count = |word: &str| rule.split(' ').filter(|found| *found == word).count();
            assert!(count("ON") > 0 && count("ON") == count("DO") && count("ON") == count("ENDON"), "{rule}");
        }
    }
    let error = template.render(&fill_in(template, Filling::Hostile)).unwrap_err().to_string();
    assert!(error.contains("Tasmota's console cannot be given"), "{error}");
}
