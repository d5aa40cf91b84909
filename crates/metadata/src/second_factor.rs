//! The second factor: a code from an app ([`crate::totp`]) that signing in asks for after the right password.
//!
//! It counts once the person has confirmed it with a code, and then the password alone opens nothing: neither a session, nor a
//! request with HTTP Basic. A code is good once, and so is each of the [`RECOVERY_CODES`] that stand in for it.
//!
//! Wrong codes count as failed attempts to sign in, and besides for the person, wherever they come from
//! ([`crate::attempts::FREE_PER_CODE`]): codes are short, and whoever gets as far as being asked for one knows the password.

use std::fmt;

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sensorium_model::{OrgId, Principal, Subject, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::audit::Change;
use crate::client::Client;
use crate::entity::{recovery_code, second_factor, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::own::person;
use crate::sealed::SealedIn;
use crate::setup::normal_code;
use crate::{secrets, totp};

/// How many codes stand in for a lost app.
pub const RECOVERY_CODES: usize = 10;

/// What the record of changes calls it.
const SUBJECT: &str = "second factor";
const WRONG_CODE: &str =
    "the code is wrong or was used already; wait for the next one, and check the clock of the device";
const WRONG_PASSWORD: &str = "the password is wrong";
const NO_BASIC: &str =
    "this person has a second factor, so login and password alone open nothing; send an API token instead";

/// The second factor of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactor {
    /// Since when it counts, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Recovery codes that are left.
    pub recovery_codes: u64,
}

/// A second factor that waits for its first code; the secret is here and nowhere else.
#[derive(Clone)]
pub struct Enrolment {
    /// For apps without a camera: base32.
    pub secret: String,
    /// What a picture for apps says, an `otpauth://` address.
    pub uri: String,
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolment").finish_non_exhaustive()
    }
}

impl Metadata {
    /// The caller's own second factor, if it counts.
    pub async fn second_factor(&self, who: &Principal) -> Result<Option<SecondFactor>, MetadataError> {
        let (id, _) = person(who)?;
        let Some(since_ms) = self.factor(who.org, id, true).await?.and_then(|row| row.confirmed_at_ms) else {
            return Ok(None);
        };
        let codes = recovery_code::Entity::find().filter(codes_of(who.org, id)).count(self.db()).await?;
        Ok(Some(SecondFactor { since_ms, recovery_codes: codes }))
    }

    /// Makes a second factor for the caller, in the place of one that waits; takes the password. It does not count before
    /// [`Metadata::confirm_second_factor`].
    pub async fn begin_second_factor(
        &self,
        who: &Principal,
        password: &str,
        client: impl Into<Client>,
    ) -> Result<Enrolment, MetadataError> {
        let (id, _) = person(who)?;
        let login = self.user_row(who.org, id).await?.login;
        let user = self.check_password(&login, password, client.into().address).await.map_err(of_own_password)?;
        let account = self.account(who).await?;
        let (row, secret) = (Self::new_id(), secrets::random::<{ totp::SECRET_BYTES }>());
        let row = second_factor::ActiveModel {
            id: Set(row),
            org_id: Set(user.org_id),
            user_id: Set(user.id),
            secret: Set(self.seal(place(user.org_id, row), &secret).await?),
            created_at_ms: Set(self.now_ms()),
            confirmed_at_ms: Set(None),
            last_step: Set(0),
        };
        let transaction = self.begin().await?;
        let waiting = of(who.org, id).add(second_factor::Column::ConfirmedAtMs.is_null());
        second_factor::Entity::delete_many().filter(waiting).exec(&transaction).await?;
        if second_factor::Entity::find().filter(of(who.org, id)).count(&transaction).await? > 0 {
            return Err(MetadataError::Conflict("you have a second factor; remove it before you set up another one"));
        }
        second_factor::Entity::insert(row).exec_without_returning(&transaction).await?;
        self.record(&transaction, who, Change::new("began", SUBJECT, &login)).await?;
        transaction.commit().await?;
        Ok(Enrolment { secret: totp::base32(&secret), uri: totp::uri(&secret, &account.organisation, &login) })
    }

    /// Makes the caller's second factor count, with its first code. Returns the recovery codes, which are never shown again.
    pub async fn confirm_second_factor(&self, who: &Principal, code: &str) -> Result<Vec<String>, MetadataError> {
        let (id, _) = person(who)?;
        let missing = MetadataError::Missing("second factor of yours that waits for its first code");
        let factor = self.factor(who.org, id, false).await?.ok_or(missing)?;
        let login = self.user_row(who.org, id).await?.login;
        self.begin_code(factor.user_id)?;
        let secret = match self.unseal(place(factor.org_id, factor.id), &factor.secret).await {
            Ok(secret) => secret,
            Err(error) => {
                self.attempts().abandon_code(factor.user_id);
                return Err(error);
            }
        };
        let step = totp::matching_step(&secret, &normal_digits(code), self.now_ms());
        let step = step.ok_or(MetadataError::Denied(WRONG_CODE))?;
        self.attempts().succeed_code(factor.user_id);
        let transaction = self.begin().await?;
        let counts = second_factor::ActiveModel {
            confirmed_at_ms: Set(Some(self.now_ms())),
            last_step: Set(step),
            ..Default::default()
        };
        let waiting = of(who.org, id)
            .add(second_factor::Column::Id.eq(factor.id))
            .add(second_factor::Column::ConfirmedAtMs.is_null());
        let done = second_factor::Entity::update_many().set(counts).filter(waiting).exec(&transaction).await?;
        if done.rows_affected != 1 {
            return Err(MetadataError::Conflict("the second factor was changed by another request at the same time"));
        }
        recovery_code::Entity::delete_many().filter(codes_of(who.org, id)).exec(&transaction).await?;
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| secrets::setup_code()).collect();
        let rows = codes.iter().map(|code| recovery_code::ActiveModel {
            id: Set(Self::new_id()),
            org_id: Set(factor.org_id),
            user_id: Set(factor.user_id),
            secret: Set(secrets::text(&secrets::fingerprint(code))),
        });
        recovery_code::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
        self.record(&transaction, who, Change::new("enabled", SUBJECT, &login)).await?;
        transaction.commit().await?;
        self.logins().forget_user(id);
        Ok(codes)
    }

    /// Removes the caller's own second factor, which takes the password and a code.
    pub async fn remove_second_factor(
        &self,
        who: &Principal,
        password: &str,
        code: &str,
        client: impl Into<Client>,
    ) -> Result<(), MetadataError> {
        let (id, _) = person(who)?;
        let login = self.user_row(who.org, id).await?.login;
        if self.factor(who.org, id, true).await?.is_none() {
            return Err(MetadataError::Missing("second factor of yours"));
        }
        let checked = self.check_sign_in(&login, password, Some(code), client.into().address).await;
        checked.map_err(of_own_password)?;
        self.remove(who, who.org, id, &login).await
    }

    /// Removes the second factor of somebody who lost it. Administrators only, and for others only.
    pub async fn remove_second_factor_of(&self, who: &Principal, id: UserId) -> Result<(), MetadataError> {
        let person = self.manageable(who, id).await?;
        if matches!(who.subject, Subject::User(own, _) if own == id) {
            return Err(MetadataError::Conflict("remove your own second factor with your password and a code"));
        }
        self.remove(who, who.org, id, &person.login).await
    }

    async fn remove(&self, who: &Principal, org: OrgId, id: UserId, login: &str) -> Result<(), MetadataError> {
        let transaction = self.begin().await?;
        if !self.drop_second_factor(&transaction, org, id).await? {
            return Err(MetadataError::Missing(SUBJECT));
        }
        self.record(&transaction, who, Change::new("removed", SUBJECT, login)).await?;
        transaction.commit().await?;
        self.attempts().succeed_code(*id.as_uuid());
        Ok(())
    }

    /// Removes a person's second factor and recovery codes; whether there was one, also one that did not count yet.
    pub(crate) async fn drop_second_factor(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: UserId,
    ) -> Result<bool, MetadataError> {
        let dropped = second_factor::Entity::delete_many().filter(of(org, id)).exec(on).await?;
        recovery_code::Entity::delete_many().filter(codes_of(org, id)).exec(on).await?;
        Ok(dropped.rows_affected > 0)
    }

    /// Fails unless the person has no second factor, or this is a good code of it, which it uses up.
    pub(crate) async fn check_second_factor(
        &self,
        user: &user::Model,
        code: Option<&str>,
    ) -> Result<(), MetadataError> {
        let (org, id) = (OrgId::from_uuid(user.org_id), UserId::from_uuid(user.id));
        let Some(factor) = self.factor(org, id, true).await? else { return Ok(()) };
        let code = code.map(str::trim).filter(|code| !code.is_empty()).ok_or(MetadataError::CodeNeeded)?;
        self.begin_code(user.id)?;
        match self.use_code(user, &factor, code).await {
            Ok(true) => {
                self.attempts().succeed_code(user.id);
                Ok(())
            }
            Ok(false) => Err(MetadataError::WrongCode(WRONG_CODE)),
            Err(error) => {
                self.attempts().abandon_code(user.id);
                Err(error)
            }
        }
    }

    /// Fails if the person has a second factor, which a request with a login and a password cannot show.
    pub(crate) async fn refuse_second_factor(&self, user: &user::Model) -> Result<(), MetadataError> {
        let (org, id) = (OrgId::from_uuid(user.org_id), UserId::from_uuid(user.id));
        match self.factor(org, id, true).await? {
            Some(_) => Err(MetadataError::Denied(NO_BASIC)),
            None => Ok(()),
        }
    }

    fn begin_code(&self, user: Uuid) -> Result<(), MetadataError> {
        let begun = self.attempts().begin_code(user, self.now_ms());
        begun.map_err(|retry_after| MetadataError::TooManyAttempts { retry_after })
    }

    /// Uses up a code of the app or a recovery code, if it is good.
    async fn use_code(
        &self,
        user: &user::Model,
        factor: &second_factor::Model,
        sent: &str,
    ) -> Result<bool, MetadataError> {
        let (org, id) = (OrgId::from_uuid(user.org_id), UserId::from_uuid(user.id));
        let digits = normal_digits(sent);
        if totp::is_code(&digits) {
            let secret = self.unseal(place(factor.org_id, factor.id), &factor.secret).await?;
            let Some(step) = totp::matching_step(&secret, &digits, self.now_ms()) else { return Ok(false) };
            // Of two who send the same code at the same time, one is let in.
            let earlier =
                of(org, id).add(second_factor::Column::Id.eq(factor.id)).add(second_factor::Column::LastStep.lt(step));
            let used = second_factor::ActiveModel { last_step: Set(step), ..Default::default() };
            let used = second_factor::Entity::update_many().set(used).filter(earlier).exec(self.db()).await?;
            return Ok(used.rows_affected == 1);
        }
        let sent = secrets::text(&secrets::fingerprint(&normal_code(sent)));
        let transaction = self.begin().await?;
        let this = codes_of(org, id).add(recovery_code::Column::Secret.eq(sent));
        let used = recovery_code::Entity::delete_many().filter(this).exec(&transaction).await?;
        if used.rows_affected != 1 {
            return Ok(false);
        }
        let left = recovery_code::Entity::find().filter(codes_of(org, id)).count(&transaction).await?;
        let itself = Principal::user(org, id, None, user.role.into());
        let change = Change::new("used", "recovery code", &user.login).after(json!({ "left": left }));
        self.record(&transaction, &itself, change).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// A person's second factor that counts, or the one that waits to be confirmed.
    async fn factor(
        &self,
        org: OrgId,
        id: UserId,
        counts: bool,
    ) -> Result<Option<second_factor::Model>, MetadataError> {
        let confirmed = second_factor::Column::ConfirmedAtMs;
        let state = if counts { confirmed.is_not_null() } else { confirmed.is_null() };
        Ok(second_factor::Entity::find().filter(of(org, id).add(state)).one(self.db()).await?)
    }
}

fn of(org: OrgId, id: UserId) -> Condition {
    Condition::all()
        .add(second_factor::Column::OrgId.eq(*org.as_uuid()))
        .add(second_factor::Column::UserId.eq(*id.as_uuid()))
}

fn codes_of(org: OrgId, id: UserId) -> Condition {
    Condition::all()
        .add(recovery_code::Column::OrgId.eq(*org.as_uuid()))
        .add(recovery_code::Column::UserId.eq(*id.as_uuid()))
}

fn place(org: Uuid, row: Uuid) -> SealedIn {
    SealedIn { table: "second_factor", column: "secret", org, row }
}

/// Apps show codes in two groups, and people type them so.
fn normal_digits(code: &str) -> String {
    code.chars().filter(|character| !character.is_whitespace()).collect()
}

/// Whoever is signed in stays so by a slip.
pub(crate) fn of_own_password(error: MetadataError) -> MetadataError {
    match error {
        MetadataError::WrongCredentials => MetadataError::Denied(WRONG_PASSWORD),
        MetadataError::WrongCode(sentence) => MetadataError::Denied(sentence),
        MetadataError::CodeNeeded => MetadataError::Denied("send a code as well"),
        error => error,
    }
}
