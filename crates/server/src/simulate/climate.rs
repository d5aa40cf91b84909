//! What a DHT11 or DHT22 in a room measures: warmest in the afternoon and driest then, slow changes and noise, in the steps and the
//! range of the sensor; and now and then nothing, as such a sensor misses its time window.

use std::f64::consts::TAU;

use chrono::{DateTime, Timelike, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How often a sensor does not answer.
const MISSED: f64 = 0.02;
/// How far a day is from its mean, in degrees Celsius.
const SWING_C: f64 = 2.5;
/// The hour that is warmest, UTC.
const WARMEST_HOUR: f64 = 15.0;
/// Relative humidity in percent that a degree more takes away.
const DRYING: f64 = 2.2;

/// A kind of sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sensor {
    /// Whole degrees from 0 to 50, whole percents from 20 to 90.
    Dht11,
    /// Tenths of both, from -40 to 80 degrees.
    Dht22,
}

impl Sensor {
    /// Digits behind the point.
    pub(super) fn digits(self) -> usize {
        match self {
            Self::Dht11 => 0,
            Self::Dht22 => 1,
        }
    }

    fn temperature(self, celsius: f64) -> f64 {
        match self {
            Self::Dht11 => celsius.clamp(0.0, 50.0),
            Self::Dht22 => celsius.clamp(-40.0, 80.0),
        }
    }

    fn humidity(self, percent: f64) -> f64 {
        match self {
            Self::Dht11 => percent.clamp(20.0, 90.0),
            Self::Dht22 => percent.clamp(0.0, 100.0),
        }
    }
}

/// A room and the sensor in it.
pub(super) struct Climate {
    sensor: Sensor,
    chance: StdRng,
    mean_c: f64,
    mean_percent: f64,
    /// What people, windows and weather do, in degrees; it changes slowly.
    drift_c: f64,
}

/// What was measured, before it is rounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    pub(super) celsius: f64,
    pub(super) percent: f64,
}

impl Climate {
    /// The room of a number: always the same.
    pub(super) fn of_room(number: u16, sensor: Sensor) -> Self {
        let mut chance = StdRng::seed_from_u64(u64::from(number));
        let mean_c = chance.random_range(18.5..24.5);
        let mean_percent = chance.random_range(38.0..58.0);
        Self { sensor, chance, mean_c, mean_percent, drift_c: 0.0 }
    }

    pub(super) fn sensor(&self) -> Sensor {
        self.sensor
    }

    /// What the sensor answers, if it does.
    pub(super) fn measure(&mut self, now: DateTime<Utc>) -> Option<Measured> {
        self.drift_c = self.drift_c * 0.995 + self.chance.random_range(-0.06..0.06);
        let (warm, damp) = (self.chance.random_range(-0.15..0.15), self.chance.random_range(-0.6..0.6));
        if self.chance.random_bool(MISSED) {
            return None;
        }
        let hour = f64::from(now.num_seconds_from_midnight()) / 3_600.0;
        let away_c = SWING_C * ((hour - WARMEST_HOUR) / 24.0 * TAU).cos() + self.drift_c;
        let celsius = self.sensor.temperature(self.mean_c + away_c + warm);
        let percent = self.sensor.humidity(self.mean_percent - DRYING * away_c + damp);
        Some(Measured { celsius, percent })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    /// A reading each minute of a day.
    fn day(number: u16, sensor: Sensor) -> Vec<Option<Measured>> {
        let mut climate = Climate::of_room(number, sensor);
        let start = Utc.with_ymd_and_hms(2026, 2, 4, 0, 0, 0).unwrap();
        (0..1_440).map(|minute| climate.measure(start + chrono::Duration::minutes(minute))).collect()
    }

    #[test]
    fn a_day_is_a_wave_with_noise_and_some_readings_are_missing() {
        for room in 0..20 {
            let day = day(room, Sensor::Dht22);
            let missed = day.iter().filter(|measured| measured.is_none()).count();
            assert!((5..80).contains(&missed), "room {room}: {missed} missed");
            let mean = |from: usize, to: usize| {
                let found: Vec<Measured> = day[from..to].iter().flatten().copied().collect();
                let sum = |value: fn(&Measured) -> f64| found.iter().map(value).sum::<f64>() / found.len() as f64;
                (sum(|one| one.celsius), sum(|one| one.percent))
            };
            let ((night_c, night_percent), (noon_c, noon_percent)) = (mean(120, 240), mean(840, 960));
            assert!(noon_c > night_c + 1.0 && noon_percent < night_percent - 2.0, "room {room}: {night_c} {noon_c}");
            for measured in day.iter().flatten() {
                assert!((8.0..36.0).contains(&measured.celsius) && (0.0..=100.0).contains(&measured.percent));
            }
            let steps = day.iter().flatten().zip(day.iter().flatten().skip(1));
            assert!(steps.map(|(one, next)| (one.celsius - next.celsius).abs()).fold(0.0, f64::max) < 0.6);
        }
    }

    #[test]
    fn rooms_differ_and_stay_as_they_are() {
        assert_eq!(day(3, Sensor::Dht22), day(3, Sensor::Dht22));
        assert_ne!(day(3, Sensor::Dht22), day(4, Sensor::Dht22));
    }

    #[test]
    fn what_a_sensor_cannot_tell_is_at_the_end_of_its_range() {
        assert_eq!((Sensor::Dht11.temperature(-4.0), Sensor::Dht11.humidity(12.0)), (0.0, 20.0));
        assert_eq!((Sensor::Dht22.temperature(-4.0), Sensor::Dht22.humidity(112.0)), (-4.0, 100.0));
    }
}
