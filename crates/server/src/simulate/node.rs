//! An ESP8266 with a DHT11 or DHT22: measures, and sends
//! `{"temperature":24,"humidity":19,"hostname":"ESP_145DD7","time":1770227460500}` to `sensors/ESP_145DD7`.
//!
//! As in the sketch that comes with Sensorium, a reading has the time at which it was taken, so that one that is sent twice is
//! stored once. The hostname names the device (`sensorium_protocols::decoders`).

use chrono::{DateTime, Utc};

use super::climate::{Climate, Sensor};
use super::device::Device;
use super::outbox::{Outbox, Outgoing};
use super::tally::Tally;

/// The table that such messages become rows of.
pub(super) const TABLE: &str = "nodes";

/// A node.
pub(super) struct Node {
    name: String,
    climate: Climate,
    outbox: Outbox,
    /// Readings that are still to be taken; without, it has no end.
    left: Option<u64>,
}

impl Node {
    /// Every third one has a DHT11.
    pub(super) fn new(number: u16, messages: Option<u64>) -> Self {
        let sensor = if number % 3 == 2 { Sensor::Dht11 } else { Sensor::Dht22 };
        let climate = Climate::of_room(number, sensor);
        Self { name: name(number), climate, outbox: Outbox::default(), left: messages }
    }
}

/// `ESP_` and the end of a hardware address; always the same for a number.
pub(super) fn name(number: u16) -> String {
    // Odd, so that no two numbers have one address.
    let address = (u32::from(number).wrapping_mul(0x9E_37_79) + 0x14_5D_D7) & 0xFF_FF_FF;
    format!("ESP_{address:06X}")
}

impl Device for Node {
    fn name(&self) -> &str {
        &self.name
    }

    fn tick(&mut self, now: DateTime<Utc>, tally: &Tally) {
        if self.left == Some(0) {
            return;
        }
        let Some(measured) = self.climate.measure(now) else {
            tally.missed();
            return;
        };
        let (digits, time_ms) = (self.climate.sensor().digits(), now.timestamp_millis());
        let (celsius, percent, name) = (measured.celsius, measured.percent, &self.name);
        let payload = format!(
            r#"{{"temperature":{celsius:.digits$},"humidity":{percent:.digits$},"hostname":"{name}","time":{time_ms}}}"#
        );
        self.outbox.push(Outgoing { topic: format!("sensors/{name}"), payload, retain: false });
        // A reading that gave way is taken again, so that as many are stored as were asked for.
        let forgotten = self.outbox.take_forgotten();
        tally.forgotten(forgotten);
        self.left = self.left.map(|left| (left + forgotten).saturating_sub(1));
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn is_done(&self) -> bool {
        self.left == Some(0) && self.outbox.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn nodes_have_names_of_their_own() {
        assert_eq!(name(0), "ESP_145DD7");
        let names: HashSet<String> = (0..1_000).map(name).collect();
        assert!(names.len() == 1_000 && names.iter().all(|name| name.len() == 10), "{names:?}");
    }

    #[test]
    fn readings_are_json_with_the_hostname_and_end_when_enough_are_stored() {
        let (tally, now) = (Tally::default(), DateTime::from_timestamp_millis(1_770_227_460_500).unwrap());
        for (number, digits) in [(0, 1), (2, 0)] {
            let mut node = Node::new(number, Some(3));
            let mut sent = Vec::new();
            // Some measurements are missed.
            for second in 0..50 {
                node.tick(now + chrono::Duration::seconds(second), &tally);
                while let Some(message) = node.outbox().begin().cloned() {
                    assert!(node.outbox().acknowledged());
                    sent.push(message);
                }
            }
            assert!(node.is_done());
            assert_eq!(sent.len(), 3);
            for message in sent {
                assert_eq!(message.topic, format!("sensors/{}", name(number)));
                let read: Value = serde_json::from_str(&message.payload).unwrap();
                assert_eq!(read["hostname"], name(number).as_str());
                assert!(read["time"].as_i64().unwrap() >= now.timestamp_millis());
                let text = read["temperature"].to_string();
                assert_eq!(text.split_once('.').map_or(0, |(_, behind)| behind.len()), digits, "{text}");
                assert!(read["humidity"].as_f64().is_some());
            }
        }
    }

    #[test]
    fn what_gave_way_is_measured_again() {
        let (tally, now) = (Tally::default(), DateTime::from_timestamp_millis(0).unwrap());
        let mut node = Node::new(0, Some(70));
        (0..200).for_each(|second| node.tick(now + chrono::Duration::seconds(second), &tally));
        assert!(!node.is_done());
        let mut stored = 0;
        for second in 200..400 {
            while node.outbox().begin().is_some() {
                assert!(node.outbox().acknowledged());
                stored += 1;
            }
            node.tick(now + chrono::Duration::seconds(second), &tally);
        }
        assert_eq!((node.is_done(), stored), (true, 70));
    }
}
