//! SQL: `GET` and `POST /api/v1/sql`.
//!
//! The answer streams: it begins with the first rows, and its memory is that of a few batches however long it gets. When
//! the client leaves, the body is dropped, and with it the query. A query that fails before its first row answers with
//! an error status; one that fails later cannot take the status back: in JSON the object then ends with `error` and
//! `code`, in the other formats the connection is cut, so that no client takes half an answer for a whole one.
//!
//! Limits: those of the query engine (`[query]`); [`crate::SMALL_BODY_BYTES`] for the statement.

mod body;
mod columnar;
mod csv;
mod encoder;
mod format;
mod json;
mod objects;
mod request;
pub(super) mod rfc3339;
mod times;

use std::collections::HashMap;
use std::time::Instant;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use sensorium_model::{Action, DatabaseName, ErrorKind, Principal};
use sensorium_query::{Asker, Managing, QueryError, QueryRequest};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::format::Format;
pub(super) use self::request::Asked;
use self::request::SqlParameters;
use crate::auth::{Caller, require};
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::routes::queries;
use crate::state::AppState;

/// Ask in SQL
///
/// One statement that reads. Times are RFC 3339 in JSON and CSV unless `epoch=ms` asks for numbers.
#[utoipa::path(get, path = "/api/v1/sql", tag = "query", params(SqlParameters), responses(
    (status = 200, description = "The rows, streamed", content(
        (json::Answer = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"),
    )),
    (status = 400, body = ErrorBody, description = "The statement is wrong; `line` and `column` say where when that is known"),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 413, body = ErrorBody, description = "The query needs more than a limit of [query] allows"),
    (status = 429, body = ErrorBody, description = "query.concurrent queries are running"),
))]
async fn get_sql(state: State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    answer(state, caller, request).await
}

/// Ask in SQL, the statement in the body
///
/// The body is the statement itself (`text/plain`, `application/sql`), a JSON object, or a form, with the parameters of
/// `GET`; what stands in the body outranks the address.
#[utoipa::path(post, path = "/api/v1/sql", tag = "query", params(SqlParameters), request_body(content(
    (SqlParameters = "application/json"), (SqlParameters = "application/x-www-form-urlencoded"), (String = "text/plain"),
)), responses(
    (status = 200, description = "As GET"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody),
    (status = 429, body = ErrorBody),
))]
async fn post_sql(state: State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    answer(state, caller, request).await
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get_sql, post_sql))
}

async fn answer(State(state): State<AppState>, Caller(principal): Caller, request: Request) -> ApiResult<Response> {
    run(state, principal, Asked::read(request).await?).await
}

/// Answers a statement of a caller.
pub(super) async fn run(state: AppState, principal: Principal, asked: Asked) -> ApiResult<Response> {
    let started = Instant::now();
    let database = DatabaseName::new(&asked.database)?;
    require(&principal, Action::Read(&database), "this credential may not read this database")?;
    let managing = Managing::read(&asked.statement);
    let names = match &managing {
        Some(Managing::Show) if principal.allows(Action::ManageQueries) => {
            let running = state.query.queries(principal.org);
            queries::names(&state, &principal, &running).await?
        }
        _ => HashMap::new(),
    };
    let manages_queries = principal.allows(Action::ManageQueries);
    let request = QueryRequest {
        org: principal.org,
        database,
        scope: principal.databases.clone(),
        asker: Asker { subject: principal.subject, manages_queries, names },
        sql: asked.statement,
        points: asked.points,
        postgres: None,
    };
    let rows = state.query.execute(request).await.map_err(to_api)?;
    if let Some(Managing::Kill(Some(id))) = managing {
        queries::record_end(&state, &principal, id).await?;
    }
    let body = body::start(rows, asked.format, asked.epoch_ms, started).await?;
    let mut response = ([(CONTENT_TYPE, asked.format.media_type()), (VARY, "accept")], body).into_response();
    if let Some(name) = asked.format.file_name() {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    metrics::counter!("sensorium_sql_answers_total", "format" => asked.format.as_str()).increment(1);
    Ok(response)
}

/// The rows of a statement that the server itself makes: values by column, without those that are absent. At most
/// [`crate::SMALL_BODY_BYTES`] of JSON.
pub(crate) async fn rows(
    state: &AppState,
    principal: &Principal,
    database: DatabaseName,
    statement: String,
) -> ApiResult<Vec<Map<String, Value>>> {
    let defect = |error: &(dyn std::error::Error + 'static)| ApiError::from_error(ErrorKind::Internal, error);
    let request = QueryRequest {
        org: principal.org,
        database,
        scope: principal.databases.clone(),
        asker: Asker { subject: principal.subject, manages_queries: false, names: HashMap::new() },
        sql: statement,
        points: None,
        postgres: None,
    };
    let answer = state.query.execute(request).await.map_err(to_api)?;
    let body = body::start(answer, Format::Json, false, Instant::now()).await?;
    let bytes = to_bytes(body, crate::SMALL_BODY_BYTES).await.map_err(|error| defect(&error))?;
    let answer: Answered = serde_json::from_slice(&bytes).map_err(|error| defect(&error))?;
    let names: Vec<String> = answer.columns.into_iter().map(|column| column.name).collect();
    let row = |values: Vec<Value>| names.iter().cloned().zip(values).filter(|(_, value)| !value.is_null()).collect();
    Ok(answer.rows.into_iter().map(row).collect())
}

/// An answer, for the server itself.
#[derive(Deserialize)]
struct Answered {
    columns: Vec<AnsweredColumn>,
    rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct AnsweredColumn {
    name: String,
}

/// A failed query as an HTTP error.
fn to_api(error: QueryError) -> ApiError {
    let position = error.position();
    let made = ApiError::from_error(error.kind(), &error);
    match position {
        Some(place) => made.with("line", place.line).with("column", place.column),
        None => made,
    }
}
