//! The formats of an answer, and which one a request wants.

use std::str::FromStr;

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};

use crate::error::ApiError;

/// A format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::routes) enum Format {
    /// An object with `columns` and `rows`.
    Json,
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
    /// A list of objects, as InfluxDB 3 has it.
    Objects,
    /// An object a line.
    Lines,
    /// A table of characters.
    Pretty,
}

/// Those that may be asked of `/api/v1/sql`.
const ALL: [Format; 4] = [Format::Json, Format::Csv, Format::Arrow, Format::Parquet];

impl Format {
    /// The word of the `format` parameter.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Objects => "objects",
            Self::Lines => "jsonl",
            Self::Pretty => "pretty",
        }
    }

    /// The media type of the answer.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Objects => "application/json",
            Self::Lines => "application/jsonl",
            Self::Pretty => "text/plain; charset=utf-8",
        }
    }

    /// The name under which a browser saves the formats that people save.
    pub(super) fn file_name(self) -> Option<HeaderValue> {
        match self {
            Self::Csv => Some(HeaderValue::from_static("attachment; filename=\"readings.csv\"")),
            Self::Parquet => Some(HeaderValue::from_static("attachment; filename=\"readings.parquet\"")),
            Self::Json | Self::Arrow | Self::Objects | Self::Lines | Self::Pretty => None,
        }
    }

    /// What `format` means for InfluxDB 3.
    pub(in crate::routes) fn of_version_3(name: &str) -> Result<Self, ApiError> {
        Ok(match name {
            "" | "json" => Self::Objects,
            "jsonl" => Self::Lines,
            "csv" => Self::Csv,
            "pretty" => Self::Pretty,
            "parquet" => Self::Parquet,
            other => {
                return Err(ApiError::invalid(format!(
                    "unknown format {other:?}; use json, jsonl, csv, pretty or parquet"
                )));
            }
        })
    }

    /// The format that `Accept` likes best; JSON when it says nothing that we know (RFC 9110, section 12.5.1).
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let mut best = (0.0, Self::Json);
        let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let quality = parts
                .find_map(|parameter| parameter.strip_prefix("q="))
                .map_or(1.0, |quality| quality.parse::<f32>().unwrap_or(0.0));
            if let Some(format) = ALL.into_iter().find(|format| format.is_called(media))
                && quality > best.0
            {
                best = (quality, format);
            }
        }
        best.1
    }

    fn is_called(self, media: &str) -> bool {
        let own = self.media_type().split(';').next().unwrap_or_default();
        media.eq_ignore_ascii_case(own)
            || (self == Self::Parquet && media.eq_ignore_ascii_case("application/x-parquet"))
    }
}

impl FromStr for Format {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        ALL.into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| ApiError::invalid(format!("unknown format {text:?}; choose json, csv, arrow or parquet")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &'static str) -> Format {
        Format::accepted(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn the_best_known_media_type_wins() {
        assert_eq!(Format::accepted(&HeaderMap::new()), Format::Json);
        assert_eq!(accepted("*/*"), Format::Json);
        assert_eq!(accepted("text/html,application/xhtml+xml,*/*;q=0.8"), Format::Json);
        assert_eq!(accepted("text/csv"), Format::Csv);
        assert_eq!(accepted("text/csv;q=0.5, application/vnd.apache.arrow.stream"), Format::Arrow);
        assert_eq!(accepted("Application/JSON;q=0.1, application/vnd.apache.parquet; q=0.9"), Format::Parquet);
    }

    #[test]
    fn unknown_formats_are_named() {
        assert_eq!("arrow".parse::<Format>().unwrap(), Format::Arrow);
        assert!("xml".parse::<Format>().unwrap_err().message().contains("parquet"));
    }
}
