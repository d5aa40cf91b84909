//! Signed-in browsers.
//!
//! The secret in the cookie is replaced every `session_rotation`. The one before stays good until the browser has shown
//! the new one (the answer that carried it may have been lost) and for `session_grace` after that (other requests may
//! be under way); so nobody is signed out by a bad network. A session ends at its `session_lifetime`, after
//! `session_idle` without use, when it is signed out or ended by its user, when its user chooses another password or is no longer
//! active, or when the user has started [`MAX_PER_USER`] others since.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use sea_orm::{
    ActiveValue, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use sensorium_model::{OrgId, Principal, SessionId, Subject, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::account::{Account, AccountUser};
use crate::audit::Change;
use crate::client::Client;
use crate::config::millis;
use crate::entity::{session, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registration::awaits_approval;
use crate::secrets;

/// How stale `last_seen_ms` may be: a write per session and minute at most.
const SEEN_EVERY_MS: i64 = 60_000;

/// The most sessions of one user; another one ends the oldest.
pub const MAX_PER_USER: u64 = 100;

/// A session that was just started.
#[derive(Clone)]
pub struct SignedIn {
    /// Who signed in.
    pub account: Account,
    /// The value of the cookie.
    pub secret: String,
    /// How long the session can last.
    pub lifetime: Duration,
}

/// A secret that replaces the one in the cookie.
#[derive(Clone)]
pub struct NewSecret {
    /// The value of the cookie.
    pub secret: String,
    /// How long the session can still last.
    pub lifetime: Duration,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("account", &self.account).finish_non_exhaustive()
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Metadata {
    /// Signs in with a login and a password; fails with [`MetadataError::CodeNeeded`] if the person has a second factor.
    pub async fn sign_in(
        &self,
        login: &str,
        password: &str,
        client: impl Into<Client>,
    ) -> Result<SignedIn, MetadataError> {
        self.sign_in_with_code(login, password, None, client).await
    }

    /// Signs in with a login, a password and, for those who have a second factor, a code of it or a recovery code.
    pub async fn sign_in_with_code(
        &self,
        login: &str,
        password: &str,
        code: Option<&str>,
        client: impl Into<Client>,
    ) -> Result<SignedIn, MetadataError> {
        let client = client.into();
        let user = self.check_sign_in(login, password, code, client.address).await?;
        self.start_session(&user, &client).await
    }

    /// The user whose login, password and, if they have a second factor, code these are; counts the attempt. A wrong code is a failed
    /// attempt, a missing one is none.
    pub(crate) async fn check_sign_in(
        &self,
        login: &str,
        password: &str,
        code: Option<&str>,
        peer: IpAddr,
    ) -> Result<user::Model, MetadataError> {
        let user = self.judge_password(login, password, peer).await?;
        match self.check_second_factor(&user, code).await {
            Ok(()) => {
                self.attempts().succeed(login, peer);
                Ok(user)
            }
            Err(error) => {
                if !matches!(error, MetadataError::WrongCode(_)) {
                    self.attempts().abandon(login, peer);
                }
                Err(error)
            }
        }
    }

    /// The user whose login and password these are; counts the attempt.
    pub(crate) async fn check_password(
        &self,
        login: &str,
        password: &str,
        peer: IpAddr,
    ) -> Result<user::Model, MetadataError> {
        let user = self.judge_password(login, password, peer).await?;
        self.attempts().succeed(login, peer);
        Ok(user)
    }

    /// As [`Metadata::check_password`], but the attempt still counts as failed when the password is right.
    async fn judge_password(&self, login: &str, password: &str, peer: IpAddr) -> Result<user::Model, MetadataError> {
        self.attempts()
            .begin(login, peer, self.now_ms())
            .map_err(|retry_after| MetadataError::TooManyAttempts { retry_after })?;
        let user = self.known_user(login).await?;
        let hash = user.as_ref().map(|user| user.password.as_str());
        match (self.passwords().verify(password, hash).await, user) {
            (Ok(true), Some(user)) if awaits_approval(&user) => {
                self.attempts().abandon(login, peer);
                Err(MetadataError::AwaitsApproval)
            }
            (Ok(true), Some(user)) => Ok(user),
            (Ok(_), _) => Err(MetadataError::WrongCredentials),
            (Err(error), _) => {
                self.attempts().abandon(login, peer);
                Err(error)
            }
        }
    }

    pub(crate) async fn start_session(&self, user: &user::Model, client: &Client) -> Result<SignedIn, MetadataError> {
        self.start_session_by(user, client, None).await
    }

    /// Starts a session of somebody who was let in by their password, or by the provider with this issuer.
    pub(crate) async fn start_session_by(
        &self,
        user: &user::Model,
        client: &Client,
        issuer: Option<&str>,
    ) -> Result<SignedIn, MetadataError> {
        let now_ms = self.now_ms();
        let secret = secrets::session();
        let lifetime = self.config().session_lifetime;
        let row = session::Model {
            id: Self::new_id(),
            org_id: user.org_id,
            user_id: user.id,
            secret: secrets::text(&secrets::fingerprint(&secret)),
            previous: None,
            previous_until_ms: 0,
            rotated_at_ms: now_ms,
            confirmed: true,
            created_at_ms: now_ms,
            last_seen_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(millis(lifetime)),
            address: Some(client.address.to_string()),
            user_agent: client.user_agent.clone(),
        };
        let who = principal(&row, user);
        let transaction = self.begin().await?;
        session::Entity::insert(session::ActiveModel::from(row)).exec_without_returning(&transaction).await?;
        // Asked after the write: whoever was suspended, or has another password, since it was checked stays out.
        let stands = user::Entity::find_by_id(user.id)
            .filter(user::Column::OrgId.eq(user.org_id))
            .filter(user::Column::Status.eq(user::Status::Active))
            .filter(user::Column::Password.eq(user.password.as_str()))
            .count(&transaction)
            .await?;
        if stands == 0 {
            return Err(MetadataError::WrongCredentials);
        }
        self.end_oldest(&transaction, user).await?;
        let mut how = json!({"address": client.address.to_string()});
        if let (Some(issuer), Some(how)) = (issuer, how.as_object_mut()) {
            how.insert("issuer".to_owned(), issuer.into());
        }
        self.record(&transaction, &who, Change::new("signed_in", "session", &user.login).after(how)).await?;
        transaction.commit().await?;
        let account = self.account(&who).await?;
        Ok(SignedIn { account, secret, lifetime })
    }

    /// Ends a user's oldest sessions beyond [`MAX_PER_USER`].
    async fn end_oldest(&self, on: &impl ConnectionTrait, user: &user::Model) -> Result<(), MetadataError> {
        let too_many: Vec<Uuid> = session::Entity::find()
            .select_only()
            .column(session::Column::Id)
            .filter(session::Column::OrgId.eq(user.org_id))
            .filter(session::Column::UserId.eq(user.id))
            .order_by_desc(session::Column::CreatedAtMs)
            .order_by_desc(session::Column::Id)
            .offset(MAX_PER_USER)
            .limit(MAX_PER_USER)
            .into_tuple()
            .all(on)
            .await?;
        if !too_many.is_empty() {
            session::Entity::delete_many().filter(session::Column::Id.is_in(too_many)).exec(on).await?;
        }
        Ok(())
    }

    /// Who a cookie belongs to, and the secret to put into it if it is time for another; none if the session is over.
    pub async fn session(&self, secret: &str) -> Result<Option<(Principal, Option<NewSecret>)>, MetadataError> {
        let now_ms = self.now_ms();
        let sent = secrets::text(&secrets::fingerprint(secret));
        let mine = Condition::any().add(session::Column::Secret.eq(sent.as_str())).add(
            Condition::all()
                .add(session::Column::Previous.eq(sent.as_str()))
                .add(session::Column::PreviousUntilMs.gt(now_ms)),
        );
        let Some(row) = session::Entity::find().filter(mine).one(self.db()).await? else {
            return Ok(None);
        };
        let idle_since = now_ms.saturating_sub(millis(self.config().session_idle));
        if row.expires_at_ms <= now_ms || row.last_seen_ms < idle_since {
            session::Entity::delete_by_id(row.id).exec(self.db()).await?;
            return Ok(None);
        }
        let user = user::Entity::find_by_id(row.user_id)
            .filter(user::Column::OrgId.eq(row.org_id))
            .filter(user::Column::Status.eq(user::Status::Active))
            .one(self.db())
            .await?;
        let Some(user) = user else { return Ok(None) };
        let who = principal(&row, &user);
        let renewed = self.keep_up(row, &sent, now_ms).await?;
        Ok(Some((who, renewed)))
    }

    /// Notes that a session is used; replaces its secret when it is due.
    async fn keep_up(&self, row: session::Model, sent: &str, now_ms: i64) -> Result<Option<NewSecret>, MetadataError> {
        let is_current = row.secret == sent;
        let old_enough = now_ms.saturating_sub(row.rotated_at_ms) >= millis(self.config().session_rotation);
        // The browser still shows the secret before, although it was offered another a while ago: that answer was lost.
        let was_lost = !is_current
            && !row.confirmed
            && now_ms.saturating_sub(row.rotated_at_ms) >= millis(self.config().session_grace);
        if (is_current && old_enough) || was_lost {
            return Ok(self.rotate(&row, sent, now_ms).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a session's secret could not be replaced; it is tried again");
                None
            }));
        }
        let mut change = session::ActiveModel { ..Default::default() };
        if is_current && !row.confirmed {
            change.confirmed = Set(true);
            change.previous_until_ms = Set(now_ms.saturating_add(millis(self.config().session_grace)));
        }
        if now_ms.saturating_sub(row.last_seen_ms) >= SEEN_EVERY_MS {
            change.last_seen_ms = Set(now_ms);
        }
        if change.confirmed != ActiveValue::NotSet || change.last_seen_ms != ActiveValue::NotSet {
            let of_session = session::Column::Id.eq(row.id);
            if let Err(error) = session::Entity::update_many().set(change).filter(of_session).exec(self.db()).await {
                // Reading must go on when the disk is full.
                tracing::warn!(%error, "it could not be noted when a session was used");
            }
        }
        Ok(None)
    }

    async fn rotate(&self, row: &session::Model, sent: &str, now_ms: i64) -> Result<Option<NewSecret>, MetadataError> {
        let secret = secrets::session();
        let change = session::ActiveModel {
            secret: Set(secrets::text(&secrets::fingerprint(&secret))),
            previous: Set(Some(sent.to_owned())),
            previous_until_ms: Set(row.expires_at_ms),
            rotated_at_ms: Set(now_ms),
            confirmed: Set(false),
            last_seen_ms: Set(now_ms),
            ..Default::default()
        };
        // Of several requests at the same time one replaces the secret; the others go on with the one before.
        let done = session::Entity::update_many()
            .set(change)
            .filter(session::Column::Id.eq(row.id))
            .filter(session::Column::Secret.eq(row.secret.as_str()))
            .exec(self.db())
            .await?;
        let lifetime = Duration::from_millis(row.expires_at_ms.saturating_sub(now_ms).max(0).unsigned_abs());
        Ok((done.rows_affected == 1).then_some(NewSecret { secret, lifetime }))
    }

    /// Ends the caller's session; nothing happens for callers without one.
    pub async fn sign_out(&self, who: &Principal) -> Result<(), MetadataError> {
        let Subject::User(_, Some(id)) = who.subject else { return Ok(()) };
        let transaction = self.begin().await?;
        session::Entity::delete_many()
            .filter(session::Column::Id.eq(*id.as_uuid()))
            .filter(session::Column::OrgId.eq(*who.org.as_uuid()))
            .exec(&transaction)
            .await?;
        self.record(&transaction, who, Change::new("signed_out", "session", &id.to_string())).await?;
        Ok(transaction.commit().await?)
    }
}

fn principal(row: &session::Model, user: &user::Model) -> Principal {
    let org = OrgId::from_uuid(user.org_id);
    Principal::user(org, UserId::from_uuid(user.id), Some(SessionId::from_uuid(row.id)), user.role.into())
}

impl From<&user::Model> for AccountUser {
    fn from(user: &user::Model) -> Self {
        Self { id: UserId::from_uuid(user.id), login: user.login.clone(), role: user.role.into() }
    }
}
