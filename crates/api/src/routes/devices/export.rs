//! The devices as CSV (RFC 4180), page by page, so that their number costs no memory. The import reads it again.
//!
//! A text that a spreadsheet would take for a formula begins with an apostrophe ([`crate::routes::audit::csv`]); so does one that
//! begins with such an apostrophe itself, so that taking one away gives back the text.

use axum::response::Response;
use sensorium_metadata::registry::MAX_PAGE;
use sensorium_metadata::{Device, DeviceQuery, Metadata, MetadataError};
use sensorium_model::Principal;

use super::import::COLUMNS;
use crate::error::ApiResult;
use crate::routes::audit::csv::{cell, is_formula};
use crate::routes::export::{self, Pages};

/// Where an export is.
struct Export {
    metadata: Metadata,
    who: Principal,
    query: DeviceQuery,
}

impl Pages for Export {
    async fn page(&mut self) -> Result<(String, bool), MetadataError> {
        let (devices, next) = self.metadata.devices(&self.who, &self.query).await?;
        let more = next.is_some();
        self.query.after = next;
        Ok((devices.iter().map(line).collect(), more))
    }
}

/// Answers with every device that the query lets through.
pub(super) async fn all(metadata: Metadata, who: Principal, query: DeviceQuery) -> ApiResult<Response> {
    let pages = Export { metadata, who, query: DeviceQuery { limit: MAX_PAGE, ..query } };
    export::csv(pages, COLUMNS.join(",") + "\r\n", "sensorium-devices.csv").await
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
