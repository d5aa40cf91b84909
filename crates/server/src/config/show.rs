//! `sensorium config`: the effective configuration with the origin of each value, as TOML that can be saved as a file or
//! as JSON for programs.

use std::fmt::Write as _;

use sensorium_metadata::PostgresUrl;
use serde_json::{Map, Value, json};

use super::Config;
use super::mail::PASSWORD;
use super::oidc::SECRET_KEY;

/// The configuration as TOML, one setting a line, its origin as a comment.
pub(crate) fn show(config: &Config) -> String {
    let mut text = String::new();
    let mut section = "";
    // Those without a table stand before all tables.
    let (alone, in_tables): (Vec<_>, Vec<_>) = config.layers.entries().partition(|(key, _)| !key.contains('.'));
    for (key, entry) in alone.into_iter().chain(in_tables) {
        let (table, name) = key.split_once('.').unwrap_or(("", key));
        if table != section {
            section = table;
            let _ = write!(text, "\n[{table}]\n");
        }
        let line = match &without_password(key, &entry.value) {
            Value::String(_) if key == PASSWORD => format!("# {name} = (set, and not shown)"),
            Value::Null => format!("# {name} = (not set)"),
            Value::String(value) => format!("{name} = {}", toml::Value::String(value.clone())),
            Value::Array(values) => format!("{name} = {}", list(values)),
            other => format!("{name} = {other}"),
        };
        let _ = writeln!(text, "{line:<44} # {}", entry.origin);
    }
    text
}

/// A list as a file may have it on one line.
fn list(values: &[Value]) -> String {
    let values: Vec<String> = values.iter().map(inline).collect();
    format!("[{}]", values.join(", "))
}

/// A value of such a list.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        Value::Array(values) => list(values),
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| format!("{name} = {}", inline(member)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A value as it may be shown.
fn without_password(key: &str, value: &Value) -> Value {
    match value {
        Value::String(url) if key == "metadata.url" => {
            Value::String(url.parse().map_or_else(|_| "…".to_owned(), |url: PostgresUrl| url.to_string()))
        }
        Value::String(_) if key == PASSWORD || key == SECRET_KEY => Value::String("…".to_owned()),
        other => other.clone(),
    }
}

/// The configuration as one JSON object: each key with its value and origin.
pub(crate) fn show_json(config: &Config) -> String {
    let entries = config.layers.entries();
    let members = entries.map(|(key, entry)| {
        (key.to_owned(), json!({ "value": without_password(key, &entry.value), "origin": entry.origin.to_string() }))
    });
    format!("{:#}\n", Value::Object(members.collect::<Map<_, _>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str =
        r#"[{"path": "/a/{b}", "database": "main", "table": "{b}", "tags": {"place": "room1"}, "allow": "anyone"}]"#;

    #[test]
    fn what_is_shown_can_be_loaded_again() {
        let flags = [
            ("http.listen".to_owned(), "127.0.0.1:1".to_owned(), "--http"),
            ("log.level".to_owned(), "a\"b".to_owned(), "--log-level"),
            ("coap.route".to_owned(), ROUTES.to_owned(), "--set"),
        ];
        let shown = show(&Config::load(None, std::iter::empty(), &flags).unwrap());
        assert!(shown.contains("# flag --http") && shown.contains("# default"), "{shown}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        std::fs::write(&path, &shown).unwrap();
        let again = Config::load(Some(&path), std::iter::empty(), &[]).unwrap();
        assert_eq!(again.settings.http.listen, "127.0.0.1:1");
        assert_eq!(again.settings.log.level, "a\"b");
        assert_eq!(again.settings.coap.route[0].tags["place"], "room1");
    }

    #[test]
    fn a_list_is_shown_as_it_can_be_loaded() {
        let text = r#"[{name = "hall", address = "hall.example:1883", in = ["a/#", "b"], tls = true, qos = 0}]"#;
        let flags = [("mqtt.bridge".to_owned(), text.to_owned(), "--set")];
        let config = Config::load(None, std::iter::empty(), &flags).unwrap();
        let shown = show(&config);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        std::fs::write(&path, &shown).unwrap();
        let again = Config::load(Some(&path), std::iter::empty(), &[]).unwrap();
        let [bridge] = again.settings.mqtt.bridge.as_slice() else { unreachable!("{shown}") };
        assert_eq!((bridge.name.as_str(), bridge.inward.len(), bridge.tls, bridge.qos), ("hall", 2, true, 0));
        // As it is written by hand.
        std::fs::write(&path, "[[mqtt.bridge]]\nname = \"x\"\naddress = \"x:1\"\nout = [\"#\"]\n").unwrap();
        let config = Config::load(Some(&path), std::iter::empty(), &[]).unwrap();
        assert_eq!(config.settings.mqtt.bridge.len(), 1);
        std::fs::write(&path, "[[mqtt.bridge]]\nname = \"x\"\nadress = \"x:1\"\n").unwrap();
        let error = Config::load(Some(&path), std::iter::empty(), &[]).unwrap_err().to_string();
        assert!(error.contains("mqtt.bridge") && error.contains("adress"), "{error}");
        let flags = [("mqtt.bridge".to_owned(), "hall".to_owned(), "--set")];
        assert!(Config::load(None, std::iter::empty(), &flags).unwrap_err().to_string().contains("a list"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let flag = |key: &str, text: &str| (format!("people.oidc.{key}"), text.to_owned(), "--set");
        let flags = [
            flag("issuer", "https://id.example"),
            flag("client_id", "sensorium"),
            flag("client_secret", "geheim"),
            flag("redirect_url", "https://box.example/api/v1/session/oidc/callback"),
        ];
        let config = Config::load(None, std::iter::empty(), &flags).unwrap();
        for shown in [show(&config), show_json(&config)] {
            assert!(shown.contains("https://id.example") && !shown.contains("geheim"), "{shown}");
        }
        assert!(!format!("{config:?}").contains("geheim"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.toml");
        std::fs::write(&path, "[people.oidc]\nclient_secret = 1234567\n").unwrap();
        let error = Config::load(Some(&path), std::iter::empty(), &[]).unwrap_err().to_string();
        assert!(error.contains("client_secret") && !error.contains("1234567"), "{error}");
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = "postgres://sensorium:geheim@localhost/registry?password=geheim";
        let flags = [("metadata.url".to_owned(), url.to_owned(), "--set")];
        let config = Config::load(None, std::iter::empty(), &flags).unwrap();
        for shown in [show(&config), show_json(&config)] {
            assert!(shown.contains("postgres://sensorium@localhost/registry") && !shown.contains("geheim"), "{shown}");
        }
    }
}
