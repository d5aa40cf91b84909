//! For operators and probes: `/health`, `/ready`, `/ping`, `/metrics`.

mod figures;
mod process;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use sensorium_model::{Action, Principal};
use sensorium_store::StoreStats;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{MaybeCaller, require};
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// The state of the process.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `sensorium`.
    name: &'static str,
    /// `pass`: the process answers.
    status: &'static str,
    /// What it is ready for, as a sentence.
    message: &'static str,
    /// The version of the server.
    version: &'static str,
}

/// Whether the server can do its work, part by part.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `pass`, `degraded` when only readings are refused, or `fail`.
    status: &'static str,
    /// The parts.
    checks: Vec<Check>,
}

/// A part of the server.
#[derive(Debug, Serialize, ToSchema)]
struct Check {
    /// `store`, `disk`, `metadata` or `shutdown`.
    name: &'static str,
    /// `pass`, `degraded` or `fail`.
    status: &'static str,
    /// What to do, when it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Of a disk that is nearly full: the room that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    free_bytes: Option<u64>,
    /// Of a disk that is nearly full: the room from which on readings are taken again.
    #[serde(skip_serializing_if = "Option::is_none")]
    needed_bytes: Option<u64>,
}

/// A part passed.
const PASS: &str = "pass";
/// A part does not do all of its work.
const DEGRADED: &str = "degraded";
/// A part does not do its work.
const FAIL: &str = "fail";

impl Check {
    fn of(name: &'static str, problem: Option<String>) -> Self {
        let status = if problem.is_none() { PASS } else { FAIL };
        Self { name, status, message: problem, free_bytes: None, needed_bytes: None }
    }

    /// The disk of the store: while it is nearly full, what is stored can be read, and nothing is added.
    fn of_disk(store: &StoreStats) -> Self {
        if !store.disk_is_low {
            return Self::of("disk", None);
        }
        let message = "the disk is nearly full, so readings are refused and questions answered; free some space, or lower \
                       store.disk_reserve_bytes";
        Self {
            name: "disk",
            status: DEGRADED,
            message: Some(message.to_owned()),
            free_bytes: store.disk_free_bytes,
            needed_bytes: Some(store.disk_reserve_bytes),
        }
    }
}

/// Say that the process answers
#[utoipa::path(get, path = "/health", tag = "operations", security(()), responses((status = 200, body = Health)))]
async fn health(State(state): State<AppState>) -> Json<Health> {
    let message = match state.store.disk_is_low() {
        false => "ready for queries and writes",
        true => "ready for queries; the disk is nearly full, so writes are refused until there is room",
    };
    Json(Health { name: "sensorium", status: PASS, message, version: env!("CARGO_PKG_VERSION") })
}

/// Say whether readings can be stored and callers be recognised
///
/// For load balancers: it fails as soon as the server begins to stop. While the disk is nearly full, readings are refused and
/// questions answered: that is `degraded`, and no failure.
#[utoipa::path(get, path = "/ready", tag = "operations", security(()), responses(
    (status = 200, body = Readiness), (status = 503, body = Readiness),
))]
async fn ready(State(state): State<AppState>) -> Response {
    let store = state.store.stats();
    let poisoned = store.poisoned.then(|| {
        "a write to disk failed, so nothing is stored any more; check the disk, then restart the server".to_owned()
    });
    let metadata = match state.metadata.account(&Principal::system(state.metadata.org())).await {
        Ok(_) => None,
        Err(error) => {
            tracing::error!(%error, "the metadata cannot be read");
            Some("users and tokens cannot be read; the server's log says why".to_owned())
        }
    };
    let stopping = state.shutdown.is_cancelled().then(|| "the server is stopping".to_owned());
    let checks = vec![
        Check::of("store", poisoned),
        Check::of_disk(&store),
        Check::of("metadata", metadata),
        Check::of("shutdown", stopping),
    ];
    let is = |status: &str| checks.iter().any(|check| check.status == status);
    let (code, status) = match (is(FAIL), is(DEGRADED)) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, FAIL),
        (false, true) => (StatusCode::OK, DEGRADED),
        (false, false) => (StatusCode::OK, PASS),
    };
    (code, Json(Readiness { status, checks })).into_response()
}

/// How InfluxDB is asked whether it is there.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PingQuery {
    /// `true`: the answer is 200 and tells the version.
    verbose: Option<String>,
}

/// The version.
#[derive(Debug, Serialize, ToSchema)]
struct Pinged {
    version: &'static str,
}

/// Say that the server is there, as InfluxDB does
#[utoipa::path(get, path = "/ping", tag = "operations", security(()), params(PingQuery), responses(
    (status = 204, description = "It is there"), (status = 200, body = Pinged, description = "With `verbose=true`"),
))]
async fn ping(extract::Query(query): extract::Query<PingQuery>) -> Response {
    let version = HeaderName::from_static("x-sensorium-version");
    let told = match query.verbose.as_deref() {
        None | Some("" | "0" | "false") => StatusCode::NO_CONTENT.into_response(),
        Some(_) => Json(Pinged { version: super::influx::INFLUXDB_VERSION }).into_response(),
    };
    super::influx::named(([(version, env!("CARGO_PKG_VERSION"))], told).into_response()).await
}

/// Figures for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, content_type = "text/plain", body = String),
    (status = 401, body = ErrorBody, description = "Unless http.public_metrics is set"), (status = 403, body = ErrorBody),
))]
async fn metrics(State(state): State<AppState>, MaybeCaller(caller): MaybeCaller) -> ApiResult<impl IntoResponse> {
    if !state.config.public_metrics {
        let caller = caller.ok_or_else(ApiError::unauthenticated)?;
        require(&caller, Action::Operate, "this credential may not read the server's figures")?;
    }
    figures::set(&state);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render()))
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(ping))
        .routes(routes!(metrics))
}
