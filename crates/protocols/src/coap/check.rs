//! What is wrong with a request whatever it asks.

use super::CoapLimits;
use super::code::Code;
use super::message::{Request, Response};
use super::option;
use super::wire::DecodeError;

/// The answer to a request that nobody can answer otherwise; takes away the options that mean nothing here.
pub(super) fn refusal(request: &mut Request) -> Option<Response> {
    let is_for_proxy =
        [option::PROXY_URI, option::PROXY_SCHEME].iter().any(|number| request.options.get(*number).is_some());
    if let Err(number) = option::check(&mut request.options) {
        let text = format!("option {number} is critical and not known, or wrong");
        return Some(Response::new(Code::BAD_OPTION).with_text(text));
    }
    if is_for_proxy {
        return Some(Response::new(Code::PROXYING_NOT_SUPPORTED).with_text("this is no proxy"));
    }
    if request.code.method().is_none() {
        return Some(Response::new(Code::METHOD_NOT_ALLOWED).with_text("this method is not known"));
    }
    None
}

/// The answer to a request that holds more than is allowed.
pub(super) fn too_much(error: &DecodeError, limits: &CoapLimits) -> Response {
    let response = match error {
        DecodeError::Limit { setting: "coap.message_bytes", .. } => {
            let most = limits.message_bytes.min(limits.body_bytes);
            Response::new(Code::REQUEST_ENTITY_TOO_LARGE).with_uint(option::SIZE1, most as u64)
        }
        _ => Response::new(Code::BAD_OPTION),
    };
    response.with_text(error.to_string())
}

/// Whether the client said that it does not want to hear of a response (RFC 7967, section 2.1).
pub(super) fn is_unwanted(no_response: u64, code: Code) -> bool {
    code.class() > 0 && no_response >> (code.class() - 1) & 1 == 1
}
