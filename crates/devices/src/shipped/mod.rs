//! The templates that come with Sensorium. Their files lie in `templates/`; what is compiled here is in the binary.

mod boards;
mod systems;
mod variables;

use std::sync::LazyLock;

use crate::template::{File, Template};

/// The templates of this version, in the order in which a list shows them.
pub fn shipped() -> &'static [Template] {
    static ALL: LazyLock<Vec<Template>> = LazyLock::new(|| {
        vec![
            boards::esp8266_dht(),
            boards::esp32_bme280(),
            boards::esphome_dht(),
            boards::micropython_dht(),
            boards::tasmota_switch(),
            boards::rust_sht31(),
            systems::linux_python(),
            systems::shell(),
            systems::android_termux(),
        ]
    });
    &ALL
}

fn file(name: &str, parts: &[&str]) -> File {
    File { name: name.into(), body: parts.concat() }
}
