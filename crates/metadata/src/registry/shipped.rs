//! Types of devices that many people have, to add to an organisation as they are or changed.

use super::{Decoder, NewType, TypeField};

/// The types that come with Sensorium.
pub fn shipped_types() -> Vec<NewType> {
    vec![
        NewType {
            name: "DHT11".to_owned(),
            description: "Temperature and humidity sensor, exact to 2 °C and 5 %".to_owned(),
            table: "dht11".to_owned(),
            fields: vec![temperature(0.0, 50.0), humidity(20.0, 90.0)],
            decoder: Some(Decoder::Auto),
        },
        NewType {
            name: "DHT22".to_owned(),
            description: "Temperature and humidity sensor, exact to 0.5 °C and 2 %".to_owned(),
            table: "dht22".to_owned(),
            fields: vec![temperature(-40.0, 80.0), humidity(0.0, 100.0)],
            decoder: Some(Decoder::Auto),
        },
        NewType {
            name: "BME280".to_owned(),
            description: "Temperature, humidity and air pressure sensor".to_owned(),
            table: "bme280".to_owned(),
            fields: vec![
                temperature(-40.0, 85.0),
                humidity(0.0, 100.0),
                field("pressure", "Air pressure", "hPa", Some((300.0, 1_100.0))),
            ],
            decoder: Some(Decoder::Auto),
        },
        NewType {
            name: "Sonoff switch".to_owned(),
            description: "Switch that measures power, with Tasmota".to_owned(),
            table: "sonoff".to_owned(),
            fields: vec![
                field("state", "On", "", None),
                field("power", "Power", "W", Some((0.0, 4_000.0))),
                field("voltage", "Voltage", "V", Some((0.0, 260.0))),
                field("current", "Current", "A", Some((0.0, 20.0))),
                field("energy", "Energy", "kW.h", None),
            ],
            decoder: Some(Decoder::Json),
        },
        NewType {
            name: "Phone".to_owned(),
            description: "Battery, position and movement of a telephone".to_owned(),
            table: "phone".to_owned(),
            fields: vec![
                field("battery", "Battery", "%", Some((0.0, 100.0))),
                field("latitude", "Latitude", "deg", Some((-90.0, 90.0))),
                field("longitude", "Longitude", "deg", Some((-180.0, 180.0))),
                field("acceleration", "Acceleration", "m/s2", None),
            ],
            decoder: Some(Decoder::Json),
        },
    ]
}

fn temperature(min: f64, max: f64) -> TypeField {
    field("temperature", "Temperature", "Cel", Some((min, max)))
}

fn humidity(min: f64, max: f64) -> TypeField {
    field("humidity", "Relative humidity", "%", Some((min, max)))
}

fn field(name: &str, display_name: &str, unit: &str, range: Option<(f64, f64)>) -> TypeField {
    let (min, max) = range.unzip();
    TypeField { name: name.to_owned(), display_name: display_name.to_owned(), unit: unit.to_owned(), min, max }
}
