//! Machines with an operating system.

use super::file;
use super::variables::{integer, interval, optional, series, target, text, with_default};
use crate::template::{Language, Template};
use crate::variables::Variable;

const SENSOR_FILE: &str = "/sys/class/thermal/thermal_zone0/temp";

/// What is read and what it becomes.
fn measured(file_help: &str) -> Vec<Variable> {
    let divisor = "The number in the file is divided by this: 1000 makes degrees of thousandths.";
    vec![
        with_default(text("sensor_file", "Sensor's file", file_help, 200), SENSOR_FILE),
        with_default(integer("divisor", "Divisor", divisor, 1..=1_000_000_000), 1_000),
        with_default(text("field", "Field", "What the reading is called.", 60), "temperature"),
    ]
}

fn ca_file() -> Variable {
    let help = "For an https address whose authority the system does not know: the path of its certificate, as PEM.";
    optional(text("ca_file", "CA file", help, 200))
}

pub(super) fn linux_python() -> Template {
    let help = "With * for any characters: /sys/bus/w1/devices/28-*/temperature is a DS18B20.";
    Template {
        id: "linux-python".into(),
        version: 1,
        title: "Raspberry Pi or another Linux board (Python)".into(),
        hardware: "Linux board with a sensor that the kernel shows as a file: CPU, DS18B20, DHT, hwmon, IIO".into(),
        language: Language::Python,
        description: "Reads a number from a file again and again and sends it. Needs Python 3.9 and nothing else. Keeps \
                      50,000 readings in memory while the server is away and sends them later with their time. Comes with \
                      a systemd service; the file's head says how to install it."
            .into(),
        variables: [target(), measured(help), vec![interval(1, 10), ca_file()], series("boards")].concat(),
        files: vec![
            file("sensorium_sensor.py", &[include_str!("../../templates/linux/sensorium_sensor.py")]),
            file("sensorium-sensor.service", &[include_str!("../../templates/linux/sensorium-sensor.service")]),
        ],
    }
}

pub(super) fn shell() -> Template {
    Template {
        id: "shell-curl".into(),
        version: 1,
        title: "Any Unix with curl (shell)".into(),
        hardware: "Server, router or NAS with curl and awk".into(),
        language: Language::Shell,
        description:
            "Reads a number from the first word of a file again and again and sends it with curl. Keeps 10,000 \
                      readings in a temporary file while the server is away and sends them later with their time."
                .into(),
        variables: [
            target(),
            measured("The first word of its first line is read."),
            vec![interval(1, 10), ca_file()],
            series("boards"),
        ]
        .concat(),
        files: vec![file("sensorium-sensor.sh", &[include_str!("../../templates/shell/sensorium-sensor.sh")])],
    }
}

pub(super) fn android_termux() -> Template {
    let help = "A part of the name of a sensor of the phone, such as light; empty for the battery alone.";
    Template {
        id: "android-termux".into(),
        version: 1,
        title: "Android phone (Termux)".into(),
        hardware: "Android phone with Termux and Termux:API".into(),
        language: Language::Shell,
        description:
            "Sends the state of the phone's battery and, if you name one, the values of one of its sensors. The \
                      script runs in Termux, a terminal for Android; its head says what to install."
                .into(),
        variables: [target(), vec![optional(text("sensor", "Sensor", help, 60)), interval(5, 60)], series("phones")]
            .concat(),
        files: vec![file("sensorium-phone.sh", &[include_str!("../../templates/termux/sensorium-phone.sh")])],
    }
}
