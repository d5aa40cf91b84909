//! SenML (RFC 8428): lists of records in JSON and CBOR.
//!
//! ```json
//! [{"bn": "urn:dev:ow:10e2073a01080063:", "bt": 1.7e9, "n": "temp", "u": "Cel", "v": 23.1}, {"n": "open", "vb": true, "t": 5}]
//! ```
//!
//! What a record becomes: its name, after the base name, tells the device and the field.
//! - `urn:dev:ow:10e2073a01080063:temp`: the device is the URN (RFC 9039), which ends at the first `:`, `;`, `/` or `_` after its
//!   third colon, the field is `temp`;
//! - `base/name`, `base:name`: the device is what stands before the last `/`, or else before the last `:`;
//! - `temp`: the field; the device is the one that the caller names, or who sent it;
//! - where no field is left, it is `value`; one that would be called `device`, `source` or `time` gets `payload_` in front.
//!
//! Records of one device and time that follow each other are one reading, as long as no field comes twice. The table is the
//! caller's. The device goes to the tag [`DEVICE_TAG`], or to [`SOURCE_TAG`] where the builder knows that another device sent
//! it. `v`, `vs` and `vb` are the field's value, `vd` its text in base64url; a sum `s` is the field `…_sum`. `bv` and `bs` are
//! added. Units are told to the caller. `ut` says nothing that is kept.
//!
//! Times (section 4.5.3): `bt` and `t` together are seconds since 1970 from 2^28 on, below that since now; without both, now.
//!
//! A record that breaks a rule costs only itself, as a reading of its own. Unknown labels are passed over, but one that ends in
//! `_` must be understood, so it refuses the pack (section 4.4), as does a version beyond 10.
//!
//! Limits: [`MAX_RECORDS`] of a pack; [`MAX_CBOR_BYTES`](super::cbor::MAX_CBOR_BYTES); those of the builder.

mod pack;
mod record;
mod time;

use std::borrow::Cow;
use std::collections::BTreeMap;

use sensorium_model::names::TIME_COLUMN;
use sensorium_model::{BatchBuilder, DEVICE_TAG, ErrorKind, Point, RowError};
use thiserror::Error;

use self::pack::{Base, Resolved};
use self::record::Record;
use super::cbor::{self, CborError};
use crate::decoders::SOURCE_TAG;
use crate::json::JsonError;
use crate::json::walk::elements;
use crate::refusals::Refusals;

/// Records of one pack.
pub const MAX_RECORDS: usize = 10_000;
/// The version that is understood.
const VERSION: &str = "10";

/// How to read a pack.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// Where the readings go.
    pub table: &'o str,
    /// The device of records whose names hold none.
    pub device: Option<&'o str>,
    /// The time of receipt, in nanoseconds since the epoch.
    pub now_ns: i64,
}

/// Why a pack is refused as a whole.
#[derive(Debug, Error)]
pub enum SenmlError {
    /// It is no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is no CBOR.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// It is no list.
    #[error("a pack of SenML is a list of records")]
    NotAList,
    /// There is nothing in it.
    #[error("the pack of SenML holds no records")]
    Empty,
    /// Too many records.
    #[error("the pack has more than {MAX_RECORDS} records (MAX_RECORDS, a fixed limit)")]
    TooManyRecords,
    /// A label that has to be understood.
    #[error("the label {0:?} has to be understood and is not known")]
    Label(String),
    /// Of a later version.
    #[error("the pack is of version {0}; up to {VERSION} is read")]
    Version(String),
}

impl SenmlError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooManyRecords => ErrorKind::TooLarge,
            Self::Cbor(error) => error.kind(),
            Self::Json(_) | Self::NotAList | Self::Empty | Self::Label(_) | Self::Version(_) => ErrorKind::Invalid,
        }
    }
}

impl From<serde_json::Error> for SenmlError {
    fn from(source: serde_json::Error) -> Self {
        Self::Json(JsonError::Syntax { source })
    }
}

/// Reads a pack in JSON into the builder; refused readings go to `refusals`, numbered from 1. The first unit of each field goes
/// to `units`. Returns the number of readings that were seen. After an error the builder holds the readings before it and must
/// be thrown away.
pub fn decode_json(
    body: &[u8],
    options: &Options<'_>,
    units: &mut BTreeMap<String, String>,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, SenmlError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    if !body.starts_with(b"[") {
        return Err(SenmlError::NotAList);
    }
    // Checks that nothing follows, and that it is UTF-8.
    let list: &serde_json::value::RawValue = serde_json::from_slice(body)?;
    let mut readings = Readings::new(options, units, builder, refusals);
    elements(list.get(), |_, text| readings.take(record::of_json(text)?, text.as_bytes()))?;
    readings.finish()
}

/// Reads a pack in CBOR, as [`decode_json`] does.
pub fn decode_cbor(
    body: &[u8],
    options: &Options<'_>,
    units: &mut BTreeMap<String, String>,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, SenmlError> {
    let list = cbor::read(body)?.into_array().map_err(|_| SenmlError::NotAList)?;
    let mut readings = Readings::new(options, units, builder, refusals);
    for item in &list {
        readings.take(record::of_cbor(item)?, &[])?;
    }
    readings.finish()
}

/// Puts records together to readings.
struct Readings<'r, 's> {
    options: &'r Options<'r>,
    units: &'r mut BTreeMap<String, String>,
    builder: &'r mut BatchBuilder<'s>,
    refusals: &'r mut Refusals,
    base: Base,
    /// The reading that records are added to, with its device.
    open: Option<(Option<String>, Point<'static>)>,
    records: usize,
    seen: u64,
}

impl<'r, 's> Readings<'r, 's> {
    fn new(
        options: &'r Options<'r>,
        units: &'r mut BTreeMap<String, String>,
        builder: &'r mut BatchBuilder<'s>,
        refusals: &'r mut Refusals,
    ) -> Self {
        Self { options, units, builder, refusals, base: Base::default(), open: None, records: 0, seen: 0 }
    }

    /// Takes the next record, or what is wrong with it.
    fn take(&mut self, record: Result<Record<'_>, RowError>, text: &[u8]) -> Result<(), SenmlError> {
        self.records += 1;
        if self.records > MAX_RECORDS {
            return Err(SenmlError::TooManyRecords);
        }
        let resolved = match record {
            Ok(record) => {
                if let Some(version) = record.version_beyond(VERSION) {
                    return Err(SenmlError::Version(version));
                }
                self.base.resolve(&record, self.options.now_ns)
            }
            Err(error) => Err(error),
        };
        match resolved {
            Ok(None) => {}
            Ok(Some(resolved)) => {
                if let Err(error) = self.add(resolved) {
                    self.refuse(error, text);
                }
            }
            Err(error) => self.refuse(error, text),
        }
        Ok(())
    }

    /// Adds a record to the open reading, or begins another.
    fn add(&mut self, record: Resolved) -> Result<(), RowError> {
        let (device, field) = split(&record.name);
        let device = device.or(self.options.device).map(str::to_owned);
        let field = match field {
            DEVICE_TAG | SOURCE_TAG | TIME_COLUMN => format!("payload_{field}"),
            _ => field.to_owned(),
        };
        let values = record.values(&field, self.options.table, self.builder)?;
        if let Some(unit) = record.unit.filter(|unit| !unit.is_empty()) {
            self.units.entry(field).or_insert(unit);
        }
        let continues = self.open.as_ref().is_some_and(|(open, point)| {
            *open == device
                && point.time_ns == record.time_ns
                && point.fields.len() + values.len() <= self.builder.limits().columns_per_table
                && values.iter().all(|(name, _)| point.fields.iter().all(|(known, _)| known != name))
        });
        if !continues {
            self.close();
        }
        let (_, point) =
            self.open.get_or_insert_with(|| (device, Point::new(self.options.table.to_owned(), record.time_ns)));
        point.fields.extend(values.into_iter().map(|(name, value)| (Cow::Owned(name), value)));
        Ok(())
    }

    /// Gives the open reading to the builder.
    fn close(&mut self) {
        let Some((device, mut point)) = self.open.take() else { return };
        if let Some(device) = device {
            match self.builder.sender() {
                Some(sender) if sender == device => {}
                Some(_) => point.tags.push((Cow::Borrowed(SOURCE_TAG), device.into())),
                None => point.tags.push((Cow::Borrowed(DEVICE_TAG), device.into())),
            }
        }
        self.seen += 1;
        let number = u32::try_from(self.seen).unwrap_or(u32::MAX);
        if let Err(error) = self.builder.push(&point, number) {
            self.refusals.push(number, error, &[]);
        }
    }

    /// Counts a record as a reading that is refused.
    fn refuse(&mut self, error: RowError, text: &[u8]) {
        self.close();
        self.seen += 1;
        self.refusals.push(u32::try_from(self.seen).unwrap_or(u32::MAX), error, text);
    }

    fn finish(mut self) -> Result<u64, SenmlError> {
        self.close();
        match self.records {
            0 => Err(SenmlError::Empty),
            _ => Ok(self.seen),
        }
    }
}

/// The device and the field that a name tells.
fn split(name: &str) -> (Option<&str>, &str) {
    let (device, field) = match name.strip_prefix("urn:dev:") {
        Some(rest) => {
            let id = rest.find(':').map_or(rest.len(), |colon| colon + 1);
            let end = rest.get(id..).and_then(|rest| rest.find([':', ';', '/', '_'])).map(|end| id + end);
            let end = end.map(|end| "urn:dev:".len() + end);
            (name.get(..end.unwrap_or(name.len())), end.and_then(|end| name.get(end + 1..)).unwrap_or_default())
        }
        None => match name.rsplit_once('/').or_else(|| name.rsplit_once(':')) {
            Some((device, field)) => (Some(device), field),
            None => (None, name),
        },
    };
    (device.filter(|device| !device.is_empty()), if field.is_empty() { "value" } else { field })
}

#[cfg(test)]
mod tests;
