//! What devices that people own send over MQTT, make by make: a topic and a body in, rows out.
//!
//! [`recognise`] tells the make from the topic and, where topics are free, from the keys of a JSON object; [`Decoder::decode`]
//! puts rows into the builder. It is a function of the message and of the stored schema, so that what is kept can be read again: where a
//! make leaves out what it said before, whoever takes its messages adds that first ([`sparkplug::Node::hear`]).
//!
//! Rules of all makes:
//! - a table is called after the make or the sensor. Names of tables and columns are in small letters, and each run of what is
//!   neither letter nor digit is one `_`: `DS18B20` is the table `ds18b20`, `Outputs/LED 1` the column `outputs_led_1`. Names
//!   that people choose themselves stay as they are: those of Telegraf, ThingsBoard and ESP nodes;
//! - the tag [`sensorium_model::DEVICE_TAG`] holds what the device calls itself. Where the builder knows who sent the rows,
//!   that name is the device's, and what the message says goes to the tag [`SOURCE_TAG`], unless it is the same: many devices
//!   may speak through one connection, and their series are to stay apart;
//! - a value that would be called `device`, `source` or `time` gets `payload_` in front;
//! - nested objects are flattened with `_`, lists with `_0`, `_1` …; nulls are left out; numbers are as in [`crate::json`];
//! - a time that the device tells with its zone or since 1970 is the row's; else it is the time of arrival.
//!
//! Invariants: as those of the crate; rows and refusals of a message are as many as its [`Decoded::readings`]. A message of
//! a known make that holds no reading, such as a command or an announcement, is none and is no error.
//!
//! What devices are told in their own words is in [`commands`], what they announce of their messages in [`announced`].
//!
//! Limits: [`MAX_DEPTH`] levels of nesting and [`MAX_VALUES`] values of a message; those of the builder for rows, columns and
//! texts; [`sparkplug`] has its own.

pub mod announced;
pub mod commands;
mod esp_node;
mod esphome;
mod frigate;
mod homie;
mod lorawan;
mod owntracks;
mod row;
mod sensor_logger;
mod shelly_gen1;
mod shelly_gen2;
pub mod sparkplug;
mod tasmota;
mod telegraf;
mod thingsboard;
mod tree;
mod zigbee2mqtt;

use std::str::Utf8Error;

use sensorium_model::{BatchBuilder, ErrorKind};
use thiserror::Error;

use self::row::Rows;
use self::sparkplug::SparkplugError;
use crate::json::MAX_DEPTH;
use crate::refusals::Refusals;

/// The tag that tells what a device calls itself, where the builder knows better who sent the rows.
pub const SOURCE_TAG: &str = "source";

/// Values of one message, names of objects and lists included.
pub const MAX_VALUES: usize = 100_000;

/// A make whose messages are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decoder {
    /// Tasmota: `tele/…/SENSOR` and its like.
    Tasmota,
    /// ESPHome: `…/sensor/…/state` and its like.
    EspHome,
    /// Zigbee2MQTT: `zigbee2mqtt/…`.
    Zigbee2Mqtt,
    /// The first generation of Shelly: `shellies/…`.
    ShellyGen1,
    /// Shelly since the second generation: `…/events/rpc`, `…/status/…`.
    ShellyGen2,
    /// Telegraf's metrics as JSON, under any topic.
    Telegraf,
    /// OwnTracks: `owntracks/…/…`.
    OwnTracks,
    /// The Things Stack, version 3: `v3/…/devices/…/up`.
    TheThingsStack,
    /// ChirpStack, version 4: `application/…/device/…/event/up`.
    ChirpStack,
    /// Frigate: `frigate/…`.
    Frigate,
    /// The app Sensor Logger, under any topic.
    SensorLogger,
    /// ThingsBoard's topics of devices and gateways.
    ThingsBoard,
    /// The Homie convention, version 4: `homie/…`.
    Homie,
    /// Nodes that say their `hostname` beside their readings, under any topic.
    EspNode,
    /// Sparkplug B: `spBv1.0/…`.
    Sparkplug,
}

/// A message as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Message<'m> {
    /// Where it was published.
    pub topic: &'m str,
    /// What it says.
    pub body: &'m [u8],
    /// When it arrived, nanoseconds since the epoch.
    pub now_ns: i64,
}

/// What a message told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// Readings that were seen, refused ones included.
    pub readings: u64,
    /// What the device calls itself; absent when it does not, or when the message is of several devices.
    pub device: Option<Box<str>>,
    /// Whether the device said, or its last will, that it is there.
    pub presence: Option<bool>,
}

/// Why a message is refused as a whole.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// There is nothing in it.
    #[error("the message is empty")]
    Empty,
    /// It is no text.
    #[error("the message is no text: {source}")]
    Encoding {
        /// Where it stops to be text.
        #[from]
        source: Utf8Error,
    },
    /// It is no JSON.
    #[error("the message is no JSON: {source}")]
    Syntax {
        /// What the parser found, with line and column.
        #[from]
        source: serde_json::Error,
    },
    /// A text holds half a surrogate pair.
    #[error("a text in the message is broken: {0}")]
    Text(String),
    /// It is nested too deep.
    #[error("objects and lists are nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// It holds too many values.
    #[error("the message has more than {MAX_VALUES} values; send it in parts")]
    TooManyValues,
    /// It is not what the make sends under this topic.
    #[error("{make} sends {expected} here")]
    Shape {
        /// The make.
        make: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// It cannot be read without a key.
    #[error("the location is encrypted; take the secret out of the app's settings, and use TLS instead")]
    Encrypted,
    /// It is no message of Sparkplug B.
    #[error(transparent)]
    Sparkplug(#[from] SparkplugError),
}

impl DecodeError {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooDeep | Self::TooManyValues => ErrorKind::TooLarge,
            Self::Sparkplug(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }
}

/// What a message of a known make says; none when no decoder knows the topic and content.
pub fn recognise(topic: &str, body: &[u8]) -> Option<Decoder> {
    let levels: Vec<&str> = topic.split('/').collect();
    by_topic(&levels, body).or_else(|| by_content(body))
}

/// The make whose topics these are. What is written by one make alone comes first.
fn by_topic(levels: &[&str], body: &[u8]) -> Option<Decoder> {
    Some(match levels {
        ["spBv1.0", _, ..] => Decoder::Sparkplug,
        ["zigbee2mqtt", _, ..] => Decoder::Zigbee2Mqtt,
        ["shellies", _, ..] => Decoder::ShellyGen1,
        ["owntracks", _, _, ..] => Decoder::OwnTracks,
        ["frigate", _, ..] => Decoder::Frigate,
        ["homie", _, ..] => Decoder::Homie,
        ["v3", _, "devices", _, _, ..] => Decoder::TheThingsStack,
        ["application", _, "device", _, "event", _] => Decoder::ChirpStack,
        ["v1", "devices", "me", "telemetry"] | ["v1", "gateway", "telemetry"] => Decoder::ThingsBoard,
        _ if tasmota::knows(levels) => Decoder::Tasmota,
        _ if shelly_gen2::knows(levels) => Decoder::ShellyGen2,
        _ if esphome::knows(levels, body) => Decoder::EspHome,
        _ => return None,
    })
}

/// The make whose keys an object has.
fn by_content(body: &[u8]) -> Option<Decoder> {
    let keys = tree::keys(body)?;
    let has = |key: &str| keys.iter().any(|(found, _)| found == key);
    let is = |key: &str, first: u8| keys.iter().any(|(found, start)| found == key && *start == first);
    let is_metric = is("fields", b'{') && is("name", b'"') && is("tags", b'{');
    if is_metric || (is("metrics", b'[') && keys.len() == 1) {
        Some(Decoder::Telegraf)
    } else if is("payload", b'[') && (is("sessionId", b'"') || is("deviceId", b'"')) {
        Some(Decoder::SensorLogger)
    } else if is("hostname", b'"') && !has("table") && !has("tags") {
        // Readings of our own name their table and tags, and mean them.
        Some(Decoder::EspNode)
    } else {
        None
    }
}

impl Decoder {
    /// Every make.
    pub const ALL: [Self; 15] = [
        Self::Tasmota,
        Self::EspHome,
        Self::Zigbee2Mqtt,
        Self::ShellyGen1,
        Self::ShellyGen2,
        Self::Telegraf,
        Self::OwnTracks,
        Self::TheThingsStack,
        Self::ChirpStack,
        Self::Frigate,
        Self::SensorLogger,
        Self::ThingsBoard,
        Self::Homie,
        Self::EspNode,
        Self::Sparkplug,
    ];

    /// The make as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tasmota => "tasmota",
            Self::EspHome => "esphome",
            Self::Zigbee2Mqtt => "zigbee2mqtt",
            Self::ShellyGen1 => "shelly-gen1",
            Self::ShellyGen2 => "shelly-gen2",
            Self::Telegraf => "telegraf",
            Self::OwnTracks => "owntracks",
            Self::TheThingsStack => "the-things-stack",
            Self::ChirpStack => "chirpstack",
            Self::Frigate => "frigate",
            Self::SensorLogger => "sensor-logger",
            Self::ThingsBoard => "thingsboard",
            Self::Homie => "homie",
            Self::EspNode => "esp-node",
            Self::Sparkplug => "sparkplug",
        }
    }

    /// Reads a message into the builder; refused readings go to `refusals`, numbered from 1. After an error the builder may
    /// hold readings of the message and must be thrown away.
    pub fn decode(
        self,
        message: Message<'_>,
        builder: &mut BatchBuilder<'_>,
        refusals: &mut Refusals,
    ) -> Result<Decoded, DecodeError> {
        let levels: Vec<&str> = message.topic.split('/').collect();
        let mut rows = Rows::new(message, builder, refusals);
        let (body, rows_in) = (message.body, &mut rows);
        match self {
            Self::Tasmota => tasmota::decode(&levels, body, rows_in),
            Self::EspHome => esphome::decode(&levels, body, rows_in),
            Self::Zigbee2Mqtt => zigbee2mqtt::decode(&levels, body, rows_in),
            Self::ShellyGen1 => shelly_gen1::decode(&levels, body, rows_in),
            Self::ShellyGen2 => shelly_gen2::decode(&levels, body, rows_in),
            Self::Telegraf => telegraf::decode(body, rows_in),
            Self::OwnTracks => owntracks::decode(&levels, body, rows_in),
            Self::TheThingsStack => lorawan::decode_the_things_stack(&levels, body, rows_in),
            Self::ChirpStack => lorawan::decode_chirpstack(&levels, body, rows_in),
            Self::Frigate => frigate::decode(&levels, body, rows_in),
            Self::SensorLogger => sensor_logger::decode(body, rows_in),
            Self::ThingsBoard => thingsboard::decode(&levels, body, rows_in),
            Self::Homie => homie::decode(&levels, body, rows_in),
            Self::EspNode => esp_node::decode(body, rows_in),
            Self::Sparkplug => sparkplug::decode(&levels, body, rows_in),
        }?;
        Ok(rows.told())
    }
}

#[cfg(test)]
mod tests;
