//! The record of changes: `GET /api/v1/audit`, a page as JSON or everything as CSV.

pub(crate) mod csv;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use sensorium_metadata::history::MAX_PAGE;
use sensorium_metadata::{AuditCursor, AuditEntry, AuditFilter};
use sensorium_protocols::time::parse_utc;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::users::page_size;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// `limit` of a page if it is not given.
const DEFAULT_LIMIT: u64 = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Who did it: an id, or a login or the name of a token as it was then.
    actor: Option<String>,
    /// What was done, such as `created`, `changed`, `deleted`, `revoked`, `signed_in`.
    action: Option<String>,
    /// The kind of thing that it was done to, such as `user`, `token`, `database`.
    target: Option<String>,
    /// The name of that thing.
    name: Option<String>,
    /// Not before this time, RFC 3339.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before this time, RFC 3339.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Stands somewhere in the entry; at most 100 characters.
    #[param(max_length = 100)]
    q: Option<String>,
    /// At most so many entries, 1 to 1,000; default 100. CSV has all.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
    /// What the page before gave as `next`.
    after: Option<String>,
    /// `json` (default) or `csv`.
    #[param(inline)]
    format: Option<AuditFormat>,
}

/// How to answer.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AuditFormat {
    Json,
    Csv,
}

/// Changes, the newest first.
#[derive(Debug, Serialize, ToSchema)]
struct AuditPage {
    entries: Vec<AuditItem>,
    /// `after` of the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// A change.
#[derive(Debug, Serialize, ToSchema)]
struct AuditItem {
    id: Uuid,
    /// RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// `user`, `token`, `system` or `anonymous`.
    actor_kind: String,
    #[schema(required)]
    actor_id: Option<Uuid>,
    /// The login or the name of the token, as it was then.
    #[schema(required)]
    actor: Option<String>,
    /// What was done.
    action: String,
    /// The kind of thing that it was done to.
    target: String,
    /// The name of that thing.
    name: String,
    /// How it was before, where that says something.
    before: Value,
    /// How it was afterwards, where that says something.
    after: Value,
}

impl From<AuditEntry> for AuditItem {
    fn from(entry: AuditEntry) -> Self {
        let json =
            |text: Option<String>| text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap_or_default());
        Self {
            id: entry.id,
            at: super::rfc3339(entry.at_ms),
            actor_kind: entry.actor_kind,
            actor_id: entry.actor_id,
            actor: entry.actor_name,
            action: entry.action,
            target: entry.subject,
            name: entry.name,
            before: json(entry.before),
            after: json(entry.after),
        }
    }
}

/// Read the record of changes
///
/// For administrators: who did what to which thing, and how it was before and after; never a secret. CSV has every entry that
/// the filters let through; texts that a spreadsheet would take for a formula begin with an apostrophe.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery), responses(
    (status = 200, description = "A page, or everything as CSV", content(
        (AuditPage = "application/json"), (String = "text/csv"),
    )),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn audit(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Query(query): extract::Query<AuditQuery>,
) -> ApiResult<Response> {
    let limit = page_size(query.limit, DEFAULT_LIMIT, MAX_PAGE)?;
    let after = query.after.as_deref().map(str::parse::<AuditCursor>).transpose()?;
    let filter = AuditFilter {
        actor: query.actor,
        action: query.action,
        target: query.target,
        name: query.name,
        from_ms: query.from.as_deref().map(time_ms).transpose()?,
        to_ms: query.to.as_deref().map(time_ms).transpose()?,
        text: query.q,
    };
    if let Some(AuditFormat::Csv) = query.format {
        return csv::all(state.metadata, principal, filter).await;
    }
    let entries = state.metadata.audit_page(&principal, &filter, after, limit).await?;
    let is_full = u64::try_from(entries.len()).is_ok_and(|count| count == limit);
    let next = entries.last().filter(|_| is_full).map(|last| AuditCursor::from(last).to_string());
    Ok(Json(AuditPage { entries: entries.into_iter().map(AuditItem::from).collect(), next }).into_response())
}

/// A time as RFC 3339 in milliseconds since the epoch.
pub(crate) fn time_ms(text: &str) -> ApiResult<i64> {
    let time_ns = parse_utc(text, None).map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(time_ns.div_euclid(1_000_000))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(audit))
}
