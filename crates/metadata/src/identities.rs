//! People as a provider of OpenID Connect knows them. Who they are was proven elsewhere: what comes here was verified.
//!
//! Invariants:
//! - an identity, which is an issuer and a subject there, belongs to one person, and a person has at most one of each issuer;
//! - an e-mail address never lets anybody in as a person who exists: whoever has an account links it while signed in;
//! - somebody new joins only as [`Joining`] says, in the first organisation, with an e-mail address that the provider confirmed;
//!   they get a password that nobody knows, in the place of which an administrator's link lets them choose one;
//! - a second factor is asked for, unless the provider is trusted for it.
//!
//! Limits: issuers, subjects and e-mail addresses of [`MAX_TEXT`] bytes; those of [`crate::registration`] for who joins.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sensorium_model::{OrgId, Principal, Role, Subject, UserId};
use serde_json::json;

use crate::account::{MAX_NAME, check_login, login_key};
use crate::audit::Change;
use crate::client::Client;
use crate::email::check_email;
use crate::entity::{external_identity, session, user};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::own::person;
use crate::registration::awaits_approval;
use crate::second_factor::of_own_password;
use crate::secrets;
use crate::sessions::SignedIn;

/// The most bytes of an issuer and of a subject, as the standard has it for the latter.
pub const MAX_TEXT: usize = 255;
/// The most bytes of an e-mail address (RFC 5321 leaves room for so many).
const MAX_EMAIL: usize = 254;

/// What the record of changes calls it.
const SUBJECT: &str = "identity";
const UNKNOWN: &str = "nobody here is linked with this account of the provider; if you have an account here, sign in with your password and link it on the page Account, or ask an administrator for an invitation";
const TAKEN: &str = "somebody here signs in with this e-mail address already; if it is you, sign in with your password and link this account of the provider on the page Account";
const UNCONFIRMED: &str = "the provider has not told an e-mail address of yours that it has confirmed; confirm it there, or ask an administrator here for an invitation";
const ELSEWHERE: &str = "nobody with an e-mail address of this domain joins by themselves here (people.oidc.domains); ask an administrator for an invitation";
const NO_LOGIN: &str = "this e-mail address cannot be a login here, which has at most 64 characters without spaces and colons; ask an administrator for an invitation";
const SUSPENDED: &str = "your account here is suspended; ask an administrator";
const OF_ANOTHER: &str = "this account of the provider is linked with somebody else here; sign in to another one there, or ask them to unlink it";
const HAS_ONE: &str = "you are linked with another account of the provider; unlink it first";
const OVER: &str = "the session that began this is over; sign in and link again";

/// Somebody whom a provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// Which provider, as it calls itself.
    pub issuer: String,
    /// Who there.
    pub subject: String,
    /// The e-mail address, if the provider told one.
    pub email: Option<String>,
    /// Whether the provider says that the address is theirs.
    pub email_is_confirmed: bool,
    /// The name; may be empty.
    pub name: String,
}

/// What becomes of somebody who is linked with nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joining {
    /// They are turned away.
    Refused,
    /// They wait until an administrator lets them in, as whoever asks to join does.
    AwaitsApproval,
    /// They are let in if their e-mail address belongs to a domain.
    ByDomain {
        /// The domains, without regard to case.
        domains: Vec<String>,
        /// What they are.
        role: Role,
    },
}

/// How far a provider is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRules {
    /// What becomes of somebody who is linked with nobody.
    pub joining: Joining,
    /// Whether its word stands for a second factor, too.
    pub trusted_second_factor: bool,
}

/// How a person is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnIdentity {
    /// The e-mail address that the provider told then.
    pub email: Option<String>,
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
}

impl Metadata {
    /// Signs in whoever is linked with an identity, or lets them join. Fails with [`MetadataError::CodeNeeded`] if they have a second
    /// factor for which the provider is not trusted, and may be called again with a code.
    pub async fn sign_in_with_identity(
        &self,
        identity: &ExternalIdentity,
        rules: &IdentityRules,
        code: Option<&str>,
        client: impl Into<Client>,
    ) -> Result<SignedIn, MetadataError> {
        let client = client.into();
        check(identity)?;
        let user = match self.linked_user(identity).await? {
            Some(user) => user,
            None => self.join(identity, &rules.joining, &client).await?,
        };
        match user.status {
            user::Status::Active => {}
            user::Status::Pending if awaits_approval(&user) => return Err(MetadataError::AwaitsApproval),
            user::Status::Suspended => return Err(MetadataError::Denied(SUSPENDED)),
            user::Status::Pending | user::Status::Deleted => return Err(MetadataError::Denied(UNKNOWN)),
        }
        if !rules.trusted_second_factor {
            self.check_second_factor(&user, code).await?;
        }
        self.start_session_by(&user, &client, Some(&identity.issuer)).await
    }

    /// How the caller is linked with a provider.
    pub async fn own_identity(&self, who: &Principal, issuer: &str) -> Result<Option<OwnIdentity>, MetadataError> {
        let (id, _) = person(who)?;
        let row = external_identity::Entity::find().filter(of(who.org, id, issuer)).one(self.db()).await?;
        Ok(row.map(|row| OwnIdentity { email: row.email, since_ms: row.created_at_ms }))
    }

    /// Links the caller with an identity, if the session that asked for it still stands. Nothing happens if they are linked.
    pub async fn link_identity(&self, who: &Principal, identity: &ExternalIdentity) -> Result<(), MetadataError> {
        let (id, _) = person(who)?;
        check(identity)?;
        let login = self.user_row(who.org, id).await?.login;
        let transaction = self.begin().await?;
        // The entry comes first: a transaction that begins with a write waits for others instead of failing.
        self.record_link(&transaction, who, &login, identity).await?;
        if !self.stands(&transaction, who).await? {
            return Err(MetadataError::Denied(OVER));
        }
        match with_subject(&transaction, identity).await? {
            Some(row) if row.user_id == *id.as_uuid() => return Ok(()),
            Some(_) => return Err(MetadataError::Conflict(OF_ANOTHER)),
            None => {}
        }
        let others = external_identity::Entity::find().filter(of(who.org, id, &identity.issuer));
        if others.count(&transaction).await? > 0 {
            return Err(MetadataError::Conflict(HAS_ONE));
        }
        self.insert_identity(&transaction, who.org, id, identity).await?;
        Ok(transaction.commit().await?)
    }

    /// Unlinks the caller from a provider, which takes the password: whoever has none could not sign in any more.
    pub async fn unlink_identity(
        &self,
        who: &Principal,
        issuer: &str,
        password: &str,
        client: impl Into<Client>,
    ) -> Result<(), MetadataError> {
        let (id, _) = person(who)?;
        if self.own_identity(who, issuer).await?.is_none() {
            return Err(MetadataError::Missing("link of yours with the provider"));
        }
        let login = self.user_row(who.org, id).await?.login;
        self.check_password(&login, password, client.into().address).await.map_err(of_own_password)?;
        let transaction = self.begin().await?;
        let gone = external_identity::Entity::delete_many().filter(of(who.org, id, issuer)).exec(&transaction).await?;
        if gone.rows_affected == 0 {
            return Err(MetadataError::Missing("link of yours with the provider"));
        }
        let change = Change::new("unlinked", SUBJECT, &login).before(json!({ "issuer": issuer }));
        self.record(&transaction, who, change).await?;
        Ok(transaction.commit().await?)
    }

    /// Removes all links of a person who is deleted.
    pub(crate) async fn drop_identities(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: UserId,
    ) -> Result<(), MetadataError> {
        external_identity::Entity::delete_many()
            .filter(external_identity::Column::OrgId.eq(*org.as_uuid()))
            .filter(external_identity::Column::UserId.eq(*id.as_uuid()))
            .exec(on)
            .await?;
        Ok(())
    }

    /// Lets somebody new in, or makes them wait.
    async fn join(
        &self,
        identity: &ExternalIdentity,
        joining: &Joining,
        client: &Client,
    ) -> Result<user::Model, MetadataError> {
        // Of an address that the provider has not confirmed nobody learns whether it is a login here.
        let email = identity.email.as_deref().filter(|_| identity.email_is_confirmed);
        if let Some(email) = email
            && self.is_login(email).await?
        {
            return Err(MetadataError::Conflict(TAKEN));
        }
        if *joining == Joining::Refused || self.setup_needed().await? {
            return Err(MetadataError::Denied(UNKNOWN));
        }
        let email = email.ok_or(MetadataError::Denied(UNCONFIRMED))?;
        let (status, role) = match joining {
            Joining::ByDomain { domains, role } if is_of(email, domains) => (user::Status::Active, *role),
            Joining::ByDomain { .. } => return Err(MetadataError::Denied(ELSEWHERE)),
            Joining::AwaitsApproval | Joining::Refused => (user::Status::Pending, Role::Viewer),
        };
        check_login(email).map_err(|_| MetadataError::Denied(NO_LOGIN))?;
        self.begin_joining(client.address)?;
        let password = self.passwords().hash(&secrets::session()).await?;
        // As with whoever asks to join: it counts once they have shown that they read what is sent there.
        let address = check_email(Some(email)).ok().flatten();
        let row = user::Model {
            role: role.into(),
            email: address,
            ..self.joining(email, &shown_name(&identity.name), status, password)
        };
        let transaction = self.begin().await?;
        let itself = match self.insert_joining(&transaction, &row).await {
            Err(MetadataError::LoginTaken) => return Err(MetadataError::Conflict(TAKEN)),
            inserted => inserted?,
        };
        if with_subject(&transaction, identity).await?.is_some() {
            return Err(MetadataError::Conflict(OF_ANOTHER));
        }
        self.insert_identity(&transaction, itself.org, UserId::from_uuid(row.id), identity).await?;
        self.record_link(&transaction, &itself, &row.login, identity).await?;
        transaction.commit().await?;
        if row.status == user::Status::Active {
            self.end_joining(client.address);
        }
        Ok(row)
    }

    /// Whom an identity belongs to, whatever their status.
    async fn linked_user(&self, identity: &ExternalIdentity) -> Result<Option<user::Model>, MetadataError> {
        let Some(row) = with_subject(self.db(), identity).await? else { return Ok(None) };
        let user = user::Entity::find_by_id(row.user_id).filter(user::Column::OrgId.eq(row.org_id));
        Ok(user.one(self.db()).await?)
    }

    async fn is_login(&self, email: &str) -> Result<bool, MetadataError> {
        if check_login(email).is_err() {
            return Ok(false);
        }
        let taken = user::Entity::find().filter(user::Column::LoginKey.eq(login_key(email))).count(self.db()).await?;
        Ok(taken > 0)
    }

    /// Whether the session that a caller shows has not ended, and they may still sign in.
    async fn stands(&self, on: &impl ConnectionTrait, who: &Principal) -> Result<bool, MetadataError> {
        let Subject::User(id, Some(own)) = who.subject else { return Ok(false) };
        let sessions = session::Entity::find_by_id(*own.as_uuid())
            .filter(session::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(session::Column::UserId.eq(*id.as_uuid()))
            .filter(session::Column::ExpiresAtMs.gt(self.now_ms()))
            .count(on)
            .await?;
        let active = user::Entity::find_by_id(*id.as_uuid())
            .filter(user::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(user::Column::Status.eq(user::Status::Active))
            .count(on)
            .await?;
        Ok(sessions == 1 && active == 1)
    }

    async fn insert_identity(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
        id: UserId,
        identity: &ExternalIdentity,
    ) -> Result<(), MetadataError> {
        let row = external_identity::ActiveModel {
            id: Set(Self::new_id()),
            org_id: Set(*org.as_uuid()),
            user_id: Set(*id.as_uuid()),
            issuer: Set(identity.issuer.clone()),
            subject: Set(identity.subject.clone()),
            email: Set(identity.email.clone()),
            created_at_ms: Set(self.now_ms()),
        };
        external_identity::Entity::insert(row).exec_without_returning(on).await?;
        Ok(())
    }

    async fn record_link(
        &self,
        on: &impl ConnectionTrait,
        who: &Principal,
        login: &str,
        identity: &ExternalIdentity,
    ) -> Result<(), MetadataError> {
        let facts = json!({"issuer": identity.issuer, "subject": identity.subject, "email": identity.email});
        self.record(on, who, Change::new("linked", SUBJECT, login).after(facts)).await
    }
}

async fn with_subject(
    on: &impl ConnectionTrait,
    identity: &ExternalIdentity,
) -> Result<Option<external_identity::Model>, MetadataError> {
    let row = external_identity::Entity::find()
        .filter(external_identity::Column::Issuer.eq(identity.issuer.as_str()))
        .filter(external_identity::Column::Subject.eq(identity.subject.as_str()))
        .one(on)
        .await?;
    Ok(row)
}

fn of(org: OrgId, id: UserId, issuer: &str) -> Condition {
    Condition::all()
        .add(external_identity::Column::OrgId.eq(*org.as_uuid()))
        .add(external_identity::Column::UserId.eq(*id.as_uuid()))
        .add(external_identity::Column::Issuer.eq(issuer))
}

/// Fails if an identity cannot be stored as it is.
fn check(identity: &ExternalIdentity) -> Result<(), MetadataError> {
    let fits = |text: &str, most: usize| !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
    let is_good = fits(&identity.issuer, MAX_TEXT)
        && fits(&identity.subject, MAX_TEXT)
        && identity.email.as_deref().is_none_or(|email| fits(email, MAX_EMAIL));
    if is_good {
        return Ok(());
    }
    let rule = "an issuer and a subject have at most 255 bytes, an e-mail address 254 (fixed limits), without control characters";
    Err(MetadataError::Invalid { what: "what the provider tells about you cannot be used", rule })
}

/// Whether an e-mail address belongs to one of the domains; a domain below one of them does not.
fn is_of(email: &str, domains: &[String]) -> bool {
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    domain.is_some_and(|domain| domains.iter().any(|known| known.eq_ignore_ascii_case(domain)))
}

/// What fits of a name that a provider tells.
fn shown_name(name: &str) -> String {
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    name.trim().chars().take(MAX_NAME).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_what_follows_the_last_at_sign() {
        let domains = ["Example.org".to_owned()];
        assert!(is_of("ada@example.org", &domains) && is_of("ada@EXAMPLE.ORG", &domains));
        for other in [
            "ada@example.org.evil.example",
            "ada@sub.example.org",
            "example.org",
            "\"a@example.org\"@evil.example",
            "ada@notexample.org",
        ] {
            assert!(!is_of(other, &domains), "{other:?} was let in");
        }
    }

    #[test]
    fn names_are_cut_to_what_fits() {
        assert_eq!(shown_name(" Ada\u{0} Lovelace\n"), "Ada Lovelace");
        assert_eq!(shown_name(&"x".repeat(200)).chars().count(), MAX_NAME);
    }
}
