//! Live values: `GET /ws/live` (WebSocket) and `GET /api/v1/live` (server-sent events).
//!
//! A WebSocket carries JSON text in both directions ([`protocol`]) and binary frames towards the client ([`frame`]), each
//! with one record batch that holds the points of all subscriptions since the frame before. A frame is sent as soon as
//! there is something to show, and then at most 20 times a second.
//!
//! Invariants:
//! - a client that does not read costs its own queue and nothing else: the socket is never waited for while the hub
//!   could be read, and [`health`] makes frames rarer until the client keeps up;
//! - a database is watched only by a principal that may read it, and no longer than its session or token is good
//!   ([`access`]);
//! - the shutdown of the server closes every connection with 1001.
//!
//! Limits: `http.live_clients` connections, [`MAX_MESSAGE_BYTES`] for a control message, those of
//! [`sensorium_live::HubConfig`] for subscriptions.

pub(super) mod access;
mod frame;
mod health;
mod outbox;
mod protocol;
mod sse;
mod ws;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The largest control message, in bytes.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(ws::connect)).routes(routes!(sse::stream))
}
