//! The record of changes: who did what to which thing, when, and how it was before and after. Never holds a secret.

use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use sensorium_model::{Principal, Subject};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::entity::{api_token, audit, user};
use crate::error::MetadataError;
use crate::history::AuditFilter;
use crate::metadata::Metadata;

/// Entries of one statement.
const STEP: usize = 500;

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
    /// Its id.
    pub id: Uuid,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// `user`, `token`, `system` or `anonymous`.
    pub actor_kind: String,
    /// The user or token.
    pub actor_id: Option<Uuid>,
    /// The user's login or the token's name, as it was then.
    pub actor_name: Option<String>,
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
        self.audit_page(who, &AuditFilter::default(), None, limit).await
    }

    /// Records a change on the connection, or in the transaction, that makes it.
    pub(crate) async fn record(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        change: Change,
    ) -> Result<(), MetadataError> {
        self.record_all(on, who, vec![change]).await
    }

    /// Records changes that were made together.
    pub(crate) async fn record_all(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        changes: Vec<Change>,
    ) -> Result<(), MetadataError> {
        let mut changes = changes.into_iter().peekable();
        while changes.peek().is_some() {
            let rows: Vec<_> = changes.by_ref().take(STEP).map(|change| self.audit_row(who, change)).collect();
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            let active =
                rows.into_iter().map(|row| audit::ActiveModel { actor_name: NotSet, ..audit::ActiveModel::from(row) });
            audit::Entity::insert_many(active).exec_without_returning(on).await?;
            // Only now, because a transaction that begins with a write waits for others instead of failing.
            let Some(name) = actor_name(who) else { continue };
            audit::Entity::update_many()
                .col_expr(audit::Column::ActorName, name.into())
                .filter(audit::Column::Id.is_in(ids))
                .filter(audit::Column::OrgId.eq(*who.org.as_uuid()))
                .exec(on)
                .await?;
        }
        Ok(())
    }

    fn audit_row(&self, who: &Principal, change: Change) -> audit::Model {
        let (actor_kind, actor_id) = match who.subject {
            Subject::User(id, _) => ("user", Some(*id.as_uuid())),
            Subject::Token(id) => ("token", Some(*id.as_uuid())),
            Subject::System => ("system", None),
            Subject::Anonymous => ("anonymous", None),
        };
        audit::Model {
            id: Self::new_id(),
            org_id: *who.org.as_uuid(),
            at_ms: self.now_ms(),
            actor_kind: actor_kind.to_owned(),
            actor_id,
            action: change.action.to_owned(),
            subject: change.subject.to_owned(),
            subject_name: change.name,
            before: change.before.map(|value| value.to_string()),
            after: change.after.map(|value| value.to_string()),
            actor_name: None,
        }
    }
}

/// Asks for what an actor is called.
fn actor_name(who: &Principal) -> Option<SelectStatement> {
    match who.subject {
        Subject::User(id, _) => {
            let named = user::Entity::find_by_id(*id.as_uuid()).filter(user::Column::OrgId.eq(*who.org.as_uuid()));
            Some(named.select_only().column(user::Column::Login).into_query())
        }
        Subject::Token(id) => {
            let named = api_token::Entity::find_by_id(*id.as_uuid());
            let named = named.filter(api_token::Column::OrgId.eq(*who.org.as_uuid()));
            Some(named.select_only().column(api_token::Column::Name).into_query())
        }
        Subject::System | Subject::Anonymous => None,
    }
}

impl From<audit::Model> for AuditEntry {
    fn from(row: audit::Model) -> Self {
        Self {
            id: row.id,
            at_ms: row.at_ms,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            actor_name: row.actor_name,
            action: row.action,
            subject: row.subject,
            name: row.subject_name,
            before: row.before,
            after: row.after,
        }
    }
}
