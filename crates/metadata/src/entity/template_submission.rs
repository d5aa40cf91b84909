//! Versions of templates that people submitted.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "template_submission")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    /// The id of the template, the same for all its versions.
    pub template: String,
    /// The version, from 1.
    pub number: i32,
    pub title: String,
    /// The template as JSON.
    pub definition: String,
    /// `waiting`, `accepted`, `returned` or `withdrawn`.
    pub status: String,
    /// Null for whoever runs the server.
    pub author_id: Option<Uuid>,
    /// The login as it was then.
    pub author_name: Option<String>,
    pub submitted_at_ms: i64,
    pub reviewer_name: Option<String>,
    pub reviewed_at_ms: Option<i64>,
    pub reason: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
