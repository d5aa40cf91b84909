//! The devices as CSV (RFC 4180), page by page, so that their number costs no memory. The import reads it again.
//!
//! A text that a spreadsheet would take for a formula begins with an apostrophe ([`crate::routes::audit::csv`]); so does one that
//! begins with such an apostrophe itself, so that taking one away gives back the text.

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use sensorium_metadata::registry::MAX_PAGE;
use sensorium_metadata::{Device, DeviceQuery, Metadata, MetadataError};
use sensorium_model::Principal;

use super::import::COLUMNS;
use crate::error::ApiResult;
use crate::routes::audit::csv::{cell, is_formula};

/// Where an export is.
struct Export {
    metadata: Metadata,
    who: Principal,
    query: DeviceQuery,
}

impl Export {
    /// The lines of the next page, and whether another follows.
    async fn page(&mut self) -> Result<(String, bool), MetadataError> {
        let (devices, next) = self.metadata.devices(&self.who, &self.query).await?;
        let more = next.is_some();
        self.query.after = next;
        Ok((devices.iter().map(line).collect(), more))
    }
}

/// Answers with every device that the query lets through.
pub(super) async fn export(metadata: Metadata, who: Principal, query: DeviceQuery) -> ApiResult<Response> {
    let mut export = Export { metadata, who, query: DeviceQuery { limit: MAX_PAGE, ..query } };
    // The first page is read here, so that what is refused is refused with a status.
    let (first, more) = export.page().await?;
    let rest = stream::unfold(more.then_some(export), |export| async move {
        let mut export = export?;
        match export.page().await {
            Ok((lines, more)) => Some((Ok(lines), more.then_some(export))),
            Err(error) => {
                tracing::error!(%error, "an export of devices broke off");
                Some((Err(error), None))
            }
        }
    });
    let header = COLUMNS.join(",") + "\r\n";
    let lines = stream::iter([Ok(header), Ok(first)]).chain(rest);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"sensorium-devices.csv\""),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// A device in the order of [`COLUMNS`].
fn line(device: &Device) -> String {
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let labels = |labels| serde_json::to_string(labels).unwrap_or_default();
    let cells = [
        text(&device.name),
        text(device.device_type.as_ref().map_or("", |of| of.name.as_str())),
        device.enabled.to_string(),
        // Numbers are no formulas, although one may begin with a minus.
        number(device.location.map(|location| location.latitude)),
        number(device.location.map(|location| location.longitude)),
        text(&labels(&device.attributes)),
        text(&labels(&device.tags)),
    ];
    cells.join(",") + "\r\n"
}

fn text(text: &str) -> String {
    match text.starts_with('\'') && is_formula(text.trim_start_matches('\'')) {
        true => cell(&format!("'{text}")),
        false => cell(text),
    }
}
