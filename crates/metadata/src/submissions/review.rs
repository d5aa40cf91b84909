//! Deciding about what was submitted, taking it back, and commenting on it.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sensorium_model::{Action, DeviceTypeId, Principal, SubmissionId};

use super::{
    Comment, Content, MAX_COMMENTS, MAX_TEXT, Submission, SubmissionKind, SubmissionStatus, entry, entry_with_facts,
    require,
};
use crate::entity::{submission, submission_comment};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registry::{RegistryError, may_manage};

const ONLY_ADMINISTRATORS: &str = "only administrators decide about what was submitted; sign in as one";
const NOT_THE_AUTHOR: &str = "only its author or an administrator takes a submission back";
const DECIDED: &str = "this submission does not wait any more; look at how it stands now";

/// What an administrator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It counts from now on; the reason may be empty.
    Accept(String),
    /// It is refused, for this reason.
    Return(String),
}

impl Metadata {
    /// Decides about a submission that waits; a type that is accepted is made or changed. Administrators only.
    pub async fn review(
        &self,
        who: &Principal,
        id: SubmissionId,
        decision: Decision,
    ) -> Result<Submission, MetadataError> {
        if !who.allows(Action::ReviewSubmissions) {
            return Err(MetadataError::Denied(ONLY_ADMINISTRATORS));
        }
        let (status, action, reason) = match &decision {
            Decision::Accept(reason) => (SubmissionStatus::Accepted, "accepted", checked(reason, true)?),
            Decision::Return(reason) => (SubmissionStatus::Returned, "returned", checked(reason, false)?),
        };
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        self.decide(who, id, &[SubmissionStatus::Waiting], status, action, reason).await
    }

    /// Takes a submission back: by its author while it waits or after it was returned; by an administrator also an accepted
    /// template, so that no more code is made of it. An accepted type is changed in the registry.
    pub async fn withdraw(&self, who: &Principal, id: SubmissionId) -> Result<Submission, MetadataError> {
        require(who)?;
        let row = self.submission_row(self.db(), who, id).await?;
        let mut from = vec![SubmissionStatus::Waiting, SubmissionStatus::Returned];
        if who.allows(Action::ReviewSubmissions) {
            if SubmissionKind::of(&row)? == SubmissionKind::Template {
                from.push(SubmissionStatus::Accepted);
            }
        } else if row.author_id.is_none() || row.author_id != who.person().map(|id| *id.as_uuid()) {
            return Err(MetadataError::Denied(NOT_THE_AUTHOR));
        }
        self.decide(who, id, &from, SubmissionStatus::Withdrawn, "withdrew", row.reason).await
    }

    async fn decide(
        &self,
        who: &Principal,
        id: SubmissionId,
        from: &[SubmissionStatus],
        to: SubmissionStatus,
        action: &'static str,
        reason: Option<String>,
    ) -> Result<Submission, MetadataError> {
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let before = self.submission_row(&transaction, who, id).await?;
        if !from.iter().any(|status| status.as_str() == before.status) {
            return Err(MetadataError::Conflict(DECIDED));
        }
        if to == SubmissionStatus::Accepted {
            self.carry_out(&transaction, who, &before).await?;
        }
        let after = submission::Model {
            status: to.as_str().to_owned(),
            reviewer_name: self.login_of(&transaction, who).await?,
            reviewed_at_ms: Some(self.now_ms()),
            reason,
            ..before
        };
        let change = submission::ActiveModel {
            status: Set(after.status.clone()),
            reviewer_name: Set(after.reviewer_name.clone()),
            reviewed_at_ms: Set(after.reviewed_at_ms),
            reason: Set(after.reason.clone()),
            ..Default::default()
        };
        submission::Entity::update_many()
            .set(change)
            .filter(submission::Column::Id.eq(after.id))
            .filter(submission::Column::OrgId.eq(after.org_id))
            .exec(&transaction)
            .await?;
        self.record(&transaction, who, entry_with_facts(action, &after)?).await?;
        transaction.commit().await?;
        after.try_into()
    }

    /// Makes or changes the type of a submission that is accepted.
    async fn carry_out(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        row: &submission::Model,
    ) -> Result<(), MetadataError> {
        let Content::Type(new) = Content::of(row)? else { return Ok(()) };
        may_manage(who)?;
        let id: DeviceTypeId = row.subject.parse().map_err(|_| MetadataError::Unreadable("submission"))?;
        match (self.known_type(on, who.org, id).await?, row.base_version) {
            (Some(before), Some(version)) => self.replace_type(on, who, before, version, new).await?,
            (None, None) => self.add_type(on, who, id, new).await?,
            // Another version of the same submission has made it.
            (Some(made), None) => return Err(RegistryError::TypeChanged(Box::new(made.into())).into()),
            (None, Some(_)) => return Err(RegistryError::TypeGone(row.title.clone()).into()),
        };
        Ok(())
    }

    /// Says something about a submission.
    pub async fn comment_on_submission(
        &self,
        who: &Principal,
        id: SubmissionId,
        text: &str,
    ) -> Result<Comment, MetadataError> {
        require(who)?;
        let text = checked(text, false)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let submission = self.submission_row(&transaction, who, id).await?;
        let of_submission = submission_comment::Entity::find()
            .filter(submission_comment::Column::OrgId.eq(submission.org_id))
            .filter(submission_comment::Column::SubmissionId.eq(submission.id));
        if of_submission.count(&transaction).await? >= MAX_COMMENTS {
            let rule = "a submission has at most 200 (MAX_COMMENTS, a fixed limit)";
            return Err(MetadataError::Invalid { what: "too many comments", rule });
        }
        let row = submission_comment::Model {
            id: Self::new_id(),
            org_id: submission.org_id,
            submission_id: submission.id,
            author_name: self.login_of(&transaction, who).await?,
            at_ms: self.now_ms(),
            body: text.to_owned(),
        };
        let active = submission_comment::ActiveModel::from(row.clone());
        submission_comment::Entity::insert(active).exec_without_returning(&transaction).await?;
        self.record(&transaction, who, entry("commented", &submission)?).await?;
        transaction.commit().await?;
        Ok(Comment { author_name: row.author_name, at_ms: row.at_ms, text: row.body })
    }
}

/// A comment or a reason without white space around it.
fn checked(text: &str, may_be_empty: bool) -> Result<&str, MetadataError> {
    let text = text.trim();
    let fits = text.chars().count() <= MAX_TEXT && !text.chars().any(|c| c.is_control() && c != '\n');
    if !fits || (text.is_empty() && !may_be_empty) {
        let rule = "write 1 to 2,000 characters (MAX_TEXT, a fixed limit), without control characters but new lines";
        return Err(MetadataError::Invalid { what: "the comment or reason cannot be used", rule });
    }
    Ok(text)
}
