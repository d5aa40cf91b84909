//! What was measured of both brokers in all rounds, and the lines of the table.

use super::load::Figures;
use super::scenario::Scenario;
use crate::pair::{Kind, Pair};
use crate::percentiles::median;
use crate::report::{Better, Metric, Unit};

/// The turns of each scenario, and the bytes of an idle connection in each round.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    turns: Vec<(Scenario, Pair<Vec<Figures>>)>,
    idle_bytes: Pair<Vec<f64>>,
}

impl Measured {
    /// Adds one turn.
    pub(crate) fn add(&mut self, scenario: Scenario, kind: Kind, figures: Figures) {
        match self.turns.iter_mut().find(|(known, _)| *known == scenario) {
            Some((_, turns)) => turns.of_mut(kind).push(figures),
            None => {
                let mut turns: Pair<Vec<Figures>> = Pair::default();
                turns.of_mut(kind).push(figures);
                self.turns.push((scenario, turns));
            }
        }
    }

    /// Adds the bytes of an idle connection.
    pub(crate) fn add_idle(&mut self, kind: Kind, bytes: f64) {
        self.idle_bytes.of_mut(kind).push(bytes);
    }

    /// Half of the QoS 1 messages a second that the slower broker took; the same for both, so that their acknowledgements can
    /// be compared. 0 before there were any.
    pub(crate) fn half_load(&self) -> f64 {
        let Some((_, turns)) = self.turns.iter().find(|(scenario, _)| *scenario == Scenario::Qos1) else { return 0.0 };
        let rates = turns.map(|turns| middle(turns, |turn| turn.messages_a_second));
        rates.peer.into_iter().chain(rates.sensorium).reduce(f64::min).unwrap_or_default() / 2.0
    }

    /// The lines of the table: for each scenario its figures, one of them with its name.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let mut metrics: Vec<Metric> =
            self.turns.iter().flat_map(|(scenario, turns)| lines(*scenario, turns)).collect();
        let idle = self.idle_bytes.map(|bytes| (!bytes.is_empty()).then(|| median(bytes)));
        if idle.peer.or(idle.sensorium).is_some() {
            metrics.push(Metric {
                words: format!("{}: resident bytes each", Scenario::Idle.words()),
                unit: Unit::Count,
                better: Better::Less,
                figures: idle,
                key: Some(Scenario::Idle.key()),
                aim: None,
            });
        }
        metrics
    }
}

/// The median of a figure of several turns; none without a turn.
fn middle(turns: &[Figures], figure: impl Fn(&Figures) -> f64) -> Option<f64> {
    (!turns.is_empty()).then(|| median(&turns.iter().map(figure).collect::<Vec<_>>()))
}

fn lines(scenario: Scenario, turns: &Pair<Vec<Figures>>) -> Vec<Metric> {
    use Better::{Less, More};
    type Figure = fn(&Figures) -> f64;
    let is_latency = scenario == Scenario::Latency;
    let has_acks = !matches!(scenario, Scenario::FanOut | Scenario::Qos0);
    let all: [(&str, Unit, Better, bool, Figure); 6] = [
        ("messages a second", Unit::Count, More, true, |turn| turn.messages_a_second),
        ("messages per CPU second", Unit::Count, More, true, |turn| turn.messages_a_cpu_second),
        ("acknowledgement, median", Unit::Milliseconds, Less, has_acks, |turn| turn.ack_median_ms),
        ("acknowledgement, p99", Unit::Milliseconds, Less, has_acks, |turn| turn.ack_p99_ms),
        ("delivered", Unit::Percent, More, true, |turn| turn.delivered_share),
        ("CPU of the load, of the broker's", Unit::Percent, Less, true, |turn| turn.load_share),
    ];
    let named = if is_latency { "acknowledgement, p99" } else { "messages per CPU second" };
    let shown = all.into_iter().filter(|(.., is_shown, _)| *is_shown);
    shown
        .map(|(words, unit, better, _, figure)| Metric {
            words: format!("{}: {words}", scenario.words()),
            unit,
            better,
            figures: turns.map(|turns| middle(turns, figure)),
            key: (words == named).then(|| scenario.key()),
            aim: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::render;

    fn turn(messages_a_second: f64) -> Figures {
        Figures {
            messages_a_second,
            messages_a_cpu_second: 2.0 * messages_a_second,
            ack_median_ms: 1.0,
            ack_p99_ms: 4.0,
            delivered_share: 1.0,
            load_share: 0.25,
        }
    }

    #[test]
    fn half_of_the_load_is_that_of_the_slower_broker() {
        let mut measured = Measured::default();
        assert_eq!(measured.half_load(), 0.0);
        measured.add(Scenario::Qos0, Kind::Peer, turn(9.0));
        measured.add(Scenario::Qos1, Kind::Sensorium, turn(400.0));
        assert_eq!(measured.half_load(), 200.0);
        for rate in [100.0, 9.0, 300.0] {
            measured.add(Scenario::Qos1, Kind::Peer, turn(rate));
        }
        assert_eq!(measured.half_load(), 50.0);
    }

    #[test]
    fn each_scenario_ends_with_one_named_ratio() {
        let mut measured = Measured::default();
        for scenario in Scenario::chosen(None).into_iter().filter(|scenario| *scenario != Scenario::Idle) {
            measured.add(scenario, Kind::Peer, turn(100.0));
            measured.add(scenario, Kind::Sensorium, turn(150.0));
        }
        measured.add_idle(Kind::Peer, 6_000.0);
        measured.add_idle(Kind::Sensorium, 4_000.0);
        let text = render("Mosquitto", &measured.metrics());
        let named: Vec<&str> = text.lines().filter(|line| line.starts_with("mqtt-")).collect();
        assert_eq!(
            named,
            [
                "mqtt-qos1 ratio 1.50",
                "mqtt-fan-out ratio 1.50",
                "mqtt-qos0 ratio 1.50",
                "mqtt-qos2 ratio 1.50",
                "mqtt-gateway ratio 1.50",
                "mqtt-latency ratio 1.00",
                "mqtt-idle ratio 1.50",
            ]
        );
    }

    #[test]
    fn there_are_no_acknowledgements_of_qos_0() {
        let mut measured = Measured::default();
        measured.add(Scenario::FanOut, Kind::Peer, turn(100.0));
        let text = render("Mosquitto", &measured.metrics());
        assert!(text.contains("messages a second") && !text.contains("acknowledgement"), "{text}");
        assert!(!text.contains("mqtt-"), "no ratio without Sensorium: {text}");
    }
}
