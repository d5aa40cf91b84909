//! Reading the record of changes: newest first, filtered, a page at a time.
//!
//! Limits: [`MAX_PAGE`] entries a page, [`MAX_TEXT`] characters of a text to look for.

use std::fmt;
use std::str::FromStr;

use sea_orm::sea_query::extension::postgres::PgExpr;
use sea_orm::sea_query::{Expr, LikeExpr};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sensorium_model::{Action, Principal};
use uuid::Uuid;

use crate::audit::AuditEntry;
use crate::entity::audit;
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// The most entries of one page.
pub const MAX_PAGE: u64 = 1_000;
/// The most characters of a text to look for.
pub const MAX_TEXT: usize = 100;

/// Which changes to read; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Who did it: an id, or the login or token name that they had then.
    pub actor: Option<String>,
    /// What was done, such as `changed`.
    pub action: Option<String>,
    /// The kind of thing that it was done to, such as `user`.
    pub target: Option<String>,
    /// The name of that thing.
    pub name: Option<String>,
    /// Not before this time, in milliseconds since the epoch.
    pub from_ms: Option<i64>,
    /// Before this time.
    pub to_ms: Option<i64>,
    /// Stands somewhere in the entry; the case of ASCII letters does not matter.
    pub text: Option<String>,
}

/// Where the next page begins: after the entry with this time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCursor {
    at_ms: i64,
    id: Uuid,
}

impl From<&AuditEntry> for AuditCursor {
    fn from(entry: &AuditEntry) -> Self {
        Self { at_ms: entry.at_ms, id: entry.id }
    }
}

impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.at_ms, self.id)
    }
}

impl FromStr for AuditCursor {
    type Err = MetadataError;

    fn from_str(text: &str) -> Result<Self, MetadataError> {
        let parsed = text
            .split_once('_')
            .and_then(|(at_ms, id)| Some(Self { at_ms: at_ms.parse().ok()?, id: Uuid::parse_str(id).ok()? }));
        let rule = "send what the page before gave as `next`, or leave it out";
        parsed.ok_or(MetadataError::Invalid { what: "there is no such page", rule })
    }
}

impl Metadata {
    /// A page of the changes in the caller's organisation, newest first. Administrators only.
    pub async fn audit_page(
        &self,
        who: &Principal,
        filter: &AuditFilter,
        after: Option<AuditCursor>,
        limit: u64,
    ) -> Result<Vec<AuditEntry>, MetadataError> {
        if !who.allows(Action::ReadAudit) {
            return Err(MetadataError::Denied("only administrators may read the record of changes"));
        }
        let rows = audit::Entity::find()
            .filter(audit::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(condition(filter, self.db().get_database_backend())?)
            .filter(after.map_or_else(Condition::all, older))
            .order_by_desc(audit::Column::AtMs)
            .order_by_desc(audit::Column::Id)
            .limit(limit.clamp(1, MAX_PAGE))
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(AuditEntry::from).collect())
    }
}

fn older(cursor: AuditCursor) -> Condition {
    Condition::any()
        .add(audit::Column::AtMs.lt(cursor.at_ms))
        .add(Condition::all().add(audit::Column::AtMs.eq(cursor.at_ms)).add(audit::Column::Id.lt(cursor.id)))
}

fn condition(filter: &AuditFilter, backend: DbBackend) -> Result<Condition, MetadataError> {
    let AuditFilter { actor, action, target, name, from_ms, to_ms, text } = filter;
    // Nothing on record holds control characters, and PostgreSQL takes no U+0000.
    if [actor, action, target, name, text].into_iter().flatten().any(|wanted| wanted.chars().any(char::is_control)) {
        let rule = "look for texts without control characters";
        return Err(MetadataError::Invalid { what: "the filter cannot be used", rule });
    }
    let mut all = Condition::all();
    if let Some(actor) = actor {
        let named = Condition::any().add(audit::Column::ActorName.eq(actor.as_str()));
        all = all.add(match Uuid::parse_str(actor) {
            Ok(id) => named.add(audit::Column::ActorId.eq(id)),
            Err(_) => named,
        });
    }
    for (column, wanted) in
        [(audit::Column::Action, action), (audit::Column::Subject, target), (audit::Column::SubjectName, name)]
    {
        all = all.add_option(wanted.as_ref().map(|wanted| column.eq(wanted.as_str())));
    }
    all = all.add_option(from_ms.map(|from| audit::Column::AtMs.gte(from)));
    all = all.add_option(to_ms.map(|to| audit::Column::AtMs.lt(to)));
    if let Some(text) = text {
        if text.chars().count() > MAX_TEXT {
            let rule = "look for at most 100 characters (a fixed limit)";
            return Err(MetadataError::Invalid { what: "the text to look for is too long", rule });
        }
        let found = [
            audit::Column::Action,
            audit::Column::Subject,
            audit::Column::SubjectName,
            audit::Column::ActorName,
            audit::Column::Before,
            audit::Column::After,
        ];
        // Both without regard to case; what SQLite calls LIKE is ILIKE on PostgreSQL, which escapes by itself.
        let holds = |column: &audit::Column| match backend {
            DbBackend::Postgres => Expr::col(*column).ilike(LikeExpr::new(pattern(text))),
            _ => column.like(containing(text)),
        };
        let anywhere = found.iter().fold(Condition::any(), |any, column| any.add(holds(column)));
        all = all.add(anywhere);
    }
    Ok(all)
}

/// A pattern for texts that hold this one, whatever signs it has.
pub(crate) fn containing(text: &str) -> LikeExpr {
    LikeExpr::new(pattern(text)).escape('\\')
}

fn pattern(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_written_and_nonsense_is_refused() {
        let cursor = AuditCursor { at_ms: 1_700_000_000_000, id: Uuid::from_u128(7) };
        assert_eq!(cursor.to_string().parse::<AuditCursor>().unwrap(), cursor);
        for nonsense in ["", "_", "1_", "x_00000000-0000-0000-0000-000000000007", "1"] {
            assert!(nonsense.parse::<AuditCursor>().is_err(), "{nonsense:?} was accepted");
        }
    }
}
