//! Newest values: of a device's field, of a table, of a route.

use std::sync::Arc;

use sensorium_model::{Action, DEVICE_TAG, DatabaseKey, DatabaseName, Name, Principal};
use sensorium_protocols::coap::{Code, Response};

use super::super::Shared;
use super::super::answer::failure;
use super::super::desk::Asked;
use super::super::watch::{Looking, Notices};
use super::Handled;
use super::representation::{Form, not_acceptable, values};
use super::who::{TOKEN, Who};
use crate::reach;

/// The part of the query that names a database.
const DATABASE: &str = "db";
/// The part of the query that names a field.
const FIELD: &str = "field";
/// Tags that may be asked for at once.
const MAX_TAGS: usize = 32;

/// `/devices/NAME/FIELD`
pub(super) fn device(
    shared: &Shared,
    asked: &Asked,
    caller: &Principal,
    who: &Who,
    (name, field): (&str, &str),
    notices: &Arc<Notices>,
) -> Handled {
    let tags = vec![(Name::from(DEVICE_TAG), Name::from(name))];
    match readable(shared, asked, caller) {
        Ok(database) => {
            newest(shared, asked, Looking { database, table: None, field: Some(field.into()), tags }, who, notices)
        }
        Err(response) => Handled::Answer(response),
    }
}

/// `/TABLE?device=NAME`: what else is in the query are tags, too.
pub(super) fn table(
    shared: &Shared,
    asked: &Asked,
    caller: &Principal,
    who: &Who,
    table: &str,
    notices: &Arc<Notices>,
) -> Handled {
    let database = match readable(shared, asked, caller) {
        Ok(database) => database,
        Err(response) => return Handled::Answer(response),
    };
    let queries = asked.request.queries().filter_map(|query| query.split_once('='));
    let tags: Vec<(Name, Name)> = queries
        .filter(|(name, _)| ![TOKEN, DATABASE, FIELD].contains(name))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    if tags.is_empty() || tags.len() > MAX_TAGS {
        let sentence = format!("say whose values, with 1 to {MAX_TAGS} tags in the query, such as ?device=NAME");
        return Handled::Answer(failure(Code::BAD_REQUEST, &sentence));
    }
    let field = asked.request.query(FIELD).map(Name::from);
    newest(shared, asked, Looking { database, table: Some(table.into()), field, tags }, who, notices)
}

/// The database that is asked for, if the caller may read it.
fn readable(shared: &Shared, asked: &Asked, caller: &Principal) -> Result<DatabaseKey, Response> {
    let database = match asked.request.query(DATABASE).map(DatabaseName::new) {
        Some(Ok(named)) => named,
        Some(Err(error)) => return Err(failure(Code::BAD_REQUEST, &format!("db: {error}"))),
        None => reach::database_of(caller, &shared.config.database),
    };
    match caller.allows(Action::Read(&database)) {
        true => Ok(DatabaseKey::new(caller.org, database)),
        false => Err(failure(Code::FORBIDDEN, "this credential may not read this database")),
    }
}

/// Shows newest values, and goes on telling them to whoever observes.
pub(super) fn newest(shared: &Shared, asked: &Asked, looking: Looking, who: &Who, notices: &Arc<Notices>) -> Handled {
    let Some(form) = Form::of(asked.request.accept(), looking.field.is_some()) else {
        return Handled::Answer(not_acceptable());
    };
    if !asked.request.wants_observation() {
        return Handled::Answer(values(&looking, &looking.read(&shared.ingest), form));
    }
    let (read, watched) = shared.watch.values(&shared.ingest, looking.clone(), form, notices, who.token.clone());
    match values(&looking, &read, form) {
        // Nobody observes what is not there (RFC 7641, section 4.1).
        missing if missing.code.is_error() => Handled::Answer(missing),
        shown => Handled::Observe(shown, watched),
    }
}
