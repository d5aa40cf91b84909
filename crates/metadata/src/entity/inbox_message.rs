//! What devices sent that are not in the registry.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub newcomer_id: Uuid,
    pub database_name: String,
    /// The recognised format.
    pub format: String,
    /// JSON: how the body is to be read; the edge that kept it understands it.
    pub reading: String,
    pub body: String,
    /// The length of the body.
    pub bytes: i64,
    pub received_at_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
