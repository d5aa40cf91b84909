//! One record as it stands in a pack (RFC 8428, sections 4.1, 4.2, 5 and 6).

use std::borrow::Cow;

use ciborium::Value;
use sensorium_model::RowError;

use super::SenmlError;
use crate::json::text::{first, text};
use crate::json::walk::entries;
use crate::payload::cbor;

/// A value of a label.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'b> {
    /// A number, as decimal text.
    Number(Cow<'b, str>),
    /// A text.
    Text(Cow<'b, str>),
    /// A truth value.
    Truth(bool),
    /// Bytes, which only CBOR has.
    Bytes(&'b [u8]),
}

/// What a record says, by label.
#[derive(Debug, Default)]
pub(super) struct Record<'b> {
    entries: Vec<(Label, Scalar<'b>)>,
}

macro_rules! labels {
    ($($name:ident = $text:literal, $number:literal;)*) => {
        /// What a value is of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Label { $($name,)* }

        impl Label {
            fn of_text(text: &str) -> Option<Self> {
                Some(match text { $($text => Self::$name,)* _ => return None })
            }

            fn of_number(number: i128) -> Option<Self> {
                Some(match number { $($number => Self::$name,)* _ => return None })
            }

            pub(super) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

labels! {
    BaseVersion = "bver", -1;
    BaseName = "bn", -2;
    BaseTime = "bt", -3;
    BaseUnit = "bu", -4;
    BaseValue = "bv", -5;
    BaseSum = "bs", -6;
    Name = "n", 0;
    Unit = "u", 1;
    Value = "v", 2;
    TextValue = "vs", 3;
    TruthValue = "vb", 4;
    Sum = "s", 5;
    Time = "t", 6;
    UpdateTime = "ut", 7;
    DataValue = "vd", 8;
}

impl Label {
    /// Whether its value has the right type.
    fn takes(self, value: &Scalar<'_>) -> bool {
        match self {
            Self::BaseName | Self::BaseUnit | Self::Name | Self::Unit | Self::TextValue => {
                matches!(value, Scalar::Text(_))
            }
            Self::DataValue => matches!(value, Scalar::Text(_) | Scalar::Bytes(_)),
            Self::TruthValue => matches!(value, Scalar::Truth(_)),
            _ => matches!(value, Scalar::Number(_)),
        }
    }
}

impl<'b> Record<'b> {
    pub(super) fn get(&self, label: Label) -> Option<&Scalar<'b>> {
        self.entries.iter().find(|(known, _)| *known == label).map(|(_, value)| value)
    }

    /// The number of a label.
    pub(super) fn number(&self, label: Label) -> Option<&str> {
        match self.get(label)? {
            Scalar::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a label.
    pub(super) fn text(&self, label: Label) -> Option<&str> {
        match self.get(label)? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its version, when that is later than this one.
    pub(super) fn version_beyond(&self, known: &str) -> Option<String> {
        let version = self.number(Label::BaseVersion)?;
        let is_known =
            version.parse::<f64>().is_ok_and(|version| known.parse().is_ok_and(|known: f64| version <= known));
        (!is_known).then(|| version.to_owned())
    }

    fn add(&mut self, label: Label, value: Scalar<'b>) -> Result<(), RowError> {
        if !label.takes(&value) {
            return Err(RowError::Malformed(format!("{:?} has a value of another type", label.as_str())));
        }
        if self.get(label).is_some() {
            return Err(RowError::Malformed(format!("{:?} stands twice in this record", label.as_str())));
        }
        self.entries.push((label, value));
        Ok(())
    }
}

/// A record, what is wrong with it, or why its whole pack is refused.
type Read<'b> = Result<Result<Record<'b>, RowError>, SenmlError>;

/// Reads a record in JSON.
pub(super) fn of_json(object: &str) -> Read<'_> {
    let mut record = Record::default();
    let mut wrong = None;
    if first(object) != b'{' {
        return Ok(Err(RowError::Malformed("a record of SenML is an object".to_owned())));
    }
    entries(object, |key, value| {
        let Some(label) = Label::of_text(&key) else { return understood(&key) };
        let scalar = match first(value) {
            b'"' => text(value).map(Scalar::Text),
            b't' | b'f' => Some(Scalar::Truth(value == "true")),
            b'{' | b'[' | b'n' => None,
            _ => Some(Scalar::Number(Cow::Borrowed(value))),
        };
        note(&mut record, &mut wrong, label, scalar);
        Ok(())
    })?;
    Ok(wrong.map_or(Ok(record), Err))
}

/// Reads a record in CBOR.
pub(super) fn of_cbor(item: &Value) -> Read<'_> {
    let Value::Map(entries) = item else {
        return Ok(Err(RowError::Malformed("a record of SenML is a map".to_owned())));
    };
    let mut record = Record::default();
    let mut wrong = None;
    for (key, value) in entries {
        let label = match key {
            Value::Integer(number) => Label::of_number(i128::from(*number)),
            Value::Text(text) => {
                understood(text)?;
                Label::of_text(text)
            }
            _ => None,
        };
        let Some(label) = label else { continue };
        let scalar = match value {
            Value::Text(text) => Some(Scalar::Text(Cow::Borrowed(text))),
            Value::Bool(truth) => Some(Scalar::Truth(*truth)),
            Value::Bytes(bytes) => Some(Scalar::Bytes(bytes)),
            other => cbor::number(other).map(|text| Scalar::Number(Cow::Owned(text))),
        };
        note(&mut record, &mut wrong, label, scalar);
    }
    Ok(wrong.map_or(Ok(record), Err))
}

/// Adds a value; what is wrong first is kept.
fn note<'b>(record: &mut Record<'b>, wrong: &mut Option<RowError>, label: Label, scalar: Option<Scalar<'b>>) {
    let added = match scalar {
        Some(scalar) => record.add(label, scalar),
        None => Err(RowError::Malformed(format!("{:?} has a value that is not read", label.as_str()))),
    };
    if let Err(error) = added {
        wrong.get_or_insert(error);
    }
}

/// A label that is not known may be passed over, unless it says that it may not (section 4.4).
fn understood(label: &str) -> Result<(), SenmlError> {
    match label.ends_with('_') {
        true => Err(SenmlError::Label(label.to_owned())),
        false => Ok(()),
    }
}
