//! `cargo xtask soak`: the tests that kill, starve and damage the store, again and again with other seeds.
//!
//! They are the tests that `cargo test` runs for a bounded time with fixed seeds; environment variables ask them for more. A test
//! tells what it did in a line `figures: NAME=NUMBER …` of its output. The first failure ends the run, with the command that
//! repeats it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::cargo::cargo;

/// Which tests are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The store's model, and the model on a disk that fails
    Store,
    /// `kill -9` of a real server under full ingest
    Kills,
}

/// What a person asked for.
pub(crate) struct Options {
    pub(crate) minutes: u64,
    /// The seed of the first round; each further round has the next number.
    pub(crate) seed: Option<u64>,
    pub(crate) only: Option<Part>,
}

/// What was done so far of one part.
#[derive(Default)]
struct Done {
    rounds: u64,
    time: Duration,
    figures: BTreeMap<String, u64>,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Kills => "kills",
        }
    }

    /// How much of it makes a round, as the tests read it.
    fn size(self) -> (&'static str, u64) {
        match self {
            Self::Store => ("PROPTEST_CASES", 150),
            Self::Kills => ("SENSORIUM_KILLS", 40),
        }
    }

    /// The whole workspace is selected, as everywhere, so that nothing is compiled anew.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Store => &["--lib", "--", "--nocapture", "tests::model::", "tests::simulation::"],
            Self::Kills => &["--test", "server", "--", "--nocapture", "durability::kill_at_random_instants"],
        }
    }

    /// What a person types to repeat a round.
    fn command(self, seed: u64) -> String {
        let (variable, size) = self.size();
        let arguments = self.arguments().join(" ");
        format!("SENSORIUM_SEED={seed} {variable}={size} cargo test --locked --workspace {arguments}")
    }

    fn run(self, root: &Path, seed: u64) -> Result<std::process::Output> {
        let (variable, size) = self.size();
        let mut command = cargo(root);
        command.args(["test", "--locked", "--workspace"]).args(self.arguments());
        command.env("SENSORIUM_SEED", seed.to_string()).env(variable, size.to_string());
        command.output().context("cannot run cargo")
    }
}

/// Runs rounds until the time is over.
#[expect(clippy::print_stdout, reason = "a command-line tool speaks to a person")]
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    println!("Building the tests");
    let build = ["test", "--locked", "--workspace", "--lib", "--test", "server", "--no-run", "--quiet"];
    let built = cargo(root).args(build).status().context("cannot run cargo")?;
    ensure!(built.success(), "the tests do not build");

    let parts = options.only.map_or(vec![Part::Store, Part::Kills], |part| vec![part]);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let first = options.seed.unwrap_or(since.as_secs());
    let (started, length) = (Instant::now(), Duration::from_secs(options.minutes * 60));
    let mut done: BTreeMap<&'static str, Done> = BTreeMap::new();
    let mut round = 0;
    while started.elapsed() < length {
        let seed = first.wrapping_add(round);
        round += 1;
        for part in parts.iter().take_while(|_| started.elapsed() < length) {
            println!("[{:>5} s] round {round}, {}, seed {seed}", started.elapsed().as_secs(), part.name());
            let before = Instant::now();
            let output = part.run(root, seed)?;
            let text = String::from_utf8_lossy(&output.stdout);
            if !output.status.success() {
                println!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
                println!("{}", table(&done));
                bail!("{} failed with seed {seed}; repeat it with\n\n  {}\n", part.name(), part.command(seed));
            }
            let figures = figures(&text);
            ensure!(!figures.is_empty(), "{} told no figures: no test ran", part.name());
            let told: Vec<String> = figures.iter().map(|(name, number)| format!("{name} {number}")).collect();
            println!("[{:>5} s]   passed: {}", started.elapsed().as_secs(), told.join(", "));
            done.entry(part.name()).or_default().add(before.elapsed(), figures);
        }
    }
    println!("{}", table(&done));
    Ok(())
}

impl Done {
    fn add(&mut self, time: Duration, figures: BTreeMap<String, u64>) {
        self.rounds += 1;
        self.time += time;
        for (name, number) in figures {
            *self.figures.entry(name).or_default() += number;
        }
    }
}

/// The figures that tests told, summed by name.
fn figures(text: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    let told = text.lines().filter_map(|line| line.split_once("figures: "));
    for (name, number) in told.flat_map(|(_, told)| told.split_whitespace()).filter_map(|pair| pair.split_once('=')) {
        *sums.entry(name.to_owned()).or_default() += number.parse::<u64>().unwrap_or(0);
    }
    sums
}

fn table(done: &BTreeMap<&'static str, Done>) -> String {
    let mut lines = vec![format!("\n{:<8} {:>7} {:>9}  figures", "part", "rounds", "seconds")];
    for (name, done) in done {
        let figures: Vec<String> = done.figures.iter().map(|(name, number)| format!("{name} {number}")).collect();
        lines.push(format!("{name:<8} {:>7} {:>9}  {}", done.rounds, done.time.as_secs(), figures.join(", ")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_wherever_they_stand_and_summed() {
        let text = "running 1 test\ntest a ... figures: kills=3 rows=10\nok\nfigures: rows=5\nfigures of speech\n";
        let found = figures(text);
        assert_eq!(found, BTreeMap::from([("kills".to_owned(), 3), ("rows".to_owned(), 15)]));
        let mut done = Done::default();
        done.add(Duration::from_secs(2), found.clone());
        done.add(Duration::from_secs(3), found);
        let table = table(&BTreeMap::from([("kills", done)]));
        assert!(table.ends_with("kills          2         5  kills 6, rows 30"), "{table}");
    }

    #[test]
    fn a_failure_is_repeated_by_one_command() {
        let command = Part::Kills.command(7);
        assert!(command.starts_with("SENSORIUM_SEED=7 SENSORIUM_KILLS=40 cargo test "), "{command}");
    }
}
