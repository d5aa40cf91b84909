//! What devices have beside API tokens to prove who they are: pre-shared keys (RFC 4279) and X.509 client certificates.
//!
//! Who connects with one is the device, as with one of its tokens: the same principal comes of it. A key is sealed
//! ([`crate::sealed`]) because both sides need it as it is; of a certificate only its fingerprint is kept, and nothing secret.
//!
//! Invariants:
//! - what is not revoked has an identity that nothing else of its kind has on the server, because it is looked up by that alone;
//! - once a revocation returned, or a change that disables or deletes the device, it is refused: each look-up reads the table;
//! - a revoked key is not kept.
//!
//! Limit: [`MAX_DEVICE_CREDENTIALS`] of each kind.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};
use sensorium_model::{CredentialId, DatabaseScope, DeviceId, OrgId, Principal, Role, Subject, TokenId};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::certificate::{Certificate, CertificateFingerprint};
use super::preshared::{self, PreSharedKey};
use super::tokens::may_manage_tokens;
use super::{MAX_DEVICE_CREDENTIALS, wrong};
use crate::audit::Change;
use crate::entity::device_credential;
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::sealed::SealedIn;
use crate::tokens::is_use_to_note;

const SUBJECT: &str = "device_credential";
/// The longest label, in characters.
const MAX_LABEL: usize = 100;

/// How a device proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A key that both sides know.
    PreSharedKey,
    /// A certificate of the device's own key.
    Certificate,
}

impl CredentialKind {
    /// As it is stored: `psk` or `x509`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreSharedKey => "psk",
            Self::Certificate => "x509",
        }
    }

    fn stored(text: &str) -> Result<Self, MetadataError> {
        let known = [Self::PreSharedKey, Self::Certificate];
        known.into_iter().find(|kind| kind.as_str() == text).ok_or(MetadataError::Unreadable("kind of a credential"))
    }

    const fn too_many(self) -> &'static str {
        match self {
            Self::PreSharedKey => {
                "a device has at most 4 pre-shared keys at once (MAX_DEVICE_CREDENTIALS, a fixed limit); revoke one that is not used"
            }
            Self::Certificate => {
                "a device has at most 4 client certificates at once (MAX_DEVICE_CREDENTIALS, a fixed limit); revoke one that is not used"
            }
        }
    }

    const fn taken(self) -> &'static str {
        match self {
            Self::PreSharedKey => {
                "another pre-shared key has this identity; choose another one, or leave it out to have one made"
            }
            Self::Certificate => "this certificate belongs to a device already; revoke it there, or make another one",
        }
    }
}

/// A credential without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialInfo {
    /// The id.
    pub id: CredentialId,
    /// How the device proves who it is.
    pub kind: CredentialKind,
    /// What it is looked up by: the identity of a key, or the fingerprint of a certificate ([`CertificateFingerprint`]).
    pub identity: String,
    /// What it is for.
    pub label: String,
    /// Whom a certificate names.
    pub subject: Option<String>,
    /// A certificate says itself that it is not good after this, in milliseconds since the epoch.
    pub not_after_ms: Option<i64>,
    /// When it was added, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// The login of whoever added it; none for the server itself.
    pub created_by: Option<String>,
    /// When it was last used, exact to a minute.
    pub last_used_at_ms: Option<i64>,
    /// It is refused from then on, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
}

/// What a new credential proves its device with.
#[derive(Clone)]
pub enum Proof {
    /// A key; what is left out is made.
    PreSharedKey {
        /// 1 to 64 printable characters of ASCII without spaces, unique on the server.
        identity: Option<String>,
        /// 16 to 64 bytes in hexadecimal digits.
        key: Option<Zeroizing<String>>,
    },
    /// A certificate.
    Certificate {
        /// In PEM form, and nothing else with it.
        pem: String,
    },
}

/// A credential to add to a device.
#[derive(Clone)]
pub struct NewCredential {
    /// What it is for, 1 to 100 characters.
    pub label: String,
    /// It is refused from then on, in milliseconds since the epoch.
    pub expires_at_ms: Option<i64>,
    /// What proves the device.
    pub proof: Proof,
}

impl Metadata {
    /// Adds a credential to a device; its key, if it has one, is returned here and shown to nobody again.
    pub async fn create_device_credential(
        &self,
        who: &Principal,
        device: DeviceId,
        new: NewCredential,
    ) -> Result<(CredentialInfo, Option<PreSharedKey>), MetadataError> {
        may_manage_tokens(who)?;
        let now_ms = self.now_ms();
        let (row, key) = self.new_credential(who.org, device, new).await?;
        let kind = CredentialKind::stored(&row.kind)?;
        let creator = self.account(who).await?.user.map(|user| user.login);
        let row = device_credential::Model { created_by_name: creator, ..row };
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let of = self.device_row(&transaction, who.org, device).await?;
        self.is_still_there(&transaction, who).await?;
        // Those that are too old make room.
        let too_old = Condition::any()
            .add(device_credential::Column::ExpiresAtMs.lte(now_ms))
            .add(device_credential::Column::NotAfterMs.lt(now_ms));
        self.end_credentials(&transaction, this_kind(&row).add(too_old)).await?;
        let present = device_credential::Entity::find().filter(this_kind(&row)).count(&transaction).await?;
        if present >= MAX_DEVICE_CREDENTIALS {
            return Err(MetadataError::Conflict(kind.too_many()));
        }
        let added = device_credential::Entity::insert(device_credential::ActiveModel::from(row.clone()))
            .exec_without_returning(&transaction)
            .await;
        match added {
            Err(error) if is_taken(&error) => return Err(MetadataError::Conflict(kind.taken())),
            added => added?,
        };
        self.record(&transaction, who, Change::created(SUBJECT, &of.name).after(described(&row))).await?;
        transaction.commit().await?;
        Ok((info(row)?, key))
    }

    /// The credentials of a device that were not revoked, newest first; those that are too old are among them.
    pub async fn device_credentials(
        &self,
        who: &Principal,
        device: DeviceId,
    ) -> Result<Vec<CredentialInfo>, MetadataError> {
        may_manage_tokens(who)?;
        self.device_row(self.db(), who.org, device).await?;
        let rows = device_credential::Entity::find()
            .filter(of_device(*who.org.as_uuid(), *device.as_uuid()))
            .order_by_desc(device_credential::Column::CreatedAtMs)
            .order_by_desc(device_credential::Column::Id)
            .all(self.db())
            .await?;
        rows.into_iter().map(info).collect()
    }

    /// Revokes a credential of a device. Once this returns, it is refused.
    pub async fn revoke_device_credential(
        &self,
        who: &Principal,
        device: DeviceId,
        credential: CredentialId,
    ) -> Result<(), MetadataError> {
        may_manage_tokens(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let of = self.device_row(&transaction, who.org, device).await?;
        let this = of_device(of.org_id, of.id).add(device_credential::Column::Id.eq(*credential.as_uuid()));
        let found = device_credential::Entity::find().filter(this.clone()).one(&transaction).await?;
        let row = found.ok_or(MetadataError::Missing("credential"))?;
        self.end_credentials(&transaction, this).await?;
        let change = Change::new("revoked", SUBJECT, &of.name).before(described(&row));
        self.record(&transaction, who, change).await?;
        Ok(transaction.commit().await?)
    }

    /// The key of an identity, and the device that it belongs to; none if there is no such key, or it is revoked or too old, or its
    /// device may not write. Counts as use of the key.
    pub async fn device_by_psk(&self, identity: &str) -> Result<Option<(PreSharedKey, Principal)>, MetadataError> {
        // PostgreSQL takes no U+0000.
        if !preshared::is_identity(identity) {
            return Ok(None);
        }
        let found = self.credential_in_use(CredentialKind::PreSharedKey, identity).await?;
        let Some((row, principal)) = found else { return Ok(None) };
        let sealed = row.secret.as_deref().ok_or(MetadataError::Sealed(SUBJECT))?;
        let key = self.unseal(place(row.org_id, row.id), sealed).await?;
        Ok(Some((PreSharedKey::from_bytes(key), principal)))
    }

    /// The device that a certificate belongs to, whose key the peer has proven to have; none if there is none, or the certificate is
    /// revoked or too old, or its device may not write.
    pub async fn device_by_certificate(
        &self,
        fingerprint: &CertificateFingerprint,
    ) -> Result<Option<Principal>, MetadataError> {
        let found = self.credential_in_use(CredentialKind::Certificate, fingerprint.as_str()).await?;
        Ok(found.map(|(_, principal)| principal))
    }

    /// A credential that is good, and its device; notes that it was used.
    async fn credential_in_use(
        &self,
        kind: CredentialKind,
        identity: &str,
    ) -> Result<Option<(device_credential::Model, Principal)>, MetadataError> {
        let now_ms = self.now_ms();
        let row = device_credential::Entity::find()
            .filter(device_credential::Column::Kind.eq(kind.as_str()))
            .filter(device_credential::Column::Identity.eq(identity))
            .filter(device_credential::Column::RevokedAtMs.is_null())
            .one(self.db())
            .await?;
        let Some(row) = row.filter(|row| row.is_good_at(now_ms)) else { return Ok(None) };
        let Some(principal) = self.as_device(principal(&row), row.device_id).await? else { return Ok(None) };
        if is_use_to_note(row.last_used_at_ms, now_ms) {
            let used = device_credential::ActiveModel { last_used_at_ms: Set(Some(now_ms)), ..Default::default() };
            let noted = device_credential::Entity::update_many()
                .set(used)
                .filter(device_credential::Column::Id.eq(row.id))
                .filter(device_credential::Column::OrgId.eq(row.org_id))
                .exec(self.db())
                .await;
            if let Err(error) = noted {
                // Reading must go on when the disk is full.
                tracing::warn!(%error, "it could not be noted when a credential of a device was used");
            }
        }
        Ok(Some((row, principal)))
    }

    /// Revokes the credentials that a condition of one organisation names, and forgets their keys.
    async fn end_credentials(&self, on: &impl ConnectionTrait, which: Condition) -> Result<(), MetadataError> {
        let revoked = device_credential::ActiveModel {
            revoked_at_ms: Set(Some(self.now_ms())),
            secret: Set(None),
            ..Default::default()
        };
        device_credential::Entity::update_many().set(revoked).filter(which).exec(on).await?;
        Ok(())
    }

    /// Checks a credential, and makes its row.
    async fn new_credential(
        &self,
        org: OrgId,
        device: DeviceId,
        new: NewCredential,
    ) -> Result<(device_credential::Model, Option<PreSharedKey>), MetadataError> {
        let (id, now_ms) = (Self::new_id(), self.now_ms());
        if new.expires_at_ms.is_some_and(|expires| expires <= now_ms) {
            let rule = "give a time that is to come, or leave it out";
            return Err(MetadataError::Invalid { what: "the credential would expire in the past", rule });
        }
        let label = check_label(&new.label)?.to_owned();
        let row = |kind: CredentialKind, identity: String| device_credential::Model {
            id,
            org_id: *org.as_uuid(),
            device_id: *device.as_uuid(),
            kind: kind.as_str().to_owned(),
            identity,
            secret: None,
            subject: None,
            not_after_ms: None,
            label,
            created_at_ms: now_ms,
            created_by_name: None,
            expires_at_ms: new.expires_at_ms,
            last_used_at_ms: None,
            revoked_at_ms: None,
        };
        match new.proof {
            Proof::PreSharedKey { identity, key } => {
                let identity = identity.unwrap_or_else(preshared::new_identity);
                preshared::check_identity(&identity)?;
                let key = match key {
                    Some(key) => PreSharedKey::from_hex(&key)?,
                    None => PreSharedKey::new(),
                };
                let mut row = row(CredentialKind::PreSharedKey, identity);
                row.secret = Some(self.seal(place(row.org_id, id), key.as_bytes()).await?);
                Ok((row, Some(key)))
            }
            Proof::Certificate { pem } => {
                let Certificate { fingerprint, subject, not_after_ms } = Certificate::from_pem(&pem, now_ms)?;
                let mut row = row(CredentialKind::Certificate, fingerprint.as_str().to_owned());
                row.subject = Some(subject);
                row.not_after_ms = Some(not_after_ms);
                Ok((row, None))
            }
        }
    }
}

fn check_label(label: &str) -> Result<&str, MetadataError> {
    let label = label.trim();
    if label.is_empty() || label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
        let rule = format!("say in 1 to {MAX_LABEL} characters (MAX_LABEL, a fixed limit) what it is for");
        return Err(wrong("the label of the credential cannot be used", rule));
    }
    Ok(label)
}

/// Who connects with a credential, but for the device.
fn principal(row: &device_credential::Model) -> Principal {
    Principal {
        org: OrgId::from_uuid(row.org_id),
        subject: Subject::Token(TokenId::from_uuid(row.id)),
        role: Role::Viewer,
        can_read: false,
        can_write: true,
        databases: DatabaseScope::All,
        device: None,
        made_by: None,
        for_devices: false,
    }
}

/// What is not revoked of a device.
fn of_device(org: Uuid, device: Uuid) -> Condition {
    Condition::all()
        .add(device_credential::Column::OrgId.eq(org))
        .add(device_credential::Column::DeviceId.eq(device))
        .add(device_credential::Column::RevokedAtMs.is_null())
}

/// What a device has of the kind of a row.
fn this_kind(row: &device_credential::Model) -> Condition {
    of_device(row.org_id, row.device_id).add(device_credential::Column::Kind.eq(row.kind.as_str()))
}

fn place(org: Uuid, row: Uuid) -> SealedIn {
    SealedIn { table: SUBJECT, column: "secret", org, row }
}

fn is_taken(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}

/// What the record of changes says about a credential.
fn described(row: &device_credential::Model) -> Value {
    json!({
        "kind": row.kind,
        "identity": row.identity,
        "label": row.label,
        "subject": row.subject,
        "not_after_ms": row.not_after_ms,
        "expires_at_ms": row.expires_at_ms,
    })
}

fn info(row: device_credential::Model) -> Result<CredentialInfo, MetadataError> {
    Ok(CredentialInfo {
        id: CredentialId::from_uuid(row.id),
        kind: CredentialKind::stored(&row.kind)?,
        identity: row.identity,
        label: row.label,
        subject: row.subject,
        not_after_ms: row.not_after_ms,
        created_at_ms: row.created_at_ms,
        created_by: row.created_by_name,
        last_used_at_ms: row.last_used_at_ms,
        expires_at_ms: row.expires_at_ms,
    })
}
