//! `/api/v3`, as InfluxDB 3 has it: questions in SQL and InfluxQL. Writing is in [`crate::routes::write`].

use axum::RequestExt;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use sensorium_model::{Action, DatabaseKey, DatabaseName};
use sensorium_protocols::influxql::{Parameters, Statement, parse_with};
use sensorium_query::influxql::{InfluxqlRequest, Series};
use sensorium_query::{Asker, QueryError};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::value::{self, Epoch};
use super::{permission, request};
use crate::auth::{Caller, require};
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::sql::{self, Format};
use crate::state::AppState;

/// The most bytes of an answer to InfluxQL here, which is held in memory; `/query` streams.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// What is asked.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
struct Question {
    /// The database.
    #[param(example = "main")]
    db: String,
    /// The statement.
    #[param(example = "SELECT 1")]
    q: String,
    /// `json` (default), `jsonl`, `csv`, `pretty` or `parquet`; of InfluxQL `json` or `jsonl`.
    format: Option<String>,
    /// A JSON object of values that stand for `$name`; of InfluxQL only.
    #[param(value_type = Option<String>)]
    params: Option<Value>,
}

/// Ask in SQL (InfluxDB 3)
#[utoipa::path(get, path = "/api/v3/query_sql", tag = "query", params(Question), responses(
    (status = 200, description = "The rows, streamed", body = Vec<Object>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 413, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn get_query_sql(state: State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    in_sql(state, caller, request).await
}

/// Ask in SQL, the question in the body (InfluxDB 3)
#[utoipa::path(post, path = "/api/v3/query_sql", tag = "query", request_body = Question, responses(
    (status = 200, description = "As GET", body = Vec<Object>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 413, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn post_query_sql(state: State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    in_sql(state, caller, request).await
}

/// Ask in InfluxQL (InfluxDB 3)
///
/// One statement that reads. Rows are objects, in which `iox::measurement` is the measurement.
#[utoipa::path(get, path = "/api/v3/query_influxql", tag = "query", params(Question), responses(
    (status = 200, description = "The rows", body = Vec<Object>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 413, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn get_query_influxql(state: State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    in_influxql(state, caller, request).await
}

/// Ask in InfluxQL, the question in the body (InfluxDB 3)
#[utoipa::path(post, path = "/api/v3/query_influxql", tag = "query", request_body = Question, responses(
    (status = 200, description = "As GET", body = Vec<Object>), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 413, body = ErrorBody), (status = 429, body = ErrorBody),
))]
async fn post_query_influxql(state: State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    in_influxql(state, caller, request).await
}

/// The question of a request of either method.
async fn read(request: Request) -> ApiResult<Question> {
    if request.method() == Method::POST {
        let extract::Json(question) = request.extract().await?;
        return Ok(question);
    }
    let question = axum::extract::Query::try_from_uri(request.uri());
    question
        .map(|axum::extract::Query(question)| question)
        .map_err(|rejection| ApiError::invalid(rejection.body_text()))
}

async fn in_sql(State(state): State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    let Question { db, q, format, params } = read(request).await?;
    if params.is_some() {
        return Err(ApiError::invalid("params are for InfluxQL; write the values into the statement"));
    }
    let format = Format::of_version_3(format.as_deref().unwrap_or_default())?;
    sql::run(state, caller.0, sql::Asked::new(db, q, format)).await
}

async fn in_influxql(State(state): State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    let Question { db, q, format, params } = read(request).await?;
    let is_lines = match format.as_deref() {
        None | Some("" | "json") => false,
        Some("jsonl") => true,
        Some(other) => {
            return Err(ApiError::invalid(format!("unknown format {other:?}; use json or jsonl, or /query for CSV")));
        }
    };
    let database = DatabaseName::new(&db)?;
    let principal = caller.0.clone();
    require(&principal, Action::Read(&database), "this credential may not read this database")?;
    if state.store.schema(&DatabaseKey::new(principal.org, database.clone())).is_none() {
        return Err(ApiError::database_missing(&db));
    }
    let parameters = match params {
        None => Parameters::new(),
        // The address holds an object as text.
        Some(Value::String(text)) => request::bound(text).map_err(ApiError::from)?,
        Some(value) => request::bound(value.to_string()).map_err(ApiError::from)?,
    };
    let statements =
        parse_with(&q, &parameters).map_err(|error| ApiError::invalid(format!("error parsing query: {error}")))?;
    let [statement] = statements.as_slice() else {
        return Err(ApiError::invalid("send exactly one statement"));
    };
    let is_here =
        matches!(statement, Statement::ShowUsers | Statement::ShowGrants { .. } | Statement::ShowSubscriptions);
    if statement.is_change() || is_here || matches!(statement, Statement::ShowContinuousQueries) {
        return Err(ApiError::invalid("this address only reads measurements; send the statement to /query"));
    }
    permission::check(&caller, Some(&database), statement).map_err(ApiError::from)?;
    let request = InfluxqlRequest {
        org: principal.org,
        database: Some(database),
        scope: principal.databases.clone(),
        asker: Asker {
            subject: principal.subject,
            manages_queries: principal.allows(Action::ManageQueries),
            names: Default::default(),
        },
        now_ns: chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default(),
        chunk: None,
    };
    let refused = |error: QueryError| ApiError::from_error(error.kind(), &error);
    let mut answer = state.query.influxql(request, statement).await.map_err(refused)?;
    let mut bytes = Vec::new();
    while let Some(series) = answer.next().await {
        objects(&series.map_err(refused)?, is_lines, &mut bytes)?;
        if bytes.len() > MAX_ANSWER_BYTES {
            let sentence = format!("the answer is larger than {MAX_ANSWER_BYTES} bytes; ask /query, which streams");
            return Err(ApiError::new(sensorium_model::ErrorKind::TooLarge, sentence));
        }
    }
    if !is_lines {
        bytes.insert(0, b'[');
        bytes.push(b']');
    }
    let media = if is_lines { "application/jsonl" } else { "application/json" };
    Ok(([(CONTENT_TYPE, media)], bytes).into_response())
}

/// Appends the rows of a series, those without a value left out of them.
fn objects(series: &Series, is_lines: bool, bytes: &mut Vec<u8>) -> ApiResult<()> {
    for row in &series.rows {
        bytes.extend_from_slice(if is_lines || bytes.is_empty() { b"" } else { b"," });
        bytes.extend_from_slice(b"{\"iox::measurement\":");
        value::string(&series.name, bytes);
        for (key, text) in &series.tags {
            bytes.push(b',');
            value::string(key, bytes);
            bytes.push(b':');
            value::string(text, bytes);
        }
        for (column, cell) in series.columns.iter().zip(row) {
            if *cell == sensorium_query::influxql::Cell::Null {
                continue;
            }
            bytes.push(b',');
            value::string(column, bytes);
            bytes.push(b':');
            value::json(cell, Epoch::Rfc3339, bytes)
                .map_err(|value| ApiError::invalid(format!("json: unsupported value: {}", value.0)))?;
        }
        bytes.extend_from_slice(if is_lines { b"}\n" } else { b"}" });
    }
    Ok(())
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(get_query_sql, post_query_sql))
        .routes(routes!(get_query_influxql, post_query_influxql))
}
