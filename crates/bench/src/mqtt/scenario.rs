//! What is measured, and the load of each.

use std::time::Duration;

use clap::ValueEnum;
use sensorium_protocols::mqtt::packet::Qos;

/// Rooms that send what they measure, and publishers or subscribers where there are many.
const MANY: usize = 200;
/// QoS 1 messages of a gateway that are not acknowledged.
const GATEWAY_WINDOW: u16 = 100;
/// Messages that are published and not yet with all subscribers of a fan-out; fewer than what a broker queues.
const FAN_OUT_MESSAGES: usize = 20;
/// Messages of a fan-in that are published and not yet with the subscriber; fewer than what a broker queues.
const FAN_IN_MESSAGES: usize = 800;

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// 200 publishers with QoS 1, one subscriber
    Qos1,
    /// One publisher, 200 subscribers with QoS 0
    FanOut,
    /// 200 publishers with QoS 0, one subscriber
    Qos0,
    /// 200 publishers with QoS 2, one subscriber
    Qos2,
    /// One publisher with 100 QoS 1 messages under way, one subscriber
    Gateway,
    /// Acknowledgements of 200 publishers with QoS 1 at half of the load that the slower broker took (measures qos1 too)
    Latency,
    /// Memory of connections that do nothing
    Idle,
}

/// How publishers send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// Each always has so many messages that are not acknowledged.
    Window(u16),
    /// All together send so many messages a second.
    Rate(f64),
    /// As fast as deliveries allow; nothing is acknowledged.
    Room,
}

/// A load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    pub(crate) publishers: usize,
    /// Topics of all publishers.
    pub(crate) rooms: usize,
    pub(crate) subscribers: u32,
    /// Of messages and of subscriptions.
    pub(crate) qos: Qos,
    pub(crate) pace: Pace,
    /// Deliveries that all publishers together may have under way, except at a rate.
    pub(crate) room: usize,
    pub(crate) duration: Duration,
    /// Decides the readings.
    pub(crate) seed: u64,
}

impl Scenario {
    /// The name in the last lines.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Qos1 => "mqtt-qos1",
            Self::FanOut => "mqtt-fan-out",
            Self::Qos0 => "mqtt-qos0",
            Self::Qos2 => "mqtt-qos2",
            Self::Gateway => "mqtt-gateway",
            Self::Latency => "mqtt-latency",
            Self::Idle => "mqtt-idle",
        }
    }

    /// In words, as short as a table needs them.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Qos1 => "200 to 1, QoS 1",
            Self::FanOut => "1 to 200, QoS 0",
            Self::Qos0 => "200 to 1, QoS 0",
            Self::Qos2 => "200 to 1, QoS 2",
            Self::Gateway => "gateway, QoS 1",
            Self::Latency => "half load, QoS 1",
            Self::Idle => "idle connections",
        }
    }

    /// What is measured when only this one is asked for, in its order; everything without one.
    pub(crate) fn chosen(only: Option<Self>) -> Vec<Self> {
        match only {
            None => Self::value_variants().to_vec(),
            // Its load is half of what was measured before.
            Some(Self::Latency) => vec![Self::Qos1, Self::Latency],
            Some(only) => vec![only],
        }
    }

    /// Its load; `rate`, in messages a second, is that of [`Scenario::Latency`]. None where nothing is sent.
    pub(crate) fn plan(self, rate: f64, duration: Duration, seed: u64) -> Option<Plan> {
        let fan_in = |qos, pace| {
            let room = FAN_IN_MESSAGES;
            Plan { publishers: MANY, rooms: MANY, subscribers: 1, qos, pace, room, duration, seed }
        };
        Some(match self {
            Self::Qos1 => fan_in(Qos::AtLeastOnce, Pace::Window(1)),
            Self::Qos0 => fan_in(Qos::AtMostOnce, Pace::Room),
            Self::Qos2 => fan_in(Qos::ExactlyOnce, Pace::Window(1)),
            Self::Gateway => Plan { publishers: 1, ..fan_in(Qos::AtLeastOnce, Pace::Window(GATEWAY_WINDOW)) },
            Self::Latency => fan_in(Qos::AtLeastOnce, Pace::Rate(rate)),
            Self::FanOut => {
                let room = FAN_OUT_MESSAGES * MANY;
                Plan { publishers: 1, rooms: 1, subscribers: MANY as u32, room, ..fan_in(Qos::AtMostOnce, Pace::Room) }
            }
            Self::Idle => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_that_only_is_called_by() {
        for scenario in Scenario::chosen(None) {
            let called = scenario.to_possible_value().unwrap();
            assert_eq!(scenario.key(), format!("mqtt-{}", called.get_name()));
        }
    }

    #[test]
    fn half_of_a_load_needs_the_load() {
        assert_eq!(Scenario::chosen(Some(Scenario::Latency)), [Scenario::Qos1, Scenario::Latency]);
        assert_eq!(Scenario::chosen(Some(Scenario::Idle)), [Scenario::Idle]);
        assert_eq!(Scenario::chosen(None).len(), 7);
    }

    #[test]
    fn every_publisher_has_a_room() {
        for scenario in Scenario::chosen(None) {
            let Some(plan) = scenario.plan(100.0, Duration::from_secs(1), 1) else { continue };
            assert!(plan.publishers > 0 && plan.publishers <= plan.rooms, "{plan:?}");
            assert!(plan.room >= plan.publishers.max(MANY), "{plan:?}");
        }
    }
}
