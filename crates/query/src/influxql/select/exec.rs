//! Runs a plan: reads its sources one after the other, cuts their rows into series, and hands out the rows of each.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use sensorium_model::{DatabaseKey, Name, TableSchema};

use super::super::Cell;
use super::super::run::Running;
use super::budget::Budget;
use super::limit;
use super::nested::Collected;
use super::plan::{Plan, Source};
use super::rows::Reading;
use super::scan::{Scan, Shape, Table};
use super::series::{InputRow, OutputRow, RowState, SeriesKey, SeriesRun};
use super::value::Row;
use super::{newest, only};
use crate::config::QueryConfig;
use crate::error::QueryError;
use crate::session::{Session, Sessions};

/// Where rows go.
pub(super) trait Target: Send {
    /// Takes the next row of a series; false when no more are wanted.
    fn row(
        &mut self,
        plan: &Plan,
        key: &SeriesKey,
        row: OutputRow,
    ) -> impl Future<Output = Result<bool, QueryError>> + Send;
}

/// What running a plan needs.
pub(super) struct Executor<'a> {
    pub(super) sessions: &'a Sessions,
    pub(super) config: &'a QueryConfig,
    pub(super) running: &'a Running,
    pub(super) session: Session,
    /// Where chance begins.
    pub(super) seed: u64,
}

/// The series that rows belong to now.
struct Current<'p> {
    key: SeriesKey,
    stage: Stage<'p>,
    /// Whether the series is not wanted.
    is_skipped: bool,
}

enum Stage<'p> {
    Raw { state: RowState<'p>, seen: usize },
    Calls(SeriesRun<'p>),
}

/// The rows of one source on their way into series.
struct Feed<'p> {
    plan: &'p Plan,
    budget: Budget,
    max_rows: u64,
    seed: u64,
    current: Option<Current<'p>>,
    allowed: Option<HashSet<Vec<Arc<str>>>>,
}

impl Executor<'_> {
    fn budget(&self) -> Budget {
        Budget::new(&self.running.pool, self.config.memory_bytes)
    }

    fn feed<'p>(&self, plan: &'p Plan, allowed: Option<HashSet<Vec<Arc<str>>>>) -> Feed<'p> {
        let (budget, max_rows) = (self.budget(), self.config.max_rows);
        Feed { plan, budget, max_rows, seed: self.seed, current: None, allowed }
    }

    /// Hands all rows of a plan to a target.
    pub(super) async fn run<T: Target>(&mut self, plan: &Plan, target: &mut T) -> Result<(), QueryError> {
        for source in &plan.sources {
            if let Source::Table { key, table, schema } = source {
                self.table(plan, (key, table, schema), target).await?;
            }
        }
        let mut collected = Collected::new(self.budget());
        for source in &plan.sources {
            if let Source::Query(inner) = source {
                collected.enter(plan, inner);
                self.collect(inner, &mut collected).await?;
            }
        }
        let (rows, _held) = collected.sorted(plan);
        let mut feed = self.feed(plan, None);
        match feed.rows(rows, target).await? {
            true => feed.finish(target).await,
            false => Ok(()),
        }
    }

    /// Collects the rows of a sub-query; it is as deep as the statement is nested, which the parser bounds.
    fn collect<'s>(
        &'s mut self,
        inner: &'s Plan,
        collected: &'s mut Collected,
    ) -> Pin<Box<dyn Future<Output = Result<(), QueryError>> + Send + 's>> {
        Box::pin(self.run(inner, collected))
    }

    async fn table<T: Target>(
        &mut self,
        plan: &Plan,
        (key, name, schema): (&DatabaseKey, &Name, &TableSchema),
        target: &mut T,
    ) -> Result<(), QueryError> {
        let allowed = limit::allowed(self.sessions, plan, (key, name, schema))?;
        let ready = match newest::rows(self.sessions, plan, (key, name, schema)) {
            Some(rows) => Some(rows),
            None => only::rows(self.sessions, plan, (key, name, schema)).await?,
        };
        if let Some(rows) = ready {
            let mut feed = self.feed(plan, allowed);
            return match feed.rows(rows, target).await? {
                true => feed.finish(target).await,
                false => Ok(()),
            };
        }
        let table = Table { plan, key, name, schema };
        let scanned = table.scan(&self.session).await.map_err(|error| self.sessions.error(error))?;
        let Some(Scan { logical, shape, is_residual }) = scanned else { return Ok(()) };
        let physical = self.session.plan(&logical).await.and_then(|plan| self.running.stop.guard(plan));
        let physical = physical.map_err(|error| self.sessions.error(error))?;
        let rows = execute_stream(Arc::clone(&physical), self.session.task_context());
        let mut rows = rows.map_err(|error| self.sessions.error(error))?;
        let measurement: Arc<str> = Arc::from(name.as_ref());
        let mut feed = self.feed(plan, allowed);
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(|error| self.sessions.error(error))?;
            let is_wanted = match shape {
                Shape::Rows => {
                    let rows = self.decoded(plan, &measurement, &batch, is_residual)?;
                    feed.rows(rows, target).await?
                }
                Shape::Bins => self.bins(&mut feed, &measurement, &batch, target).await?,
            };
            if !is_wanted {
                return Ok(());
            }
        }
        feed.finish(target).await
    }

    fn read(&self, batch: &RecordBatch) -> Result<Reading, QueryError> {
        Reading::new(batch).map_err(|error| self.sessions.error(error))
    }

    /// The rows of a batch that satisfy the condition.
    fn decoded(
        &self,
        plan: &Plan,
        measurement: &Arc<str>,
        batch: &RecordBatch,
        is_residual: bool,
    ) -> Result<Vec<InputRow>, QueryError> {
        let reading = self.read(batch)?;
        let tags = plan.group_by.len();
        let mut decoded = Vec::with_capacity(reading.rows());
        for row in 0..reading.rows() {
            let Some(time) = reading.nanoseconds(0, row) else { continue };
            let columns = plan.columns.iter().enumerate();
            let columns: Vec<Cell> =
                columns.map(|(index, column)| column.kind.cast(reading.cell(1 + tags + index, row))).collect();
            if is_residual
                && let Some(condition) = &plan.condition
                && !condition.holds(Row { time, columns: &columns, calls: &[] })
            {
                continue;
            }
            let key = (Arc::clone(measurement), (1..=tags).map(|tag| reading.text(tag, row)).collect());
            decoded.push(InputRow { key, time, columns });
        }
        Ok(decoded)
    }

    async fn bins<T: Target>(
        &self,
        feed: &mut Feed<'_>,
        measurement: &Arc<str>,
        batch: &RecordBatch,
        target: &mut T,
    ) -> Result<bool, QueryError> {
        let plan = feed.plan;
        let tags = plan.group_by.len();
        let made = {
            let reading = self.read(batch)?;
            let mut made = Vec::with_capacity(reading.rows());
            for row in 0..reading.rows() {
                let Some(start) = reading.nanoseconds(0, row) else { continue };
                let key = (Arc::clone(measurement), (1..=tags).map(|tag| reading.text(tag, row)).collect());
                let values = (0..plan.calls.len()).map(|call| {
                    let column = 1 + tags + 2 * call;
                    (reading.cell(column, row), reading.nanoseconds(column + 1, row))
                });
                made.push((key, start, values.collect::<Vec<_>>()));
            }
            made
        };
        for (key, start, values) in made {
            if !feed.bin(key, start, &values, target).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<'p> Feed<'p> {
    /// The series of a key; the one before ends when it is another one. `None` when no more rows are wanted.
    async fn enter<T: Target>(
        &mut self,
        key: SeriesKey,
        target: &mut T,
    ) -> Result<Option<&mut Current<'p>>, QueryError> {
        if self.current.as_ref().is_none_or(|current| current.key != key) {
            if !self.end(target).await? {
                return Ok(None);
            }
            let stage = match self.plan.is_raw() {
                true => Stage::Raw { state: RowState::new(self.plan), seen: 0 },
                false => Stage::Calls(SeriesRun::new(self.plan, self.seed)),
            };
            let is_skipped = self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&key.1));
            self.current = Some(Current { key, stage, is_skipped });
        }
        Ok(self.current.as_mut())
    }

    /// Takes rows; false when no more are wanted.
    async fn rows<T: Target>(&mut self, rows: Vec<InputRow>, target: &mut T) -> Result<bool, QueryError> {
        for InputRow { key, time, columns } in rows {
            if !self.row(key, time, &columns, target).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes a row; false when no more are wanted.
    async fn row<T: Target>(
        &mut self,
        key: SeriesKey,
        time: i64,
        columns: &[Cell],
        target: &mut T,
    ) -> Result<bool, QueryError> {
        let plan = self.plan;
        let Some(Current { key, stage, is_skipped: false }) = self.enter(key, target).await? else {
            return Ok(self.current.is_some());
        };
        match stage {
            Stage::Calls(_) => (),
            Stage::Raw { state, seen } => {
                *seen += 1;
                if plan.limit > 0 && *seen > plan.offset.saturating_add(plan.limit) {
                    // A table without groups has no other series.
                    return Ok(plan.is_nested() || !plan.group_by.is_empty());
                }
                if *seen <= plan.offset {
                    return Ok(true);
                }
                state.set_columns(columns);
                let row = (time, state.row(time));
                return target.row(plan, key, row).await;
            }
        }
        if let Some(Current { stage: Stage::Calls(run), .. }) = &mut self.current {
            run.take(time, columns, &mut self.budget)?;
        }
        Ok(true)
    }

    /// Takes a bin that was made elsewhere; false when no more are wanted.
    async fn bin<T: Target>(
        &mut self,
        key: SeriesKey,
        start: i64,
        values: &[(Cell, Option<i64>)],
        target: &mut T,
    ) -> Result<bool, QueryError> {
        if self.enter(key, target).await?.is_none() {
            return Ok(false);
        }
        if let Some(Current { stage: Stage::Calls(run), is_skipped: false, .. }) = &mut self.current {
            run.take_bin(start, values, &mut self.budget)?;
        }
        Ok(true)
    }

    /// Hands out the rows of the series that ends; false when no more are wanted.
    async fn end<T: Target>(&mut self, target: &mut T) -> Result<bool, QueryError> {
        let Some(Current { key, stage: Stage::Calls(run), is_skipped: false }) = self.current.take() else {
            return Ok(true);
        };
        for row in run.finish(self.max_rows, &mut self.budget)? {
            if !target.row(self.plan, &key, row).await? {
                return Ok(false);
            }
        }
        self.budget.clear();
        Ok(true)
    }

    async fn finish<T: Target>(mut self, target: &mut T) -> Result<(), QueryError> {
        self.end(target).await.map(|_| ())
    }
}
