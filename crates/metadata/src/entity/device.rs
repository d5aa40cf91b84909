//! Devices, and what was counted about each.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "device")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    /// The tag `device` of what it writes.
    pub name: String,
    /// In lower case; unique in the organisation.
    pub name_key: String,
    /// What it calls itself when it writes with a key for devices, in lower case; unique in the organisation. Null means its name.
    pub writes_as: Option<String>,
    pub type_id: Option<Uuid>,
    /// JSON: texts by name.
    pub attributes: String,
    /// JSON: texts by name.
    pub tags: String,
    pub enabled: bool,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// The place on whose plan it is.
    pub place_id: Option<Uuid>,
    /// From the left of the plan, 0 to 1.
    pub place_x: Option<f64>,
    /// From the top of the plan, 0 to 1.
    pub place_y: Option<f64>,
    /// The person who added it, or made the API token that did.
    pub added_by: Option<Uuid>,
    /// Grows with each change, but not with what is counted.
    pub version: i64,
    pub created_at_ms: i64,
    /// 0 means never, so that all engines sort it alike.
    pub last_seen_ms: i64,
    pub rows_accepted: i64,
    pub messages: i64,
    pub errors: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
