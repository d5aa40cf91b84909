//! Who changed what and when; rows are only ever added.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    pub at_ms: i64,
    /// `user`, `token`, `system` or `anonymous`.
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    /// `created`, `changed`, `deleted`, `revoked`, `signed_in` and so on.
    pub action: String,
    /// What kind of thing it was done to: `database`, `token`, `user`, `session`.
    pub subject: String,
    pub subject_name: String,
    /// JSON, without secrets.
    pub before: Option<String>,
    pub after: Option<String>,
    /// The login or the token's name, as it was then.
    pub actor_name: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
