//! Decoders of what devices and people send: InfluxDB line protocol, JSON readings, detections of cameras, CSV files, what
//! devices send over MQTT, SenML and CBOR; the line protocol writer; and MQTT and CoAP without their sockets.
//!
//! Pure: no sockets, no files, no clock. Bytes, the time of receipt and the stored schema come in as arguments; rows go
//! out into a [`sensorium_model::BatchBuilder`].
//!
//! Invariants:
//! - a decoder never panics, whatever the bytes;
//! - a row that cannot be read costs only itself: it is counted and described in [`Refusals`], and the others go on;
//! - a value is stored as it was sent or refused, never cut or turned into another type in silence; a decimal number
//!   becomes the nearest double.
//!
//! Limits: those of [`sensorium_model::IngestLimits`], which the builder holds; [`json::MAX_DEPTH`] levels of nesting;
//! descriptions of refused rows are kept up to the number that [`Refusals::keep`] was given, the others are counted;
//! those of [`decoders`]; [`mqtt::MqttLimits`] for everything of [`mqtt`] and
//! [`coap::CoapLimits`] for everything of [`coap`].

pub mod coap;
pub mod csv;
pub mod decoders;
pub mod detections;
pub mod json;
pub mod line_protocol;
pub mod mqtt;
mod numbers;
pub mod payload;
mod refusals;
pub mod time;

pub use refusals::{Refusals, Refused, SAMPLE_CHARACTERS};
