//! One-time links that let a person choose a password: the invitation of somebody new, and the reset of a forgotten password.
//!
//! A link holds 256 random bits, of which the fingerprint is stored. It is good for
//! [`MetadataConfig::invitation_lifetime`](crate::MetadataConfig) or `reset_lifetime`, and once: the transaction that sets
//! the password consumes it, so that of two who send it one succeeds. A person has at most one; another takes its place.
//! A wrong link, one that was used, replaced or revoked, and one that is too old are refused in the same words, and counted as
//! failed attempts.

use std::fmt;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use sensorium_model::{OrgId, Principal, Role, Subject, UserId};
use serde_json::json;

use crate::audit::Change;
use crate::client::Client;
use crate::config::millis;
use crate::entity::{one_time_link, setup, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::sessions::SignedIn;
use crate::{password, secrets};

/// The key under which wrong links are counted; no login holds a colon.
const ATTEMPTS: &str = ":link";

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The first password of somebody who was invited.
    Invitation,
    /// Another password in the place of a forgotten one.
    Reset,
}

impl LinkPurpose {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// What the record of changes and errors call it.
    fn subject(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "password reset",
        }
    }

    /// The status of a person whom such a link is for.
    fn status(self) -> user::Status {
        match self {
            Self::Invitation => user::Status::Pending,
            Self::Reset => user::Status::Active,
        }
    }
}

impl From<LinkPurpose> for one_time_link::Purpose {
    fn from(purpose: LinkPurpose) -> Self {
        match purpose {
            LinkPurpose::Invitation => Self::Invitation,
            LinkPurpose::Reset => Self::Reset,
        }
    }
}

impl From<one_time_link::Purpose> for LinkPurpose {
    fn from(purpose: one_time_link::Purpose) -> Self {
        match purpose {
            one_time_link::Purpose::Invitation => Self::Invitation,
            one_time_link::Purpose::Reset => Self::Reset,
        }
    }
}

/// A link that is out, without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkInfo {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// When it was made, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Until when it is good, in milliseconds since the epoch.
    pub expires_at_ms: i64,
}

impl From<one_time_link::Model> for LinkInfo {
    fn from(row: one_time_link::Model) -> Self {
        Self { purpose: row.purpose.into(), created_at_ms: row.created_at_ms, expires_at_ms: row.expires_at_ms }
    }
}

/// A link that was just made; its secret is here and nowhere else.
#[derive(Clone)]
pub struct NewLink {
    /// The secret part.
    pub secret: String,
    /// Until when it is good, in milliseconds since the epoch.
    pub expires_at_ms: i64,
}

impl fmt::Debug for NewLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLink").field("expires_at_ms", &self.expires_at_ms).finish_non_exhaustive()
    }
}

impl Metadata {
    /// Makes another link for a person, in the place of the one that is out. Administrators only, and for others only.
    pub async fn issue_link(
        &self,
        who: &Principal,
        id: UserId,
        purpose: LinkPurpose,
    ) -> Result<NewLink, MetadataError> {
        let person = self.manageable(who, id).await?;
        if matches!(who.subject, Subject::User(own, _) if own == id) {
            return Err(MetadataError::Conflict("change your own password with the one that you have"));
        }
        let transaction = self.begin().await?;
        let link = self.put_link(&transaction, &person, purpose).await?;
        // Asked after the write, which keeps others from changing it.
        let fits = user::Entity::find_by_id(person.id)
            .filter(user::Column::OrgId.eq(person.org_id))
            .filter(user::Column::Status.eq(purpose.status()))
            .one(&transaction)
            .await?;
        if fits.is_none() {
            return Err(MetadataError::Conflict(match purpose {
                LinkPurpose::Invitation => {
                    "this person has accepted an invitation already; reset the password if it is forgotten"
                }
                LinkPurpose::Reset => {
                    "only an active person has a password to reset; invite or activate this one first"
                }
            }));
        }
        let change =
            Change::created(purpose.subject(), &person.login).after(json!({"good_until_ms": link.expires_at_ms}));
        self.record(&transaction, who, change).await?;
        transaction.commit().await?;
        Ok(link)
    }

    /// Makes the link that a person has useless. Administrators only.
    pub async fn revoke_link(&self, who: &Principal, id: UserId, purpose: LinkPurpose) -> Result<(), MetadataError> {
        let person = self.manageable(who, id).await?;
        let transaction = self.begin().await?;
        let dropped = one_time_link::Entity::delete_many()
            .filter(one_time_link::Column::OrgId.eq(person.org_id))
            .filter(one_time_link::Column::UserId.eq(person.id))
            .filter(one_time_link::Column::Purpose.eq(one_time_link::Purpose::from(purpose)))
            .exec(&transaction)
            .await?;
        if dropped.rows_affected == 0 {
            return Err(MetadataError::Missing(purpose.subject()));
        }
        self.record(&transaction, who, Change::new("revoked", purpose.subject(), &person.login)).await?;
        Ok(transaction.commit().await?)
    }

    /// Chooses a password with a link, and signs in; fails with [`MetadataError::CodeNeeded`] if the person has a second factor.
    pub async fn accept_link(
        &self,
        secret: &str,
        password: &str,
        client: impl Into<Client>,
    ) -> Result<SignedIn, MetadataError> {
        self.accept_link_with_code(secret, password, None, client).await
    }

    /// As [`Metadata::accept_link`], with a code for those who have a second factor: a link stands in for a password, and for nothing
    /// else. The link is good for another attempt if the code is not.
    pub async fn accept_link_with_code(
        &self,
        secret: &str,
        password: &str,
        code: Option<&str>,
        client: impl Into<Client>,
    ) -> Result<SignedIn, MetadataError> {
        let client = client.into();
        self.attempts()
            .begin(ATTEMPTS, client.address, self.now_ms())
            .map_err(|retry_after| MetadataError::TooManyAttempts { retry_after })?;
        let sent = secrets::text(&secrets::fingerprint(secret.trim()));
        let Some((link, before)) = self.find_link(&sent).await? else { return Err(MetadataError::WrongLink) };
        self.attempts().succeed(ATTEMPTS, client.address);
        let purpose = LinkPurpose::from(link.purpose);
        password::check_rules(&before.login, password)?;
        self.check_second_factor(&before, code).await?;
        let after = user::Model {
            password: self.passwords().hash(password).await?,
            status: user::Status::Active,
            version: before.version.saturating_add(1),
            ..before.clone()
        };
        let (org, id) = (OrgId::from_uuid(before.org_id), UserId::from_uuid(before.id));
        let transaction = self.begin().await?;
        let consumed = one_time_link::Entity::delete_many()
            .filter(one_time_link::Column::Id.eq(link.id))
            .filter(one_time_link::Column::OrgId.eq(link.org_id))
            .filter(one_time_link::Column::Secret.eq(sent))
            .exec(&transaction)
            .await?;
        let row = user::ActiveModel {
            password: Set(after.password.clone()),
            status: Set(after.status),
            version: Set(after.version),
            ..Default::default()
        };
        let changed = user::Entity::update_many()
            .set(row)
            .filter(user::Column::Id.eq(before.id))
            .filter(user::Column::OrgId.eq(before.org_id))
            .filter(user::Column::Version.eq(before.version))
            .filter(user::Column::Status.eq(purpose.status()))
            .exec(&transaction)
            .await?;
        if consumed.rows_affected != 1 || changed.rows_affected != 1 {
            return Err(MetadataError::WrongLink);
        }
        let sessions = self.end_sessions(&transaction, org, id, None).await?;
        if Role::from(after.role) >= Role::Administrator {
            // There is an administrator now, so nobody may become one with the set-up code.
            setup::Entity::delete_many().exec(&transaction).await?;
        }
        let itself = Principal::user(org, id, None, after.role.into());
        let change =
            Change::new("accepted", purpose.subject(), &before.login).after(json!({"sessions_ended": sessions}));
        self.record(&transaction, &itself, change).await?;
        transaction.commit().await?;
        self.logins().forget_user(id);
        self.start_session(&after, &client).await
    }

    /// A link that is good, and whom it is for.
    async fn find_link(&self, sent: &str) -> Result<Option<(one_time_link::Model, user::Model)>, MetadataError> {
        let link = one_time_link::Entity::find()
            .filter(one_time_link::Column::Secret.eq(sent))
            .filter(one_time_link::Column::ExpiresAtMs.gt(self.now_ms()))
            .one(self.db())
            .await?;
        let Some(link) = link else { return Ok(None) };
        let person = user::Entity::find_by_id(link.user_id)
            .filter(user::Column::OrgId.eq(link.org_id))
            .filter(user::Column::Status.eq(LinkPurpose::from(link.purpose).status()))
            .one(self.db())
            .await?;
        Ok(person.map(|person| (link, person)))
    }

    /// Puts a new link in the place of the one that a person has.
    pub(crate) async fn put_link(
        &self,
        on: &impl ConnectionTrait,
        person: &user::Model,
        purpose: LinkPurpose,
    ) -> Result<NewLink, MetadataError> {
        let now_ms = self.now_ms();
        let lifetime = match purpose {
            LinkPurpose::Invitation => self.config().invitation_lifetime,
            LinkPurpose::Reset => self.config().reset_lifetime,
        };
        let link = NewLink { secret: secrets::session(), expires_at_ms: now_ms.saturating_add(millis(lifetime)) };
        self.drop_links(on, OrgId::from_uuid(person.org_id), UserId::from_uuid(person.id)).await?;
        let row = one_time_link::ActiveModel {
            id: Set(Self::new_id()),
            org_id: Set(person.org_id),
            user_id: Set(person.id),
            purpose: Set(purpose.into()),
            secret: Set(secrets::text(&secrets::fingerprint(&link.secret))),
            created_at_ms: Set(now_ms),
            expires_at_ms: Set(link.expires_at_ms),
        };
        one_time_link::Entity::insert(row).exec_without_returning(on).await?;
        Ok(link)
    }
}
