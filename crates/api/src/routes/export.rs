//! Everything of one kind as CSV, read and sent a page at a time.

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use sensorium_metadata::MetadataError;

use crate::error::ApiResult;

/// What is exported.
pub(super) trait Pages: Send + 'static {
    /// The lines of the next page, and whether another follows.
    fn page(&mut self) -> impl Future<Output = Result<(String, bool), MetadataError>> + Send;
}

/// Answers with a file of all pages; a failure after the first one breaks the connection off.
pub(super) async fn csv(mut pages: impl Pages, header: String, file_name: &'static str) -> ApiResult<Response> {
    // The first page is read here, so that what is refused is refused with a status.
    let (first, more) = pages.page().await?;
    let rest = stream::unfold(more.then_some(pages), move |pages| async move {
        let mut pages = pages?;
        match pages.page().await {
            Ok((lines, more)) => Some((Ok(lines), more.then_some(pages))),
            Err(error) => {
                tracing::error!(%error, file_name, "an export broke off");
                Some((Err(error), None))
            }
        }
    });
    // Compression asks once more after the end, which an unfolded stream does not forgive.
    let lines = stream::iter([Ok(header), Ok(first)]).chain(rest.fuse());
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\"")),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}
