//! The answers to `SHOW QUERIES` and `KILL`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use sensorium_model::Subject;

use crate::engine::QueryRequest;
use crate::error::QueryError;
use crate::registry::{QueryId, Registry, RunningQuery};
use crate::statement::Managing;

/// Answers a statement about the queries of the caller's organisation.
pub(crate) fn answer(
    registry: &Registry,
    request: &QueryRequest,
    statement: Managing,
) -> Result<RecordBatch, QueryError> {
    if !request.asker.manages_queries {
        return Err(QueryError::MayNotManage);
    }
    match statement {
        Managing::Show => listing(request, &registry.list(request.org)),
        Managing::Kill(Some(id)) if registry.kill(request.org, id) => killed(id),
        Managing::Kill(_) => Err(QueryError::UnknownQuery),
    }
}

fn listing(request: &QueryRequest, queries: &[RunningQuery]) -> Result<RecordBatch, QueryError> {
    let text = |value: fn(&RunningQuery) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(queries.iter().map(value)))
    };
    let count = |value: fn(&RunningQuery) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(queries.iter().map(value)))
    };
    let asked_by = queries.iter().map(|query| {
        request.asker.names.get(&query.subject).map_or_else(|| kind(query.subject).to_owned(), Clone::clone)
    });
    let started = queries.iter().map(|query| query.started_ns);
    let elapsed = queries.iter().map(|query| (query.elapsed_ms * 1e3).round() / 1e3);
    batch(vec![
        ("id", text(|query| query.id.to_string())),
        ("asked_by", Arc::new(StringArray::from_iter_values(asked_by))),
        ("database", text(|query| query.database.as_str().to_owned())),
        ("started", Arc::new(TimestampNanosecondArray::from_iter_values(started).with_timezone("UTC"))),
        ("elapsed_ms", Arc::new(Float64Array::from_iter_values(elapsed))),
        ("rows", count(|query| query.rows)),
        ("bytes", count(|query| query.bytes)),
        ("memory_bytes", count(|query| u64::try_from(query.memory_bytes).unwrap_or(u64::MAX))),
        ("query", text(|query| query.sql.clone())),
    ])
}

fn killed(id: QueryId) -> Result<RecordBatch, QueryError> {
    batch(vec![("killed", Arc::new(StringArray::from_iter_values([id.to_string()])))])
}

/// The columns of the answer to `KILL`.
pub(crate) fn columns_of_kill() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("killed", DataType::Utf8, false)]))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, QueryError> {
    RecordBatch::try_from_iter(columns).map_err(|error| QueryError::Internal { message: error.to_string() })
}

/// A word for callers whose name is not known.
fn kind(subject: Subject) -> &'static str {
    match subject {
        Subject::User(..) => "user",
        Subject::Token(_) => "token",
        Subject::System => "system",
        Subject::Anonymous => "anonymous",
    }
}
