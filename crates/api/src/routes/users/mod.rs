//! The people of an organisation: `GET` and `POST /api/v1/users`, `GET`, `PATCH` and `DELETE /api/v1/users/{id}`, and the
//! one-time links that let them choose a password ([`links`]).
//!
//! A change names the version of the person that it was made for; one that comes too late is answered with 409 and with how the
//! person is now.

pub(crate) mod links;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sensorium_metadata::people::MAX_LISTED;
use sensorium_metadata::{
    ClassRef, Edit, LinkInfo, MetadataError, NewPerson, PeopleQuery, Person, PersonChange, PersonStatus,
};
use sensorium_model::{ClassId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use self::links::OneTimeLink;
use super::session::Role;
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::mail;
use crate::state::AppState;

/// `limit` of a listing if it is not given.
const DEFAULT_LIMIT: u64 = 100;

/// A person of the organisation.
#[derive(Debug, Serialize, ToSchema)]
struct User {
    id: Uuid,
    login: String,
    /// May be empty.
    name: String,
    role: Role,
    status: UserStatus,
    /// Whether they asked to join, and wait for an administrator who makes them active or deletes them.
    awaits_approval: bool,
    /// The class, whose quotas bind them.
    #[schema(required)]
    class: Option<UserClass>,
    #[schema(required)]
    email: Option<String>,
    /// Whether a link that was sent to the e-mail address was used.
    email_confirmed: bool,
    /// Grows with each change; send it with the next one.
    version: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// When one of their sessions was last used, RFC 3339, exact to a minute; null if none stands.
    #[schema(format = DateTime, required)]
    last_seen_at: Option<String>,
    /// The one-time link that is out.
    #[schema(required)]
    link: Option<UserLink>,
}

/// Whether a person may sign in.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum UserStatus {
    /// Invited, without a password yet; or asked to join, and waits.
    Pending,
    /// May sign in.
    Active,
    /// May not, until somebody makes them active again.
    Suspended,
    /// Gone; kept for the record of changes.
    Deleted,
}

/// The class of a person.
#[derive(Debug, Serialize, ToSchema)]
struct UserClass {
    id: Uuid,
    name: String,
}

/// A one-time link that is out, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct UserLink {
    /// `invitation` or `reset`.
    purpose: &'static str,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when it is good, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// People, in the order in which they were added.
#[derive(Debug, Serialize, ToSchema)]
struct UserList {
    users: Vec<User>,
    /// `after` of the next page; null on the last one.
    #[schema(required)]
    next: Option<Uuid>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UserQuery {
    /// Only those of a status; without it, all but the deleted.
    #[param(inline)]
    status: Option<UserStatus>,
    /// Only those after this one.
    after: Option<Uuid>,
    /// At most so many, 1 to 1,000; default 100.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
}

/// A person to invite.
#[derive(Deserialize, ToSchema)]
struct UserRequest {
    /// 1 to 64 characters without spaces and colons, which nobody on this server has.
    #[schema(min_length = 1, max_length = 64)]
    login: String,
    /// At most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    name: String,
    /// Not more than the caller's own.
    role: Role,
    /// Where the invitation is sent to as well, if the server sends mail; the person confirms it later.
    #[schema(max_length = 254)]
    email: Option<String>,
}

/// A new person and the link to give to them, which is never shown again.
#[derive(Debug, Serialize, ToSchema)]
struct Invited {
    user: User,
    link: OneTimeLink,
    /// Whether the link is on its way to the e-mail address as well.
    mailed: bool,
}

/// What to change of a person; what is left out stays.
#[derive(Deserialize, ToSchema)]
struct UserChange {
    /// The version that the change was made for.
    version: i64,
    /// At most 100 characters.
    #[schema(max_length = 100)]
    name: Option<String>,
    /// Not more than the caller's own.
    role: Option<Role>,
    /// `active` or `suspended`; `active` is also how somebody who asked to join is let in.
    status: Option<UserStatus>,
    /// Another class; null for none.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    class: Edit<Uuid>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct VersionQuery {
    /// The version of the person that the caller has seen.
    version: i64,
}

impl From<PersonStatus> for UserStatus {
    fn from(status: PersonStatus) -> Self {
        match status {
            PersonStatus::Pending => Self::Pending,
            PersonStatus::Active => Self::Active,
            PersonStatus::Suspended => Self::Suspended,
            PersonStatus::Deleted => Self::Deleted,
        }
    }
}

impl From<UserStatus> for PersonStatus {
    fn from(status: UserStatus) -> Self {
        match status {
            UserStatus::Pending => Self::Pending,
            UserStatus::Active => Self::Active,
            UserStatus::Suspended => Self::Suspended,
            UserStatus::Deleted => Self::Deleted,
        }
    }
}

impl From<LinkInfo> for UserLink {
    fn from(link: LinkInfo) -> Self {
        Self {
            purpose: link.purpose.as_str(),
            created_at: super::rfc3339(link.created_at_ms),
            expires_at: super::rfc3339(link.expires_at_ms),
        }
    }
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        Self {
            id: *person.id.as_uuid(),
            login: person.login,
            name: person.name,
            role: person.role.into(),
            status: person.status.into(),
            awaits_approval: person.awaits_approval,
            class: person.class.map(|ClassRef { id, name }| UserClass { id: *id.as_uuid(), name }),
            email: person.email,
            email_confirmed: person.email_confirmed,
            version: person.version,
            created_at: super::rfc3339(person.created_at_ms),
            last_seen_at: person.last_seen_ms.map(super::rfc3339),
            link: person.link.map(UserLink::from),
        }
    }
}

/// The answer to a change that failed; one that came too late holds how the person is now.
fn failed(error: MetadataError) -> ApiError {
    let current = match &error {
        MetadataError::Changed(person) => serde_json::to_value(User::from(Person::clone(person))).ok(),
        _ => None,
    };
    let made = ApiError::from(error);
    match current {
        Some(current) => made.with("current", current),
        None => made,
    }
}

/// A limit as asked, or the default.
pub(super) fn page_size(asked: Option<u64>, default: u64, most: u64) -> ApiResult<u64> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => {
            Err(ApiError::invalid(format!("limit={limit} is not between 1 and {most}, the most of one page")))
        }
    }
}

/// List people
#[utoipa::path(get, path = "/api/v1/users", tag = "people", params(UserQuery), responses(
    (status = 200, body = UserList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "Administrators only"),
))]
async fn users(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Query(query): extract::Query<UserQuery>,
) -> ApiResult<Json<UserList>> {
    let limit = page_size(query.limit, DEFAULT_LIMIT, MAX_LISTED)?;
    let wanted =
        PeopleQuery { status: query.status.map(PersonStatus::from), after: query.after.map(UserId::from_uuid), limit };
    let people = state.metadata.people(&principal, &wanted).await?;
    let is_full = u64::try_from(people.len()).is_ok_and(|count| count == limit);
    let next = people.last().filter(|_| is_full).map(|last| *last.id.as_uuid());
    Ok(Json(UserList { users: people.into_iter().map(User::from).collect(), next }))
}

/// Invite a person
///
/// The answer holds a one-time link with which the person chooses a password; it is in the answer and, if an e-mail address was given and
/// the server sends mail, in a message to that address.
#[utoipa::path(post, path = "/api/v1/users", tag = "people", request_body = UserRequest, responses(
    (status = 201, body = Invited), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody, description = "The login is taken"),
))]
async fn invite(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Json(request): extract::Json<UserRequest>,
) -> ApiResult<(StatusCode, Json<Invited>)> {
    let UserRequest { login, name, role, email } = request;
    let (person, link) = state.metadata.invite(&principal, NewPerson { login, name, role: role.into(), email }).await?;
    let mailed = links::mail_invitation(&state, principal.org, person.id, &link).await;
    Ok((StatusCode::CREATED, Json(Invited { user: person.into(), link: link.into(), mailed })))
}

/// Show a person
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "people", params(("id" = Uuid, Path, description = "The person")),
    responses(
        (status = 200, body = User), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ))]
async fn user(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
) -> ApiResult<Json<User>> {
    Ok(Json(state.metadata.person(&principal, UserId::from_uuid(id)).await?.into()))
}

/// Change a person's name, role, status or class
///
/// Suspending ends the person's sessions and revokes their API tokens at once; a role below editor revokes the tokens.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "people", request_body = UserChange,
    params(("id" = Uuid, Path, description = "The person")),
    responses(
        (status = 200, body = User), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another change came first (then `current` is how the person is now), or it would leave the organisation without an owner"),
    ))]
async fn change_user(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Json(request): extract::Json<UserChange>,
) -> ApiResult<Json<User>> {
    let change = PersonChange {
        version: request.version,
        name: request.name,
        role: request.role.map(sensorium_model::Role::from),
        status: request.status.map(PersonStatus::from),
        class: request.class.map(ClassId::from_uuid),
    };
    let id = UserId::from_uuid(id);
    // Only who waited in the very version that is changed is let in by the change.
    let waited = match change.status {
        Some(PersonStatus::Active) => state
            .metadata
            .person(&principal, id)
            .await
            .is_ok_and(|before| before.awaits_approval && before.version == change.version),
        _ => false,
    };
    let changed = state.metadata.change_person(&principal, id, change).await.map_err(failed)?;
    if waited {
        mail::let_in(&state, principal.org, id).await;
    }
    Ok(Json(changed.into()))
}

/// Delete a person
///
/// Ends their sessions and revokes their API tokens at once. The record of changes keeps their name; their login is free again.
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "people",
    params(("id" = Uuid, Path, description = "The person"), VersionQuery),
    responses(
        (status = 204, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "As for a change"),
    ))]
async fn delete_user(
    State(state): State<AppState>,
    Caller(principal): Caller,
    extract::Path(id): extract::Path<Uuid>,
    extract::Query(query): extract::Query<VersionQuery>,
) -> ApiResult<StatusCode> {
    let deleted = state.metadata.delete_person(&principal, UserId::from_uuid(id), query.version).await;
    deleted.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(users, invite))
        .routes(routes!(user, change_user, delete_user))
        .merge(links::routes())
}
