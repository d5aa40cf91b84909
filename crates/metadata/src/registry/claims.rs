//! Claim links of devices: whoever sets a device up opens the link, or scans it, and gets an API token of the device without an account.
//!
//! A link holds 256 random bits, of which the fingerprint is stored. It is good for
//! [`MetadataConfig::claim_lifetime`](crate::MetadataConfig), and once: the transaction that makes the token consumes it. A device has at
//! most one; another takes its place. Wrong, used, revoked and old links are refused in the same words, and counted as failed attempts.

use std::fmt;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sensorium_model::{DatabaseName, DeviceId, OrgId, Principal};
use serde_json::json;

use super::tokens::may_manage_tokens;
use crate::audit::Change;
use crate::client::Client;
use crate::config::millis;
use crate::entity::device_claim;
use crate::error::MetadataError;
use crate::links::NewLink;
use crate::metadata::Metadata;
use crate::secrets;
use crate::tokens::{self, NewToken};

/// The key under which wrong links are counted; no login holds a colon.
const ATTEMPTS: &str = ":claim";
/// What the record of changes calls it.
const SUBJECT: &str = "claim link";

/// What whoever claims a device gets; the secret is here and nowhere else.
#[derive(Clone)]
pub struct Claimed {
    /// The name of the device.
    pub device: String,
    /// The table of its type, if it has one.
    pub table: Option<String>,
    /// The one database that the token is good for.
    pub database: Option<String>,
    /// The API token.
    pub token: String,
}

impl fmt::Debug for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed").field("device", &self.device).finish_non_exhaustive()
    }
}

/// A claim link that is out, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimInfo {
    /// The one database that the token will be good for.
    pub database: Option<String>,
    /// When it was made, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Until when it is good, in milliseconds since the epoch.
    pub expires_at_ms: i64,
}

impl Metadata {
    /// Makes a claim link of a device, in the place of the one that is out.
    pub async fn issue_claim(
        &self,
        who: &Principal,
        device: DeviceId,
        database: Option<DatabaseName>,
    ) -> Result<NewLink, MetadataError> {
        may_manage_tokens(who)?;
        tokens::check(who, &claimed_token(database.clone()))?;
        let now_ms = self.now_ms();
        let expires_at_ms = now_ms.saturating_add(millis(self.config().claim_lifetime));
        let link = NewLink { secret: secrets::session(), expires_at_ms };
        let creator = self.account(who).await?.user.map(|user| user.login);
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let of = self.device_row(&transaction, who.org, device).await?;
        self.is_still_there(&transaction, who).await?;
        self.drop_claim(&transaction, who.org, device).await?;
        let row = device_claim::Model {
            id: Self::new_id(),
            org_id: of.org_id,
            device_id: of.id,
            database_name: database.map(String::from),
            secret: secrets::text(&secrets::fingerprint(&link.secret)),
            created_by_name: creator,
            created_at_ms: now_ms,
            expires_at_ms,
        };
        let described = json!({"database": row.database_name, "good_until_ms": expires_at_ms});
        device_claim::Entity::insert(device_claim::ActiveModel::from(row)).exec_without_returning(&transaction).await?;
        self.record(&transaction, who, Change::created(SUBJECT, &of.name).after(described)).await?;
        transaction.commit().await?;
        Ok(link)
    }

    /// The claim link of a device that is out.
    pub async fn claim_link(&self, who: &Principal, device: DeviceId) -> Result<ClaimInfo, MetadataError> {
        may_manage_tokens(who)?;
        self.device_row(self.db(), who.org, device).await?;
        let row = device_claim::Entity::find()
            .filter(device_claim::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(device_claim::Column::DeviceId.eq(*device.as_uuid()))
            .filter(device_claim::Column::ExpiresAtMs.gt(self.now_ms()))
            .one(self.db())
            .await?;
        let row = row.ok_or(MetadataError::Missing(SUBJECT))?;
        let device_claim::Model { database_name: database, created_at_ms, expires_at_ms, .. } = row;
        Ok(ClaimInfo { database, created_at_ms, expires_at_ms })
    }

    /// Makes the claim link of a device useless.
    pub async fn revoke_claim(&self, who: &Principal, device: DeviceId) -> Result<(), MetadataError> {
        may_manage_tokens(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let of = self.device_row(&transaction, who.org, device).await?;
        if self.drop_claim(&transaction, who.org, device).await? == 0 {
            return Err(MetadataError::Missing(SUBJECT));
        }
        self.record(&transaction, who, Change::new("revoked", SUBJECT, &of.name)).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives out an API token of the device that a claim link is for, and consumes the link.
    pub async fn claim(&self, secret: &str, client: impl Into<Client>) -> Result<Claimed, MetadataError> {
        let client = client.into();
        self.attempts()
            .begin(ATTEMPTS, client.address, self.now_ms())
            .map_err(|retry_after| MetadataError::TooManyAttempts { retry_after })?;
        let sent = secrets::text(&secrets::fingerprint(secret.trim()));
        let found = device_claim::Entity::find()
            .filter(device_claim::Column::Secret.eq(sent.as_str()))
            .filter(device_claim::Column::ExpiresAtMs.gt(self.now_ms()))
            .one(self.db())
            .await?;
        let Some(claim) = found else { return Err(MetadataError::WrongClaim) };
        self.attempts().succeed(ATTEMPTS, client.address);
        let org = OrgId::from_uuid(claim.org_id);
        let database = claim.database_name.as_deref().map(DatabaseName::new).transpose();
        let database = database.map_err(|_| MetadataError::Unreadable(SUBJECT))?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, org).await?;
        let consumed = device_claim::Entity::delete_many()
            .filter(device_claim::Column::Id.eq(claim.id))
            .filter(device_claim::Column::OrgId.eq(claim.org_id))
            .filter(device_claim::Column::Secret.eq(sent))
            .exec(&transaction)
            .await?;
        if consumed.rows_affected != 1 {
            return Err(MetadataError::WrongClaim);
        }
        let of = self.device_row(&transaction, org, DeviceId::from_uuid(claim.device_id)).await?;
        if !of.enabled {
            return Err(MetadataError::Conflict("this device is disabled; ask an editor to enable it, and try again"));
        }
        let nobody = Principal::anonymous_writer(org);
        let (row, token) =
            self.add_device_token(&transaction, &nobody, &of, claimed_token(database), claim.created_by_name).await?;
        let described = json!({"token": row.id, "address": client.address.to_string()});
        self.record(&transaction, &nobody, Change::new("claimed", "device", &of.name).after(described)).await?;
        let table = match of.type_id {
            Some(id) => Some(self.type_row(&transaction, org, sensorium_model::DeviceTypeId::from_uuid(id)).await?),
            None => None,
        };
        transaction.commit().await?;
        Ok(Claimed { device: of.name, table: table.map(|row| row.table_name), database: claim.database_name, token })
    }

    /// Removes the claim link of a device; how many there were, 0 or 1.
    pub(super) async fn drop_claim(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        device: DeviceId,
    ) -> Result<u64, MetadataError> {
        let dropped = device_claim::Entity::delete_many()
            .filter(device_claim::Column::OrgId.eq(*org.as_uuid()))
            .filter(device_claim::Column::DeviceId.eq(*device.as_uuid()))
            .exec(on)
            .await?;
        Ok(dropped.rows_affected)
    }
}

/// The token that a claim link gives out.
fn claimed_token(database: Option<DatabaseName>) -> NewToken {
    NewToken {
        name: "claim link".to_owned(),
        database,
        can_read: false,
        can_write: true,
        expires_at_ms: None,
        for_devices: false,
    }
}
