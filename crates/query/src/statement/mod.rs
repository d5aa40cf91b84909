//! From text to one statement that only reads.
//!
//! Invariants of what [`parse`] returns: it is one statement; it, and every statement within it, is a query, an EXPLAIN of a
//! query, or one of the SHOW and DESCRIBE forms; its depth is bounded, so that the recursive parts of the planner and of
//! execution stay within the stack of their thread.

mod complexity;
mod expansion;
mod managing;

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, ExplainStatement, Statement as Parsed};
use datafusion::sql::sqlparser::ast::{Select, Statement, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;

use crate::error::QueryError;
pub use managing::Managing;

/// How deep parentheses, sub-queries and calls may be nested; the parser counts several levels for one parenthesis.
const RECURSION_LIMIT: usize = 128;

const INSTEAD_OF_WRITING: &str = "Send readings to /write or /api/v1/readings.";
const INSTEAD_OF_SHAPING: &str = "Tables and columns appear when readings are written.";
const INSTEAD_OF_FILES: &str = "Ask for the answer as CSV, Parquet or Arrow, and store it yourself.";
const INSTEAD_OF_SETTINGS: &str = "Limits are set in the server's configuration.";
const INSTEAD_OF_OTHERS: &str =
    "Use SELECT, EXPLAIN, DESCRIBE, SHOW DATABASES, SHOW TABLES or SHOW COLUMNS FROM a table.";

/// Reads the text of one statement and refuses whatever does not only read.
pub(crate) fn parse(sql: &str) -> Result<Parsed, QueryError> {
    let dialect = GenericDialect {};
    let tokens = complexity::tokens(sql, &dialect)?;
    let mut statements = DFParserBuilder::new(tokens)
        .with_dialect(&dialect)
        .with_recursion_limit(RECURSION_LIMIT)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| QueryError::from_datafusion(error, 0))?;
    let found = statements.len();
    let (Some(statement), 1) = (statements.pop_front(), found) else {
        return Err(QueryError::OneStatement { found });
    };
    let statement = databases_as_query(statement)?;
    check(&statement)?;
    Ok(statement)
}

/// SHOW DATABASES and SHOW SCHEMAS, which the planner does not know, as a query.
fn databases_as_query(statement: Parsed) -> Result<Parsed, QueryError> {
    const DATABASES: &str = "SELECT schema_name AS database_name FROM information_schema.schemata \
        WHERE schema_name <> 'information_schema' ORDER BY schema_name";
    match statement {
        Parsed::Statement(inner)
            if matches!(*inner, Statement::ShowDatabases { .. } | Statement::ShowSchemas { .. }) =>
        {
            parse(DATABASES)
        }
        other => Ok(other),
    }
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), QueryError> {
    if found > limit { Err(QueryError::TooComplex { what, found, limit }) } else { Ok(()) }
}

fn check(statement: &Parsed) -> Result<(), QueryError> {
    match statement {
        Parsed::Statement(inner) => {
            if let ControlFlow::Break(refused) = inner.visit(&mut ReadOnly) {
                return Err(refused);
            }
            expansion::check(inner.as_ref())
        }
        Parsed::Explain(ExplainStatement { statement, .. }) => match statement.as_ref() {
            Parsed::Statement(inner) if matches!(**inner, Statement::Query(_)) => check(statement),
            Parsed::CreateExternalTable(_) | Parsed::CopyTo(_) | Parsed::Reset(_) => check(statement),
            Parsed::Statement(inner) => Err(refusal(inner)),
            Parsed::Explain(_) => {
                Err(QueryError::ReadOnly { statement: "EXPLAIN of EXPLAIN".into(), instead: INSTEAD_OF_OTHERS })
            }
        },
        Parsed::CreateExternalTable(_) => {
            Err(QueryError::ReadOnly { statement: "CREATE EXTERNAL TABLE".into(), instead: INSTEAD_OF_SHAPING })
        }
        Parsed::CopyTo(_) => Err(QueryError::ReadOnly { statement: "COPY".into(), instead: INSTEAD_OF_FILES }),
        Parsed::Reset(_) => Err(QueryError::ReadOnly { statement: "RESET".into(), instead: INSTEAD_OF_SETTINGS }),
    }
}

/// Refuses every statement that is not on the list, also those inside of a query.
struct ReadOnly;

impl Visitor for ReadOnly {
    type Break = QueryError;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<QueryError> {
        let reads = matches!(
            statement,
            Statement::Query(_)
                | Statement::Explain { .. }
                | Statement::ExplainTable { .. }
                | Statement::ShowTables { .. }
                | Statement::ShowColumns { .. }
                | Statement::ShowFunctions { .. }
        );
        if reads { ControlFlow::Continue(()) } else { ControlFlow::Break(refusal(statement)) }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
        if select.into.is_some() {
            let statement = "SELECT INTO".to_owned();
            return ControlFlow::Break(QueryError::ReadOnly { statement, instead: INSTEAD_OF_SHAPING });
        }
        ControlFlow::Continue(())
    }
}

/// Names a refused statement by its first words and says what to do instead.
fn refusal(statement: &Statement) -> QueryError {
    let text = statement.to_string();
    let mut words = text.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_uppercase()));
    let (first, second) = (words.next().unwrap_or("This statement"), words.next());
    let instead = match first {
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" => INSTEAD_OF_WRITING,
        "CREATE" | "DROP" | "ALTER" => INSTEAD_OF_SHAPING,
        "COPY" | "EXPORT" | "UNLOAD" | "LOAD" => INSTEAD_OF_FILES,
        "SET" | "RESET" | "PRAGMA" => INSTEAD_OF_SETTINGS,
        _ => INSTEAD_OF_OTHERS,
    };
    let statement = match (first, second) {
        ("CREATE" | "DROP" | "ALTER" | "SHOW", Some(second)) => format!("{first} {second}"),
        _ => first.to_owned(),
    };
    QueryError::ReadOnly { statement, instead }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_statements_pass() {
        for reads in [
            "SELECT 1",
            "SELECT 1;",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "VALUES (1), (2)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "SHOW TABLES",
            "SHOW COLUMNS FROM cpu",
            "SHOW DATABASES",
            "SHOW SCHEMAS",
            "DESCRIBE cpu",
        ] {
            assert!(parse(reads).is_ok(), "{reads}: {:?}", parse(reads));
        }
        for writes in [
            "CREATE TABLE t (a INT)",
            "CREATE VIEW v AS SELECT 1",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE DATABASE d",
            "DROP TABLE cpu",
            "INSERT INTO cpu VALUES (1)",
            "UPDATE cpu SET a = 1",
            "DELETE FROM cpu",
            "TRUNCATE TABLE cpu",
            "COPY cpu TO '/tmp/x.csv'",
            "COPY (SELECT 1) TO 'x.parquet'",
            "SET datafusion.execution.batch_size = 1",
            "RESET datafusion.execution.batch_size",
            "SHOW ALL",
            "EXPLAIN INSERT INTO cpu VALUES (1)",
            "EXPLAIN COPY cpu TO 'x.csv'",
            "EXPLAIN EXPLAIN SELECT 1",
            "SELECT 1 INTO t",
            "WITH a AS (INSERT INTO cpu VALUES (1)) SELECT * FROM a",
            "PREPARE p AS SELECT 1",
            "START TRANSACTION",
        ] {
            let refused = parse(writes).expect_err(writes);
            assert!(
                matches!(refused, QueryError::ReadOnly { .. } | QueryError::Syntax { .. }),
                "{writes}: {refused:?}"
            );
        }
        let refused = parse("DROP TABLE cpu").unwrap_err().to_string();
        assert!(refused.starts_with("DROP TABLE is refused: queries only read."), "{refused}");
    }

    #[test]
    fn one_statement_exactly() {
        assert!(matches!(parse(""), Err(QueryError::OneStatement { found: 0 })));
        assert!(matches!(parse("-- nothing"), Err(QueryError::OneStatement { found: 0 })));
        assert!(matches!(parse("SELECT 1; SELECT 2"), Err(QueryError::OneStatement { found: 2 })));
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = parse("SELECT 1\nFRM t").unwrap_err();
        assert_eq!(error.position().map(|place| place.line), Some(2), "{error:?}");
    }
}
