//! The series of a running statement.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Series;
use crate::config::QueryConfig;
use crate::error::QueryError;
use crate::stream::{CancelOnDrop, Source};
use crate::telemetry;

/// What the task tells.
pub(crate) enum Part {
    /// A series, or a part of one.
    Series(Series),
    /// The last part: no more because of an error.
    Failed(QueryError),
    /// The last part: no more.
    End,
}

/// The answer to a statement, series by series. Dropping it stops the statement. Ends after the first error.
pub struct SeriesStream {
    parts: mpsc::Receiver<Part>,
    /// What came before somebody asked.
    waiting: VecDeque<Series>,
    deadline: Pin<Box<Sleep>>,
    timeout_seconds: f64,
    rows: usize,
    done: bool,
    /// What is listed, or else what ends it.
    source: (Option<Source>, Option<CancelOnDrop>),
}

impl SeriesStream {
    pub(super) fn new(
        parts: mpsc::Receiver<Part>,
        deadline: Instant,
        config: &QueryConfig,
        source: (Option<Source>, Option<CancelOnDrop>),
    ) -> Self {
        Self {
            parts,
            waiting: VecDeque::new(),
            deadline: Box::pin(sleep_until(deadline)),
            timeout_seconds: config.timeout.as_secs_f64(),
            rows: 0,
            done: false,
            source,
        }
    }

    /// Waits for the first item, or for the error that comes instead.
    pub(super) async fn opened(mut self) -> Result<Self, QueryError> {
        let first = self.next().await.transpose()?;
        self.waiting.extend(first);
        Ok(self)
    }

    fn is_killed(&self) -> bool {
        self.source.0.as_ref().is_some_and(|source| source.entry.is_killed())
    }
}

impl fmt::Debug for SeriesStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeriesStream").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Stream for SeriesStream {
    type Item = Result<Series, QueryError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(series) = this.waiting.pop_front() {
            return Poll::Ready(Some(Ok(series)));
        }
        if this.done {
            return Poll::Ready(None);
        }
        let timeout = QueryError::Timeout { seconds: this.timeout_seconds };
        let is_late = Instant::now() >= this.deadline.deadline();
        let error = match this.parts.poll_recv(context) {
            Poll::Ready(Some(Part::Series(series))) => {
                this.rows += series.rows.len();
                telemetry::rows(series.rows.len());
                return Poll::Ready(Some(Ok(series)));
            }
            Poll::Ready(Some(Part::End)) => {
                this.done = true;
                return Poll::Ready(None);
            }
            Poll::Ready(None | Some(Part::Failed(_))) if this.is_killed() => QueryError::Killed,
            // At the deadline the plan stops itself, which may be heard before the clock is.
            Poll::Ready(None | Some(Part::Failed(_))) if is_late => timeout,
            Poll::Ready(Some(Part::Failed(error))) => error,
            Poll::Ready(None) => QueryError::Internal { message: "execution ended unexpectedly".into() },
            Poll::Pending => match this.deadline.as_mut().poll(context) {
                Poll::Ready(()) => timeout,
                Poll::Pending => return Poll::Pending,
            },
        };
        this.done = true;
        // What runs behind it ends here.
        this.source = (None, None);
        let failed = if this.rows > 0 { telemetry::failed_on_the_way } else { telemetry::failed };
        Poll::Ready(Some(Err(failed(error))))
    }
}
