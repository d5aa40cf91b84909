//! The accepted templates, which code for devices is made of.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, Select};
use sensorium_devices::Template;
use sensorium_model::{Action, Principal};

use super::{Content, SubmissionKind, SubmissionStatus, of_org};
use crate::entity::submission;
use crate::error::MetadataError;
use crate::metadata::Metadata;

impl Metadata {
    /// The accepted templates of the caller's organisation, each in its newest version, by id. None for those who may not see
    /// devices.
    pub async fn accepted_templates(&self, who: &Principal) -> Result<Vec<Template>, MetadataError> {
        if !who.allows(Action::ReadDevices) {
            return Ok(Vec::new());
        }
        let rows = accepted(who)
            .order_by_asc(submission::Column::Subject)
            .order_by_desc(submission::Column::Number)
            .all(self.db())
            .await?;
        let mut templates: Vec<Template> = Vec::new();
        for row in &rows {
            if templates.last().is_none_or(|last| last.id != row.subject) {
                templates.extend(parsed(row)?);
            }
        }
        Ok(templates)
    }

    /// The newest accepted version of a template of the caller's organisation.
    pub async fn accepted_template(&self, who: &Principal, template: &str) -> Result<Option<Template>, MetadataError> {
        if !who.allows(Action::ReadDevices) {
            return Ok(None);
        }
        let row = accepted(who)
            .filter(submission::Column::Subject.eq(template))
            .order_by_desc(submission::Column::Number)
            .one(self.db())
            .await?;
        Ok(row.as_ref().map(parsed).transpose()?.flatten())
    }
}

fn accepted(who: &Principal) -> Select<submission::Entity> {
    of_org(who)
        .filter(submission::Column::Kind.eq(SubmissionKind::Template.as_str()))
        .filter(submission::Column::Status.eq(SubmissionStatus::Accepted.as_str()))
}

fn parsed(row: &submission::Model) -> Result<Option<Template>, MetadataError> {
    match Content::of(row)? {
        Content::Template(template) => Ok(Some(template)),
        Content::Type(_) => Ok(None),
    }
}
