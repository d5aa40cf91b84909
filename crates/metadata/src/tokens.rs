//! API tokens of programs and devices.
//!
//! A token acts for its organisation with the rights of an editor, narrowed by its own flags and, where it names one,
//! to a single database; it never manages tokens. One that belongs to a device of the registry only writes, and only as that
//! device ([`crate::registry`]); it is managed there. A key for devices only writes, for the device that each reading names
//! ([`crate::inbox`]). A token may have a time from which on it is refused. The one made at the first start for containers and
//! scripts is an administrator.

use std::sync::Arc;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};
use sensorium_model::{
    ActingDevice, Action, DatabaseName, DatabaseScope, DeviceId, OrgId, Principal, Subject, TokenId, UserId,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Change;
use crate::entity::{api_token, device, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::token_cache::Found;
use crate::{scram, secrets};

/// How stale `last_used_at_ms` may be: a write per token and minute at most.
const USED_EVERY_MS: i64 = 60_000;
/// The most tokens of one organisation.
const MAX_PER_ORGANISATION: u64 = 10_000;
/// The longest name, in characters.
const MAX_NAME: usize = 100;
/// How many characters of a secret are shown to tell tokens apart.
const HINT: usize = 8;
/// The fewest characters of a token that someone brings along.
const MIN_BOOTSTRAP: usize = 1;

/// A token to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for, 1 to 100 characters.
    pub name: String,
    /// Limits it to one database.
    pub database: Option<DatabaseName>,
    /// Whether it may read.
    pub can_read: bool,
    /// Whether it may write.
    pub can_write: bool,
    /// It is refused from then on, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
    /// Whether it is a key for devices: it writes for the device that each reading names, and does nothing else.
    pub for_devices: bool,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// The id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// The one database that it is good for.
    pub database: Option<DatabaseName>,
    /// Whether it may read.
    pub can_read: bool,
    /// Whether it may write.
    pub can_write: bool,
    /// When it was created, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// The login of whoever created it; none for the server itself.
    pub created_by: Option<String>,
    /// When it was last used, exact to a minute.
    pub last_used_at_ms: Option<i64>,
    /// The beginning of the secret.
    pub hint: String,
    /// It is refused from then on, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
    /// Whether it is a key for devices.
    pub for_devices: bool,
}

impl Metadata {
    /// Accepts an all-access token of this value, if there is neither a token nor a user yet; true if it was created.
    pub async fn bootstrap_token(&self, secret: &str) -> Result<bool, MetadataError> {
        let secret = secret.trim();
        if secret.len() < MIN_BOOTSTRAP || secret.chars().any(|character| character.is_whitespace()) {
            let rule = "give one without spaces that is hard to guess";
            return Err(MetadataError::Invalid { what: "the bootstrap token cannot be used", rule });
        }
        let transaction = self.begin().await?;
        let tokens = api_token::Entity::find().count(&transaction).await?;
        let users = user::Entity::find().count(&transaction).await?;
        if tokens + users > 0 {
            return Ok(false);
        }
        let who = Principal::system(self.org());
        let name = "bootstrap".to_owned();
        let new =
            NewToken { name, database: None, can_read: true, can_write: true, expires_at_ms: None, for_devices: false };
        let row = self.row(&who, new, secret, user::Role::Administrator, None);
        self.record(&transaction, &who, Change::created("token", &row.name)).await?;
        api_token::Entity::insert(api_token::ActiveModel::from(row)).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Accepts a token that is kept in memory only and acts for the server itself, until this process ends.
    pub fn accept_local_token(&self, secret: &str) {
        self.token_cache().accept_local(secrets::fingerprint(secret), self.org());
    }

    /// Who a token belongs to; none if it is unknown, revoked or too old, or belongs to a device that may not write.
    pub async fn authenticate_token(&self, secret: &str) -> Result<Option<Principal>, MetadataError> {
        let now_ms = self.now_ms();
        let fingerprint = secrets::fingerprint(secret);
        if let Some(principal) = self.token_cache().find(&fingerprint, now_ms) {
            return Ok(Some(principal));
        }
        let generation = self.token_cache().generation();
        let row = api_token::Entity::find()
            .filter(api_token::Column::Secret.eq(secrets::text(&fingerprint)))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .one(self.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let Some(principal) = self.principal_of(&row, Some(secret)).await? else { return Ok(None) };
        let token = TokenId::from_uuid(row.id);
        let found = Found { token, principal: principal.clone(), expires_at_ms: row.expires_at_ms };
        self.token_cache().remember(generation, fingerprint, found, now_ms);
        Ok(Some(principal))
    }

    /// Who a token that is not revoked belongs to; none if it is too old, or belongs to a device that may not write. Counts as use
    /// of the token, with which one of an older version learns what it is proven with ([`crate::scram`]).
    pub(crate) async fn principal_of(
        &self,
        row: &api_token::Model,
        secret: Option<&str>,
    ) -> Result<Option<Principal>, MetadataError> {
        let now_ms = self.now_ms();
        if row.expires_at_ms.is_some_and(|expires| expires <= now_ms) {
            return Ok(None);
        }
        let Some(mut principal) = principal(row) else { return Ok(None) };
        if let Some(device) = row.device_id {
            let Some(acting) = self.as_device(principal, device).await? else { return Ok(None) };
            principal = acting;
        }
        let scram = secret.filter(|_| row.scram.is_none()).map(scram::verifier);
        if scram.is_some() || is_use_to_note(row.last_used_at_ms, now_ms) {
            let mut used = api_token::ActiveModel { last_used_at_ms: Set(Some(now_ms)), ..Default::default() };
            if scram.is_some() {
                used.scram = Set(scram);
            }
            let noted = api_token::Entity::update_many()
                .set(used)
                .filter(api_token::Column::Id.eq(row.id))
                .filter(api_token::Column::OrgId.eq(row.org_id))
                .exec(self.db())
                .await;
            if let Err(error) = noted {
                // Reading must go on when the disk is full.
                tracing::warn!(%error, "it could not be noted when a token was used");
            }
        }
        Ok(Some(principal))
    }

    /// A principal as the device that its credential belongs to; none if that may not write, or is gone.
    pub(crate) async fn as_device(
        &self,
        principal: Principal,
        device: Uuid,
    ) -> Result<Option<Principal>, MetadataError> {
        let device = device::Entity::find_by_id(device)
            .filter(device::Column::OrgId.eq(*principal.org.as_uuid()))
            .filter(device::Column::Enabled.eq(true))
            .one(self.db())
            .await?;
        Ok(device.map(|device| Principal {
            device: Some(Arc::new(ActingDevice { id: DeviceId::from_uuid(device.id), name: device.name.into() })),
            made_by: device.added_by.map(UserId::from_uuid),
            ..principal
        }))
    }

    /// Creates a token in the caller's organisation; the secret is returned here and kept nowhere.
    pub async fn create_token(&self, who: &Principal, new: NewToken) -> Result<(TokenInfo, String), MetadataError> {
        if !who.allows(Action::ManageOwnTokens) && !who.allows(Action::ManageTokens) {
            return Err(MetadataError::Denied("this credential may not create API tokens; sign in as an editor"));
        }
        let new = NewToken { name: new.name.trim().to_owned(), ..new };
        check(who, &new)?;
        check_expiry(new.expires_at_ms, self.now_ms())?;
        let creator = match who.subject {
            Subject::User(..) => self.account(who).await?.user,
            Subject::Token(_) | Subject::System | Subject::Anonymous => None,
        };
        let secret = secrets::token();
        let creator = creator.map(|user| (*user.id.as_uuid(), user.login));
        let row = self.row(who, new, &secret, user::Role::Editor, creator);
        let described = described(&row);
        let transaction = self.begin().await?;
        // The entry comes first: a transaction that begins with a write waits for others instead of failing.
        self.record(&transaction, who, Change::created("token", &row.name).after(described)).await?;
        self.is_still_there(&transaction, who).await?;
        let present = api_token::Entity::find()
            .filter(api_token::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .filter(api_token::Column::DeviceId.is_null())
            .count(&transaction)
            .await?;
        if present >= MAX_PER_ORGANISATION {
            let rule = "an organisation has at most 10,000; revoke some that are not used";
            return Err(MetadataError::Invalid { what: "too many API tokens", rule });
        }
        api_token::Entity::insert(api_token::ActiveModel::from(row.clone()))
            .exec_without_returning(&transaction)
            .await?;
        transaction.commit().await?;
        Ok((info(row), secret))
    }

    /// The tokens of the caller's organisation but for those of devices, newest first: all for administrators, one's own for
    /// editors.
    pub async fn tokens(&self, who: &Principal) -> Result<Vec<TokenInfo>, MetadataError> {
        let rows = api_token::Entity::find()
            .filter(api_token::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .filter(api_token::Column::DeviceId.is_null())
            .filter(mine(who)?)
            .order_by_desc(api_token::Column::CreatedAtMs)
            .order_by_desc(api_token::Column::Id)
            .all(self.db())
            .await?;
        Ok(rows.into_iter().map(info).collect())
    }

    /// Revokes a token of the caller's organisation: any for administrators, one's own for editors. Once this returns,
    /// the token is refused.
    pub async fn revoke_token(&self, who: &Principal, token: TokenId) -> Result<(), MetadataError> {
        let now_ms = self.now_ms();
        let transaction = self.begin().await?;
        let revoked = api_token::ActiveModel { revoked_at_ms: Set(Some(now_ms)), ..Default::default() };
        let done = api_token::Entity::update_many()
            .set(revoked)
            .filter(api_token::Column::Id.eq(*token.as_uuid()))
            .filter(api_token::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(api_token::Column::RevokedAtMs.is_null())
            .filter(api_token::Column::DeviceId.is_null())
            .filter(mine(who)?)
            .exec(&transaction)
            .await?;
        if done.rows_affected == 0 {
            return Err(MetadataError::Missing("API token"));
        }
        self.record(&transaction, who, Change::new("revoked", "token", &token.to_string())).await?;
        transaction.commit().await?;
        self.token_cache().revoke(&[token]);
        Ok(())
    }

    /// Fails if the caller is a person who was suspended or changed since the request began. Asked after a write, so that a
    /// suspension at the same time cannot leave a token behind.
    pub(crate) async fn is_still_there(&self, on: &impl ConnectionTrait, who: &Principal) -> Result<(), MetadataError> {
        match who.subject {
            Subject::User(id, _) if !self.user_is_active(on, who.org, id, who.role).await? => {
                Err(MetadataError::Denied("this account was changed in the meantime; sign in again"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn row(
        &self,
        who: &Principal,
        new: NewToken,
        secret: &str,
        role: user::Role,
        creator: Option<(Uuid, String)>,
    ) -> api_token::Model {
        let (created_by, created_by_name) = creator.unzip();
        // A short secret that someone chose is not shown at all.
        let hint =
            if secret.starts_with(secrets::TOKEN_PREFIX) { secret.chars().take(HINT).collect() } else { String::new() };
        api_token::Model {
            id: Self::new_id(),
            org_id: *who.org.as_uuid(),
            name: new.name,
            secret: secrets::text(&secrets::fingerprint(secret)),
            hint,
            database_name: new.database.map(String::from),
            can_read: new.can_read,
            can_write: new.can_write,
            role,
            created_by,
            created_by_name,
            created_at_ms: self.now_ms(),
            last_used_at_ms: None,
            revoked_at_ms: None,
            device_id: None,
            expires_at_ms: new.expires_at_ms,
            for_devices: new.for_devices,
            scram: Some(scram::verifier(secret)),
        }
    }
}

/// Whether it is to be noted that something was used now.
pub(crate) fn is_use_to_note(last_used_at_ms: Option<i64>, now_ms: i64) -> bool {
    last_used_at_ms.is_none_or(|used| used <= now_ms.saturating_sub(USED_EVERY_MS))
}

/// What the record of changes says about a token.
pub(crate) fn described(row: &api_token::Model) -> Value {
    json!({
        "database": row.database_name,
        "can_read": row.can_read,
        "can_write": row.can_write,
        "expires_at_ms": row.expires_at_ms,
        "for_devices": row.for_devices,
    })
}

/// Refuses a token that would never work.
pub(crate) fn check_expiry(expires_at_ms: Option<i64>, now_ms: i64) -> Result<(), MetadataError> {
    if expires_at_ms.is_some_and(|expires| expires <= now_ms) {
        let rule = "give a time that is to come, or leave it out";
        return Err(MetadataError::Invalid { what: "the token would expire in the past", rule });
    }
    Ok(())
}

/// Checks a new token against the rules and against what its creator may do.
pub(crate) fn check(who: &Principal, new: &NewToken) -> Result<(), MetadataError> {
    let characters = new.name.chars().count();
    if !(1..=MAX_NAME).contains(&characters) || new.name.chars().any(char::is_control) {
        let rule = "give it a name of 1 to 100 characters that says what it is for";
        return Err(MetadataError::Invalid { what: "the name of the token cannot be used", rule });
    }
    if !new.can_read && !new.can_write {
        return Err(MetadataError::Invalid { what: "the token would be useless", rule: "let it read, write or both" });
    }
    if new.for_devices && (new.can_read || !new.can_write) {
        let rule = "let it write, and not read";
        return Err(MetadataError::Invalid { what: "a key for devices only writes", rule });
    }
    let within = match (&who.databases, &new.database) {
        (DatabaseScope::All, _) => true,
        (DatabaseScope::One(only), Some(wanted)) => only == wanted,
        (DatabaseScope::One(_), None) => false,
    };
    if (new.can_read && !who.can_read) || (new.can_write && !who.can_write) || !within {
        return Err(MetadataError::Denied("a token cannot do more than the one who creates it"));
    }
    Ok(())
}

/// Which tokens a caller may see and revoke.
fn mine(who: &Principal) -> Result<Expr, MetadataError> {
    if who.allows(Action::ManageTokens) {
        return Ok(Expr::value(true));
    }
    match who.subject {
        Subject::User(id, _) if who.allows(Action::ManageOwnTokens) => {
            Ok(api_token::Column::CreatedBy.eq(*id.as_uuid()))
        }
        _ => Err(MetadataError::Denied("this credential may not manage API tokens; sign in as an editor")),
    }
}

/// Who a stored token is; none if it names a database that no longer follows the rules.
fn principal(row: &api_token::Model) -> Option<Principal> {
    let databases = match &row.database_name {
        None => DatabaseScope::All,
        Some(name) => DatabaseScope::One(DatabaseName::new(name).ok()?),
    };
    Some(Principal {
        org: OrgId::from_uuid(row.org_id),
        subject: Subject::Token(TokenId::from_uuid(row.id)),
        role: row.role.into(),
        can_read: row.can_read,
        can_write: row.can_write,
        databases,
        device: None,
        made_by: row.created_by.map(UserId::from_uuid),
        for_devices: row.for_devices,
    })
}

pub(crate) fn info(row: api_token::Model) -> TokenInfo {
    TokenInfo {
        id: TokenId::from_uuid(row.id),
        name: row.name,
        database: row.database_name.and_then(|name| DatabaseName::new(&name).ok()),
        can_read: row.can_read,
        can_write: row.can_write,
        created_at_ms: row.created_at_ms,
        created_by: row.created_by_name,
        last_used_at_ms: row.last_used_at_ms,
        hint: row.hint,
        expires_at_ms: row.expires_at_ms,
        for_devices: row.for_devices,
    }
}
