//! People as a provider of OpenID Connect knows them: at most one row per user and issuer.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "external_identity")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub user_id: Uuid,
    /// Which provider, as it calls itself.
    pub issuer: String,
    /// Who there; with the issuer unique in the whole installation.
    pub subject: String,
    /// The e-mail address that the provider told when it was linked; only shown.
    pub email: Option<String>,
    pub created_at_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
