//! The streamed body of an answer.

use std::sync::Arc;
use std::time::Instant;

use arrow::record_batch::RecordBatch;
use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, stream};
use sensorium_model::ErrorKind;
use sensorium_query::QueryStream;
use thiserror::Error;

use super::encoder::{EncodeError, Encoder, encoder};
use super::format::Format;
use super::times::{Reshape, Wishes};
use super::to_api;
use crate::error::{ApiError, ApiResult};

/// Batches with more rows are encoded on a thread for blocking work, so that nobody else waits for them.
const ROWS_IN_PLACE: usize = 1_024;

/// Ends the body before its end, which cuts the connection.
#[derive(Debug, Error)]
#[error("the query failed after its first rows: {0}")]
struct Cut(String);

/// Waits for the first rows, so that a failure until then has a status of its own, then streams.
pub(super) async fn start(mut rows: QueryStream, format: Format, epoch_ms: bool, started: Instant) -> ApiResult<Body> {
    let first = rows.next().await.transpose().map_err(to_api)?;
    let as_text = matches!(format, Format::Json | Format::Csv);
    let reshape = Arc::new(Reshape::new(&rows.schema(), Wishes { epoch_ms, as_text }));
    let encoder = encoder(format, reshape.schema()).map_err(|error| defect(&error))?;
    // CSV has a header line even when there are no rows.
    let first = first.unwrap_or_else(|| RecordBatch::new_empty(rows.schema()));
    let answer = Answer { rows, first: Some(first), reshape, encoder: Some(encoder), started };
    let chunks = stream::unfold(answer, |mut answer| async move {
        let chunk = answer.next().await?;
        Some((chunk, answer))
    });
    let chunks = chunks.filter(|chunk| std::future::ready(!matches!(chunk, Ok(bytes) if bytes.is_empty())));
    // Compression asks once more after the end, which an unfolded stream does not forgive.
    Ok(Body::from_stream(chunks.fuse()))
}

struct Answer {
    rows: QueryStream,
    first: Option<RecordBatch>,
    reshape: Arc<Reshape>,
    /// Absent once the end is written.
    encoder: Option<Box<dyn Encoder>>,
    started: Instant,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        let mut encoder = self.encoder.take()?;
        let batch = match self.first.take() {
            Some(batch) => Some(Ok(batch)),
            None => self.rows.next().await,
        };
        Some(match batch {
            None => encoder.finish(self.started.elapsed()).map(Bytes::from).map_err(|error| cut(&defect(&error))),
            Some(Err(error)) => end(encoder, &to_api(error)),
            Some(Ok(batch)) => {
                let reshape = self.reshape.clone();
                let rows = batch.num_rows();
                let encode = move || {
                    let bytes =
                        reshape.apply(&batch).map_err(EncodeError::from).and_then(|batch| encoder.batch(&batch));
                    (encoder, bytes)
                };
                let (encoder, bytes) = if rows <= ROWS_IN_PLACE {
                    encode()
                } else {
                    match tokio::task::spawn_blocking(encode).await {
                        Ok(done) => done,
                        Err(panic) => return Some(Err(cut(&defect(&panic)))),
                    }
                };
                match bytes {
                    Ok(bytes) => {
                        self.encoder = Some(encoder);
                        Ok(bytes.into())
                    }
                    Err(error) => end(encoder, &defect(&error)),
                }
            }
        })
    }
}

/// Ends an answer that failed: in words if the format has them, else by cutting it off.
fn end(encoder: Box<dyn Encoder>, error: &ApiError) -> Result<Bytes, Cut> {
    encoder.fail(error).map(Bytes::from).ok_or_else(|| cut(error))
}

fn cut(error: &ApiError) -> Cut {
    metrics::counter!("sensorium_sql_cut_total").increment(1);
    Cut(error.message().to_owned())
}

fn defect(error: &(dyn std::error::Error + 'static)) -> ApiError {
    ApiError::from_error(ErrorKind::Internal, error)
}
