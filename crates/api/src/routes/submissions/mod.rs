//! What people of an organisation submit for review, templates of code and types of devices: `GET` and `POST
//! /api/v1/submissions`, `GET` and `DELETE /api/v1/submissions/{id}`, `POST …/{id}/render`, `POST …/{id}/review` and
//! `POST …/{id}/comments`.
//!
//! Editors submit, try and comment; administrators decide. A version that was submitted is never changed; another one is
//! submitted under the same `subject`.

mod bodies;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::{Content, Decision, MetadataError};
use sensorium_model::SubmissionId;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use self::bodies::{
    CommentRequest, ReviewDecision, ReviewRequest, SubmissionComment, SubmissionList, SubmissionQuery,
    SubmissionRequest, SubmittedVersion, WholeSubmission,
};
use super::devices;
use super::templates::{RenderRequest, RenderedFiles, rendered};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

pub(crate) use self::bodies::TemplateProblem;

/// The answer to a request that failed; a template that cannot be used comes with all that is wrong with it, and a type that was
/// changed meanwhile with how it is now.
fn failed(error: MetadataError) -> ApiError {
    let MetadataError::Template(problems) = &error else { return devices::failed(error) };
    let problems: Vec<_> = problems.iter().cloned().map(TemplateProblem::from).collect();
    ApiError::from(error).with("template_problems", json!(problems))
}

/// List what was submitted for review
///
/// Templates of code and types of devices, the newest first.
#[utoipa::path(get, path = "/api/v1/submissions", tag = "devices", params(SubmissionQuery), responses(
    (status = 200, body = SubmissionList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody),
))]
async fn submissions(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Query(query): extract::Query<SubmissionQuery>,
) -> ApiResult<Json<SubmissionList>> {
    let found =
        state.metadata.submissions(&principal, query.kind.map(Into::into), query.status.map(Into::into)).await?;
    let submissions = found.into_iter().map(|of| SubmittedVersion::of(of, principal.person()));
    Ok(Json(SubmissionList { submissions: submissions.collect() }))
}

/// Submit a template or a type for review
///
/// An administrator decides whether code is made of the template, or the type is made or changed. Another version that waits, of the
/// same thing and person, is withdrawn.
#[utoipa::path(post, path = "/api/v1/submissions", tag = "devices", request_body = SubmissionRequest, responses(
    (status = 201, body = SubmittedVersion),
    (status = 400, body = ErrorBody, description = "It cannot be used: `template_problems` says why a template cannot"),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "There is no such type"),
    (status = 409, body = ErrorBody,
        description = "A template that comes with Sensorium has this id, a type has this name, or the type was changed: `current` is how it is now"),
))]
async fn submit_for_review(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<SubmissionRequest>,
) -> ApiResult<(StatusCode, Json<SubmittedVersion>)> {
    let made = state.metadata.submit(&principal, request.into()).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(SubmittedVersion::of(made, principal.person()))))
}

/// A submission with what was said about it
#[utoipa::path(get, path = "/api/v1/submissions/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 200, body = WholeSubmission), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn submission(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<WholeSubmission>> {
    let found = state.metadata.submission(&principal, SubmissionId::from_uuid(id)).await?;
    Ok(Json(WholeSubmission::of(found, principal.person())))
}

/// Withdraw a submission
///
/// Its author does while it waits or after it was returned; an administrator also an accepted template, so that no more code is made
/// of it. It stays to be read.
#[utoipa::path(delete, path = "/api/v1/submissions/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 200, body = SubmittedVersion), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It was withdrawn or accepted before")))]
async fn withdraw_submission(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<SubmittedVersion>> {
    let withdrawn = state.metadata.withdraw(&principal, SubmissionId::from_uuid(id)).await?;
    Ok(Json(SubmittedVersion::of(withdrawn, principal.person())))
}

/// Try a submitted template
///
/// Fills it in, whether it is accepted or not. Wi-Fi networks of the organisation are only for accepted ones.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/render", tag = "devices", request_body = RenderRequest,
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 200, body = RenderedFiles), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 400, body = ErrorBody, description = "Something is filled in wrongly: `variables` says what; or it is no template"),
        (status = 404, body = ErrorBody)))]
async fn try_submission(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<RenderRequest>,
) -> ApiResult<Json<RenderedFiles>> {
    let found = state.metadata.submission(&principal, SubmissionId::from_uuid(id)).await?;
    let Content::Template(template) = found.content else {
        return Err(ApiError::invalid("this submission is a type of devices; only templates are tried"));
    };
    if request.network.is_some() {
        let rule = "a template is tried without the organisation's networks; fill in wifi_ssid and wifi_password";
        return Err(ApiError::invalid(rule));
    }
    rendered(&template, &request.variables)
}

/// Decide about a submission
///
/// A type that is accepted is made or changed in the same moment.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/review", tag = "devices", request_body = ReviewRequest,
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 200, body = SubmittedVersion), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It does not wait any more; or the type was changed since it was submitted: `current` is how it is now; or its name is taken")))]
async fn review_submission(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(ReviewRequest { decision, reason }): extract::Json<ReviewRequest>,
) -> ApiResult<Json<SubmittedVersion>> {
    let decision = match decision {
        ReviewDecision::Accept => Decision::Accept(reason),
        ReviewDecision::Return => Decision::Return(reason),
    };
    let decided = state.metadata.review(&principal, SubmissionId::from_uuid(id), decision).await.map_err(failed)?;
    Ok(Json(SubmittedVersion::of(decided, principal.person())))
}

/// Comment on a submission
#[utoipa::path(post, path = "/api/v1/submissions/{id}/comments", tag = "devices", request_body = CommentRequest,
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 201, body = SubmissionComment), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn comment_on_submission(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(CommentRequest { text }): extract::Json<CommentRequest>,
) -> ApiResult<(StatusCode, Json<SubmissionComment>)> {
    let made = state.metadata.comment_on_submission(&principal, SubmissionId::from_uuid(id), &text).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(submissions, submit_for_review))
        .routes(routes!(submission, withdraw_submission))
        .routes(routes!(try_submission))
        .routes(routes!(review_submission))
        .routes(routes!(comment_on_submission))
}
