//! Where work is done that takes a while.

use sensorium_model::ErrorKind;

use crate::error::IngestError;

/// Bodies from this size on are decompressed and decoded outside of the threads that serve connections.
const INLINE_BYTES: usize = 64 << 10;

/// Does small work here and large work on a thread of its own; `bytes` says how much there is to do.
pub async fn unless_small<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, IngestError> {
    if bytes < INLINE_BYTES {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| IngestError::of(ErrorKind::Internal, &error))
}
