//! `/readings`: readings in any format, with what they do not say in the query: `table`, `field`, `device`, `db`.

use std::sync::Arc;

use sensorium_ingest::Format;
use sensorium_model::{DatabaseName, Principal};
use sensorium_protocols::coap::{Code, Response, format};
use sensorium_protocols::payload::content::LINE_PROTOCOL;

use super::super::Shared;
use super::super::answer::failure;
use super::super::desk::Asked;
use super::super::intake::Reading;
use super::Handled;
use crate::reach;

/// The formats that are read.
pub(super) const FORMATS: &[u16] =
    &[format::TEXT, format::JSON, format::CBOR, format::SENML_JSON, format::SENML_CBOR, LINE_PROTOCOL];

/// The table of readings that name none.
const TABLE: &str = "readings";
/// The field of a single value that names none.
const FIELD: &str = "value";

pub(super) fn take(shared: &Shared, asked: &Asked, writer: Arc<Principal>) -> Handled {
    let request = &asked.request;
    let content_format = request.content_format();
    if content_format.is_some_and(|wanted| !FORMATS.contains(&wanted)) {
        let sentence = "readings are read as text (0), JSON (50), CBOR (60), SenML JSON (110), SenML CBOR (112) and line protocol (65000)";
        return Handled::Answer(failure(Code::UNSUPPORTED_CONTENT_FORMAT, sentence));
    }
    let database = match request.query("db").map(DatabaseName::new) {
        Some(Ok(named)) => named,
        Some(Err(error)) => return Handled::Answer(failure(Code::BAD_REQUEST, &format!("db: {error}"))),
        None => reach::database_of(&writer, &shared.config.database),
    };
    let named = |name: &str, usual: &str| request.query(name).unwrap_or(usual).to_owned();
    // What a device sends has its name anyway.
    let device = request.query("device").filter(|_| writer.device.is_none()).map(str::to_owned);
    Handled::Store(Reading {
        format: Format::Content {
            content_format,
            table: named("table", TABLE),
            field: named("field", FIELD),
            tags: Vec::new(),
            device,
        },
        writer,
        database,
        body: request.payload.clone(),
        stored: Response::new(Code::CHANGED),
    })
}
