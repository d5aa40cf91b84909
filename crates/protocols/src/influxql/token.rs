//! The smallest parts of a statement.

use super::ast::BinaryOperator;

/// What kind of part it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A character that has no meaning, or a comment without an end.
    Illegal,
    /// The end of the text.
    End,
    /// Blanks and line breaks.
    Space,
    /// `-- …` or `/* … */`.
    Comment,
    /// A name.
    Identifier,
    /// `$name`, of which no value is known.
    Parameter,
    /// `1.5`
    Number,
    /// `15`
    Integer,
    /// `15m`
    Duration,
    /// `'…'`
    Text,
    /// A text without an end.
    BadText,
    /// A backslash and a character that it does not go with.
    BadEscape,
    /// `/…/`
    Regex,
    /// `true`
    True,
    /// `false`
    False,
    /// What stands between expressions; [`BinaryOperator::Multiply`] is also the wildcard.
    Operator(BinaryOperator),
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `::`
    DoubleColon,
    /// `;`
    Semicolon,
    /// `.`
    Dot,
    /// A word of the language.
    Word(Keyword),
}

impl Token {
    /// How an error calls it when it has no text of its own.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Illegal => "ILLEGAL",
            Self::End => "EOF",
            Self::Space => "WS",
            Self::Comment | Self::Parameter => "",
            Self::Identifier => "IDENT",
            Self::Number => "NUMBER",
            Self::Integer => "INTEGER",
            Self::Duration => "DURATIONVAL",
            Self::Text => "STRING",
            Self::BadText => "BADSTRING",
            Self::BadEscape => "BADESCAPE",
            Self::Regex => "REGEX",
            Self::True => "TRUE",
            Self::False => "FALSE",
            Self::Operator(operator) => operator.as_str(),
            Self::LeftParen => "(",
            Self::RightParen => ")",
            Self::Comma => ",",
            Self::Colon => ":",
            Self::DoubleColon => "::",
            Self::Semicolon => ";",
            Self::Dot => ".",
            Self::Word(word) => word.as_str(),
        }
    }

    /// What a word is; a name when the language has no such word.
    pub(super) fn of_word(word: &str) -> Self {
        match word {
            _ if word.eq_ignore_ascii_case("true") => Self::True,
            _ if word.eq_ignore_ascii_case("false") => Self::False,
            _ if word.eq_ignore_ascii_case("and") => Self::Operator(BinaryOperator::And),
            _ if word.eq_ignore_ascii_case("or") => Self::Operator(BinaryOperator::Or),
            _ => Keyword::of(word).map_or(Self::Identifier, Self::Word),
        }
    }
}

macro_rules! keywords {
    ($($name:ident = $text:literal,)*) => {
        /// A word of the language, which a name has to be quoted to be.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Keyword {
            $(#[doc = $text] $name,)*
        }

        impl Keyword {
            /// As errors write it.
            pub(super) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            fn of(word: &str) -> Option<Self> {
                [$(Self::$name,)*].into_iter().find(|keyword| word.eq_ignore_ascii_case(keyword.as_str()))
            }
        }
    };
}

keywords! {
    All = "ALL",
    Alter = "ALTER",
    Analyze = "ANALYZE",
    Any = "ANY",
    As = "AS",
    Asc = "ASC",
    Begin = "BEGIN",
    By = "BY",
    Cardinality = "CARDINALITY",
    Create = "CREATE",
    Continuous = "CONTINUOUS",
    Database = "DATABASE",
    Databases = "DATABASES",
    Default = "DEFAULT",
    Delete = "DELETE",
    Desc = "DESC",
    Destinations = "DESTINATIONS",
    Diagnostics = "DIAGNOSTICS",
    Distinct = "DISTINCT",
    Drop = "DROP",
    Duration = "DURATION",
    End = "END",
    Every = "EVERY",
    Exact = "EXACT",
    Explain = "EXPLAIN",
    Field = "FIELD",
    For = "FOR",
    From = "FROM",
    Grant = "GRANT",
    Grants = "GRANTS",
    Group = "GROUP",
    Groups = "GROUPS",
    In = "IN",
    Inf = "INF",
    Insert = "INSERT",
    Into = "INTO",
    Key = "KEY",
    Keys = "KEYS",
    Kill = "KILL",
    Limit = "LIMIT",
    Measurement = "MEASUREMENT",
    Measurements = "MEASUREMENTS",
    Name = "NAME",
    Offset = "OFFSET",
    On = "ON",
    Order = "ORDER",
    Password = "PASSWORD",
    Policy = "POLICY",
    Policies = "POLICIES",
    Privileges = "PRIVILEGES",
    Queries = "QUERIES",
    Query = "QUERY",
    Read = "READ",
    Replication = "REPLICATION",
    Resample = "RESAMPLE",
    Retention = "RETENTION",
    Revoke = "REVOKE",
    Select = "SELECT",
    Series = "SERIES",
    Set = "SET",
    Show = "SHOW",
    Shard = "SHARD",
    Shards = "SHARDS",
    Slimit = "SLIMIT",
    Soffset = "SOFFSET",
    Stats = "STATS",
    Subscription = "SUBSCRIPTION",
    Subscriptions = "SUBSCRIPTIONS",
    Tag = "TAG",
    To = "TO",
    User = "USER",
    Users = "USERS",
    Values = "VALUES",
    Where = "WHERE",
    With = "WITH",
    Write = "WRITE",
}
