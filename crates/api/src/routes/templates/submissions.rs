//! Templates that people of an organisation write: `GET` and `POST /api/v1/template-submissions`, `GET` and
//! `DELETE /api/v1/template-submissions/{id}`, `POST …/{id}/render`, `POST …/{id}/review` and `POST …/{id}/comments`.
//!
//! Editors submit, try and comment; administrators decide. A version that was submitted is never changed; another one is
//! submitted under the same `template`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_devices::{File, Language, Problem, Template, Variable, diff};
use sensorium_metadata::{Decision, MetadataError, SubmissionStatus};
use sensorium_model::SubmissionId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{
    RenderRequest, RenderedFiles, TemplateLanguage, TemplateSource, TemplateVariable, WholeTemplate, rendered,
};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::rfc3339;
use crate::state::AppState;

/// Where a submission stands.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StatusOfSubmission {
    /// Nobody decided yet.
    Waiting,
    /// Code is made of it, unless a newer version is accepted, too.
    Accepted,
    /// Refused, with a reason.
    Returned,
    /// Taken back by its author, or taken away by an administrator.
    Withdrawn,
}

/// A version of a template that somebody submitted.
#[derive(Debug, Serialize, ToSchema)]
struct SubmittedTemplate {
    id: Uuid,
    /// The id of the template, the same for all its versions.
    template: String,
    /// From 1.
    version: u32,
    title: String,
    status: StatusOfSubmission,
    /// The login of who submitted it, as it was then.
    #[schema(required)]
    author: Option<String>,
    /// Whether the caller submitted it.
    own: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    submitted_at: String,
    /// The login of who decided.
    #[schema(required)]
    reviewer: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime, required)]
    reviewed_at: Option<String>,
    /// Why it was decided so.
    #[schema(required)]
    reason: Option<String>,
}

/// The newest submissions, at most 200.
#[derive(Debug, Serialize, ToSchema)]
struct SubmissionList {
    submissions: Vec<SubmittedTemplate>,
}

/// A submission with what was said about it.
#[derive(Debug, Serialize, ToSchema)]
struct WholeSubmission {
    #[serde(flatten)]
    submission: SubmittedTemplate,
    definition: WholeTemplate,
    /// What differs from the version that was accepted before, as a unified diff; null if none was.
    #[schema(required)]
    changes: Option<String>,
    comments: Vec<TemplateComment>,
}

/// A comment.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateComment {
    /// The login of who wrote it, as it was then.
    #[schema(required)]
    author: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    text: String,
}

/// A template to submit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TemplateRequest {
    /// 1 to 40 of `a` to `z`, digits and `-`; the same for all versions, and not that of a template that comes with Sensorium.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9-]*$")]
    id: String,
    /// At most 100 characters.
    #[schema(max_length = 100)]
    title: String,
    /// The device and its sensors; at most 100 characters.
    #[schema(max_length = 100)]
    hardware: String,
    #[schema(value_type = TemplateLanguage)]
    language: Language,
    /// What it does, what is needed, and how it comes onto the device; at most 4,000 characters.
    #[schema(max_length = 4_000)]
    description: String,
    /// What a person fills in, in the order of a form.
    #[serde(default)]
    #[schema(value_type = Vec<TemplateVariable>, max_items = 50)]
    variables: Vec<Variable>,
    /// 1 to 20 files of at most 64 KiB.
    #[schema(value_type = Vec<TemplateSource>, min_items = 1, max_items = 20)]
    files: Vec<File>,
}

/// What an administrator decides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReviewRequest {
    decision: ReviewDecision,
    /// At most 2,000 characters; needed to return a template.
    #[serde(default)]
    #[schema(max_length = 2_000)]
    reason: String,
}

/// Either of two.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ReviewDecision {
    Accept,
    Return,
}

/// Something to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CommentRequest {
    /// 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2_000)]
    text: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SubmissionQuery {
    /// Only those that stand so.
    #[param(inline)]
    status: Option<StatusOfSubmission>,
}

/// Something that is wrong with a template.
#[derive(Serialize, ToSchema)]
pub(crate) struct TemplateProblem {
    /// The part of the template, such as `file "main.py"`.
    place: String,
    /// The line in the file, from 1.
    line: Option<u32>,
    /// What is wrong, and what to do.
    text: String,
}

impl From<StatusOfSubmission> for SubmissionStatus {
    fn from(status: StatusOfSubmission) -> Self {
        match status {
            StatusOfSubmission::Waiting => Self::Waiting,
            StatusOfSubmission::Accepted => Self::Accepted,
            StatusOfSubmission::Returned => Self::Returned,
            StatusOfSubmission::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<SubmissionStatus> for StatusOfSubmission {
    fn from(status: SubmissionStatus) -> Self {
        match status {
            SubmissionStatus::Waiting => Self::Waiting,
            SubmissionStatus::Accepted => Self::Accepted,
            SubmissionStatus::Returned => Self::Returned,
            SubmissionStatus::Withdrawn => Self::Withdrawn,
        }
    }
}

impl SubmittedTemplate {
    fn of(submission: sensorium_metadata::Submission, caller: Option<sensorium_model::UserId>) -> Self {
        Self {
            id: *submission.id.as_uuid(),
            template: submission.template,
            version: submission.number,
            title: submission.title,
            status: submission.status.into(),
            author: submission.author_name,
            own: submission.author == caller,
            submitted_at: rfc3339(submission.submitted_at_ms),
            reviewer: submission.reviewer_name,
            reviewed_at: submission.reviewed_at_ms.map(rfc3339),
            reason: submission.reason,
        }
    }
}

impl From<sensorium_metadata::Comment> for TemplateComment {
    fn from(comment: sensorium_metadata::Comment) -> Self {
        Self { author: comment.author_name, at: rfc3339(comment.at_ms), text: comment.text }
    }
}

impl From<TemplateRequest> for Template {
    fn from(request: TemplateRequest) -> Self {
        let TemplateRequest { id, title, hardware, language, description, variables, files } = request;
        // The number is given when it is kept.
        Self { id, version: 1, title, hardware, language, description, variables, files }
    }
}

/// The answer to a request that failed; a template that cannot be used comes with all that is wrong with it.
fn failed(error: MetadataError) -> ApiError {
    let problems = match &error {
        MetadataError::Template(problems) => Some(json!(problems.iter().map(as_json).collect::<Vec<_>>())),
        _ => None,
    };
    let made = ApiError::from(error);
    match problems {
        Some(problems) => made.with("template_problems", problems),
        None => made,
    }
}

fn as_json(problem: &Problem) -> Value {
    let Problem { place, line, text } = problem.clone();
    json!(TemplateProblem { place, line, text })
}

/// List submitted templates
///
/// The newest first.
#[utoipa::path(get, path = "/api/v1/template-submissions", tag = "devices", params(SubmissionQuery), responses(
    (status = 200, body = SubmissionList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody),
))]
async fn submissions(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Query(query): extract::Query<SubmissionQuery>,
) -> ApiResult<Json<SubmissionList>> {
    let found = state.metadata.template_submissions(&principal, query.status.map(Into::into)).await?;
    let submissions = found.into_iter().map(|of| SubmittedTemplate::of(of, principal.person()));
    Ok(Json(SubmissionList { submissions: submissions.collect() }))
}

/// Submit a template
///
/// An administrator decides whether code is made of it. Another version that waits, of the same template and person, is withdrawn.
#[utoipa::path(post, path = "/api/v1/template-submissions", tag = "devices", request_body = TemplateRequest, responses(
    (status = 201, body = SubmittedTemplate),
    (status = 400, body = ErrorBody, description = "The template cannot be used: `template_problems` says why"),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "A template that comes with Sensorium has this id"),
))]
async fn submit_template(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<TemplateRequest>,
) -> ApiResult<(StatusCode, Json<SubmittedTemplate>)> {
    let made = state.metadata.submit_template(&principal, request.into()).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(SubmittedTemplate::of(made, principal.person()))))
}

/// A submitted template with what was said about it
#[utoipa::path(get, path = "/api/v1/template-submissions/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 200, body = WholeSubmission), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn submission(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<WholeSubmission>> {
    let found = state.metadata.template_submission(&principal, SubmissionId::from_uuid(id)).await?;
    Ok(Json(WholeSubmission {
        changes: found.accepted.as_ref().map(|accepted| diff(accepted, &found.template)),
        definition: (&found.template).into(),
        comments: found.comments.into_iter().map(Into::into).collect(),
        submission: SubmittedTemplate::of(found.submission, principal.person()),
    }))
}

/// Withdraw a submitted template
///
/// Its author does while it waits or after it was returned; an administrator also when it is accepted, so that no more code is
/// made of it. It stays to be read.
#[utoipa::path(delete, path = "/api/v1/template-submissions/{id}", tag = "devices",
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 200, body = SubmittedTemplate), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "It was withdrawn or accepted before")))]
async fn withdraw_template(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<SubmittedTemplate>> {
    let withdrawn = state.metadata.withdraw_template(&principal, SubmissionId::from_uuid(id)).await?;
    Ok(Json(SubmittedTemplate::of(withdrawn, principal.person())))
}

/// Try a submitted template
///
/// Fills it in, whether it is accepted or not. Wi-Fi networks of the organisation are only for accepted ones.
#[utoipa::path(post, path = "/api/v1/template-submissions/{id}/render", tag = "devices", request_body = RenderRequest,
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 200, body = RenderedFiles), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 400, body = ErrorBody, description = "Something is filled in wrongly: `variables` says what"),
        (status = 404, body = ErrorBody)))]
async fn try_template(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<RenderRequest>,
) -> ApiResult<Json<RenderedFiles>> {
    let found = state.metadata.template_submission(&principal, SubmissionId::from_uuid(id)).await?;
    if request.network.is_some() {
        let rule = "a template is tried without the organisation's networks; fill in wifi_ssid and wifi_password";
        return Err(ApiError::invalid(rule));
    }
    rendered(&found.template, &request.variables)
}

/// Decide about a submitted template
#[utoipa::path(post, path = "/api/v1/template-submissions/{id}/review", tag = "devices", request_body = ReviewRequest,
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 200, body = SubmittedTemplate), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It does not wait any more")))]
async fn review_template(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(ReviewRequest { decision, reason }): extract::Json<ReviewRequest>,
) -> ApiResult<Json<SubmittedTemplate>> {
    let decision = match decision {
        ReviewDecision::Accept => Decision::Accept(reason),
        ReviewDecision::Return => Decision::Return(reason),
    };
    let decided = state.metadata.review_template(&principal, SubmissionId::from_uuid(id), decision).await?;
    Ok(Json(SubmittedTemplate::of(decided, principal.person())))
}

/// Comment on a submitted template
#[utoipa::path(post, path = "/api/v1/template-submissions/{id}/comments", tag = "devices", request_body = CommentRequest,
    params(("id" = Uuid, Path, description = "The submission")),
    responses((status = 201, body = TemplateComment), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn comment_template(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(CommentRequest { text }): extract::Json<CommentRequest>,
) -> ApiResult<(StatusCode, Json<TemplateComment>)> {
    let made = state.metadata.comment_template(&principal, SubmissionId::from_uuid(id), &text).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(submissions, submit_template))
        .routes(routes!(submission, withdraw_template))
        .routes(routes!(try_template))
        .routes(routes!(review_template))
        .routes(routes!(comment_template))
}
