//! Rollups, tables that are computed from others: `GET` and `POST /api/v1/databases/{database}/rollups` and
//! `DELETE …/rollups/{rollup}`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::Change;
use sensorium_model::time::NANOS_PER_MILLI;
use sensorium_model::{DatabaseKey, DatabaseName, ErrorKind};
use sensorium_store::{Aggregate, Deletion, Rollup, RollupError, RollupInfo, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keeping::{LEAST_SECONDS, managed};
use super::rfc3339;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// The rollups of a database, by name.
#[derive(Debug, Serialize, ToSchema)]
struct RollupList {
    rollups: Vec<RollupEntry>,
}

/// A rollup and what is still to be computed.
#[derive(Debug, Serialize, ToSchema)]
struct RollupEntry {
    /// The table that it goes to.
    name: String,
    /// The table that it is computed from.
    source: String,
    /// The length of a window, in seconds.
    interval_seconds: u64,
    /// What is computed of each field.
    aggregates: Vec<AggregateName>,
    /// The fields; `null` is all that are numbers.
    fields: Option<Vec<String>>,
    /// For how long its table keeps rows, in seconds; `null` is what the database says.
    keep_seconds: Option<u64>,
    /// Windows that are to be computed.
    pending_windows: u64,
    /// Where the first of them begins, as RFC 3339.
    pending_start: Option<String>,
    /// Where the last of them ends.
    pending_stop: Option<String>,
    /// What went wrong when windows were computed last.
    problem: Option<String>,
}

/// A rollup to declare.
#[derive(Deserialize, ToSchema)]
struct RollupRequest {
    /// The table that it goes to, which must be new.
    name: String,
    /// The table that it is computed from.
    source: String,
    /// The length of a window, in seconds: a divisor of a day, or whole days up to 366.
    #[schema(minimum = 1)]
    interval_seconds: u64,
    /// What to compute of each field, at least one.
    aggregates: Vec<AggregateName>,
    /// The fields; without them, all that are numbers, also those to come.
    fields: Option<Vec<String>>,
    /// For how long to keep its rows, in seconds, at least 60 and one window; without it, what the database says.
    keep_seconds: Option<u64>,
}

/// What is computed of the values of a field in a window.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AggregateName {
    Min,
    Max,
    Mean,
    /// In the field's type; what does not fit stands at its limit.
    Sum,
    Count,
    /// The earliest value.
    First,
    /// The latest value.
    Last,
}

/// What becomes of the rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Whether its rows are deleted too; default false.
    #[serde(default)]
    delete_rows: bool,
}

impl From<AggregateName> for Aggregate {
    fn from(name: AggregateName) -> Self {
        match name {
            AggregateName::Min => Self::Min,
            AggregateName::Max => Self::Max,
            AggregateName::Mean => Self::Mean,
            AggregateName::Sum => Self::Sum,
            AggregateName::Count => Self::Count,
            AggregateName::First => Self::First,
            AggregateName::Last => Self::Last,
        }
    }
}

impl From<Aggregate> for AggregateName {
    fn from(aggregate: Aggregate) -> Self {
        match aggregate {
            Aggregate::Min => Self::Min,
            Aggregate::Max => Self::Max,
            Aggregate::Mean => Self::Mean,
            Aggregate::Sum => Self::Sum,
            Aggregate::Count => Self::Count,
            Aggregate::First => Self::First,
            Aggregate::Last => Self::Last,
        }
    }
}

impl From<RollupInfo> for RollupEntry {
    fn from(info: RollupInfo) -> Self {
        let RollupInfo { rollup, keep, pending_windows, pending_ns, problem } = info;
        let fields: Vec<String> = rollup.fields.iter().map(ToString::to_string).collect();
        Self {
            name: rollup.target.to_string(),
            source: rollup.source.to_string(),
            interval_seconds: rollup.interval_seconds,
            aggregates: rollup.aggregates.into_iter().map(Into::into).collect(),
            fields: (!fields.is_empty()).then_some(fields),
            keep_seconds: keep.map(|keep| keep.as_secs()),
            pending_windows,
            pending_start: pending_ns.map(|(start, _)| rfc3339(start / NANOS_PER_MILLI)),
            pending_stop: pending_ns.map(|(_, stop)| rfc3339(stop / NANOS_PER_MILLI)),
            problem,
        }
    }
}

impl From<RollupError> for ApiError {
    fn from(error: RollupError) -> Self {
        Self::from_error(error.kind(), &error)
    }
}

/// List rollups
///
/// With what is still to be computed: after declaring one on what is there, that is the progress.
#[utoipa::path(get, path = "/api/v1/databases/{database}/rollups", tag = "databases",
    params(("database" = String, Path, description = "The database")),
    responses((status = 200, body = RollupList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn rollups(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(database): extract::Path<String>,
) -> ApiResult<Json<RollupList>> {
    let name = DatabaseName::new(&database).map_err(|_| ApiError::database_missing(&database))?;
    caller.may_read(&name)?;
    let key = DatabaseKey::new(caller.0.org, name);
    if state.store.schema(&key).is_none() {
        return Err(ApiError::database_missing(&database));
    }
    let rollups = blocking(&state, move |store| store.rollups(&key)).await?;
    Ok(Json(RollupList { rollups: rollups.into_iter().map(Into::into).collect() }))
}

/// Declare a rollup
///
/// A table with one row per series and window of time, with a field `<field>_<aggregate>` for each aggregate of each field. It is
/// computed from what the source has and from what is written to it later, late readings included. For administrators.
#[utoipa::path(post, path = "/api/v1/databases/{database}/rollups", tag = "databases", request_body = RollupRequest,
    params(("database" = String, Path, description = "The database")),
    responses((status = 201, body = RollupEntry, description = "Declared"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "There is a table or a rollup of this name"),
        (status = 413, body = ErrorBody, description = "A limit is reached")))]
async fn create_rollup(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(database): extract::Path<String>,
    extract::Json(request): extract::Json<RollupRequest>,
) -> ApiResult<(StatusCode, Json<RollupEntry>)> {
    let (key, _) = managed(&state, &caller, &database)?;
    if request.keep_seconds.is_some_and(|seconds| seconds < LEAST_SECONDS) {
        return Err(ApiError::invalid(format!("keep_seconds must be at least {LEAST_SECONDS}, or left out")));
    }
    if request.fields.as_ref().is_some_and(Vec::is_empty) {
        return Err(ApiError::invalid("fields is empty; name some, or leave it out for all that are numbers"));
    }
    let rollup = Rollup {
        target: request.name.as_str().into(),
        source: request.source.as_str().into(),
        interval_seconds: request.interval_seconds,
        aggregates: request.aggregates.iter().map(|name| Aggregate::from(*name)).collect(),
        fields: request.fields.iter().flatten().map(|field| Arc::from(field.as_str())).collect(),
    };
    let keep = request.keep_seconds.map(Duration::from_secs);
    let info = declare(&state, &caller, &key, rollup, keep).await?;
    Ok((StatusCode::CREATED, Json(info.into())))
}

/// Declares a rollup for a caller that may.
pub(super) async fn declare(
    state: &AppState,
    caller: &Caller,
    key: &DatabaseKey,
    rollup: Rollup,
    keep: Option<Duration>,
) -> ApiResult<RollupInfo> {
    let wanted = key.clone();
    let target = Arc::clone(&rollup.target);
    let created = blocking(state, move |store| {
        let target = Arc::clone(&rollup.target);
        store.create_rollup(&wanted, rollup, keep)?;
        Ok::<_, RollupError>(store.rollups(&wanted).into_iter().find(|info| info.rollup.target == target))
    });
    let created = created.await??.ok_or_else(|| gone(&target))?;
    let entry = RollupEntry::from(created.clone());
    let what = json!({"source": entry.source, "interval_seconds": entry.interval_seconds, "aggregates": entry.aggregates,
        "fields": entry.fields, "keep_seconds": entry.keep_seconds});
    let name = format!("{}.{}", key.name, entry.name);
    state.metadata.audit(&caller.0, Change::created("rollup", &name).after(what)).await?;
    Ok(created)
}

/// Delete a rollup
///
/// Its rows stay, in a table that is like any other from then on, unless they are to be deleted too. For administrators.
#[utoipa::path(delete, path = "/api/v1/databases/{database}/rollups/{rollup}", tag = "databases",
    params(("database" = String, Path, description = "The database"), ("rollup" = String, Path, description = "Its name"),
        DeleteQuery),
    responses((status = 204, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_rollup(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path((database, rollup)): extract::Path<(String, String)>,
    extract::Query(query): extract::Query<DeleteQuery>,
) -> ApiResult<StatusCode> {
    let (key, _) = managed(&state, &caller, &database)?;
    remove(&state, &caller, &key, rollup, query.delete_rows).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a rollup for a caller that may, and its rows if they are to go too.
pub(super) async fn remove(
    state: &AppState,
    caller: &Caller,
    key: &DatabaseKey,
    rollup: String,
    delete_rows: bool,
) -> ApiResult<()> {
    let of = key.clone();
    let deleted = blocking(state, move |store| store.delete_rollup(&of, &rollup)).await??;
    if delete_rows {
        let everything = Deletion { time_min_ns: i64::MIN, time_max_ns: i64::MAX, tags: Vec::new() };
        state.store.delete(key, &deleted.target, everything).await?;
    }
    let name = format!("{}.{}", key.name, deleted.target);
    let what = json!({"source": deleted.source, "interval_seconds": deleted.interval_seconds,
        "aggregates": deleted.aggregates, "fields": deleted.fields, "delete_rows": delete_rows});
    Ok(state.metadata.audit(&caller.0, Change::new("deleted", "rollup", &name).before(what)).await?)
}

/// Asks the store where nobody else waits: it may sync a file, or wait for a flush.
pub(super) async fn blocking<T: Send + 'static>(
    state: &AppState,
    ask: impl FnOnce(&Store) -> T + Send + 'static,
) -> ApiResult<T> {
    let store = state.store.clone();
    let answer = tokio::task::spawn_blocking(move || ask(&store)).await;
    answer.map_err(|error| ApiError::from_error(ErrorKind::Internal, &error))
}

fn gone(name: &str) -> ApiError {
    ApiError::missing(format!("the rollup {name:?} was deleted at the same moment"))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(rollups, create_rollup)).routes(routes!(delete_rollup))
}
