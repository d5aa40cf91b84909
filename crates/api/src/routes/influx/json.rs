//! An answer as JSON: all results in one object, or an object with a line of its own for each chunk.
//!
//! The order of the keys is InfluxDB's: `statement_id`, `series` (`name`, `tags`, `columns`, `values`, `partial`), `messages`,
//! `partial`, `error`; what is empty is left out.

use sensorium_query::influxql::Series;
use serde::Serialize;
use utoipa::ToSchema;

use super::value::{self, Epoch, NoJson};

/// The answer to a request of statements.
#[derive(Serialize, ToSchema)]
pub(super) struct InfluxAnswer {
    /// One for each statement.
    results: Vec<StatementResult>,
}

/// The answer to a statement.
#[derive(Serialize, ToSchema)]
struct StatementResult {
    /// Which one, from 0.
    statement_id: u64,
    /// The rows, those with the same tags together.
    #[schema(nullable = false)]
    series: Option<Vec<ResultSeries>>,
    /// What to know about it.
    #[schema(nullable = false)]
    messages: Option<Vec<ResultMessage>>,
    /// Whether more of it follows in the next chunk.
    #[schema(nullable = false)]
    partial: Option<bool>,
    /// Why it failed.
    #[schema(nullable = false)]
    error: Option<String>,
}

/// Rows that belong together.
#[derive(Serialize, ToSchema)]
struct ResultSeries {
    /// The measurement.
    #[schema(nullable = false)]
    name: Option<String>,
    /// The tags that they are grouped by.
    #[schema(nullable = false)]
    tags: Option<std::collections::BTreeMap<String, String>>,
    columns: Vec<String>,
    /// A value for each column.
    #[schema(nullable = false)]
    values: Option<Vec<Vec<serde_json::Value>>>,
    /// Whether more of its rows follow in the next chunk.
    #[schema(nullable = false)]
    partial: Option<bool>,
}

/// A remark.
#[derive(Serialize, ToSchema)]
struct ResultMessage {
    /// `warning`.
    level: String,
    text: String,
}

/// How a statement ended.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// What to know about it.
    pub(super) warnings: Vec<String>,
    /// Why it failed.
    pub(super) error: Option<String>,
}

/// Writes answers of one shape.
#[derive(Debug)]
pub(super) struct Json {
    epoch: Epoch,
    is_chunked: bool,
    /// The statement whose result is being written.
    statement: usize,
    has_series: bool,
    /// The last series goes on: its `values` are not closed.
    is_open: bool,
    /// In chunks: the last series, which is sent when it is known whether more follows.
    held: Vec<u8>,
}

impl Json {
    pub(super) fn new(epoch: Epoch, is_chunked: bool) -> Self {
        Self { epoch, is_chunked, statement: 0, has_series: false, is_open: false, held: Vec::new() }
    }

    /// Begins the result of a statement.
    pub(super) fn begin(&mut self, statement: usize, bytes: &mut Vec<u8>) {
        self.statement = statement;
        (self.has_series, self.is_open) = (false, false);
        if !self.is_chunked {
            bytes.extend_from_slice(if statement == 0 { b"{\"results\":[" } else { b"," });
            value::shown(format_args!("{{\"statement_id\":{statement}"), bytes);
        }
    }

    /// The next series, or the next part of one. One with a value that JSON does not have leaves no trace.
    pub(super) fn series(&mut self, series: &Series, bytes: &mut Vec<u8>) -> Result<(), NoJson> {
        if self.is_chunked {
            let mut next = Vec::new();
            head(series, &mut next);
            rows(series, self.epoch, true, &mut next)?;
            next.extend_from_slice(if series.rows.is_empty() { b"" } else { b"]" });
            next.extend_from_slice(if series.is_partial { b",\"partial\":true}" } else { b"}" });
            if self.has_series {
                self.release(true, bytes);
            }
            (self.has_series, self.held) = (true, next);
            return Ok(());
        }
        let before = bytes.len();
        let goes_on = self.is_open;
        if !goes_on {
            bytes.extend_from_slice(if self.has_series { b"," } else { b",\"series\":[" });
            head(series, bytes);
        }
        rows(series, self.epoch, !goes_on, bytes).inspect_err(|_| bytes.truncate(before))?;
        (self.has_series, self.is_open) = (true, series.is_partial);
        if !self.is_open {
            bytes.extend_from_slice(if goes_on || !series.rows.is_empty() { b"]}" } else { b"}" });
        }
        Ok(())
    }

    /// Ends the result of a statement.
    pub(super) fn end(&mut self, ending: &Ending, bytes: &mut Vec<u8>) {
        if self.is_chunked {
            if self.has_series {
                self.release(ending.error.is_some(), bytes);
            }
            if !self.has_series || ending.error.is_some() {
                value::shown(format_args!("{{\"results\":[{{\"statement_id\":{}", self.statement), bytes);
                endings(ending, bytes);
                bytes.extend_from_slice(b"}]}\n");
            }
            return;
        }
        if self.is_open {
            bytes.extend_from_slice(b"]}");
        }
        bytes.extend_from_slice(if self.has_series { b"]" } else { b"" });
        endings(ending, bytes);
        bytes.push(b'}');
    }

    /// Ends the answer.
    pub(super) fn finish(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(if self.is_chunked { b"" } else { b"]}\n" });
    }

    /// Sends the series that is held as a chunk.
    fn release(&mut self, more_follows: bool, bytes: &mut Vec<u8>) {
        value::shown(format_args!("{{\"results\":[{{\"statement_id\":{},\"series\":[", self.statement), bytes);
        bytes.append(&mut self.held);
        bytes.extend_from_slice(if more_follows { b"],\"partial\":true}]}\n" } else { b"]}]}\n" });
    }
}

/// A series up to its rows.
fn head(series: &Series, bytes: &mut Vec<u8>) {
    bytes.push(b'{');
    if !series.name.is_empty() {
        bytes.extend_from_slice(b"\"name\":");
        value::string(&series.name, bytes);
        bytes.push(b',');
    }
    if !series.tags.is_empty() {
        // Go writes the keys of a map by name.
        let mut tags: Vec<_> = series.tags.iter().collect();
        tags.sort();
        bytes.extend_from_slice(b"\"tags\":{");
        for (at, (key, text)) in tags.into_iter().enumerate() {
            bytes.extend_from_slice(if at == 0 { b"" } else { b"," });
            value::string(key, bytes);
            bytes.push(b':');
            value::string(text, bytes);
        }
        bytes.extend_from_slice(b"},");
    }
    bytes.extend_from_slice(b"\"columns\":[");
    for (at, column) in series.columns.iter().enumerate() {
        bytes.extend_from_slice(if at == 0 { b"" } else { b"," });
        value::string(column, bytes);
    }
    bytes.push(b']');
}

/// The rows of a series; before the first ones stands the key of them.
fn rows(series: &Series, epoch: Epoch, is_first: bool, bytes: &mut Vec<u8>) -> Result<(), NoJson> {
    for (at, row) in series.rows.iter().enumerate() {
        bytes.extend_from_slice(if is_first && at == 0 { b",\"values\":[[" } else { b",[" });
        for (at, cell) in row.iter().enumerate() {
            bytes.extend_from_slice(if at == 0 { b"" } else { b"," });
            value::json(cell, epoch, bytes)?;
        }
        bytes.push(b']');
    }
    Ok(())
}

/// What stands behind the series of a result.
fn endings(ending: &Ending, bytes: &mut Vec<u8>) {
    for (at, warning) in ending.warnings.iter().enumerate() {
        bytes.extend_from_slice(if at == 0 { b",\"messages\":[" } else { b"," });
        bytes.extend_from_slice(b"{\"level\":\"warning\",\"text\":");
        value::string(warning, bytes);
        bytes.push(b'}');
    }
    bytes.extend_from_slice(if ending.warnings.is_empty() { b"" } else { b"]" });
    if let Some(error) = &ending.error {
        bytes.extend_from_slice(b",\"error\":");
        value::string(error, bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sensorium_query::influxql::Cell;

    use super::*;

    fn series(rows: &[i64], is_partial: bool) -> Series {
        Series {
            name: "temperature".into(),
            tags: vec![("place".into(), "room1".into())],
            columns: Arc::from(["time".into(), "value".into()]),
            rows: rows.iter().map(|time| vec![Cell::Time(*time), Cell::Float(25.5)]).collect(),
            is_partial,
        }
    }

    fn written(is_chunked: bool) -> String {
        let mut json = Json::new(Epoch::Units(1), is_chunked);
        let mut bytes = Vec::new();
        json.begin(0, &mut bytes);
        json.series(&series(&[1], true), &mut bytes).unwrap();
        json.series(&series(&[2], false), &mut bytes).unwrap();
        json.end(&Ending::default(), &mut bytes);
        json.begin(1, &mut bytes);
        json.end(&Ending { warnings: vec!["w".into()], error: Some("e".into()) }, &mut bytes);
        json.finish(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn parts_of_a_series_are_joined_unless_they_are_chunks() {
        let head = r#"{"name":"temperature","tags":{"place":"room1"},"columns":["time","value"],"values":["#;
        let ended = r#"{"statement_id":1,"messages":[{"level":"warning","text":"w"}],"error":"e"}"#;
        let expected =
            format!("{{\"results\":[{{\"statement_id\":0,\"series\":[{head}[1,25.5],[2,25.5]]}}]}},{ended}]}}\n");
        assert_eq!(written(false), expected);
        let first = format!(
            "{{\"results\":[{{\"statement_id\":0,\"series\":[{head}[1,25.5]],\"partial\":true}}],\"partial\":true}}]}}\n"
        );
        let second = format!("{{\"results\":[{{\"statement_id\":0,\"series\":[{head}[2,25.5]]}}]}}]}}\n");
        assert_eq!(written(true), format!("{first}{second}{{\"results\":[{ended}]}}\n"));
    }
}
