//! For how long readings are kept, and deleting them: `GET` and `PUT /api/v1/databases/{database}/retention`,
//! `PUT …/tables/{table}/retention` and `POST …/tables/{table}/delete`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::Change;
use sensorium_model::{Action, DatabaseKey, DatabaseName, DatabaseSchema, ErrorKind, Name};
use sensorium_protocols::time::parse_utc;
use sensorium_store::Deletion;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// The shortest time for which readings can be kept, in seconds.
pub(super) const LEAST_SECONDS: u64 = 60;

/// For how long the readings of a database are kept.
#[derive(Debug, Serialize, ToSchema)]
struct Retention {
    /// In seconds; `null` is for ever.
    keep_seconds: Option<u64>,
    /// The tables that have a time of their own, in seconds.
    tables: BTreeMap<String, u64>,
}

/// For how long to keep readings.
#[derive(Deserialize, ToSchema)]
struct RetentionRequest {
    /// At least 60 seconds; `null` is for ever, and for a table what its database says.
    #[schema(minimum = 60)]
    keep_seconds: Option<u64>,
}

/// What to delete.
#[derive(Deserialize, ToSchema)]
struct DeleteRequest {
    /// The first time, as RFC 3339.
    start: String,
    /// The first time that is not deleted any more, as RFC 3339.
    stop: String,
    /// Tags and the value that each must have; without any, all series.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// For how long readings are kept
#[utoipa::path(get, path = "/api/v1/databases/{database}/retention", tag = "databases",
    params(("database" = String, Path, description = "The database")),
    responses((status = 200, body = Retention), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn retention(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(database): extract::Path<String>,
) -> ApiResult<Json<Retention>> {
    let name = DatabaseName::new(&database).map_err(|_| ApiError::database_missing(&database))?;
    caller.may_read(&name)?;
    let key = DatabaseKey::new(caller.0.org, name);
    let schema = state.store.schema(&key).ok_or_else(|| ApiError::database_missing(&database))?;
    let of_table = |table: &Name| Some((table.to_string(), state.store.retention(&key, Some(table))?.as_secs()));
    let tables = schema.tables.keys().filter_map(of_table).collect();
    let keep_seconds = state.store.retention(&key, None).map(|keep| keep.as_secs());
    Ok(Json(Retention { keep_seconds, tables }))
}

/// Set for how long a database keeps readings
///
/// What is older is gone for readers at once, and soon from the disk. For administrators.
#[utoipa::path(put, path = "/api/v1/databases/{database}/retention", tag = "databases", request_body = RetentionRequest,
    params(("database" = String, Path, description = "The database")),
    responses((status = 204, description = "Set"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_database_retention(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(database): extract::Path<String>,
    extract::Json(request): extract::Json<RetentionRequest>,
) -> ApiResult<StatusCode> {
    let (key, _) = managed(&state, &caller, &database)?;
    set(&state, &caller, key, None, request.keep_seconds).await
}

/// Set for how long a table keeps readings
///
/// Comes before what the database says. For administrators.
#[utoipa::path(put, path = "/api/v1/databases/{database}/tables/{table}/retention", tag = "databases",
    request_body = RetentionRequest,
    params(("database" = String, Path, description = "The database"), ("table" = String, Path, description = "The table")),
    responses((status = 204, description = "Set"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_table_retention(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path((database, table)): extract::Path<(String, String)>,
    extract::Json(request): extract::Json<RetentionRequest>,
) -> ApiResult<StatusCode> {
    let (key, schema) = managed(&state, &caller, &database)?;
    let table = known(&database, &schema, &table)?;
    set(&state, &caller, key, Some(table), request.keep_seconds).await
}

/// Delete readings of a table
///
/// Those of a span of time whose tags have given values. Readings that are written afterwards are not touched. For
/// administrators.
#[utoipa::path(post, path = "/api/v1/databases/{database}/tables/{table}/delete", tag = "databases",
    request_body = DeleteRequest,
    params(("database" = String, Path, description = "The database"), ("table" = String, Path, description = "The table")),
    responses((status = 204, description = "Deleted, durably"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path((database, table)): extract::Path<(String, String)>,
    extract::Json(request): extract::Json<DeleteRequest>,
) -> ApiResult<StatusCode> {
    let (key, schema) = managed(&state, &caller, &database)?;
    let table = known(&database, &schema, &table)?;
    let time = |text: &str| parse_utc(text, None).map_err(|error| ApiError::invalid(error.to_string()));
    let (start, stop) = (time(&request.start)?, time(&request.stop)?);
    if start >= stop {
        return Err(ApiError::invalid("start is not before stop, so nothing would be deleted".to_owned()));
    }
    let tags = request.tags.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
    let deletion = Deletion { time_min_ns: start, time_max_ns: stop - 1, tags };
    let what = json!({"start": request.start, "stop": request.stop, "tags": request.tags});
    delete_readings(&state, &caller, &key, &table, deletion, what).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes readings for a caller that may, and records `what` they were.
pub(super) async fn delete_readings(
    state: &AppState,
    caller: &Caller,
    key: &DatabaseKey,
    table: &str,
    deletion: Deletion,
    what: serde_json::Value,
) -> ApiResult<()> {
    state.store.delete(key, table, deletion).await?;
    let name = format!("{}.{table}", key.name);
    Ok(state.metadata.audit(&caller.0, Change::new("deleted", "readings", &name).before(what)).await?)
}

/// Sets for how long a database or one of its tables keeps readings, for a caller that may.
pub(super) async fn set(
    state: &AppState,
    caller: &Caller,
    key: DatabaseKey,
    table: Option<Name>,
    keep_seconds: Option<u64>,
) -> ApiResult<StatusCode> {
    if keep_seconds.is_some_and(|seconds| seconds < LEAST_SECONDS) {
        return Err(ApiError::invalid(format!("keep_seconds must be at least {LEAST_SECONDS}, or null for ever")));
    }
    let before = state.store.retention(&key, table.as_deref()).map(|keep| keep.as_secs());
    let name = table.as_ref().map_or_else(|| key.name.to_string(), |table| format!("{}.{table}", key.name));
    let store = state.store.clone();
    // The store syncs a file before it returns.
    tokio::task::spawn_blocking(move || {
        store.set_retention(&key, table.as_ref(), keep_seconds.map(Duration::from_secs))
    })
    .await
    .map_err(|error| ApiError::from_error(ErrorKind::Internal, &error))??;
    let change = Change::new("changed", "retention", &name).before(json!(before)).after(json!(keep_seconds));
    state.metadata.audit(&caller.0, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A database that exists and that the caller may manage.
pub(super) fn managed(
    state: &AppState,
    caller: &Caller,
    database: &str,
) -> ApiResult<(DatabaseKey, Arc<DatabaseSchema>)> {
    let name = DatabaseName::new(database).map_err(|_| ApiError::database_missing(database))?;
    caller.require(Action::ManageDatabase(&name), "this needs an administrator of the organisation")?;
    let key = DatabaseKey::new(caller.0.org, name);
    let schema = state.store.schema(&key).ok_or_else(|| ApiError::database_missing(database))?;
    Ok((key, schema))
}

fn known(database: &str, schema: &DatabaseSchema, table: &str) -> ApiResult<Name> {
    let known = schema.tables.get_key_value(table).map(|(name, _)| name.clone());
    known.ok_or_else(|| ApiError::missing(format!("database {database:?} has no table {table:?}")))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(retention, set_database_retention))
        .routes(routes!(set_table_retention))
        .routes(routes!(delete))
}
