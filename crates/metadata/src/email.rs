//! The e-mail address of a person, which they may have. It counts once they have used a one-time link that was sent to it: until
//! then nothing that gives access goes there.
//!
//! Invariants:
//! - only the person sets the address, with their password; whoever invites, or asks to join, may give the first one;
//! - another address is not confirmed, whatever the one before was;
//! - whether somebody else has the same address is never told; it need not be the only one.
//!
//! A link holds 256 random bits, of which the fingerprint is stored, and is good once and for as long as an invitation. A person has
//! at most one; another takes its place. Wrong ones count as failed attempts.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use sensorium_model::{EmailAddress, OrgId, Principal, UserId};
use serde_json::json;

use crate::audit::Change;
use crate::client::Client;
use crate::config::millis;
use crate::entity::{organisation, user};
use crate::error::MetadataError;
use crate::links::NewLink;
use crate::metadata::Metadata;
use crate::own::person;
use crate::secrets;

/// The key under which wrong links are counted; no login holds a colon.
const ATTEMPTS: &str = ":email";

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The organisation.
    pub org: OrgId,
    /// Its name.
    pub organisation: String,
    /// The person.
    pub id: UserId,
    /// What the person signs in with.
    pub login: String,
    /// Where the message goes.
    pub address: EmailAddress,
    /// Whether it was shown that they read what is sent there.
    pub confirmed: bool,
}

/// The address of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEmail {
    /// The address.
    pub address: Option<String>,
    /// Whether it counts.
    pub confirmed: bool,
}

/// What follows from a change of address.
#[derive(Debug, Clone)]
pub struct EmailChange {
    /// The address as it is now.
    pub now: OwnEmail,
    /// The confirmed address that is no longer theirs, which is to be told.
    pub before: Option<Addressee>,
    /// The new address, and the link that confirms it; none if the address was taken away, or counts already.
    pub confirm: Option<(Addressee, NewLink)>,
}

impl Metadata {
    /// The caller's own address.
    pub async fn own_email(&self, who: &Principal) -> Result<OwnEmail, MetadataError> {
        let (id, _) = person(who)?;
        Ok(own(&self.user_row(who.org, id).await?))
    }

    /// Sets the caller's own address, or takes it away, which takes the password; the password is an attempt to sign in, and limited
    /// as such. An address that is set again and does not count yet gets another link.
    pub async fn set_own_email(
        &self,
        who: &Principal,
        password: &str,
        address: Option<&str>,
        client: impl Into<Client>,
    ) -> Result<EmailChange, MetadataError> {
        let (id, _) = person(who)?;
        let login = self.user_row(who.org, id).await?.login;
        let before = match self.check_password(&login, password, client.into().address).await {
            Ok(before) => before,
            Err(MetadataError::WrongCredentials) => return Err(MetadataError::Denied("the password is wrong")),
            Err(error) => return Err(error),
        };
        let address = check_email(address)?;
        let stays = address == before.email;
        if stays && (address.is_none() || before.email_confirmed_at_ms.is_some()) {
            return Ok(EmailChange { now: own(&before), before: None, confirm: None });
        }
        let transaction = self.begin().await?;
        let row = user::ActiveModel {
            email: Set(address.clone()),
            email_confirmed_at_ms: Set(None),
            email_code: Set(None),
            email_code_expires_at_ms: Set(None),
            ..Default::default()
        };
        let changed = user::Entity::update_many()
            .set(row)
            .filter(user::Column::Id.eq(before.id))
            .filter(user::Column::OrgId.eq(before.org_id))
            .filter(user::Column::Status.eq(user::Status::Active))
            // Whoever has another password since it was checked has to send that one.
            .filter(user::Column::Password.eq(before.password.as_str()))
            .exec(&transaction)
            .await?;
        if changed.rows_affected != 1 {
            return Err(MetadataError::Conflict("the account was changed by another request at the same time"));
        }
        if !stays {
            // Links that were sent to the address before are not for whoever has the new one.
            self.drop_links(&transaction, who.org, id).await?;
            let change =
                Change::new("changed", "email", &login).before(json!({"address": masked(before.email.as_deref())}));
            let change = change.after(json!({"address": masked(address.as_deref())}));
            self.record(&transaction, who, change).await?;
        }
        let after = user::Model { email: address, email_confirmed_at_ms: None, ..before.clone() };
        let link = match after.email {
            Some(_) => Some(self.put_email_code(&transaction, &after).await?),
            None => None,
        };
        transaction.commit().await?;
        let confirm = match link {
            Some(link) => self.addressee_of(&after).await?.map(|addressee| (addressee, link)),
            None => None,
        };
        let before = if stays { None } else { self.addressee_of(&before).await?.filter(|before| before.confirmed) };
        Ok(EmailChange { now: own(&after), before, confirm })
    }

    /// A link that confirms the address that a person has and that does not count yet; none if there is no such address.
    pub async fn issue_confirmation(
        &self,
        org: OrgId,
        id: UserId,
    ) -> Result<Option<(Addressee, NewLink)>, MetadataError> {
        let row = self.user_row(org, id).await?;
        let addressee = self.addressee_of(&row).await?;
        let Some(addressee) = addressee.filter(|addressee| !addressee.confirmed) else { return Ok(None) };
        let link = self.put_email_code(self.db(), &row).await?;
        Ok(Some((addressee, link)))
    }

    /// Confirms an address with a link that was sent to it; whose login it is.
    pub async fn confirm_email(&self, secret: &str, client: impl Into<Client>) -> Result<String, MetadataError> {
        let address = client.into().address;
        self.attempts()
            .begin(ATTEMPTS, address, self.now_ms())
            .map_err(|retry_after| MetadataError::TooManyAttempts { retry_after })?;
        let now_ms = self.now_ms();
        let sent = secrets::text(&secrets::fingerprint(secret.trim()));
        let found = user::Entity::find()
            .filter(user::Column::EmailCode.eq(sent.as_str()))
            .filter(user::Column::EmailCodeExpiresAtMs.gt(now_ms))
            .filter(user::Column::Status.eq(user::Status::Active))
            .one(self.db())
            .await?;
        let Some(found) = found else { return Err(MetadataError::WrongConfirmation) };
        self.attempts().succeed(ATTEMPTS, address);
        let (org, id) = (OrgId::from_uuid(found.org_id), UserId::from_uuid(found.id));
        let transaction = self.begin().await?;
        let row = user::ActiveModel {
            email_confirmed_at_ms: Set(Some(now_ms)),
            email_code: Set(None),
            email_code_expires_at_ms: Set(None),
            ..Default::default()
        };
        let confirmed = user::Entity::update_many()
            .set(row)
            .filter(user::Column::Id.eq(found.id))
            .filter(user::Column::OrgId.eq(found.org_id))
            .filter(user::Column::Status.eq(user::Status::Active))
            // Another address meanwhile has another link.
            .filter(user::Column::EmailCode.eq(sent))
            .exec(&transaction)
            .await?;
        if confirmed.rows_affected != 1 {
            return Err(MetadataError::WrongConfirmation);
        }
        let itself = Principal::user(org, id, None, found.role.into());
        let change = Change::new("confirmed", "email", &found.login);
        let change = change.after(json!({"address": masked(found.email.as_deref())}));
        self.record(&transaction, &itself, change).await?;
        transaction.commit().await?;
        Ok(found.login)
    }

    /// Where a message for a person of an organisation goes; none if they have no address.
    pub async fn addressee(&self, org: OrgId, id: UserId) -> Result<Option<Addressee>, MetadataError> {
        let row = self.user_row(org, id).await?;
        self.addressee_of(&row).await
    }

    /// Records that a message was sent, or that it could not be.
    pub async fn record_mail(
        &self,
        org: OrgId,
        to: &EmailAddress,
        kind: &'static str,
        sent: bool,
    ) -> Result<(), MetadataError> {
        let action = if sent { "sent" } else { "not_sent" };
        let change = Change::new(action, "mail", &to.masked()).after(json!({"kind": kind}));
        self.audit(&Principal::system(org), change).await
    }

    pub(crate) async fn addressee_of(&self, row: &user::Model) -> Result<Option<Addressee>, MetadataError> {
        let Some(address) = &row.email else { return Ok(None) };
        let organisation = organisation::Entity::find_by_id(row.org_id)
            .one(self.db())
            .await?
            .ok_or(MetadataError::Missing("organisation"))?;
        Ok(Some(Addressee {
            org: OrgId::from_uuid(row.org_id),
            organisation: organisation.name,
            id: UserId::from_uuid(row.id),
            login: row.login.clone(),
            address: address.parse().map_err(|_| MetadataError::Unreadable("e-mail address"))?,
            confirmed: row.email_confirmed_at_ms.is_some(),
        }))
    }

    /// Puts a new link in the place of the one that confirms a person's address.
    async fn put_email_code(&self, on: &impl ConnectionTrait, person: &user::Model) -> Result<NewLink, MetadataError> {
        let lifetime = millis(self.config().invitation_lifetime);
        let link = NewLink { secret: secrets::session(), expires_at_ms: self.now_ms().saturating_add(lifetime) };
        let row = user::ActiveModel {
            email_code: Set(Some(secrets::text(&secrets::fingerprint(&link.secret)))),
            email_code_expires_at_ms: Set(Some(link.expires_at_ms)),
            ..Default::default()
        };
        user::Entity::update_many()
            .set(row)
            .filter(user::Column::Id.eq(person.id))
            .filter(user::Column::OrgId.eq(person.org_id))
            .filter(user::Column::Email.eq(person.email.clone()))
            .filter(user::Column::EmailConfirmedAtMs.is_null())
            .exec(on)
            .await?;
        Ok(link)
    }
}

/// Checks an address, if there is one; an empty text is none.
pub(crate) fn check_email(address: Option<&str>) -> Result<Option<String>, MetadataError> {
    match address.map(str::trim).filter(|address| !address.is_empty()) {
        None => Ok(None),
        Some(text) => match text.parse::<EmailAddress>() {
            Ok(address) => Ok(Some(address.to_string())),
            Err(_) => Err(MetadataError::Invalid {
                what: "the e-mail address cannot be used",
                rule: "write it as name@example.org, in at most 254 letters, digits and signs of ASCII",
            }),
        },
    }
}

fn own(row: &user::Model) -> OwnEmail {
    OwnEmail { address: row.email.clone(), confirmed: row.email.is_some() && row.email_confirmed_at_ms.is_some() }
}

fn masked(address: Option<&str>) -> Option<String> {
    address.and_then(|address| address.parse::<EmailAddress>().ok()).map(|address| address.masked())
}
