//! At most one row per device: the fingerprint of a link that gives out an API token of it, once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_claim")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    #[sea_orm(unique)]
    pub device_id: Uuid,
    /// The one database that the token will be good for; null means all.
    pub database_name: Option<String>,
    /// Fingerprint of the secret.
    #[sea_orm(unique)]
    pub secret: String,
    /// The login of whoever made the link.
    pub created_by_name: Option<String>,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
