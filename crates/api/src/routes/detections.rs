//! What cameras saw: `POST /api/v1/detections`.

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
use crate::routes::write::answer::{self, Accepted, PartialWrite};
use crate::routes::write::request::WriteRequest;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DetectionsQuery {
    /// The database.
    db: Option<String>,
    /// The unit of times that are numbers: `ns`, `us`, `ms`, `s`, `m` or `h`; judged by their size when absent.
    precision: Option<String>,
}

/// What was found in a camera's frame. An image is not accepted.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body in the OpenAPI document")]
struct CameraFrame {
    /// The camera.
    camera: String,
    /// RFC 3339, or a number since 1970; the server's time when absent.
    time: Option<serde_json::Value>,
    /// The size of the frame.
    frame: Option<FrameSize>,
    /// What was found, at most 1,000.
    objects: Vec<DetectedObject>,
}

/// The size of a frame in pixels.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body in the OpenAPI document")]
struct FrameSize {
    w: u32,
    h: u32,
}

/// An object that was found in a frame.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body in the OpenAPI document")]
struct DetectedObject {
    /// What it is, such as `person`; at most 255 bytes.
    class: String,
    /// How sure the detector is.
    score: f64,
    /// Left, top, width and height in pixels.
    #[schema(min_items = 4, max_items = 4)]
    bbox: Vec<f64>,
    /// The tracker's number of the object, the same from frame to frame.
    track: Option<i64>,
    /// What it looks like, as a vector: 1 to 4,096 numbers, as many for each object of the table.
    #[schema(min_items = 1, max_items = 4096)]
    embedding: Option<Vec<f32>>,
}

/// Write detections
///
/// One frame, or a list of frames, into the table `detections`. Answered after they are on disk. An object that is wrong is
/// refused by itself, under its place.
#[utoipa::path(post, path = "/api/v1/detections", tag = "ingest", params(DetectionsQuery),
    request_body(content = Vec<CameraFrame>, content_type = "application/json"),
    responses(
        (status = 200, body = Accepted, description = "Stored, except for those that are listed"),
        (status = 400, body = PartialWrite, description = "Nothing was stored"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 507, body = ErrorBody),
    ))]
async fn write_detections(
    State(state): State<AppState>,
    writer: Writer,
    peer: Peer,
    extract::Query(query): extract::Query<DetectionsQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let database = query.db.filter(|db| !db.is_empty());
    let database = database.ok_or_else(|| ApiError::invalid("the database is missing; add ?db=NAME to the address"))?;
    let request = WriteRequest::begin(&state, &writer, peer, &database, Source::Detections)?;
    let precision = query.precision.filter(|text| !text.is_empty()).map(|text| text.parse::<Precision>()).transpose();
    let precision = precision.map_err(|error| request.refuse(ApiError::invalid(error.to_string())))?;
    let outcome = request.run(&headers, body, Format::Detections { precision }).await?;
    Ok(answer::in_json(&outcome))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(write_detections))
}
