//! What was refused lately, for whoever may read or write where it was sent.
//!
//! Limits: [`KEPT`] refusals of each organisation are kept, the newest of them; texts are cut at [`TEXT_CHARACTERS`].

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use sensorium_model::{Action, DatabaseKey, DatabaseName, OrgId, Principal};
use sensorium_protocols::{Refusals, Refused};

use crate::error::IngestError;

/// How many refusals of an organisation are kept.
pub const KEPT: usize = 1_000;
/// The longest message that is kept or sent: a name inside of it may be as long as the request.
pub const TEXT_CHARACTERS: usize = 500;

/// The newest refused readings of each organisation, in bounded memory; cheap to clone.
#[derive(Clone, Default)]
pub struct Rejections {
    orgs: Arc<Mutex<HashMap<OrgId, Ring>>>,
}

#[derive(Default)]
struct Ring {
    newest_last: VecDeque<Rejection>,
    /// Refusals since the server started, also those that are not kept any more.
    totals: HashMap<DatabaseName, u64>,
}

/// A refused reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// When it was refused, milliseconds since the epoch.
    pub time_ms: i64,
    /// Where it was sent.
    pub database: DatabaseName,
    /// As [`crate::Source::as_str`].
    pub source: &'static str,
    /// The address that sent it.
    pub peer: IpAddr,
    /// The line, item or frame of the request, from 1; 0 when the request as a whole was refused.
    pub line: u32,
    /// The kind, as a word.
    pub code: &'static str,
    /// What is wrong, as a sentence.
    pub error: String,
    /// The start of what was sent, if it is known.
    pub sample: String,
}

/// The newest refused readings, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionList {
    /// How many were refused since the server started.
    pub total: u64,
    /// Those of them that are kept, at most as many as were asked for.
    pub newest: Vec<Rejection>,
}

/// Where refused readings came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'o> {
    pub(crate) database: &'o DatabaseKey,
    pub(crate) source: &'static str,
    pub(crate) peer: IpAddr,
}

impl Rejections {
    /// Keeps the refused rows of one request.
    pub(crate) fn record(&self, origin: Origin<'_>, refusals: &Refusals) {
        let rows = refusals
            .first()
            .iter()
            .map(|Refused { line, error, sample }| (*line, error.kind().as_str(), error.to_string(), sample.clone()));
        self.add(origin, refusals.total(), rows);
    }

    /// Keeps the refusal of a request as a whole.
    pub(crate) fn record_request(&self, origin: Origin<'_>, error: &IngestError) {
        self.add(origin, 1, std::iter::once((0, error.kind().as_str(), error.to_string(), String::new())));
    }

    fn add(&self, origin: Origin<'_>, total: u64, rows: impl Iterator<Item = (u32, &'static str, String, String)>) {
        let time_ms = chrono::Utc::now().timestamp_millis();
        let name = &origin.database.name;
        let mut orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = orgs.entry(origin.database.org).or_default();
        *ring.totals.entry(name.clone()).or_default() += total;
        for (line, code, error, sample) in rows {
            if ring.newest_last.len() >= KEPT {
                ring.newest_last.pop_front();
            }
            let rejection = Rejection {
                time_ms,
                database: name.clone(),
                source: origin.source,
                peer: origin.peer,
                line,
                code,
                error: cut(&error),
                sample,
            };
            ring.newest_last.push_back(rejection);
        }
    }

    /// The newest refused readings that a principal may know of, at most `limit`; with `only`, those of one database.
    pub fn list(&self, principal: &Principal, only: Option<&DatabaseName>, limit: usize) -> RejectionList {
        // A device reads nothing, not even what was refused of others.
        let visible = |name: &DatabaseName| {
            principal.device.is_none()
                && only.is_none_or(|only| only == name)
                && (principal.allows(Action::Read(name)) || principal.allows(Action::Write(name)))
        };
        let orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ring) = orgs.get(&principal.org) else {
            return RejectionList { total: 0, newest: Vec::new() };
        };
        let newest_first = ring.newest_last.iter().rev().filter(|rejection| visible(&rejection.database));
        RejectionList {
            total: ring.totals.iter().filter(|(name, _)| visible(name)).map(|(_, total)| total).sum(),
            newest: newest_first.take(limit).cloned().collect(),
        }
    }
}

/// A text of bounded length.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use sensorium_model::{DatabaseScope, RowError};
    use uuid::Uuid;

    use super::*;

    fn key(org: u128, name: &str) -> DatabaseKey {
        DatabaseKey::new(OrgId::from_uuid(Uuid::from_u128(org)), DatabaseName::new(name).unwrap())
    }

    fn refuse(rejections: &Rejections, database: &DatabaseKey, rows: u32) {
        let mut refusals = Refusals::keep(100);
        for line in 1..=rows {
            refusals.push(line, RowError::DuplicateTag("x".repeat(10_000)), b"row");
        }
        let origin = Origin { database, source: "json", peer: Ipv4Addr::LOCALHOST.into() };
        rejections.record(origin, &refusals);
    }

    #[test]
    fn everything_is_bounded() {
        let rejections = Rejections::default();
        let main = key(1, "main");
        for _ in 0..30 {
            refuse(&rejections, &main, 200);
        }
        let list = rejections.list(&Principal::system(main.org), None, 5_000);
        assert_eq!((list.total, list.newest.len()), (6_000, KEPT));
        assert!(list.newest.iter().all(|r| r.error.chars().count() <= TEXT_CHARACTERS + 1));
        assert_eq!((list.newest[0].line, list.newest[0].sample.as_str()), (100, "row"));
    }

    #[test]
    fn nobody_sees_what_is_not_theirs() {
        let rejections = Rejections::default();
        refuse(&rejections, &key(1, "main"), 1);
        refuse(&rejections, &key(1, "other"), 2);
        refuse(&rejections, &key(2, "main"), 4);
        let owner = Principal::system(key(1, "main").org);
        assert_eq!(rejections.list(&owner, None, 10).total, 3);
        assert_eq!(rejections.list(&owner, Some(&key(1, "other").name), 10).newest.len(), 2);
        let scoped = Principal { databases: DatabaseScope::One(key(1, "main").name), ..owner };
        let list = rejections.list(&scoped, None, 10);
        assert_eq!((list.total, list.newest.len()), (1, 1));
        assert_eq!(rejections.list(&Principal::system(key(3, "x").org), None, 10).total, 0);
    }
}
