//! Classes of people, with the quotas of each person in one.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "person_class")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub name: String,
    /// In lower case; unique in the organisation.
    pub name_key: String,
    /// Null bounds nothing; so do the other quotas.
    pub devices: Option<i64>,
    pub points_per_second: Option<i64>,
    pub retention_days: Option<i64>,
    pub storage_bytes: Option<i64>,
    /// Grows with each change.
    pub version: i64,
    pub created_at_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
