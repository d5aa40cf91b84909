//! What is counted of readings that come in.

use std::sync::Once;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use sensorium_model::ErrorKind;

use crate::format::Source;
use crate::intake::Outcome;

/// Counts what one write brought, which may be several messages.
pub(crate) fn count<'o>(
    source: Source,
    outcomes: impl Iterator<Item = &'o Outcome>,
    sent_bytes: usize,
    elapsed: Duration,
) {
    describe();
    let protocol = source.as_str();
    let mut accepted = 0;
    for outcome in outcomes {
        accepted += outcome.accepted as u64;
        for (kind, count) in outcome.refusals.by_kind() {
            refused(source, *kind, *count);
        }
    }
    counter!("sensorium_ingest_rows_total", "protocol" => protocol).increment(accepted);
    counter!("sensorium_ingest_bytes_total", "protocol" => protocol).increment(sent_bytes as u64);
    histogram!("sensorium_ingest_seconds", "protocol" => protocol).record(elapsed);
}

/// Counts rows, or a request as a whole, that were refused.
pub(crate) fn refused(source: Source, kind: ErrorKind, count: u64) {
    counter!("sensorium_ingest_refused_total", "protocol" => source.as_str(), "code" => kind.as_str()).increment(count);
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
