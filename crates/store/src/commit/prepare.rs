//! A writer's own part of a write: everything that need not be done in order.

use std::sync::Arc;

use sensorium_model::{Batch, Rejection, RowError};

use super::queue::{Answer, Content, Pending};
use crate::catalog::{Database, Reserved, Writer, keep_rows};
use crate::error::WriteError;
use crate::shared::{Reservation, Shared};
use crate::table::Table;
use crate::table::series::REFUSED;
use crate::wal::codec::encode_batch;
use crate::wal::record::MAX_BODY_BYTES;

/// A batch that is ready to be encoded.
pub(crate) struct Prepared {
    pub(crate) batch: Arc<Batch>,
    pub(crate) rejected: Vec<Rejection>,
    tables: Vec<(Arc<Table>, Vec<u32>)>,
    reservation: Reservation,
}

/// Reserves columns, memory and series for a batch, and leaves out the rows that do not fit.
pub(crate) fn prepare(
    shared: &Shared,
    database: &Database,
    batch: Batch,
    writer: Writer,
) -> Result<Prepared, WriteError> {
    if let Some(table) = batch.tables.iter().find(|table| !table.is_rectangular()) {
        return Err(WriteError::Malformed { table: table.table.to_string() });
    }
    let mut expired = Vec::new();
    let batch = refuse_expired(shared, database, batch, &mut expired);
    // Before the columns: a batch that has no room must not decide what they are.
    let estimate = batch.tables.iter().map(|rows| database.estimate(rows)).sum();
    let reservation = shared.memory.reserve(estimate).inspect_err(|_| shared.flush.wake())?;
    let Reserved { mut batch, tables, mut rejected } = database.reserve(batch, &shared.config.limits, writer);
    rejected.append(&mut expired);
    let limit = shared.config.series_per_table;
    let mut with_series = Vec::with_capacity(tables.len());
    for (rows, table) in batch.tables.iter_mut().zip(tables) {
        let mut ids = table.series.intern(rows, limit);
        if ids.contains(&REFUSED) {
            let error = RowError::Limit {
                what: format!(
                    "the number of series of table {:?} (the query SELECT * FROM cardinality({}) tells which tag makes them)",
                    rows.table,
                    quoted(&rows.table)
                ),
                limit,
                setting: "store.series_per_table",
            };
            let refused = ids.iter().zip(&rows.source).filter(|(id, _)| **id == REFUSED);
            rejected.extend(refused.map(|(_, line)| Rejection { line: *line, error: error.clone() }));
            let keep: Vec<bool> = ids.iter().map(|id| *id != REFUSED).collect();
            *rows = keep_rows(rows, &keep);
            ids.retain(|id| *id != REFUSED);
        }
        with_series.push((table, ids));
    }
    batch.tables.retain(|rows| rows.rows() > 0);
    with_series.retain(|(_, ids)| !ids.is_empty());
    rejected.sort_by_key(|rejection| rejection.line);
    debug_assert_eq!(batch.tables.len(), with_series.len());
    Ok(Prepared { batch: Arc::new(batch), rejected, tables: with_series, reservation })
}

/// A name as a text in SQL.
fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}

/// Leaves out the rows that are older than they would be kept.
fn refuse_expired(shared: &Shared, database: &Database, mut batch: Batch, rejected: &mut Vec<Rejection>) -> Batch {
    for rows in &mut batch.tables {
        let Some(keep) = database.keeps(&rows.table) else { continue };
        let age = i64::try_from(keep.as_nanos()).unwrap_or(i64::MAX);
        let earliest_ns = (shared.config.clock)().saturating_sub(age);
        if rows.time_ns.iter().all(|time_ns| *time_ns >= earliest_ns) {
            continue;
        }
        let keep_seconds = keep.as_secs();
        let refuse = |(time_ns, line): (&i64, &u32)| {
            let error = RowError::Expired { table: rows.table.to_string(), time_ns: *time_ns, keep_seconds };
            (*time_ns < earliest_ns).then_some(Rejection { line: *line, error })
        };
        rejected.extend(rows.time_ns.iter().zip(&rows.source).filter_map(refuse));
        let kept: Vec<bool> = rows.time_ns.iter().map(|time_ns| *time_ns >= earliest_ns).collect();
        *rows = keep_rows(rows, &kept);
    }
    batch.tables.retain(|rows| rows.rows() > 0);
    batch
}

impl Prepared {
    /// Encodes the record.
    pub(crate) fn encode(
        self,
        permit: tokio::sync::OwnedSemaphorePermit,
        answer: tokio::sync::oneshot::Sender<Answer>,
    ) -> Result<Pending, WriteError> {
        let mut body = Vec::with_capacity(self.reservation.bytes() / 2 + 64);
        encode_batch(&self.batch, &mut body);
        if body.len() > MAX_BODY_BYTES {
            return Err(WriteError::TooLarge { bytes: body.len(), limit: MAX_BODY_BYTES });
        }
        let body_crc = crc32c::crc32c(&body);
        let Self { batch, tables, reservation, .. } = self;
        Ok(Pending { body, body_crc, content: Content::Write { batch, tables, reservation, permit, answer } })
    }
}
