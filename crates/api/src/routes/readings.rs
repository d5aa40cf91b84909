//! JSON ingest: `POST /api/v1/readings`.

use std::collections::HashSet;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use sensorium_ingest::{Format, Source};
use sensorium_model::Precision;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Writer;
use crate::auth::peer::Peer;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::write::answer::{self, Accepted, PartialWrite, Waits};
use crate::routes::write::request::WriteRequest;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReadingsQuery {
    /// The database.
    db: Option<String>,
    /// The table of readings that do not name one.
    table: Option<String>,
    /// Names, joined by commas, that are tags although they stand among the fields.
    tags: Option<String>,
    /// The unit of times that are numbers: `ns`, `us`, `ms`, `s`, `m` or `h`; judged by their size when absent.
    precision: Option<String>,
}

/// A reading: the keys below, and any others as fields.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body in the OpenAPI document")]
struct Reading {
    /// The table, if the address names none.
    table: Option<String>,
    /// RFC 3339, or a number since 1970; the server's time when absent.
    time: Option<serde_json::Value>,
    /// What identifies the series.
    tags: Option<std::collections::BTreeMap<String, String>>,
}

/// Write JSON readings
///
/// One object, a list of objects, or several of either one after the other. Answered after the readings are on disk.
#[utoipa::path(post, path = "/api/v1/readings", tag = "ingest", params(ReadingsQuery),
    request_body(content = Vec<Reading>, content_type = "application/json"),
    responses(
        (status = 200, body = Accepted, description = "Stored, except for those that are listed"),
        (status = 202, body = Waits, description = "Sent with a key for devices, by a device that is not known: it is kept in the inbox"),
        (status = 400, body = PartialWrite, description = "Nothing was stored"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 507, body = ErrorBody),
    ))]
async fn readings(
    State(state): State<AppState>,
    writer: Writer,
    peer: Peer,
    extract::Query(query): extract::Query<ReadingsQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let database = query.db.filter(|db| !db.is_empty());
    let database = database.ok_or_else(|| ApiError::invalid("the database is missing; add ?db=NAME to the address"))?;
    let request = WriteRequest::begin(&state, &writer, peer, &database, Source::Json)?;
    let precision = query.precision.filter(|text| !text.is_empty()).map(|text| text.parse::<Precision>()).transpose();
    let precision = precision.map_err(|error| request.refuse(ApiError::invalid(error.to_string())))?;
    let tags: HashSet<String> = query.tags.iter().flat_map(|tags| tags.split(',')).map(str::to_owned).collect();
    let table = query.table.filter(|table| !table.is_empty());
    let outcome = request.run(&headers, body, Format::Json { table, tags, precision }).await?;
    Ok(answer::in_json(&outcome))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(readings))
}
