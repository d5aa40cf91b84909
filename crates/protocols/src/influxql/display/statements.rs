//! All statements but `SELECT`. Passwords are not shown.

use std::fmt;

use super::super::ast::{Dimension, Expr, Measurement, Statement};
use super::super::changes::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription, Deletion,
    Grant, Privilege,
};
use super::super::shows::{Counted, ShowCardinality, ShowMeasurements, ShowSchema, TagKeys};
use super::{Duration, Identifier, Pattern, Quoted, limits, list, order};

/// What stands where a password was.
const REDACTED: &str = "[REDACTED]";

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(select) => select.fmt(f),
            Self::Explain(explain) => {
                write!(f, "EXPLAIN {}{}", if explain.analyze { "ANALYZE " } else { "" }, explain.select)
            }
            Self::ShowDatabases => f.write_str("SHOW DATABASES"),
            Self::ShowMeasurements(of) => show_measurements(f, of),
            Self::ShowSeries(of) => show_schema(f, "SERIES", of, None),
            Self::ShowTagKeys(of) => show_schema(f, "TAG KEYS", of, None),
            Self::ShowFieldKeys(of) => show_schema(f, "FIELD KEYS", of, None),
            Self::ShowTagValues(values) => show_schema(f, "TAG VALUES", &values.of, Some(&values.keys)),
            Self::ShowCardinality(of) => show_cardinality(f, of),
            Self::ShowRetentionPolicies { database } => {
                f.write_str("SHOW RETENTION POLICIES")?;
                on(f, database.as_deref())
            }
            Self::ShowQueries => f.write_str("SHOW QUERIES"),
            Self::ShowContinuousQueries => f.write_str("SHOW CONTINUOUS QUERIES"),
            Self::ShowShards => f.write_str("SHOW SHARDS"),
            Self::ShowShardGroups => f.write_str("SHOW SHARD GROUPS"),
            Self::ShowStats { module } => show_module(f, "STATS", module.as_deref()),
            Self::ShowDiagnostics { module } => show_module(f, "DIAGNOSTICS", module.as_deref()),
            Self::ShowSubscriptions => f.write_str("SHOW SUBSCRIPTIONS"),
            Self::ShowUsers => f.write_str("SHOW USERS"),
            Self::ShowGrants { user } => write!(f, "SHOW GRANTS FOR {}", Identifier(user)),
            change => display_change(f, change),
        }
    }
}

fn display_change(f: &mut fmt::Formatter<'_>, change: &Statement) -> fmt::Result {
    use Statement as S;
    match change {
        S::CreateDatabase(database) => create_database(f, database),
        S::DropDatabase { name } => write!(f, "DROP DATABASE {}", Identifier(name)),
        S::CreateRetentionPolicy(policy) => create_retention_policy(f, policy),
        S::AlterRetentionPolicy(policy) => alter_retention_policy(f, policy),
        S::DropRetentionPolicy { name, database } => {
            write!(f, "DROP RETENTION POLICY {} ON {}", Identifier(name), Identifier(database))
        }
        S::CreateContinuousQuery(query) => create_continuous_query(f, query),
        S::DropContinuousQuery { name, database } => {
            write!(f, "DROP CONTINUOUS QUERY {} ON {}", Identifier(name), Identifier(database))
        }
        S::CreateUser { name, is_admin, password: _ } => {
            let rights = if *is_admin { " WITH ALL PRIVILEGES" } else { "" };
            write!(f, "CREATE USER {} WITH PASSWORD {REDACTED}{rights}", Identifier(name))
        }
        S::DropUser { name } => write!(f, "DROP USER {}", Identifier(name)),
        S::SetPassword { user, password: _ } => write!(f, "SET PASSWORD FOR {} = {REDACTED}", Identifier(user)),
        S::Grant(of) => grant(f, "GRANT", "TO", of),
        S::Revoke(of) => grant(f, "REVOKE", "FROM", of),
        S::CreateSubscription(subscription) => create_subscription(f, subscription),
        S::DropSubscription { name, database, retention_policy } => {
            let (name, database, policy) = (Identifier(name), Identifier(database), Identifier(retention_policy));
            write!(f, "DROP SUBSCRIPTION {name} ON {database}.{policy}")
        }
        S::DropMeasurement { name } => write!(f, "DROP MEASUREMENT {}", Identifier(name)),
        S::DropSeries(deletion) => delete(f, "DROP SERIES", deletion),
        S::Delete(deletion) => delete(f, "DELETE", deletion),
        S::DropShard { id } => write!(f, "DROP SHARD {id}"),
        S::KillQuery { id, host } => {
            write!(f, "KILL QUERY {id}")?;
            on(f, host.as_deref())
        }
        _ => Ok(()),
    }
}

fn on(f: &mut fmt::Formatter<'_>, database: Option<&str>) -> fmt::Result {
    match database {
        Some(database) => write!(f, " ON {}", Identifier(database)),
        None => Ok(()),
    }
}

fn from(f: &mut fmt::Formatter<'_>, sources: &[Measurement]) -> fmt::Result {
    if sources.is_empty() {
        return Ok(());
    }
    f.write_str(" FROM ")?;
    list(f, sources)
}

fn condition(f: &mut fmt::Formatter<'_>, condition: Option<&Expr>) -> fmt::Result {
    match condition {
        Some(condition) => write!(f, " WHERE {condition}"),
        None => Ok(()),
    }
}

fn group_by(f: &mut fmt::Formatter<'_>, dimensions: &[Dimension]) -> fmt::Result {
    if dimensions.is_empty() {
        return Ok(());
    }
    f.write_str(" GROUP BY ")?;
    list(f, dimensions)
}

impl fmt::Display for TagKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(key) => write!(f, "WITH KEY = {}", Identifier(key)),
            Self::NotEqual(key) => write!(f, "WITH KEY != {}", Identifier(key)),
            Self::In(keys) => {
                f.write_str("WITH KEY IN (")?;
                list(f, &keys.iter().map(|key| Identifier(key)).collect::<Vec<_>>())?;
                f.write_str(")")
            }
            Self::Matches(pattern) => write!(f, "WITH KEY =~ {}", Pattern(pattern)),
            Self::MatchesNot(pattern) => write!(f, "WITH KEY !~ {}", Pattern(pattern)),
        }
    }
}

fn show_measurements(f: &mut fmt::Formatter<'_>, of: &ShowMeasurements) -> fmt::Result {
    use super::super::ast::MeasurementName;
    f.write_str("SHOW MEASUREMENTS")?;
    on(f, of.database.as_deref())?;
    if let Some(with) = &of.with {
        let operator = if matches!(with.name, MeasurementName::Regex(_)) { "=~" } else { "=" };
        write!(f, " WITH MEASUREMENT {operator} {with}")?;
    }
    condition(f, of.condition.as_ref())?;
    order(f, of.ascending)?;
    limits(f, [of.limit, of.offset, 0, 0])
}

fn show_schema(f: &mut fmt::Formatter<'_>, what: &str, of: &ShowSchema, keys: Option<&TagKeys>) -> fmt::Result {
    write!(f, "SHOW {what}")?;
    on(f, of.database.as_deref())?;
    from(f, &of.sources)?;
    if let Some(keys) = keys {
        write!(f, " {keys}")?;
    }
    condition(f, of.condition.as_ref())?;
    order(f, of.ascending)?;
    limits(f, [of.limit, of.offset, of.series_limit, of.series_offset])
}

fn show_cardinality(f: &mut fmt::Formatter<'_>, of: &ShowCardinality) -> fmt::Result {
    let (what, keys) = match &of.counted {
        Counted::Series => ("SERIES", None),
        Counted::Measurements => ("MEASUREMENT", None),
        Counted::TagKeys => ("TAG KEY", None),
        Counted::TagValues(keys) => ("TAG VALUES", Some(keys)),
        Counted::FieldKeys => ("FIELD KEY", None),
    };
    write!(f, "SHOW {what}{} CARDINALITY", if of.is_exact { " EXACT" } else { "" })?;
    on(f, of.database.as_deref())?;
    from(f, &of.sources)?;
    if let Some(keys) = keys {
        write!(f, " {keys}")?;
    }
    condition(f, of.condition.as_ref())?;
    group_by(f, &of.dimensions)?;
    limits(f, [of.limit, of.offset, 0, 0])
}

fn show_module(f: &mut fmt::Formatter<'_>, what: &str, module: Option<&str>) -> fmt::Result {
    write!(f, "SHOW {what}")?;
    match module {
        Some(module) => write!(f, " FOR {}", Quoted(module)),
        None => Ok(()),
    }
}

/// A duration of a retention policy, of which 0 means that it has no end.
fn inf_or(nanoseconds: i64) -> String {
    if nanoseconds == 0 { "INF".to_owned() } else { Duration(nanoseconds).to_string() }
}

fn create_database(f: &mut fmt::Formatter<'_>, of: &CreateDatabase) -> fmt::Result {
    write!(f, "CREATE DATABASE {}", Identifier(&of.name))?;
    let Some(policy) = &of.policy else { return Ok(()) };
    f.write_str(" WITH")?;
    if let Some(duration) = policy.duration_ns {
        write!(f, " DURATION {}", inf_or(duration))?;
    }
    if let Some(replication) = policy.replication {
        write!(f, " REPLICATION {replication}")?;
    }
    if let Some(duration) = policy.shard_duration_ns {
        write!(f, " SHARD DURATION {}", inf_or(duration))?;
    }
    match &policy.name {
        Some(name) => write!(f, " NAME {}", Identifier(name)),
        None => Ok(()),
    }
}

fn create_retention_policy(f: &mut fmt::Formatter<'_>, of: &CreateRetentionPolicy) -> fmt::Result {
    write!(f, "CREATE RETENTION POLICY {} ON {}", Identifier(&of.name), Identifier(&of.database))?;
    write!(f, " DURATION {} REPLICATION {}", inf_or(of.duration_ns), of.replication)?;
    if let Some(duration) = of.shard_duration_ns {
        write!(f, " SHARD DURATION {}", Duration(duration))?;
    }
    f.write_str(if of.is_default { " DEFAULT" } else { "" })
}

fn alter_retention_policy(f: &mut fmt::Formatter<'_>, of: &AlterRetentionPolicy) -> fmt::Result {
    write!(f, "ALTER RETENTION POLICY {} ON {}", Identifier(&of.name), Identifier(&of.database))?;
    if let Some(duration) = of.duration_ns {
        write!(f, " DURATION {}", inf_or(duration))?;
    }
    if let Some(replication) = of.replication {
        write!(f, " REPLICATION {replication}")?;
    }
    if let Some(duration) = of.shard_duration_ns {
        write!(f, " SHARD DURATION {}", Duration(duration))?;
    }
    f.write_str(if of.is_default { " DEFAULT" } else { "" })
}

fn create_continuous_query(f: &mut fmt::Formatter<'_>, of: &CreateContinuousQuery) -> fmt::Result {
    write!(f, "CREATE CONTINUOUS QUERY {} ON {}", Identifier(&of.name), Identifier(&of.database))?;
    if of.resample_every_ns.is_some() || of.resample_for_ns.is_some() {
        f.write_str(" RESAMPLE")?;
    }
    if let Some(every) = of.resample_every_ns {
        write!(f, " EVERY {}", Duration(every))?;
    }
    if let Some(length) = of.resample_for_ns {
        write!(f, " FOR {}", Duration(length))?;
    }
    write!(f, " BEGIN {} END", of.select)
}

fn grant(f: &mut fmt::Formatter<'_>, verb: &str, direction: &str, of: &Grant) -> fmt::Result {
    let privilege = match of.privilege {
        Privilege::Read => "READ",
        Privilege::Write => "WRITE",
        Privilege::All => "ALL PRIVILEGES",
    };
    write!(f, "{verb} {privilege}")?;
    on(f, of.database.as_deref())?;
    write!(f, " {direction} {}", Identifier(&of.user))
}

fn create_subscription(f: &mut fmt::Formatter<'_>, of: &CreateSubscription) -> fmt::Result {
    let (name, database, policy) = (Identifier(&of.name), Identifier(&of.database), Identifier(&of.retention_policy));
    let mode = if of.is_all { "ALL" } else { "ANY" };
    write!(f, "CREATE SUBSCRIPTION {name} ON {database}.{policy} DESTINATIONS {mode} ")?;
    list(f, &of.destinations.iter().map(|destination| Quoted(destination)).collect::<Vec<_>>())
}

fn delete(f: &mut fmt::Formatter<'_>, verb: &str, of: &Deletion) -> fmt::Result {
    f.write_str(verb)?;
    from(f, &of.sources)?;
    condition(f, of.condition.as_ref())
}
