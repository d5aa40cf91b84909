//! The parts of statements.
//!
//! Statements that change something are in [`super::changes`], those that show something in [`super::shows`].
//!
//! Regular expressions are texts here; whoever matches with them compiles them. Times and durations are nanoseconds.

use chrono_tz::Tz;

use super::changes::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription, Deletion,
    Grant,
};
use super::shows::{ShowCardinality, ShowMeasurements, ShowSchema, ShowTagValues};

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `SELECT …`
    Select(Box<Select>),
    /// `EXPLAIN [ANALYZE] SELECT …`
    Explain(Box<Explain>),
    /// `SHOW DATABASES`
    ShowDatabases,
    /// `SHOW MEASUREMENTS …`
    ShowMeasurements(Box<ShowMeasurements>),
    /// `SHOW SERIES …`
    ShowSeries(Box<ShowSchema>),
    /// `SHOW TAG KEYS …`
    ShowTagKeys(Box<ShowSchema>),
    /// `SHOW TAG VALUES …`
    ShowTagValues(Box<ShowTagValues>),
    /// `SHOW FIELD KEYS …`; it has no condition.
    ShowFieldKeys(Box<ShowSchema>),
    /// `SHOW … [EXACT] CARDINALITY …`
    ShowCardinality(Box<ShowCardinality>),
    /// `SHOW RETENTION POLICIES [ON database]`
    ShowRetentionPolicies {
        /// The database; that of the request without it.
        database: Option<String>,
    },
    /// `SHOW QUERIES`
    ShowQueries,
    /// `SHOW CONTINUOUS QUERIES`
    ShowContinuousQueries,
    /// `SHOW SHARDS`
    ShowShards,
    /// `SHOW SHARD GROUPS`
    ShowShardGroups,
    /// `SHOW STATS [FOR 'module']`
    ShowStats {
        /// The only module that is asked for.
        module: Option<String>,
    },
    /// `SHOW DIAGNOSTICS [FOR 'module']`
    ShowDiagnostics {
        /// The only module that is asked for.
        module: Option<String>,
    },
    /// `SHOW SUBSCRIPTIONS`
    ShowSubscriptions,
    /// `SHOW USERS`
    ShowUsers,
    /// `SHOW GRANTS FOR user`
    ShowGrants {
        /// Whose rights.
        user: String,
    },
    /// `CREATE DATABASE …`
    CreateDatabase(Box<CreateDatabase>),
    /// `DROP DATABASE name`
    DropDatabase {
        /// The database.
        name: String,
    },
    /// `CREATE RETENTION POLICY …`
    CreateRetentionPolicy(Box<CreateRetentionPolicy>),
    /// `ALTER RETENTION POLICY …`
    AlterRetentionPolicy(Box<AlterRetentionPolicy>),
    /// `DROP RETENTION POLICY name ON database`
    DropRetentionPolicy {
        /// The policy.
        name: String,
        /// Its database.
        database: String,
    },
    /// `CREATE CONTINUOUS QUERY …`
    CreateContinuousQuery(Box<CreateContinuousQuery>),
    /// `DROP CONTINUOUS QUERY name ON database`
    DropContinuousQuery {
        /// The continuous query.
        name: String,
        /// Its database.
        database: String,
    },
    /// `CREATE USER …`
    CreateUser {
        /// The user.
        name: String,
        /// The password.
        password: String,
        /// `WITH ALL PRIVILEGES`.
        is_admin: bool,
    },
    /// `DROP USER name`
    DropUser {
        /// The user.
        name: String,
    },
    /// `SET PASSWORD FOR user = 'password'`
    SetPassword {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// `GRANT … TO user`
    Grant(Grant),
    /// `REVOKE … FROM user`
    Revoke(Grant),
    /// `CREATE SUBSCRIPTION …`
    CreateSubscription(Box<CreateSubscription>),
    /// `DROP SUBSCRIPTION name ON database.policy`
    DropSubscription {
        /// The subscription.
        name: String,
        /// Its database.
        database: String,
        /// Its retention policy.
        retention_policy: String,
    },
    /// `DROP MEASUREMENT name`
    DropMeasurement {
        /// The measurement.
        name: String,
    },
    /// `DROP SERIES …`: the readings and what is known of the series.
    DropSeries(Box<Deletion>),
    /// `DELETE …`: the readings.
    Delete(Box<Deletion>),
    /// `DROP SHARD number`
    DropShard {
        /// The shard.
        id: u64,
    },
    /// `KILL QUERY number [ON host]`
    KillQuery {
        /// The query.
        id: u64,
        /// The host that runs it.
        host: Option<String>,
    },
}

impl Statement {
    /// Whether it may change something, so that `GET` is no request for it.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Select(select) => select.target.is_some(),
            Self::Explain(_)
            | Self::ShowDatabases
            | Self::ShowMeasurements(_)
            | Self::ShowSeries(_)
            | Self::ShowTagKeys(_)
            | Self::ShowTagValues(_)
            | Self::ShowFieldKeys(_)
            | Self::ShowCardinality(_)
            | Self::ShowRetentionPolicies { .. }
            | Self::ShowQueries
            | Self::ShowContinuousQueries
            | Self::ShowShards
            | Self::ShowShardGroups
            | Self::ShowStats { .. }
            | Self::ShowDiagnostics { .. }
            | Self::ShowSubscriptions
            | Self::ShowUsers
            | Self::ShowGrants { .. } => false,
            _ => true,
        }
    }
}

/// `EXPLAIN [ANALYZE] SELECT …`
#[derive(Debug, Clone, PartialEq)]
pub struct Explain {
    /// What is explained.
    pub select: Select,
    /// Whether it is run as well.
    pub analyze: bool,
}

/// `SELECT … FROM …`
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// The columns.
    pub fields: Vec<Field>,
    /// `INTO`: where the rows are written.
    pub target: Option<Measurement>,
    /// `FROM`.
    pub sources: Vec<Source>,
    /// `WHERE`.
    pub condition: Option<Expr>,
    /// `GROUP BY`.
    pub dimensions: Vec<Dimension>,
    /// `fill(…)`.
    pub fill: Fill,
    /// `ORDER BY time`: whether oldest first; `None` when nothing is said, which means the same.
    pub ascending: Option<bool>,
    /// `LIMIT`; 0 for none.
    pub limit: usize,
    /// `OFFSET`.
    pub offset: usize,
    /// `SLIMIT`; 0 for none.
    pub series_limit: usize,
    /// `SOFFSET`.
    pub series_offset: usize,
    /// `tz('…')`.
    pub zone: Option<Tz>,
}

/// A column of a `SELECT`.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it holds.
    pub expr: Expr,
    /// `AS`.
    pub alias: Option<String>,
}

/// A part of `FROM`.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Measurements.
    Measurement(Measurement),
    /// A sub-query.
    SubQuery(Box<Select>),
}

/// `"db"."rp"."name"`, with what is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The database.
    pub database: Option<String>,
    /// The retention policy.
    pub retention_policy: Option<String>,
    /// The name.
    pub name: MeasurementName,
}

/// One measurement, or many.
#[derive(Debug, Clone, PartialEq)]
pub enum MeasurementName {
    /// Its name.
    Name(String),
    /// A regular expression that names match.
    Regex(String),
    /// `:MEASUREMENT`, which stands for the name of what is read; in `INTO` only.
    Same,
}

/// A part of `GROUP BY`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// `time(…)`, a tag, `*` or a regular expression.
    pub expr: Expr,
}

/// `fill(…)`.
#[derive(Debug, Clone, PartialEq)]
pub enum Fill {
    /// `fill(null)`, also when nothing is said.
    Null,
    /// `fill(none)`
    None,
    /// `fill(previous)`
    Previous,
    /// `fill(linear)`
    Linear,
    /// A number.
    Float(f64),
    /// A whole number.
    Integer(i64),
}

/// A name and perhaps its type.
#[derive(Debug, Clone, PartialEq)]
pub struct VarRef {
    /// The name.
    pub name: String,
    /// `::type`.
    pub data_type: Option<DataType>,
}

/// What stands behind `::`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// `float`
    Float,
    /// `integer`
    Integer,
    /// `unsigned`
    Unsigned,
    /// `string`
    String,
    /// `boolean`
    Boolean,
    /// `field`, of whatever type.
    AnyField,
    /// `tag`
    Tag,
}

/// `*`, `*::field` or `*::tag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcard {
    /// Fields and tags.
    All,
    /// Fields.
    Fields,
    /// Tags.
    Tags,
}

/// A function and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// In lower case.
    pub name: String,
    /// The arguments.
    pub args: Vec<Expr>,
}

/// Two expressions and what stands between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOperator,
    /// What stands before it.
    pub left: Expr,
    /// What stands behind it.
    pub right: Expr,
}

/// What stands between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `AND`
    And,
    /// `OR`
    Or,
    /// `=`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A field, a tag or `time`.
    VarRef(VarRef),
    /// A function.
    Call(Call),
    /// `DISTINCT name`
    Distinct(String),
    /// Two expressions.
    Binary(Box<Binary>),
    /// In parentheses.
    Paren(Box<Expr>),
    /// `*`
    Wildcard(Wildcard),
    /// `/…/`
    Regex(String),
    /// `1.5`
    Number(f64),
    /// `15`
    Integer(i64),
    /// Whole numbers above those.
    Unsigned(u64),
    /// `'…'`
    String(String),
    /// `true`, `false`
    Boolean(bool),
    /// `5m`, in nanoseconds.
    Duration(i64),
}

impl Expr {
    /// Whether it is written out.
    pub fn is_literal(&self) -> bool {
        matches!(
            self,
            Self::Regex(_)
                | Self::Number(_)
                | Self::Integer(_)
                | Self::Unsigned(_)
                | Self::String(_)
                | Self::Boolean(_)
                | Self::Duration(_)
        )
    }

    /// Visits this expression and all within it.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Call(call) => call.args.iter().for_each(|arg| arg.walk(visit)),
            Self::Binary(binary) => {
                binary.left.walk(visit);
                binary.right.walk(visit);
            }
            Self::Paren(inner) => inner.walk(visit),
            _ => (),
        }
    }
}
