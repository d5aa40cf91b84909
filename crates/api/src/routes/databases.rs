//! What is stored: `GET` and `POST /api/v1/databases`, `GET …/{database}/tables` and `GET …/{database}/last`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{MetadataError, OwnQuotas};
use sensorium_model::names::TIME_COLUMN;
use sensorium_model::{Action, DatabaseKey, DatabaseName, DatabaseSchema, FieldType, Value};
use sensorium_store::LastRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// The largest `series_limit`.
const MAX_SERIES: usize = 10_000;
/// `series_limit` if it is not given.
const DEFAULT_SERIES: usize = 20;

/// The databases that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
struct DatabaseList {
    databases: Vec<Database>,
}

/// A database.
#[derive(Debug, Serialize, ToSchema)]
struct Database {
    name: String,
    /// The number of its tables.
    tables: usize,
}

/// A database to create.
#[derive(Deserialize, ToSchema)]
struct DatabaseRequest {
    /// 1 to 64 letters, digits, `_`, `-` and `.`, not starting with `.`.
    name: String,
}

/// The tables of a database, by name.
#[derive(Debug, Serialize, ToSchema)]
struct TableList {
    tables: Vec<Table>,
}

/// A table.
#[derive(Debug, Serialize, ToSchema)]
struct Table {
    name: String,
    /// `time`, then tags, then fields, each by name.
    columns: Vec<TableColumn>,
}

/// A column.
#[derive(Debug, Serialize, ToSchema)]
struct TableColumn {
    name: String,
    kind: TableColumnKind,
    #[serde(rename = "type")]
    value_type: ValueType,
}

/// What a column is for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum TableColumnKind {
    /// When it was measured.
    Time,
    /// With the other tags, identifies a series.
    Tag,
    /// A measured value.
    Field,
}

/// The type of a column's values.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ValueType {
    Timestamp,
    String,
    Float,
    Integer,
    Unsigned,
    Boolean,
    /// A list of 32-bit floats, of the same length in each row.
    Vector,
}

impl From<FieldType> for ValueType {
    fn from(field: FieldType) -> Self {
        match field {
            FieldType::F64 => Self::Float,
            FieldType::I64 => Self::Integer,
            FieldType::U64 => Self::Unsigned,
            FieldType::Bool => Self::Boolean,
            FieldType::Text => Self::String,
            FieldType::Vector(_) => Self::Vector,
        }
    }
}

/// What the newest values are asked of.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LastQuery {
    /// One table; without it, all.
    table: Option<String>,
    /// At most so many series of each table, 1 to 10,000; default 20.
    #[param(minimum = 1, maximum = 10_000)]
    series_limit: Option<usize>,
}

/// The newest values.
#[derive(Debug, Serialize, ToSchema)]
struct LastValues {
    /// The server's clock, milliseconds since the epoch, against which the age of a value can be reckoned.
    now_ms: i64,
    tables: Vec<LastTable>,
}

/// The newest values of a table.
#[derive(Debug, Serialize, ToSchema)]
struct LastTable {
    table: String,
    /// The number of all its series.
    series_total: usize,
    /// Those that changed last come first.
    series: Vec<LastSeries>,
}

/// The newest value of each field of a series.
#[derive(Debug, Serialize, ToSchema)]
struct LastSeries {
    /// The canonical text of the tags: `name=value`, sorted by name, joined by commas.
    key: String,
    tags: BTreeMap<String, String>,
    fields: BTreeMap<String, LastValue>,
}

/// The newest value of a field.
#[derive(Debug, Serialize, ToSchema)]
struct LastValue {
    /// When it was measured, milliseconds since the epoch.
    time_ms: f64,
    /// A number, a truth value or text.
    #[schema(value_type = LastScalar)]
    value: serde_json::Value,
    #[serde(rename = "type")]
    value_type: ValueType,
}

/// A number, a truth value or text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only describes the value in the OpenAPI document")]
enum LastScalar {
    Number(f64),
    Truth(bool),
    Text(String),
}

/// List databases
#[utoipa::path(get, path = "/api/v1/databases", tag = "databases", responses(
    (status = 200, body = DatabaseList), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Not for guests"),
))]
async fn databases(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<DatabaseList>> {
    caller.may_look_around()?;
    let org = caller.0.org;
    // A device reads nothing, not even names.
    let visible = |name: &DatabaseName| {
        caller.0.device.is_none() && (caller.0.allows(Action::Read(name)) || caller.0.allows(Action::Write(name)))
    };
    let databases = state.store.databases(org).into_iter().filter(visible).map(|name| {
        let key = DatabaseKey::new(org, name);
        let tables = state.store.schema(&key).map_or(0, |schema| schema.tables.len());
        Database { name: key.name.into(), tables }
    });
    Ok(Json(DatabaseList { databases: databases.collect() }))
}

/// Create a database
///
/// Creating one that exists is no error. One that is created counts for whoever did, or who made the API token that did.
#[utoipa::path(post, path = "/api/v1/databases", tag = "databases", request_body = DatabaseRequest, responses(
    (status = 201, body = Database, description = "Created"), (status = 200, body = Database, description = "It existed"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 507, body = ErrorBody, description = "The disk is full, or the quota of storage is used up"),
))]
async fn create_database(
    State(state): State<AppState>,
    caller: Caller,
    extract::Json(request): extract::Json<DatabaseRequest>,
) -> ApiResult<(StatusCode, Json<Database>)> {
    let name = DatabaseName::new(&request.name)?;
    let created = create(&state, &caller, &name).await?;
    let key = DatabaseKey::new(caller.0.org, name);
    let tables = state.store.schema(&key).map_or(0, |schema| schema.tables.len());
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Database { name: key.name.into(), tables })))
}

/// Creates a database for the caller; false if it exists.
pub(super) async fn create(state: &AppState, caller: &Caller, name: &DatabaseName) -> ApiResult<bool> {
    caller.require(Action::CreateDatabase(name), "this credential may not create this database")?;
    let key = DatabaseKey::new(caller.0.org, name.clone());
    let own = state.metadata.own_quotas(&caller.0, |database| state.store.database_bytes(database)).await?;
    if state.store.schema(&key).is_none() {
        own.check_storage().map_err(MetadataError::from)?;
    }
    let store = state.store.clone();
    let wanted = key.clone();
    // The store syncs a file before it returns.
    let created = tokio::task::spawn_blocking(move || store.create_database(&wanted))
        .await
        .map_err(|error| ApiError::from_error(sensorium_model::ErrorKind::Internal, &error))??;
    if created {
        state.metadata.record_database(&caller.0, &key.name).await?;
        keep_as_its_class_says(state, &own, &key).await?;
    }
    Ok(created)
}

/// Bounds for how long a new database keeps readings, where the class of whoever creates it does.
async fn keep_as_its_class_says(state: &AppState, own: &OwnQuotas, key: &DatabaseKey) -> ApiResult<()> {
    let Some(days) = own.quotas.retention_days else { return Ok(()) };
    let keep = Duration::from_secs(days.saturating_mul(86_400));
    let (store, key) = (state.store.clone(), key.clone());
    // The store syncs a file before it returns.
    tokio::task::spawn_blocking(move || store.set_retention(&key, None, Some(keep)))
        .await
        .map_err(|error| ApiError::from_error(sensorium_model::ErrorKind::Internal, &error))??;
    Ok(())
}

/// List the tables of a database and their columns
#[utoipa::path(get, path = "/api/v1/databases/{database}/tables", tag = "databases",
    params(("database" = String, Path, description = "The database")),
    responses((status = 200, body = TableList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn tables(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(database): extract::Path<String>,
) -> ApiResult<Json<TableList>> {
    let (_, schema) = readable(&state, &caller, &database)?;
    let tables = schema.tables.iter().map(|(name, table)| {
        let time =
            TableColumn { name: TIME_COLUMN.to_owned(), kind: TableColumnKind::Time, value_type: ValueType::Timestamp };
        let tags = table.tags().map(|name| TableColumn {
            name: name.to_string(),
            kind: TableColumnKind::Tag,
            value_type: ValueType::String,
        });
        let fields = table.fields().map(|(name, field)| TableColumn {
            name: name.to_string(),
            kind: TableColumnKind::Field,
            value_type: field.into(),
        });
        Table { name: name.to_string(), columns: std::iter::once(time).chain(tags).chain(fields).collect() }
    });
    Ok(Json(TableList { tables: tables.collect() }))
}

/// The newest value of each field of each series
///
/// Never scans: the server keeps these at hand.
#[utoipa::path(get, path = "/api/v1/databases/{database}/last", tag = "databases",
    params(("database" = String, Path, description = "The database"), LastQuery),
    responses((status = 200, body = LastValues), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn last(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(database): extract::Path<String>,
    extract::Query(query): extract::Query<LastQuery>,
) -> ApiResult<Json<LastValues>> {
    let (key, schema) = readable(&state, &caller, &database)?;
    let limit = query.series_limit.unwrap_or(DEFAULT_SERIES);
    if !(1..=MAX_SERIES).contains(&limit) {
        return Err(ApiError::invalid(format!("series_limit is {limit}; give 1 to {MAX_SERIES}")));
    }
    let names: Vec<String> = match query.table {
        Some(table) if schema.tables.contains_key(table.as_str()) => vec![table],
        Some(table) => {
            return Err(ApiError::missing(format!("database {database:?} has no table {table:?}")));
        }
        None => schema.tables.keys().map(ToString::to_string).collect(),
    };
    let store = state.store.clone();
    // Looks at every series: not on a thread that serves connections.
    let tables = tokio::task::spawn_blocking(move || {
        let table = |name: String| {
            let (total, rows) = store.newest_values(&key, &name, limit);
            last_table(name, total, rows)
        };
        names.into_iter().map(table).collect()
    });
    let tables = tables.await.map_err(|error| ApiError::from_error(sensorium_model::ErrorKind::Internal, &error))?;
    Ok(Json(LastValues { now_ms: chrono::Utc::now().timestamp_millis(), tables }))
}

/// A database that exists and that the caller may read.
fn readable(state: &AppState, caller: &Caller, database: &str) -> ApiResult<(DatabaseKey, Arc<DatabaseSchema>)> {
    // A name that breaks the rules cannot exist.
    let name = DatabaseName::new(database).map_err(|_| ApiError::database_missing(database))?;
    caller.may_read(&name)?;
    let key = DatabaseKey::new(caller.0.org, name);
    let schema = state.store.schema(&key).ok_or_else(|| ApiError::database_missing(database))?;
    Ok((key, schema))
}

fn last_table(table: String, series_total: usize, rows: Vec<LastRow>) -> LastTable {
    LastTable { table, series_total, series: rows.into_iter().map(last_series).collect() }
}

fn last_series(row: LastRow) -> LastSeries {
    let fields = row.fields.into_iter().map(|field| {
        let value_type = field.value.field_type().into();
        let value = match field.value {
            Value::F64(number) => number.into(),
            Value::I64(number) => number.into(),
            Value::U64(number) => number.into(),
            Value::Bool(truth) => truth.into(),
            Value::Text(text) => text.into_owned().into(),
            // The store keeps none among the newest values.
            Value::Vector(_) => serde_json::Value::Null,
        };
        // Milliseconds as a double are exact to a microsecond until the year 2255.
        let time_ms = field.time_ns as f64 / 1e6;
        (field.name.to_string(), LastValue { time_ms, value, value_type })
    });
    let fields = fields.collect();
    LastSeries { tags: row.series.tags().into_iter().collect(), key: row.series.as_str().to_owned(), fields }
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(databases, create_database)).routes(routes!(tables)).routes(routes!(last))
}
