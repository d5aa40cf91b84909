//! Submitting a version of a template or a type.

use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use sensorium_devices::{Template, shipped};
use sensorium_model::{DeviceTypeId, Principal};
use uuid::Uuid;

use super::{
    Content, MAX_SUBMISSIONS, MAX_WAITING, Submission, SubmissionKind, SubmissionStatus, entry, entry_with_facts,
    of_org, require,
};
use crate::entity::submission;
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registry::{DeviceType, NewType, RegistryError, check_type, type_name_is_free};

/// What somebody submits.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// A version of a template; its number is given when it is kept.
    Template(Template),
    /// A type of devices.
    Type {
        /// The type that it changes, or that an earlier submission is to make; none for a new one.
        id: Option<DeviceTypeId>,
        /// The version of the type that it changes; none if there is no such type yet.
        version: Option<i64>,
        /// How it is to be.
        new: NewType,
    },
}

/// What a submission is about.
struct About {
    kind: SubmissionKind,
    subject: String,
    title: String,
    /// The type that it changes.
    base: Option<DeviceType>,
    content: Content,
}

impl Metadata {
    /// Submits a version of a template or a type of the caller's organisation; its number is given here.
    pub async fn submit(&self, who: &Principal, proposal: Proposal) -> Result<Submission, MetadataError> {
        require(who)?;
        let proposal = checked(proposal)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let About { kind, subject, title, base, content } = self.about(&transaction, who, proposal).await?;
        let mut row = submission::Model {
            id: Self::new_id(),
            org_id: *who.org.as_uuid(),
            subject,
            number: 1,
            title,
            definition: String::new(),
            status: SubmissionStatus::Waiting.as_str().to_owned(),
            author_id: who.person().map(|id| *id.as_uuid()),
            author_name: self.login_of(&transaction, who).await?,
            submitted_at_ms: self.now_ms(),
            reviewer_name: None,
            reviewed_at_ms: None,
            reason: None,
            kind: kind.as_str().to_owned(),
            base_version: base.as_ref().map(|base| base.version),
            base: base.map(|base| Content::Type(base.into()).to_json()).transpose()?,
        };
        self.withdraw_waiting(&transaction, who, &row).await?;
        self.check_room_for_submission(&transaction, &row).await?;
        row.number = self.newest_number(&transaction, &row).await?.saturating_add(1);
        let content = match content {
            Content::Template(template) => {
                Content::Template(Template { version: u32::try_from(row.number).unwrap_or(u32::MAX), ..template })
            }
            Content::Type(new) => Content::Type(new),
        };
        row.definition = content.to_json()?;
        let active = submission::ActiveModel::from(row.clone());
        submission::Entity::insert(active).exec_without_returning(&transaction).await?;
        self.record(&transaction, who, entry_with_facts("submitted", &row)?).await?;
        transaction.commit().await?;
        row.try_into()
    }

    async fn about(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        proposal: Proposal,
    ) -> Result<About, MetadataError> {
        match proposal {
            Proposal::Template(template) => Ok(About {
                kind: SubmissionKind::Template,
                subject: template.id.clone(),
                title: template.title.clone(),
                base: None,
                content: Content::Template(template),
            }),
            Proposal::Type { id, version, new } => {
                let base = self.base_of(on, who, id, version).await?;
                let id = id.unwrap_or_else(|| DeviceTypeId::from_uuid(Self::new_id()));
                type_name_is_free(on, who.org, id, &new.name).await?;
                Ok(About {
                    kind: SubmissionKind::Type,
                    subject: id.to_string(),
                    title: new.name.clone(),
                    base,
                    content: Content::Type(new),
                })
            }
        }
    }

    /// The type that is to be changed; none for one that nobody has made.
    async fn base_of(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: Option<DeviceTypeId>,
        version: Option<i64>,
    ) -> Result<Option<DeviceType>, MetadataError> {
        let missing = MetadataError::Missing("device type");
        let Some(id) = id else { return if version.is_none() { Ok(None) } else { Err(missing) } };
        if let Some(row) = self.known_type(on, who.org, id).await? {
            let known = DeviceType::from(row);
            return match version == Some(known.version) {
                true => Ok(Some(known)),
                false => Err(RegistryError::TypeChanged(Box::new(known)).into()),
            };
        }
        let earlier = of_org(who)
            .filter(submission::Column::Kind.eq(SubmissionKind::Type.as_str()))
            .filter(submission::Column::Subject.eq(id.to_string()));
        if version.is_none() && earlier.count(on).await? > 0 { Ok(None) } else { Err(missing) }
    }

    /// Takes back what the author has waiting of the same thing.
    async fn withdraw_waiting(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        row: &submission::Model,
    ) -> Result<(), MetadataError> {
        let withdrawn = submission::Entity::update_many()
            .col_expr(submission::Column::Status, SubmissionStatus::Withdrawn.as_str().into())
            .filter(submission::Column::OrgId.eq(row.org_id))
            .filter(submission::Column::Kind.eq(row.kind.as_str()))
            .filter(submission::Column::Subject.eq(row.subject.as_str()))
            .filter(submission::Column::Status.eq(SubmissionStatus::Waiting.as_str()))
            .filter(by(row.author_id))
            .exec(on)
            .await?;
        if withdrawn.rows_affected > 0 {
            self.record(on, who, entry("withdrew", row)?).await?;
        }
        Ok(())
    }

    async fn check_room_for_submission(
        &self,
        on: &impl ConnectionTrait,
        row: &submission::Model,
    ) -> Result<(), MetadataError> {
        let of_org = || submission::Entity::find().filter(submission::Column::OrgId.eq(row.org_id));
        if of_org().count(on).await? >= MAX_SUBMISSIONS {
            let rule = "an organisation has at most 2,000 (MAX_SUBMISSIONS, a fixed limit)";
            return Err(MetadataError::Invalid { what: "too many submissions", rule });
        }
        let waiting = submission::Column::Status.eq(SubmissionStatus::Waiting.as_str());
        if of_org().filter(waiting).filter(by(row.author_id)).count(on).await? >= MAX_WAITING {
            let rule = "at most 20 of one person wait for a decision (MAX_WAITING, a fixed limit); withdraw one";
            return Err(MetadataError::Invalid { what: "too many of your submissions wait", rule });
        }
        Ok(())
    }

    /// The number of the newest version of a thing; 0 if there is none.
    async fn newest_number(&self, on: &impl ConnectionTrait, row: &submission::Model) -> Result<i32, MetadataError> {
        let newest = submission::Entity::find()
            .select_only()
            .column(submission::Column::Number)
            .filter(submission::Column::OrgId.eq(row.org_id))
            .filter(submission::Column::Subject.eq(row.subject.as_str()))
            .order_by_desc(submission::Column::Number)
            .into_tuple::<i32>()
            .one(on)
            .await?;
        Ok(newest.unwrap_or(0))
    }
}

/// What can be checked without looking at what is stored.
fn checked(proposal: Proposal) -> Result<Proposal, MetadataError> {
    match proposal {
        Proposal::Template(template) => {
            template.check().map_err(MetadataError::Template)?;
            if shipped().iter().any(|other| other.id == template.id) {
                let taken = "a template that comes with Sensorium has this id; choose another one";
                return Err(MetadataError::Conflict(taken));
            }
            Ok(Proposal::Template(template))
        }
        Proposal::Type { id, version, new } => Ok(Proposal::Type { id, version, new: check_type(new)? }),
    }
}

/// Submissions of this author.
fn by(author: Option<Uuid>) -> SimpleExpr {
    match author {
        Some(id) => submission::Column::AuthorId.eq(id),
        None => submission::Column::AuthorId.is_null(),
    }
}
