//! Kinds of devices: what they measure, in which units, and the table that they write to.

use std::collections::HashSet;
use std::fmt;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sensorium_model::names::{validate_column_name, validate_name};
use sensorium_model::{DeviceTypeId, OrgId, Principal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Device, Edit, MAX_FIELDS, MAX_NAME, MAX_TYPES, MAX_UNIT, RegistryError, check_description, check_name, from_json,
    may_manage, may_read, name_key, shown, to_json, wrong,
};
use crate::audit::Change;
use crate::entity::{device, device_type};
use crate::error::MetadataError;
use crate::groups::visible::Visible;
use crate::metadata::Metadata;

/// How many devices an error names that have a type.
const NAMED: u64 = 10;

/// A kind of devices.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceType {
    /// The id.
    pub id: DeviceTypeId,
    /// Unique in the organisation without regard to case.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// The table that such devices write to.
    pub table: String,
    /// What they measure.
    pub fields: Vec<TypeField>,
    /// What understands their messages.
    pub decoder: Option<Decoder>,
    /// Grows with each change; a change names the one that it was made for.
    pub version: i64,
    /// When it was added, in milliseconds since the epoch.
    pub created_at_ms: i64,
}

/// Something that devices of a type measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeField {
    /// The column of the table.
    pub name: String,
    /// What people call it; may be empty.
    pub display_name: String,
    /// The unit as a UCUM code, such as `Cel` or `%`; empty for none.
    pub unit: String,
    /// The smallest value that makes sense.
    pub min: Option<f64>,
    /// The largest value that makes sense.
    pub max: Option<f64>,
}

/// What understands the messages of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    /// Whatever the message looks like.
    Auto,
    /// JSON.
    Json,
    /// Line protocol.
    LineProtocol,
}

impl Decoder {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::LineProtocol => "line_protocol",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Auto, Self::Json, Self::LineProtocol].into_iter().find(|decoder| decoder.as_str() == word)
    }
}

/// A type to add.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewType {
    /// 1 to 100 characters, unique in the organisation without regard to case.
    pub name: String,
    /// At most 1,000 characters.
    pub description: String,
    /// The table that such devices write to.
    pub table: String,
    /// What they measure, at most 64.
    pub fields: Vec<TypeField>,
    /// What understands their messages.
    pub decoder: Option<Decoder>,
}

/// What to change of a type; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct TypeChange {
    /// The version that the change was made for.
    pub version: i64,
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another table.
    pub table: Option<String>,
    /// Other fields.
    pub fields: Option<Vec<TypeField>>,
    /// Another decoder.
    pub decoder: Edit<Decoder>,
}

impl Metadata {
    /// The types of the caller's organisation by name.
    pub async fn device_types(&self, who: &Principal) -> Result<Vec<DeviceType>, MetadataError> {
        may_read(who)?;
        let rows = device_type::Entity::find()
            .filter(device_type::Column::OrgId.eq(*who.org.as_uuid()))
            .order_by_asc(device_type::Column::NameKey)
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(DeviceType::from).collect())
    }

    /// A type of the caller's organisation.
    pub async fn device_type(&self, who: &Principal, id: DeviceTypeId) -> Result<DeviceType, MetadataError> {
        may_read(who)?;
        Ok(self.type_row(self.db(), who.org, id).await?.into())
    }

    /// The table of the type of a device that was read for the caller.
    pub async fn table_of_device(&self, who: &Principal, device: &Device) -> Result<Option<String>, MetadataError> {
        Visible::to(who)?;
        let Some(of) = &device.device_type else { return Ok(None) };
        Ok(Some(self.type_row(self.db(), who.org, of.id).await?.table_name))
    }

    /// Adds a type.
    pub async fn create_device_type(&self, who: &Principal, new: NewType) -> Result<DeviceType, MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let made = self.add_type(&transaction, who, DeviceTypeId::from_uuid(Self::new_id()), new).await?;
        transaction.commit().await?;
        Ok(made)
    }

    /// Changes a type.
    pub async fn change_device_type(
        &self,
        who: &Principal,
        id: DeviceTypeId,
        change: TypeChange,
    ) -> Result<DeviceType, MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let before = self.type_row(&transaction, who.org, id).await?;
        let was = NewType::from(DeviceType::from(before.clone()));
        let new = NewType {
            name: change.name.unwrap_or(was.name),
            description: change.description.unwrap_or(was.description),
            table: change.table.unwrap_or(was.table),
            fields: change.fields.unwrap_or(was.fields),
            decoder: change.decoder.apply(was.decoder),
        };
        let changed = self.replace_type(&transaction, who, before, change.version, new).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    /// Adds a type with this id, which no type has, to a registry that is claimed.
    pub(crate) async fn add_type(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: DeviceTypeId,
        new: NewType,
    ) -> Result<DeviceType, MetadataError> {
        let new = check_type(new)?;
        type_name_is_free(on, who.org, id, &new.name).await?;
        let row = device_type::Model {
            id: *id.as_uuid(),
            org_id: *who.org.as_uuid(),
            name_key: name_key(&new.name),
            name: new.name,
            description: new.description,
            table_name: new.table,
            fields: to_json(&new.fields),
            decoder: new.decoder.map(|decoder| decoder.as_str().to_owned()),
            version: 1,
            created_at_ms: self.now_ms(),
        };
        let present = device_type::Entity::find().filter(device_type::Column::OrgId.eq(row.org_id)).count(on).await?;
        if present >= MAX_TYPES {
            let rule = format!("an organisation has at most {MAX_TYPES} (MAX_TYPES, a fixed limit); delete some");
            return Err(wrong("too many device types", rule));
        }
        let active = device_type::ActiveModel::from(row.clone());
        device_type::Entity::insert(active).exec_without_returning(on).await?;
        self.record(on, who, Change::created("device_type", &row.name).after(facts(&row))).await?;
        Ok(row.into())
    }

    /// Makes a type of a registry that is claimed another one; `version` is the one that this was made for.
    pub(crate) async fn replace_type(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        before: device_type::Model,
        version: i64,
        new: NewType,
    ) -> Result<DeviceType, MetadataError> {
        if version != before.version {
            return Err(RegistryError::TypeChanged(Box::new(before.into())).into());
        }
        let new = check_type(new)?;
        type_name_is_free(on, who.org, DeviceTypeId::from_uuid(before.id), &new.name).await?;
        let after = device_type::Model {
            name_key: name_key(&new.name),
            name: new.name,
            description: new.description,
            table_name: new.table,
            fields: to_json(&new.fields),
            decoder: new.decoder.map(|decoder| decoder.as_str().to_owned()),
            version: before.version.saturating_add(1),
            ..before.clone()
        };
        let row = device_type::ActiveModel {
            name: Set(after.name.clone()),
            name_key: Set(after.name_key.clone()),
            description: Set(after.description.clone()),
            table_name: Set(after.table_name.clone()),
            fields: Set(after.fields.clone()),
            decoder: Set(after.decoder.clone()),
            version: Set(after.version),
            ..Default::default()
        };
        device_type::Entity::update_many()
            .set(row)
            .filter(device_type::Column::Id.eq(after.id))
            .filter(device_type::Column::OrgId.eq(after.org_id))
            .exec(on)
            .await?;
        let change = Change::new("changed", "device_type", &before.name).before(facts(&before)).after(facts(&after));
        self.record(on, who, change).await?;
        Ok(after.into())
    }

    /// Deletes a type that no device has.
    pub async fn delete_device_type(
        &self,
        who: &Principal,
        id: DeviceTypeId,
        version: i64,
    ) -> Result<(), MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let row = self.type_row(&transaction, who.org, id).await?;
        if row.version != version {
            return Err(RegistryError::TypeChanged(Box::new(row.into())).into());
        }
        let of_type = device::Entity::find()
            .filter(device::Column::OrgId.eq(row.org_id))
            .filter(device::Column::TypeId.eq(row.id));
        let count = of_type.clone().count(&transaction).await?;
        if count > 0 {
            let names: Vec<String> = of_type
                .select_only()
                .column(device::Column::Name)
                .order_by_asc(device::Column::NameKey)
                .limit(NAMED)
                .into_tuple()
                .all(&transaction)
                .await?;
            return Err(RegistryError::TypeInUse { count, names }.into());
        }
        device_type::Entity::delete_many()
            .filter(device_type::Column::Id.eq(row.id))
            .filter(device_type::Column::OrgId.eq(row.org_id))
            .exec(&transaction)
            .await?;
        self.record(&transaction, who, Change::new("deleted", "device_type", &row.name).before(facts(&row))).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Fails if a type other than this one has the name.
pub(crate) async fn type_name_is_free(
    on: &impl ConnectionTrait,
    org: OrgId,
    id: DeviceTypeId,
    name: &str,
) -> Result<(), MetadataError> {
    let taken = device_type::Entity::find()
        .filter(device_type::Column::OrgId.eq(*org.as_uuid()))
        .filter(device_type::Column::NameKey.eq(name_key(name)))
        .filter(device_type::Column::Id.ne(*id.as_uuid()))
        .one(on)
        .await?;
    match taken {
        Some(taken) => Err(RegistryError::NameTaken { what: "device type", name: taken.name }.into()),
        None => Ok(()),
    }
}

/// Checks a type and removes white space around its name.
pub(crate) fn check_type(new: NewType) -> Result<NewType, MetadataError> {
    let name = check_name("device type", &new.name)?.to_owned();
    check_description("device type", &new.description)?;
    validate_name(&new.table)
        .map_err(|error| wrong("the table of the device type cannot be used", error.to_string()))?;
    if new.fields.len() > MAX_FIELDS {
        let rule = format!("a device type has at most {MAX_FIELDS} (MAX_FIELDS, a fixed limit)");
        return Err(wrong(format!("{} fields are too many", new.fields.len()), rule));
    }
    let mut names = HashSet::new();
    for field in &new.fields {
        check_field(field)?;
        if !names.insert(field.name.as_str()) {
            return Err(wrong(format!("field {} stands there twice", shown(&field.name)), "name each once"));
        }
    }
    Ok(NewType { name, ..new })
}

fn check_field(field: &TypeField) -> Result<(), MetadataError> {
    let shown = shown(&field.name);
    validate_column_name(&field.name)
        .map_err(|error| wrong(format!("the name of field {shown} cannot be used"), error.to_string()))?;
    let display_name = &field.display_name;
    if display_name.chars().count() > MAX_NAME || display_name.chars().any(char::is_control) {
        let rule = format!("use at most {MAX_NAME} characters (MAX_NAME, a fixed limit), without control characters");
        return Err(wrong(format!("the display name of field {shown} cannot be used"), rule));
    }
    // UCUM, section 2: codes are of printable ASCII characters without spaces.
    if field.unit.len() > MAX_UNIT || !field.unit.bytes().all(|byte| byte.is_ascii_graphic()) {
        let rule = format!(
            "use a UCUM code such as Cel, % or m/s: at most {MAX_UNIT} printable ASCII characters (MAX_UNIT, a fixed limit) \
             without spaces"
        );
        return Err(wrong(format!("the unit of field {shown} cannot be used"), rule));
    }
    let is_finite = [field.min, field.max].into_iter().flatten().all(f64::is_finite);
    let is_range = field.min.zip(field.max).is_none_or(|(min, max)| min <= max);
    if !is_finite || !is_range {
        let rule = "give a smallest value that is not above the largest one, or leave either out";
        return Err(wrong(format!("the range of field {shown} cannot be used"), rule));
    }
    Ok(())
}

impl fmt::Display for NewType {
    /// A line for each fact, for people and for differences.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, description, table, fields, decoder } = self;
        writeln!(f, "name: {name}")?;
        writeln!(f, "table: {table}")?;
        writeln!(f, "decoder: {}", decoder.map_or("none", Decoder::as_str))?;
        for line in description.lines() {
            writeln!(f, "description: {line}")?;
        }
        for TypeField { name, display_name, unit, min, max } in fields {
            write!(f, "field {name}: {display_name:?}")?;
            if !unit.is_empty() {
                write!(f, ", unit {unit}")?;
            }
            if let Some(min) = min {
                write!(f, ", min {min}")?;
            }
            if let Some(max) = max {
                write!(f, ", max {max}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// What the record of changes says about a type.
fn facts(row: &device_type::Model) -> Value {
    json!({
        "name": row.name,
        "description": row.description,
        "table": row.table_name,
        "fields": from_json::<Value>(&row.fields),
        "decoder": row.decoder,
    })
}

impl From<DeviceType> for NewType {
    fn from(of: DeviceType) -> Self {
        let DeviceType { name, description, table, fields, decoder, id: _, version: _, created_at_ms: _ } = of;
        Self { name, description, table, fields, decoder }
    }
}

impl From<device_type::Model> for DeviceType {
    fn from(row: device_type::Model) -> Self {
        Self {
            id: DeviceTypeId::from_uuid(row.id),
            fields: from_json(&row.fields),
            decoder: row.decoder.as_deref().and_then(Decoder::from_word),
            name: row.name,
            description: row.description,
            table: row.table_name,
            version: row.version,
            created_at_ms: row.created_at_ms,
        }
    }
}
