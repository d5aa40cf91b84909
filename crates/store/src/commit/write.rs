//! One write, from its batch to the answer that it is stored.

use sensorium_model::Batch;
use tokio::sync::oneshot;

use super::prepare::prepare;
use crate::catalog::Writer;
use crate::error::WriteError;
use crate::report::WriteReport;
use crate::shared::Shared;

/// Stores a batch; resolves after it is durable and visible.
pub(crate) async fn write(shared: &Shared, batch: Batch, writer: Writer) -> Result<WriteReport, WriteError> {
    shared.check_open()?;
    shared.disk.check()?;
    let Some(database) = shared.catalog.get(&batch.database) else {
        return Err(WriteError::MissingDatabase { database: batch.database });
    };
    let mut prepared = prepare(shared, &database, batch, writer)?;
    let accepted = prepared.batch.rows();
    let rejected = std::mem::take(&mut prepared.rejected);
    if accepted == 0 {
        let seq = shared.applied.lock().seq;
        return Ok(WriteReport { seq, accepted, rejected });
    }
    let permit = shared.queue.room().await.map_err(|_| shared.dropped())?;
    let (answer, answered) = oneshot::channel();
    shared.queue.push(prepared.encode(permit, answer)?).map_err(|_| shared.dropped())?;
    let seq = answered.await.map_err(|_| shared.dropped())??;
    Ok(WriteReport { seq, accepted, rejected })
}
