//! Versions of templates and types of devices that people submitted.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "submission")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    /// The id of the template or type, the same for all its versions.
    pub subject: String,
    /// The version, from 1.
    pub number: i32,
    pub title: String,
    /// The template or type as JSON.
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
    /// `template` or `type`.
    pub kind: String,
    /// The version of the type that it changes; null for new types and templates.
    pub base_version: Option<i64>,
    /// That version as JSON.
    pub base: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
