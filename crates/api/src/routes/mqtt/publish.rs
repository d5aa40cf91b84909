//! Publishing: `POST /api/v1/mqtt/publish`.

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sensorium_model::messaging::{NewTopicMessage, Published};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{broker, may_manage};
use crate::auth::Caller;
use crate::auth::peer::Peer;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::state::AppState;

/// How a payload is written in JSON.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PayloadEncoding {
    /// As it is.
    #[default]
    Text,
    /// In Base64, for what is no text.
    Base64,
}

/// A message to publish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MqttPublication {
    #[schema(min_length = 1)]
    topic: String,
    payload: String,
    /// How `payload` is written; `text` if it is not given.
    #[serde(default)]
    encoding: PayloadEncoding,
    /// 0 (default), 1 or 2: the highest with which it is passed on.
    #[serde(default)]
    #[schema(maximum = 2)]
    qos: u8,
    /// Whether it is kept for those who subscribe later. An empty one removes what is kept.
    #[serde(default)]
    retain: bool,
}

/// What became of a message.
#[derive(Debug, Serialize, ToSchema)]
struct MqttPublished {
    /// How many clients it was passed on to, with those that are away; one that shares a subscription may count twice.
    receivers: usize,
    /// Whether readings were stored of it.
    stored: bool,
}

/// Publish a message
///
/// It is stored, retained and passed on as one that the caller sends over MQTT.
#[utoipa::path(post, path = "/api/v1/mqtt/publish", tag = "mqtt", request_body = MqttPublication, responses(
    (status = 200, body = MqttPublished), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Editors and above; nobody to topics that begin with $"),
    (status = 404, body = ErrorBody, description = "There is no broker, or no database for the reading"),
    (status = 409, body = ErrorBody, description = "The reading does not fit its table"), (status = 413, body = ErrorBody),
    (status = 429, body = ErrorBody, description = "The server has no room for now"),
))]
async fn publish_mqtt(
    State(state): State<AppState>,
    caller: Caller,
    Peer(peer): Peer,
    extract::Json(request): extract::Json<MqttPublication>,
) -> ApiResult<Json<MqttPublished>> {
    may_manage(&caller, "this credential may not publish here; sign in as an editor")?;
    let MqttPublication { topic, payload, encoding, qos, retain } = request;
    let payload = match encoding {
        PayloadEncoding::Text => Bytes::from(payload),
        PayloadEncoding::Base64 => {
            let decoded = STANDARD.decode(payload);
            decoded.map_err(|error| ApiError::invalid(format!("payload is not Base64: {error}")))?.into()
        }
    };
    let message = NewTopicMessage { topic, payload, qos, retain };
    let Published { receivers, stored } = broker(&state)?.publish(&caller.0, peer, message).await?;
    Ok(Json(MqttPublished { receivers, stored }))
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(publish_mqtt))
}
