//! What became of readings, as an answer over HTTP.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sensorium_ingest::{Outcome, cut};
use sensorium_model::RowError;
use sensorium_protocols::Refused;
use serde::Serialize;
use utoipa::ToSchema;

/// The readings are kept in the inbox, until somebody adopts the device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Waits {
    /// `in_inbox`.
    status: &'static str,
    /// What the device calls itself.
    device: String,
    /// What to do next, as a sentence.
    message: &'static str,
}

/// What became of the readings, in an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// How many were stored.
    accepted: usize,
    /// The first 100 that were refused.
    rejected: Vec<RefusedRow>,
}

/// A refused reading in an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedRow {
    /// Line, item or frame of the request, from 1.
    line: u32,
    /// What is wrong, as a sentence.
    error: String,
    /// A stable word, such as `invalid`, `conflict` or `too_large`.
    code: &'static str,
}

/// Some readings were refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartialWrite {
    /// How many were refused, and the first reason.
    error: String,
    /// `invalid`.
    code: &'static str,
    /// How many were stored.
    accepted: usize,
    /// The first 100 that were refused.
    rejected: Vec<RefusedRow>,
}

/// The answer in JSON: a failure only if nothing could be stored.
pub(crate) fn in_json(outcome: &Outcome) -> Response {
    if let Some(waits) = waits(outcome) {
        return waits;
    }
    if outcome.accepted == 0 && !outcome.refusals.is_empty() {
        return partial_write(outcome);
    }
    Json(Accepted { accepted: outcome.accepted, rejected: refused_rows(outcome) }).into_response()
}

/// The answer without a body: a failure if anything could not be stored.
pub(crate) fn in_status(outcome: &Outcome) -> Response {
    match (waits(outcome), outcome.refusals.is_empty()) {
        (Some(waits), _) => waits,
        (None, true) => StatusCode::NO_CONTENT.into_response(),
        (None, false) => partial_write(outcome),
    }
}

/// The refused rows that an answer describes.
fn refused_rows(outcome: &Outcome) -> Vec<RefusedRow> {
    let row = |Refused { line, error, .. }: &Refused| RefusedRow {
        line: *line,
        error: cut(&error.to_string()),
        code: error.kind().as_str(),
    };
    outcome.refusals.first().iter().map(row).collect()
}

/// The answer to a device that is not known, if that is who sent it.
fn waits(outcome: &Outcome) -> Option<Response> {
    let device = outcome.waits.as_ref()?.to_string();
    let message = "this device is not known; its readings are stored when somebody adopts it in the inbox";
    Some((StatusCode::ACCEPTED, Json(Waits { status: "in_inbox", device, message })).into_response())
}

/// The answer to a request of which rows were refused. The words "partial write" are InfluxDB's: its clients look for
/// them and then do not send the same again.
fn partial_write(outcome: &Outcome) -> Response {
    let rejected = refused_rows(outcome);
    let unit = outcome.source.unit();
    let first = match (outcome.refusals.first().first(), rejected.first()) {
        (Some(Refused { error: RowError::At { .. }, .. }), Some(row)) => format!("; {}", row.error),
        (_, Some(row)) => format!("; {unit} {}: {}", row.line, row.error),
        (_, None) => String::new(),
    };
    let total = outcome.refusals.total();
    let error = format!("partial write: {total} of {} {unit}s refused{first}", outcome.seen);
    let body = PartialWrite { error, code: "invalid", accepted: outcome.accepted, rejected };
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
