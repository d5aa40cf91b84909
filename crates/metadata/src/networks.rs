//! Wi-Fi networks of an organisation, which devices are made for.
//!
//! Editors see, make, change and use them; no API token does, because what is filled into a device must not get at its password
//! again. A password is sealed ([`crate::sealed`]), never shown, and leaves only through [`Metadata::use_network`], which is on record.
//!
//! Limits: [`MAX_NETWORKS`] of one organisation; names of [`MAX_NAME`] characters, SSIDs of 32 bytes (IEEE 802.11, section 9.4.2.2),
//! passwords of 8 to 63 characters (WPA, appendix J.4).

use std::fmt;

use sea_orm::ActiveValue::NotSet;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};
use sensorium_model::{Action, NetworkId, Principal};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::audit::Change;
use crate::entity::wifi_network;
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::sealed::SealedIn;

/// The most networks of one organisation.
pub const MAX_NETWORKS: u64 = 1_000;
/// The most characters of a network's name.
pub const MAX_NAME: usize = 100;

const SUBJECT: &str = "wifi network";
const ONLY_EDITORS: &str = "only people from editors on see and use Wi-Fi networks, and no API tokens; sign in as one";
const NAME_TAKEN: &str = "another network has this name; choose another one";

/// A network without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The id.
    pub id: NetworkId,
    /// What people call it, unique in the organisation.
    pub name: String,
    /// What it calls itself.
    pub ssid: String,
    /// Whether it has a password; an open one has none.
    pub has_password: bool,
    /// When it was added, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Grows with each change; a change names the one that it was made for.
    pub version: i64,
}

/// A network to add.
#[derive(Clone)]
pub struct NewNetwork {
    /// What people call it.
    pub name: String,
    /// What it calls itself.
    pub ssid: String,
    /// None for an open network.
    pub password: Option<String>,
}

/// What to change of a network; what is `None` stays.
#[derive(Clone, Default)]
pub struct NetworkChange {
    /// The version that the change was made for.
    pub version: i64,
    /// Another name.
    pub name: Option<String>,
    /// Another SSID.
    pub ssid: Option<String>,
    /// Another password, or none.
    pub password: Option<Option<String>>,
}

/// What a device needs to join a network.
#[derive(Clone)]
pub struct NetworkAccess {
    /// What it calls itself.
    pub ssid: String,
    /// None for an open network.
    pub password: Option<Zeroizing<String>>,
}

impl fmt::Debug for NewNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewNetwork").field("name", &self.name).field("ssid", &self.ssid).finish_non_exhaustive()
    }
}

impl fmt::Debug for NetworkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkChange").field("version", &self.version).finish_non_exhaustive()
    }
}

impl fmt::Debug for NetworkAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkAccess").field("ssid", &self.ssid).finish_non_exhaustive()
    }
}

impl From<wifi_network::Model> for Network {
    fn from(row: wifi_network::Model) -> Self {
        Self {
            id: NetworkId::from_uuid(row.id),
            name: row.name,
            ssid: row.ssid,
            has_password: row.password.is_some(),
            created_at_ms: row.created_at_ms,
            version: row.version,
        }
    }
}

impl Metadata {
    /// The networks of the caller's organisation, by name.
    pub async fn networks(&self, who: &Principal) -> Result<Vec<Network>, MetadataError> {
        require(who)?;
        let rows = wifi_network::Entity::find()
            .filter(wifi_network::Column::OrgId.eq(*who.org.as_uuid()))
            .order_by_asc(wifi_network::Column::Name)
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(Network::from).collect())
    }

    /// A network of the caller's organisation.
    pub async fn network(&self, who: &Principal, id: NetworkId) -> Result<Network, MetadataError> {
        require(who)?;
        Ok(self.network_row(self.db(), who, id).await?.into())
    }

    /// Adds a network.
    pub async fn create_network(&self, who: &Principal, new: NewNetwork) -> Result<Network, MetadataError> {
        require(who)?;
        let (org, id) = (*who.org.as_uuid(), Self::new_id());
        let row = wifi_network::Model {
            id,
            org_id: org,
            name: check_network_name(&new.name)?.to_owned(),
            ssid: check_ssid(&new.ssid)?.to_owned(),
            password: self.seal_password(org, id, new.password.as_deref()).await?,
            created_at_ms: self.now_ms(),
            version: 1,
        };
        let transaction = self.begin().await?;
        let change = Change::created(SUBJECT, &row.name).after(facts(&row));
        // The entry comes first: a transaction that begins with a write waits for others instead of failing.
        self.record(&transaction, who, change).await?;
        self.check_name_is_free(&transaction, &row).await?;
        wifi_network::Entity::insert(wifi_network::ActiveModel::from(row.clone()))
            .exec_without_returning(&transaction)
            .await?;
        let count =
            wifi_network::Entity::find().filter(wifi_network::Column::OrgId.eq(org)).count(&transaction).await?;
        if count > MAX_NETWORKS {
            let rule = "an organisation has at most 1,000 (a fixed limit); delete some that are no more";
            return Err(MetadataError::Invalid { what: "too many Wi-Fi networks", rule });
        }
        transaction.commit().await?;
        Ok(row.into())
    }

    /// Changes a network.
    pub async fn change_network(
        &self,
        who: &Principal,
        id: NetworkId,
        change: NetworkChange,
    ) -> Result<Network, MetadataError> {
        require(who)?;
        let before = self.network_row(self.db(), who, id).await?;
        let mut after = before.clone();
        if let Some(name) = &change.name {
            check_network_name(name)?.clone_into(&mut after.name);
        }
        if let Some(ssid) = &change.ssid {
            check_ssid(ssid)?.clone_into(&mut after.ssid);
        }
        if let Some(password) = &change.password {
            after.password = self.seal_password(before.org_id, before.id, password.as_deref()).await?;
        }
        after.version = change.version.saturating_add(1);
        let row = wifi_network::ActiveModel {
            name: Set(after.name.clone()),
            ssid: Set(after.ssid.clone()),
            password: if change.password.is_some() { Set(after.password.clone()) } else { NotSet },
            version: Set(after.version),
            ..Default::default()
        };
        let transaction = self.begin().await?;
        let done = wifi_network::Entity::update_many()
            .set(row)
            .filter(this(who, id))
            .filter(wifi_network::Column::Version.eq(change.version))
            // What was read, and is recorded as before, is what is replaced.
            .filter(wifi_network::Column::Version.eq(before.version))
            .exec(&transaction)
            .await;
        let done = match done {
            Err(error) if is_name_taken(&error) => return Err(MetadataError::Conflict(NAME_TAKEN)),
            done => done?,
        };
        if done.rows_affected != 1 {
            drop(transaction);
            return Err(MetadataError::NetworkChanged(Box::new(self.network(who, id).await?)));
        }
        let mut described = facts(&after);
        if let (Some(_), Value::Object(members)) = (&change.password, &mut described) {
            members.insert("password_changed".to_owned(), Value::Bool(true));
        }
        let change = Change::new("changed", SUBJECT, &after.name).before(facts(&before)).after(described);
        self.record(&transaction, who, change).await?;
        transaction.commit().await?;
        Ok(after.into())
    }

    /// Deletes a network; devices that were made for it keep what they have.
    pub async fn delete_network(&self, who: &Principal, id: NetworkId, version: i64) -> Result<(), MetadataError> {
        require(who)?;
        let before = self.network_row(self.db(), who, id).await?;
        let transaction = self.begin().await?;
        let done = wifi_network::Entity::delete_many()
            .filter(this(who, id))
            .filter(wifi_network::Column::Version.eq(version))
            .exec(&transaction)
            .await?;
        if done.rows_affected != 1 {
            drop(transaction);
            return Err(MetadataError::NetworkChanged(Box::new(self.network(who, id).await?)));
        }
        self.record(&transaction, who, Change::new("deleted", SUBJECT, &before.name).before(facts(&before))).await?;
        Ok(transaction.commit().await?)
    }

    /// What a device needs to join a network; on record as used for `purpose`.
    pub async fn use_network(
        &self,
        who: &Principal,
        id: NetworkId,
        purpose: &str,
    ) -> Result<NetworkAccess, MetadataError> {
        require(who)?;
        let row = self.network_row(self.db(), who, id).await?;
        let password = match &row.password {
            Some(sealed) => {
                let opened = self.unseal(place(row.org_id, row.id), sealed).await?;
                let text = std::str::from_utf8(&opened).map_err(|_| MetadataError::Sealed(SUBJECT))?;
                Some(Zeroizing::new(text.to_owned()))
            }
            None => None,
        };
        let change = Change::new("used", SUBJECT, &row.name).after(json!({ "purpose": purpose }));
        self.record(self.db(), who, change).await?;
        Ok(NetworkAccess { ssid: row.ssid, password })
    }

    async fn network_row(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        id: NetworkId,
    ) -> Result<wifi_network::Model, MetadataError> {
        let found = wifi_network::Entity::find().filter(this(who, id)).one(on).await?;
        found.ok_or(MetadataError::Missing("Wi-Fi network"))
    }

    async fn check_name_is_free(
        &self,
        on: &impl ConnectionTrait,
        row: &wifi_network::Model,
    ) -> Result<(), MetadataError> {
        let same = wifi_network::Entity::find()
            .filter(wifi_network::Column::OrgId.eq(row.org_id))
            .filter(wifi_network::Column::Name.eq(row.name.as_str()));
        if same.count(on).await? > 0 { Err(MetadataError::Conflict(NAME_TAKEN)) } else { Ok(()) }
    }

    async fn seal_password(
        &self,
        org: Uuid,
        row: Uuid,
        password: Option<&str>,
    ) -> Result<Option<String>, MetadataError> {
        let Some(password) = password else { return Ok(None) };
        check_password(password)?;
        self.seal(place(org, row), password.as_bytes()).await.map(Some)
    }
}

fn require(who: &Principal) -> Result<(), MetadataError> {
    if who.allows(Action::ManageNetworks) { Ok(()) } else { Err(MetadataError::Denied(ONLY_EDITORS)) }
}

fn this(who: &Principal, id: NetworkId) -> Condition {
    Condition::all()
        .add(wifi_network::Column::Id.eq(*id.as_uuid()))
        .add(wifi_network::Column::OrgId.eq(*who.org.as_uuid()))
}

fn place(org: Uuid, row: Uuid) -> SealedIn {
    SealedIn { table: "wifi_network", column: "password", org, row }
}

fn is_name_taken(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}

/// What the record of changes says about a network.
fn facts(row: &wifi_network::Model) -> Value {
    json!({ "name": row.name, "ssid": row.ssid, "has_password": row.password.is_some() })
}

fn check_network_name(name: &str) -> Result<&str, MetadataError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let rule = "choose one of 1 to 100 characters (a fixed limit), without control characters";
        return Err(MetadataError::Invalid { what: "the name of the network cannot be used", rule });
    }
    Ok(name)
}

fn check_ssid(ssid: &str) -> Result<&str, MetadataError> {
    if ssid.is_empty() || ssid.len() > 32 || ssid.chars().any(char::is_control) {
        let rule = "a network calls itself something of 1 to 32 bytes, without control characters";
        return Err(MetadataError::Invalid { what: "the SSID cannot be right", rule });
    }
    Ok(ssid)
}

fn check_password(password: &str) -> Result<(), MetadataError> {
    let is_printable = password.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !(8..=63).contains(&password.len()) || !is_printable {
        let rule = "it has 8 to 63 characters, letters of English, digits and signs; send null for an open network";
        return Err(MetadataError::Invalid { what: "the password of the network cannot be right", rule });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ssids_and_passwords_have_the_limits_of_the_standards() {
        assert_eq!(check_network_name(" Attic ").unwrap(), "Attic");
        assert!(check_network_name(" ").is_err() && check_network_name(&"x".repeat(101)).is_err());
        assert!(check_ssid(&"é".repeat(16)).is_ok() && check_ssid(&"é".repeat(17)).is_err());
        assert!(check_ssid("").is_err() && check_ssid("a\nb").is_err() && check_ssid(" a ").is_ok());
        for right in ["12345678", &"x".repeat(63), "with 'all' the \"signs\" ~"] {
            assert!(check_password(right).is_ok(), "{right}");
        }
        for wrong in ["", "1234567", &"x".repeat(64), "pässword1", "tab\there"] {
            assert!(check_password(wrong).is_err(), "{wrong}");
        }
    }
}
