//! The registry: the devices of an organisation, their types, their API tokens, keys and certificates, and what is counted about
//! them.
//!
//! Invariants:
//! - a change names the version that it was made for, and fails if another one came first;
//! - names of devices, what they write as, and names of types, are unique in an organisation without regard to case;
//! - what a device writes has its name as the tag `device`, because its tokens can write nothing else;
//! - when a change that disables, renames or deletes a device has returned, its tokens, keys and certificates are refused, or write
//!   the new name;
//! - a type that devices have is not deleted;
//! - a command is handed out to its device once, and has one outcome.
//!
//! Limits: [`MAX_DEVICES`] and [`MAX_TYPES`] of one organisation, [`MAX_PAGE`] devices of a listing, [`MAX_DEVICE_TOKENS`] and
//! [`MAX_DEVICE_CREDENTIALS`] of a device, [`MAX_LABELS`] attributes and as many tags, [`MAX_FIELDS`] of a type, and the lengths below; states and commands as in
//! [`documents`], [`state`] and [`commands`], and [`crate::DeviceLimits`].

pub(crate) mod activity;
mod certificate;
mod claims;
pub mod commands;
mod credentials;
mod devices;
pub mod documents;
mod edit;
mod error;
mod import;
mod listing;
mod preshared;
mod rows;
mod shipped;
pub(crate) mod spoken;
pub mod state;
mod tokens;
mod types;
pub(crate) mod waiting;

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use sensorium_model::{ActingDevice, Action, DeviceTypeId, OrgId, Principal};
use uuid::Uuid;

use crate::entity::{device_type, organisation};
use crate::error::MetadataError;
use crate::metadata::Metadata;

pub use activity::MAX_PENDING;
pub use certificate::CertificateFingerprint;
pub use claims::{ClaimInfo, Claimed};
pub use commands::{Command, CommandStatus, NewCommand};
pub use credentials::{CredentialInfo, CredentialKind, NewCredential, Proof};
pub use devices::{Device, DeviceChange, DeviceStatus, DeviceTypeRef, Location, NewDevice, Position};
pub use edit::Edit;
pub use error::{LineProblem, Problems, RegistryError};
pub use import::{Import, ImportRow, Imported, PlaceOnPlan};
pub use listing::{DeviceCursor, DeviceQuery, DeviceSort, Standing};
pub use preshared::PreSharedKey;
pub(crate) use rows::check_location;
pub use shipped::shipped_types;
pub use spoken::Wanted;
pub use state::{DeviceState, Document};
pub use tokens::NewDeviceToken;
pub use types::{Decoder, DeviceType, NewType, TypeChange, TypeField};
pub(crate) use types::{check_type, type_name_is_free};
pub use waiting::Until;

/// The most devices of one organisation.
pub const MAX_DEVICES: u64 = 100_000;
/// The most types of one organisation.
pub const MAX_TYPES: u64 = 500;
/// The most devices of one page of a listing.
pub const MAX_PAGE: u64 = 1_000;
/// The most API tokens of a device at once: two to change them without a pause, and two to spare.
pub const MAX_DEVICE_TOKENS: u64 = 4;
/// The most pre-shared keys of a device at once, and the most client certificates.
pub const MAX_DEVICE_CREDENTIALS: u64 = 4;
/// The most characters of the name of a device or a type.
pub const MAX_NAME: usize = 100;
/// The most characters of the description of a type or a group.
pub const MAX_DESCRIPTION: usize = 1_000;
/// The most fields of a type.
pub const MAX_FIELDS: usize = 64;
/// The most characters of the unit of a field.
pub const MAX_UNIT: usize = 32;
/// The most attributes of a device, and the most tags.
pub const MAX_LABELS: usize = 32;
/// The most characters of the name of an attribute or a tag.
pub const MAX_LABEL_NAME: usize = 64;
/// The most characters of the value of an attribute or a tag.
pub const MAX_LABEL_VALUE: usize = 256;
/// The most lines of a file of which an import tells what is wrong.
pub const MAX_PROBLEMS: usize = 100;

/// Short texts by name.
pub type Labels = BTreeMap<String, String>;

pub(crate) fn may_read(who: &Principal) -> Result<(), MetadataError> {
    if who.allows(Action::ReadDevices) {
        return Ok(());
    }
    Err(MetadataError::Denied("this credential may not see devices; sign in, or use a token that reads all databases"))
}

pub(crate) fn may_manage(who: &Principal) -> Result<(), MetadataError> {
    if who.allows(Action::ManageDevices) {
        return Ok(());
    }
    Err(MetadataError::Denied("this credential may not change devices and their types; sign in as an editor"))
}

/// The device that calls with a token of its own.
pub(crate) fn acting(who: &Principal) -> Result<&ActingDevice, MetadataError> {
    let device = who.device.as_deref().filter(|_| who.allows(Action::ActAsDevice));
    device.ok_or(MetadataError::Denied("only a device does this, with an API token of its own"))
}

pub(crate) fn wrong(what: impl Into<String>, rule: impl Into<String>) -> MetadataError {
    RegistryError::Wrong { what: what.into(), rule: rule.into() }.into()
}

/// What two names have in common that are the same without regard to case.
pub(crate) fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// Checks the name of a device, a type or a group and removes white space around it.
pub(crate) fn check_name<'n>(what: &str, name: &'n str) -> Result<&'n str, MetadataError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let rule = format!("use 1 to {MAX_NAME} characters (MAX_NAME, a fixed limit), without control characters");
        return Err(wrong(format!("the name of the {what} cannot be used"), rule));
    }
    Ok(name)
}

/// Checks the description of a type or a group.
pub(crate) fn check_description(what: &str, description: &str) -> Result<(), MetadataError> {
    let is_fit = |character: char| !character.is_control() || character == '\n';
    if description.chars().count() > MAX_DESCRIPTION || !description.chars().all(is_fit) {
        let rule = format!(
            "use at most {MAX_DESCRIPTION} characters (MAX_DESCRIPTION, a fixed limit), without control characters but for \
             line breaks"
        );
        return Err(wrong(format!("the description of the {what} cannot be used"), rule));
    }
    Ok(())
}

/// Checks attributes or tags.
fn check_labels(what: &str, labels: &Labels) -> Result<(), MetadataError> {
    if labels.len() > MAX_LABELS {
        let rule = format!("a device has at most {MAX_LABELS} (MAX_LABELS, a fixed limit)");
        return Err(wrong(format!("{} {what}s are too many", labels.len()), rule));
    }
    for (name, value) in labels {
        if name.is_empty() || name.chars().count() > MAX_LABEL_NAME || name.chars().any(char::is_control) {
            let rule = format!(
                "use 1 to {MAX_LABEL_NAME} characters (MAX_LABEL_NAME, a fixed limit), without control characters"
            );
            return Err(wrong(format!("the name of {what} {} cannot be used", shown(name)), rule));
        }
        if value.chars().count() > MAX_LABEL_VALUE || value.chars().any(char::is_control) {
            let rule = format!(
                "use at most {MAX_LABEL_VALUE} characters (MAX_LABEL_VALUE, a fixed limit), without control characters"
            );
            return Err(wrong(format!("the value of {what} {} cannot be used", shown(name)), rule));
        }
    }
    Ok(())
}

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(MAX_NAME).collect::<String>())
}

/// JSON that was written by this crate; what cannot be read counts as nothing.
fn from_json<T: serde::de::DeserializeOwned + Default>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_default()
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    // Maps of texts and lists of plain values always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

impl Metadata {
    /// Begins a change of an organisation's registry: it waits until other changes of it are done, so that what is read from
    /// now on stays true until the commit. A transaction that begins with a write waits for others instead of failing.
    pub(crate) async fn claim_registry(&self, on: &impl ConnectionTrait, org: OrgId) -> Result<(), MetadataError> {
        use sea_orm::sea_query::Expr;
        let claimed = organisation::Entity::update_many()
            .col_expr(organisation::Column::Name, Expr::col(organisation::Column::Name))
            .filter(organisation::Column::Id.eq(*org.as_uuid()))
            .exec(on)
            .await?;
        if claimed.rows_affected == 1 { Ok(()) } else { Err(MetadataError::Missing("organisation")) }
    }

    /// The names of types of an organisation.
    async fn type_names(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        ids: impl IntoIterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, String>, MetadataError> {
        let ids: std::collections::BTreeSet<Uuid> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let names: Vec<(Uuid, String)> = device_type::Entity::find()
            .select_only()
            .column(device_type::Column::Id)
            .column(device_type::Column::Name)
            .filter(device_type::Column::OrgId.eq(*org.as_uuid()))
            .filter(device_type::Column::Id.is_in(ids))
            .into_tuple()
            .all(on)
            .await?;
        Ok(names.into_iter().collect())
    }

    /// A type of the caller's organisation, on the connection that needs it.
    async fn type_row(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: DeviceTypeId,
    ) -> Result<device_type::Model, MetadataError> {
        self.known_type(on, org, id).await?.ok_or(MetadataError::Missing("device type"))
    }

    /// The same; none if there is no such type.
    pub(crate) async fn known_type(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: DeviceTypeId,
    ) -> Result<Option<device_type::Model>, MetadataError> {
        let found = device_type::Entity::find_by_id(*id.as_uuid())
            .filter(device_type::Column::OrgId.eq(*org.as_uuid()))
            .one(on)
            .await?;
        Ok(found)
    }
}
