//! Deciding about submitted templates, taking them back, and commenting on them.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sensorium_model::{Action, Principal, SubmissionId};

use super::{Comment, MAX_COMMENTS, MAX_TEXT, SUBJECT, Submission, SubmissionStatus, facts, require};
use crate::audit::Change;
use crate::entity::{template_comment, template_submission};
use crate::error::MetadataError;
use crate::metadata::Metadata;

const ONLY_ADMINISTRATORS: &str = "only administrators decide about submitted templates; sign in as one";
const NOT_THE_AUTHOR: &str = "only its author or an administrator takes a submitted template back";
const DECIDED: &str = "this submission does not wait any more; look at how it stands now";

/// What an administrator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Code is made of it from now on; the reason may be empty.
    Accept(String),
    /// It is refused, for this reason.
    Return(String),
}

impl Metadata {
    /// Decides about a submission that waits. Administrators only.
    pub async fn review_template(
        &self,
        who: &Principal,
        id: SubmissionId,
        decision: Decision,
    ) -> Result<Submission, MetadataError> {
        if !who.allows(Action::ReviewTemplates) {
            return Err(MetadataError::Denied(ONLY_ADMINISTRATORS));
        }
        let (status, action, reason) = match &decision {
            Decision::Accept(reason) => (SubmissionStatus::Accepted, "accepted", checked(reason, true)?),
            Decision::Return(reason) => (SubmissionStatus::Returned, "returned", checked(reason, false)?),
        };
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        self.decide(who, id, &[SubmissionStatus::Waiting], status, action, reason).await
    }

    /// Takes a submission back: by its author while it waits or after it was returned, by an administrator also when it is
    /// accepted, so that no more code is made of it.
    pub async fn withdraw_template(&self, who: &Principal, id: SubmissionId) -> Result<Submission, MetadataError> {
        require(who)?;
        let row = self.submission_row(self.db(), who, id).await?;
        let mut from = vec![SubmissionStatus::Waiting, SubmissionStatus::Returned];
        if who.allows(Action::ReviewTemplates) {
            from.push(SubmissionStatus::Accepted);
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
        let after = template_submission::Model {
            status: to.as_str().to_owned(),
            reviewer_name: self.login_of(&transaction, who).await?,
            reviewed_at_ms: Some(self.now_ms()),
            reason,
            ..before
        };
        let change = template_submission::ActiveModel {
            status: Set(after.status.clone()),
            reviewer_name: Set(after.reviewer_name.clone()),
            reviewed_at_ms: Set(after.reviewed_at_ms),
            reason: Set(after.reason.clone()),
            ..Default::default()
        };
        template_submission::Entity::update_many()
            .set(change)
            .filter(template_submission::Column::Id.eq(after.id))
            .filter(template_submission::Column::OrgId.eq(after.org_id))
            .exec(&transaction)
            .await?;
        self.record(&transaction, who, Change::new(action, SUBJECT, &after.template).after(facts(&after))).await?;
        transaction.commit().await?;
        Ok(after.into())
    }

    /// Says something about a submission.
    pub async fn comment_template(
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
        let of_submission = template_comment::Entity::find()
            .filter(template_comment::Column::OrgId.eq(submission.org_id))
            .filter(template_comment::Column::SubmissionId.eq(submission.id));
        if of_submission.count(&transaction).await? >= MAX_COMMENTS {
            let rule = "a submission has at most 200 (MAX_COMMENTS, a fixed limit)";
            return Err(MetadataError::Invalid { what: "too many comments", rule });
        }
        let row = template_comment::Model {
            id: Self::new_id(),
            org_id: submission.org_id,
            submission_id: submission.id,
            author_name: self.login_of(&transaction, who).await?,
            at_ms: self.now_ms(),
            body: text.to_owned(),
        };
        let active = template_comment::ActiveModel::from(row.clone());
        template_comment::Entity::insert(active).exec_without_returning(&transaction).await?;
        self.record(&transaction, who, Change::new("commented", SUBJECT, &submission.template)).await?;
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
