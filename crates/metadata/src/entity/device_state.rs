//! What devices are to be like, and what they say that they are.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_state")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: Uuid,
    pub org_id: Uuid,
    /// A JSON object.
    pub desired: String,
    /// Grows with each change; 0 before the first.
    pub desired_version: i64,
    pub desired_at_ms: Option<i64>,
    /// A JSON object.
    pub reported: String,
    /// Grows with each report; 0 before the first.
    pub reported_version: i64,
    pub reported_at_ms: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
