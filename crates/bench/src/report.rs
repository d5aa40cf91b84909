//! The table of a comparison and its last lines.

use std::fmt::Write;

use crate::pair::Pair;

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A whole number with separators.
    Count,
    /// Bytes, in millions.
    Megabytes,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// A share, in percent.
    Percent,
    /// Two decimals.
    Plain,
}

/// Which of two figures is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// What Sensorium is to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    /// How many times better than the peer at least.
    pub(crate) ratio: f64,
    /// The largest figure of Sensorium itself, where that is a part of the aim.
    pub(crate) at_most: Option<f64>,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    pub(crate) words: String,
    pub(crate) unit: Unit,
    pub(crate) better: Better,
    /// None where it was not measured.
    pub(crate) figures: Pair<Option<f64>>,
    /// The name in the last lines, where it is one of them.
    pub(crate) key: Option<&'static str>,
    pub(crate) aim: Option<Aim>,
}

impl Metric {
    /// How many times better Sensorium is.
    fn ratio(&self) -> Option<f64> {
        let (peer, sensorium) = (self.figures.peer?, self.figures.sensorium?);
        Some(match self.better {
            Better::More => sensorium / peer,
            Better::Less => peer / sensorium,
        })
    }

    /// The aim in words, and whether it is reached.
    fn verdict(&self) -> String {
        let (Some(aim), Some(ratio), Some(sensorium)) = (self.aim, self.ratio(), self.figures.sensorium) else {
            return String::new();
        };
        let mut words = format!("at least {}", aim.ratio);
        if let Some(most) = aim.at_most {
            let _ = write!(words, ", at most {}", written(most, self.unit));
        }
        let reached = ratio >= aim.ratio && aim.at_most.is_none_or(|most| sensorium <= most);
        words + if reached { ": reached" } else { ": not reached" }
    }
}

/// The table, then one line for each figure with a name and a ratio.
pub(crate) fn render(peer: &str, metrics: &[Metric]) -> String {
    let aim = if metrics.iter().any(|metric| metric.aim.is_some()) { "aim" } else { "" };
    let header = ["", peer, "Sensorium", "ratio", aim].map(str::to_owned);
    let rows = metrics.iter().map(|metric| {
        let Pair { peer, sensorium } =
            metric.figures.map(|figure| figure.map_or("-".to_owned(), |figure| written(figure, metric.unit)));
        let ratio = metric.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        [metric.words.clone(), peer, sensorium, ratio, metric.verdict()]
    });
    let mut text = String::new();
    for [words, peer, sensorium, ratio, aim] in std::iter::once(header).chain(rows) {
        let line = format!("{words:<50} {peer:>12} {sensorium:>12} {ratio:>8}  {aim}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if metrics.iter().any(|metric| metric.ratio().is_some()) {
        text.push_str("\nratio: how many times better Sensorium does\n\n");
    }
    for metric in metrics {
        if let (Some(key), Some(ratio)) = (metric.key, metric.ratio()) {
            let _ = writeln!(text, "{key} ratio {ratio:.2}");
        }
    }
    text
}

fn written(figure: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => separated(&format!("{figure:.0}")),
        Unit::Megabytes => format!("{:.1} MB", figure / 1e6),
        Unit::Milliseconds if figure < 10.0 => format!("{figure:.2} ms"),
        Unit::Milliseconds => format!("{figure:.0} ms"),
        Unit::Seconds => format!("{figure:.2} s"),
        Unit::Percent => format!("{:.1} %", 100.0 * figure),
        Unit::Plain => format!("{figure:.2}"),
    }
}

/// Digits in groups of three.
fn separated(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(better: Better, peer: f64, sensorium: f64, at_most: Option<f64>) -> Metric {
        let (key, aim) = (Some("disk"), Some(Aim { ratio: 3.0, at_most }));
        let figures = Pair { peer: Some(peer), sensorium: Some(sensorium) };
        Metric { words: "bytes".to_owned(), unit: Unit::Plain, better, figures, key, aim }
    }

    #[test]
    fn a_ratio_says_how_many_times_better() {
        assert!(render("Peer", &[metric(Better::Less, 6.0, 2.0, None)]).ends_with("\ndisk ratio 3.00\n"));
        assert!(render("Peer", &[metric(Better::More, 2.0, 9.0, None)]).ends_with("\ndisk ratio 4.50\n"));
    }

    #[test]
    fn an_aim_is_reached_in_both_of_its_parts_or_not() {
        assert_eq!(metric(Better::Less, 6.0, 2.0, Some(2.0)).verdict(), "at least 3, at most 2.00: reached");
        assert_eq!(metric(Better::Less, 6.0, 2.0, Some(1.5)).verdict(), "at least 3, at most 1.50: not reached");
        assert_eq!(metric(Better::Less, 5.9, 2.0, None).verdict(), "at least 3: not reached");
    }

    #[test]
    fn without_one_of_the_servers_there_is_no_ratio() {
        let mut alone = metric(Better::Less, 6.0, 2.0, Some(2.0));
        alone.figures.sensorium = None;
        let text = render("Peer", &[alone]);
        assert!(text.lines().nth(1).unwrap().split_whitespace().eq(["bytes", "6.00", "-", "-"]), "{text}");
        assert!(!text.contains("disk ratio"), "{text}");
    }

    #[test]
    fn large_counts_have_separators() {
        assert_eq!(separated("950000"), "950,000");
        assert_eq!(separated("1000000"), "1,000,000");
        assert_eq!(separated("12"), "12");
    }
}
