//! Users, which are people and API tokens here: the login or anything beside a token is the user name, the password or the token
//! the password.

use sensorium_metadata::{PeopleQuery, TokenInfo};
use sensorium_model::{Action, DatabaseName, Role};
use sensorium_query::influxql::Cell;

use super::{Changing, Done, done, table, told};
use crate::error::ApiError;

/// Why users are not made and changed here.
pub(super) const REFUSED: &str = "the users of InfluxDB are people and API tokens here; make a token on the page or with POST \
                                  /api/v1/tokens: it is the password, beside any user name, and says what it is good for";

/// The most people that are shown.
const MAX_PEOPLE: u64 = 1_000;

async fn people(changing: &Changing<'_>) -> Result<Vec<(String, Role)>, String> {
    let principal = &changing.caller.0;
    // An API token learns of no people.
    if !principal.allows(Action::ManagePeople(Role::Viewer)) {
        return Ok(Vec::new());
    }
    let query = PeopleQuery { limit: MAX_PEOPLE, ..PeopleQuery::default() };
    let people = changing.state.metadata.people(principal, &query).await;
    let people = people.map_err(|error| told(&ApiError::from(error)))?;
    Ok(people.into_iter().map(|person| (person.login, person.role)).collect())
}

async fn tokens(changing: &Changing<'_>) -> Result<Vec<TokenInfo>, String> {
    let tokens = changing.state.metadata.tokens(&changing.caller.0).await;
    tokens.map_err(|error| told(&ApiError::from(error)))
}

/// People and tokens, and whether they administer the organisation.
pub(super) async fn show(changing: &Changing<'_>) -> Result<Done, String> {
    let row = |name: &str, is_admin| vec![Cell::Text(name.into()), Cell::Boolean(is_admin)];
    let mut rows: Vec<_> =
        people(changing).await?.iter().map(|(login, role)| row(login, *role >= Role::Administrator)).collect();
    rows.extend(tokens(changing).await?.iter().map(|token| row(&token.name, false)));
    Ok(Done::Series(vec![table("", &["user", "admin"], rows)]))
}

/// What a person or a token may do with each database.
pub(super) async fn grants(changing: &Changing<'_>, user: &str) -> Result<Done, String> {
    let person = people(changing).await?.into_iter().find(|(login, _)| login == user);
    let (only, can_read, can_write) = match person {
        Some((_, role)) => (None, role >= Role::Viewer, role >= Role::Editor),
        None => {
            let token = tokens(changing).await?.into_iter().find(|token| token.name == user);
            let token = token.ok_or_else(|| "user not found".to_owned())?;
            (token.database, token.can_read, token.can_write)
        }
    };
    let privilege = match (can_read, can_write) {
        (true, true) => "ALL PRIVILEGES",
        (true, false) => "READ",
        (false, true) => "WRITE",
        (false, false) => "NO PRIVILEGES",
    };
    let databases = changing.state.store.databases(changing.caller.0.org);
    let reaches = |name: &DatabaseName| only.as_ref().is_none_or(|only| only == name);
    let row = |name: DatabaseName| vec![Cell::Text(name.as_str().into()), Cell::Text(privilege.into())];
    let rows = databases.into_iter().filter(reaches).map(row).collect();
    Ok(Done::Series(vec![table("", &["database", "privilege"], rows)]))
}

/// Revokes the one token of this name.
pub(super) async fn drop_user(changing: &Changing<'_>, name: &str) -> Result<Done, String> {
    let named: Vec<TokenInfo> = tokens(changing).await?.into_iter().filter(|token| token.name == name).collect();
    match named.as_slice() {
        [token] => {
            let revoked = changing.state.metadata.revoke_token(&changing.caller.0, token.id).await;
            done(revoked.map_err(ApiError::from))
        }
        [] if people(changing).await?.iter().any(|(login, _)| login == name) => {
            Err("this is a person; remove them on the page, or with DELETE /api/v1/users".to_owned())
        }
        [] => Err("user not found".to_owned()),
        _ => Err("several API tokens have this name; revoke the one that is meant on the page, or with DELETE \
                  /api/v1/tokens"
            .to_owned()),
    }
}
