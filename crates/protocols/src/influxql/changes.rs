//! What statements say that change something.
//!
//! Durations are nanoseconds; 0 stands for `INF`.

use super::ast::{Expr, Measurement, Select};

/// `CREATE DATABASE name [WITH [DURATION …] [REPLICATION …] [SHARD DURATION …] [NAME …]]`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateDatabase {
    /// The database.
    pub name: String,
    /// `WITH`: what is said of its retention policy.
    pub policy: Option<NewPolicy>,
}

/// The retention policy that a database is made with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewPolicy {
    /// `DURATION`.
    pub duration_ns: Option<i64>,
    /// `REPLICATION`, from 1.
    pub replication: Option<u32>,
    /// `SHARD DURATION`.
    pub shard_duration_ns: Option<i64>,
    /// `NAME`.
    pub name: Option<String>,
}

/// `CREATE RETENTION POLICY name ON database DURATION … REPLICATION … [SHARD DURATION …] [DEFAULT]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRetentionPolicy {
    /// The policy.
    pub name: String,
    /// Its database.
    pub database: String,
    /// `DURATION`.
    pub duration_ns: i64,
    /// `REPLICATION`, from 1.
    pub replication: u32,
    /// `SHARD DURATION`.
    pub shard_duration_ns: Option<i64>,
    /// `DEFAULT`.
    pub is_default: bool,
}

/// `ALTER RETENTION POLICY name ON database …`; at least one thing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterRetentionPolicy {
    /// The policy.
    pub name: String,
    /// Its database.
    pub database: String,
    /// `DURATION`.
    pub duration_ns: Option<i64>,
    /// `REPLICATION`, from 1.
    pub replication: Option<u32>,
    /// `SHARD DURATION`.
    pub shard_duration_ns: Option<i64>,
    /// `DEFAULT`.
    pub is_default: bool,
}

/// `CREATE CONTINUOUS QUERY name ON database [RESAMPLE …] BEGIN SELECT … END`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateContinuousQuery {
    /// The continuous query.
    pub name: String,
    /// Its database.
    pub database: String,
    /// `RESAMPLE EVERY`.
    pub resample_every_ns: Option<i64>,
    /// `RESAMPLE FOR`.
    pub resample_for_ns: Option<i64>,
    /// What is run; it has a target, and with calls a `GROUP BY time(…)`.
    pub select: Select,
}

/// `GRANT … TO user` or `REVOKE … FROM user`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What may be done.
    pub privilege: Privilege,
    /// `ON`; without it, which needs [`Privilege::All`], the user administers everything.
    pub database: Option<String>,
    /// The user.
    pub user: String,
}

/// What may be done with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// `READ`
    Read,
    /// `WRITE`
    Write,
    /// `ALL PRIVILEGES`
    All,
}

/// `CREATE SUBSCRIPTION name ON database.policy DESTINATIONS ALL|ANY 'address', …`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSubscription {
    /// The subscription.
    pub name: String,
    /// Its database.
    pub database: String,
    /// Its retention policy.
    pub retention_policy: String,
    /// Whether every destination gets all (`ALL`), or one of them each (`ANY`).
    pub is_all: bool,
    /// The addresses.
    pub destinations: Vec<String>,
}

/// `[FROM …] [WHERE …]` of `DELETE` and `DROP SERIES`; at least one of them is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    /// `FROM`, without databases and retention policies; empty for all.
    pub sources: Vec<Measurement>,
    /// `WHERE`.
    pub condition: Option<Expr>,
}
