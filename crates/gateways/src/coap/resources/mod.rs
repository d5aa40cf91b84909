//! What can be asked for, and who may.
//!
//! Routes come first, then what is built in: `/readings`, `/devices/NAME/desired`, `/devices/NAME/reported`,
//! `/devices/NAME/FIELD`, `/TABLE` and `/.well-known/core`.
//!
//! Invariants:
//! - without a credential nothing is stored or shown but by a route that lets anyone in;
//! - what is stored is of the caller's own organisation, and of the first one where there is no credential;
//! - what is shown is of the caller's own organisation, and of the first one where a route lets anyone in;
//! - a route of the first organisation shows nothing of another one but to whoever may read it anyway;
//! - a device reads nothing but what a route shows to devices, and its own desired state.

mod device;
mod readings;
pub(super) mod representation;
mod show;
mod who;

use std::sync::Arc;

use sensorium_ingest::Format;
use sensorium_model::{Action, DatabaseKey, DatabaseName, OrgId, Principal};
use sensorium_protocols::coap::link_format::{self, Link};
use sensorium_protocols::coap::{Code, Response, format};

use super::Shared;
use super::answer::failure;
use super::desk::Asked;
use super::intake::Reading;
use super::route::{Allow, Followed, Purpose, Way, follow};
use super::watch::{Looking, Notices, Watched};
use who::Who;

pub(super) use who::TokenNames;

/// What becomes of a request.
pub(super) enum Handled {
    Answer(Response),
    /// Stored with others, and answered then.
    Store(Reading),
    /// Answered, and told of changes.
    Observe(Response, Watched),
}

/// What is known without waiting for anything: nearly everything that anyone may do.
pub(super) fn at_once(shared: &Shared, asked: &Asked) -> Option<Handled> {
    let request = &asked.request;
    let path: Vec<&str> = request.path().collect();
    if path == [".well-known", "core"] {
        return Some(Handled::Answer(match request.code {
            Code::GET => discover(shared, asked),
            _ => failure(Code::METHOD_NOT_ALLOWED, "what there is can be asked for with GET"),
        }));
    }
    // What takes readings and reports is there, in no version that anybody knows.
    if !request.code.is_safe() && !request.allows(Some(&[])) {
        let sentence = "nothing here has an ETag that a change could depend on; leave If-Match and If-None-Match out";
        return Some(Handled::Answer(failure(Code::PRECONDITION_FAILED, sentence)));
    }
    if asked.is_multicast {
        // Everybody would do it at once.
        return Some(Handled::Answer(failure(Code::NOT_FOUND, "only /.well-known/core is asked of all")));
    }
    if asked.caller.principal.is_some() || request.query(who::TOKEN).is_some() {
        return None;
    }
    match follow(&shared.config.routes, &path, request.code) {
        Way::Found(followed) if followed.purpose == Purpose::Store && followed.route.allow == Allow::Anyone => {
            Some(store(asked, &followed, shared.nobody.clone()))
        }
        Way::Method => Some(Handled::Answer(not_with_this_method())),
        Way::Found(_) | Way::None => None,
    }
}

/// Everything else.
pub(super) async fn handle(shared: &Shared, asked: Asked, notices: &Arc<Notices>) -> Handled {
    let request = &asked.request;
    let who = match shared.who(&asked).await {
        Ok(who) => who,
        Err(response) => return Handled::Answer(response),
    };
    let path: Vec<&str> = request.path().collect();
    match follow(&shared.config.routes, &path, request.code) {
        Way::Found(followed) => return by_route(shared, &asked, &followed, &who, notices).await,
        Way::Method => return Handled::Answer(not_with_this_method()),
        Way::None => {}
    }
    let Some(caller) = &who.principal else {
        let sentence =
            "there is no credential; use DTLS with a key or a certificate of a device, or a route that lets anyone in";
        return Handled::Answer(failure(Code::UNAUTHORIZED, sentence));
    };
    match (path.as_slice(), request.code) {
        (["readings"], Code::POST | Code::PUT) => readings::take(shared, &asked, caller.clone()),
        (["devices", name, "desired"], Code::GET) => device::desired(shared, &asked, caller, &who, name, notices).await,
        (["devices", name, "reported"], Code::POST | Code::PUT) => device::report(shared, &asked, caller, name).await,
        (["devices", name, field], Code::GET) => show::device(shared, &asked, caller, &who, (name, field), notices),
        ([table], Code::GET) if *table != "readings" => show::table(shared, &asked, caller, &who, table, notices),
        (["readings"] | ["devices", _, _] | [_], _) => Handled::Answer(not_with_this_method()),
        _ => Handled::Answer(failure(Code::NOT_FOUND, "there is nothing of this path")),
    }
}

fn not_with_this_method() -> Response {
    failure(Code::METHOD_NOT_ALLOWED, "this path is not there for this method")
}

async fn by_route(
    shared: &Shared,
    asked: &Asked,
    followed: &Followed<'_>,
    who: &Who,
    notices: &Arc<Notices>,
) -> Handled {
    let caller = match shared.let_in(&followed.route.allow, who).await {
        Ok(caller) => caller,
        Err(response) => return Handled::Answer(response),
    };
    match followed.purpose {
        Purpose::Store => store(asked, followed, caller),
        Purpose::Show => {
            let database = &followed.route.database;
            let Some(org) = shown_of(&followed.route.allow, &caller, shared.nobody.org, database) else {
                return Handled::Answer(failure(Code::FORBIDDEN, "this credential may not read this database"));
            };
            let tags = followed.tags().into_iter().map(|(name, value)| (name.into(), value.into()));
            let looking = Looking {
                database: DatabaseKey::new(org, database.clone()),
                table: Some(followed.table().into()),
                field: Some(followed.field().into()),
                tags: tags.collect(),
            };
            show::newest(shared, asked, looking, who, notices)
        }
    }
}

/// Whose values a route shows; none when the caller may not read them. It speaks for the first organisation, which wrote it, and
/// gives no rights in another one.
fn shown_of(allow: &Allow, caller: &Principal, first: OrgId, database: &DatabaseName) -> Option<OrgId> {
    match allow {
        Allow::Anyone => Some(first),
        Allow::Devices | Allow::Token(_) => {
            (caller.org == first || caller.allows(Action::Read(database))).then_some(caller.org)
        }
    }
}

/// A single value as text, which is stored where the route says.
fn store(asked: &Asked, followed: &Followed<'_>, writer: Arc<Principal>) -> Handled {
    let request = &asked.request;
    if !matches!(request.content_format(), None | Some(format::TEXT)) {
        let sentence = "this path takes single values as text; send no Content-Format, or 0";
        return Handled::Answer(failure(Code::UNSUPPORTED_CONTENT_FORMAT, sentence));
    }
    let reply = followed.reply(&request.payload);
    Handled::Store(Reading {
        writer,
        database: followed.route.database.clone(),
        format: Format::Content {
            content_format: Some(format::TEXT),
            table: followed.table(),
            field: followed.field(),
            tags: followed.tags(),
            device: None,
        },
        body: request.payload.clone(),
        stored: Response::new(followed.route.reply_code).with_text(reply.into_bytes()),
    })
}

/// What there is (RFC 6690).
fn discover(shared: &Shared, asked: &Asked) -> Response {
    let readings = Link {
        href: "/readings".into(),
        rt: "sensorium.readings".into(),
        title: "Readings in any format".into(),
        content_formats: readings::FORMATS.into(),
        ..Link::default()
    };
    let routes = shared.config.routes.iter().filter(|route| route.is_fixed()).map(|route| Link {
        href: route.text.as_str().into(),
        rt: "sensorium.value".into(),
        is_observable: route.is_shown(),
        ..Link::default()
    });
    let filters: Vec<&str> = asked.request.queries().filter(|query| !query.starts_with("token=")).collect();
    let text = link_format::write(std::iter::once(readings).chain(routes), filters.iter().copied());
    Response::new(Code::CONTENT).with_payload(format::LINK, text.into_bytes())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_route_gives_no_rights_in_another_organisation() {
        let [first, second] = [1, 2].map(|number| OrgId::from_uuid(Uuid::from_u128(number)));
        let database = DatabaseName::new("main").unwrap();
        let of = |org| Principal::system(org);
        let blind = |org| Principal { can_read: false, ..Principal::system(org) };
        assert_eq!(shown_of(&Allow::Anyone, &blind(second), first, &database), Some(first));
        assert_eq!(shown_of(&Allow::Devices, &blind(first), first, &database), Some(first));
        assert_eq!(shown_of(&Allow::Devices, &blind(second), first, &database), None);
        assert_eq!(shown_of(&Allow::Devices, &of(second), first, &database), Some(second));
    }
}
