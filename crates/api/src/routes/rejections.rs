//! What was refused lately: `GET /api/v1/rejections`.

use axum::Json;
use axum::extract::State;
use sensorium_ingest::rejections::KEPT;
use sensorium_model::DatabaseName;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// `limit` if it is not given.
const DEFAULT_LIMIT: usize = 100;

/// A refused reading.
#[derive(Debug, Serialize, ToSchema)]
struct Rejection {
    /// When it was refused, milliseconds since the epoch.
    time_ms: i64,
    database: String,
    /// `line_protocol`, `json`, `detections` or `mqtt`.
    source: &'static str,
    /// The address that sent it.
    peer: String,
    /// The line, item or frame of the request, from 1; 0 when the request as a whole was refused.
    line: u32,
    /// As in every error: `invalid`, `conflict`, `too_large` …
    code: &'static str,
    /// What is wrong, as a sentence.
    error: String,
    /// The start of what was sent, if it is known.
    sample: String,
}

/// The newest refused readings, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct RejectionList {
    /// How many were refused since the server started.
    total: u64,
    rejections: Vec<Rejection>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RejectionQuery {
    /// At most so many, 1 to 1,000; default 100.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<usize>,
    /// Only those of one database.
    database: Option<String>,
}

impl From<sensorium_ingest::rejections::Rejection> for Rejection {
    fn from(kept: sensorium_ingest::rejections::Rejection) -> Self {
        let sensorium_ingest::rejections::Rejection { time_ms, database, source, peer, line, code, error, sample } =
            kept;
        let (database, peer) = (database.to_string(), peer.to_string());
        Self { time_ms, database, source, peer, line, code, error, sample }
    }
}

/// List refused readings
///
/// The newest ones, in memory: a restart forgets them.
#[utoipa::path(get, path = "/api/v1/rejections", tag = "ingest", params(RejectionQuery), responses(
    (status = 200, body = RejectionList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Not for guests"),
))]
async fn rejections(
    State(state): State<AppState>,
    caller: Caller,
    extract::Query(query): extract::Query<RejectionQuery>,
) -> ApiResult<Json<RejectionList>> {
    caller.may_look_around()?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=KEPT).contains(&limit) {
        return Err(ApiError::invalid(format!("limit is {limit}; give 1 to {KEPT}")));
    }
    let only = query.database.as_deref().map(DatabaseName::new).transpose()?;
    let list = state.ingest.rejections.list(&caller.0, only.as_ref(), limit);
    let rejections = list.newest.into_iter().map(Into::into).collect();
    Ok(Json(RejectionList { total: list.total, rejections }))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(rejections))
}
