//! `sensorium.toml`: read with the place of every key, so that an error can point at it.

use std::path::Path;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::layers::{Layers, Origin};

/// Applies a file to the layers below it.
pub(crate) fn apply(layers: &mut Layers, path: &Path, text: &str) -> Result<(), ConfigError> {
    let (table, errors) = DeTable::parse_recoverable(text);
    // Later errors are mostly consequences of the first.
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    if let Some(error) = errors.into_iter().min_by_key(start) {
        let (line, column) = place(text, start(&error));
        let reason = error.message().to_owned();
        return Err(ConfigError::Damaged { path: path.to_owned(), line, column, reason });
    }
    apply_table(layers, path, text, "", table.get_ref())
}

fn apply_table(
    layers: &mut Layers,
    path: &Path,
    text: &str,
    prefix: &str,
    table: &DeTable<'_>,
) -> Result<(), ConfigError> {
    // Tables iterate by name; the first error that a person reads should be the first in the file.
    let mut members: Vec<_> = table.iter().collect();
    members.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in members {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        let (line, column) = place(text, name.span().start);
        let origin = Origin::File { path: path.to_owned(), line, column };
        match value.get_ref() {
            DeValue::Table(inner) if layers.entries().any(|(known, _)| is_below(known, &key)) => {
                apply_table(layers, path, text, &key, inner)?;
            }
            other => layers.set(&key, json(other), origin)?,
        }
    }
    Ok(())
}

fn is_below(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(integer) => {
            let digits = integer.as_str();
            let parsed = i64::from_str_radix(digits, integer.radix()).map(Value::from);
            let parsed = parsed.or_else(|_| u64::from_str_radix(digits, integer.radix()).map(Value::from));
            parsed.unwrap_or_else(|_| Value::String(digits.to_owned()))
        }
        DeValue::Float(float) => {
            let number = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            number.map_or_else(|| Value::String(float.as_str().to_owned()), Value::Number)
        }
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| json(item.get_ref())).collect()),
        DeValue::Table(table) => {
            let members = table.iter().map(|(name, value)| (name.get_ref().to_string(), json(value.get_ref())));
            Value::Object(members.collect())
        }
    }
}

/// Line and column, from 1, of a byte of the text; columns count characters.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> String {
        apply(&mut Layers::defaults().unwrap(), Path::new("s.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn values_keep_their_place() {
        let mut layers = Layers::defaults().unwrap();
        let text = "data_dir = \"d\"\n\n[http]\n  connections = 1_000\nlimits.x = 1\n".replace("limits.x = 1\n", "");
        apply(&mut layers, Path::new("s.toml"), &text).unwrap();
        assert_eq!(layers.to_settings().unwrap().http.connections, 1_000);
        assert_eq!(layers.origin("http.connections").to_string(), "s.toml:4:3");
        assert_eq!(layers.origin("data_dir").to_string(), "s.toml:1:1");
    }

    #[test]
    fn errors_name_file_line_and_column() {
        let cases = [
            ("[http\n", "s.toml:1:6"),
            ("data_dir = \"d\nx", "s.toml:1:"),
            ("\n[http]\nlissen = \"x\"\n", "s.toml:3:1"),
            ("[htpp]\nlisten = \"x\"\n", "s.toml:1:2"),
            ("[http]\nconnections = \"ten\"\n", "s.toml:2:1"),
            ("[http]\nconnections = -1\n", "s.toml:2:1"),
            ("http = 3\n", "s.toml:1:1"),
            ("data_dir = [1]\n", "s.toml:1:1"),
        ];
        for (text, place) in cases {
            let error = failure(text);
            assert!(error.contains(place), "{text:?}: {error}");
        }
        assert!(failure("\n[http]\nlissen = \"x\"\n").contains("\"http.listen\""));
    }
}
