//! What the records before it say of a record (RFC 8428, sections 4.1 and 4.6).

use sensorium_model::{BatchBuilder, RowError, Value};

use super::record::{Label, Record, Scalar};
use super::time::seconds_ns;
use crate::numbers::number;

/// Seconds below this are since now (section 4.5.3).
const ABSOLUTE_NS: i128 = (1 << 28) * 1_000_000_000;

/// The base values so far.
#[derive(Debug, Default)]
pub(super) struct Base {
    name: String,
    time_ns: i128,
    unit: Option<String>,
    value: Option<String>,
    sum: Option<String>,
}

/// A record with everything that is said of it.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) time_ns: i64,
    pub(super) unit: Option<String>,
    value: Option<Owned>,
    sum: Option<String>,
}

/// A value that has left the body.
#[derive(Debug)]
enum Owned {
    Number(String),
    Text(String),
    Truth(bool),
}

impl Base {
    /// Takes the record's base values, and resolves it; none when it holds only those.
    pub(super) fn resolve(&mut self, record: &Record<'_>, now_ns: i64) -> Result<Option<Resolved>, RowError> {
        if let Some(name) = record.text(Label::BaseName) {
            name.clone_into(&mut self.name);
        }
        if let Some(unit) = record.text(Label::BaseUnit) {
            self.unit = Some(unit.to_owned());
        }
        if let Some(value) = record.number(Label::BaseValue) {
            self.value = Some(value.to_owned());
        }
        if let Some(sum) = record.number(Label::BaseSum) {
            self.sum = Some(sum.to_owned());
        }
        if let Some(time) = record.number(Label::BaseTime) {
            self.time_ns = time_of(time)?;
        }
        let time_ns = match record.number(Label::Time) {
            Some(time) => self.time_ns + time_of(time)?,
            None => self.time_ns,
        };
        let value = self.value(record)?;
        let sum = record.number(Label::Sum).map(|sum| added(sum, self.sum.as_deref()));
        let (name, has_name) = (record.text(Label::Name).unwrap_or_default(), record.get(Label::Name).is_some());
        if value.is_none() && sum.is_none() {
            let is_base_only = !has_name && record.get(Label::Time).is_none() && record.get(Label::Unit).is_none();
            return match is_base_only {
                true => Ok(None),
                false => Err(wrong("the record has no value; add \"v\", \"vs\", \"vb\", \"vd\" or \"s\"")),
            };
        }
        let name = format!("{}{name}", self.name);
        if name.is_empty() {
            return Err(wrong("the record has no name; add \"n\" or \"bn\""));
        }
        let since = if time_ns < ABSOLUTE_NS { i128::from(now_ns) } else { 0 };
        let time_ns = i64::try_from(since + time_ns)
            .map_err(|_| wrong("the time of the record is outside of the years 1677 to 2262"))?;
        let unit = record.text(Label::Unit).map(str::to_owned).or_else(|| self.unit.clone());
        Ok(Some(Resolved { name, time_ns, unit, value, sum }))
    }

    /// The one value of a record.
    fn value(&self, record: &Record<'_>) -> Result<Option<Owned>, RowError> {
        let labels = [Label::Value, Label::TextValue, Label::TruthValue, Label::DataValue];
        let mut values = labels.into_iter().filter_map(|label| record.get(label));
        let value = values.next().map(|value| match value {
            Scalar::Number(text) => Owned::Number(added(text, self.value.as_deref())),
            Scalar::Text(text) => Owned::Text(text.clone().into_owned()),
            Scalar::Truth(truth) => Owned::Truth(*truth),
            Scalar::Bytes(bytes) => Owned::Text(base64url(bytes)),
        });
        match values.next() {
            Some(_) => Err(wrong("the record has more than one value")),
            None => Ok(value),
        }
    }
}

impl Resolved {
    /// The fields that it becomes.
    pub(super) fn values(
        &self,
        field: &str,
        table: &str,
        builder: &BatchBuilder<'_>,
    ) -> Result<Vec<(String, Value<'static>)>, RowError> {
        let numeric = |name: &str, text: &str| {
            let too_large = || RowError::Malformed(format!("field {name:?}: the number is too large for 64 bits"));
            number(text, builder.kind(table, name)).ok_or_else(too_large)
        };
        let mut values = Vec::new();
        match &self.value {
            None => {}
            Some(Owned::Number(text)) => values.push((field.to_owned(), numeric(field, text)?)),
            Some(Owned::Text(text)) => values.push((field.to_owned(), Value::Text(text.clone().into()))),
            Some(Owned::Truth(truth)) => values.push((field.to_owned(), Value::Bool(*truth))),
        }
        if let Some(text) = &self.sum {
            let name = format!("{field}_sum");
            let value = numeric(&name, text)?;
            values.push((name, value));
        }
        Ok(values)
    }
}

fn wrong(text: &str) -> RowError {
    RowError::Malformed(text.to_owned())
}

fn time_of(text: &str) -> Result<i128, RowError> {
    seconds_ns(text).ok_or_else(|| RowError::Malformed(format!("{text:?} is no time in seconds")))
}

/// A number and the base that is added to it: exact where both are whole, else the nearest double.
fn added(text: &str, base: Option<&str>) -> String {
    let Some(base) = base else { return text.to_owned() };
    let whole = |text: &str| text.parse::<i128>().ok();
    if let Some(sum) = whole(text).and_then(|number| number.checked_add(whole(base)?)) {
        return sum.to_string();
    }
    let float = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    (float(text) + float(base)).to_string()
}

/// Bytes as SenML in JSON writes them: base64 for addresses, without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0, |group, index| group << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        for place in 0..=chunk.len() {
            let digit = DIGITS.get((group >> (18 - 6 * place) & 0x3f) as usize).copied().unwrap_or(b'A');
            out.push(char::from(digit));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_base64() {
        for (bytes, expected) in
            [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff\xfe", "-__-")]
        {
            assert_eq!(base64url(bytes), expected);
        }
    }

    #[test]
    fn bases_are_added() {
        for (text, base, sum) in [
            ("1.5", None, "1.5"),
            ("9007199254740993", Some("1"), "9007199254740994"),
            ("0.5", Some("20"), "20.5"),
            ("1e999", Some("1"), "inf"),
        ] {
            assert_eq!(added(text, base), sum);
        }
    }
}
