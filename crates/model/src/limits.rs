//! Limits on what a client may send. Each has a default, a setting in `[limits]` and an error that names both.

use serde::{Deserialize, Serialize};

use crate::time::{NANOS_PER_DAY, NANOS_PER_SECOND};

/// Limits that decoders and the store enforce row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestLimits {
    /// Tables in one database (setting `limits.tables_per_database`).
    pub tables_per_database: usize,
    /// Tag and field columns of one table (setting `limits.columns_per_table`).
    pub columns_per_table: usize,
    /// Bytes of one tag value (setting `limits.tag_value_bytes`).
    pub tag_value_bytes: usize,
    /// Bytes of one text field (setting `limits.text_field_bytes`).
    pub text_field_bytes: usize,
    /// Rows of one request (setting `limits.rows_per_request`).
    pub rows_per_request: usize,
    /// Rows times columns of one request, summed over its tables (setting `limits.cells_per_request`): rows that name
    /// few of many columns take the memory of all of them.
    pub cells_per_request: usize,
    /// How far in the future of the server's clock a time may lie, in seconds (setting `limits.future_seconds`).
    pub future_seconds: u64,
    /// The earliest accepted time, in seconds since the epoch (setting `limits.earliest_unix_seconds`).
    pub earliest_unix_seconds: i64,
}

impl Default for IngestLimits {
    fn default() -> Self {
        Self {
            tables_per_database: 10_000,
            columns_per_table: 1_000,
            tag_value_bytes: 1_024,
            text_field_bytes: 64 * 1_024,
            rows_per_request: 1_000_000,
            cells_per_request: 16_000_000,
            future_seconds: 7 * 86_400,
            earliest_unix_seconds: 0,
        }
    }
}

impl IngestLimits {
    /// The earliest and the latest accepted time, both inclusive, in nanoseconds, at the moment `now_ns`.
    pub fn time_range_ns(&self, now_ns: i64) -> (i64, i64) {
        let earliest = self.earliest_unix_seconds.saturating_mul(NANOS_PER_SECOND);
        let future = i64::try_from(self.future_seconds).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_SECOND);
        // The last day of the range of 64 bits stays free, so that the end of a time's day bucket never overflows.
        (earliest.max(i64::MIN + NANOS_PER_DAY), now_ns.saturating_add(future).min(i64::MAX - NANOS_PER_DAY))
    }
}
