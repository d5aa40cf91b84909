//! Many devices at once: `POST /api/v1/devices/import` takes a CSV file, all of it or nothing.
//!
//! The first line names columns, those of [`COLUMNS`] in any order, of which `name` must be there. An empty cell means none (for
//! `enabled`: true). Cells are parted by commas, or by semicolons as some spreadsheets do. What the export made safe for
//! spreadsheets is undone ([`super::export`]).
//!
//! Limits: `http.body_bytes` and `http.decoded_bytes` for the file, [`MAX_DEVICES`] rows.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use csv::{ByteRecord, ReaderBuilder};
use sensorium_ingest::unless_small;
use sensorium_metadata::registry::{LineProblem, Location, MAX_DEVICES, PlaceOnPlan, Problems};
use sensorium_metadata::{Edit, Import, ImportRow};
use sensorium_model::Action;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::failed;
use crate::auth::Caller;
use crate::body::receive;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::extract;
use crate::routes::audit::csv::is_formula;
use crate::state::AppState;

/// The columns of a file.
pub(super) const COLUMNS: [&str; 11] =
    ["name", "type", "enabled", "latitude", "longitude", "attributes", "tags", "writes_as", "place", "x", "y"];
/// Columns that say something only together.
const TOGETHER: [(&[&str], &str); 2] = [
    (&["latitude", "longitude"], "a location needs both columns, latitude and longitude"),
    (&["place", "x", "y"], "a point on a plan needs all three columns, place, x and y"),
];

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
struct ImportedDevices {
    created: u64,
    updated: u64,
    /// Devices that are as the file says already.
    unchanged: u64,
    /// Whether nothing was changed, because that was asked for.
    dry_run: bool,
}

/// Something that is wrong in a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The line, from 1.
    line: u64,
    /// What is wrong, as a sentence.
    problem: String,
}

impl From<LineProblem> for Problem {
    fn from(LineProblem { line, problem }: LineProblem) -> Self {
        Self { line, problem }
    }
}

/// Add and change many devices
///
/// A CSV file, as `GET /api/v1/devices?format=csv` gives it. A device is found by its name, without regard to case; what the file
/// has no column for stays. All of the file is taken, or nothing of it: `problems` tells the first 100 things that are wrong.
#[utoipa::path(post, path = "/api/v1/devices/import", tag = "devices", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, body = ImportedDevices),
        (status = 400, body = ErrorBody, description = "Something in the file is wrong: `problems` says what"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody, description = "The body is not text/csv"), (status = 429, body = ErrorBody),
    ))]
async fn import_devices(
    State(state): State<AppState>,
    caller: Caller,
    extract::Query(query): extract::Query<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ImportedDevices>> {
    caller.require(Action::ManageDevices, "this credential may not change devices; sign in as an editor")?;
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("text/csv")) {
        return Err(ApiError::invalid("send the devices as CSV, with Content-Type: text/csv")
            .status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let received = receive(&headers, body, &state.config).await?;
    let bytes = received.bytes.clone();
    let import = unless_small(bytes.len(), move || read(&bytes)).await?;
    let done = state.metadata.import_devices(&caller.0, import, query.dry_run).await.map_err(failed)?;
    drop(received);
    let (created, updated, unchanged) = (done.created, done.updated, done.unchanged);
    Ok(Json(ImportedDevices { created, updated, unchanged, dry_run: query.dry_run }))
}

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(import_devices))
}

/// Where each column stands.
#[derive(Default)]
struct Layout {
    columns: BTreeMap<&'static str, usize>,
    width: usize,
}

/// Reads a file as far as it can be read.
fn read(bytes: &[u8]) -> Import {
    let mut import = Import::default();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        import.problems.add(1, "the file is encoded in UTF-16; save it as UTF-8");
        return import;
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = if first_line.contains(&b';') && !first_line.contains(&b',') { b';' } else { b',' };
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut layout = None;
    let mut lines = Lines { bytes, counted: 0, line: 1 };
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            // Reading from memory cannot fail.
            Err(error) => {
                import.problems.add(1, error.to_string());
                break;
            }
        }
        let line = lines.at(record.position().map_or(0, csv::Position::byte));
        let Some(cells) = texts(&record, line, &mut import.problems) else {
            // Without its header, a file says nothing.
            if layout.is_none() {
                return import;
            }
            continue;
        };
        match &layout {
            None => match header(&cells, &mut import.problems) {
                Some(found) => layout = Some(found),
                None => return import,
            },
            Some(layout) => {
                if u64::try_from(import.rows.len()).is_ok_and(|rows| rows >= MAX_DEVICES) {
                    let limit = format!("the file has more than {MAX_DEVICES} devices (MAX_DEVICES, a fixed limit)");
                    import.problems.add(line, limit);
                    break;
                }
                if let Some(row) = row(layout, &cells, line, &mut import.problems) {
                    import.rows.push(row);
                }
            }
        }
    }
    if layout.is_none() && import.problems.total == 0 {
        import.problems.add(1, "the file is empty; its first line names the columns, such as name,type");
    }
    import
}

/// Counts lines. The reader's own count takes empty lines, and the end of the line before, for the beginning of a record.
struct Lines<'b> {
    bytes: &'b [u8],
    /// Where the record before began, and its line.
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line in which a record stands that is read from this place on.
    fn at(&mut self, place: u64) -> u64 {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let ends = self.bytes.get(place..).unwrap_or_default().iter().take_while(is_end).count();
        let begin = place.saturating_add(ends);
        let passed = self.bytes.get(self.counted..begin).unwrap_or_default();
        self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.counted = begin;
        self.line
    }
}

/// The cells of a record as they were before an export made them safe.
fn texts<'r>(record: &'r ByteRecord, line: u64, problems: &mut Problems) -> Option<Vec<&'r str>> {
    let cells: Option<Vec<&str>> = record.iter().map(|cell| std::str::from_utf8(cell).ok()).collect();
    if cells.is_none() {
        problems.add(line, "the line is not encoded in UTF-8; save the file as UTF-8");
    }
    let undone = |cell: &'r str| match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    };
    cells.map(|cells| cells.into_iter().map(undone).collect())
}

fn header(cells: &[&str], problems: &mut Problems) -> Option<Layout> {
    let before = problems.total;
    let mut layout = Layout { width: cells.len(), ..Layout::default() };
    for (place, cell) in cells.iter().enumerate() {
        match COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(cell.trim())) {
            None => {
                let known = COLUMNS.join(", ");
                problems.add(1, format!("there is no column {:?}; the columns are {known}", shorten(cell)));
            }
            Some(column) => {
                if layout.columns.insert(column, place).is_some() {
                    problems.add(1, format!("column {column} stands there twice"));
                }
            }
        }
    }
    if problems.total == before && !layout.columns.contains_key("name") {
        problems.add(1, "column name is missing; it tells which device a line is about");
    }
    for (columns, rule) in TOGETHER {
        let present = columns.iter().filter(|column| layout.columns.contains_key(*column)).count();
        if present != 0 && present != columns.len() {
            problems.add(1, rule);
        }
    }
    (problems.total == before).then_some(layout)
}

fn row(layout: &Layout, cells: &[&str], line: u64, problems: &mut Problems) -> Option<ImportRow> {
    if cells.len() != layout.width {
        problems.add(line, format!("the line has {} cells, but there are {} columns", cells.len(), layout.width));
        return None;
    }
    let before = problems.total;
    let cell = |column: &str| layout.columns.get(column).and_then(|place| cells.get(*place)).copied();
    let mut number = |column: &str| match cell(column).map(str::trim).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => match f64::from_str(text).ok().filter(|number| number.is_finite()) {
            Some(number) => Some(number),
            None => {
                problems.add(line, format!("{column} {:?} is no number; write it as 48.2", shorten(text)));
                None
            }
        },
    };
    let degrees = (number("latitude"), number("longitude"));
    let point = (number("x"), number("y"));
    let location = match degrees {
        _ if cell("latitude").is_none() => Edit::Keep,
        (Some(latitude), Some(longitude)) => Edit::Set(Location { latitude, longitude }),
        (None, None) => Edit::Clear,
        _ if problems.total > before => Edit::Keep,
        _ => {
            problems.add(line, "latitude and longitude belong together; give both or neither");
            Edit::Keep
        }
    };
    let told = problems.total > before;
    let position = position(cell("place"), point, told).unwrap_or_else(|problem| {
        problems.add(line, problem);
        Edit::Keep
    });
    let enabled = match cell("enabled").map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        None => None,
        Some("" | "true" | "1" | "yes") => Some(true),
        Some("false" | "0" | "no") => Some(false),
        Some(other) => {
            problems.add(line, format!("enabled {:?} is neither true nor false", shorten(other)));
            None
        }
    };
    let attributes = labels("attributes", cell("attributes"), line, problems);
    let tags = labels("tags", cell("tags"), line, problems);
    let device_type = match cell("type") {
        None => Edit::Keep,
        Some(name) if name.trim().is_empty() => Edit::Clear,
        Some(name) => Edit::Set(name.to_owned()),
    };
    let writes_as = match cell("writes_as").map(str::trim) {
        None => Edit::Keep,
        Some("") => Edit::Clear,
        Some(called) => Edit::Set(called.to_owned()),
    };
    let name = cell("name").unwrap_or_default().to_owned();
    let row = ImportRow { line, name, device_type, attributes, tags, writes_as, enabled, location, position };
    (problems.total == before).then_some(row)
}

/// A point on the plan of a place, or what is wrong with it; a number that could not be read was `told` before.
fn position(place: Option<&str>, point: (Option<f64>, Option<f64>), told: bool) -> Result<Edit<PlaceOnPlan>, String> {
    let Some(place) = place.map(str::trim) else { return Ok(Edit::Keep) };
    match point {
        (None, None) if place.is_empty() => Ok(Edit::Clear),
        (Some(x), Some(y)) if !place.is_empty() => match place.parse() {
            Ok(place) => Ok(Edit::Set(PlaceOnPlan { place, x, y })),
            Err(error) => Err(format!("place {:?} cannot be read: {error}", shorten(place))),
        },
        _ if told => Ok(Edit::Keep),
        _ => Err("place, x and y belong together; give all three or none".to_owned()),
    }
}

fn labels(column: &str, cell: Option<&str>, line: u64, problems: &mut Problems) -> Option<BTreeMap<String, String>> {
    let cell = cell?;
    if cell.trim().is_empty() {
        return Some(BTreeMap::new());
    }
    let parsed = serde_json::from_str(cell).ok();
    if parsed.is_none() {
        let example = r#"{"room":"attic"}"#;
        problems.add(line, format!("{column} {:?} are no texts by name; write them as {example}", shorten(cell)));
    }
    parsed
}

/// The beginning of a text, for a message.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &[u8]) -> Vec<(u64, String)> {
        read(text).problems.first.into_iter().map(|problem| (problem.line, problem.problem)).collect()
    }

    #[test]
    fn a_file_is_read_by_its_header() {
        let text = "\u{feff}Tags,name,latitude,longitude,enabled\r\n\"{\"\"a\"\":\"\"b\"\"}\",\"two\nlines\",-33.5,1e1,no\r\n\r\n,'=x,,,\r\n,''=x,'-1,2,TRUE\n";
        let import = read(text.as_bytes());
        assert_eq!(import.problems, Problems::default());
        let rows: Vec<_> = import.rows.iter().map(|row| (row.line, row.name.as_str(), row.enabled)).collect();
        assert_eq!(rows, [(2, "two\nlines", Some(false)), (5, "=x", Some(true)), (6, "'=x", Some(true))]);
        let [first, second, third] = import.rows.as_slice() else { unreachable!() };
        assert_eq!(first.location, Edit::Set(Location { latitude: -33.5, longitude: 10.0 }));
        assert_eq!((&second.location, &second.device_type), (&Edit::Clear, &Edit::Keep));
        assert_eq!(third.location, Edit::Set(Location { latitude: -1.0, longitude: 2.0 }));
        assert_eq!(first.tags.as_ref().unwrap()["a"], "b");
        assert_eq!((&second.tags, &second.attributes), (&Some(BTreeMap::new()), &None));
        assert_eq!(read(b"name;type\na;b\n").rows.len(), 1, "semicolons part cells, too");
    }

    #[test]
    fn a_point_on_a_plan_and_what_a_device_writes_as_are_read() {
        let text = "name,writes_as,place,x,y\na,ESP 1,Farm / House 1\\/2,0.25,1\nb,,,,\n";
        let import = read(text.as_bytes());
        assert_eq!(import.problems, Problems::default());
        let [first, second] = import.rows.as_slice() else { unreachable!() };
        let place = "farm/House 1\\/2".parse::<sensorium_metadata::places::PlacePath>().unwrap();
        let Edit::Set(PlaceOnPlan { place: read, x, y }) = &first.position else { unreachable!("{first:?}") };
        assert_eq!((read.key(), *x, *y), (place.key(), 0.25, 1.0));
        assert_eq!((&first.writes_as, &second.writes_as), (&Edit::Set("ESP 1".to_owned()), &Edit::Clear));
        assert_eq!(second.position, Edit::Clear);
        let told = problems(b"name,place,x,y\na,Farm,1,\nb,,1,1\nc,Farm//x,1,1\nd,Farm,left,1\n");
        let parts = ["together", "together", "\"Farm//x\"", "\"left\""];
        assert_eq!(told.len(), parts.len(), "{told:?}");
        assert!(told.iter().zip(parts).all(|((_, problem), part)| problem.contains(part)), "{told:?}");
        assert!(problems(b"name,place,x\na,Farm,1\n")[0].1.contains("three columns"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_line() {
        let text =
            b"name,latitude,longitude,enabled,tags\na,1,,true,\nb,x,2,maybe,{}\nc,1\nd\xff,,,,\ne,,,,[1]\nf,,,,\n";
        let told = problems(text);
        let lines: Vec<u64> = told.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 3, 4, 5, 6], "{told:?}");
        for (problem, part) in told.iter().zip(["together", "\"x\"", "\"maybe\"", "2 cells", "UTF-8", "room"]) {
            assert!(problem.1.contains(part), "{problem:?}");
        }
        assert_eq!(read(text).rows.len(), 1);
    }

    #[test]
    fn wrong_columns_and_encodings_are_refused_at_once() {
        for (text, part) in [
            (&b""[..], "empty"),
            (b"type\nx\n", "name is missing"),
            (b"name,colour\nx,red\n", "\"colour\""),
            (b"name,Name\nx,y\n", "twice"),
            (b"name,latitude\nx,1\n", "both columns"),
            (b"\xff\xfen\0a\0", "UTF-16"),
            (b"n\xffme\n", "UTF-8"),
        ] {
            let told = problems(text);
            assert!(told.first().is_some_and(|(line, problem)| *line == 1 && problem.contains(part)), "{told:?}");
            assert!(read(text).rows.is_empty());
        }
    }
}
