//! The memory that rows take while they wait, asked for from the query's pool.

use std::sync::Arc;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use crate::error::QueryError;

/// Bytes that are asked for at once.
const STEP_BYTES: usize = 64 * 1024;

/// Memory of the query's pool, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Budget {
    held: MemoryReservation,
    limit_bytes: usize,
    /// Bytes that are held and not used yet.
    ahead: usize,
}

impl Budget {
    pub(super) fn new(pool: &Arc<dyn MemoryPool>, limit_bytes: usize) -> Self {
        let held = MemoryConsumer::new("rows of a series").register(pool);
        Self { held, limit_bytes, ahead: 0 }
    }

    /// Asks for so many bytes more.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), QueryError> {
        if bytes > self.ahead {
            let wanted = bytes.max(STEP_BYTES);
            let limit_bytes = self.limit_bytes;
            self.held.try_grow(wanted).map_err(|_| QueryError::Memory { limit_bytes })?;
            self.ahead += wanted;
        }
        self.ahead -= bytes;
        Ok(())
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self) {
        self.held.free();
        self.ahead = 0;
    }
}
