//! Forgotten passwords: somebody who cannot sign in asks for a link to the address that they have confirmed.
//!
//! Invariants:
//! - whoever asks learns nothing: counting the request ([`Metadata::begin_reset`]) looks at nothing that is stored, and what follows
//!   happens after the answer;
//! - the link goes to a confirmed address of an active person, and to no other;
//! - it is the one-time link of [`crate::links`]: used once, it ends all sessions, and whoever has a second factor sends a code too.
//!
//! Limits: requests count as failed attempts of what was asked for and of the address that asks ([`crate::attempts`]);
//! [`MAX_PEOPLE`] with one address.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sensorium_model::{EmailAddress, Principal};
use serde_json::json;

use crate::account::{check_login, login_key};
use crate::audit::Change;
use crate::client::Client;
use crate::email::Addressee;
use crate::entity::user;
use crate::error::MetadataError;
use crate::links::{LinkPurpose, NewLink};
use crate::metadata::Metadata;

/// The most people of one address who are sent a link by one request.
const MAX_PEOPLE: u64 = 5;

/// Before what was asked for, in the key under which requests are counted; no login holds a colon.
const ATTEMPTS: &str = ":reset:";

impl Metadata {
    /// Counts a request for a link, by a login or an address, whether or not there is such a person.
    pub fn begin_reset(&self, wanted: &str, client: impl Into<Client>) -> Result<(), MetadataError> {
        let wanted = wanted.trim();
        if check_login(wanted).is_err() && wanted.parse::<EmailAddress>().is_err() {
            return Err(MetadataError::Invalid {
                what: "there can be no such account",
                rule: "send the login, or the e-mail address of the account",
            });
        }
        self.attempts()
            .begin(&format!("{ATTEMPTS}{wanted}"), client.into().address, self.now_ms())
            .map_err(|retry_after| MetadataError::TooManyAttempts { retry_after })
    }

    /// Whom a request concerns: active people with this login or address, who have confirmed their address.
    pub async fn forgotten(&self, wanted: &str) -> Result<Vec<Addressee>, MetadataError> {
        let wanted = wanted.trim();
        let mut named = Condition::any();
        // PostgreSQL takes no U+0000, which neither holds.
        if check_login(wanted).is_ok() {
            named = named.add(user::Column::LoginKey.eq(login_key(wanted)));
        }
        if let Ok(address) = wanted.parse::<EmailAddress>() {
            named = named.add(user::Column::Email.eq(address.as_str()));
        }
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let rows = user::Entity::find()
            .filter(named)
            .filter(user::Column::Status.eq(user::Status::Active))
            .filter(user::Column::Email.is_not_null())
            .filter(user::Column::EmailConfirmedAtMs.is_not_null())
            .order_by_asc(user::Column::Id)
            .limit(MAX_PEOPLE)
            .all(self.db())
            .await?;
        let mut people = Vec::with_capacity(rows.len());
        for row in &rows {
            people.extend(self.addressee_of(row).await?);
        }
        Ok(people)
    }

    /// Makes the link for somebody whom a request concerns; none if they are no longer as they were then.
    pub async fn issue_forgotten(&self, person: &Addressee) -> Result<Option<NewLink>, MetadataError> {
        let row = self.user_row(person.org, person.id).await?;
        let transaction = self.begin().await?;
        let link = self.put_link(&transaction, &row, LinkPurpose::Reset).await?;
        // Asked after the write, which keeps others from changing it.
        let stands = user::Entity::find_by_id(row.id)
            .filter(user::Column::OrgId.eq(row.org_id))
            .filter(user::Column::Status.eq(user::Status::Active))
            .filter(user::Column::Email.eq(person.address.as_str()))
            .filter(user::Column::EmailConfirmedAtMs.is_not_null())
            .one(&transaction)
            .await?;
        if stands.is_none() {
            return Ok(None);
        }
        let change = Change::created("password reset", &row.login);
        let change = change.after(json!({"good_until_ms": link.expires_at_ms, "mail": person.address.masked()}));
        self.record(&transaction, &Principal::anonymous_writer(person.org), change).await?;
        transaction.commit().await?;
        Ok(Some(link))
    }
}
