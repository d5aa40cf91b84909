//! Holding a moment of the store still while `sensorium backup` copies it: `POST /api/v1/backup` and
//! `DELETE /api/v1/backup/{id}`.
//!
//! Only for who has the credential of this machine (`server.json`), because the answer is a folder of this machine; so it does
//! not stand in the OpenAPI document.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, post};
use sensorium_metadata::Change;
use sensorium_model::{ErrorKind, Subject};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::auth::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract;
use crate::state::AppState;

/// Writes what is in memory to files and holds all files still.
async fn freeze(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<Value>> {
    on_this_machine(&caller)?;
    state.store.flush().await?;
    let store = state.store.clone();
    let frozen = tokio::task::spawn_blocking(move || store.freeze());
    let frozen = frozen.await.map_err(|error| ApiError::from_error(ErrorKind::Internal, &error))??;
    state.metadata.audit(&caller.0, Change::created("backup", &frozen.id.to_string())).await?;
    Ok(Json(json!({ "id": frozen.id, "folder": frozen.folder })))
}

/// Lets go of the files.
async fn thaw(
    State(state): State<AppState>,
    caller: Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<StatusCode> {
    on_this_machine(&caller)?;
    let thawed = tokio::task::spawn_blocking(move || state.store.thaw(id));
    let thawed = thawed.await.map_err(|error| ApiError::from_error(ErrorKind::Internal, &error))??;
    if !thawed {
        tracing::debug!(%id, "a later backup has taken the place of this one already");
    }
    Ok(StatusCode::NO_CONTENT)
}

fn on_this_machine(caller: &Caller) -> ApiResult<()> {
    match caller.0.subject {
        Subject::System => Ok(()),
        _ => Err(ApiError::denied(
            "run `sensorium backup` on the machine of the server, as a user that can read its data folder",
        )),
    }
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().route("/api/v1/backup", post(freeze)).route("/api/v1/backup/{id}", delete(thaw))
}
