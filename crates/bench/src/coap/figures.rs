//! What was measured of all servers in all rounds, and the lines of the two tables.

use super::load::Figures;
use super::servers::Which;
use crate::pair::Pair;
use crate::percentiles::median;
use crate::report::{Aim, Better, Metric, Unit};

/// How many times libcoap's requests per CPU second Sensorium is to store.
const AIM_OF_LIBCOAP: f64 = 1.0;
/// How many times those of the laboratory's server.
const AIM_OF_LABORATORY: f64 = 20.0;

/// The turns of each server.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    turns: Vec<(Which, Figures)>,
}

impl Measured {
    /// Adds one turn.
    pub(crate) fn add(&mut self, which: Which, figures: Figures) {
        self.turns.push((which, figures));
    }

    /// Readings that a server took in all turns.
    pub(crate) fn answered(&self, which: Which) -> u64 {
        self.of(which).map(|turn| turn.answered).sum()
    }

    /// The lines of the table of Sensorium beside one of the others.
    pub(crate) fn metrics(&self, peer: Which) -> Vec<Metric> {
        use Better::{Less, More};
        type Figure = fn(&Figures) -> f64;
        let is_laboratory = peer == Which::Laboratory;
        let (key, aim) =
            if is_laboratory { ("coap-laboratory", AIM_OF_LABORATORY) } else { ("coap-libcoap", AIM_OF_LIBCOAP) };
        let line = |words: &str, unit, better, figure: Figure| Metric {
            words: words.to_owned(),
            unit,
            better,
            figures: Pair { peer: self.middle(peer, figure), sensorium: self.middle(Which::Sensorium, figure) },
            key: None,
            aim: None,
        };
        let mut metrics = vec![
            line("requests a second", Unit::Count, More, |turn| turn.requests_a_second),
            Metric {
                key: Some(key),
                aim: Some(Aim { ratio: aim, at_most: None }),
                ..line("requests per CPU second", Unit::Count, More, |turn| turn.requests_a_cpu_second)
            },
        ];
        if is_laboratory {
            metrics.push(Metric {
                key: Some("coap-laboratory-alone"),
                ..line("the same, without the CPU of InfluxDB", Unit::Count, More, |turn| {
                    turn.requests_a_server_cpu_second
                })
            });
        }
        metrics.extend([
            line("answer, median", Unit::Milliseconds, Less, |turn| turn.answer_median_ms),
            line("answer, p99", Unit::Milliseconds, Less, |turn| turn.answer_p99_ms),
            line("answered", Unit::Percent, More, |turn| turn.answered_share),
            line("CPU of the load, of the server's", Unit::Percent, Less, |turn| turn.load_share),
        ]);
        metrics
    }

    fn of(&self, which: Which) -> impl Iterator<Item = &Figures> {
        self.turns.iter().filter(move |(whose, _)| *whose == which).map(|(_, figures)| figures)
    }

    /// The median of a figure of a server's turns; none without a turn.
    fn middle(&self, which: Which, figure: fn(&Figures) -> f64) -> Option<f64> {
        let figures: Vec<f64> = self.of(which).map(figure).collect();
        (!figures.is_empty()).then(|| median(&figures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::render;

    fn turn(rate: f64) -> Figures {
        Figures {
            requests_a_second: rate,
            requests_a_cpu_second: 2.0 * rate,
            requests_a_server_cpu_second: 4.0 * rate,
            answer_median_ms: 1.0,
            answer_p99_ms: 4.0,
            answered_share: 1.0,
            load_share: 0.5,
            answered: 7,
        }
    }

    #[test]
    fn each_peer_ends_with_its_ratios() {
        let mut measured = Measured::default();
        for rate in [90.0, 100.0, 500.0] {
            measured.add(Which::Libcoap, turn(rate));
            measured.add(Which::Laboratory, turn(rate / 50.0));
            measured.add(Which::Sensorium, turn(1.5 * rate));
        }
        let text = render("libcoap", &measured.metrics(Which::Libcoap));
        assert!(text.ends_with("\ncoap-libcoap ratio 1.50\n") && text.contains("at least 1: reached"), "{text}");
        let text = render("laboratory", &measured.metrics(Which::Laboratory));
        assert!(text.ends_with("\ncoap-laboratory ratio 75.00\ncoap-laboratory-alone ratio 75.00\n"), "{text}");
        assert!(text.contains("at least 20: reached"), "{text}");
        assert_eq!(measured.answered(Which::Sensorium), 21);
    }

    #[test]
    fn without_one_of_the_servers_there_is_no_ratio() {
        let mut measured = Measured::default();
        measured.add(Which::Sensorium, turn(100.0));
        let text = render("libcoap", &measured.metrics(Which::Libcoap));
        assert!(text.contains("requests per CPU second") && !text.contains("coap-libcoap"), "{text}");
    }
}
