//! Variables that many templates share, so that they are called and checked alike everywhere.

use serde_json::{Value as Json, json};

use crate::variables::{Choice, Kind, Variable};

fn variable(name: &str, label: &str, help: &str, kind: Kind) -> Variable {
    Variable { name: name.into(), label: label.into(), help: help.into(), kind, default: None, required: true }
}

/// Where a form begins.
pub(super) fn with_default(variable: Variable, default: impl Into<Json>) -> Variable {
    Variable { default: Some(default.into()), ..variable }
}

pub(super) fn optional(variable: Variable) -> Variable {
    Variable { required: false, ..variable }
}

pub(super) fn text(name: &str, label: &str, help: &str, max_characters: usize) -> Variable {
    variable(name, label, help, Kind::Text { max_characters, multiline: false })
}

pub(super) fn integer(name: &str, label: &str, help: &str, range: std::ops::RangeInclusive<i64>) -> Variable {
    variable(name, label, help, Kind::Integer { min: *range.start(), max: *range.end() })
}

/// Words and what a form shows for them; the first is the default.
pub(super) fn choice(name: &str, label: &str, help: &str, options: &[(&str, &str)]) -> Variable {
    let default = options.first().map(|(value, _)| json!(value));
    let option = |(value, label): &(&str, &str)| Choice { value: (*value).into(), label: (*label).into() };
    let options = options.iter().map(option).collect();
    Variable { default, ..variable(name, label, help, Kind::Choice { options }) }
}

/// Where readings go: every template begins with these.
pub(super) fn target() -> Vec<Variable> {
    let token = "A token that may write to the database: made on the page Tokens, and shown there once.";
    let device = "What this device is called in your data, as the tag \"device\".";
    vec![
        text("device", "Device", device, 60),
        variable("server", "Server", "The address of Sensorium as the device sees it, not localhost.", Kind::Url),
        with_default(text("database", "Database", "", 60), "main"),
        variable("token", "Token", token, Kind::Secret { max_characters: 200 }),
    ]
}

/// The table and the place, which come after what is needed.
pub(super) fn series(table: &str) -> Vec<Variable> {
    vec![
        with_default(text("table", "Table", "Where its readings are kept; many devices share one.", 60), table),
        optional(text("place", "Place", "Where the device is, as the tag \"place\".", 60)),
    ]
}

pub(super) fn wifi() -> Vec<Variable> {
    let password = "Empty for a network without one.";
    let secret = variable("wifi_password", "Wi-Fi password", password, Kind::Secret { max_characters: 64 });
    vec![
        variable("wifi_ssid", "Wi-Fi network", "2.4 GHz: these boards know no other.", Kind::WifiSsid),
        optional(secret),
    ]
}

/// How often; the sensor cannot do it more often than `least`.
pub(super) fn interval(least: u32, default: u32) -> Variable {
    let kind = Kind::Duration { min_seconds: least, max_seconds: 86_400 };
    with_default(variable("interval", "Interval", "Seconds from one reading to the next.", kind), default)
}

pub(super) fn ca_certificate() -> Variable {
    let help = "For an https address: the certificate of the authority that signed the server's, as PEM text.";
    let kind = Kind::Text { max_characters: 8_000, multiline: true };
    optional(variable("ca_certificate", "CA certificate", help, kind))
}

pub(super) fn dht(pin: i64) -> Vec<Variable> {
    vec![
        choice("sensor", "Sensor", "", &[("DHT22", "DHT22 (AM2302)"), ("DHT11", "DHT11")]),
        with_default(integer("pin", "Data pin", "The number of the GPIO.", 0..=48), pin),
    ]
}

/// The pins and the address of an I²C sensor.
pub(super) fn i2c_address(options: &[(&str, &str)]) -> Variable {
    choice("i2c_address", "I²C address", "As the board of the sensor is wired.", options)
}
