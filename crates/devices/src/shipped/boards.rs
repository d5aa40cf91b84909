//! Microcontroller boards.

use super::file;
use super::variables::{
    ca_certificate, choice, dht, i2c_address, integer, interval, optional, series, target, text, wifi, with_default,
};
use crate::template::{Language, Template};
use crate::variables::{Kind, Variable};

/// What both Arduino sketches do: keep readings, date them, send them.
const SENDING: &str = include_str!("../../templates/arduino/sending.ino");

pub(super) fn esp8266_dht() -> Template {
    let fingerprint =
        "For an https address without a CA certificate: the SHA-1 fingerprint of the server's certificate.";
    Template {
        id: "esp8266-dht".into(),
        version: 1,
        title: "ESP8266 with a DHT11 or DHT22 (Arduino)".into(),
        hardware: "ESP8266 (NodeMCU, Wemos D1 mini) with a DHT11 or DHT22".into(),
        language: Language::Cpp,
        description:
            "Sends temperature and humidity over Wi-Fi. Keeps 60 readings while the network or the server is away \
                      and sends them later with their time. Over https with a CA certificate or a fingerprint. The \
                      file's head says how to wire and flash."
                .into(),
        variables: [
            target(),
            wifi(),
            dht(4),
            vec![interval(2, 10), ca_certificate(), optional(text("fingerprint", "Fingerprint", fingerprint, 60))],
            series("climate"),
        ]
        .concat(),
        files: vec![file(
            "sensorium_dht/sensorium_dht.ino",
            &[include_str!("../../templates/arduino/esp8266.ino"), SENDING],
        )],
    }
}

pub(super) fn esp32_bme280() -> Template {
    Template {
        id: "esp32-bme280".into(),
        version: 1,
        title: "ESP32 with a BME280 (Arduino)".into(),
        hardware: "ESP32 with a BME280 on I²C".into(),
        language: Language::Cpp,
        description: "Sends temperature, humidity and air pressure over Wi-Fi. Keeps 600 readings while the network or the \
                      server is away and sends them later with their time. Over https with a CA certificate. The file's \
                      head says how to wire and flash."
            .into(),
        variables: [
            target(),
            wifi(),
            vec![
                with_default(integer("sda_pin", "SDA pin", "The number of the GPIO.", 0..=48), 21),
                with_default(integer("scl_pin", "SCL pin", "The number of the GPIO.", 0..=48), 22),
                i2c_address(&[("0x76", "0x76"), ("0x77", "0x77")]),
                interval(1, 10),
                ca_certificate(),
            ],
            series("climate"),
        ]
        .concat(),
        files: vec![file(
            "sensorium_bme280/sensorium_bme280.ino",
            &[include_str!("../../templates/arduino/esp32.ino"), SENDING],
        )],
    }
}

pub(super) fn esphome_dht() -> Template {
    let boards: &[(&str, &str)] = &[
        ("d1_mini", "Wemos D1 mini (ESP8266)"),
        ("nodemcuv2", "NodeMCU (ESP8266)"),
        ("esp01_1m", "ESP-01 (ESP8266)"),
        ("esp32dev", "ESP32 Dev Module"),
        ("esp32-c3-devkitm-1", "ESP32-C3"),
    ];
    let ota = Variable { kind: Kind::Secret { max_characters: 64 }, ..text("ota_password", "Update password", "", 64) };
    let help = "Needed to flash the device over Wi-Fi; without one, whoever is in its network can.";
    let ota = Variable { help: help.into(), ..optional(ota) };
    Template {
        id: "esphome-dht".into(),
        version: 1,
        title: "ESPHome with a DHT11 or DHT22".into(),
        hardware: "ESP8266 or ESP32 with a DHT11 or DHT22".into(),
        language: Language::Yaml,
        description: "A configuration of ESPHome that sends temperature and humidity to Sensorium. Readings that cannot be \
                      sent are lost. Over https on an ESP32, if the server's certificate is one that browsers trust. The \
                      file's head says how to wire and flash."
            .into(),
        variables: [
            target(),
            wifi(),
            vec![choice("board", "Board", "", boards)],
            dht(4),
            vec![interval(5, 10), ota],
            series("climate"),
        ]
        .concat(),
        files: vec![file("{{ device | file_name }}.yaml", &[include_str!("../../templates/esphome/device.yaml")])],
    }
}

pub(super) fn micropython_dht() -> Template {
    Template {
        id: "micropython-dht".into(),
        version: 1,
        title: "MicroPython with a DHT11 or DHT22".into(),
        hardware: "ESP32 or Raspberry Pi Pico W with a DHT11 or DHT22".into(),
        language: Language::MicroPython,
        description: "Sends temperature and humidity over Wi-Fi. Keeps 200 readings while the network or the server is away \
                      and sends them later with their time. Over https the connection is encrypted, but MicroPython does \
                      not check the server's certificate. The file's head says how to wire and install."
            .into(),
        variables: [
            target(),
            wifi(),
            vec![choice("board", "Board", "", &[("esp32", "ESP32"), ("pico_w", "Raspberry Pi Pico W")])],
            dht(15),
            vec![interval(2, 10)],
            series("climate"),
        ]
        .concat(),
        files: vec![file("main.py", &[include_str!("../../templates/micropython/main.py")])],
    }
}

pub(super) fn tasmota_switch() -> Template {
    Template {
        id: "tasmota-switch".into(),
        version: 1,
        title: "Tasmota switch (console commands)".into(),
        hardware: "Sonoff or another switch with Tasmota 9.5 or newer".into(),
        language: Language::Tasmota,
        description: "Rules that send whether the switch is on: at each change, and again and again in between. Bring the \
                      switch into your Wi-Fi first, with Tasmota's own page; then open Console there and give it the \
                      commands one by one, each on its line. They replace Rule1 and Rule2 and use Var1 and RuleTimer1. \
                      Tasmota sends over http only, and what cannot be sent is lost. Its console has no quotes, so names \
                      and the token must do without spaces and without any of ; | [ ] % \" and \\."
            .into(),
        variables: [target(), vec![interval(10, 60)], series("switch")].concat(),
        files: vec![file("console.txt", &[include_str!("../../templates/tasmota/console.txt")])],
    }
}

pub(super) fn rust_sht31() -> Template {
    Template {
        id: "rust-esp-sht31".into(),
        version: 1,
        title: "ESP32 with an SHT31 (Rust)".into(),
        hardware: "ESP32, ESP32-S3 or ESP32-C3 with an SHT30, SHT31 or SHT35 on I²C".into(),
        language: Language::Rust,
        description: "A project for esp-idf-svc (Rust with its standard library). Sends temperature and humidity over Wi-Fi, \
                      keeps 500 readings while the network or the server is away and sends them later with their time. \
                      Over https if the server's certificate is one that browsers trust. The head of src/main.rs says how \
                      to wire and flash."
            .into(),
        variables: [
            target(),
            wifi(),
            vec![
                choice("chip", "Chip", "", &[("ESP32", "ESP32"), ("ESP32-S3", "ESP32-S3"), ("ESP32-C3", "ESP32-C3")]),
                with_default(integer("sda_pin", "SDA pin", "The number of the GPIO.", 0..=48), 21),
                with_default(integer("scl_pin", "SCL pin", "The number of the GPIO.", 0..=48), 22),
                i2c_address(&[("0x44", "0x44"), ("0x45", "0x45")]),
                interval(1, 10),
            ],
            series("climate"),
        ]
        .concat(),
        files: vec![
            file("src/main.rs", &[include_str!("../../templates/rust/main.rs")]),
            file("Cargo.toml", &[include_str!("../../templates/rust/package.toml")]),
            file("build.rs", &[include_str!("../../templates/rust/build.rs")]),
            file(".cargo/config.toml", &[include_str!("../../templates/rust/config.toml")]),
            file("rust-toolchain.toml", &[include_str!("../../templates/rust/toolchain.toml")]),
            file("sdkconfig.defaults", &[include_str!("../../templates/rust/sdkconfig.defaults")]),
        ],
    }
}
