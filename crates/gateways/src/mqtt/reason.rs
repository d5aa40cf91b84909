//! What a failure becomes for a client, in one table.

use sensorium_model::ErrorKind;
use sensorium_protocols::mqtt::ReasonCode;

/// The reason code of a kind of failure. A client that is told that the server is busy may send the message again.
pub(super) fn of(kind: ErrorKind) -> ReasonCode {
    match kind {
        ErrorKind::Invalid | ErrorKind::Conflict => ReasonCode::PayloadFormatInvalid,
        ErrorKind::Unauthenticated | ErrorKind::Denied | ErrorKind::Missing => ReasonCode::NotAuthorized,
        ErrorKind::TooLarge => ReasonCode::QuotaExceeded,
        ErrorKind::Busy => ReasonCode::ServerBusy,
        ErrorKind::NoSpace => ReasonCode::ImplementationSpecific,
        ErrorKind::Corrupt | ErrorKind::Internal => ReasonCode::Unspecified,
    }
}

/// Whether sending the same message again may succeed: a client of 3.1.1, who cannot be told, is then disconnected so that it
/// does; otherwise it would send what is wrong for ever.
pub(super) fn is_passing(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Busy | ErrorKind::NoSpace | ErrorKind::Corrupt | ErrorKind::Internal => true,
        ErrorKind::Invalid
        | ErrorKind::Conflict
        | ErrorKind::Unauthenticated
        | ErrorKind::Denied
        | ErrorKind::Missing
        | ErrorKind::TooLarge => false,
    }
}
