//! How a body is to be read: its format, and what the request says about it. Kept with a body that is read again later.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use sensorium_model::{BatchBuilder, Precision};
use sensorium_protocols::decoders::announced::{Announced, Field};
use sensorium_protocols::payload::content::{self, Target};
use sensorium_protocols::{Refusals, detections, json, line_protocol, payload};
use serde::{Deserialize, Serialize};

use crate::error::IngestError;

/// How readings come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Line protocol over HTTP.
    LineProtocol,
    /// Readings in JSON over HTTP.
    Json,
    /// What cameras saw.
    Detections,
    /// Messages of MQTT.
    Mqtt,
    /// Requests of CoAP.
    Coap,
}

impl Source {
    /// The name in metrics and in the list of refused readings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LineProtocol => "line_protocol",
            Self::Json => "json",
            Self::Detections => "detections",
            Self::Mqtt => "mqtt",
            Self::Coap => "coap",
        }
    }

    /// What a refused row is called.
    pub fn unit(self) -> &'static str {
        match self {
            Self::LineProtocol => "line",
            Self::Json => "item",
            Self::Detections => "object",
            Self::Mqtt => "message",
            Self::Coap => "request",
        }
    }
}

/// How a body is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum Format {
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
    /// Whatever a message of MQTT says.
    Mqtt {
        /// Where it was published.
        topic: String,
    },
    /// What a message of MQTT says of which a device announced what is in it.
    Announced {
        /// Where it was published.
        topic: String,
        /// What was announced by then.
        announced: Arc<Announced>,
    },
    /// What a request of CoAP says.
    Content {
        /// Its Content-Format; without one, what it looks like.
        content_format: Option<u16>,
        /// The table of readings that name none.
        table: String,
        /// The field of a single value.
        field: String,
        /// Tags of each reading.
        tags: Vec<(String, String)>,
        /// The device of readings that name none.
        device: Option<String>,
    },
}

impl Format {
    /// Decodes a body; how many readings are in it. After an error the builder may hold readings of the body and must be thrown
    /// away; it never does after a message of MQTT.
    pub fn decode(
        &self,
        bytes: &[u8],
        now_ns: i64,
        builder: &mut BatchBuilder<'_>,
        refusals: &mut Refusals,
    ) -> Result<u64, IngestError> {
        match self {
            Self::LineProtocol { precision } => {
                let options = line_protocol::Options { precision: *precision, now_ns };
                Ok(line_protocol::decode(bytes, options, builder, refusals))
            }
            Self::Json { table, tags, precision } => {
                let options = json::Options { table: table.as_deref(), tags, precision: *precision, now_ns };
                json::decode(bytes, &options, builder, refusals)
                    .map_err(|error| IngestError::invalid(error.to_string()))
            }
            Self::Detections { precision } => {
                let options = detections::Options { precision: *precision, now_ns };
                detections::decode(bytes, options, builder, refusals)
                    .map_err(|error| IngestError::invalid(error.to_string()))
            }
            Self::Mqtt { topic } => payload::decode_topic(topic, bytes, now_ns, builder, refusals)
                .map_err(|error| IngestError::new(error.kind(), error.to_string())),
            Self::Announced { topic, announced } => {
                payload::decode_announced(topic, bytes, announced, now_ns, builder, refusals)
                    .map_err(|error| IngestError::new(error.kind(), error.to_string()))
            }
            Self::Content { content_format, table, field, tags, device } => {
                let tags: Vec<(&str, &str)> =
                    tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let target = Target { table, field, tags: &tags, device: device.as_deref() };
                // Nobody keeps the units of columns yet.
                let mut units = BTreeMap::new();
                content::decode(*content_format, bytes, &target, now_ns, &mut units, builder, refusals)
                    .map_err(|error| IngestError::new(error.kind(), error.to_string()))
            }
        }
    }

    /// What was announced of a field that the body writes; none if nothing was.
    pub fn announced(&self, field: &str) -> Option<&Field> {
        match self {
            Self::Announced { announced, .. } => announced.described(field),
            Self::LineProtocol { .. }
            | Self::Json { .. }
            | Self::Detections { .. }
            | Self::Mqtt { .. }
            | Self::Content { .. } => None,
        }
    }

    /// Says of refused rows where they stood, in formats whose rows have numbers that nobody counts.
    pub(crate) fn locate(&self, refusals: &mut Refusals) {
        if matches!(self, Self::Detections { .. }) {
            refusals.locate(detections::place);
        }
    }
}
