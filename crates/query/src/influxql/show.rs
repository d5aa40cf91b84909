//! `SHOW`: what there is, as InfluxDB tells it.

use sensorium_protocols::influxql::Statement;

use super::{Context, Series, meaning};
use crate::error::QueryError;

/// The answer to a statement that reads no rows.
pub(crate) fn answer(_context: Context<'_>, statement: &Statement) -> Result<Vec<Series>, QueryError> {
    Err(meaning(format!("{statement} is not a query")))
}
