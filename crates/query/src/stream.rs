//! The rows of a running query.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::Stream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::bounds::Stop;
use crate::config::QueryConfig;
use crate::error::QueryError;
use crate::registry::Entry;
use crate::telemetry;

/// What the task tells first.
pub(crate) struct Opened {
    pub(crate) schema: SchemaRef,
}

/// What the task tells after that.
pub(crate) enum Part {
    /// Some rows.
    Rows(RecordBatch),
    /// The last part: no more rows because of an error.
    Failed(QueryError),
    /// The last part: no more rows.
    End,
}

/// Stops a task when its reader is gone.
pub(crate) struct CancelOnDrop {
    pub(crate) task: AbortHandle,
    pub(crate) stop: Stop,
}

/// The work behind a stream.
pub(crate) struct Source {
    pub(crate) cancel: CancelOnDrop,
    pub(crate) entry: Arc<Entry>,
}

impl CancelOnDrop {
    fn cancel(&self) {
        self.stop.now();
        self.task.abort();
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// The answer to a statement, in batches. Dropping it stops the query.
///
/// Ends after the first error. Batches may be empty of rows only when the whole answer is.
pub struct QueryStream {
    schema: SchemaRef,
    parts: mpsc::Receiver<Part>,
    deadline: Pin<Box<Sleep>>,
    timeout_seconds: f64,
    max_rows: u64,
    rows: u64,
    done: bool,
    /// Absent when the answer was ready at once.
    source: Option<Source>,
}

impl QueryStream {
    pub(crate) fn new(
        schema: SchemaRef,
        parts: mpsc::Receiver<Part>,
        deadline: Instant,
        config: &QueryConfig,
        source: Option<Source>,
    ) -> Self {
        Self {
            schema,
            parts,
            deadline: Box::pin(sleep_until(deadline)),
            timeout_seconds: config.timeout.as_secs_f64(),
            max_rows: config.max_rows,
            rows: 0,
            done: false,
            source,
        }
    }

    /// An answer that is there already.
    pub(crate) fn ready(rows: RecordBatch, deadline: Instant, config: &QueryConfig) -> Self {
        let (parts, received) = mpsc::channel(2);
        let schema = rows.schema();
        // The channel has room for both.
        let _ = parts.try_send(Part::Rows(rows)).and_then(|()| parts.try_send(Part::End));
        Self::new(schema, received, deadline, config, None)
    }

    fn is_killed(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.entry.is_killed())
    }

    /// The columns of every batch.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn accept(&mut self, batch: RecordBatch) -> Result<RecordBatch, QueryError> {
        self.rows = self.rows.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
        if self.rows > self.max_rows {
            return Err(QueryError::Rows { limit: self.max_rows });
        }
        telemetry::rows(batch.num_rows());
        Ok(batch)
    }
}

impl fmt::Debug for QueryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryStream").field("schema", &self.schema).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Stream for QueryStream {
    type Item = Result<RecordBatch, QueryError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        let timeout = QueryError::Timeout { seconds: this.timeout_seconds };
        let item = match this.parts.poll_recv(context) {
            Poll::Ready(Some(Part::Rows(batch))) => this.accept(batch),
            Poll::Ready(None | Some(Part::Failed(_))) if this.is_killed() => Err(QueryError::Killed),
            // At the deadline the plan stops itself, which may be heard before the clock is.
            Poll::Ready(Some(Part::Failed(_))) if Instant::now() >= this.deadline.deadline() => Err(timeout),
            Poll::Ready(Some(Part::Failed(error))) => Err(error),
            Poll::Ready(Some(Part::End)) => {
                this.done = true;
                return Poll::Ready(None);
            }
            Poll::Ready(None) if Instant::now() >= this.deadline.deadline() => Err(timeout),
            Poll::Ready(None) => Err(QueryError::Internal { message: "execution ended unexpectedly".into() }),
            Poll::Pending => match this.deadline.as_mut().poll(context) {
                Poll::Ready(()) => Err(timeout),
                Poll::Pending => return Poll::Pending,
            },
        };
        if item.is_err() {
            this.done = true;
            if let Some(source) = &this.source {
                source.cancel.cancel();
            }
        }
        let failed = if this.rows > 0 { telemetry::failed_on_the_way } else { telemetry::failed };
        Poll::Ready(Some(item.map_err(failed)))
    }
}
