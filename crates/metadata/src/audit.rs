//! The record of changes: who did what to which thing, when, and how it was before and after. Never holds a secret.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sensorium_model::{Action, Principal, Subject};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::entity::audit;
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// The most entries of one listing.
const MAX_LISTED: u64 = 1_000;

/// A change to record.
#[derive(Debug, Clone)]
pub struct Change {
    action: &'static str,
    subject: &'static str,
    name: String,
    before: Option<Value>,
    after: Option<Value>,
}

impl Change {
    /// A kind of change to a kind of thing.
    pub fn new(action: &'static str, subject: &'static str, name: &str) -> Self {
        Self { action, subject, name: name.chars().take(255).collect(), before: None, after: None }
    }

    /// Something was created.
    pub fn created(subject: &'static str, name: &str) -> Self {
        Self::new("created", subject, name)
    }

    /// How the thing was before.
    #[must_use]
    pub fn before(mut self, value: Value) -> Self {
        self.before = Some(value);
        self
    }

    /// How the thing is now.
    #[must_use]
    pub fn after(mut self, value: Value) -> Self {
        self.after = Some(value);
        self
    }
}

/// A recorded change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// `user`, `token`, `system` or `anonymous`.
    pub actor_kind: String,
    /// The user or token.
    pub actor_id: Option<Uuid>,
    /// What was done, such as `created`.
    pub action: String,
    /// The kind of thing, such as `token`.
    pub subject: String,
    /// Its name.
    pub name: String,
    /// JSON.
    pub before: Option<String>,
    /// JSON.
    pub after: Option<String>,
}

impl Metadata {
    /// Records a change that was made elsewhere than in the metadata.
    pub async fn audit(&self, who: &Principal, change: Change) -> Result<(), MetadataError> {
        self.record(self.db(), who, change).await
    }

    /// The newest changes in the caller's organisation, newest first; at most 1,000. Administrators only.
    pub async fn audit_log(&self, who: &Principal, limit: u64) -> Result<Vec<AuditEntry>, MetadataError> {
        if !who.allows(Action::ManageTokens) {
            return Err(MetadataError::Denied("only administrators may read the record of changes"));
        }
        let rows = audit::Entity::find()
            .filter(audit::Column::OrgId.eq(*who.org.as_uuid()))
            .order_by_desc(audit::Column::AtMs)
            .order_by_desc(audit::Column::Id)
            .limit(limit.min(MAX_LISTED))
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(AuditEntry::from).collect())
    }

    /// Records a change on the connection, or in the transaction, that makes it.
    pub(crate) async fn record(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        change: Change,
    ) -> Result<(), MetadataError> {
        let (actor_kind, actor_id) = match who.subject {
            Subject::User(id, _) => ("user", Some(*id.as_uuid())),
            Subject::Token(id) => ("token", Some(*id.as_uuid())),
            Subject::System => ("system", None),
            Subject::Anonymous => ("anonymous", None),
        };
        let row = audit::ActiveModel {
            id: Set(Self::new_id()),
            org_id: Set(*who.org.as_uuid()),
            at_ms: Set(self.now_ms()),
            actor_kind: Set(actor_kind.to_owned()),
            actor_id: Set(actor_id),
            action: Set(change.action.to_owned()),
            subject: Set(change.subject.to_owned()),
            subject_name: Set(change.name),
            before: Set(change.before.map(|value| value.to_string())),
            after: Set(change.after.map(|value| value.to_string())),
        };
        audit::Entity::insert(row).exec_without_returning(on).await?;
        Ok(())
    }
}

impl From<audit::Model> for AuditEntry {
    fn from(row: audit::Model) -> Self {
        Self {
            at_ms: row.at_ms,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            action: row.action,
            subject: row.subject,
            name: row.subject_name,
            before: row.before,
            after: row.after,
        }
    }
}
