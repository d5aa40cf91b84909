//! What a live connection may watch, and for how long.

use std::time::Duration;

use sensorium_live::{ResumeFrom, Subscription, TableFilter};
use sensorium_model::{Action, DatabaseKey, DatabaseName, Principal};

use super::protocol::{Subscribe, WireError};
use crate::error::ApiError;
use crate::state::AppState;

/// How often a connection asks whether its session or token is still good.
pub(in crate::routes) const CHECK_EVERY: Duration = Duration::from_secs(5);

/// Turns a request into a subscription, if the principal may read the database.
pub(super) fn admit(state: &AppState, principal: &Principal, asked: Subscribe) -> Result<Subscription, ApiError> {
    let database = DatabaseName::new(&asked.database)?;
    crate::auth::require(principal, Action::Read(&database), "this credential may not read this database")?;
    if state.store.schema(&DatabaseKey::new(principal.org, database.clone())).is_none() {
        return Err(ApiError::database_missing(database.as_str()));
    }
    let table = match asked.table.as_str() {
        "*" => TableFilter::All,
        name => {
            sensorium_model::names::validate_name(name)?;
            TableFilter::One(name.into())
        }
    };
    Ok(Subscription {
        id: asked.id,
        database,
        table,
        tags: asked.tags,
        fields: asked.fields,
        resume: asked.resume.map(|resume| ResumeFrom { epoch: resume.epoch, seq: resume.seq }),
    })
}

/// Whether the principal's session or token still stands. A failure to find out is not held against the client: the
/// next check asks again.
pub(in crate::routes) async fn is_still_good(state: &AppState, principal: &Principal) -> bool {
    match state.metadata.is_current(principal).await {
        Ok(current) => current,
        Err(error) => {
            tracing::warn!(%error, "cannot check whether a live connection's credential still stands");
            true
        }
    }
}

impl From<ApiError> for WireError {
    fn from(error: ApiError) -> Self {
        Self::new(error.kind(), error.message())
    }
}
