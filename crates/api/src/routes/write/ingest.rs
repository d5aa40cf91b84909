//! The way of readings from a request into the store, whatever their format: receive, decode, store, report.
//!
//! Invariants:
//! - permission and the database are checked before the body is read;
//! - what is over the writer's quota of points is refused whole, before anything of it is stored; so is what is sent to a database
//!   while the quota of storage of whoever created it is used up;
//! - an answer that says "stored" is given after the log has the rows on disk;
//! - rows that are wrong are refused one by one, counted, and kept for the page that shows them;
//! - rows that a device sends with a token of its own have its name as the tag `device`, whatever their format;
//! - of what is sent with a key for devices, the rows of known devices are stored as theirs, and what a device sends that is not
//!   known is kept in the inbox ([`sensorium_metadata::inbox`]).

use std::net::IpAddr;
use std::sync::{Arc, Once};
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use sensorium_model::{
    ActingDevice, Action, Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, Name, OrgId, Principal,
    RowError,
};
use sensorium_protocols::{Refusals, Refused, detections};
use serde::Serialize;
use utoipa::ToSchema;

use super::format::Format;
use super::keys::{self, Found, Senders};
use crate::auth::peer::Peer;
use crate::auth::{self, Writer};
use crate::body::{receive, unless_small};
use crate::error::{ApiError, ApiResult};
use crate::routes::rejections::{Origin, cut};
use crate::state::AppState;

/// How many refused rows an answer describes; the others are counted.
const DESCRIBED: usize = 100;

/// The format of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    LineProtocol,
    Json,
    Detections,
}

impl Source {
    /// The name in metrics and in the list of refused readings.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::LineProtocol => "line_protocol",
            Self::Json => "json",
            Self::Detections => "detections",
        }
    }

    /// What a refused row is called.
    fn unit(self) -> &'static str {
        match self {
            Self::LineProtocol => "line",
            Self::Json => "item",
            Self::Detections => "object",
        }
    }
}

/// A request that may write to a database that exists.
pub(crate) struct Ingest<'a> {
    state: &'a AppState,
    database: DatabaseKey,
    schema: Arc<DatabaseSchema>,
    peer: IpAddr,
    source: Source,
    started: Instant,
    writer: Principal,
}

/// What became of the readings.
pub(crate) struct Outcome {
    source: Source,
    /// The device that is not known, if the readings are kept in the inbox.
    waits: Option<Name>,
    pub(crate) accepted: usize,
    pub(crate) seen: u64,
    pub(crate) refusals: Refusals,
}

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

impl<'a> Ingest<'a> {
    /// Checks who writes where.
    pub(crate) fn begin(
        state: &'a AppState,
        writer: &Writer,
        Peer(peer): Peer,
        database: &str,
        source: Source,
    ) -> ApiResult<Self> {
        let begun = Self::checked(state, writer, peer, database, source);
        if begun.is_err() {
            count_device(state, writer.0.org, writer.0.device.as_deref(), 0, 1);
        }
        begun
    }

    fn checked(state: &'a AppState, writer: &Writer, peer: IpAddr, database: &str, source: Source) -> ApiResult<Self> {
        let started = Instant::now();
        // A name that breaks the rules cannot exist.
        let name = DatabaseName::new(database).map_err(|_| no_database(database))?;
        let action = if writer.0.for_devices { Action::WriteForDevices(&name) } else { Action::Write(&name) };
        auth::require(&writer.0, action, "this credential may not write to this database")?;
        if writer.0.for_devices && source == Source::Detections {
            return Err(ApiError::invalid("a key for devices sends no detections; use a token of the camera's own"));
        }
        let database = DatabaseKey::new(writer.0.org, name);
        let schema = state.store.schema(&database).ok_or_else(|| no_database(database.name.as_str()))?;
        Ok(Self { state, database, schema, peer, source, started, writer: writer.0.clone() })
    }

    /// Reads the body, decodes it and stores what is right.
    pub(crate) async fn run(self, headers: &HeaderMap, body: Body, format: Format) -> ApiResult<Outcome> {
        let room =
            self.state.metadata.check_storage(&self.database, |other| self.state.store.database_bytes(other)).await;
        room.map_err(|error| self.refuse(error.into()))?;
        let received = receive(headers, body, &self.state.config).await.map_err(|error| self.refuse(error))?;
        let (sent_bytes, bytes) = (received.sent_bytes, received.bytes.clone());
        let (schema, database) = (self.schema.clone(), self.database.clone());
        let limits = self.state.config.limits;
        let (device, for_devices) =
            (self.writer.device.as_ref().map(|device| device.name.clone()), self.writer.for_devices);
        let how = format.clone();
        let decoded = unless_small(bytes.len(), move || {
            let now_ns = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
            let mut builder = BatchBuilder::new(schema.as_ref(), limits, now_ns);
            match device {
                Some(device) => builder.sent_by(device),
                None if for_devices => builder.sent_for_devices(),
                None => {}
            }
            let mut refusals = Refusals::keep(DESCRIBED);
            let seen = how.decode(&bytes, now_ns, &mut builder, &mut refusals)?;
            Ok::<_, ApiError>((builder.finish(database), refusals, seen))
        });
        let (mut batch, mut refusals, seen) = decoded.await?.map_err(|error| self.refuse(error))?;
        let points = u64::try_from(batch.rows()).unwrap_or(u64::MAX);
        let spent = self.state.metadata.spend_points(&self.writer, points).await;
        spent.map_err(|error| self.refuse(error.into()))?;
        let mut senders = Senders::default();
        if for_devices {
            let message =
                keys::Message { format: &format, source: self.source, body: &received.bytes, peer: self.peer };
            let found = keys::senders(self.state, &self.writer, &mut batch, message).await;
            match found.map_err(|error| self.refuse(error))? {
                Found::Known(known) => senders = known,
                Found::InInbox(name) => {
                    let outcome = Outcome { source: self.source, waits: Some(name), accepted: 0, seen, refusals };
                    self.count(&outcome, sent_bytes);
                    return Ok(outcome);
                }
            }
        }
        let accepted = self.store(batch, &mut refusals).await.inspect_err(|_| self.count_device(0, 1))?;
        drop(received);
        senders.count(self.state, self.database.org);
        if self.source == Source::Detections {
            refusals.locate(detections::place);
        }
        let outcome = Outcome { source: self.source, waits: None, accepted, seen, refusals };
        self.count(&outcome, sent_bytes);
        Ok(outcome)
    }

    /// Remembers that the request as a whole was refused, and passes the reason on.
    pub(crate) fn refuse(&self, error: ApiError) -> ApiError {
        let source = self.source.as_str();
        counter!("sensorium_ingest_refused_total", "protocol" => source, "code" => error.kind().as_str()).increment(1);
        self.state.rejections.record_request(self.origin(), &error);
        self.count_device(0, 1);
        error
    }

    async fn store(&self, batch: Batch, refusals: &mut Refusals) -> ApiResult<usize> {
        if batch.is_empty() {
            return Ok(0);
        }
        let report = self.state.store.write(batch).await?;
        for rejection in report.rejected {
            refusals.add(rejection);
        }
        refusals.sort();
        Ok(report.accepted)
    }

    fn origin(&self) -> Origin<'_> {
        Origin { database: &self.database, source: self.source.as_str(), peer: self.peer }
    }

    fn count_device(&self, rows: u64, errors: u64) {
        count_device(self.state, self.database.org, self.writer.device.as_deref(), rows, errors);
    }

    fn count(&self, outcome: &Outcome, sent_bytes: usize) {
        describe();
        self.count_device(outcome.accepted as u64, outcome.refusals.total());
        let protocol = self.source.as_str();
        counter!("sensorium_ingest_rows_total", "protocol" => protocol).increment(outcome.accepted as u64);
        counter!("sensorium_ingest_bytes_total", "protocol" => protocol).increment(sent_bytes as u64);
        for (kind, count) in outcome.refusals.by_kind() {
            counter!("sensorium_ingest_refused_total", "protocol" => protocol, "code" => kind.as_str())
                .increment(*count);
        }
        histogram!("sensorium_ingest_seconds", "protocol" => protocol).record(self.started.elapsed());
        if !outcome.refusals.is_empty() {
            self.state.rejections.record(self.origin(), &outcome.refusals);
        }
    }
}

impl Outcome {
    /// The refused rows that an answer describes.
    fn refused_rows(&self) -> Vec<RefusedRow> {
        let row = |Refused { line, error, .. }: &Refused| RefusedRow {
            line: *line,
            error: cut(&error.to_string()),
            code: error.kind().as_str(),
        };
        self.refusals.first().iter().map(row).collect()
    }

    /// The answer to a device that is not known, if that is who sent it.
    pub(crate) fn waits(&self) -> Option<Response> {
        let device = self.waits.as_ref()?.to_string();
        let message = "this device is not known; its readings are stored when somebody adopts it in the inbox";
        Some((StatusCode::ACCEPTED, Json(Waits { status: "in_inbox", device, message })).into_response())
    }

    /// The answer in JSON: a failure only if nothing could be stored.
    pub(crate) fn answer(&self) -> Response {
        if let Some(waits) = self.waits() {
            return waits;
        }
        if self.accepted == 0 && !self.refusals.is_empty() {
            return self.partial_write();
        }
        Json(Accepted { accepted: self.accepted, rejected: self.refused_rows() }).into_response()
    }

    /// The answer to a request of which rows were refused. The words "partial write" are InfluxDB's: its clients look for
    /// them and then do not send the same again.
    pub(crate) fn partial_write(&self) -> Response {
        let rejected = self.refused_rows();
        let unit = self.source.unit();
        let first = match (self.refusals.first().first(), rejected.first()) {
            (Some(Refused { error: RowError::At { .. }, .. }), Some(row)) => format!("; {}", row.error),
            (_, Some(row)) => format!("; {unit} {}: {}", row.line, row.error),
            (_, None) => String::new(),
        };
        let total = self.refusals.total();
        let error = format!("partial write: {total} of {} {unit}s refused{first}", self.seen);
        let body = PartialWrite { error, code: "invalid", accepted: self.accepted, rejected };
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

/// Counts a message of a device, if it is one that sends.
fn count_device(state: &AppState, org: OrgId, device: Option<&ActingDevice>, rows: u64, errors: u64) {
    if let Some(device) = device {
        state.metadata.count_device_message(org, device.id, rows, errors);
    }
}

fn no_database(name: &str) -> ApiError {
    ApiError::database_missing(&cut(name))
}

/// Says once what the figures mean.
fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        describe_counter!("sensorium_ingest_rows_total", "Readings stored, by protocol.");
        describe_counter!("sensorium_ingest_bytes_total", Unit::Bytes, "Bodies as sent, by protocol.");
        describe_counter!(
            "sensorium_ingest_refused_total",
            "Readings refused, and requests refused as a whole, by protocol and kind of reason."
        );
        describe_histogram!(
            "sensorium_ingest_seconds",
            Unit::Seconds,
            "From the start of a write request to its readings being on disk, by protocol."
        );
    });
}
