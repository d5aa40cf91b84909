//! Bounds on the size and depth of a statement.
//!
//! The planner, and dropping a syntax tree, recurse as deep as the statement's expressions are. What can deepen them is
//! counted before anything is parsed: nesting of brackets, and links of a chain (`a + b + …`, `x AND y …`, `q UNION r …`,
//! `v::t::t …`), each of which the parser turns into one more level. Lists (`IN (1, 2, …)`, columns, rows of VALUES) stay
//! flat and are bounded by the length of the text only. Sub-queries that a WITH names are copied at each use, so tables are
//! counted as often as they would be read.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{QueryError, syntax};

/// Bytes of a statement.
const MAX_BYTES: usize = 256 * 1024;
/// Levels of brackets.
const MAX_NESTING: usize = 40;
/// Links of all chains together.
const MAX_LINKS: usize = 2_000;
/// Parts of one dotted name.
const MAX_NAME_PARTS: usize = 8;
/// Tables read, those within named sub-queries counted at each use.
const MAX_RELATIONS: usize = 100;

/// Counts what deepens a statement in its tokens.
pub(crate) fn check_text(sql: &str, dialect: &dyn Dialect) -> Result<(), QueryError> {
    limit("bytes", sql.len(), MAX_BYTES)?;
    let tokens: Vec<TokenWithSpan> = Tokenizer::new(dialect, sql)
        .tokenize_with_location()
        .map_err(|error| syntax(&ParserError::TokenizerError(error.to_string())))?;
    let (mut depth, mut deepest, mut links, mut parts, mut longest_name, mut explains) = (0usize, 0usize, 0, 0, 0, 0);
    for token in &tokens {
        match &token.token {
            Token::LParen | Token::LBrace => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Token::LBracket => {
                depth += 1;
                deepest = deepest.max(depth);
                links += 1;
            }
            Token::RParen | Token::RBrace | Token::RBracket => depth = depth.saturating_sub(1),
            Token::Period => {
                parts += 1;
                longest_name = longest_name.max(parts + 1);
                continue;
            }
            Token::Word(word) => {
                links += usize::from(is_link(word.keyword));
                explains += usize::from(word.keyword == Keyword::EXPLAIN);
                if word.keyword == Keyword::NoKeyword || parts > 0 {
                    continue;
                }
            }
            token if is_flat(token) => {}
            _ => links += 1,
        }
        parts = 0;
    }
    limit("levels of nesting", deepest, MAX_NESTING)?;
    limit("operators", links, MAX_LINKS)?;
    limit("parts of one name", longest_name, MAX_NAME_PARTS)?;
    limit("EXPLAIN", explains, 2)
}

/// Tokens that neither nest nor chain.
fn is_flat(token: &Token) -> bool {
    matches!(
        token,
        Token::EOF
            | Token::Number(..)
            | Token::Char(_)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Comma
            | Token::Whitespace(_)
            | Token::SemiColon
            | Token::Placeholder(_)
    )
}

/// Keywords that add a link to a chain.
fn is_link(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::NOTNULL
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::SIMILAR
            | Keyword::BETWEEN
            | Keyword::IN
            | Keyword::DIV
            | Keyword::COLLATE
            | Keyword::AT
            | Keyword::OVERLAPS
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::MINUS
            | Keyword::JOIN
            | Keyword::MEMBER
    )
}

/// Counts the tables that a statement reads.
pub(crate) fn check_relations(statement: &Statement) -> Result<(), QueryError> {
    let mut count = Relations::default();
    let _: ControlFlow<()> = statement.visit(&mut count);
    limit("tables", count.outside.saturating_add(count.total()), MAX_RELATIONS)
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), QueryError> {
    if found > limit { Err(QueryError::TooComplex { what, found, limit }) } else { Ok(()) }
}

/// Adds up tables query by query; a name that a WITH defines counts for as many tables as its definition.
#[derive(Default)]
struct Relations {
    /// Tables in each query that is being visited, the outermost first.
    open: Vec<usize>,
    /// Tables in complete queries and outside of queries.
    outside: usize,
    /// Definitions of WITH clauses that are yet to be visited, by the address of their query.
    definitions: HashMap<usize, String>,
    /// Tables in each definition that was visited.
    sizes: HashMap<String, usize>,
}

impl Relations {
    fn total(&self) -> usize {
        self.open.iter().fold(0, |sum, tables| sum.saturating_add(*tables))
    }

    fn add(&mut self, tables: usize) {
        let open = self.open.last_mut().unwrap_or(&mut self.outside);
        *open = open.saturating_add(tables);
    }
}

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for definition in query.with.iter().flat_map(|with| &with.cte_tables) {
            let address = std::ptr::from_ref(definition.query.as_ref()).addr();
            self.definitions.insert(address, definition.alias.name.value.to_lowercase());
        }
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = self.open.pop().unwrap_or(0);
        match self.definitions.remove(&std::ptr::from_ref(query).addr()) {
            Some(name) => {
                let size = self.sizes.entry(name).or_insert(1);
                *size = (*size).max(tables);
            }
            None => self.add(tables),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let tables = self.sizes.get(&relation.to_string().replace('"', "").to_lowercase()).copied().unwrap_or(1);
        self.add(tables);
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn complex(sql: &str) -> bool {
        matches!(parse(sql), Err(QueryError::TooComplex { .. }))
    }

    #[test]
    fn deep_statements_are_refused_and_long_lists_are_not() {
        assert!(complex(&format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000))));
        assert!(complex(&format!("SELECT {}", vec!["1"; 20_000].join("+"))));
        assert!(complex(&format!("SELECT {}", vec!["a"; 20_000].join(" AND "))));
        assert!(complex(&format!("SELECT 1{}", "::int".repeat(20_000))));
        assert!(complex(&format!("SELECT a{}", "[1]".repeat(20_000))));
        assert!(complex(&format!("SELECT {}1", "NOT ".repeat(20_000))));
        assert!(complex(&format!("SELECT {}1", "- ".repeat(20_000))));
        assert!(complex(&vec!["SELECT 1"; 20_000].join(" UNION ")));
        assert!(complex(&format!("{}SELECT 1", "EXPLAIN ".repeat(10_000))));
        assert!(complex(&format!("SELECT a{}", ".b".repeat(10_000))));
        assert!(complex(&format!("SELECT '{}'", "x".repeat(300_000))));
        assert!(!complex(&format!("SELECT 1 IN ({})", vec!["1"; 20_000].join(","))));
        assert!(!complex(&format!("SELECT {}", vec!["t.time"; 5_000].join(","))));
        assert!(!complex(&format!("SELECT {}", vec!["a"; 900].join(" OR "))));
    }

    #[test]
    fn tables_of_named_sub_queries_count_at_each_use() {
        assert!(complex(&format!("SELECT 1 FROM {}", vec!["t"; 101].join(","))));
        assert!(!complex(&format!("SELECT 1 FROM {}", vec!["t"; 90].join(","))));
        let doubling: Vec<String> =
            (1..12).map(|n| format!("c{n} AS (SELECT a.x FROM c{} a, c{} b)", n - 1, n - 1)).collect();
        assert!(complex(&format!("WITH c0 AS (SELECT x FROM t), {} SELECT * FROM c11", doubling.join(","))));
        assert!(!complex("WITH a AS (SELECT x FROM t), b AS (SELECT x FROM a) SELECT * FROM a, b"));
    }
}
