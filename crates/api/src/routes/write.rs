//! Line protocol ingest as InfluxDB's clients send it: `POST /write` and `POST /api/v2/write`.

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
}
