//! `EXPLAIN`: what a statement computes and how it is read, a line each.

use std::sync::Arc;
use std::time::Instant;

use datafusion::physical_plan::displayable;
use sensorium_protocols::influxql::Explain;

use super::super::run::{Items, Output, Running};
use super::super::{Cell, Context, Series};
use super::exec::{Executor, Target};
use super::expressions::Mapper;
use super::plan::{Plan, Source};
use super::scan::Table;
use super::series::{OutputRow, SeriesKey};
use super::sources::Names;
use super::{executor, resolve};
use crate::error::QueryError;

/// Hands out the answer to an `EXPLAIN`; with `ANALYZE`, the statement is run and its rows are counted.
pub(crate) async fn explain(
    context: Context<'_>,
    explain: &Explain,
    running: &Running,
    output: &mut Output<'_>,
) -> Result<(), QueryError> {
    let plan = resolve::plan(context, &explain.select)?;
    let mut lines = Vec::new();
    if let Some(mut executor) = executor(context, &plan, running)? {
        let names = Names::new(&plan.sources);
        let mapper = Mapper::new(&names, None);
        lines.extend(explain.select.fields.iter().map(|field| format!("EXPRESSION: {}", mapper.typed(&field.expr))));
        describe(&mut executor, &plan, &mut lines).await?;
        if explain.analyze {
            let (started, mut counted) = (Instant::now(), Counted::default());
            executor.run(&plan, &mut counted).await?;
            lines.push(format!("EXECUTION TIME: {:.3} ms", started.elapsed().as_secs_f64() * 1e3));
            lines.push(format!("NUMBER OF SERIES: {}", counted.series));
            lines.push(format!("NUMBER OF ROWS: {}", counted.rows));
        }
    }
    let columns: Arc<[Arc<str>]> = Arc::from([Arc::from("QUERY PLAN")]);
    let mut items = Items::new(output);
    for line in lines {
        let opened = || Series {
            name: Arc::from(""),
            tags: Vec::new(),
            columns: Arc::clone(&columns),
            rows: Vec::new(),
            is_partial: false,
        };
        items.row(vec![Cell::Text(Arc::from(line))], |_| true, opened).await?;
    }
    items.flush().await
}

/// Says how each table is read, those of sub-queries included.
async fn describe(executor: &mut Executor<'_>, plan: &Plan, lines: &mut Vec<String>) -> Result<(), QueryError> {
    let mut waiting = vec![plan];
    while let Some(plan) = waiting.pop() {
        for source in &plan.sources {
            match source {
                Source::Query(inner) => waiting.push(inner),
                Source::Table { key, table, schema } => {
                    lines.push(format!("MEASUREMENT: {}", table.as_ref()));
                    let table = Table { plan, key, name: table, schema };
                    let scan = table.scan(&executor.session).await;
                    let Some(scan) = scan.map_err(|error| executor.sessions.error(error))? else { continue };
                    let physical = executor.session.plan(&scan.logical).await;
                    let physical = physical.map_err(|error| executor.sessions.error(error))?;
                    lines.extend(displayable(physical.as_ref()).indent(false).to_string().lines().map(str::to_owned));
                }
            }
        }
    }
    Ok(())
}

/// Counts rows and series.
#[derive(Default)]
struct Counted {
    rows: u64,
    series: u64,
    last: Option<SeriesKey>,
}

impl Target for Counted {
    async fn row(&mut self, _plan: &Plan, key: &SeriesKey, _row: OutputRow) -> Result<bool, QueryError> {
        self.rows += 1;
        if self.last.as_ref() != Some(key) {
            self.series += 1;
            self.last = Some(key.clone());
        }
        Ok(true)
    }
}
