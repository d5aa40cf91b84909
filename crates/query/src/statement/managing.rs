//! `SHOW QUERIES` and `KILL 'id'`, which the parser of SQL does not know.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::registry::QueryId;

/// Bytes of the longest text that is looked at.
const MAX_BYTES: usize = 1_024;

/// A statement about the queries that run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Managing {
    /// `SHOW QUERIES`: lists them.
    Show,
    /// `KILL 'id'` or `KILL QUERY 'id'`: ends one. The id is absent when the text is none, so that no query has it.
    Kill(Option<QueryId>),
}

impl Managing {
    /// The statement, if it is one about queries.
    pub fn read(sql: &str) -> Option<Self> {
        // Most statements are others, and to read words is cheaper than to read tokens.
        let mentions =
            |word: &str| sql.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        if sql.len() > MAX_BYTES || !(mentions("QUERIES") || mentions("KILL")) {
            return None;
        }
        let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().ok()?;
        let mut tokens: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
        if matches!(tokens.last(), Some(Token::SemiColon)) {
            tokens.pop();
        }
        match tokens.as_slice() {
            [show, queries] if is(show, "SHOW") && is(queries, "QUERIES") => Some(Self::Show),
            [kill, Token::SingleQuotedString(id)] if is(kill, "KILL") => Some(Self::Kill(id.trim().parse().ok())),
            [kill, query, Token::SingleQuotedString(id)] if is(kill, "KILL") && is(query, "QUERY") => {
                Some(Self::Kill(id.trim().parse().ok()))
            }
            _ => None,
        }
    }
}

fn is(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_whole_statements_count() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        let kill = Some(Managing::Kill(Some(QueryId::from_uuid(Uuid::parse_str(id).unwrap()))));
        for show in ["SHOW QUERIES", "show queries;", " -- all\nShow Queries ; "] {
            assert_eq!(Managing::read(show), Some(Managing::Show), "{show}");
        }
        assert_eq!(Managing::read(&format!("KILL '{id}'")), kill);
        assert_eq!(Managing::read(&format!("kill query ' {id} ';")), kill);
        assert_eq!(Managing::read("KILL 'x'"), Some(Managing::Kill(None)));
        for other in ["SHOW TABLES", "SHOW QUERIES FROM x", "SELECT 'KILL'", "KILL 7", "KILL", "\"SHOW\" QUERIES", "'"]
        {
            assert_eq!(Managing::read(other), None, "{other}");
        }
        assert_eq!(Managing::read(&format!("SHOW QUERIES {}", " ".repeat(MAX_BYTES))), None);
    }
}
