//! Sites, buildings and floors.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "place")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub name: String,
    /// In lower case; unique among those with the same parent.
    pub name_key: String,
    /// `site`, `building` or `floor`.
    pub kind: String,
    pub parent_id: Option<Uuid>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// Of a floor; 0 is the ground.
    pub level: Option<i32>,
    /// In pixels; null without a plan.
    pub plan_width: Option<i32>,
    pub plan_height: Option<i32>,
    pub plan_media_type: Option<String>,
    pub plan_changed_at_ms: Option<i64>,
    pub metres_per_pixel: Option<f64>,
    /// Grows with each change.
    pub version: i64,
    pub created_at_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
