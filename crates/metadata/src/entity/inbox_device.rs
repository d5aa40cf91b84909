//! Devices that write with a key for devices and are not in the registry.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_device")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    /// What it calls itself.
    pub name: String,
    /// In lower case; unique in the organisation.
    pub name_key: String,
    /// The database that it wrote to last.
    pub database_name: String,
    /// The format of what it sent last.
    pub format: String,
    /// The network address that it sent from last.
    pub address: String,
    pub first_seen_ms: i64,
    pub last_seen_ms: i64,
    /// How many messages came, kept ones and others.
    pub messages: i64,
    /// Whether what it sends is refused.
    pub ignored: bool,
    /// The device that takes what is kept.
    pub adopted_as: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
