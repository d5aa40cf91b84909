//! Kinds of devices.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_type")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub name: String,
    /// In lower case; unique in the organisation.
    pub name_key: String,
    pub description: String,
    /// The table that devices of this type write to.
    pub table_name: String,
    /// JSON: a list of what such a device measures.
    pub fields: String,
    /// `auto`, `json` or `line_protocol`; null if nothing is decoded.
    pub decoder: Option<String>,
    /// Grows with each change.
    pub version: i64,
    pub created_at_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
