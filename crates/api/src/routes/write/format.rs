//! How a body is to be read: its format, and what the request says about it. Kept with a body that is read again later.

use std::collections::HashSet;

use sensorium_model::{BatchBuilder, Precision};
use sensorium_protocols::{Refusals, detections, json, line_protocol};
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ApiResult};

/// How a body is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub(crate) enum Format {
    /// Line protocol of InfluxDB.
    LineProtocol {
        /// The unit of the times.
        precision: Precision,
    },
    /// Readings in JSON.
    Json {
        /// The table of readings that do not name one.
        table: Option<String>,
        /// Names that are tags although they stand among the fields.
        tags: HashSet<String>,
        /// The unit of times that are numbers; judged by their size when absent.
        precision: Option<Precision>,
    },
    /// What cameras saw.
    Detections {
        /// The unit of times that are numbers; judged by their size when absent.
        precision: Option<Precision>,
    },
}

impl Format {
    /// Decodes a body; how many readings are in it.
    pub(crate) fn decode(
        &self,
        bytes: &[u8],
        now_ns: i64,
        builder: &mut BatchBuilder<'_>,
        refusals: &mut Refusals,
    ) -> ApiResult<u64> {
        match self {
            Self::LineProtocol { precision } => {
                let options = line_protocol::Options { precision: *precision, now_ns };
                Ok(line_protocol::decode(bytes, options, builder, refusals))
            }
            Self::Json { table, tags, precision } => {
                let options = json::Options { table: table.as_deref(), tags, precision: *precision, now_ns };
                json::decode(bytes, &options, builder, refusals).map_err(|error| ApiError::invalid(error.to_string()))
            }
            Self::Detections { precision } => {
                let options = detections::Options { precision: *precision, now_ns };
                detections::decode(bytes, options, builder, refusals)
                    .map_err(|error| ApiError::invalid(error.to_string()))
            }
        }
    }
}
