//! The template engine as templates see it: filters that write literals, and nothing that reaches out.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use crate::escape::{self, EscapeError};
use crate::limits::{BODY_BYTES, NESTING, STEPS};

/// A filter that templates may use.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Its name.
    pub name: &'static str,
    /// What it writes.
    pub help: &'static str,
    /// Whether its result may stand in a file; else a literal is to be made of it.
    pub is_final: bool,
    write: fn(&str) -> Result<String, EscapeError>,
}

macro_rules! filters {
    ($($write:path, $is_final:literal, $name:literal, $help:literal;)*) => {
        &[$(Filter { name: $name, help: $help, is_final: $is_final, write: $write }),*]
    };
}

/// All filters.
pub const FILTERS: &[Filter] = filters![
    escape::c_string, true, "c_string", "a string literal of C and C++, with its quotes";
    escape::lambda_string, true, "lambda_string", "a string literal of C++ in a lambda of ESPHome";
    escape::py_string, true, "py_string", "a string literal of Python and MicroPython";
    escape::yaml_string, true, "yaml_string", "a double-quoted text of YAML";
    escape::sh_string, true, "sh_string", "a quoted word of the shell";
    escape::rust_string, true, "rust_string", "a string literal of Rust";
    escape::json_string, true, "json_string", "a string of JSON";
    escape::tasmota, true, "tasmota", "a word of a Tasmota rule; refuses what would end it";
    escape::comment, true, "comment", "text for a comment on one line";
    escape::file_name, true, "file_name", "a word of letters and digits for the name of a file";
    escape::line_protocol, false, "line_protocol", "a table or a tag in line protocol";
    escape::url_part, false, "url_part", "a value in the query of an address";
];

/// The function that ends rendering with a sentence: `{{ fail("…") }}`.
pub(crate) const FAIL: &str = "fail";

/// The engine; for a trial, `fail` does nothing, because what it asks for is not known yet.
pub(crate) fn environment<'s>(trial: bool) -> Environment<'s> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(write);
    // A line with nothing but a statement leaves none behind. The builder only fails for signs of one's own.
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.unwrap_or_default());
    environment.set_fuel(Some(STEPS));
    environment.set_recursion_limit(4 * NESTING);
    for filter in FILTERS {
        environment.add_filter(filter.name, move |value: Value| apply(filter, &value));
    }
    environment.add_test("https", |value: Value| value.as_str().is_some_and(|url| url.starts_with("https:")));
    environment.add_function(FAIL, move |sentence: String| match trial {
        true => Ok(Value::from_safe_string(String::new())),
        false => Err(Error::new(ErrorKind::InvalidOperation, sentence)),
    });
    environment
}

/// What may stand in a file: numbers, and texts that a filter or the template's author wrote.
fn write(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let refused = |detail: &'static str| Err(Error::new(ErrorKind::InvalidOperation, detail));
    match (value.kind(), value.as_str()) {
        (ValueKind::Undefined, _) => Err(Error::from(ErrorKind::UndefinedError)),
        (_, Some(text)) if value.is_safe() => Ok(out.write_str(text)?),
        (ValueKind::Number | ValueKind::Bool, _) => Ok(out.write_str(&value.to_string())?),
        (ValueKind::String, _) => {
            refused("text must go through a filter that makes it a literal, such as c_string, or through comment")
        }
        (ValueKind::None, _) => refused("nothing was filled in for this; put it into an {% if … %}"),
        _ => refused("only texts, numbers, true and false can be written"),
    }
}

fn apply(filter: &Filter, value: &Value) -> Result<Value, Error> {
    let wrong = |detail: String| Error::new(ErrorKind::InvalidOperation, format!("{}: {detail}", filter.name));
    let text = shown(value).ok_or_else(|| wrong("takes a text or a number".to_owned()))?;
    let written = (filter.write)(&text).map_err(|error| wrong(error.to_string()))?;
    // Filters may stand behind each other, and each makes a text longer.
    if written.len() > BODY_BYTES {
        return Err(wrong(format!("the text is longer than {BODY_BYTES} bytes")));
    }
    Ok(if filter.is_final { Value::from_safe_string(written) } else { Value::from(written) })
}

/// A text or a number as text.
fn shown(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::String => value.as_str().map(str::to_owned),
        ValueKind::Number | ValueKind::Bool => Some(value.to_string()),
        _ => None,
    }
}
