//! Line protocol ingest as InfluxDB's clients send it: `POST /write`, `POST /api/v2/write` and
//! `POST /api/v3/write_lp`.

pub(crate) mod answer;
pub(crate) mod request;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use sensorium_ingest::{Format, Source};
use sensorium_model::Precision;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answer::{PartialWrite, Waits};
use self::request::WriteRequest;
use crate::auth::Writer;
use crate::auth::peer::Peer;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// What InfluxDB 1.x's clients name; `rp` and `consistency` are accepted and mean nothing.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WriteQuery {
    /// The database.
    db: Option<String>,
    /// The unit of the times: `ns` (default), `us`, `ms`, `s`, `m` or `h`.
    #[serde(default)]
    precision: String,
}

/// What InfluxDB 2's clients name; `org` is accepted and means nothing: the credential says whose database it is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BucketQuery {
    /// The database; what follows a `/` (a retention policy) is left out.
    bucket: Option<String>,
    /// The unit of the times: `ns` (default), `us`, `ms` or `s`.
    #[serde(default)]
    precision: String,
}

/// Write line protocol (InfluxDB 1)
///
/// Answered after the readings are on disk. Lines that are wrong are refused one by one; the others are stored.
#[utoipa::path(post, path = "/write", tag = "ingest", params(WriteQuery),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 204, description = "Everything is stored"),
        (status = 202, body = Waits, description = "Sent with a key for devices, by a device that is not known: it is kept in the inbox"),
        (status = 400, body = PartialWrite, description = "Some lines were refused, the others are stored"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 507, body = ErrorBody),
    ))]
async fn write(
    State(state): State<AppState>,
    writer: Writer,
    peer: Peer,
    extract::Query(query): extract::Query<WriteQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let database = query.db.filter(|db| !db.is_empty());
    let database = database.ok_or_else(|| ApiError::invalid("the database is missing; add ?db=NAME to the address"))?;
    write_lines(&state, writer, peer, &database, &query.precision, &headers, body).await
}

/// Write line protocol (InfluxDB 2)
///
/// As `/write`, with a bucket for the database.
#[utoipa::path(post, path = "/api/v2/write", tag = "ingest", params(BucketQuery),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 204, description = "Everything is stored"),
        (status = 202, body = Waits, description = "Sent with a key for devices, by a device that is not known: it is kept in the inbox"),
        (status = 400, body = PartialWrite, description = "Some lines were refused, the others are stored"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 507, body = ErrorBody),
    ))]
async fn write_bucket(
    State(state): State<AppState>,
    writer: Writer,
    peer: Peer,
    extract::Query(query): extract::Query<BucketQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let bucket = query.bucket.unwrap_or_default();
    let database = bucket.split_once('/').map_or(bucket.as_str(), |(database, _)| database);
    if database.is_empty() {
        return Err(ApiError::invalid("the bucket is missing; add ?bucket=NAME to the address"));
    }
    write_lines(&state, writer, peer, database, &query.precision, &headers, body).await
}

/// What InfluxDB 3's clients name; `accept_partial` and `no_sync` are accepted and mean nothing.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LinesQuery {
    /// The database.
    db: Option<String>,
    /// The unit of the times: `nanosecond` (default), `microsecond`, `millisecond` or `second`; `auto` is refused.
    #[serde(default)]
    precision: String,
}

/// Write line protocol (InfluxDB 3)
///
/// As `/write`.
#[utoipa::path(post, path = "/api/v3/write_lp", tag = "ingest", params(LinesQuery),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 204, description = "Everything is stored"),
        (status = 202, body = Waits, description = "Sent with a key for devices, by a device that is not known: it is kept in the inbox"),
        (status = 400, body = PartialWrite, description = "Some lines were refused, the others are stored"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 507, body = ErrorBody),
    ))]
async fn write_lp(
    State(state): State<AppState>,
    writer: Writer,
    peer: Peer,
    extract::Query(query): extract::Query<LinesQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let database = query.db.filter(|db| !db.is_empty());
    let database = database.ok_or_else(|| ApiError::invalid("the database is missing; add ?db=NAME to the address"))?;
    if query.precision == "auto" {
        return Err(ApiError::invalid(
            "units of times are not guessed; name the precision, such as precision=nanosecond",
        ));
    }
    write_lines(&state, writer, peer, &database, &query.precision, &headers, body).await
}

async fn write_lines(
    state: &AppState,
    writer: Writer,
    peer: Peer,
    database: &str,
    precision: &str,
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let request = WriteRequest::begin(state, &writer, peer, database, Source::LineProtocol)?;
    let precision: Precision =
        precision.parse().map_err(|error| request.refuse(ApiError::invalid(format!("{error}"))))?;
    let outcome = request.run(headers, body, Format::LineProtocol { precision }).await?;
    Ok(answer::in_status(&outcome))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(write)).routes(routes!(write_bucket)).routes(routes!(write_lp))
}
