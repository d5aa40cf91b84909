//! At most one row per user: the fingerprint of a link that lets them choose a password.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_link")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    #[sea_orm(unique)]
    pub user_id: Uuid,
    pub purpose: Purpose,
    /// Fingerprint of the secret.
    #[sea_orm(unique)]
    pub secret: String,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
}

/// What a link is for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Purpose {
    #[sea_orm(string_value = "invitation")]
    Invitation,
    #[sea_orm(string_value = "reset")]
    Reset,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
