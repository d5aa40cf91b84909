//! What requests and answers about submissions look like.

use sensorium_devices::{File, Language, Problem, Template, Variable};
use sensorium_metadata::{Content, Discussion, Proposal, SubmissionKind, SubmissionStatus};
use sensorium_model::{DeviceTypeId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::routes::devices::TypeDefinition;
use crate::routes::rfc3339;
use crate::routes::templates::{TemplateLanguage, TemplateSource, TemplateVariable, WholeTemplate};

/// Where a submission stands.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum StatusOfSubmission {
    /// Nobody decided yet.
    Waiting,
    /// It counts, unless a newer version is accepted, too.
    Accepted,
    /// Refused, with a reason.
    Returned,
    /// Taken back by its author, or taken away by an administrator.
    Withdrawn,
}

/// What is submitted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum KindOfSubmission {
    /// A template of code for devices.
    Template,
    /// A type of devices.
    Type,
}

/// A version of a template or a type that somebody submitted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmittedVersion {
    id: Uuid,
    kind: KindOfSubmission,
    /// The id of the template or the type, the same for all its versions. A type that is not accepted has one already.
    subject: String,
    /// From 1.
    version: u32,
    /// A few words; the name of a type.
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
    /// The version of the type that it changes; null for new types and for templates.
    #[schema(required)]
    base_version: Option<i64>,
}

/// The newest submissions, at most 200.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmissionList {
    pub(super) submissions: Vec<SubmittedVersion>,
}

/// A submission with what was said about it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeSubmission {
    #[serde(flatten)]
    submission: SubmittedVersion,
    definition: SubmittedDefinition,
    /// What differs from the template that was accepted before, or from the type as it was when this was submitted, as a unified
    /// diff; null if there was none.
    #[schema(required)]
    changes: Option<String>,
    comments: Vec<SubmissionComment>,
}

/// A template or a type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SubmittedDefinition {
    Template(WholeTemplate),
    Type(TypeDefinition),
}

/// A comment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmissionComment {
    /// The login of who wrote it, as it was then.
    #[schema(required)]
    author: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    text: String,
}

/// A template or a type to submit.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SubmissionRequest {
    Template(TemplateRequest),
    Type(TypeRequest),
}

/// A type of devices to submit: a new one, or a change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TypeRequest {
    /// The type that it changes, or the `subject` of an earlier submission of a type that nobody has made; left out for a new one.
    id: Option<Uuid>,
    /// The version of the type that it changes; left out if there is no such type.
    version: Option<i64>,
    /// How it is to be.
    definition: TypeDefinition,
}

/// A template to submit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateRequest {
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
pub(super) struct ReviewRequest {
    pub(super) decision: ReviewDecision,
    /// At most 2,000 characters; needed to return something.
    #[serde(default)]
    #[schema(max_length = 2_000)]
    pub(super) reason: String,
}

/// Either of two.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ReviewDecision {
    Accept,
    Return,
}

/// Something to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommentRequest {
    /// 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2_000)]
    pub(super) text: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SubmissionQuery {
    /// Only those of this kind.
    #[param(inline)]
    pub(super) kind: Option<KindOfSubmission>,
    /// Only those that stand so.
    #[param(inline)]
    pub(super) status: Option<StatusOfSubmission>,
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

impl From<KindOfSubmission> for SubmissionKind {
    fn from(kind: KindOfSubmission) -> Self {
        match kind {
            KindOfSubmission::Template => Self::Template,
            KindOfSubmission::Type => Self::Type,
        }
    }
}

impl From<SubmissionKind> for KindOfSubmission {
    fn from(kind: SubmissionKind) -> Self {
        match kind {
            SubmissionKind::Template => Self::Template,
            SubmissionKind::Type => Self::Type,
        }
    }
}

impl From<Content> for SubmittedDefinition {
    fn from(content: Content) -> Self {
        match content {
            Content::Template(template) => Self::Template((&template).into()),
            Content::Type(of) => Self::Type(of.into()),
        }
    }
}

impl WholeSubmission {
    pub(super) fn of(found: Discussion, caller: Option<UserId>) -> Self {
        Self {
            changes: found.changes,
            definition: found.content.into(),
            comments: found.comments.into_iter().map(Into::into).collect(),
            submission: SubmittedVersion::of(found.submission, caller),
        }
    }
}

impl From<SubmissionRequest> for Proposal {
    fn from(request: SubmissionRequest) -> Self {
        match request {
            SubmissionRequest::Template(template) => Self::Template(template.into()),
            SubmissionRequest::Type(TypeRequest { id, version, definition }) => {
                Self::Type { id: id.map(DeviceTypeId::from_uuid), version, new: definition.into() }
            }
        }
    }
}

impl From<Problem> for TemplateProblem {
    fn from(Problem { place, line, text }: Problem) -> Self {
        Self { place, line, text }
    }
}

impl SubmittedVersion {
    pub(super) fn of(submission: sensorium_metadata::Submission, caller: Option<UserId>) -> Self {
        Self {
            id: *submission.id.as_uuid(),
            kind: submission.kind.into(),
            subject: submission.subject,
            version: submission.number,
            title: submission.title,
            status: submission.status.into(),
            author: submission.author_name,
            own: submission.author == caller,
            submitted_at: rfc3339(submission.submitted_at_ms),
            reviewer: submission.reviewer_name,
            reviewed_at: submission.reviewed_at_ms.map(rfc3339),
            reason: submission.reason,
            base_version: submission.base_version,
        }
    }
}

impl From<sensorium_metadata::Comment> for SubmissionComment {
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
