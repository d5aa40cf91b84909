//! What a statement asks: rows, or something about the connection that is acknowledged and does nothing.

use std::borrow::Cow;

use crate::failure::{Failure, code};
use crate::scan;

/// Words that are looked at.
const WORDS: usize = 8;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    /// Asks for rows.
    Query(String),
    Begin,
    Commit,
    Rollback,
    /// Done with nothing; the word that acknowledges it.
    Nothing(&'static str),
    /// Forgets a prepared statement, or all.
    Deallocate(Option<String>),
    /// Forgets everything of the connection.
    DiscardAll,
}

impl Statement {
    /// Reads a statement.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let words: Vec<String> = scan::words(text, WORDS).into_iter().map(str::to_uppercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(match words.as_slice() {
            ["BEGIN", ..] | ["START", "TRANSACTION", ..] => Self::Begin,
            ["COMMIT" | "END", "PREPARED", ..] | ["PREPARE", "TRANSACTION", ..] => {
                return Err(not_here("two-phase commit"));
            }
            ["COMMIT" | "END", ..] => Self::Commit,
            ["ROLLBACK" | "ABORT", rest @ ..] if !rest.contains(&"TO") => Self::Rollback,
            ["ROLLBACK", ..] => Self::Nothing("ROLLBACK"),
            ["SAVEPOINT", ..] => Self::Nothing("SAVEPOINT"),
            ["RELEASE", ..] => Self::Nothing("RELEASE"),
            ["SET", ..] => Self::Nothing("SET"),
            ["RESET", ..] => Self::Nothing("RESET"),
            ["UNLISTEN", ..] => Self::Nothing("UNLISTEN"),
            ["CLOSE", ..] => Self::Nothing("CLOSE CURSOR"),
            ["DISCARD", "ALL", ..] => Self::DiscardAll,
            ["DISCARD", ..] => Self::Nothing("DISCARD"),
            ["DEALLOCATE", "PREPARE", ..] => Self::Deallocate(prepared(text, 2)),
            ["DEALLOCATE", ..] => Self::Deallocate(prepared(text, 1)),
            ["DECLARE", ..] | ["FETCH" | "MOVE", ..] => {
                return Err(not_here("cursors in SQL; use a portal with a limit of rows (a client's fetch size)"));
            }
            ["PREPARE" | "EXECUTE", ..] => {
                return Err(not_here("prepared statements in SQL; use those of the protocol (parameters of a client)"));
            }
            ["LISTEN" | "NOTIFY", ..] => return Err(not_here("LISTEN and NOTIFY; follow live data over WebSocket")),
            ["COPY", rest @ ..] if rest.contains(&"STDOUT") => {
                return Err(not_here("COPY; ask with SELECT, or over HTTP for CSV, Parquet or Arrow"));
            }
            [
                "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" | "CREATE" | "DROP" | "ALTER" | "GRANT"
                | "REVOKE" | "COPY" | "COMMENT" | "VACUUM" | "ANALYZE" | "REINDEX" | "REFRESH" | "LOCK" | "CALL" | "DO"
                | "CLUSTER" | "SECURITY" | "REASSIGN" | "IMPORT" | "CHECKPOINT" | "LOAD",
                ..,
            ] => return Err(read_only(&words)),
            ["SHOW", rest @ ..] => Self::Query(show(rest).map_or_else(|| text.to_owned(), Cow::into_owned)),
            _ => Self::Query(text.to_owned()),
        })
    }

    /// Whether it is carried out while a block of statements waits for its end after a failure.
    pub(crate) fn ends_block(&self) -> bool {
        matches!(self, Self::Commit | Self::Rollback)
    }
}

/// The name behind so many words; none for all.
fn prepared(text: &str, behind: usize) -> Option<String> {
    let name = scan::words(text, WORDS).get(behind).copied().unwrap_or_default();
    let is_all = name.eq_ignore_ascii_case("all");
    (!is_all).then(|| match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(name) => name.replace("\"\"", "\""),
        None => name.to_lowercase(),
    })
}

/// A question for settings as one that the query engine knows; the other forms of SHOW are the engine's own.
fn show(words: &[&str]) -> Option<Cow<'static, str>> {
    let setting = match words {
        ["ALL"] => {
            let all = "SELECT name, setting, short_desc AS description FROM pg_catalog.pg_settings ORDER BY name";
            return Some(Cow::Borrowed(all));
        }
        ["TIME", "ZONE"] => "timezone".to_owned(),
        ["TRANSACTION", "ISOLATION", "LEVEL"] => "transaction_isolation".to_owned(),
        [one] => one.to_lowercase(),
        _ => return None,
    };
    let is_engines = ["tables", "databases", "schemas", "queries", "functions", "columns"].contains(&setting.as_str());
    let is_name = setting.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
    (is_name && !is_engines).then(|| Cow::Owned(format!("SELECT current_setting('{setting}') AS \"{setting}\"")))
}

fn not_here(what: &str) -> Failure {
    Failure::new(code::NOT_SUPPORTED, format!("There is no such thing here as {what}."))
}

fn read_only(words: &[&str]) -> Failure {
    let first = words.first().copied().unwrap_or_default();
    let instead = match first {
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" | "COPY" => {
            "Send readings over HTTP (/write) or MQTT, and delete them with DELETE /api/v1/databases."
        }
        "CREATE" | "DROP" | "ALTER" => "Tables and columns appear when readings are written.",
        _ => "There is nothing to do here that it does elsewhere.",
    };
    Failure::new(code::READ_ONLY, format!("{first} is refused: this connection only reads. {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send_around_questions_does_nothing() {
        for (text, statement) in [
            ("begin", Statement::Begin),
            ("START TRANSACTION READ ONLY", Statement::Begin),
            ("COMMIT;", Statement::Commit),
            ("rollback", Statement::Rollback),
            ("ROLLBACK TO SAVEPOINT a", Statement::Nothing("ROLLBACK")),
            ("SET extra_float_digits = 3", Statement::Nothing("SET")),
            ("DISCARD ALL", Statement::DiscardAll),
            ("DEALLOCATE ALL", Statement::Deallocate(None)),
            ("DEALLOCATE \"_pg3_0\"", Statement::Deallocate(Some("_pg3_0".to_owned()))),
        ] {
            assert_eq!(Statement::read(text), Ok(statement), "{text}");
        }
    }

    #[test]
    fn settings_are_asked_with_select() {
        let asked = |text| match Statement::read(text) {
            Ok(Statement::Query(sql)) => sql,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(asked("SHOW TimeZone"), "SELECT current_setting('timezone') AS \"timezone\"");
        assert_eq!(
            asked("SHOW TRANSACTION ISOLATION LEVEL"),
            "SELECT current_setting('transaction_isolation') AS \"transaction_isolation\""
        );
        assert_eq!(asked("SHOW TABLES"), "SHOW TABLES");
        assert_eq!(asked("SHOW QUERIES"), "SHOW QUERIES");
        assert_eq!(asked("SHOW COLUMNS FROM cpu"), "SHOW COLUMNS FROM cpu");
    }

    #[test]
    fn whatever_writes_is_refused_with_a_code_that_says_so() {
        for text in ["INSERT INTO cpu VALUES (1)", "drop table cpu", "-- x\nDELETE FROM cpu", "COPY cpu FROM STDIN"] {
            let refused = Statement::read(text).unwrap_err();
            assert_eq!(refused.code, code::READ_ONLY, "{text}");
            assert!(refused.message.contains("only reads"), "{}", refused.message);
        }
        assert_eq!(Statement::read("DECLARE c CURSOR FOR SELECT 1").unwrap_err().code, code::NOT_SUPPORTED);
    }
}
