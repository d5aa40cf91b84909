//! What a device is to be like, and what it says that it is: as over HTTP and MQTT, for the device itself.

use std::sync::Arc;

use sensorium_model::{ActingDevice, Action, Principal};
use sensorium_protocols::coap::{Code, Response, format, option};

use super::super::Shared;
use super::super::answer::{failure, of_metadata};
use super::super::desk::Asked;
use super::super::watch::Notices;
use super::Handled;
use super::representation;
use super::who::Who;

/// `GET /devices/NAME/desired`
pub(super) async fn desired(
    shared: &Shared,
    asked: &Asked,
    caller: &Principal,
    who: &Who,
    name: &str,
    notices: &Arc<Notices>,
) -> Handled {
    let device = match itself(caller, name) {
        Ok(device) => device,
        Err(response) => return Handled::Answer(response),
    };
    if !matches!(asked.request.accept(), None | Some(format::JSON)) {
        return Handled::Answer(failure(Code::NOT_ACCEPTABLE, "a desired state is there as JSON (50)"));
    }
    // Entered before it reads, so that no change goes by between the two.
    let watched = asked
        .request
        .wants_observation()
        .then(|| shared.watch.desired(caller.org, device.id, notices, who.token.clone()));
    let document = match shared.ingest.metadata.desired_state(caller, None, None).await {
        Ok(Some(document)) => document,
        Ok(None) => return Handled::Answer(failure(Code::NOT_FOUND, "there is no desired state")),
        Err(error) => return Handled::Answer(of_metadata(&error)),
    };
    let etag = representation::etag(&document);
    let response = match asked.request.etags().any(|known| **known == *etag) {
        true => Response::new(Code::VALID).with_option(option::ETAG, etag),
        false => representation::desired(&document),
    };
    match watched {
        Some(watched) => Handled::Observe(response, watched),
        None => Handled::Answer(response),
    }
}

/// `PUT /devices/NAME/reported`
pub(super) async fn report(shared: &Shared, asked: &Asked, caller: &Principal, name: &str) -> Handled {
    if let Err(response) = itself(caller, name) {
        return Handled::Answer(response);
    }
    if !matches!(asked.request.content_format(), None | Some(format::JSON)) {
        return Handled::Answer(failure(Code::UNSUPPORTED_CONTENT_FORMAT, "a state is an object in JSON (50)"));
    }
    Handled::Answer(match serde_json::from_slice(&asked.request.payload) {
        Ok(state) => match shared.ingest.metadata.report_state(caller, &state).await {
            Ok(_) => Response::new(Code::CHANGED),
            Err(error) => of_metadata(&error),
        },
        Err(error) => failure(Code::BAD_REQUEST, &format!("the state is no JSON: {error}")),
    })
}

/// The device, if it is the caller.
fn itself<'c>(caller: &'c Principal, name: &str) -> Result<&'c ActingDevice, Response> {
    let device = caller.device.as_deref().filter(|device| *device.name == *name && caller.allows(Action::ActAsDevice));
    device.ok_or_else(|| failure(Code::FORBIDDEN, "only the device itself is told this, with a credential of its own"))
}
