//! What a device is to be like, and what it says that it is.
//!
//! People set the desired state as a whole; the device takes it, and reports as a whole what it made of it. A report is stored
//! when it is acknowledged; how often a device may report is bounded ([`REPORTS_AT_ONCE`], `reports_per_minute`). What devices do is not recorded as a
//! change, what people do is.
//!
//! Limits: those of [`super::documents`]; a longer state than [`RECORDED_BYTES`] is recorded by its size only.

use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use sensorium_model::{ActingDevice, DeviceId, OrgId, Principal};
use serde_json::{Value, json};

use super::documents::{Differences, Object, checked_object};
use super::waiting::{Patience, Topic, Until};
use super::{RegistryError, acting, from_json, may_manage};
use crate::audit::Change;
use crate::entity::{device, device_state};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::pace::Rate;

/// Reports that a device may send at once.
pub const REPORTS_AT_ONCE: i64 = 10;
/// The most bytes of a JSON text that the record of changes repeats.
pub const RECORDED_BYTES: usize = 2_048;

/// One of the two states of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Grows with each change; 0 before the first.
    pub version: i64,
    /// The state; empty before the first.
    pub state: Object,
    /// When it was last set, in milliseconds since the epoch.
    pub changed_at_ms: Option<i64>,
}

/// What a device is to be like, what it says that it is, and where that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceState {
    /// The name of the device.
    pub device: String,
    /// What it is to be like.
    pub desired: Document,
    /// What it says that it is.
    pub reported: Document,
    /// What is desired and not reported.
    pub differences: Differences,
}

impl Metadata {
    /// The state of a device of the caller's organisation that the caller sees.
    pub async fn device_state(&self, who: &Principal, id: DeviceId) -> Result<DeviceState, MetadataError> {
        let of = self.seen_device(self.db(), who, id).await?;
        let row = self.state_row(self.db(), who.org, id).await?;
        Ok(described(of.name, row.as_ref()))
    }

    /// Sets what a device is to be like, all of it. `version` is the one of the desired state that the change was made for.
    pub async fn set_desired_state(
        &self,
        who: &Principal,
        id: DeviceId,
        version: i64,
        state: &Value,
    ) -> Result<DeviceState, MetadataError> {
        may_manage(who)?;
        let text = checked_object("the desired state", state)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let of = self.device_row(&transaction, who.org, id).await?;
        let before = self.state_row(&transaction, who.org, id).await?;
        let known = before.is_some();
        let before = before.unwrap_or_else(|| empty(who.org, id));
        if before.desired_version != version {
            return Err(RegistryError::StateChanged(Box::new(described(of.name, Some(&before)))).into());
        }
        let after = device_state::Model {
            desired: text,
            desired_version: version.saturating_add(1),
            desired_at_ms: Some(self.now_ms()),
            ..before.clone()
        };
        let set = device_state::ActiveModel {
            desired: Set(after.desired.clone()),
            desired_version: Set(after.desired_version),
            desired_at_ms: Set(after.desired_at_ms),
            ..Default::default()
        };
        store(&transaction, known, &after, set).await?;
        let facts =
            |row: &device_state::Model| json!({"version": row.desired_version, "state": recorded(&row.desired)});
        let entry = Change::new("changed", "device_state", &of.name).before(facts(&before)).after(facts(&after));
        self.record(&transaction, who, entry).await?;
        transaction.commit().await?;
        self.waiting().wake(id, Topic::Desired);
        self.desired().tell(who.org, id);
        Ok(described(of.name, Some(&after)))
    }

    /// What the calling device is to be like. With `after`, none if that still is the version, once `until` is ready.
    pub async fn desired_state(
        &self,
        who: &Principal,
        after: Option<i64>,
        until: Option<Until>,
    ) -> Result<Option<Document>, MetadataError> {
        let device = acting(who)?;
        self.count_device_message(who.org, device.id, 0, 0);
        let mut patience = Patience::new(device.id, Topic::Desired, until);
        loop {
            let row = self.state_row(self.db(), who.org, device.id).await?;
            let desired = row.as_ref().map_or_else(empty_document, desired);
            if after != Some(desired.version) {
                self.is_still_heard(who, patience.has_waited()).await?;
                return Ok(Some(desired));
            }
            if !self.is_worth_asking(who, &mut patience, None).await? {
                return Ok(None);
            }
        }
    }

    /// Stores what the calling device says that it is, all of it; the version of the report.
    pub async fn report_state(&self, who: &Principal, state: &Value) -> Result<i64, MetadataError> {
        let device = acting(who)?;
        let stored = self.store_report(who, device, state).await;
        self.count_device_message(who.org, device.id, 0, u64::from(stored.is_err()));
        stored
    }

    async fn store_report(&self, who: &Principal, device: &ActingDevice, state: &Value) -> Result<i64, MetadataError> {
        let text = checked_object("the reported state", state)?;
        self.count_report(device.id)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        self.acting_row(&transaction, who.org, device).await?;
        let before = self.state_row(&transaction, who.org, device.id).await?;
        let version = self.set_reported(&transaction, (who.org, device.id), before, text).await?;
        transaction.commit().await?;
        Ok(version)
    }

    /// Counts a report, or says that it is one too many.
    pub(super) fn count_report(&self, device: DeviceId) -> Result<(), MetadataError> {
        let most = self.config().devices.reports_per_minute;
        let rate = Rate { per_minute: most, burst: REPORTS_AT_ONCE };
        let counted = self.reports().count(device, self.now_ms(), rate);
        Ok(counted.map_err(|retry_after| RegistryError::TooOften { most, retry_after })?)
    }

    /// Puts a report in the place of the one before; its version.
    pub(super) async fn set_reported(
        &self,
        on: &impl ConnectionTrait,
        (org, device): (OrgId, DeviceId),
        before: Option<device_state::Model>,
        text: String,
    ) -> Result<i64, MetadataError> {
        let known = before.is_some();
        let before = before.unwrap_or_else(|| empty(org, device));
        let version = before.reported_version.saturating_add(1);
        let reported_at_ms = Some(self.now_ms());
        let after = device_state::Model { reported: text, reported_version: version, reported_at_ms, ..before };
        let set = device_state::ActiveModel {
            reported: Set(after.reported.clone()),
            reported_version: Set(version),
            reported_at_ms: Set(after.reported_at_ms),
            ..Default::default()
        };
        store(on, known, &after, set).await?;
        Ok(version)
    }

    /// The device that calls, if it is still there and enabled.
    pub(super) async fn acting_row(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        device: &ActingDevice,
    ) -> Result<device::Model, MetadataError> {
        let row = self.device_row(on, org, device.id).await?;
        if row.enabled { Ok(row) } else { Err(MetadataError::Denied("this device was disabled")) }
    }

    pub(super) async fn state_row(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        device: DeviceId,
    ) -> Result<Option<device_state::Model>, MetadataError> {
        let found = device_state::Entity::find_by_id(*device.as_uuid());
        Ok(found.filter(device_state::Column::OrgId.eq(*org.as_uuid())).one(on).await?)
    }
}

/// Adds a row, or sets some columns of the one that is there.
async fn store(
    on: &impl ConnectionTrait,
    known: bool,
    row: &device_state::Model,
    set: device_state::ActiveModel,
) -> Result<(), MetadataError> {
    if known {
        device_state::Entity::update_many()
            .set(device_state::ActiveModel { device_id: ActiveValue::NotSet, ..set })
            .filter(device_state::Column::DeviceId.eq(row.device_id))
            .filter(device_state::Column::OrgId.eq(row.org_id))
            .exec(on)
            .await?;
    } else {
        let active = device_state::ActiveModel::from(row.clone());
        device_state::Entity::insert(active).exec_without_returning(on).await?;
    }
    Ok(())
}

/// What a device has before anything was set.
fn empty(org: OrgId, device: DeviceId) -> device_state::Model {
    device_state::Model {
        device_id: *device.as_uuid(),
        org_id: *org.as_uuid(),
        desired: "{}".to_owned(),
        desired_version: 0,
        desired_at_ms: None,
        reported: "{}".to_owned(),
        reported_version: 0,
        reported_at_ms: None,
    }
}

fn empty_document() -> Document {
    Document { version: 0, state: Object::new(), changed_at_ms: None }
}

pub(super) fn desired(row: &device_state::Model) -> Document {
    Document { version: row.desired_version, state: from_json(&row.desired), changed_at_ms: row.desired_at_ms }
}

pub(super) fn reported(row: &device_state::Model) -> Document {
    Document { version: row.reported_version, state: from_json(&row.reported), changed_at_ms: row.reported_at_ms }
}

fn described(device: String, row: Option<&device_state::Model>) -> DeviceState {
    let (desired, reported) =
        row.map_or_else(|| (empty_document(), empty_document()), |row| (desired(row), reported(row)));
    let differences = Differences::between(&desired.state, &reported.state);
    DeviceState { device, desired, reported, differences }
}

/// JSON as the record of changes has it: itself, or its size.
pub(super) fn recorded(text: &str) -> Value {
    if text.len() <= RECORDED_BYTES { from_json(text) } else { json!(format!("{} bytes", text.len())) }
}
