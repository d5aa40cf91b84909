//! Who a caller is, in words.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use sensorium_model::{OrgId, Principal, Role, Subject, UserId};

use crate::entity::{organisation, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registration::waits;

/// The most characters of a login.
pub const MAX_LOGIN: usize = 64;
/// The most characters of a person's name.
pub const MAX_NAME: usize = 100;
/// The most characters of an organisation's name.
const MAX_ORGANISATION: usize = 100;

/// A caller and its organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The person; none for a token or the server itself.
    pub user: Option<AccountUser>,
    /// The organisation.
    pub org: OrgId,
    /// Its name.
    pub organisation: String,
    /// Whether the caller may write readings.
    pub can_write: bool,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountUser {
    /// The id.
    pub id: UserId,
    /// The login.
    pub login: String,
    /// What the person is in the organisation.
    pub role: Role,
}

/// The stable word for a role.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Guest => "guest",
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Administrator => "administrator",
        Role::Owner => "owner",
    }
}

impl Metadata {
    /// Who a principal is.
    pub async fn account(&self, who: &Principal) -> Result<Account, MetadataError> {
        let organisation = organisation::Entity::find_by_id(*who.org.as_uuid())
            .one(self.db())
            .await?
            .ok_or(MetadataError::Missing("organisation"))?;
        let user = match who.subject {
            Subject::User(id, _) => {
                let row = user::Entity::find_by_id(*id.as_uuid())
                    .filter(user::Column::OrgId.eq(*who.org.as_uuid()))
                    .one(self.db())
                    .await?
                    .ok_or(MetadataError::Missing("user"))?;
                Some(AccountUser { id, login: row.login, role: row.role.into() })
            }
            Subject::Token(_) | Subject::System | Subject::Anonymous => None,
        };
        Ok(Account { user, org: who.org, organisation: organisation.name, can_write: who.can_write })
    }

    /// The active user with a login, in whichever organisation.
    pub(crate) async fn active_user(&self, login: &str) -> Result<Option<user::Model>, MetadataError> {
        Ok(self.known_user(login).await?.filter(|user| user.status == user::Status::Active))
    }

    /// The user with a login who is active, or waits for approval.
    pub(crate) async fn known_user(&self, login: &str) -> Result<Option<user::Model>, MetadataError> {
        // Nobody has it, and PostgreSQL takes no U+0000.
        if check_login(login).is_err() {
            return Ok(None);
        }
        let row = user::Entity::find()
            .filter(user::Column::LoginKey.eq(login_key(login)))
            .filter(Condition::any().add(user::Column::Status.eq(user::Status::Active)).add(waits()))
            .one(self.db())
            .await?;
        Ok(row)
    }
}

/// The form in which logins are unique.
pub(crate) fn login_key(login: &str) -> String {
    login.to_lowercase()
}

/// Checks a new login: 1 to 64 characters without white space, control characters and `:`, which Basic authentication
/// could not carry.
pub(crate) fn check_login(login: &str) -> Result<(), MetadataError> {
    let broken = |rule| Err(MetadataError::Invalid { what: "the login cannot be used", rule });
    if login.is_empty() || login.chars().count() > MAX_LOGIN || login_key(login).chars().count() > MAX_LOGIN {
        return broken("choose one of 1 to 64 characters");
    }
    if login.chars().any(|character| character.is_whitespace() || character.is_control() || character == ':') {
        return broken("choose one without spaces and colons");
    }
    Ok(())
}

/// Checks the name of a person, which may be empty, and removes white space around it.
pub(crate) fn check_name(name: &str) -> Result<&str, MetadataError> {
    let name = name.trim();
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let rule = "use at most 100 characters (a fixed limit), without control characters";
        return Err(MetadataError::Invalid { what: "the name cannot be used", rule });
    }
    Ok(name)
}

/// Checks the name of an organisation and removes white space around it.
pub(crate) fn check_organisation(name: &str) -> Result<&str, MetadataError> {
    let name = name.trim();
    let bad = name.is_empty() || name.chars().count() > MAX_ORGANISATION || name.chars().any(char::is_control);
    if bad {
        let rule = "choose a name of 1 to 100 characters";
        return Err(MetadataError::Invalid { what: "the name of the organisation cannot be used", rule });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_fit_into_basic_authentication() {
        for bad in ["", " ", "a b", "a:b", "a\n", &"x".repeat(65)] {
            assert!(check_login(bad).is_err(), "{bad:?} was accepted");
        }
        for good in ["a", "ada@example.org", "Zoë"] {
            assert!(check_login(good).is_ok(), "{good:?} was refused");
        }
        assert_eq!(check_organisation("  Lab  ").unwrap(), "Lab");
        assert!(check_organisation(" ").is_err());
        assert_eq!(check_name(" <b>Ada</b> ").unwrap(), "<b>Ada</b>");
        assert_eq!(check_name("  ").unwrap(), "");
        assert!(check_name(&"x".repeat(101)).is_err() && check_name("a\u{0}b").is_err());
    }
}
