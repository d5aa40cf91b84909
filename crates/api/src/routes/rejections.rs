//! What was refused lately: `GET /api/v1/rejections`.
//!
//! Limits: [`KEPT`] refusals of each organisation are kept, the newest of them; texts are cut at [`TEXT_CHARACTERS`].

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use sensorium_model::{Action, DatabaseKey, DatabaseName, OrgId, Principal};
use sensorium_protocols::{Refusals, Refused};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// How many refusals of an organisation are kept.
const KEPT: usize = 1_000;
/// `limit` if it is not given.
const DEFAULT_LIMIT: usize = 100;
/// The longest message that is kept or sent: a name inside of it may be as long as the request.
pub(crate) const TEXT_CHARACTERS: usize = 500;

/// The newest refused readings of each organisation, in bounded memory; cheap to clone.
#[derive(Clone, Default)]
pub struct Rejections {
    orgs: Arc<Mutex<HashMap<OrgId, Ring>>>,
}

#[derive(Default)]
struct Ring {
    newest_last: VecDeque<(DatabaseName, Rejection)>,
    /// Refusals since the server started, also those that are not kept any more.
    totals: HashMap<DatabaseName, u64>,
}

/// A refused reading.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct Rejection {
    /// When it was refused, milliseconds since the epoch.
    time_ms: i64,
    database: String,
    /// `line_protocol`, `json` or `detections`.
    source: &'static str,
    /// The address that sent it.
    peer: String,
    /// The line, item or frame of the request, from 1; 0 when the request as a whole was refused.
    line: u32,
    /// As in every error: `invalid`, `conflict`, `too_large` …
    code: &'static str,
    /// What is wrong, as a sentence.
    error: String,
    /// The start of what was sent, if it is known.
    sample: String,
}

/// The newest refused readings, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct RejectionList {
    /// How many were refused since the server started.
    total: u64,
    rejections: Vec<Rejection>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RejectionQuery {
    /// At most so many, 1 to 1,000; default 100.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<usize>,
    /// Only those of one database.
    database: Option<String>,
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
    pub(crate) fn record_request(&self, origin: Origin<'_>, error: &ApiError) {
        self.add(origin, 1, std::iter::once((0, error.kind().as_str(), error.message().to_owned(), String::new())));
    }

    fn add(&self, origin: Origin<'_>, total: u64, rows: impl Iterator<Item = (u32, &'static str, String, String)>) {
        let time_ms = chrono::Utc::now().timestamp_millis();
        let name = &origin.database.name;
        let peer = origin.peer.to_string();
        let mut orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = orgs.entry(origin.database.org).or_default();
        *ring.totals.entry(name.clone()).or_default() += total;
        for (line, code, error, sample) in rows {
            if ring.newest_last.len() >= KEPT {
                ring.newest_last.pop_front();
            }
            let rejection = Rejection {
                time_ms,
                database: name.to_string(),
                source: origin.source,
                peer: peer.clone(),
                line,
                code,
                error: cut(&error),
                sample,
            };
            ring.newest_last.push_back((name.clone(), rejection));
        }
    }

    fn list(&self, principal: &Principal, only: Option<&DatabaseName>, limit: usize) -> RejectionList {
        // A device reads nothing, not even what was refused of others.
        let visible = |name: &DatabaseName| {
            principal.device.is_none()
                && only.is_none_or(|only| only == name)
                && (principal.allows(Action::Read(name)) || principal.allows(Action::Write(name)))
        };
        let orgs = self.orgs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ring) = orgs.get(&principal.org) else {
            return RejectionList { total: 0, rejections: Vec::new() };
        };
        let newest_first = ring.newest_last.iter().rev().filter(|(name, _)| visible(name));
        RejectionList {
            total: ring.totals.iter().filter(|(name, _)| visible(name)).map(|(_, total)| total).sum(),
            rejections: newest_first.take(limit).map(|(_, rejection)| rejection.clone()).collect(),
        }
    }
}

/// A text of bounded length.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// List refused readings
///
/// The newest ones, in memory: a restart forgets them.
#[utoipa::path(get, path = "/api/v1/rejections", tag = "ingest", params(RejectionQuery), responses(
    (status = 200, body = RejectionList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Not for guests"),
))]
async fn rejections(
    State(state): State<AppState>,
    caller: Caller,
    extract::Query(query): extract::Query<RejectionQuery>,
) -> ApiResult<Json<RejectionList>> {
    caller.may_look_around()?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=KEPT).contains(&limit) {
        return Err(ApiError::invalid(format!("limit is {limit}; give 1 to {KEPT}")));
    }
    let only = query.database.as_deref().map(DatabaseName::new).transpose()?;
    Ok(Json(state.rejections.list(&caller.0, only.as_ref(), limit)))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(rejections))
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
        assert_eq!((list.total, list.rejections.len()), (6_000, KEPT));
        assert!(list.rejections.iter().all(|r| r.error.chars().count() <= TEXT_CHARACTERS + 1));
        assert_eq!((list.rejections[0].line, list.rejections[0].sample.as_str()), (100, "row"));
    }

    #[test]
    fn nobody_sees_what_is_not_theirs() {
        let rejections = Rejections::default();
        refuse(&rejections, &key(1, "main"), 1);
        refuse(&rejections, &key(1, "other"), 2);
        refuse(&rejections, &key(2, "main"), 4);
        let owner = Principal::system(key(1, "main").org);
        assert_eq!(rejections.list(&owner, None, 10).total, 3);
        assert_eq!(rejections.list(&owner, Some(&key(1, "other").name), 10).rejections.len(), 2);
        let scoped = Principal { databases: DatabaseScope::One(key(1, "main").name), ..owner };
        let list = rejections.list(&scoped, None, 10);
        assert_eq!((list.total, list.rejections.len()), (1, 1));
        assert_eq!(rejections.list(&Principal::system(key(3, "x").org), None, 10).total, 0);
    }
}
