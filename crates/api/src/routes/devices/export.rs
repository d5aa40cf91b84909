//! The devices as CSV (RFC 4180), page by page, so that their number costs no memory. The import reads it again.
//!
//! A text that a spreadsheet would take for a formula begins with an apostrophe ([`crate::routes::audit::csv`]); so does one that
//! begins with such an apostrophe itself, so that taking one away gives back the text.

use std::collections::HashMap;

use axum::response::Response;
use sensorium_metadata::places::PlacePath;
use sensorium_metadata::registry::MAX_PAGE;
use sensorium_metadata::{Device, DeviceQuery, Metadata, MetadataError};
use sensorium_model::{PlaceId, Principal};

use super::import::COLUMNS;
use crate::error::ApiResult;
use crate::routes::audit::csv::{cell, is_formula};
use crate::routes::export::{self, Pages};

/// Where an export is.
struct Export {
    metadata: Metadata,
    who: Principal,
    query: DeviceQuery,
    /// Of the places, as they were when the export began.
    paths: HashMap<PlaceId, PlacePath>,
}

impl Pages for Export {
    async fn page(&mut self) -> Result<(String, bool), MetadataError> {
        let (devices, next) = self.metadata.devices(&self.who, &self.query).await?;
        let more = next.is_some();
        self.query.after = next;
        Ok((devices.iter().map(|device| line(device, &self.paths)).collect(), more))
    }
}

/// Answers with every device that the query lets through.
pub(super) async fn all(metadata: Metadata, who: Principal, query: DeviceQuery) -> ApiResult<Response> {
    let paths = PlacePath::of_places(&metadata.places(&who).await?);
    let pages = Export { metadata, who, query: DeviceQuery { limit: MAX_PAGE, ..query }, paths };
    export::csv(pages, COLUMNS.join(",") + "\r\n", "sensorium-devices.csv").await
}

/// A device in the order of [`COLUMNS`].
fn line(device: &Device, paths: &HashMap<PlaceId, PlacePath>) -> String {
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    // A place that was added while the export runs has no path here.
    let position = device.position.and_then(|at| Some((paths.get(&at.place)?.to_string(), at.x, at.y)));
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
        text(device.writes_as.as_deref().unwrap_or_default()),
        text(position.as_ref().map_or("", |(place, ..)| place.as_str())),
        number(position.as_ref().map(|(_, x, _)| *x)),
        number(position.as_ref().map(|(_, _, y)| *y)),
    ];
    cells.join(",") + "\r\n"
}

fn text(text: &str) -> String {
    match text.starts_with('\'') && is_formula(text.trim_start_matches('\'')) {
        true => cell(&format!("'{text}")),
        false => cell(text),
    }
}
