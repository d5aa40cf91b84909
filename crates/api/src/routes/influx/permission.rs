//! What a caller needs for a statement. Everything is asked of [`sensorium_model::Principal::allows`]; InfluxDB's privileges
//! are only what an answer calls it.

use sensorium_model::{Action, DatabaseName, Principal};
use sensorium_protocols::influxql::Statement;

use axum::http::StatusCode;

use super::failure::Refusal;
use crate::auth::Caller;

/// Fails unless the caller may do this; `database` is that of the request.
pub(super) fn check(caller: &Caller, database: Option<&DatabaseName>, statement: &Statement) -> Result<(), Refusal> {
    let principal = &caller.0;
    let (is_allowed, privilege) = match statement {
        Statement::Select(select) => match &select.target {
            None => (reads(principal, None, database), "READ"),
            Some(target) => {
                let writes = |name: &DatabaseName| principal.allows(Action::Write(name));
                let may_write = on(target.database.as_deref(), database, writes).unwrap_or(principal.can_write);
                (reads(principal, None, database) && may_write, "READ and WRITE")
            }
        },
        Statement::ShowDatabases => (looks(principal), "READ"),
        Statement::Explain(_) | Statement::ShowContinuousQueries => (reads(principal, None, database), "READ"),
        Statement::ShowMeasurements(show) => (reads(principal, show.database.as_deref(), database), "READ"),
        Statement::ShowSeries(show) | Statement::ShowTagKeys(show) | Statement::ShowFieldKeys(show) => {
            (reads(principal, show.database.as_deref(), database), "READ")
        }
        Statement::ShowTagValues(show) => (reads(principal, show.of.database.as_deref(), database), "READ"),
        Statement::ShowCardinality(show) => (reads(principal, show.database.as_deref(), database), "READ"),
        Statement::ShowRetentionPolicies { database: named } => (reads(principal, named.as_deref(), database), "READ"),
        Statement::CreateDatabase(create) => {
            let creates = |name: &DatabaseName| principal.allows(Action::CreateDatabase(name));
            (on(Some(&create.name), None, creates).unwrap_or(principal.can_write), "WRITE")
        }
        Statement::CreateRetentionPolicy(create) => (manages(principal, Some(&create.database), None), "admin"),
        Statement::AlterRetentionPolicy(alter) => (manages(principal, Some(&alter.database), None), "admin"),
        Statement::CreateContinuousQuery(create) => (manages(principal, Some(&create.database), None), "admin"),
        Statement::CreateSubscription(create) => (manages(principal, Some(&create.database), None), "admin"),
        Statement::DropDatabase { name } => (manages(principal, Some(name), None), "admin"),
        Statement::DropRetentionPolicy { database: named, .. }
        | Statement::DropContinuousQuery { database: named, .. }
        | Statement::DropSubscription { database: named, .. } => (manages(principal, Some(named), None), "admin"),
        Statement::DropMeasurement { .. } | Statement::DropSeries(_) | Statement::Delete(_) => {
            (manages(principal, None, database), "admin")
        }
        Statement::ShowUsers
        | Statement::ShowGrants { .. }
        | Statement::CreateUser { .. }
        | Statement::DropUser { .. }
        | Statement::SetPassword { .. }
        | Statement::Grant(_)
        | Statement::Revoke(_) => (principal.allows(Action::ManageTokens) && looks(principal), "admin"),
        Statement::ShowQueries
        | Statement::KillQuery { .. }
        | Statement::ShowShards
        | Statement::ShowShardGroups
        | Statement::ShowStats { .. }
        | Statement::ShowDiagnostics { .. }
        | Statement::ShowSubscriptions
        | Statement::DropShard { .. } => (principal.allows(Action::ManageQueries), "admin"),
    };
    if is_allowed {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        format!(
            "error authorizing query: this credential is not authorized to execute statement '{statement}', requires \
             {privilege} privilege"
        ),
    ))
}

/// What holds for the database that is named, or else that of the request; none when there is none or the name breaks the
/// rules, so that it cannot exist.
fn on(named: Option<&str>, database: Option<&DatabaseName>, holds: impl FnOnce(&DatabaseName) -> bool) -> Option<bool> {
    match named {
        Some(named) => DatabaseName::new(named).ok().map(|name| holds(&name)),
        None => database.map(holds),
    }
}

/// Whether the caller may read a database; without one, whether it may read any.
fn reads(principal: &Principal, named: Option<&str>, database: Option<&DatabaseName>) -> bool {
    let reads = |name: &DatabaseName| principal.allows(Action::Read(name));
    on(named, database, reads).unwrap_or(principal.can_read && looks(principal))
}

fn manages(principal: &Principal, named: Option<&str>, database: Option<&DatabaseName>) -> bool {
    let manages = |name: &DatabaseName| principal.allows(Action::ManageDatabase(name));
    on(named, database, manages).unwrap_or(principal.allows(Action::ManageTokens))
}

/// Whether the caller may learn what there is; devices may not.
pub(super) fn looks(principal: &Principal) -> bool {
    principal.device.is_none() && !principal.for_devices && principal.allows(Action::LookAround)
}
