//! What people of an organisation submit for review: templates of code for devices and types of devices ([`Content`]). It is
//! discussed, and accepted or returned by an administrator ([`review`]).
//!
//! Each version is a submission of its own, numbered from 1, and is never changed afterwards. The newest accepted version of a
//! template is what devices' code is made of; an accepted type is made or changed in the transaction that accepts it.
//!
//! Invariants:
//! - what is kept has passed [`sensorium_devices::Template::check`] or the checks of the registry;
//! - only what is waiting is decided about, and once; a decision names who took it;
//! - a person has at most one waiting version of the same thing: another one withdraws it;
//! - no template has the id of one that comes with Sensorium;
//! - a change of a type is accepted only while the type is as it was when the change was submitted.
//!
//! Limits: [`MAX_SUBMISSIONS`] of one organisation, [`MAX_WAITING`] of one person, [`MAX_COMMENTS`] of a submission, [`MAX_TEXT`]
//! characters of a comment or a reason, [`MAX_BYTES`] of a template, [`MAX_LISTED`] submissions of one listing.

mod content;
mod review;
mod submit;
mod templates;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sensorium_model::{Action, Principal, SubmissionId, UserId};
use serde_json::json;

use crate::audit::Change;
use crate::entity::{submission, submission_comment, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;

pub use content::Content;
pub use review::Decision;
pub use submit::Proposal;

/// The most submissions of one organisation.
pub const MAX_SUBMISSIONS: u64 = 2_000;
/// The most submissions of one person that wait for a decision.
pub const MAX_WAITING: u64 = 20;
/// The most comments on a submission.
pub const MAX_COMMENTS: u64 = 200;
/// The most characters of a comment or a reason.
pub const MAX_TEXT: usize = 2_000;
/// The most bytes of a template as JSON.
pub const MAX_BYTES: usize = 512 << 10;
/// The most submissions of one listing.
pub const MAX_LISTED: u64 = 200;

const ONLY_EDITORS: &str =
    "only people from editors on see what waits for review and submit something, and no API tokens; sign in as one";

/// What is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionKind {
    /// A template of code for devices.
    Template,
    /// A type of devices.
    Type,
}

impl SubmissionKind {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Type => "type",
        }
    }

    /// What was stored; a word that this version does not know is none.
    fn of(row: &submission::Model) -> Result<Self, MetadataError> {
        let known = [Self::Template, Self::Type].into_iter().find(|kind| kind.as_str() == row.kind);
        known.ok_or(MetadataError::Unreadable("submission"))
    }
}

/// Where a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionStatus {
    /// Nobody decided yet.
    Waiting,
    /// It counts, unless a newer version is accepted, too.
    Accepted,
    /// Refused, with a reason.
    Returned,
    /// Taken back by its author, or taken away by an administrator.
    Withdrawn,
}

impl SubmissionStatus {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Accepted => "accepted",
            Self::Returned => "returned",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What was stored; a word that this version does not know counts as withdrawn.
    fn of(word: &str) -> Self {
        [Self::Waiting, Self::Accepted, Self::Returned]
            .into_iter()
            .find(|status| status.as_str() == word)
            .unwrap_or(Self::Withdrawn)
    }
}

/// A version of a template or a type, without the thing itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// What it is.
    pub kind: SubmissionKind,
    /// The id of the template or the type, the same for all its versions. A type that is not accepted has one already.
    pub subject: String,
    /// The version, from 1.
    pub number: u32,
    /// A few words; the name of a type.
    pub title: String,
    /// Where it stands.
    pub status: SubmissionStatus,
    /// Who submitted it; none for whoever runs the server.
    pub author: Option<UserId>,
    /// Their login as it was then.
    pub author_name: Option<String>,
    /// When, in milliseconds since the epoch.
    pub submitted_at_ms: i64,
    /// The login of who decided.
    pub reviewer_name: Option<String>,
    /// When, in milliseconds since the epoch.
    pub reviewed_at_ms: Option<i64>,
    /// Why it was decided so.
    pub reason: Option<String>,
    /// The version of the type that it changes; none for new types and for templates.
    pub base_version: Option<i64>,
}

/// A comment on a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The login of who wrote it, as it was then; none for whoever runs the server.
    pub author_name: Option<String>,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// What they wrote.
    pub text: String,
}

/// All that is known about a submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Discussion {
    /// Where it stands.
    pub submission: Submission,
    /// What it holds.
    pub content: Content,
    /// What differs from the template that was accepted before, or from the type as it was when this was submitted, as a unified
    /// diff; none if there was none.
    pub changes: Option<String>,
    /// The oldest first.
    pub comments: Vec<Comment>,
}

impl TryFrom<submission::Model> for Submission {
    type Error = MetadataError;

    fn try_from(row: submission::Model) -> Result<Self, MetadataError> {
        Ok(Self {
            id: SubmissionId::from_uuid(row.id),
            kind: SubmissionKind::of(&row)?,
            status: SubmissionStatus::of(&row.status),
            subject: row.subject,
            number: u32::try_from(row.number).unwrap_or_default(),
            title: row.title,
            author: row.author_id.map(UserId::from_uuid),
            author_name: row.author_name,
            submitted_at_ms: row.submitted_at_ms,
            reviewer_name: row.reviewer_name,
            reviewed_at_ms: row.reviewed_at_ms,
            reason: row.reason,
            base_version: row.base_version,
        })
    }
}

impl Metadata {
    /// The newest submissions of the caller's organisation, at most [`MAX_LISTED`]; of one kind, or that stand so.
    pub async fn submissions(
        &self,
        who: &Principal,
        kind: Option<SubmissionKind>,
        status: Option<SubmissionStatus>,
    ) -> Result<Vec<Submission>, MetadataError> {
        require(who)?;
        let mut query = of_org(who);
        if let Some(kind) = kind {
            query = query.filter(submission::Column::Kind.eq(kind.as_str()));
        }
        if let Some(status) = status {
            query = query.filter(submission::Column::Status.eq(status.as_str()));
        }
        let rows = query
            .order_by_desc(submission::Column::SubmittedAtMs)
            .order_by_desc(submission::Column::Id)
            .limit(MAX_LISTED)
            .all(self.db())
            .await?;
        rows.into_iter().map(Submission::try_from).collect()
    }

    /// A submission with what was said about it.
    pub async fn submission(&self, who: &Principal, id: SubmissionId) -> Result<Discussion, MetadataError> {
        require(who)?;
        let row = self.submission_row(self.db(), who, id).await?;
        let comments = submission_comment::Entity::find()
            .filter(submission_comment::Column::OrgId.eq(row.org_id))
            .filter(submission_comment::Column::SubmissionId.eq(row.id))
            .order_by_asc(submission_comment::Column::AtMs)
            .order_by_asc(submission_comment::Column::Id)
            .all(self.db())
            .await?;
        let content = Content::of(&row)?;
        Ok(Discussion {
            changes: self.before(who, &row).await?.map(|before| content.changes_from(&before)),
            content,
            comments: comments
                .into_iter()
                .map(|row| Comment { author_name: row.author_name, at_ms: row.at_ms, text: row.body })
                .collect(),
            submission: row.try_into()?,
        })
    }

    /// What a submission is compared with.
    async fn before(&self, who: &Principal, row: &submission::Model) -> Result<Option<Content>, MetadataError> {
        let kind = SubmissionKind::of(row)?;
        if kind == SubmissionKind::Type {
            return row.base.as_deref().map(|base| Content::parse(kind, base)).transpose();
        }
        let accepted = of_org(who)
            .filter(submission::Column::Kind.eq(kind.as_str()))
            .filter(submission::Column::Subject.eq(row.subject.as_str()))
            .filter(submission::Column::Status.eq(SubmissionStatus::Accepted.as_str()))
            .filter(submission::Column::Number.lt(row.number))
            .order_by_desc(submission::Column::Number)
            .one(self.db())
            .await?;
        accepted.as_ref().map(Content::of).transpose()
    }

    async fn submission_row(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: SubmissionId,
    ) -> Result<submission::Model, MetadataError> {
        let found = of_org(who).filter(submission::Column::Id.eq(*id.as_uuid())).one(on).await?;
        found.ok_or(MetadataError::Missing("submission"))
    }

    /// The login of a caller who is a person.
    pub(crate) async fn login_of(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
    ) -> Result<Option<String>, MetadataError> {
        let Some(id) = who.person() else { return Ok(None) };
        let login = user::Entity::find_by_id(*id.as_uuid())
            .select_only()
            .column(user::Column::Login)
            .filter(user::Column::OrgId.eq(*who.org.as_uuid()))
            .into_tuple()
            .one(on)
            .await?;
        Ok(login)
    }
}

fn require(who: &Principal) -> Result<(), MetadataError> {
    if who.allows(Action::SubmitForReview) { Ok(()) } else { Err(MetadataError::Denied(ONLY_EDITORS)) }
}

fn of_org(who: &Principal) -> sea_orm::Select<submission::Entity> {
    submission::Entity::find().filter(submission::Column::OrgId.eq(*who.org.as_uuid()))
}

/// An entry of the record of changes about a submission.
fn entry(action: &'static str, row: &submission::Model) -> Result<Change, MetadataError> {
    Ok(match SubmissionKind::of(row)? {
        SubmissionKind::Template => Change::new(action, "template", &row.subject),
        SubmissionKind::Type => Change::new(action, "device_type", &row.title),
    })
}

/// The same with how the submission is now.
fn entry_with_facts(action: &'static str, row: &submission::Model) -> Result<Change, MetadataError> {
    let facts = json!({ "version": row.number, "title": row.title, "status": row.status, "reason": row.reason });
    Ok(entry(action, row)?.after(facts))
}
