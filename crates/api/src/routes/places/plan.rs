//! The plan of a place: `GET`, `PUT` and `DELETE /api/v1/places/{id}/plan`.
//!
//! A picture is shown to people and never taken for a page: it is served with its own kind, in a sandbox without scripts.
//!
//! Limits: `http.plan_bytes`, those of [`super::picture`], and [`TOGETHER`] pictures that are cleaned at one time.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sensorium_model::{Action, ErrorKind, PlaceId};
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::picture::{PictureError, clean};
use super::{Place, failed};
use crate::auth::Caller;
use crate::body::receive_file;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::devices::VersionQuery;
use crate::state::AppState;

/// Pictures that are cleaned at one time; others wait.
const TOGETHER: usize = 2;
static CLEANERS: Semaphore = Semaphore::const_new(TOGETHER);

/// Nothing in a picture runs or is fetched, also if it is opened by itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
const SETTING: &str = "http.plan_bytes";

impl From<PictureError> for ApiError {
    fn from(error: PictureError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Does work on a thread of its own when it is its turn. It keeps the turn until it is done, also when nobody waits for it any more.
async fn in_turn<T: Send + 'static>(
    turns: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> ApiResult<T> {
    // Nobody closes it.
    let turn = turns.acquire().await.map_err(|error| ApiError::from_error(ErrorKind::Internal, &error))?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(|error| ApiError::from_error(ErrorKind::Internal, &error))
}

/// The plan of a place
#[utoipa::path(get, path = "/api/v1/places/{id}/plan", tag = "devices",
    params(("id" = Uuid, Path, description = "The place")),
    responses(
        (status = 200, description = "The picture", content(
            (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (String = "image/svg+xml"),
        )),
        (status = 304, description = "It is as `If-None-Match` says"), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody, description = "There is no such place, or it has no plan"),
    ))]
async fn plan(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let picture = state.metadata.plan_of_place(&principal, PlaceId::from_uuid(id)).await?;
    let tag = format!("\"{id}-{}\"", picture.changed_at_ms);
    let fixed = [
        (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (ETAG, HeaderValue::try_from(&tag).map_err(|error| ApiError::from_error(ErrorKind::Internal, &error))?),
    ];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let media_type =
        HeaderValue::try_from(picture.media_type).map_err(|error| ApiError::from_error(ErrorKind::Internal, &error))?;
    Ok((fixed, [(CONTENT_TYPE, media_type)], picture.bytes).into_response())
}

/// Give a place a plan
///
/// The body is a PNG, JPEG or SVG file. What is no part of the picture is taken out of it: places and owners of photographs,
/// comments, scripts, links. Devices stay where they are on it; the scale stays if the size does.
#[utoipa::path(put, path = "/api/v1/places/{id}/plan", tag = "devices",
    params(("id" = Uuid, Path, description = "The place"), VersionQuery),
    request_body(content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (String = "image/svg+xml"))),
    responses(
        (status = 200, body = Place), (status = 400, body = ErrorBody, description = "This is no picture that can be used"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first: `current` is how the place is now"),
        (status = 413, body = ErrorBody), (status = 415, body = ErrorBody), (status = 429, body = ErrorBody),
    ))]
async fn set_plan(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<VersionQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Place>> {
    caller.require(Action::ManageDevices, "this credential may not change places; sign in as an editor")?;
    let received = receive_file(&headers, body, &state.config, state.config.plan_bytes, SETTING).await?;
    // What was received counts as memory until the work is done, too.
    let picture = in_turn(&CLEANERS, move || clean(&received.bytes)).await??;
    let place = state.metadata.set_plan(&caller.0, PlaceId::from_uuid(id), query.version, picture).await;
    Ok(Json(place.map_err(failed)?.into()))
}

/// Take the plan of a place away
///
/// Devices stay in the place, at the points that they had.
#[utoipa::path(delete, path = "/api/v1/places/{id}/plan", tag = "devices",
    params(("id" = Uuid, Path, description = "The place"), VersionQuery),
    responses(
        (status = 200, body = Place), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first: `current` is how the place is now"),
    ))]
async fn delete_plan(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<VersionQuery>,
) -> ApiResult<Json<Place>> {
    let place = state.metadata.delete_plan(&principal, PlaceId::from_uuid(id), query.version).await;
    Ok(Json(place.map_err(failed)?.into()))
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(plan, set_plan, delete_plan))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_keeps_its_turn_when_whoever_wanted_it_has_left() {
        static TURNS: Semaphore = Semaphore::const_new(1);
        let (began, begins) = tokio::sync::oneshot::channel();
        let (end, ends) = mpsc::channel::<()>();
        let request = tokio::spawn(in_turn(&TURNS, move || {
            began.send(()).unwrap();
            ends.recv().unwrap();
        }));
        begins.await.unwrap();
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        assert_eq!(TURNS.available_permits(), 0);
        end.send(()).unwrap();
        assert_eq!(in_turn(&TURNS, || 7).await.ok(), Some(7));
    }
}
