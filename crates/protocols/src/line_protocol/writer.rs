//! Writes readings as line protocol, so that [`super::decode`] reads the same readings back.

use std::fmt::Write;

use sensorium_model::{Batch, Point, Value};

/// Which line of the written text holds which row: texts with line breaks make a row longer than a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineMap {
    /// The first line of each row and the row's source, both ascending in the line.
    rows: Vec<(u32, u32)>,
}

impl LineMap {
    /// The source (see [`sensorium_model::TableBatch::source`]) of the row that stands on a line.
    pub fn source(&self, line: u32) -> Option<u32> {
        let behind = self.rows.partition_point(|(start, _)| *start <= line);
        self.rows.get(behind.checked_sub(1)?).map(|(_, source)| *source)
    }
}

/// Appends all rows of a batch, table by table, with times in nanoseconds. Line protocol knows no vectors: they are left out.
pub fn write_batch(batch: &Batch, out: &mut String) -> LineMap {
    let mut map = LineMap::default();
    let mut line = 1_u32;
    for table in &batch.tables {
        for (row, (time_ns, source)) in table.time_ns.iter().zip(&table.source).enumerate() {
            map.rows.push((line, *source));
            let start = out.len();
            let tags = table.row_tags(row);
            let fields = table.fields.iter().filter_map(|field| Some((field.name.as_ref(), field.get(row)?)));
            write_row(&table.table, tags, fields, *time_ns, out);
            let written = out.as_bytes().get(start..).unwrap_or_default();
            let lines = u32::try_from(memchr::memchr_iter(b'\n', written).count()).unwrap_or(u32::MAX);
            line = line.saturating_add(lines);
        }
    }
    map
}

/// Appends one point.
pub fn write_point(point: &Point<'_>, out: &mut String) {
    let tags = point.tags.iter().filter(|(_, value)| !value.is_empty()).map(|(n, v)| (n.as_ref(), v.as_ref()));
    let fields = point.fields.iter().map(|(name, value)| (name.as_ref(), value.clone()));
    write_row(&point.table, tags, fields, point.time_ns, out);
}

fn write_row<'a>(
    table: &str,
    tags: impl Iterator<Item = (&'a str, &'a str)>,
    fields: impl Iterator<Item = (&'a str, Value<'a>)>,
    time_ns: i64,
    out: &mut String,
) {
    if table.starts_with('#') {
        out.push('\\');
    }
    escape(table, |c| matches!(c, ',' | ' ' | '\\'), out);
    for (name, value) in tags {
        out.push(',');
        escape_name(name, out);
        out.push('=');
        // A line break cannot be written in a tag; the nearest thing that can is a space.
        match value.contains(['\n', '\r']) {
            true => escape_name(&value.replace(['\n', '\r'], " "), out),
            false => escape_name(value, out),
        }
    }
    let fields = fields.filter(|(_, value)| !matches!(value, Value::Vector(_)));
    for (position, (name, value)) in fields.enumerate() {
        out.push(if position == 0 { ' ' } else { ',' });
        escape_name(name, out);
        out.push('=');
        write_value(&value, out);
    }
    _ = writeln!(out, " {time_ns}");
}

fn write_value(value: &Value<'_>, out: &mut String) {
    // Writing to a string cannot fail.
    _ = match value {
        Value::F64(number) => write!(out, "{number:?}"),
        Value::I64(number) => write!(out, "{number}i"),
        Value::U64(number) => write!(out, "{number}u"),
        Value::Bool(truth) => write!(out, "{truth}"),
        Value::Text(text) => {
            out.push('"');
            escape(text, |c| matches!(c, '"' | '\\'), out);
            out.push('"');
            Ok(())
        }
        Value::Vector(_) => Ok(()),
    };
}

fn escape_name(name: &str, out: &mut String) {
    escape(name, |c| matches!(c, ',' | ' ' | '=' | '\\'), out);
}

fn escape(text: &str, special: impl Fn(char) -> bool, out: &mut String) {
    if !text.contains(&special) {
        return out.push_str(text);
    }
    for character in text.chars() {
        if special(character) {
            out.push('\\');
        }
        out.push(character);
    }
}
