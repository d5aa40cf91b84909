//! `SELECT … INTO`: the rows of an answer are written as readings, over the way of all readings into the store. What the rows are
//! grouped by becomes tags, every other column a field.

use bytes::Bytes;
use futures::StreamExt;
use sensorium_ingest::{Format, Source};
use sensorium_model::Precision;
use sensorium_protocols::influxql::{Measurement, MeasurementName, Select, Statement};
use sensorium_query::influxql::{Cell, Series};

use super::{Changing, Done, table};
use crate::routes::influx::csv::escape;

pub(super) async fn select(changing: &Changing<'_>, select: &Select, target: &Measurement) -> Result<Done, String> {
    let database = match &target.database {
        Some(named) => changing.named(named)?,
        None => changing.database()?,
    };
    let reading = Select { target: None, ..select.clone() };
    let mut answer = changing.ask(&Statement::Select(Box::new(reading))).await?;
    let mut written: usize = 0;
    while let Some(series) = answer.next().await {
        let series = series.map_err(|error| error.to_string())?;
        let measurement = match &target.name {
            MeasurementName::Name(name) => name.as_str(),
            MeasurementName::Same => &series.name,
            MeasurementName::Regex(_) => return Err("a regular expression is no measurement to write to".to_owned()),
        };
        if let Some(name) = names(measurement, &series).find(|name| is_no_line(name)) {
            return Err(format!(
                "{name:?} holds a line break or ends with a backslash; it cannot be written INTO a measurement"
            ));
        }
        written += write(changing, database.name.as_str(), lines(measurement, &series)).await?;
    }
    let written = i64::try_from(written).unwrap_or(i64::MAX);
    let row = vec![Cell::Time(0), Cell::Integer(written)];
    Ok(Done::Series(vec![table("result", &["time", "written"], vec![row])]))
}

/// Stores lines; tells how many.
async fn write(changing: &Changing<'_>, database: &str, lines: String) -> Result<usize, String> {
    if lines.is_empty() {
        return Ok(0);
    }
    let intake = changing.state.ingest.begin(&changing.caller.0, changing.peer, database, Source::LineProtocol);
    let intake = intake.map_err(|error| error.to_string())?;
    let bytes = Bytes::from(lines);
    let (length, format) = (bytes.len(), Format::LineProtocol { precision: Precision::Ns });
    let outcome = intake.take(bytes, length, format).await.map_err(|error| error.to_string())?;
    match outcome.refusals.first().first() {
        Some(refused) => Err(format!("partial write: {} dropped={}", refused.error, outcome.refusals.total())),
        None => Ok(outcome.accepted),
    }
}

/// What stands in lines without quotes.
fn names<'a>(measurement: &'a str, series: &'a Series) -> impl Iterator<Item = &'a str> {
    let tags = series.tags.iter().flat_map(|(key, value)| [&**key, &**value]);
    std::iter::once(measurement).chain(tags).chain(series.columns.iter().map(|column| &**column))
}

/// Whether a name would end its line, or take what separates it from the next one.
fn is_no_line(name: &str) -> bool {
    name.contains(['\n', '\r'])
        || name.ends_with('\\')
        || name.contains("\\,")
        || name.contains("\\=")
        || name.contains("\\ ")
}

/// The rows of a series as line protocol; those without a value have no line.
fn lines(measurement: &str, series: &Series) -> String {
    let mut head = measurement.replace(',', "\\,").replace(' ', "\\ ");
    for (key, value) in series.tags.iter().filter(|(_, value)| !value.is_empty()) {
        head.push(',');
        escape(key, &mut head);
        head.push('=');
        escape(value, &mut head);
    }
    let mut text = String::new();
    for row in &series.rows {
        let Some((Cell::Time(time_ns), values)) = row.split_first() else { continue };
        let columns = series.columns.iter().skip(1);
        let fields: Vec<String> = columns.zip(values).filter_map(|(name, value)| field(name, value)).collect();
        if !fields.is_empty() {
            text.push_str(&format!("{head} {} {time_ns}\n", fields.join(",")));
        }
    }
    text
}

fn field(name: &str, value: &Cell) -> Option<String> {
    let mut text = String::new();
    escape(name, &mut text);
    text.push('=');
    match value {
        Cell::Null => return None,
        Cell::Float(number) if !number.is_finite() => return None,
        Cell::Float(number) => text.push_str(&format!("{number:?}")),
        Cell::Time(number) | Cell::Integer(number) => text.push_str(&format!("{number}i")),
        Cell::Unsigned(number) => text.push_str(&format!("{number}u")),
        Cell::Boolean(truth) => text.push_str(&truth.to_string()),
        Cell::Text(value) => {
            text.push('"');
            text.push_str(&value.replace('\\', "\\\\").replace('"', "\\\""));
            text.push('"');
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn rows_become_lines() {
        let series = Series {
            name: "a".into(),
            tags: vec![("place".into(), "room 1".into()), ("none".into(), "".into())],
            columns: Arc::from(["time".into(), "mean value".into(), "note".into()]),
            rows: vec![
                vec![Cell::Time(1), Cell::Float(25.0), Cell::Text("a \"b\"".into())],
                vec![Cell::Time(2), Cell::Null, Cell::Null],
                vec![Cell::Time(3), Cell::Integer(-4), Cell::Null],
            ],
            is_partial: false,
        };
        let expected =
            "m,place=room\\ 1 mean\\ value=25.0,note=\"a \\\"b\\\"\" 1\nm,place=room\\ 1 mean\\ value=-4i 3\n";
        assert_eq!(lines("m", &series), expected);
    }
}
