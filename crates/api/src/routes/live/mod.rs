//! Live values: `GET /ws/live` (WebSocket) and `GET /api/v1/live` (server-sent events).

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
}
