//! Adding organisations and people.

use std::fmt;

use sea_orm::{ActiveEnum, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sensorium_model::{Action, OrgId, Principal, Role, Subject, UserId};
use serde_json::json;

use crate::account::{check_login, check_organisation, login_key, role_name};
use crate::audit::Change;
use crate::entity::{organisation, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::password;

/// A person to add.
#[derive(Clone)]
pub struct NewUser {
    /// Unique in the whole installation, without regard to case.
    pub login: String,
    /// The first password.
    pub password: String,
    /// What the person is in the organisation; not more than the one who adds them.
    pub role: Role,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("login", &self.login).field("role", &self.role).finish_non_exhaustive()
    }
}

impl Metadata {
    /// Adds an organisation; only the server itself may.
    pub async fn create_organisation(&self, who: &Principal, name: &str) -> Result<OrgId, MetadataError> {
        if who.subject != Subject::System {
            return Err(MetadataError::Denied("organisations are created on the server itself"));
        }
        let name = check_organisation(name)?;
        let org = OrgId::from_uuid(Self::new_id());
        let row = organisation::ActiveModel {
            id: Set(*org.as_uuid()),
            name: Set(name.to_owned()),
            created_at_ms: Set(self.now_ms()),
        };
        let transaction = self.begin().await?;
        organisation::Entity::insert(row).exec_without_returning(&transaction).await?;
        self.record(&transaction, &Principal::system(org), Change::created("organisation", name)).await?;
        transaction.commit().await?;
        Ok(org)
    }

    /// Adds a person to the caller's organisation; administrators only.
    pub async fn create_user(&self, who: &Principal, new: NewUser) -> Result<UserId, MetadataError> {
        if !who.allows(Action::ManagePeople(new.role)) {
            return Err(MetadataError::Denied("only administrators add people, and only up to their own role"));
        }
        let user = self.prepare_user(who.org, new).await?;
        let transaction = self.begin().await?;
        self.insert_user(&transaction, who, &user).await?;
        transaction.commit().await?;
        Ok(UserId::from_uuid(user.id))
    }

    /// Checks a person and hashes the password.
    pub(crate) async fn prepare_user(&self, org: OrgId, new: NewUser) -> Result<user::Model, MetadataError> {
        check_login(&new.login)?;
        password::check_rules(&new.login, &new.password)?;
        Ok(user::Model {
            id: Self::new_id(),
            org_id: *org.as_uuid(),
            login_key: login_key(&new.login),
            login: new.login,
            role: new.role.into(),
            status: user::Status::Active,
            password: self.passwords().hash(&new.password).await?,
            created_at_ms: self.now_ms(),
            name: String::new(),
            version: 1,
            class_id: None,
            email: None,
            email_confirmed_at_ms: None,
            email_code: None,
            email_code_expires_at_ms: None,
        })
    }

    /// Inserts a prepared person and records it.
    pub(crate) async fn insert_user(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        user: &user::Model,
    ) -> Result<(), MetadataError> {
        let described = json!({
            "name": user.name, "role": role_name(user.role.into()), "status": user.status.to_value(),
        });
        let change = Change::created("user", &user.login).after(described);
        // The entry comes first: a transaction that begins with a write waits for others instead of failing.
        self.record(on, who, change).await?;
        let taken = user::Entity::find().filter(user::Column::LoginKey.eq(user.login_key.as_str())).count(on).await?;
        if taken > 0 {
            return Err(MetadataError::LoginTaken);
        }
        user::Entity::insert(user::ActiveModel::from(user.clone())).exec_without_returning(on).await?;
        Ok(())
    }
}

impl From<Role> for user::Role {
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
