//! Bounds on the length and depth of a statement, counted in its tokens before anything is parsed.
//!
//! Parsing, planning, running and dropping an expression recurse as deep as it is, and planning takes time that grows with the
//! cube of its depth. Two things deepen it: nesting of brackets, and links of a chain (`a + b + …`, `x AND y …`, `v::t::t …`),
//! each of which the parser turns into one more level. Lists (`IN (1, 2, …)`, columns, rows of VALUES) stay flat and are
//! bounded by the length of the text only.

use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::limit;
use crate::error::{QueryError, syntax};

/// Bytes of a statement.
const MAX_BYTES: usize = 256 * 1024;
/// Levels of brackets.
const MAX_NESTING: usize = 40;
/// Links of one chain, with those of the chains that it is nested in.
const MAX_CHAIN: usize = 250;
/// Queries joined by UNION and its like, and joins.
const MAX_QUERY_LINKS: usize = 200;
/// Concatenations (`||`) in a statement: each may double a text, and their memory is not counted.
const MAX_CONCATENATIONS: usize = 32;
/// Parts of one dotted name.
const MAX_NAME_PARTS: usize = 8;

/// The tokens of a statement, if what deepens it is within bounds.
pub(super) fn tokens(sql: &str, dialect: &dyn Dialect) -> Result<Vec<TokenWithSpan>, QueryError> {
    limit("bytes", sql.len(), MAX_BYTES)?;
    let tokens: Vec<TokenWithSpan> = Tokenizer::new(dialect, sql)
        .tokenize_with_location()
        .map_err(|error| syntax(&ParserError::TokenizerError(error.to_string())))?;
    let mut depth = Depth::default();
    for token in &tokens {
        depth.take(&token.token);
    }
    limit("levels of nesting", depth.deepest, MAX_NESTING)?;
    limit("operators in one expression", depth.longest_chain, MAX_CHAIN)?;
    limit("joins and unions", depth.query_links, MAX_QUERY_LINKS)?;
    limit("concatenations (||)", depth.concatenations, MAX_CONCATENATIONS)?;
    limit("parts of one name", depth.longest_name, MAX_NAME_PARTS)?;
    limit("EXPLAIN", depth.explains, 2)?;
    Ok(tokens)
}

/// The chain that is being read within one pair of brackets, by how tightly its links bind: a tighter chain ends at each
/// looser link.
#[derive(Default, Clone, Copy)]
struct Chain {
    or: usize,
    and: usize,
    tight: usize,
}

#[derive(Default)]
struct Depth {
    /// The chain outside of brackets.
    outermost: Chain,
    /// The chains within each open bracket.
    open: Vec<Chain>,
    /// Links of all open chains but the innermost.
    outer_links: usize,
    deepest: usize,
    longest_chain: usize,
    query_links: usize,
    name_parts: usize,
    longest_name: usize,
    explains: usize,
    concatenations: usize,
}

impl Chain {
    fn links(self) -> usize {
        self.or + self.and + self.tight
    }
}

impl Depth {
    fn take(&mut self, token: &Token) {
        match token {
            Token::Period => {
                self.name_parts += 1;
                self.longest_name = self.longest_name.max(self.name_parts + 1);
                return;
            }
            Token::Word(word) if word.keyword == Keyword::NoKeyword || self.name_parts > 0 => return,
            _ => self.name_parts = 0,
        }
        self.concatenations += usize::from(matches!(token, Token::StringConcat));
        match token {
            Token::LParen | Token::LBrace => self.enter(),
            Token::LBracket => {
                self.link(|chain| chain.tight += 1);
                self.enter();
            }
            Token::RParen | Token::RBrace | Token::RBracket => self.leave(),
            Token::Comma | Token::SemiColon => self.link(|chain| *chain = Chain::default()),
            Token::Word(word) => self.keyword(word.keyword),
            flat if is_flat(flat) => {}
            _ => self.link(|chain| chain.tight += 1),
        }
    }

    fn keyword(&mut self, keyword: Keyword) {
        match keyword {
            Keyword::OR | Keyword::XOR => self.link(|chain| *chain = Chain { or: chain.or + 1, ..Chain::default() }),
            Keyword::AND => self.link(|chain| *chain = Chain { and: chain.and + 1, tight: 0, ..*chain }),
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS | Keyword::JOIN => {
                self.query_links += 1;
                self.link(|chain| *chain = Chain::default());
            }
            Keyword::SELECT | Keyword::FROM | Keyword::WHERE | Keyword::GROUP | Keyword::HAVING | Keyword::ORDER => {
                self.link(|chain| *chain = Chain::default());
            }
            Keyword::EXPLAIN => self.explains += 1,
            tight if binds(tight) => self.link(|chain| chain.tight += 1),
            _ => {}
        }
    }

    fn link(&mut self, change: impl FnOnce(&mut Chain)) {
        let chain = self.open.last_mut().unwrap_or(&mut self.outermost);
        change(chain);
        self.longest_chain = self.longest_chain.max(self.outer_links + chain.links());
    }

    fn enter(&mut self) {
        self.outer_links += self.open.last().unwrap_or(&self.outermost).links();
        self.open.push(Chain::default());
        self.deepest = self.deepest.max(self.open.len());
    }

    fn leave(&mut self) {
        if self.open.pop().is_some() {
            self.outer_links -= self.open.last().unwrap_or(&self.outermost).links();
        }
    }
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
fn binds(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::NOT
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
            | Keyword::MEMBER
    )
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn complex(sql: &str) -> bool {
        matches!(parse(sql), Err(QueryError::TooComplex { .. }))
    }

    #[test]
    fn deep_statements_are_refused() {
        assert!(complex(&format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000))));
        assert!(complex(&format!("SELECT {}", vec!["1"; 20_000].join("+"))));
        assert!(complex(&format!("SELECT {}", vec!["a"; 20_000].join(" AND "))));
        assert!(complex(&format!("SELECT 1{}", "::int".repeat(20_000))));
        assert!(complex(&format!("SELECT a{}", "[1]".repeat(20_000))));
        assert!(complex(&format!("SELECT {}1", "NOT ".repeat(20_000))));
        assert!(complex(&format!("SELECT {}1", "- ".repeat(20_000))));
        assert!(complex(&vec!["SELECT 1"; 10_000].join(" UNION ")));
        assert!(complex(&format!("{}SELECT 1", "EXPLAIN ".repeat(10_000))));
        assert!(complex(&format!("SELECT a{}", ".b".repeat(10_000))));
        assert!(complex(&format!("SELECT '{}'", "x".repeat(300_000))));
        assert!(complex(&format!("SELECT 'x'{}", ", 'a' || 'b'".repeat(33))));
        assert!(!complex(&format!("SELECT 'x'{}", ", 'a' || 'b'".repeat(32))));
        let nested = format!("{}1{}", "(1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + ".repeat(39), ")".repeat(39));
        assert!(complex(&format!("SELECT {nested}")), "chains add up across brackets");
        assert!(parse(")))) + ((((").is_err(), "brackets that close first do not confuse the count");
    }

    #[test]
    fn long_statements_pass() {
        assert!(!complex(&format!("SELECT 1 IN ({})", vec!["1"; 20_000].join(","))));
        assert!(!complex(&format!("SELECT 1 IN ({})", vec!["-1"; 20_000].join(","))));
        assert!(!complex(&format!("SELECT {}", vec!["t.time"; 5_000].join(","))));
        assert!(!complex(&format!("SELECT {}", vec!["sum(a + b) / 2"; 2_000].join(","))));
        assert!(!complex(&format!("SELECT {}", vec!["a = 1"; 240].join(" OR "))));
        assert!(!complex(&format!("SELECT {}", vec!["(a = 1 AND b > 2)"; 240].join(" OR "))));
    }
}
