//! `/sys/class/hwmon`, else `/sys/class/thermal`: table `temp`, degrees Celsius of each sensor.
//!
//! A sensor is called as in Telegraf: the chip, `_` and the label in lower case, such as `coretemp_package_id_0`.
//! Sensors are looked for at the start and every ten minutes, since they come and go with their drivers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sensorium_model::Value;

use crate::rows::Rows;
use crate::source::{Reader, Source};
use crate::text::{decimal, words};

/// Samples between two searches.
const SEARCH_EVERY: u32 = 600;
/// Sensors on one machine; a server with many disks has a few dozen.
const MAX_SENSORS: usize = 256;
/// What a sensor can plausibly report; drivers return nonsense for sensors that are not connected.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = -100.0..=250.0;

#[derive(Debug)]
pub(crate) struct Temperatures {
    class: PathBuf,
    sensors: Vec<(String, Source)>,
    until_search: u32,
}

impl Temperatures {
    pub(crate) fn new(sys: &Path) -> Self {
        Self { class: sys.join("class"), sensors: Vec::new(), until_search: 0 }
    }

    pub(crate) fn sample(&mut self, reader: &mut Reader, rows: &mut Rows<'_, '_>) {
        if self.until_search == 0 {
            self.until_search = SEARCH_EVERY;
            self.search();
        }
        self.until_search -= 1;
        for (sensor, source) in &mut self.sensors {
            let millis = reader.read(source).and_then(|bytes| words(bytes.trim_ascii()).next().and_then(decimal));
            if let Some(degrees) = millis.map(|millis| millis / 1000.0).filter(|degrees| PLAUSIBLE.contains(degrees)) {
                rows.push("temp", &[("sensor", sensor)], &[("temp", Value::F64(degrees))]);
            }
        }
    }

    /// Finds the sensors; those already open keep their files.
    fn search(&mut self) {
        let mut found = hwmon(&self.class.join("hwmon"));
        if found.is_empty() {
            found = thermal_zones(&self.class.join("thermal"));
        }
        found.truncate(MAX_SENSORS);
        let mut taken = BTreeSet::new();
        let mut previous = std::mem::take(&mut self.sensors);
        for (name, path) in found {
            // Two disks of one model have equal chips and labels: the later ones are numbered.
            let unique = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}_{n}") });
            let Some(name) = unique.into_iter().find(|name| taken.insert(name.clone())) else { continue };
            let known = previous.iter().position(|(known, source)| *known == name && source.path() == path);
            let sensor = known.map_or_else(|| (name, Source::new(path)), |index| previous.swap_remove(index));
            self.sensors.push(sensor);
        }
    }
}

fn hwmon(class: &Path) -> Vec<(String, PathBuf)> {
    let mut sensors = Vec::new();
    for chip in folders(class, "hwmon") {
        let chip_name = first_line(&chip.join("name")).unwrap_or_else(|| "hwmon".into());
        for input in folders(&chip, "temp") {
            let file = input.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(channel) = file.strip_suffix("_input") else { continue };
            let label = first_line(&chip.join(format!("{channel}_label"))).unwrap_or_else(|| channel.to_owned());
            sensors.push((sensor_name(&format!("{chip_name}_{label}")), input.clone()));
        }
    }
    sensors
}

fn thermal_zones(class: &Path) -> Vec<(String, PathBuf)> {
    let name = |zone: &PathBuf| first_line(&zone.join("type")).unwrap_or_else(|| "thermal_zone".into());
    folders(class, "thermal_zone").iter().map(|zone| (sensor_name(&name(zone)), zone.join("temp"))).collect()
}

/// The entries of a folder whose names start so, in a stable order: by number where they end in one.
fn folders(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix)))
        .map(|entry| entry.path())
        .collect();
    paths.sort_by_cached_key(|path| (path.as_os_str().len(), path.clone()));
    paths
}

fn first_line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn sensor_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' ' | '-' | '/' | '_' if name.ends_with('_') => {}
            ' ' | '-' | '/' => name.push('_'),
            other => name.extend(other.to_lowercase()),
        }
    }
    name
}
