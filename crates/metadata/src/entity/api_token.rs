//! API tokens; revoked ones stay, so that the audit table keeps its meaning.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub name: String,
    /// Fingerprint of the secret.
    #[sea_orm(unique)]
    pub secret: String,
    /// The beginning of the secret.
    pub hint: String,
    /// The one database that it is good for; null means all.
    pub database_name: Option<String>,
    pub can_read: bool,
    pub can_write: bool,
    pub role: super::user::Role,
    /// The user who created it; null for the server itself.
    pub created_by: Option<Uuid>,
    /// The login of that user, as it was then.
    pub created_by_name: Option<String>,
    pub created_at_ms: i64,
    pub last_used_at_ms: Option<i64>,
    pub revoked_at_ms: Option<i64>,
    /// The device that it belongs to.
    pub device_id: Option<Uuid>,
    /// It is refused from then on; null means never.
    pub expires_at_ms: Option<i64>,
    /// Writes for the device that each reading names, and does nothing else.
    pub for_devices: bool,
    /// What the secret is proven with without being sent; null until a token of an older version is used.
    pub scram: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
