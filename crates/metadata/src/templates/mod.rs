//! Templates of code for devices that people of an organisation write: submitted, discussed, and accepted or returned by an
//! administrator ([`review`]).
//!
//! Each version of a template is a submission of its own, numbered from 1, and is never changed afterwards. The newest accepted
//! one is what devices' code is made of.
//!
//! Invariants:
//! - what is kept has passed [`Template::check`];
//! - only what is waiting is decided about, and once; a decision names who took it;
//! - a person has at most one waiting version of a template: another one withdraws it;
//! - no template has the id of one that comes with Sensorium.
//!
//! Limits: [`MAX_SUBMISSIONS`] of one organisation, [`MAX_WAITING`] of one person, [`MAX_COMMENTS`] of a submission, [`MAX_TEXT`]
//! characters of a comment or a reason, [`MAX_BYTES`] of a template, [`MAX_LISTED`] submissions of one listing.

mod review;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use sensorium_devices::{Template, shipped};
use sensorium_model::{Action, Principal, SubmissionId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Change;
use crate::entity::{template_comment, template_submission, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;

pub use review::Decision;

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

/// What the record of changes calls it.
const SUBJECT: &str = "template";
const ONLY_EDITORS: &str =
    "only people from editors on see and submit templates that are not accepted, and no API tokens; sign in as one";

/// Where a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionStatus {
    /// Nobody decided yet.
    Waiting,
    /// Code is made of it, unless a newer version is accepted, too.
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

/// A version of a template, without the template itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// The id of the template, the same for all its versions.
    pub template: String,
    /// The version, from 1.
    pub number: u32,
    /// A few words.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discussion {
    /// Where it stands.
    pub submission: Submission,
    /// The template.
    pub template: Template,
    /// The version before it that was accepted, if there is one.
    pub accepted: Option<Template>,
    /// The oldest first.
    pub comments: Vec<Comment>,
}

impl From<template_submission::Model> for Submission {
    fn from(row: template_submission::Model) -> Self {
        Self {
            id: SubmissionId::from_uuid(row.id),
            status: SubmissionStatus::of(&row.status),
            template: row.template,
            number: u32::try_from(row.number).unwrap_or_default(),
            title: row.title,
            author: row.author_id.map(UserId::from_uuid),
            author_name: row.author_name,
            submitted_at_ms: row.submitted_at_ms,
            reviewer_name: row.reviewer_name,
            reviewed_at_ms: row.reviewed_at_ms,
            reason: row.reason,
        }
    }
}

impl Metadata {
    /// Submits a version of a template of the caller's organisation; its number is given here.
    pub async fn submit_template(&self, who: &Principal, template: Template) -> Result<Submission, MetadataError> {
        require(who)?;
        template.check().map_err(MetadataError::Template)?;
        if shipped().iter().any(|other| other.id == template.id) {
            let taken = "a template that comes with Sensorium has this id; choose another one";
            return Err(MetadataError::Conflict(taken));
        }
        let mut row = template_submission::Model {
            id: Self::new_id(),
            org_id: *who.org.as_uuid(),
            template: template.id.clone(),
            number: 1,
            title: template.title.clone(),
            definition: String::new(),
            status: SubmissionStatus::Waiting.as_str().to_owned(),
            author_id: who.person().map(|id| *id.as_uuid()),
            author_name: None,
            submitted_at_ms: self.now_ms(),
            reviewer_name: None,
            reviewed_at_ms: None,
            reason: None,
        };
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        row.author_name = self.login_of(&transaction, who).await?;
        self.withdraw_waiting(&transaction, who, &row).await?;
        self.check_room_for_submission(&transaction, &row).await?;
        row.number = self.newest_number(&transaction, &row).await?.saturating_add(1);
        let template = Template { version: u32::try_from(row.number).unwrap_or(u32::MAX), ..template };
        row.definition = definition(&template)?;
        let active = template_submission::ActiveModel::from(row.clone());
        template_submission::Entity::insert(active).exec_without_returning(&transaction).await?;
        let change = Change::new("submitted", SUBJECT, &row.template).after(facts(&row));
        self.record(&transaction, who, change).await?;
        transaction.commit().await?;
        Ok(row.into())
    }

    /// The newest submissions of the caller's organisation, at most [`MAX_LISTED`].
    pub async fn template_submissions(
        &self,
        who: &Principal,
        status: Option<SubmissionStatus>,
    ) -> Result<Vec<Submission>, MetadataError> {
        require(who)?;
        let mut query = of_org(who);
        if let Some(status) = status {
            query = query.filter(template_submission::Column::Status.eq(status.as_str()));
        }
        let rows = query
            .order_by_desc(template_submission::Column::SubmittedAtMs)
            .order_by_desc(template_submission::Column::Id)
            .limit(MAX_LISTED)
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(Submission::from).collect())
    }

    /// A submission with what was said about it.
    pub async fn template_submission(&self, who: &Principal, id: SubmissionId) -> Result<Discussion, MetadataError> {
        require(who)?;
        let row = self.submission_row(self.db(), who, id).await?;
        let before = of_org(who)
            .filter(template_submission::Column::Template.eq(row.template.as_str()))
            .filter(template_submission::Column::Status.eq(SubmissionStatus::Accepted.as_str()))
            .filter(template_submission::Column::Number.lt(row.number))
            .order_by_desc(template_submission::Column::Number)
            .one(self.db())
            .await?;
        let comments = template_comment::Entity::find()
            .filter(template_comment::Column::OrgId.eq(row.org_id))
            .filter(template_comment::Column::SubmissionId.eq(row.id))
            .order_by_asc(template_comment::Column::AtMs)
            .order_by_asc(template_comment::Column::Id)
            .all(self.db())
            .await?;
        Ok(Discussion {
            template: parsed(&row)?,
            accepted: before.as_ref().map(parsed).transpose()?,
            comments: comments
                .into_iter()
                .map(|row| Comment { author_name: row.author_name, at_ms: row.at_ms, text: row.body })
                .collect(),
            submission: row.into(),
        })
    }

    /// The accepted templates of the caller's organisation, each in its newest version, by id. None for those who may not see
    /// devices.
    pub async fn accepted_templates(&self, who: &Principal) -> Result<Vec<Template>, MetadataError> {
        if !who.allows(Action::ReadDevices) {
            return Ok(Vec::new());
        }
        let rows = of_org(who)
            .filter(template_submission::Column::Status.eq(SubmissionStatus::Accepted.as_str()))
            .order_by_asc(template_submission::Column::Template)
            .order_by_desc(template_submission::Column::Number)
            .all(self.db())
            .await?;
        let mut templates: Vec<Template> = Vec::new();
        for row in &rows {
            if templates.last().is_none_or(|last| last.id != row.template) {
                templates.push(parsed(row)?);
            }
        }
        Ok(templates)
    }

    /// The newest accepted version of a template of the caller's organisation.
    pub async fn accepted_template(&self, who: &Principal, template: &str) -> Result<Option<Template>, MetadataError> {
        if !who.allows(Action::ReadDevices) {
            return Ok(None);
        }
        let row = of_org(who)
            .filter(template_submission::Column::Template.eq(template))
            .filter(template_submission::Column::Status.eq(SubmissionStatus::Accepted.as_str()))
            .order_by_desc(template_submission::Column::Number)
            .one(self.db())
            .await?;
        row.as_ref().map(parsed).transpose()
    }

    async fn submission_row(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: SubmissionId,
    ) -> Result<template_submission::Model, MetadataError> {
        let found = of_org(who).filter(template_submission::Column::Id.eq(*id.as_uuid())).one(on).await?;
        found.ok_or(MetadataError::Missing("submitted template"))
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

    /// Takes back what the author has waiting of the same template.
    async fn withdraw_waiting(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        row: &template_submission::Model,
    ) -> Result<(), MetadataError> {
        let withdrawn = template_submission::Entity::update_many()
            .col_expr(template_submission::Column::Status, SubmissionStatus::Withdrawn.as_str().into())
            .filter(template_submission::Column::OrgId.eq(row.org_id))
            .filter(template_submission::Column::Template.eq(row.template.as_str()))
            .filter(template_submission::Column::Status.eq(SubmissionStatus::Waiting.as_str()))
            .filter(by(row.author_id))
            .exec(on)
            .await?;
        if withdrawn.rows_affected > 0 {
            self.record(on, who, Change::new("withdrew", SUBJECT, &row.template)).await?;
        }
        Ok(())
    }

    async fn check_room_for_submission(
        &self,
        on: &impl ConnectionTrait,
        row: &template_submission::Model,
    ) -> Result<(), MetadataError> {
        let of_org = || template_submission::Entity::find().filter(template_submission::Column::OrgId.eq(row.org_id));
        if of_org().count(on).await? >= MAX_SUBMISSIONS {
            let rule = "an organisation has at most 2,000 (MAX_SUBMISSIONS, a fixed limit)";
            return Err(MetadataError::Invalid { what: "too many submitted templates", rule });
        }
        let waiting = template_submission::Column::Status.eq(SubmissionStatus::Waiting.as_str());
        if of_org().filter(waiting).filter(by(row.author_id)).count(on).await? >= MAX_WAITING {
            let rule = "at most 20 of one person wait for a decision (MAX_WAITING, a fixed limit); withdraw one";
            return Err(MetadataError::Invalid { what: "too many of your templates wait", rule });
        }
        Ok(())
    }

    /// The number of the newest version of a template; 0 if there is none.
    async fn newest_number(
        &self,
        on: &impl ConnectionTrait,
        row: &template_submission::Model,
    ) -> Result<i32, MetadataError> {
        let newest = template_submission::Entity::find()
            .select_only()
            .column(template_submission::Column::Number)
            .filter(template_submission::Column::OrgId.eq(row.org_id))
            .filter(template_submission::Column::Template.eq(row.template.as_str()))
            .order_by_desc(template_submission::Column::Number)
            .into_tuple::<i32>()
            .one(on)
            .await?;
        Ok(newest.unwrap_or(0))
    }
}

fn require(who: &Principal) -> Result<(), MetadataError> {
    if who.allows(Action::SubmitTemplates) { Ok(()) } else { Err(MetadataError::Denied(ONLY_EDITORS)) }
}

fn of_org(who: &Principal) -> sea_orm::Select<template_submission::Entity> {
    template_submission::Entity::find().filter(template_submission::Column::OrgId.eq(*who.org.as_uuid()))
}

/// Submissions of this author.
fn by(author: Option<Uuid>) -> sea_orm::sea_query::SimpleExpr {
    match author {
        Some(id) => template_submission::Column::AuthorId.eq(id),
        None => template_submission::Column::AuthorId.is_null(),
    }
}

/// What the record of changes says about a submission.
fn facts(row: &template_submission::Model) -> Value {
    json!({ "version": row.number, "title": row.title, "status": row.status, "reason": row.reason })
}

fn definition(template: &Template) -> Result<String, MetadataError> {
    // Texts, numbers and lists of them always have a JSON form.
    let text = serde_json::to_string(template).unwrap_or_default();
    if text.len() > MAX_BYTES {
        let rule = "it has at most 524,288 bytes as JSON (MAX_BYTES, a fixed limit)";
        return Err(MetadataError::Invalid { what: "the template is too large", rule });
    }
    Ok(text)
}

fn parsed(row: &template_submission::Model) -> Result<Template, MetadataError> {
    serde_json::from_str(&row.definition).map_err(|_| MetadataError::Unreadable("submitted template"))
}
