//! Reads what is asked: from the address, a JSON body, a form, or a body that is the statement.

use std::num::NonZeroUsize;

use axum::RequestExt;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use sensorium_model::ErrorKind;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::format::Format;
use crate::error::{ApiError, ApiResult};
use crate::extract;

/// The widest chart.
const MAX_POINTS: usize = 100_000;

/// The parameters of a query.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SqlParameters {
    /// The statement.
    #[param(example = "SELECT * FROM cpu ORDER BY time DESC LIMIT 10")]
    q: Option<String>,
    /// The database; tables of others are written `database.table`.
    #[param(example = "main")]
    db: Option<String>,
    /// `json`, `csv`, `arrow` or `parquet`; else what `Accept` names, else JSON.
    format: Option<String>,
    /// `ms`: times as milliseconds since the epoch.
    epoch: Option<String>,
    /// For a chart: how many pixels wide it is (1 to 100,000). Of each series and pixel the answer then holds only the rows
    /// with the first, last, smallest and largest values.
    points: Option<String>,
}

/// As [`SqlParameters`], but an address may hold other things, such as credentials.
#[derive(Debug, Default, Deserialize)]
struct AddressParameters {
    q: Option<String>,
    db: Option<String>,
    format: Option<String>,
    epoch: Option<String>,
    points: Option<String>,
}

/// What is asked.
#[derive(Debug)]
pub(in crate::routes) struct Asked {
    pub(super) database: String,
    pub(super) statement: String,
    pub(super) format: Format,
    pub(super) epoch_ms: bool,
    pub(super) points: Option<NonZeroUsize>,
}

impl Asked {
    /// A statement about a database.
    pub(in crate::routes) fn new(database: String, statement: String, format: Format) -> Self {
        Self { database, statement, format, epoch_ms: false, points: None }
    }

    /// Reads a request of either method.
    pub(super) async fn read(request: Request) -> ApiResult<Self> {
        let address: AddressParameters = axum::extract::Query::try_from_uri(request.uri())
            .map(|axum::extract::Query(parameters)| parameters)
            .map_err(|rejection| ApiError::invalid(rejection.body_text()))?;
        let headers = request.headers().clone();
        let body = if request.method() == Method::POST { body(request, &headers).await? } else { Default::default() };
        let missing = |what| ApiError::invalid(format!("{what} is missing; ask /api/v1/sql?db=main&q=SELECT+1"));
        let format = body.format.or(address.format);
        Ok(Self {
            database: body.db.or(address.db).ok_or_else(|| missing("the database (db)"))?,
            statement: body.q.or(address.q).ok_or_else(|| missing("the statement (q)"))?,
            format: match format.as_deref() {
                None | Some("") => Format::accepted(&headers),
                Some(name) => name.parse()?,
            },
            epoch_ms: match body.epoch.or(address.epoch).as_deref() {
                None | Some("") => false,
                Some("ms") => true,
                Some(other) => {
                    return Err(ApiError::invalid(format!(
                        "unknown epoch {other:?}; use ms, or leave it out for RFC 3339"
                    )));
                }
            },
            points: body
                .points
                .or(address.points)
                .filter(|points| !points.is_empty())
                .map(|points| pixels(&points))
                .transpose()?,
        })
    }
}

/// The width of a chart.
fn pixels(text: &str) -> ApiResult<NonZeroUsize> {
    let points = text.parse().ok().filter(|points: &NonZeroUsize| points.get() <= MAX_POINTS);
    points.ok_or_else(|| ApiError::invalid(format!("points is {text:?}; it takes a number from 1 to {MAX_POINTS}")))
}

async fn body(request: Request, headers: &HeaderMap) -> ApiResult<SqlParameters> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/plain").to_owned();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = extract::in_time(request.extract()).await?;
    let text: String =
        text.map_err(|rejection: axum::extract::rejection::StringRejection| match rejection.status() {
            axum::http::StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
                ErrorKind::TooLarge,
                format!("the statement is larger than {} bytes; split it", crate::SMALL_BODY_BYTES),
            ),
            _ => ApiError::invalid(rejection.body_text()),
        })?;
    match media.as_str() {
        "application/json" => serde_json::from_str(&text).map_err(|error| {
            ApiError::invalid(format!("the body is no JSON object with q, db, format, epoch and points: {error}"))
        }),
        // The form of a body is that of a query string.
        "application/x-www-form-urlencoded" => from_form(&text),
        _ if text.trim().is_empty() => Ok(SqlParameters::default()),
        _ => Ok(SqlParameters { q: Some(text), ..SqlParameters::default() }),
    }
}

fn from_form(text: &str) -> ApiResult<SqlParameters> {
    let request = axum::http::Request::post("/")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .uri(format!("/?{text}"))
        .body(())
        .map_err(|error| ApiError::invalid(format!("the form is malformed: {error}")))?;
    axum::extract::Query::try_from_uri(request.uri())
        .map(|axum::extract::Query(parameters)| parameters)
        .map_err(|rejection| ApiError::invalid(rejection.body_text()))
}
