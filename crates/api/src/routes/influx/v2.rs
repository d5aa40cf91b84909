//! What client libraries of InfluxDB 2 ask beside writing: buckets, which are databases, the one organisation of the caller, and
//! whether the server is set up and ready. Flux is not spoken.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sensorium_model::{Action, DatabaseKey, DatabaseName, OrgId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::permission::looks;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::{databases, keeping};
use crate::state::AppState;

/// An error as version 2 has it.
#[derive(Debug, Serialize, ToSchema)]
struct VersionTwoFailure {
    code: &'static str,
    message: &'static str,
}

/// The databases of the caller.
#[derive(Debug, Serialize, ToSchema)]
struct BucketList {
    buckets: Vec<Bucket>,
}

/// A database.
#[derive(Debug, Serialize, ToSchema)]
struct Bucket {
    /// 16 hexadecimal digits, made from the name.
    id: String,
    #[serde(rename = "orgID")]
    org_id: String,
    /// `user`.
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    #[serde(rename = "retentionRules")]
    retention_rules: Vec<RetentionRule>,
}

/// For how long readings are kept; for ever without a rule.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct RetentionRule {
    /// `expire`.
    #[serde(rename = "type", default = "expire")]
    kind: String,
    /// 0 is for ever.
    #[serde(rename = "everySeconds")]
    every_seconds: u64,
}

fn expire() -> String {
    "expire".to_owned()
}

/// A database to make.
#[derive(Deserialize, ToSchema)]
struct BucketRequest {
    name: String,
    /// For administrators.
    #[serde(rename = "retentionRules", default)]
    retention_rules: Vec<RetentionRule>,
}

/// Which buckets.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BucketsQuery {
    /// The one of this name.
    name: Option<String>,
    /// The one of this id.
    id: Option<String>,
}

/// The organisation of the caller.
#[derive(Debug, Serialize, ToSchema)]
struct OrgList {
    orgs: Vec<Org>,
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
struct Org {
    /// 16 hexadecimal digits.
    id: String,
    name: String,
}

/// Whether set-up is possible.
#[derive(Debug, Serialize, ToSchema)]
struct SetupAllowed {
    /// Always false: the page does it, with the code that the server printed.
    allowed: bool,
}

/// The server answers.
#[derive(Debug, Serialize, ToSchema)]
struct VersionTwoReady {
    /// `ready`.
    status: &'static str,
}

/// List databases as buckets (InfluxDB 2)
#[utoipa::path(get, path = "/api/v2/buckets", tag = "databases", params(BucketsQuery), responses(
    (status = 200, body = BucketList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn buckets(
    State(state): State<AppState>,
    caller: Caller,
    extract::Query(query): extract::Query<BucketsQuery>,
) -> ApiResult<Json<BucketList>> {
    look_around(&caller)?;
    let principal = &caller.0;
    let visible = |name: &DatabaseName| principal.allows(Action::Read(name)) || principal.allows(Action::Write(name));
    let wanted = |bucket: &Bucket| {
        query.name.as_ref().is_none_or(|name| *name == bucket.name)
            && query.id.as_ref().is_none_or(|id| *id == bucket.id)
    };
    let names = state.store.databases(principal.org).into_iter().filter(visible);
    let buckets = names.map(|name| bucket(&state, principal.org, name)).filter(wanted).collect();
    Ok(Json(BucketList { buckets }))
}

/// Create a database as a bucket (InfluxDB 2)
///
/// Creating one that exists is no error. A retention is for administrators.
#[utoipa::path(post, path = "/api/v2/buckets", tag = "databases", request_body = BucketRequest, responses(
    (status = 201, body = Bucket), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 507, body = ErrorBody),
))]
async fn create_bucket(
    State(state): State<AppState>,
    caller: Caller,
    extract::Json(request): extract::Json<BucketRequest>,
) -> ApiResult<(StatusCode, Json<Bucket>)> {
    let name = DatabaseName::new(&request.name)?;
    let seconds = request.retention_rules.first().map(|rule| rule.every_seconds).filter(|seconds| *seconds > 0);
    if seconds.is_some() {
        caller.require(Action::ManageDatabase(&name), "a retention needs an administrator of the organisation")?;
    }
    let created = databases::create(&state, &caller, &name).await?;
    if let (true, Some(seconds)) = (created, seconds) {
        let key = DatabaseKey::new(caller.0.org, name.clone());
        keeping::set(&state, &caller, key, None, Some(seconds)).await?;
    }
    Ok((StatusCode::CREATED, Json(bucket(&state, caller.0.org, name))))
}

/// Say which organisation the caller belongs to (InfluxDB 2)
#[utoipa::path(get, path = "/api/v2/orgs", tag = "databases", responses(
    (status = 200, body = OrgList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
))]
async fn orgs(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<OrgList>> {
    look_around(&caller)?;
    let account = state.metadata.account(&caller.0).await?;
    Ok(Json(OrgList { orgs: vec![Org { id: org_id(account.org), name: account.organisation }] }))
}

/// Say that set-up is not done here (InfluxDB 2)
#[utoipa::path(get, path = "/api/v2/setup", tag = "set-up", security(()), responses((status = 200, body = SetupAllowed)))]
async fn setup_allowed() -> Json<SetupAllowed> {
    Json(SetupAllowed { allowed: false })
}

/// Refuse to be set up (InfluxDB 2)
#[utoipa::path(post, path = "/api/v2/setup", tag = "set-up", security(()), responses((status = 422, body = VersionTwoFailure)))]
async fn refuse_set_up() -> Response {
    let message = "open the page, or use POST /api/v1/setup, with the code that the server printed";
    (StatusCode::UNPROCESSABLE_ENTITY, Json(VersionTwoFailure { code: "conflict", message })).into_response()
}

/// Say that the server answers (InfluxDB 2)
#[utoipa::path(get, path = "/api/v2/ready", tag = "operations", security(()), responses((status = 200, body = VersionTwoReady)))]
async fn bucket_server_ready() -> Json<VersionTwoReady> {
    Json(VersionTwoReady { status: "ready" })
}

/// Refuse Flux (InfluxDB 2)
#[utoipa::path(post, path = "/api/v2/query", tag = "query", security(()), responses((status = 400, body = VersionTwoFailure)))]
async fn refuse_flux() -> Response {
    let message = "Flux is not spoken; ask in InfluxQL at /query, or in SQL at /api/v1/sql or /api/v3/query_sql";
    (StatusCode::BAD_REQUEST, Json(VersionTwoFailure { code: "invalid", message })).into_response()
}

/// Fails for devices and guests.
fn look_around(caller: &Caller) -> ApiResult<()> {
    caller.may_look_around()?;
    if looks(&caller.0) { Ok(()) } else { Err(ApiError::denied("devices learn of no databases")) }
}

fn bucket(state: &AppState, org: OrgId, name: DatabaseName) -> Bucket {
    let key = DatabaseKey::new(org, name);
    let keep = state.store.retention(&key, None);
    let rule = |seconds| RetentionRule { kind: expire(), every_seconds: seconds };
    Bucket {
        id: id_of(key.name.as_str()),
        org_id: org_id(org),
        kind: "user",
        retention_rules: keep.map(|keep| rule(keep.as_secs())).into_iter().collect(),
        name: key.name.into(),
    }
}

/// The id of an organisation, as long as InfluxDB's are.
fn org_id(org: OrgId) -> String {
    format!("{:016x}", org.as_uuid().as_u128() & u128::from(u64::MAX))
}

/// An id that always is the same for a name (FNV-1a).
fn id_of(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(buckets, create_bucket))
        .routes(routes!(orgs))
        .routes(routes!(setup_allowed, refuse_set_up))
        .routes(routes!(bucket_server_ready))
        .routes(routes!(refuse_flux))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_16_hexadecimal_digits() {
        // The test vector of FNV-1a for "a".
        assert_eq!(id_of("a"), "af63dc4c8601ec8c");
        assert_eq!(id_of("").len(), 16);
    }
}
