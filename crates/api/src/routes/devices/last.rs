//! The newest values of a device.

use sensorium_metadata::Device;
use sensorium_model::{Action, ColumnKind, DEVICE_TAG, DatabaseKey, DatabaseName, Principal, SchemaLookup};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::{ApiError, ApiResult};
use crate::routes::sql;
use crate::state::AppState;

/// The database if none is named; it exists from the first start.
const DEFAULT_DATABASE: &str = "main";
/// Series of a device that are shown.
const MAX_SERIES: usize = 100;

/// The newest values of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastOfDevice {
    database: String,
    /// The table of the device's type.
    table: String,
    /// The first 100 of its series: tags, the newest value of each field, and the newest `time` of any of them.
    #[schema(value_type = Vec<Object>)]
    series: Vec<Map<String, Value>>,
}

/// The newest values of a device, which was read for the caller, in the table of its type; none if there are none, or the caller may
/// not read them. Guests read those of devices that are shared with them, whatever the database, of which they learn nothing.
pub(crate) async fn of_device(
    state: &AppState,
    principal: &Principal,
    device: &Device,
    wanted: Option<&str>,
) -> ApiResult<Option<LastOfDevice>> {
    let name = wanted.unwrap_or(DEFAULT_DATABASE);
    let is_guest = principal.allows(Action::SeeShared);
    let found = DatabaseName::new(name).ok().and_then(|name| {
        let key = DatabaseKey::new(principal.org, name);
        let schema = state.store.schema(&key).filter(|_| is_guest || principal.allows(Action::Read(&key.name)));
        schema.map(|schema| (key.name, schema))
    });
    let Some((database, schema)) = found else {
        return if wanted.is_some() && !is_guest { Err(ApiError::database_missing(name)) } else { Ok(None) };
    };
    let Some(table) = state.metadata.table_of_device(principal, device).await? else { return Ok(None) };
    if schema.kind(&table, DEVICE_TAG) != Some(ColumnKind::Tag) {
        return Ok(None);
    }
    let (table_text, device_text) = (table.replace('\'', "''"), device.name.replace('\'', "''"));
    let statement =
        format!("SELECT * FROM last('{table_text}') WHERE \"{DEVICE_TAG}\" = '{device_text}' LIMIT {MAX_SERIES}");
    let series = sql::rows(state, principal, database.clone(), statement).await?;
    Ok((!series.is_empty()).then(|| LastOfDevice { database: database.into(), table, series }))
}
