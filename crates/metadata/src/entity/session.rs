//! Signed-in browsers.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub user_id: Uuid,
    /// Fingerprint of the current secret.
    #[sea_orm(unique)]
    pub secret: String,
    /// Fingerprint of the secret before, still accepted until `previous_until_ms`.
    pub previous: Option<String>,
    pub previous_until_ms: i64,
    /// When the current secret was made.
    pub rotated_at_ms: i64,
    /// Whether the browser has used the current secret, so that the one before is no longer needed.
    pub confirmed: bool,
    pub created_at_ms: i64,
    pub last_seen_ms: i64,
    pub expires_at_ms: i64,
    /// The address that signed in.
    pub address: Option<String>,
    /// What the browser called itself.
    pub user_agent: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
