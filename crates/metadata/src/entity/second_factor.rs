//! At most one row per user: what makes the codes of their second factor.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "second_factor")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    #[sea_orm(unique)]
    pub user_id: Uuid,
    /// Sealed.
    pub secret: String,
    pub created_at_ms: i64,
    /// When the first code was right; until then it does not count.
    pub confirmed_at_ms: Option<i64>,
    /// The step of the last code that was right; only later ones are good.
    pub last_step: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
