//! The parts of statements.
//!
//! Regular expressions are texts here; whoever matches with them compiles them. Times and durations are nanoseconds.

use chrono_tz::Tz;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `SELECT …`
    Select(Box<Select>),
    /// `EXPLAIN [ANALYZE] SELECT …`
    Explain(Box<Explain>),
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
