//! What devices were asked to do.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_command")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub device_id: Uuid,
    pub name: String,
    /// A JSON object.
    pub arguments: String,
    /// `queued`, `delivered`, `answered` or `failed`; one that has expired keeps what it was.
    pub status: String,
    /// JSON.
    pub result: Option<String>,
    /// The login or the name of the token of whoever asked.
    pub requested_by: Option<String>,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
    pub delivered_at_ms: Option<i64>,
    pub answered_at_ms: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
