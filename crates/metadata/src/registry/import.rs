//! Adding and changing many devices at once: all of a file, or nothing of it.
//!
//! A device is found by its name, without regard to case. A row changes what the file has a column for; a new device has the
//! defaults for the rest.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use sensorium_model::{DeviceId, DeviceTypeId, OrgId, Principal};
use serde_json::json;
use uuid::Uuid;

use super::devices::{self, DeviceTypeRef, Location, NewDevice};
use super::{Device, Edit, Labels, Problems, RegistryError, from_json, may_manage, name_key, shown};
use crate::audit::Change;
use crate::entity::{device, device_type};
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// Rows of one statement.
const STEP: usize = 500;

/// A file of devices, as far as it could be read.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Its rows.
    pub rows: Vec<ImportRow>,
    /// What could not be read.
    pub problems: Problems,
}

/// A row of a file.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// The line, from 1.
    pub line: u64,
    /// The name of the device.
    pub name: String,
    /// The name of its type, without regard to case.
    pub device_type: Edit<String>,
    /// Its attributes, all of them.
    pub attributes: Option<Labels>,
    /// Its tags, all of them.
    pub tags: Option<Labels>,
    /// Whether it may write.
    pub enabled: Option<bool>,
    /// Where it is.
    pub location: Edit<Location>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Devices that are new.
    pub created: u64,
    /// Devices that changed.
    pub updated: u64,
    /// Devices that are as the file says already.
    pub unchanged: u64,
}

/// What becomes of the rows of a file.
#[derive(Default)]
struct Plan {
    created: Vec<device::Model>,
    /// Before and after.
    updated: Vec<(device::Model, device::Model)>,
    unchanged: u64,
}

impl Metadata {
    /// Adds and changes the devices of a file, or says what it would do. If anything in the file is wrong, nothing is changed,
    /// and the error tells all of it.
    pub async fn import_devices(
        &self,
        who: &Principal,
        import: Import,
        dry_run: bool,
    ) -> Result<Imported, MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let types = types_by_name(&transaction, who.org).await?;
        let present = present(&transaction, who.org, &import.rows).await?;
        let plan = self.plan(who, import, &types, present)?;
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let done = Imported {
            created: number(plan.created.len()),
            updated: number(plan.updated.len()),
            unchanged: plan.unchanged,
        };
        if done.created > 0 {
            self.check_room(&transaction, who, done.created).await?;
        }
        if dry_run {
            return Ok(done);
        }
        let names: HashMap<Uuid, String> = types.into_values().map(|row| (row.id, row.name)).collect();
        let changed = self.apply(&transaction, who, plan, &names).await?;
        let counts = json!({"created": done.created, "updated": done.updated, "unchanged": done.unchanged});
        self.record(&transaction, who, Change::new("imported", "device", "").after(counts)).await?;
        transaction.commit().await?;
        if !changed.is_empty() {
            self.token_cache().forget_devices(&changed);
            for device in &changed {
                self.waiting().wake_device(*device);
            }
        }
        Ok(done)
    }

    /// Finds out what becomes of each row, and all that is wrong.
    fn plan(
        &self,
        who: &Principal,
        import: Import,
        types: &HashMap<String, device_type::Model>,
        mut present: HashMap<String, device::Model>,
    ) -> Result<Plan, MetadataError> {
        let Import { rows, mut problems } = import;
        let mut plan = Plan::default();
        let mut seen: HashMap<String, u64> = HashMap::with_capacity(rows.len());
        for row in rows {
            let key = name_key(row.name.trim());
            if let Some(first) = seen.get(&key) {
                problems.add(row.line, format!("device {} stands in line {first} already", shown(&row.name)));
                continue;
            }
            seen.insert(key.clone(), row.line);
            let before = present.remove(&key);
            match self.resolve(who, &row, before.as_ref(), types) {
                Err(error) => problems.add(row.line, error.to_string()),
                Ok(after) => match before {
                    None => plan.created.push(after),
                    Some(before) if is_same(&before, &after) => plan.unchanged += 1,
                    Some(before) => plan.updated.push((before, after)),
                },
            }
        }
        if problems.total > 0 {
            problems.first.sort();
            return Err(RegistryError::Import(problems).into());
        }
        Ok(plan)
    }

    /// The device that a row makes.
    fn resolve(
        &self,
        who: &Principal,
        row: &ImportRow,
        before: Option<&device::Model>,
        types: &HashMap<String, device_type::Model>,
    ) -> Result<device::Model, MetadataError> {
        let wanted = match &row.device_type {
            Edit::Keep => Edit::Keep,
            Edit::Clear => Edit::Clear,
            Edit::Set(name) => {
                let found = types.get(&name_key(name.trim()));
                let found = found.ok_or_else(|| RegistryError::Wrong {
                    what: format!("there is no device type {}", shown(name)),
                    rule: "add it first, or leave the cell empty".to_owned(),
                })?;
                Edit::Set(DeviceTypeId::from_uuid(found.id))
            }
        };
        let place = before.and_then(|row| {
            row.latitude.zip(row.longitude).map(|(latitude, longitude)| Location { latitude, longitude })
        });
        let labels = |new: &Option<Labels>, old: Option<&String>| match new {
            Some(labels) => labels.clone(),
            None => old.map(|text| from_json(text)).unwrap_or_default(),
        };
        let new = devices::checked(NewDevice {
            name: row.name.clone(),
            type_id: wanted.apply(before.and_then(|row| row.type_id).map(DeviceTypeId::from_uuid)),
            attributes: labels(&row.attributes, before.map(|row| &row.attributes)),
            tags: labels(&row.tags, before.map(|row| &row.tags)),
            enabled: row.enabled.unwrap_or_else(|| before.is_none_or(|row| row.enabled)),
            location: row.location.apply(place),
            position: before.and_then(devices::position),
        })?;
        Ok(match before {
            Some(before) => devices::changed(before, &new),
            None => devices::added(who, &new, self.now_ms()),
        })
    }

    /// Writes what was planned; the devices whose tokens must be looked up again.
    async fn apply(
        &self,
        on: &DatabaseTransaction,
        who: &Principal,
        plan: Plan,
        types: &HashMap<Uuid, String>,
    ) -> Result<Vec<DeviceId>, MetadataError> {
        let describe = |row: &device::Model| -> Device {
            let device_type = row.type_id.and_then(|id| {
                let name = types.get(&id)?.clone();
                Some(DeviceTypeRef { id: DeviceTypeId::from_uuid(id), name })
            });
            self.complete_device(row.clone(), device_type)
        };
        let mut changes = Vec::with_capacity(plan.created.len() + plan.updated.len());
        for rows in plan.created.chunks(STEP) {
            let active = rows.iter().cloned().map(device::ActiveModel::from);
            device::Entity::insert_many(active).exec_without_returning(on).await?;
            changes.extend(rows.iter().map(|row| {
                let made = describe(row);
                Change::created("device", &made.name).after(devices::facts(&made))
            }));
        }
        let mut changed = Vec::new();
        for (before, after) in &plan.updated {
            self.replace_device(on, after).await?;
            let (was, is_now) = (describe(before), describe(after));
            if (was.name.as_str(), was.enabled) != (is_now.name.as_str(), is_now.enabled) {
                changed.push(was.id);
            }
            let change = Change::new("changed", "device", &was.name).before(devices::facts(&was));
            changes.push(change.after(devices::facts(&is_now)));
        }
        self.record_all(on, who, changes).await?;
        Ok(changed)
    }
}

/// Whether a change would change nothing.
fn is_same(before: &device::Model, after: &device::Model) -> bool {
    *before == device::Model { version: before.version, ..after.clone() }
}

async fn types_by_name(
    on: &impl ConnectionTrait,
    org: OrgId,
) -> Result<HashMap<String, device_type::Model>, MetadataError> {
    let rows = device_type::Entity::find().filter(device_type::Column::OrgId.eq(*org.as_uuid())).all(on).await?;
    Ok(rows.into_iter().map(|row| (row.name_key.clone(), row)).collect())
}

/// The devices that rows name.
async fn present(
    on: &impl ConnectionTrait,
    org: OrgId,
    rows: &[ImportRow],
) -> Result<HashMap<String, device::Model>, MetadataError> {
    let keys: HashSet<String> = rows.iter().map(|row| name_key(row.name.trim())).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let mut present = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(STEP) {
        let found = device::Entity::find()
            .filter(device::Column::OrgId.eq(*org.as_uuid()))
            .filter(device::Column::NameKey.is_in(keys.iter().map(String::as_str)))
            .limit(u64::try_from(STEP).unwrap_or(u64::MAX))
            .all(on)
            .await?;
        present.extend(found.into_iter().map(|row| (row.name_key.clone(), row)));
    }
    Ok(present)
}
