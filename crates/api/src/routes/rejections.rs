//! What was refused lately: `GET /api/v1/rejections`.

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The newest refused readings of each organisation, in bounded memory.
#[derive(Clone, Default)]
pub struct Rejections;

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
}
