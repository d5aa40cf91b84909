//! What clients of InfluxDB ask for: `/query` of version 1, the addresses of version 2 that its client libraries call
//! ([`v2`]), and `/api/v3` ([`v3`]). Writing is in [`super::write`].
//!
//! Invariants:
//! - nothing runs before every statement of a request is read and allowed; then they run one after the other, and after one
//!   that fails none runs;
//! - errors have InfluxDB's shape, `{"error":"…"}`, with its words where it has some;
//! - a statement that changes something is refused to a `GET` that only a cookie authorises, which any page could send.
//!
//! The answer streams. Limits: those of the query engine (`[query]`), [`crate::SMALL_BODY_BYTES`] of a request.

mod answer;
mod changes;
mod csv;
mod failure;
mod indent;
mod json;
mod permission;
mod request;
mod v2;
mod v3;
mod value;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use sensorium_protocols::influxql::parse_with;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::failure::{InfluxError, Refusal};
use self::request::{Asked, QueryParameters};
use crate::auth::peer::Peer;
use crate::auth::{Caller, credentials};
use crate::error::ApiError;
use crate::state::AppState;

/// The version that clients of InfluxDB 1.x are told, some of which refuse to talk to an unknown one.
pub(crate) const INFLUXDB_VERSION: &str = "1.8.10";

/// Says whom it speaks like, as every answer of InfluxDB does.
pub(crate) async fn named(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-influxdb-version"), HeaderValue::from_static(INFLUXDB_VERSION));
    headers.insert(HeaderName::from_static("x-influxdb-build"), HeaderValue::from_static("OSS"));
    response
}

/// Ask in InfluxQL (InfluxDB 1)
///
/// Statements are separated by `;`. Those that change something are refused here to browsers; send them with POST.
#[utoipa::path(get, path = "/query", tag = "query", params(QueryParameters), responses(
    (status = 200, description = "One result for each statement, or its error", content(
        (json::InfluxAnswer = "application/json"), (String = "text/csv"),
    )),
    (status = 400, body = InfluxError), (status = 401, body = InfluxError), (status = 403, body = InfluxError),
))]
async fn get_query(
    state: State<AppState>,
    caller: Result<Caller, ApiError>,
    peer: Peer,
    request: Request,
) -> Result<Response, Refusal> {
    answer(state, caller, peer, request).await
}

/// Ask in InfluxQL, the statements in the body (InfluxDB 1)
///
/// The body is a form, or a form with a file `q`; its parameters are those of `GET`, and outrank the address.
#[utoipa::path(post, path = "/query", tag = "query", params(QueryParameters),
    request_body(content = QueryParameters, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "As GET", content(
        (json::InfluxAnswer = "application/json"), (String = "text/csv"),
    )),
    (status = 400, body = InfluxError), (status = 401, body = InfluxError), (status = 403, body = InfluxError),
    (status = 413, body = InfluxError),
))]
async fn post_query(
    state: State<AppState>,
    caller: Result<Caller, ApiError>,
    peer: Peer,
    request: Request,
) -> Result<Response, Refusal> {
    answer(state, caller, peer, request).await
}

async fn answer(
    State(state): State<AppState>,
    caller: Result<Caller, ApiError>,
    Peer(peer): Peer,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let has_credential = !matches!(credentials::find(&parts), Ok(None));
    let caller = caller.map_err(|error| Refusal::of_caller(&error, has_credential))?;
    let by_cookie = matches!(credentials::find(&parts), Ok(Some(credentials::Credentials::Cookie(_))));
    let is_get = parts.method == axum::http::Method::GET;
    let asked = Asked::read(Request::from_parts(parts, body)).await?;
    let statements = parse_with(&asked.statements, &asked.parameters)
        .map_err(|error| Refusal::invalid(format!("error parsing query: {error}")))?;
    let database = asked.database();
    for statement in &statements {
        if is_get && by_cookie && statement.is_change() {
            return Err(Refusal::of(&ApiError::denied(
                "this changes something; a page sends it with POST, a program with a credential of its own",
            )));
        }
        permission::check(&caller, database.as_ref(), statement)?;
    }
    let format = asked.format;
    let task = answer::Task { state, caller, peer, asked, database, statements, is_get };
    let headers = [(CONTENT_TYPE, format.media_type()), (VARY, "accept")];
    Ok((headers, answer::start(task)).into_response())
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get_query, post_query)).merge(v2::routes()).merge(v3::routes())
}
