//! An answer as comma-separated values, as InfluxDB writes them: a header for each statement and whenever the columns change,
//! with the name and the tags before the columns; times are numbers.

use std::sync::Arc;

use sensorium_query::influxql::{Cell, Series};

use super::json::Ending;
use super::value::{Epoch, shown};

/// Writes answers.
#[derive(Debug)]
pub(super) struct Csv {
    epoch: Epoch,
    /// Something was written.
    has_text: bool,
    /// The columns of the header that counts.
    columns: Option<Arc<[Arc<str>]>>,
}

impl Csv {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self { epoch, has_text: false, columns: None }
    }

    /// Begins the rows of a statement.
    pub(super) fn begin(&mut self) {
        self.columns = None;
    }

    /// The next series, or the next part of one.
    pub(super) fn series(&mut self, series: &Series, bytes: &mut Vec<u8>) {
        if self.columns.as_ref() != Some(&series.columns) {
            self.part(bytes);
            bytes.extend_from_slice(b"name,tags");
            for column in series.columns.iter() {
                bytes.push(b',');
                text(column, bytes);
            }
            bytes.push(b'\n');
            self.columns = Some(Arc::clone(&series.columns));
        }
        let tags = tags(series);
        for row in &series.rows {
            text(&series.name, bytes);
            bytes.push(b',');
            text(&tags, bytes);
            for cell in row {
                bytes.push(b',');
                self.cell(cell, bytes);
            }
            bytes.push(b'\n');
        }
    }

    /// Ends the rows of a statement. InfluxDB leaves errors out, which looks like an answer without rows.
    pub(super) fn end(&mut self, ending: &Ending, bytes: &mut Vec<u8>) {
        if let Some(error) = &ending.error {
            self.part(bytes);
            bytes.extend_from_slice(b"error\n");
            text(error, bytes);
            bytes.push(b'\n');
        }
    }

    /// An empty line between two parts with headers.
    fn part(&mut self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(if self.has_text { b"\n" } else { b"" });
        self.has_text = true;
    }

    fn cell(&self, cell: &Cell, bytes: &mut Vec<u8>) {
        match cell {
            Cell::Null => (),
            Cell::Time(time_ns) => shown(self.epoch.units(*time_ns), bytes),
            Cell::Float(number) => shown(number, bytes),
            Cell::Integer(number) => shown(number, bytes),
            Cell::Unsigned(number) => shown(number, bytes),
            Cell::Boolean(truth) => shown(truth, bytes),
            Cell::Text(value) => text(value, bytes),
        }
    }
}

/// `key=value,…` by key, escaped as in line protocol.
fn tags(series: &Series) -> String {
    let mut tags: Vec<_> = series.tags.iter().filter(|(_, value)| !value.is_empty()).collect();
    tags.sort();
    let mut text = String::new();
    for (key, value) in tags {
        text.push_str(if text.is_empty() { "" } else { "," });
        escape(key, &mut text);
        text.push('=');
        escape(value, &mut text);
    }
    text
}

/// Appends the key or the value of a tag as line protocol has it.
pub(super) fn escape(tag: &str, text: &mut String) {
    for character in tag.chars() {
        if matches!(character, ',' | '=' | ' ') {
            text.push('\\');
        }
        text.push(character);
    }
}

/// Appends a text, in quotes where Go puts some.
fn text(value: &str, bytes: &mut Vec<u8>) {
    if value.contains(['"', ',', '\r', '\n']) || value.starts_with([' ', '\t']) || value == "\\." {
        bytes.push(b'"');
        bytes.extend_from_slice(value.replace('"', "\"\"").as_bytes());
        bytes.push(b'"');
    } else {
        bytes.extend_from_slice(value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_has_a_header() {
        let mut csv = Csv::new(Epoch::Rfc3339);
        let series = Series {
            name: "a b".into(),
            tags: vec![("place".into(), "room 1".into()), ("a".into(), "x,y".into())],
            columns: Arc::from(["time".into(), "value".into()]),
            rows: vec![vec![Cell::Time(1_000), Cell::Float(1e21)], vec![Cell::Time(2), Cell::Null]],
            is_partial: false,
        };
        let mut bytes = Vec::new();
        csv.begin();
        csv.series(&series, &mut bytes);
        csv.begin();
        csv.series(
            &Series { tags: Vec::new(), rows: vec![vec![Cell::Time(3), Cell::Text("\"".into())]], ..series },
            &mut bytes,
        );
        csv.end(&Ending { warnings: Vec::new(), error: Some("no".into()) }, &mut bytes);
        let expected = "name,tags,time,value\na b,\"a=x\\,y,place=room\\ 1\",1000,1000000000000000000000\n\
                        a b,\"a=x\\,y,place=room\\ 1\",2,\n\nname,tags,time,value\na b,,3,\"\"\"\"\n\nerror\nno\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
