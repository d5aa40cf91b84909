//! The API tokens of devices. Such a token writes and speaks as its device, and does nothing else.
//!
//! They belong to the device and not to whoever made them, so they stay when that person leaves. A device has at most
//! [`super::MAX_DEVICE_TOKENS`] at once: make a second one, give it to the device, revoke the first.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};
use sensorium_model::{Action, DatabaseName, DeviceId, Principal, TokenId};
use serde_json::json;

use super::MAX_DEVICE_TOKENS;
use crate::audit::Change;
use crate::entity::{api_token, device, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::secrets;
use crate::tokens::{self, NewToken, TokenInfo};

/// A token to create for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeviceToken {
    /// What it is for, 1 to 100 characters.
    pub name: String,
    /// Limits it to one database.
    pub database: Option<DatabaseName>,
    /// It is refused from then on, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
}

impl Metadata {
    /// Creates a token of a device; the secret is returned here and kept nowhere.
    pub async fn create_device_token(
        &self,
        who: &Principal,
        device: DeviceId,
        new: NewDeviceToken,
    ) -> Result<(TokenInfo, String), MetadataError> {
        may_manage_tokens(who)?;
        let name = new.name.trim().to_owned();
        let expires_at_ms = new.expires_at_ms;
        let new = NewToken {
            name,
            database: new.database,
            can_read: false,
            can_write: true,
            expires_at_ms,
            for_devices: false,
        };
        tokens::check(who, &new)?;
        tokens::check_expiry(new.expires_at_ms, self.now_ms())?;
        let creator = self.account(who).await?.user.map(|user| user.login);
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let of = self.device_row(&transaction, who.org, device).await?;
        self.is_still_there(&transaction, who).await?;
        let (row, secret) = self.add_device_token(&transaction, who, &of, new, creator).await?;
        transaction.commit().await?;
        Ok((tokens::info(row), secret))
    }

    /// Adds a token to a device that has room for one, and records it.
    pub(super) async fn add_device_token(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        of: &device::Model,
        new: NewToken,
        creator: Option<String>,
    ) -> Result<(api_token::Model, String), MetadataError> {
        let now_ms = self.now_ms();
        let secret = secrets::token();
        let row = api_token::Model {
            device_id: Some(of.id),
            created_by_name: creator,
            ..self.row(who, new, &secret, user::Role::Viewer, None)
        };
        let present = api_token::Entity::find()
            .filter(api_token::Column::OrgId.eq(row.org_id))
            .filter(api_token::Column::DeviceId.eq(of.id))
            .filter(api_token::Column::RevokedAtMs.is_null());
        // Tokens that are too old make room.
        let revoked = api_token::ActiveModel { revoked_at_ms: Set(Some(now_ms)), ..Default::default() };
        api_token::Entity::update_many()
            .set(revoked)
            .filter(api_token::Column::OrgId.eq(row.org_id))
            .filter(api_token::Column::DeviceId.eq(of.id))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .filter(api_token::Column::ExpiresAtMs.lte(now_ms))
            .exec(on)
            .await?;
        if present.count(on).await? >= MAX_DEVICE_TOKENS {
            return Err(MetadataError::Conflict(
                "a device has at most 4 API tokens at once (MAX_DEVICE_TOKENS, a fixed limit); revoke one that is not used",
            ));
        }
        api_token::Entity::insert(api_token::ActiveModel::from(row.clone())).exec_without_returning(on).await?;
        let described = json!({"token": row.name, "rights": tokens::described(&row)});
        self.record(on, who, Change::created("device_token", &of.name).after(described)).await?;
        Ok((row, secret))
    }

    /// The tokens of a device that were not revoked, newest first; those that are too old are among them.
    pub async fn device_tokens(&self, who: &Principal, device: DeviceId) -> Result<Vec<TokenInfo>, MetadataError> {
        may_manage_tokens(who)?;
        self.device_row(self.db(), who.org, device).await?;
        let rows = api_token::Entity::find()
            .filter(api_token::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(api_token::Column::DeviceId.eq(*device.as_uuid()))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .order_by_desc(api_token::Column::CreatedAtMs)
            .order_by_desc(api_token::Column::Id)
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(tokens::info).collect())
    }

    /// Revokes a token of a device. Once this returns, the token is refused.
    pub async fn revoke_device_token(
        &self,
        who: &Principal,
        device: DeviceId,
        token: TokenId,
    ) -> Result<(), MetadataError> {
        may_manage_tokens(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let of = self.device_row(&transaction, who.org, device).await?;
        let theirs = api_token::Entity::find_by_id(*token.as_uuid())
            .filter(api_token::Column::OrgId.eq(of.org_id))
            .filter(api_token::Column::DeviceId.eq(of.id))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .one(&transaction)
            .await?;
        let row = theirs.ok_or(MetadataError::Missing("API token"))?;
        let revoked = api_token::ActiveModel { revoked_at_ms: Set(Some(self.now_ms())), ..Default::default() };
        api_token::Entity::update_many()
            .set(revoked)
            .filter(api_token::Column::Id.eq(row.id))
            .filter(api_token::Column::OrgId.eq(row.org_id))
            .exec(&transaction)
            .await?;
        let described = json!({"token": row.name, "rights": tokens::described(&row)});
        self.record(&transaction, who, Change::new("revoked", "device_token", &of.name).before(described)).await?;
        transaction.commit().await?;
        self.token_cache().revoke(&[token]);
        Ok(())
    }
}

pub(super) fn may_manage_tokens(who: &Principal) -> Result<(), MetadataError> {
    if who.allows(Action::ManageDeviceTokens) {
        return Ok(());
    }
    Err(MetadataError::Denied(
        "this credential may not manage API tokens, keys and certificates of devices; sign in as an editor",
    ))
}
