//! States of devices that are spoken to over something else than HTTP: who speaks to them hears of changes, and hands in what they
//! say of themselves.
//!
//! Limits: [`CHANGES`] that wait for one who hears of them; whoever is too slow for that is told so, and looks at all devices that
//! it speaks to. Reports count against `devices.reports_per_minute`, as those over HTTP do.

use sensorium_model::{DeviceId, OrgId};
use serde_json::Value;
use tokio::sync::broadcast;

use super::Document;
use super::documents::{Object, checked_object};
use super::state::{desired, reported};
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// Changes that wait for one who hears of them.
const CHANGES: usize = 1_024;

/// Tells of changes of desired states that were made through this process.
pub(crate) struct DesiredChanges(broadcast::Sender<(OrgId, DeviceId)>);

impl Default for DesiredChanges {
    fn default() -> Self {
        Self(broadcast::channel(CHANGES).0)
    }
}

impl DesiredChanges {
    pub(crate) fn tell(&self, org: OrgId, device: DeviceId) {
        // An error says that nobody listens.
        _ = self.0.send((org, device));
    }
}

/// What a device is to be like, for whoever speaks to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// What it calls itself in messages; its name where nothing else is known.
    pub called: String,
    /// What it is to be like.
    pub desired: Document,
}

impl Metadata {
    /// Hears of desired states that change from now on.
    pub fn desired_changes(&self) -> broadcast::Receiver<(OrgId, DeviceId)> {
        self.desired().0.subscribe()
    }

    /// What a device is to be like; none if nothing was ever desired of it, or if it is disabled or not there.
    pub async fn wanted(&self, org: OrgId, id: DeviceId) -> Result<Option<Wanted>, MetadataError> {
        let of = match self.device_row(self.db(), org, id).await {
            Ok(of) if of.enabled => of,
            Ok(_) | Err(MetadataError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let row = self.state_row(self.db(), org, id).await?;
        let Some(desired) = row.as_ref().map(desired).filter(|desired| desired.version > 0) else { return Ok(None) };
        let called = of.writes_as.unwrap_or_else(|| of.name.clone());
        Ok(Some(Wanted { name: of.name, called, desired }))
    }

    /// Adds what a device said of itself to its report, name by name; whether that changed it. Nothing is reported of a device that
    /// is disabled.
    pub async fn add_to_report(&self, org: OrgId, id: DeviceId, said: &Object) -> Result<bool, MetadataError> {
        self.count_report(id)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, org).await?;
        if !self.device_row(&transaction, org, id).await?.enabled {
            return Ok(false);
        }
        let before = self.state_row(&transaction, org, id).await?;
        let mut state = before.as_ref().map(|row| reported(row).state).unwrap_or_default();
        if said.iter().all(|(name, value)| state.get(name) == Some(value)) {
            return Ok(false);
        }
        state.extend(said.iter().map(|(name, value)| (name.clone(), value.clone())));
        let text = checked_object("the reported state", &Value::Object(state))?;
        self.set_reported(&transaction, (org, id), before, text).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
