//! Retained messages: `GET` and `DELETE /api/v1/mqtt/retained`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::Change;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::message::MqttMessage;
use super::{DEFAULT_LIMIT, MAX_PAGE, broker, may_manage, may_read};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::users::page_size;
use crate::state::AppState;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RetainedQuery {
    /// A topic filter; `#`, which is every topic, if it is not given.
    filter: Option<String>,
    /// What the page before gave as `next`: a topic.
    after: Option<String>,
    /// At most so many, 1 to 1,000; default 100.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TopicQuery {
    /// The topic.
    topic: String,
}

/// Retained messages, by topic.
#[derive(Debug, Serialize, ToSchema)]
struct MqttMessageList {
    messages: Vec<MqttMessage>,
    /// `after` of the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// List retained messages
#[utoipa::path(get, path = "/api/v1/mqtt/retained", tag = "mqtt", params(RetainedQuery), responses(
    (status = 200, body = MqttMessageList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody, description = "There is no broker"),
))]
async fn mqtt_retained(
    State(state): State<AppState>,
    caller: Caller,
    extract::Query(query): extract::Query<RetainedQuery>,
) -> ApiResult<Json<MqttMessageList>> {
    may_read(&caller)?;
    let limit = page_size(query.limit, DEFAULT_LIMIT, MAX_PAGE)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let filter = query.filter.as_deref().unwrap_or("#");
    let found = broker(&state)?.retained(caller.0.org, filter, query.after.as_deref(), most)?;
    let messages: Vec<MqttMessage> = found.into_iter().map(MqttMessage::from).collect();
    let next = messages.last().filter(|_| messages.len() == most).map(|last| last.topic.clone());
    Ok(Json(MqttMessageList { messages, next }))
}

/// Remove a retained message
///
/// Those who subscribe to its topic are sent an empty message, as when a client removes it.
#[utoipa::path(delete, path = "/api/v1/mqtt/retained", tag = "mqtt", params(TopicQuery), responses(
    (status = 204, description = "Removed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Editors and above"),
    (status = 404, body = ErrorBody, description = "Nothing is retained for the topic, or there is no broker"),
))]
async fn remove_mqtt_retained(
    State(state): State<AppState>,
    caller: Caller,
    extract::Query(query): extract::Query<TopicQuery>,
) -> ApiResult<StatusCode> {
    may_manage(&caller, "this credential may not remove retained messages; sign in as an editor")?;
    if !broker(&state)?.remove_retained(caller.0.org, &query.topic).await? {
        return Err(ApiError::missing("no message is retained for this topic"));
    }
    state.metadata.audit(&caller.0, Change::new("deleted", "retained message", &query.topic)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(mqtt_retained, remove_mqtt_retained))
}
