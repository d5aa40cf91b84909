//! The record of changes as CSV (RFC 4180), page by page, so that its length costs no memory.
//!
//! A text that a spreadsheet would take for a formula begins with an apostrophe: whoever can choose a name must not be able
//! to run something on the machine of whoever opens the file.

use axum::response::Response;
use sensorium_metadata::history::MAX_PAGE;
use sensorium_metadata::{AuditCursor, AuditEntry, AuditFilter, Metadata, MetadataError};
use sensorium_model::Principal;

use crate::error::ApiResult;
use crate::routes::export::{self, Pages};
use crate::routes::rfc3339;

const HEADER: &str = "at,actor_kind,actor_id,actor,action,target,name,before,after,id\r\n";

/// Where an export is.
struct Export {
    metadata: Metadata,
    who: Principal,
    filter: AuditFilter,
    next: Option<AuditCursor>,
}

impl Pages for Export {
    async fn page(&mut self) -> Result<(String, bool), MetadataError> {
        let entries = self.metadata.audit_page(&self.who, &self.filter, self.next, MAX_PAGE).await?;
        self.next = entries.last().map(AuditCursor::from);
        let is_full = u64::try_from(entries.len()).is_ok_and(|count| count == MAX_PAGE);
        Ok((entries.iter().map(line).collect(), is_full))
    }
}

/// Answers with every entry that the filter lets through.
pub(super) async fn all(metadata: Metadata, who: Principal, filter: AuditFilter) -> ApiResult<Response> {
    let pages = Export { metadata, who, filter, next: None };
    export::csv(pages, HEADER.to_owned(), "sensorium-audit.csv").await
}

fn line(entry: &AuditEntry) -> String {
    let id = |id: &Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let cells = [
        rfc3339(entry.at_ms),
        entry.actor_kind.clone(),
        id(&entry.actor_id),
        entry.actor_name.clone().unwrap_or_default(),
        entry.action.clone(),
        entry.subject.clone(),
        entry.name.clone(),
        entry.before.clone().unwrap_or_default(),
        entry.after.clone().unwrap_or_default(),
        entry.id.to_string(),
    ];
    cells.map(|text| cell(&text)).join(",") + "\r\n"
}

/// Whether a spreadsheet would take a text for a formula.
pub(crate) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

/// A text as a cell.
pub(crate) fn cell(text: &str) -> String {
    let defused = if is_formula(text) { format!("'{text}") } else { text.to_owned() };
    match defused.contains(['"', ',', '\r', '\n']) {
        true => format!("\"{}\"", defused.replace('"', "\"\"")),
        false => defused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3,x", "\"'-2+3,x\""),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("\tx", "'\tx"),
            ("a=b", "a=b"),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
