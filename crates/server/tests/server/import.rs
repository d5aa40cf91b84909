//! `import`: the office-room files, through the server and straight into the folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Start, at, fail, succeed};

const FILES: [&str; 2] = ["office-2015-02-02.csv", "office-2015-02-04.csv"];
const HOURLY: &str = "SELECT date_bin(INTERVAL '1 hour', time) t, avg(\"Temperature\") AS temperature, max(\"CO2\") AS co2 \
                      FROM office GROUP BY t ORDER BY t";

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")).join(name)
}

/// Rows of a file: its lines without the header.
fn rows(name: &str) -> usize {
    std::fs::read_to_string(fixture(name)).unwrap().lines().count() - 1
}

/// The table that a file goes into does not depend on where the data is.
fn check(command: impl Fn(&[&str]) -> Command) {
    for name in FILES {
        let path = fixture(name);
        let line = ["import", path.to_str().unwrap(), "--table", "office", "--timezone", "Europe/Brussels"];
        let text = succeed(&mut command(&line));
        assert!(text.contains(&rows(name).to_string()), "{name}: {text}");
    }
    let all = FILES.iter().map(|name| rows(name)).sum::<usize>();
    let count = succeed(&mut command(&["query", "-f", "csv", "SELECT count(*) AS n FROM office"]));
    assert_eq!(count, format!("n\n{all}\n"));
    let first = succeed(&mut command(&["query", "-f", "csv", "SELECT min(time) AS first FROM office"]));
    assert!(first.contains("2015-02-02T13:19:00"), "14:19 in Brussels is 13:19 UTC: {first}");
    let hourly = succeed(&mut command(&["query", "-f", "csv", HOURLY]));
    let hours: Vec<&str> = hourly.lines().skip(1).collect();
    assert!(!hours.is_empty());
    for hour in hours {
        let values: Vec<f64> = hour.split(',').skip(1).map(|value| value.parse().unwrap()).collect();
        assert!((15.0..30.0).contains(&values[0]) && (300.0..3000.0).contains(&values[1]), "{hour}");
    }
}

#[test]
fn both_office_files_go_in_through_the_server_and_into_the_folder() {
    let server = Start::new().quiet().start();
    check(|args| server.command(args));

    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    check(|args| at(&data_dir, args));
    // What was imported without a server is there when one starts.
    let server = Start::at(&data_dir).quiet().start();
    let all = FILES.iter().map(|name| rows(name)).sum::<usize>();
    assert_eq!(server.query("SELECT count(*) FROM office")[0][0], all);
}

#[test]
fn a_dry_run_shows_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let path = fixture(FILES[0]);
    let text = succeed(&mut at(&data_dir, &["import", path.to_str().unwrap(), "--dry-run"]));
    for name in ["Temperature", "CO2", "Occupancy"] {
        assert!(text.contains(name), "{text}");
    }
    assert!(!data_dir.exists());
}

#[test]
fn a_bad_row_costs_only_itself_and_shows_in_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("room.lp");
    let line =
        |n: u64| if n == 30 { "room v=\n".to_owned() } else { format!("room v=1 {}\n", 1_700_000_000_000_000_000 + n) };
    std::fs::write(&file, (0..60).map(line).collect::<String>()).unwrap();
    let data_dir = folder.path().join("data");
    let sentence = fail(&mut at(&data_dir, &["import", file.to_str().unwrap()]));
    assert!(sentence.contains("refused"), "{sentence}");
    assert_eq!(succeed(&mut at(&data_dir, &["query", "-f", "csv", "SELECT sum(v) AS s FROM room"])), "s\n59.0\n");
    let sentence = fail(&mut at(&data_dir, &["import", "/nowhere.csv"]));
    assert!(sentence.contains("/nowhere.csv"), "{sentence}");
}
