//! The people of an organisation: listing, inviting, changing and removing them.
//!
//! Invariants:
//! - nobody changes somebody of a higher role, or gives a role above their own ([`Action::ManagePeople`]);
//! - an organisation that has an active owner keeps one;
//! - a change names the version that it was made for, and fails if another one came first;
//! - when a change that ends access has returned, the sessions, API tokens, links and remembered passwords that it ends are
//!   refused.
//!
//! Limits: [`MAX_PEOPLE`] of one organisation, [`MAX_LISTED`] of one listing, names of [`crate::account::MAX_NAME`] characters.

use std::collections::HashMap;

use sea_orm::ActiveValue::NotSet;
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use sensorium_model::{Action, ClassId, OrgId, Principal, Role, UserId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::account::{check_login, check_name, login_key, role_name};
use crate::audit::Change;
use crate::classes::ClassRef;
use crate::email::check_email;
use crate::entity::{one_time_link, session, user};
use crate::error::MetadataError;
use crate::links::{LinkInfo, LinkPurpose, NewLink};
use crate::metadata::Metadata;
use crate::registration::{awaits_approval, deleted_key};
use crate::registry::Edit;

/// The most people of one organisation, without deleted ones.
pub const MAX_PEOPLE: u64 = 10_000;
/// The most people of one listing.
pub const MAX_LISTED: u64 = 1_000;

const ONLY_ADMINISTRATORS: &str = "only administrators see and manage people; sign in as one";
const ONLY_OWNERS: &str = "only owners add, change and remove owners";
const LAST_OWNER: &str = "this is the last active owner of the organisation; make somebody else an owner first";
const IS_DELETED: &str = "this person was deleted; invite them anew";

/// Whether a person may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonStatus {
    /// Invited, without a password yet.
    Pending,
    /// May sign in.
    Active,
    /// May not sign in until somebody makes them active again.
    Suspended,
    /// Gone; kept for the record of changes.
    Deleted,
}

impl PersonStatus {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

impl From<user::Status> for PersonStatus {
    fn from(status: user::Status) -> Self {
        match status {
            user::Status::Pending => Self::Pending,
            user::Status::Active => Self::Active,
            user::Status::Suspended => Self::Suspended,
            user::Status::Deleted => Self::Deleted,
        }
    }
}

impl From<PersonStatus> for user::Status {
    fn from(status: PersonStatus) -> Self {
        match status {
            PersonStatus::Pending => Self::Pending,
            PersonStatus::Active => Self::Active,
            PersonStatus::Suspended => Self::Suspended,
            PersonStatus::Deleted => Self::Deleted,
        }
    }
}

/// A person of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id.
    pub id: UserId,
    /// What the person signs in with.
    pub login: String,
    /// The name; may be empty.
    pub name: String,
    /// What the person is in the organisation.
    pub role: Role,
    /// Whether the person may sign in.
    pub status: PersonStatus,
    /// Grows with each change; a change names the one that it was made for.
    pub version: i64,
    /// When the person was added, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// When one of their sessions that stand was last used, exact to a minute.
    pub last_seen_ms: Option<i64>,
    /// The one-time link that is out.
    pub link: Option<LinkInfo>,
    /// Whether they asked to join, and wait for an administrator who makes them active.
    pub awaits_approval: bool,
    /// The class, whose quotas bind them.
    pub class: Option<ClassRef>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether it was shown that they read what is sent there.
    pub email_confirmed: bool,
}

/// A person to invite.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// Unique in the whole installation, without regard to case.
    pub login: String,
    /// The name; may be empty.
    pub name: String,
    /// What the person will be; not more than the one who invites.
    pub role: Role,
    /// Where the invitation can be sent to; the person confirms it later.
    pub email: Option<String>,
}

/// Which people to list.
#[derive(Debug, Clone, Default)]
pub struct PeopleQuery {
    /// Only those of a status; without it, all but the deleted.
    pub status: Option<PersonStatus>,
    /// Only those after this one.
    pub after: Option<UserId>,
    /// At most so many, and at most 1,000.
    pub limit: u64,
}

/// What to change of a person; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct PersonChange {
    /// The version that the change was made for.
    pub version: i64,
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Active or suspended.
    pub status: Option<PersonStatus>,
    /// Another class.
    pub class: Edit<ClassId>,
}

impl Metadata {
    /// The people of the caller's organisation in the order in which they were added. Administrators only.
    pub async fn people(&self, who: &Principal, query: &PeopleQuery) -> Result<Vec<Person>, MetadataError> {
        require(who, Role::Viewer, ONLY_ADMINISTRATORS)?;
        let mut select = user::Entity::find().filter(user::Column::OrgId.eq(*who.org.as_uuid()));
        select = match query.status {
            Some(status) => select.filter(user::Column::Status.eq(user::Status::from(status))),
            None => select.filter(user::Column::Status.ne(user::Status::Deleted)),
        };
        if let Some(after) = query.after {
            select = select.filter(user::Column::Id.gt(*after.as_uuid()));
        }
        let rows = select.order_by_asc(user::Column::Id).limit(query.limit.clamp(1, MAX_LISTED)).all(self.db()).await?;
        self.complete(who.org, rows).await
    }

    /// A person of the caller's organisation. Administrators only.
    pub async fn person(&self, who: &Principal, id: UserId) -> Result<Person, MetadataError> {
        require(who, Role::Viewer, ONLY_ADMINISTRATORS)?;
        let row = self.user_row(who.org, id).await?;
        self.describe(row).await
    }

    /// Adds a person who has no password yet, and makes the link that lets them choose one. Administrators only.
    pub async fn invite(&self, who: &Principal, new: NewPerson) -> Result<(Person, NewLink), MetadataError> {
        require(who, Role::Viewer, ONLY_ADMINISTRATORS)?;
        require(who, new.role, ONLY_OWNERS)?;
        let login = new.login.trim();
        check_login(login)?;
        let row = user::Model {
            id: Self::new_id(),
            org_id: *who.org.as_uuid(),
            login: login.to_owned(),
            login_key: login_key(login),
            role: new.role.into(),
            status: user::Status::Pending,
            password: String::new(),
            created_at_ms: self.now_ms(),
            name: check_name(&new.name)?.to_owned(),
            version: 1,
            class_id: None,
            email: check_email(new.email.as_deref())?,
            email_confirmed_at_ms: None,
            email_code: None,
            email_code_expires_at_ms: None,
        };
        let transaction = self.begin().await?;
        self.insert_user(&transaction, who, &row).await?;
        self.check_room_for_people(&transaction, who.org).await?;
        let link = self.put_link(&transaction, &row, LinkPurpose::Invitation).await?;
        transaction.commit().await?;
        Ok((self.describe(row).await?, link))
    }

    /// Changes a person's name, role or status. Suspending ends sessions, API tokens and links; so does a role below editor
    /// for API tokens, which only editors have.
    pub async fn change_person(
        &self,
        who: &Principal,
        id: UserId,
        change: PersonChange,
    ) -> Result<Person, MetadataError> {
        let before = self.manageable(who, id).await?;
        let mut after = before.clone();
        if let Some(name) = &change.name {
            after.name = check_name(name)?.to_owned();
        }
        if let Some(role) = change.role {
            require(who, role, ONLY_OWNERS)?;
            after.role = role.into();
        }
        if let Some(status) = change.status {
            after.status = next_status(&before, status)?;
        }
        let class = change.class.apply(before.class_id.map(ClassId::from_uuid));
        after.class_id = class.map(|class| *class.as_uuid());
        after.version = change.version.saturating_add(1);
        self.replace(who, &before, &after, "changed").await?;
        self.person(who, id).await
    }

    /// Deletes a person: they cannot sign in, and their login is free again. The record of changes keeps their name.
    pub async fn delete_person(&self, who: &Principal, id: UserId, version: i64) -> Result<(), MetadataError> {
        let before = self.manageable(who, id).await?;
        let after = user::Model {
            status: user::Status::Deleted,
            login_key: deleted_key(before.id),
            password: String::new(),
            version: version.saturating_add(1),
            ..before.clone()
        };
        self.replace(who, &before, &after, "deleted").await
    }

    /// Puts `after` in the place of `before`, if the version is still the one before `after`'s, and ends what it ends.
    async fn replace(
        &self,
        who: &Principal,
        before: &user::Model,
        after: &user::Model,
        action: &'static str,
    ) -> Result<(), MetadataError> {
        let (org, id) = (OrgId::from_uuid(before.org_id), UserId::from_uuid(before.id));
        let expected = after.version.saturating_sub(1);
        let is_deleted = after.status == user::Status::Deleted;
        let transaction = self.begin().await?;
        let row = user::ActiveModel {
            login_key: Set(after.login_key.clone()),
            name: Set(after.name.clone()),
            role: Set(after.role),
            status: Set(after.status),
            // Whatever it is by now, only a deletion takes it away.
            password: if after.password == before.password { NotSet } else { Set(after.password.clone()) },
            version: Set(after.version),
            class_id: Set(after.class_id),
            // As the password: the person changes it meanwhile, and a deletion takes it away.
            email: if is_deleted { Set(None) } else { NotSet },
            email_confirmed_at_ms: if is_deleted { Set(None) } else { NotSet },
            email_code: if is_deleted { Set(None) } else { NotSet },
            ..Default::default()
        };
        let done = user::Entity::update_many()
            .set(row)
            .filter(user::Column::Id.eq(before.id))
            .filter(user::Column::OrgId.eq(before.org_id))
            .filter(user::Column::Version.eq(expected))
            // What was read, and is recorded as before, is what is replaced.
            .filter(user::Column::Version.eq(before.version))
            .exec(&transaction)
            .await?;
        if done.rows_affected != 1 {
            drop(transaction);
            return Err(MetadataError::Changed(Box::new(self.person(who, id).await?)));
        }
        if let Some(class) = after.class_id.filter(|_| after.class_id != before.class_id) {
            // The write before it keeps others from deleting the class.
            self.class_row(&transaction, org, ClassId::from_uuid(class)).await?;
        }
        if is_active_owner(before) && !is_active_owner(after) {
            let owners = user::Entity::find()
                .filter(user::Column::OrgId.eq(before.org_id))
                .filter(user::Column::Role.eq(user::Role::Owner))
                .filter(user::Column::Status.eq(user::Status::Active))
                .count(&transaction)
                .await?;
            if owners == 0 {
                return Err(MetadataError::Conflict(LAST_OWNER));
            }
        }
        let is_out = matches!(after.status, user::Status::Suspended | user::Status::Deleted);
        let mut ended = Vec::new();
        let mut described = facts(after);
        if is_out {
            let sessions = self.end_sessions(&transaction, org, id, None).await?;
            self.drop_links(&transaction, org, id).await?;
            if is_deleted {
                self.drop_second_factor(&transaction, org, id).await?;
                self.drop_identities(&transaction, org, id).await?;
                self.drop_creator(&transaction, org, id).await?;
                self.leave_groups(&transaction, org, id).await?;
            }
            described.insert("sessions_ended".to_owned(), json!(sessions));
        }
        if is_out || Role::from(after.role) < Role::Editor {
            ended = self.end_tokens(&transaction, org, id).await?;
            described.insert("tokens_revoked".to_owned(), json!(ended.len()));
        }
        let change = Change::new(action, "user", &before.login).before(facts(before).into()).after(described.into());
        self.record(&transaction, who, change).await?;
        transaction.commit().await?;
        self.token_cache().revoke(&ended);
        self.logins().forget_user(id);
        self.meters().forget(id);
        self.storage().forget();
        Ok(())
    }

    /// Fails if an organisation has too many people.
    pub(crate) async fn check_room_for_people(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
    ) -> Result<(), MetadataError> {
        let people = user::Entity::find()
            .filter(user::Column::OrgId.eq(*org.as_uuid()))
            .filter(user::Column::Status.ne(user::Status::Deleted))
            .count(on)
            .await?;
        if people > MAX_PEOPLE {
            let rule = "an organisation has at most 10,000 (a fixed limit); delete some who have left";
            return Err(MetadataError::Invalid { what: "too many people", rule });
        }
        Ok(())
    }

    /// A person whom the caller may change.
    pub(crate) async fn manageable(&self, who: &Principal, id: UserId) -> Result<user::Model, MetadataError> {
        require(who, Role::Viewer, ONLY_ADMINISTRATORS)?;
        let row = self.user_row(who.org, id).await?;
        require(who, row.role.into(), ONLY_OWNERS)?;
        match row.status {
            user::Status::Deleted => Err(MetadataError::Conflict(IS_DELETED)),
            _ => Ok(row),
        }
    }

    pub(crate) async fn user_row(&self, org: OrgId, id: UserId) -> Result<user::Model, MetadataError> {
        user::Entity::find_by_id(*id.as_uuid())
            .filter(user::Column::OrgId.eq(*org.as_uuid()))
            .one(self.db())
            .await?
            .ok_or(MetadataError::Missing("person"))
    }

    pub(crate) async fn describe(&self, row: user::Model) -> Result<Person, MetadataError> {
        let org = OrgId::from_uuid(row.org_id);
        self.complete(org, vec![row]).await?.pop().ok_or(MetadataError::Missing("person"))
    }

    /// Adds to rows of an organisation what other tables know.
    async fn complete(&self, org: OrgId, rows: Vec<user::Model>) -> Result<Vec<Person>, MetadataError> {
        let now_ms = self.now_ms();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let seen: Vec<(Uuid, i64)> = session::Entity::find()
            .select_only()
            .column(session::Column::UserId)
            .column_as(session::Column::LastSeenMs.max(), "seen")
            .filter(session::Column::OrgId.eq(*org.as_uuid()))
            .filter(session::Column::UserId.is_in(ids.clone()))
            .group_by(session::Column::UserId)
            .into_tuple()
            .all(self.db())
            .await?;
        let mut seen: HashMap<Uuid, i64> = seen.into_iter().collect();
        let links = one_time_link::Entity::find()
            .filter(one_time_link::Column::OrgId.eq(*org.as_uuid()))
            .filter(one_time_link::Column::UserId.is_in(ids))
            .filter(one_time_link::Column::ExpiresAtMs.gt(now_ms))
            .all(self.db())
            .await?;
        let mut links: HashMap<Uuid, LinkInfo> =
            links.into_iter().map(|link| (link.user_id, LinkInfo::from(link))).collect();
        let names = self.class_names(org, rows.iter().filter_map(|row| row.class_id).collect()).await?;
        let people = rows.into_iter().map(|row| Person {
            id: UserId::from_uuid(row.id),
            role: row.role.into(),
            status: row.status.into(),
            version: row.version,
            created_at_ms: row.created_at_ms,
            last_seen_ms: seen.remove(&row.id),
            link: links.remove(&row.id),
            awaits_approval: awaits_approval(&row),
            class: row
                .class_id
                .and_then(|id| Some(ClassRef { id: ClassId::from_uuid(id), name: names.get(&id)?.clone() })),
            email_confirmed: row.email.is_some() && row.email_confirmed_at_ms.is_some(),
            login: row.login,
            name: row.name,
            email: row.email,
        });
        Ok(people.collect())
    }
}

fn require(who: &Principal, role: Role, sentence: &'static str) -> Result<(), MetadataError> {
    if who.allows(Action::ManagePeople(role)) { Ok(()) } else { Err(MetadataError::Denied(sentence)) }
}

fn is_active_owner(row: &user::Model) -> bool {
    row.role == user::Role::Owner && row.status == user::Status::Active
}

/// The status that an administrator's wish leads to.
fn next_status(before: &user::Model, wanted: PersonStatus) -> Result<user::Status, MetadataError> {
    match (before.status, wanted) {
        (user::Status::Pending, PersonStatus::Pending) => Ok(before.status),
        (user::Status::Pending, PersonStatus::Active) if awaits_approval(before) => Ok(wanted.into()),
        (user::Status::Active | user::Status::Suspended, PersonStatus::Active | PersonStatus::Suspended) => {
            Ok(wanted.into())
        }
        (user::Status::Pending, _) if awaits_approval(before) => {
            Err(MetadataError::Conflict("this person waits for approval; make them active, or delete them"))
        }
        (user::Status::Pending, _) => Err(MetadataError::Conflict(
            "this person has not accepted the invitation yet, and becomes active by it; revoke the invitation or delete them",
        )),
        _ => Err(MetadataError::Conflict("a person can be made active or suspended; delete them to remove them")),
    }
}

/// What the record of changes says about a person.
fn facts(row: &user::Model) -> Map<String, Value> {
    let facts = [
        ("name", json!(row.name)),
        ("role", json!(role_name(row.role.into()))),
        ("status", json!(row.status.to_value())),
        ("class", json!(row.class_id)),
    ];
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()
}
