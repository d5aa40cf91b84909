//! What a failure becomes for a peer, in one table: a code, and the sentence as its diagnostic payload (RFC 7252, 5.5.2).

use std::time::Duration;

use metrics::SharedString;
use sensorium_ingest::IngestError;
use sensorium_metadata::MetadataError;
use sensorium_model::ErrorKind;
use sensorium_protocols::coap::{Code, Response, option};

/// When a peer may try again that was not told when.
const AGAIN: Duration = Duration::from_secs(2);
/// The longest sentence, so that an answer is one datagram.
const SENTENCE_BYTES: usize = 512;

/// The code of a kind of failure.
pub(super) fn code_of(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Invalid => Code::BAD_REQUEST,
        ErrorKind::Unauthenticated => Code::UNAUTHORIZED,
        ErrorKind::Denied => Code::FORBIDDEN,
        ErrorKind::Missing => Code::NOT_FOUND,
        ErrorKind::Conflict => Code::CONFLICT,
        ErrorKind::TooLarge => Code::REQUEST_ENTITY_TOO_LARGE,
        ErrorKind::Busy | ErrorKind::NoSpace => Code::SERVICE_UNAVAILABLE,
        ErrorKind::Corrupt | ErrorKind::Internal => Code::INTERNAL_SERVER_ERROR,
    }
}

/// The code as a label of metrics; the usual ones cost nothing.
pub(super) fn label(code: Code) -> SharedString {
    match code {
        Code::CHANGED => SharedString::const_str("2.04"),
        Code::CONTENT => SharedString::const_str("2.05"),
        other => other.to_string().into(),
    }
}

/// An answer that says why something is not done.
pub(super) fn failure(code: Code, sentence: &str) -> Response {
    let mut end = sentence.len().min(SENTENCE_BYTES);
    while !sentence.is_char_boundary(end) {
        end -= 1;
    }
    Response::new(code).with_text(sentence.get(..end).unwrap_or_default().as_bytes().to_vec())
}

/// As [`failure`], of a kind; with the time after which another attempt makes sense, where one does.
pub(super) fn of_kind(kind: ErrorKind, sentence: &str, retry_after: Option<Duration>) -> Response {
    let response = failure(code_of(kind), sentence);
    match kind {
        ErrorKind::Busy | ErrorKind::NoSpace => {
            let seconds = retry_after.unwrap_or(AGAIN).as_secs().max(1);
            response.with_uint(option::MAX_AGE, seconds)
        }
        _ => response,
    }
}

/// The answer to readings that are not taken.
pub(super) fn of_ingest(error: &IngestError) -> Response {
    of_kind(error.kind(), &error.to_string(), error.retry_after())
}

/// The answer to what the registry refuses. What only the operator can act upon is logged.
pub(super) fn of_metadata(error: &MetadataError) -> Response {
    match error.kind() {
        kind @ (ErrorKind::Internal | ErrorKind::Corrupt) => {
            tracing::error!(error = %sensorium_model::chain(error), "a request over CoAP failed");
            of_kind(kind, "the server could not do this; its log says why", None)
        }
        kind => of_kind(kind, &error.to_string(), error.retry_after()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_come_again_is_told_when() {
        let busy = of_kind(ErrorKind::Busy, "full", Some(Duration::from_secs(7)));
        assert_eq!((busy.code, busy.options.uint(option::MAX_AGE)), (Code::SERVICE_UNAVAILABLE, Some(7)));
        let denied = of_kind(ErrorKind::Denied, "no", Some(Duration::from_secs(7)));
        assert_eq!((denied.code, denied.options.uint(option::MAX_AGE)), (Code::FORBIDDEN, None));
    }

    #[test]
    fn a_long_sentence_ends_between_characters() {
        let response = failure(Code::BAD_REQUEST, &"ä".repeat(SENTENCE_BYTES));
        assert!(response.payload.len() <= SENTENCE_BYTES);
        assert!(std::str::from_utf8(&response.payload).is_ok());
    }
}
