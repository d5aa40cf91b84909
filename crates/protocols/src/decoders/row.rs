//! Rows on their way into the builder: their names, their device and their numbers.

use std::borrow::Cow;

use sensorium_model::names::TIME_COLUMN;
use sensorium_model::{BatchBuilder, ColumnKind, DEVICE_TAG, FieldType, Point, RowError, Value};

use super::tree::Tree;
use super::{Decoded, Message, SOURCE_TAG};
use crate::json::walk::flattened;
use crate::numbers::number;
use crate::refusals::Refusals;
use crate::time::TimeTextError;

/// A name in small letters, in which each run of what is neither letter nor digit is one `_`.
pub(super) fn plain(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    if let Some(first) = words.next() {
        out.extend(first.chars().flat_map(char::to_lowercase));
    }
    for word in words {
        out.push('_');
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    Cow::Owned(out)
}

/// A row that is being put together. What is wrong with it is kept until it is pushed, and refuses it.
#[derive(Debug)]
pub(super) struct Row<'t> {
    point: Point<'t>,
    /// What the device calls itself; empty when it does not.
    device: Cow<'t, str>,
    /// Values that are read when the columns' types are known: where they stand, and their text.
    late: Vec<(usize, Late<'t>)>,
    /// Whether names stay as they were sent.
    as_sent: bool,
    max_columns: usize,
    wrong: Option<RowError>,
}

/// A value as text.
#[derive(Debug)]
enum Late<'t> {
    /// A number of JSON.
    Number(&'t str),
    /// A number, `true`, `false` or text: what a body without quotes means.
    Scalar(&'t str),
}

impl<'t> Row<'t> {
    /// Keeps names as they were sent.
    pub(super) fn keeping_names(mut self) -> Self {
        self.as_sent = true;
        self
    }

    /// Whether there is no value yet, and nothing wrong either.
    pub(super) fn is_empty(&self) -> bool {
        self.point.fields.is_empty() && self.wrong.is_none()
    }

    /// Says when the row was measured.
    pub(super) fn time(&mut self, time: Result<i64, TimeTextError>) {
        match time {
            Ok(time_ns) => self.point.time_ns = time_ns,
            Err(error) => self.refuse(RowError::Malformed(error.to_string())),
        }
    }

    /// Refuses the row, unless it is refused already.
    pub(super) fn refuse(&mut self, error: RowError) {
        self.wrong.get_or_insert(error);
    }

    /// Adds a tag; an empty value leaves it out.
    pub(super) fn tag(&mut self, name: &'t str, value: impl Into<Cow<'t, str>>) {
        if self.has_room() {
            let name = self.column(Cow::Borrowed(name));
            self.point.tags.push((name, value.into()));
        }
    }

    /// Adds a field.
    pub(super) fn value(&mut self, name: impl Into<Cow<'t, str>>, value: Value<'t>) {
        if self.has_room() {
            let name = self.column(name.into());
            self.point.fields.push((name, value));
        }
    }

    /// Adds a field whose value stands in the body as it is.
    pub(super) fn scalar(&mut self, name: impl Into<Cow<'t, str>>, text: &'t str) {
        self.late.push((self.point.fields.len(), Late::Scalar(text)));
        self.value(name, Value::Bool(false));
    }

    /// Adds a value of a tree, which is several when it is nested.
    pub(super) fn add(&mut self, name: &str, tree: &'t Tree<'_>) {
        match tree {
            Tree::Null => {}
            Tree::Truth(truth) => self.value(name.to_owned(), Value::Bool(*truth)),
            Tree::Text(text) => self.value(name.to_owned(), Value::Text(Cow::Borrowed(text))),
            Tree::Number(text) => {
                self.late.push((self.point.fields.len(), Late::Number(text)));
                self.value(name.to_owned(), Value::F64(0.0));
            }
            Tree::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add_nested(name, &index.to_string(), item);
                }
            }
            Tree::Object(entries) => {
                for (key, value) in entries {
                    self.add_nested(name, key, value);
                }
            }
        }
    }

    /// Adds all entries of an object but those of some keys.
    pub(super) fn add_entries(&mut self, object: &'t Tree<'_>, without: &[&str]) {
        for (key, value) in object.entries().iter().filter(|(key, _)| !without.contains(&key.as_ref())) {
            self.add(key, value);
        }
    }

    fn add_nested(&mut self, outer: &str, inner: &str, tree: &'t Tree<'_>) {
        if self.wrong.is_some() {
            return;
        }
        match flattened(outer, inner) {
            Ok(name) => self.add(&name, tree),
            Err(error) => self.refuse(RowError::Malformed(error.to_string())),
        }
    }

    /// Whether one more column is possible. What the builder would refuse is not collected first.
    fn has_room(&mut self) -> bool {
        let limit = self.max_columns;
        if self.point.tags.len() + self.point.fields.len() >= limit {
            let what = "the number of columns of one reading".to_owned();
            self.refuse(RowError::Limit { what, limit, setting: "limits.columns_per_table" });
        }
        self.wrong.is_none()
    }

    fn column(&self, name: Cow<'t, str>) -> Cow<'t, str> {
        let name = match name {
            name if self.as_sent => name,
            Cow::Borrowed(name) => plain(name),
            Cow::Owned(name) => Cow::Owned(plain(&name).into_owned()),
        };
        match name.as_ref() {
            DEVICE_TAG | SOURCE_TAG | TIME_COLUMN => Cow::Owned(format!("payload_{name}")),
            _ => name,
        }
    }
}

/// Takes the rows of a message.
pub(super) struct Rows<'r, 's> {
    message: Message<'r>,
    builder: &'r mut BatchBuilder<'s>,
    refusals: &'r mut Refusals,
    decoded: Decoded,
    /// Whether rows are of different devices.
    several: bool,
}

impl<'r, 's> Rows<'r, 's> {
    pub(super) fn new(message: Message<'r>, builder: &'r mut BatchBuilder<'s>, refusals: &'r mut Refusals) -> Self {
        Self { message, builder, refusals, decoded: Decoded::default(), several: false }
    }

    /// Starts a row at the time of arrival. The device is what it calls itself, or empty.
    pub(super) fn start<'t>(&self, table: impl Into<Cow<'t, str>>, device: impl Into<Cow<'t, str>>) -> Row<'t> {
        Row {
            point: Point::new(table, self.message.now_ns),
            device: device.into(),
            late: Vec::new(),
            as_sent: false,
            max_columns: self.builder.limits().columns_per_table,
            wrong: None,
        }
    }

    /// The kind of a column, as the next row will find it.
    pub(super) fn kind(&self, table: &str, column: &str) -> Option<ColumnKind> {
        self.builder.kind(table, column)
    }

    /// Appends a row, or refuses it with what is wrong.
    pub(super) fn push(&mut self, row: Row<'_>) {
        self.decoded.readings += 1;
        self.name(&row.device);
        if let Err(error) = self.take(row) {
            let line = u32::try_from(self.decoded.readings).unwrap_or(u32::MAX);
            self.refusals.push(line, error, self.message.body);
        }
    }

    /// Says which device the message is of.
    pub(super) fn name(&mut self, device: &str) {
        match &self.decoded.device {
            _ if device.is_empty() || self.several => {}
            None => self.decoded.device = Some(device.into()),
            Some(known) if known.as_ref() == device => {}
            Some(_) => {
                self.several = true;
                self.decoded.device = None;
            }
        }
    }

    /// Says whether a device is there.
    pub(super) fn presence(&mut self, device: &str, is_there: bool) {
        self.name(device);
        self.decoded.presence = Some(is_there);
    }

    /// What the message told.
    pub(super) fn told(self) -> Decoded {
        self.decoded
    }

    fn take(&mut self, row: Row<'_>) -> Result<(), RowError> {
        let Row { mut point, device, late, wrong, .. } = row;
        if let Some(error) = wrong {
            return Err(error);
        }
        for (position, value) in late {
            if let Some((name, slot)) = point.fields.get_mut(position) {
                *slot = read(&value, self.builder.kind(&point.table, name)).ok_or_else(|| {
                    RowError::Malformed(format!("field {name:?}: the number is too large for 64 bits"))
                })?;
            }
        }
        match self.builder.sender() {
            _ if device.is_empty() => {}
            None => point.tags.push((Cow::Borrowed(DEVICE_TAG), device)),
            Some(sender) if sender == device => {}
            Some(_) => point.tags.push((Cow::Borrowed(SOURCE_TAG), device)),
        }
        self.builder.push(&point, u32::try_from(self.decoded.readings).unwrap_or(u32::MAX))
    }
}

/// The value for a column; `None` when a number is too large.
fn read<'t>(value: &Late<'t>, kind: Option<ColumnKind>) -> Option<Value<'t>> {
    match (value, kind) {
        (Late::Number(text), kind) => number(text, kind),
        (Late::Scalar(text), Some(ColumnKind::Field(FieldType::Text))) => Some(Value::Text(Cow::Borrowed(*text))),
        (Late::Scalar("true"), _) => Some(Value::Bool(true)),
        (Late::Scalar("false"), _) => Some(Value::Bool(false)),
        (Late::Scalar(text), kind) => number(text, kind).or(Some(Value::Text(Cow::Borrowed(*text)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (name, expected) in [
            ("ds18b20", "ds18b20"),
            ("DS18B20", "ds18b20"),
            ("Outputs/LED 1", "outputs_led_1"),
            ("switch:0", "switch_0"),
            ("_type", "_type"),
            ("a__b", "a__b"),
            ("--A--", "a"),
            ("Außen-Temperatur", "außen_temperatur"),
            ("%", ""),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
    }

    #[test]
    fn a_body_without_quotes_follows_the_column() {
        let text = Some(ColumnKind::Field(FieldType::Text));
        for (body, kind, value) in [
            ("21.5", None, Value::F64(21.5)),
            ("21.5", text, Value::Text("21.5".into())),
            ("true", None, Value::Bool(true)),
            ("true", text, Value::Text("true".into())),
            ("open", None, Value::Text("open".into())),
            ("5", Some(ColumnKind::Field(FieldType::I64)), Value::I64(5)),
        ] {
            assert_eq!(read(&Late::Scalar(body), kind), Some(value), "{body}");
        }
        assert_eq!(read(&Late::Number("1e999"), None), None);
    }
}
