//! Reads what `/query` is asked: from the address, a form, or a form with files.

use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::{Query, Request};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sensorium_model::DatabaseName;
use sensorium_protocols::influxql::{Parameter, Parameters};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::failure::Refusal;
use super::value::Epoch;
use crate::extract;

/// Rows of a chunk when the request does not say how many, as InfluxDB has it.
const CHUNK_ROWS: usize = 10_000;
/// The most rows of a chunk, which are held in memory.
const MAX_CHUNK_ROWS: usize = 100_000;

/// What InfluxDB 1.x's clients name; credentials may stand beside it (`u`, `p`).
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub(super) struct QueryParameters {
    /// The statements, separated by `;`.
    #[param(example = "SHOW DATABASES")]
    q: Option<String>,
    /// The database of measurements that are named without one; a retention policy may follow after `/`.
    db: Option<String>,
    /// The retention policy; every database has one.
    rp: Option<String>,
    /// `ns`, `u`, `ms`, `s`, `m` or `h`: times as numbers; else they are RFC 3339.
    epoch: Option<String>,
    /// `true`: the answer is easy to read.
    pretty: Option<String>,
    /// `true`: the answer is one JSON object for each chunk, a line each.
    chunked: Option<String>,
    /// Rows of a chunk, 1 to 100,000; default 10,000.
    chunk_size: Option<String>,
    /// A JSON object of values that stand for `$name` in the statements.
    params: Option<String>,
}

impl QueryParameters {
    /// What is said here, or else there.
    fn or(self, other: Self) -> Self {
        Self {
            q: self.q.or(other.q),
            db: self.db.or(other.db),
            rp: self.rp.or(other.rp),
            epoch: self.epoch.or(other.epoch),
            pretty: self.pretty.or(other.pretty),
            chunked: self.chunked.or(other.chunked),
            chunk_size: self.chunk_size.or(other.chunk_size),
            params: self.params.or(other.params),
        }
    }

    fn of(query: &str) -> Result<Self, Refusal> {
        let malformed = |error: String| Refusal::invalid(format!("the form is malformed: {error}"));
        let uri: Uri = format!("/?{query}").parse().map_err(|error| malformed(format!("{error}")))?;
        let Query(parameters) = Query::try_from_uri(&uri).map_err(|rejection| malformed(rejection.body_text()))?;
        Ok(parameters)
    }
}

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
}

impl Format {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    /// The first format that is liked and spoken. Whoever likes none of them gets JSON, as with InfluxDB; that is so for clients that
    /// would rather have MessagePack, too: they look at the answer's type.
    fn accepted(headers: &HeaderMap) -> Self {
        let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let format = |range: &str| match range.split(';').next().unwrap_or_default().trim() {
            "application/json" | "application/*" | "*/*" => Some(Self::Json),
            "text/csv" | "application/csv" => Some(Self::Csv),
            _ => None,
        };
        ranges.into_iter().find_map(format).unwrap_or(Self::Json)
    }
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) statements: String,
    pub(super) parameters: Parameters,
    pub(super) format: Format,
    pub(super) epoch: Epoch,
    pub(super) is_pretty: bool,
    /// Rows of a chunk, if the answer is to come in chunks.
    pub(super) chunk: Option<usize>,
    database: String,
}

impl Asked {
    /// Reads a request of either method.
    pub(super) async fn read(request: Request) -> Result<Self, Refusal> {
        let address = QueryParameters::of(request.uri().query().unwrap_or_default())?;
        let headers = request.headers().clone();
        let is_post = request.method() == Method::POST;
        let body = if is_post { body(request, &headers).await? } else { QueryParameters::default() };
        let said = body.or(address);
        let database = said.db.unwrap_or_default();
        let statements = said.q.filter(|q| !q.trim().is_empty());
        let is_true = |text: Option<String>| text.as_deref() == Some("true");
        Ok(Self {
            statements: statements.ok_or_else(|| Refusal::invalid("missing required parameter \"q\""))?,
            parameters: said.params.filter(|params| !params.is_empty()).map_or(Ok(Parameters::new()), bound)?,
            format: Format::accepted(&headers),
            epoch: Epoch::of(said.epoch.as_deref().unwrap_or_default()),
            is_pretty: is_true(said.pretty),
            chunk: is_true(said.chunked).then(|| rows(said.chunk_size.as_deref())),
            database: database.split_once('/').map_or(database.clone(), |(name, _)| name.to_owned()),
        })
    }

    /// The database of the request; a name that breaks the rules cannot exist.
    pub(super) fn database(&self) -> Option<DatabaseName> {
        DatabaseName::new(&self.database).ok()
    }

    /// The database of the request as it was written.
    pub(super) fn database_text(&self) -> &str {
        &self.database
    }
}

/// The rows of a chunk; what is no such number means what InfluxDB takes without it.
fn rows(text: Option<&str>) -> usize {
    let rows = text.and_then(|text| text.parse().ok()).filter(|rows| *rows > 0);
    rows.unwrap_or(CHUNK_ROWS).min(MAX_CHUNK_ROWS)
}

/// The values that stand for names.
pub(super) fn bound(text: String) -> Result<Parameters, Refusal> {
    let malformed = |error: serde_json::Error| Refusal::invalid(format!("error parsing query parameters: {error}"));
    let values: serde_json::Map<String, Value> = serde_json::from_str(&text).map_err(malformed)?;
    Ok(values.iter().map(|(name, value)| (name.clone(), Parameter::from_json(value))).collect())
}

async fn body(request: Request, headers: &HeaderMap) -> Result<QueryParameters, Refusal> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let bytes = extract::in_time(request.extract()).await?;
    let bytes: Bytes =
        bytes.map_err(|rejection: axum::extract::rejection::BytesRejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the statements are larger than {} bytes; split them", crate::SMALL_BODY_BYTES),
            ),
            _ => Refusal::invalid(rejection.body_text()),
        })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Refusal::invalid("the statements are no UTF-8"))?;
    let kind = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => QueryParameters::of(text),
        "multipart/form-data" => {
            let boundary = media.split_once("boundary=").map(|(_, rest)| rest.split(';').next().unwrap_or_default());
            let boundary = boundary.map(|boundary| boundary.trim().trim_matches('"')).filter(|text| !text.is_empty());
            let boundary = boundary.ok_or_else(|| Refusal::invalid("the form has no boundary"))?;
            Ok(from_parts(text, boundary))
        }
        // `influx -execute` and curl send what they were given, with any type or none.
        "application/vnd.influxql" => Ok(QueryParameters { q: Some(text.to_owned()), ..QueryParameters::default() }),
        _ => Ok(QueryParameters::default()),
    }
}

/// The parts of a form with files (RFC 7578), of which InfluxDB reads the fields that it knows; a file may be named `q`.
fn from_parts(text: &str, boundary: &str) -> QueryParameters {
    let mut said = QueryParameters::default();
    let mark = format!("--{boundary}");
    for part in text.split(mark.as_str()).skip(1) {
        let Some((head, content)) = part.split_once("\r\n\r\n") else { continue };
        let content = content.strip_suffix("\r\n").unwrap_or(content).to_owned();
        let name = head.split([';', '\r', '\n']).find_map(|word| word.trim().strip_prefix("name="));
        let field = match name.map(|name| name.trim_matches('"')) {
            Some("q") => &mut said.q,
            Some("db") => &mut said.db,
            Some("rp") => &mut said.rp,
            Some("epoch") => &mut said.epoch,
            Some("pretty") => &mut said.pretty,
            Some("chunked") => &mut said.chunked,
            Some("chunk_size") => &mut said.chunk_size,
            Some("params") => &mut said.params,
            _ => continue,
        };
        *field = Some(content);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_a_file_is_read() {
        let text = "--x\r\nContent-Disposition: form-data; name=\"q\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n\
                    SHOW DATABASES;\r\nSHOW USERS\r\n--x\r\nContent-Disposition: form-data; name=\"db\"\r\n\r\ndht\r\n--x--\r\n";
        let said = from_parts(text, "x");
        assert_eq!(said.q.as_deref(), Some("SHOW DATABASES;\r\nSHOW USERS"));
        assert_eq!(said.db.as_deref(), Some("dht"));
    }

    #[test]
    fn the_first_format_that_is_known_is_taken() {
        let format = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            Format::accepted(&headers)
        };
        assert_eq!(format("application/csv"), Format::Csv);
        assert_eq!(format("text/html, text/csv;q=0.5"), Format::Csv);
        assert_eq!(format("application/x-msgpack, */*"), Format::Json);
        assert_eq!(format("application/x-msgpack"), Format::Json);
        assert_eq!(format("text/html"), Format::Json);
    }
}
