//! The first administrator.
//!
//! While there is none, every start makes a new one-time code, shows it to whoever can read the server's terminal, and
//! keeps its fingerprint. Whoever sends the code back names the organisation and becomes its owner. The code is
//! consumed by the same transaction, so that of two who send it one succeeds.

use std::fmt;

use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sensorium_model::{Principal, Role, UserId};

use crate::account::check_organisation;
use crate::client::Client;
use crate::entity::{organisation, setup, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::secrets;
use crate::sessions::SignedIn;
use crate::users::NewUser;

/// The only row's id.
const ROW: i32 = 1;
/// The key under which wrong codes are counted; no login can be empty.
const ATTEMPTS: &str = "";

/// The first administrator as sent.
#[derive(Clone)]
pub struct SetUp {
    /// The one-time code.
    pub code: String,
    /// The organisation's name.
    pub organisation: String,
    /// The administrator's login.
    pub login: String,
    /// The administrator's password.
    pub password: String,
}

impl fmt::Debug for SetUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetUp").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Metadata {
    /// Whether there is no administrator yet.
    pub async fn setup_needed(&self) -> Result<bool, MetadataError> {
        let administrators = [user::Role::Administrator.to_value(), user::Role::Owner.to_value()];
        let count = user::Entity::find()
            .filter(user::Column::Role.is_in(administrators))
            .filter(user::Column::Status.eq(user::Status::Active))
            .count(self.db())
            .await?;
        Ok(count == 0)
    }

    /// Makes a new code if one is needed, and forgets the one before.
    pub(crate) async fn renew_setup_code(&self) -> Result<Option<String>, MetadataError> {
        let transaction = self.begin().await?;
        setup::Entity::delete_many().exec(&transaction).await?;
        if !self.setup_needed().await? {
            transaction.commit().await?;
            return Ok(None);
        }
        let code = secrets::setup_code();
        let row = setup::ActiveModel {
            id: Set(ROW),
            code: Set(secrets::text(&secrets::fingerprint(&code))),
            created_at_ms: Set(self.now_ms()),
        };
        setup::Entity::insert(row).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(Some(code))
    }

    /// Creates the first administrator and signs in.
    pub async fn set_up(&self, request: SetUp, client: impl Into<Client>) -> Result<SignedIn, MetadataError> {
        let client = client.into();
        let peer = client.address;
        self.attempts()
            .begin(ATTEMPTS, peer, self.now_ms())
            .map_err(|retry_after| MetadataError::TooManyAttempts { retry_after })?;
        let Some(stored) = setup::Entity::find_by_id(ROW).one(self.db()).await? else {
            self.attempts().abandon(ATTEMPTS, peer);
            return Err(MetadataError::SetUpDone);
        };
        let sent = secrets::text(&secrets::fingerprint(&normal_code(&request.code)));
        if !secrets::equal(&sent, &stored.code) {
            return Err(MetadataError::WrongSetupCode);
        }
        self.attempts().succeed(ATTEMPTS, peer);
        let organisation = check_organisation(&request.organisation)?;
        let new = NewUser { login: request.login, password: request.password, role: Role::Owner };
        let owner = self.prepare_user(self.org(), new).await?;

        let transaction = self.begin().await?;
        let consumed = setup::Entity::delete_many().filter(setup::Column::Code.eq(sent)).exec(&transaction).await?;
        if consumed.rows_affected != 1 {
            return Err(MetadataError::SetUpDone);
        }
        let org = self.org();
        let named = organisation::ActiveModel { name: Set(organisation.to_owned()), ..Default::default() };
        organisation::Entity::update_many()
            .set(named)
            .filter(organisation::Column::Id.eq(*org.as_uuid()))
            .exec(&transaction)
            .await?;
        let who = Principal::user(org, UserId::from_uuid(owner.id), None, Role::Owner);
        self.insert_user(&transaction, &who, &owner).await?;
        transaction.commit().await?;
        self.start_session(&owner, &client).await
    }
}

/// People type codes with spaces around them, in capitals, or without the dashes.
pub(crate) fn normal_code(code: &str) -> String {
    let letters: Vec<char> = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_understood_as_people_type_them() {
        let code = secrets::setup_code();
        assert_eq!(normal_code(&code), code);
        assert_eq!(normal_code(&format!(" {} ", code.to_uppercase())), code);
        assert_eq!(normal_code(&code.replace('-', "")), code);
    }
}
