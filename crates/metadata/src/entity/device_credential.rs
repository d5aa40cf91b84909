//! Pre-shared keys and client certificates of devices; revoked ones stay until their device goes, without their keys.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_credential")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub device_id: Uuid,
    /// `psk` or `x509`.
    pub kind: String,
    /// The identity of a key, or the SHA-256 fingerprint of a certificate; of what is not revoked, unique on the server.
    pub identity: String,
    /// The sealed key; null for certificates and once it is revoked.
    pub secret: Option<String>,
    /// Whom a certificate names; null for keys.
    pub subject: Option<String>,
    /// A certificate says itself that it is not good after this; null for keys.
    pub not_after_ms: Option<i64>,
    /// What it is for.
    pub label: String,
    pub created_at_ms: i64,
    /// The login of whoever added it, as it was then; null for the server itself.
    pub created_by_name: Option<String>,
    /// It is refused from then on; null means never.
    pub expires_at_ms: Option<i64>,
    pub last_used_at_ms: Option<i64>,
    pub revoked_at_ms: Option<i64>,
}

impl Model {
    /// Whether it is not too old.
    pub(crate) fn is_good_at(&self, now_ms: i64) -> bool {
        self.expires_at_ms.is_none_or(|expires| now_ms < expires) && self.not_after_ms.is_none_or(|last| now_ms <= last)
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
