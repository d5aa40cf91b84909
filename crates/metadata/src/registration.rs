//! People who ask to join by themselves, where the server lets them ([`crate::MetadataConfig::registration`], off by default). They choose
//! a login and a password, and wait as pending until an administrator of the first organisation makes them active, with whatever role and
//! class, or deletes them.
//!
//! Limits: [`MAX_WAITING`] people wait at a time; each is forgotten after [`WAIT`]. Requests of one address are slowed down as
//! failed attempts to sign in are ([`crate::attempts`]), and hashing a password takes its turn with theirs.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Select, Set};
use sensorium_model::{OrgId, Principal, UserId};
use uuid::Uuid;

use crate::account::{check_login, check_name, login_key};
use crate::client::Client;
use crate::config::millis;
use crate::email::check_email;
use crate::entity::user;
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::password;

/// The most people who wait at a time.
pub const MAX_WAITING: u64 = 100;
/// For how long somebody waits; then they may ask again.
pub const WAIT: Duration = Duration::from_secs(30 * 86_400);

/// The key under which requests are counted; no login holds a colon.
const ATTEMPTS: &str = ":registration";

/// Somebody who wants to join.
#[derive(Clone)]
pub struct Registration {
    /// Unique in the whole installation, without regard to case.
    pub login: String,
    /// The name; may be empty.
    pub name: String,
    /// What they will sign in with.
    pub password: String,
    /// Where they want to be told that they were let in; they confirm it later.
    pub email: Option<String>,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("login", &self.login).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Metadata {
    /// Whether people may ask to join: it is set, and there is an administrator to decide.
    pub async fn takes_registrations(&self) -> Result<bool, MetadataError> {
        Ok(self.config().registration && !self.setup_needed().await?)
    }

    /// Takes the wish to join the first organisation; an administrator decides.
    pub async fn register(&self, wish: Registration, client: impl Into<Client>) -> Result<(), MetadataError> {
        if !self.takes_registrations().await? {
            return Err(MetadataError::Denied(
                "nobody joins by themselves here; ask an administrator for an invitation (the setting people.registration is off)",
            ));
        }
        self.begin_joining(client.into().address)?;
        let login = wish.login.trim();
        check_login(login)?;
        password::check_rules(login, &wish.password)?;
        let name = check_name(&wish.name)?;
        let email = check_email(wish.email.as_deref())?;
        let password = self.passwords().hash(&wish.password).await?;
        let row = user::Model { email, ..self.joining(login, name, user::Status::Pending, password) };
        let transaction = self.begin().await?;
        self.insert_joining(&transaction, &row).await?;
        Ok(transaction.commit().await?)
    }

    /// Counts a request to join of an address, or says how long to wait.
    pub(crate) fn begin_joining(&self, address: IpAddr) -> Result<(), MetadataError> {
        self.attempts()
            .begin(ATTEMPTS, address, self.now_ms())
            .map_err(|retry_after| MetadataError::TooManyAttempts { retry_after })
    }

    /// Takes a request to join back that was no burden.
    pub(crate) fn end_joining(&self, address: IpAddr) {
        self.attempts().abandon(ATTEMPTS, address);
    }

    /// A person who joins the first organisation by themselves, with a password and as a viewer until somebody says otherwise.
    pub(crate) fn joining(&self, login: &str, name: &str, status: user::Status, password: String) -> user::Model {
        user::Model {
            id: Self::new_id(),
            org_id: *self.org().as_uuid(),
            login: login.to_owned(),
            login_key: login_key(login),
            role: user::Role::Viewer,
            status,
            created_at_ms: self.now_ms(),
            name: name.to_owned(),
            version: 1,
            class_id: None,
            email: None,
            email_confirmed_at_ms: None,
            email_code: None,
            email_code_expires_at_ms: None,
            password,
        }
    }

    /// Inserts a person who joins by themselves, if there is room.
    pub(crate) async fn insert_joining(
        &self,
        on: &impl ConnectionTrait,
        row: &user::Model,
    ) -> Result<Principal, MetadataError> {
        let itself = Principal::user(self.org(), UserId::from_uuid(row.id), None, row.role.into());
        self.insert_user(on, &itself, row).await?;
        if awaits_approval(row) && waiting(row.org_id).count(on).await? > MAX_WAITING {
            return Err(MetadataError::Conflict(
                "100 people wait for an administrator already (MAX_WAITING, a fixed limit); ask one to decide, or for an invitation",
            ));
        }
        self.check_room_for_people(on, self.org()).await?;
        Ok(itself)
    }

    /// Forgets those who asked too long ago; how many.
    pub(crate) async fn forget_waiting(&self) -> Result<u64, MetadataError> {
        let before = self.now_ms().saturating_sub(millis(WAIT));
        let too_old = waiting(*self.org().as_uuid()).filter(user::Column::CreatedAtMs.lt(before));
        let rows = too_old.all(self.db()).await?;
        for row in &rows {
            self.forget_waiting_person(row).await?;
        }
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }

    async fn forget_waiting_person(&self, row: &user::Model) -> Result<(), MetadataError> {
        let gone = user::ActiveModel {
            status: Set(user::Status::Deleted),
            login_key: Set(deleted_key(row.id)),
            password: Set(String::new()),
            email: Set(None),
            version: Set(row.version.saturating_add(1)),
            ..Default::default()
        };
        let transaction = self.begin().await?;
        let forgotten = user::Entity::update_many()
            .set(gone)
            .filter(user::Column::Id.eq(row.id))
            .filter(user::Column::OrgId.eq(row.org_id))
            // Somebody may have decided in the meantime.
            .filter(user::Column::Version.eq(row.version))
            .exec(&transaction)
            .await?;
        if forgotten.rows_affected == 1 {
            self.drop_identities(&transaction, OrgId::from_uuid(row.org_id), UserId::from_uuid(row.id)).await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// What a deleted person has in the place of a login; no login holds a colon.
pub(crate) fn deleted_key(id: Uuid) -> String {
    format!(":deleted:{id}")
}

/// Whether a person asked to join and nobody has decided yet.
pub(crate) fn awaits_approval(row: &user::Model) -> bool {
    row.status == user::Status::Pending && !row.password.is_empty()
}

/// Those of an organisation who asked to join and about whom nobody has decided.
fn waiting(org: Uuid) -> Select<user::Entity> {
    user::Entity::find().filter(user::Column::OrgId.eq(org)).filter(waits())
}

/// The condition of [`awaits_approval`].
pub(crate) fn waits() -> Condition {
    Condition::all().add(user::Column::Status.eq(user::Status::Pending)).add(user::Column::Password.ne(""))
}
