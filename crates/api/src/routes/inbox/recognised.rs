//! What stands in a message that is kept: tables, and their fields with types; and the type of devices that can be made of it.

use std::collections::BTreeMap;

use sensorium_ingest::Format;
use sensorium_metadata::inbox::Message;
use sensorium_metadata::registry::{Decoder, MAX_FIELDS, NewType, TypeField};
use sensorium_model::{DatabaseKey, DatabaseName, DatabaseSchema, OrgId};
use sensorium_protocols::Refusals;
use serde::Serialize;
use utoipa::ToSchema;

use super::handover::decode;
use crate::state::AppState;

/// A table that a message writes to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecognisedTable {
    table: String,
    /// How many readings.
    readings: u64,
    /// Names of tags.
    tags: Vec<String>,
    fields: Vec<RecognisedField>,
}

/// A field that a message writes.
#[derive(Debug, Serialize, ToSchema)]
struct RecognisedField {
    name: String,
    /// Such as `float`, `integer` or `string`.
    #[serde(rename = "type")]
    field_type: String,
    /// The unit that the device announced, as a UCUM code; empty for none.
    unit: String,
    /// What the device announced that people call it; empty for nothing.
    display_name: String,
}

/// What stands in a message, as the database would take it now; nothing if it cannot be read.
pub(super) fn recognised(state: &AppState, org: OrgId, message: &Message) -> Vec<RecognisedTable> {
    let Ok(name) = DatabaseName::new(&message.database) else { return Vec::new() };
    let database = DatabaseKey::new(org, name);
    let schema = state.store.schema(&database);
    let empty = DatabaseSchema::default();
    let schema = schema.as_deref().unwrap_or(&empty);
    let Ok(batch) = decode(state, database, schema, message, &mut Refusals::keep(0)) else { return Vec::new() };
    let format: Option<Format> = serde_json::from_str(&message.reading).ok();
    let announced = |field: &str| format.as_ref().and_then(|format| format.announced(field));
    let tables = batch.tables.into_iter().map(|table| RecognisedTable {
        table: table.table.to_string(),
        readings: table.rows() as u64,
        tags: table.tags.iter().map(|tag| tag.name.to_string()).collect(),
        fields: table
            .fields
            .iter()
            .map(|field| RecognisedField {
                name: field.name.to_string(),
                field_type: field.values.field_type().to_string(),
                unit: announced(&field.name).map(|field| field.unit.to_string()).unwrap_or_default(),
                display_name: announced(&field.name).map(|field| field.display_name.to_string()).unwrap_or_default(),
            })
            .collect(),
    });
    tables.collect()
}

/// A type of devices that write what stands in the messages of one: the table with the most fields. None when nothing can be read.
pub(super) fn type_of(state: &AppState, org: OrgId, messages: &[Message], name: String) -> Option<NewType> {
    let mut tables: BTreeMap<String, Vec<TypeField>> = BTreeMap::new();
    for RecognisedTable { table, fields, .. } in messages.iter().flat_map(|message| recognised(state, org, message)) {
        let known = tables.entry(table).or_default();
        for RecognisedField { name, unit, display_name, .. } in fields {
            if known.len() < MAX_FIELDS && !known.iter().any(|field| field.name == name) {
                known.push(TypeField { name, display_name, unit, min: None, max: None });
            }
        }
    }
    let (table, fields) = tables.into_iter().max_by_key(|(_, fields)| fields.len())?;
    Some(NewType { name, description: String::new(), table, fields, decoder: Some(Decoder::Auto) })
}
