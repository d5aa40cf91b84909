//! People who sign in.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: Uuid,
    /// As it was typed when the user was created.
    pub login: String,
    /// In lower case; unique in the whole installation, because people sign in without naming their organisation. Of a
    /// deleted user something that nobody can have, so that the login is free again.
    #[sea_orm(unique)]
    pub login_key: String,
    pub role: Role,
    pub status: Status,
    /// PHC string; empty while an invitation is out and once the user is deleted. Of a pending one who asked to join: the password that
    /// they chose.
    pub password: String,
    pub created_at_ms: i64,
    /// The person's name; may be empty.
    pub name: String,
    /// Grows with each change of name, role and status.
    pub version: i64,
    /// The class, whose quotas bind the person.
    pub class_id: Option<Uuid>,
    /// In lower case. Not unique: whoever has it may have an account in several organisations.
    pub email: Option<String>,
    /// When it was shown that the person reads what is sent there; until then nothing that gives access goes there.
    pub email_confirmed_at_ms: Option<i64>,
    /// Fingerprint of the secret that confirms the address.
    pub email_code: Option<String>,
    pub email_code_expires_at_ms: Option<i64>,
}

/// What a user is in the organisation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Role {
    #[sea_orm(string_value = "guest")]
    Guest,
    #[sea_orm(string_value = "viewer")]
    Viewer,
    #[sea_orm(string_value = "editor")]
    Editor,
    #[sea_orm(string_value = "administrator")]
    Administrator,
    #[sea_orm(string_value = "owner")]
    Owner,
}

/// Whether a user may sign in.
#[derive(Copy, Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Status {
    #[sea_orm(string_value = "pending")]
    Pending,
    #[sea_orm(string_value = "active")]
    Active,
    #[sea_orm(string_value = "suspended")]
    Suspended,
    #[sea_orm(string_value = "deleted")]
    Deleted,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Role> for sensorium_model::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Guest => Self::Guest,
            Role::Viewer => Self::Viewer,
            Role::Editor => Self::Editor,
            Role::Administrator => Self::Administrator,
            Role::Owner => Self::Owner,
        }
    }
}
