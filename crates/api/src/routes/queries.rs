//! The queries that run: `GET /api/v1/queries` and `DELETE /api/v1/queries/{id}`, for administrators.
//!
//! A caller sees and ends the queries of its own organisation; those of others do not exist.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{Change, MetadataError};
use sensorium_model::{Action, Principal, Role, Subject};
use sensorium_query::{QueryId, RunningQuery};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

const DENIED: &str = "only administrators may list and end queries";

/// The queries of the caller's organisation that run now.
#[derive(Debug, Serialize, ToSchema)]
struct QueryList {
    /// The oldest first.
    queries: Vec<Query>,
}

/// A query that runs.
#[derive(Debug, Serialize, ToSchema)]
struct Query {
    id: Uuid,
    /// The statement, or its first 1,000 characters.
    query: String,
    /// The login of a user or the name of an API token; null for one that is gone.
    #[schema(required)]
    asked_by: Option<String>,
    /// The kind of caller.
    asked_with: Credential,
    /// The database of tables that are named without one.
    database: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    started_at: String,
    /// Milliseconds since then.
    elapsed_ms: f64,
    /// Rows of the answer so far.
    rows: u64,
    /// Their size in memory so far.
    bytes: u64,
    /// Bytes of working memory that it holds now.
    memory_bytes: u64,
}

/// Kinds of caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Credential {
    /// A person.
    User,
    /// A program with an API token.
    Token,
    /// Sensorium itself, or the person who started it, on the same machine.
    System,
    /// Nobody in particular.
    Anonymous,
}

impl From<Subject> for Credential {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::User(..) => Self::User,
            Subject::Token(_) => Self::Token,
            Subject::System => Self::System,
            Subject::Anonymous => Self::Anonymous,
        }
    }
}

/// List the queries that run
///
/// For administrators: those of everyone in the organisation.
#[utoipa::path(get, path = "/api/v1/queries", tag = "query", responses(
    (status = 200, body = QueryList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn list_queries(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<QueryList>> {
    caller.require(Action::ManageQueries, DENIED)?;
    let running = state.query.queries(caller.0.org);
    let names = names(&state, &caller.0, &running).await?;
    let queries = running.into_iter().map(|query| Query {
        id: *query.id.as_uuid(),
        asked_by: names.get(&query.subject).cloned(),
        asked_with: query.subject.into(),
        database: query.database.into(),
        started_at: super::rfc3339(query.started_ns / 1_000_000),
        elapsed_ms: query.elapsed_ms,
        rows: query.rows,
        bytes: query.bytes,
        memory_bytes: u64::try_from(query.memory_bytes).unwrap_or(u64::MAX),
        query: query.sql,
    });
    Ok(Json(QueryList { queries: queries.collect() }))
}

/// End a query
///
/// Whoever reads it gets an error that says so. Ending it takes effect where the query next looks, within moments.
#[utoipa::path(delete, path = "/api/v1/queries/{id}", tag = "query", params(("id" = Uuid, Path, description = "The query")),
    responses(
        (status = 204, description = "It ends"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No such query runs"),
    ))]
async fn end_query(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    caller.require(Action::ManageQueries, DENIED)?;
    let id = QueryId::from_uuid(id);
    if !state.query.kill(caller.0.org, id) {
        return Err(ApiError::missing("no such query runs; it may have ended by itself"));
    }
    record_end(&state, &caller.0, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Records that a query was ended.
pub(super) async fn record_end(state: &AppState, by: &Principal, id: QueryId) -> ApiResult<()> {
    Ok(state.metadata.audit(by, Change::new("ended", "query", &id.to_string())).await?)
}

/// What the callers of queries are called; `by` is an administrator. A caller that is gone has no name.
pub(super) async fn names(
    state: &AppState,
    by: &Principal,
    queries: &[RunningQuery],
) -> ApiResult<HashMap<Subject, String>> {
    let subjects: HashSet<Subject> = queries.iter().map(|query| query.subject).collect();
    let mut names = HashMap::new();
    let mut tokens = None;
    for subject in subjects {
        let name = match subject {
            Subject::User(id, _) => {
                match state.metadata.account(&Principal::user(by.org, id, None, Role::Viewer)).await {
                    Ok(account) => account.user.map(|user| user.login),
                    Err(MetadataError::Missing(_)) => None,
                    Err(error) => return Err(error.into()),
                }
            }
            Subject::Token(id) => {
                let known = match tokens.take() {
                    Some(known) => known,
                    None => state.metadata.tokens(by).await?,
                };
                let name = known.iter().find(|token| token.id == id).map(|token| token.name.clone());
                tokens = Some(known);
                name
            }
            Subject::System | Subject::Anonymous => None,
        };
        names.extend(name.map(|name| (subject, name)));
    }
    Ok(names)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_queries)).routes(routes!(end_query))
}
