//! Adding and changing many devices at once: all of a file, or nothing of it.
//!
//! A device is found by its name, without regard to case. A row changes what the file has a column for; a new device has the
//! defaults for the rest. What a device writes as may go from one device of the file to another.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, Set};
use sensorium_model::{DeviceId, DeviceTypeId, OrgId, PlaceId, Principal};
use serde_json::json;
use uuid::Uuid;

use super::devices::{DeviceTypeRef, Location, NewDevice, Position};
use super::{Device, Edit, Labels, Problems, RegistryError, from_json, may_manage, name_key, rows, shown, wrong};
use crate::audit::Change;
use crate::entity::{device, device_type};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::places::PlacePath;

/// Rows of one statement.
const STEP: usize = 500;
const NO_PLACE: &str = "write it as Site/Building/Floor, add it first, or leave place, x and y empty";

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
    /// What it calls itself when it writes with a key for devices.
    pub writes_as: Edit<String>,
    /// Whether it may write.
    pub enabled: Option<bool>,
    /// Where it is.
    pub location: Edit<Location>,
    /// Where it is on the plan of a place.
    pub position: Edit<PlaceOnPlan>,
}

/// A point on the plan of a place that is known by its names.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceOnPlan {
    /// The place, without regard to case.
    pub place: PlacePath,
    /// From the left of its plan, as a fraction of the width.
    pub x: f64,
    /// From the top of its plan, as a fraction of the height.
    pub y: f64,
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

/// What rows name.
struct Named {
    types: HashMap<String, device_type::Model>,
    /// By the keys of their paths.
    places: HashMap<String, PlaceId>,
}

/// What becomes of the rows of a file.
#[derive(Default)]
struct Plan {
    created: Vec<device::Model>,
    /// Before and after.
    updated: Vec<(device::Model, device::Model)>,
    unchanged: u64,
    /// What devices are to write as that did not before, with the line.
    called: Vec<(u64, String)>,
    /// Devices that no longer write as they did.
    freed: HashSet<Uuid>,
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
        let named = Named {
            types: types_by_name(&transaction, who.org).await?,
            places: self.places_by_path(&transaction, who.org).await?,
        };
        let Import { rows, mut problems } = import;
        let present = present(&transaction, who.org, &rows).await?;
        let plan = self.plan(who, rows, &named, present, &mut problems);
        check_called(&transaction, who.org, &plan, &mut problems).await?;
        if problems.total > 0 {
            problems.first.sort();
            return Err(RegistryError::Import(problems).into());
        }
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
        let names: HashMap<Uuid, String> = named.types.into_values().map(|row| (row.id, row.name)).collect();
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

    /// Finds out what becomes of each row, and what is wrong with it.
    fn plan(
        &self,
        who: &Principal,
        rows: Vec<ImportRow>,
        named: &Named,
        mut present: HashMap<String, device::Model>,
        problems: &mut Problems,
    ) -> Plan {
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
            let after = match self.resolve(who, &row, before.as_ref(), named) {
                Ok(after) => after,
                Err(error) => {
                    problems.add(row.line, error.to_string());
                    continue;
                }
            };
            let called_before = before.as_ref().and_then(|before| before.writes_as.as_ref());
            if called_before != after.writes_as.as_ref() {
                plan.freed.extend(called_before.map(|_| after.id));
                plan.called.extend(after.writes_as.clone().map(|called| (row.line, called)));
            }
            match before {
                None => plan.created.push(after),
                Some(before) if is_same(&before, &after) => plan.unchanged += 1,
                Some(before) => plan.updated.push((before, after)),
            }
        }
        plan
    }

    /// The device that a row makes.
    fn resolve(
        &self,
        who: &Principal,
        row: &ImportRow,
        before: Option<&device::Model>,
        named: &Named,
    ) -> Result<device::Model, MetadataError> {
        let wanted = match &row.device_type {
            Edit::Keep => Edit::Keep,
            Edit::Clear => Edit::Clear,
            Edit::Set(name) => {
                let found = named.types.get(&name_key(name.trim()));
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
        let position = match &row.position {
            Edit::Keep => Edit::Keep,
            Edit::Clear => Edit::Clear,
            Edit::Set(PlaceOnPlan { place, x, y }) => {
                let found = named.places.get(&place.key()).copied();
                let missing = || wrong(format!("there is no place {}", shown(&place.to_string())), NO_PLACE);
                Edit::Set(Position { place: found.ok_or_else(missing)?, x: *x, y: *y })
            }
        };
        let writes_as = match &row.writes_as {
            Edit::Set(name) => Edit::Set(rows::called(name)?),
            other => other.clone(),
        };
        let new = rows::checked(NewDevice {
            name: row.name.clone(),
            type_id: wanted.apply(before.and_then(|row| row.type_id).map(DeviceTypeId::from_uuid)),
            attributes: labels(&row.attributes, before.map(|row| &row.attributes)),
            tags: labels(&row.tags, before.map(|row| &row.tags)),
            writes_as: writes_as.apply(before.and_then(|row| row.writes_as.clone())),
            enabled: row.enabled.unwrap_or_else(|| before.is_none_or(|row| row.enabled)),
            location: row.location.apply(place),
            position: position.apply(before.and_then(rows::position)),
        })?;
        Ok(match before {
            Some(before) => rows::changed(before, &new),
            None => rows::added(who, &new, self.now_ms()),
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
        free(on, who.org, &plan.freed).await?;
        for created in plan.created.chunks(STEP) {
            let active = created.iter().cloned().map(device::ActiveModel::from);
            device::Entity::insert_many(active).exec_without_returning(on).await?;
            changes.extend(created.iter().map(|row| {
                let made = describe(row);
                Change::created("device", &made.name).after(rows::facts(&made))
            }));
        }
        let mut changed = Vec::new();
        for (before, after) in &plan.updated {
            self.replace_device(on, after).await?;
            let (was, is_now) = (describe(before), describe(after));
            if (was.name.as_str(), was.enabled) != (is_now.name.as_str(), is_now.enabled) {
                changed.push(was.id);
            }
            let change = Change::new("changed", "device", &was.name).before(rows::facts(&was));
            changes.push(change.after(rows::facts(&is_now)));
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

/// Adds a problem for each device that is to write as another one does, in the file or in the registry.
async fn check_called(
    on: &impl ConnectionTrait,
    org: OrgId,
    plan: &Plan,
    problems: &mut Problems,
) -> Result<(), MetadataError> {
    let mut holders: HashMap<String, String> = HashMap::new();
    for called in plan.called.chunks(STEP) {
        let found: Vec<(Uuid, String, Option<String>)> = device::Entity::find()
            .select_only()
            .column(device::Column::Id)
            .column(device::Column::Name)
            .column(device::Column::WritesAs)
            .filter(device::Column::OrgId.eq(*org.as_uuid()))
            .filter(device::Column::WritesAs.is_in(called.iter().map(|(_, called)| called.as_str())))
            .into_tuple()
            .all(on)
            .await?;
        let stays = found.into_iter().filter(|(id, ..)| !plan.freed.contains(id));
        holders.extend(stays.filter_map(|(_, name, called)| Some((called?, name))));
    }
    let mut seen: HashMap<&str, u64> = HashMap::with_capacity(plan.called.len());
    for (line, called) in &plan.called {
        if let Some(first) = seen.insert(called, *line) {
            problems.add(*line, format!("the device of line {first} writes as {} already", shown(called)));
        } else if let Some(holder) = holders.get(called) {
            problems.add(*line, RegistryError::writes_as_taken(called, holder).to_string());
        }
    }
    Ok(())
}

/// Takes from devices what they write as, so that others can have it.
async fn free(on: &impl ConnectionTrait, org: OrgId, devices: &HashSet<Uuid>) -> Result<(), MetadataError> {
    let devices: Vec<Uuid> = devices.iter().copied().collect();
    for devices in devices.chunks(STEP) {
        device::Entity::update_many()
            .set(device::ActiveModel { writes_as: Set(None), ..Default::default() })
            .filter(device::Column::OrgId.eq(*org.as_uuid()))
            .filter(device::Column::Id.is_in(devices.iter().copied()))
            .exec(on)
            .await?;
    }
    Ok(())
}
