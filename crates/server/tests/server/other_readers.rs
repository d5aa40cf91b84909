//! DuckDB and pyarrow read the data files of a running server, and answer as it does.
//!
//! They live in the Python that `scripts/install.sh test` makes; `other_readers.py` does what docs/storage.md says that a
//! reader must do.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use serde_json::{Value, json};

use crate::support::{Server, Start, block_on, python, wait_for};

/// 2023-11-14T22:13:20Z.
const START: i64 = 1_700_000_000;
const TRUCKS: i64 = 20;
/// Seconds of each part; the last is larger than the others together, so that all four files are merged.
const TICKS: [i64; 4] = [40, 40, 40, 200];
/// Seconds for which each part writes the same keys of the table `service`.
const SERVICES: [i64; 4] = [60, 70, 80, 300];

/// Answers that depend on the order of additions are compared up to their last digits, the others exactly.
const STATEMENTS: [&str; 13] = [
    "SELECT count(*) AS n, count(speed) AS a, count(load) AS b, count(DISTINCT name) AS c, count(driver) AS d FROM trucks",
    "SELECT min(speed) AS a, max(speed) AS b, min(latitude) AS c, max(latitude) AS d, min(load) AS e, max(load) AS f, \
     min(time) AS g, max(time) AS h FROM trucks",
    "SELECT name, avg(speed) AS speed, sum(load) AS load, max(wear) AS wear FROM trucks GROUP BY name ORDER BY name",
    "SELECT time, name, fleet, driver, speed, latitude, load, wear, stops, card, moving, state FROM trucks \
     ORDER BY name, time",
    "SELECT count(*) AS n FROM trucks WHERE speed > 23.7",
    "SELECT count(*) AS n FROM trucks WHERE speed = 23.75 OR latitude <= 48.2",
    "SELECT time, name, speed FROM trucks WHERE time < TIMESTAMP '2023-11-14 22:14:10' AND speed >= 25 ORDER BY name, time",
    "SELECT date_trunc('minute', time) AS minute, count(*) AS n, max(speed) AS speed FROM trucks GROUP BY minute \
     ORDER BY minute",
    "SELECT state, count(*) AS n, max(card) AS card FROM trucks WHERE moving GROUP BY state ORDER BY state",
    "SELECT count(*) AS n FROM trucks WHERE fleet IS NULL AND driver = 'Ida'",
    "SELECT name, max(latitude) AS latitude FROM trucks WHERE driver IS NULL GROUP BY name ORDER BY name",
    "SELECT time, name, oil, mileage, note FROM service ORDER BY name, time",
    "SELECT note, count(*) AS n, sum(oil) AS oil, max(mileage) AS mileage FROM service GROUP BY note ORDER BY note",
];

/// Rows of one part of the time. Each has other decimals, another unit of time, other tags and other fields.
fn lines(part: usize) -> String {
    let mut text = String::new();
    let (before, ticks) = (TICKS[..part].iter().sum::<i64>(), TICKS[part]);
    let part = part as i64;
    for tick in before..before + ticks {
        for truck in 0..TRUCKS {
            let mixed = (tick * 7_919 + truck * 104_729) % 1_000;
            // Numbers of that many decimals, exactly.
            let scale = [4, 10, 1, 1_000][part as usize];
            let speed = (20 * scale + mixed % 40) as f64 / scale as f64;
            let latitude = (4_820_000 + truck * 1_000 + tick) as f64 / 1e5;
            write!(text, "trucks,name=truck-{truck}").unwrap();
            if truck % 4 != 3 {
                write!(text, ",fleet=f{}", truck % 3).unwrap();
            }
            if part > 0 && mixed % 2 == 0 {
                write!(text, ",driver={}", ["Ida", "Åse"][(mixed % 4 / 2) as usize]).unwrap();
            }
            write!(text, " speed={speed},latitude={latitude},wear={}", 1.0 / (mixed as f64 + 3.0)).unwrap();
            write!(text, ",stops={}i,card={}u,moving={}", tick / 50 - 3, u64::MAX - mixed as u64, mixed % 3 == 0)
                .unwrap();
            write!(text, ",state=\"{}\"", ["on the road", "parked, \\\"off\\\"", "ätna", ""][(mixed % 4) as usize])
                .unwrap();
            if mixed % 5 == 0 {
                write!(text, ",load={}", if part == 2 { mixed as f64 / 3.0 } else { mixed as f64 * 10.0 }).unwrap();
            }
            // Whole milliseconds, whole microseconds, or neither.
            let fraction = [truck * 1_000_000, truck * 1_000, truck, 0][part as usize];
            writeln!(text, " {}", (START + tick) * 1_000_000_000 + fraction).unwrap();
        }
    }
    for second in 0..SERVICES[part as usize] {
        write!(text, "service,name=truck-{} ", second % 7).unwrap();
        match part {
            0 => write!(text, "oil={},note=\"first\"", second as f64 / 10.0).unwrap(),
            1 => write!(text, "mileage={}i", second * 1_000).unwrap(),
            2 => write!(text, "oil={}", (second + 1) as f64 / 100.0).unwrap(),
            _ => write!(text, "oil={},note=\"{}\"", second as f64 + 0.125, ["a", "b"][(second % 2) as usize]).unwrap(),
        }
        writeln!(text, " {}", (START + second) * 1_000_000_000).unwrap();
    }
    text
}

/// The Parquet files of a table.
fn files(server: &Server, table: &str) -> Vec<PathBuf> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    };
    let databases = list(&server.data_dir().join("data"));
    let days = databases.iter().flat_map(|database| list(&database.join("main").join(table)));
    let files = days.filter(|day| !day.ends_with("last")).flat_map(|day| list(&day));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "parquet")).collect()
}

/// The rows of a file, which is whole once it has its name; `None` if a merge has just removed it.
fn rows(path: &Path) -> Option<i64> {
    let reader = SerializedFileReader::new(std::fs::File::open(path).ok()?).unwrap();
    Some(reader.metadata().file_metadata().num_rows())
}

/// Waits until a table stands in so many files with so many rows.
fn wait_for_files(server: &Server, table: &str, count: usize, wanted: i64) {
    wait_for(&format!("{count} files of {table} with {wanted} rows"), || {
        let files = files(server, table);
        let found: i64 = files.iter().map(|path| rows(path)).sum::<Option<i64>>()?;
        (files.len() == count && found == wanted).then_some(())
    });
}

/// Lets the other readers answer the statements too.
fn compare(server: &Server, files: usize, trucks: i64, services: i64) {
    let table = |name: &str, overlapping: bool, rows: i64, tags: &[&str], decimals: &[&str]| json!({"name": name, "files": files, "rows": rows, "overlapping": overlapping, "tags": tags, "decimals": decimals});
    let tables = [
        table("trucks", false, trucks, &["name", "fleet", "driver"], &["speed", "latitude"]),
        table("service", files > 1, services, &["name"], &["oil"]),
    ];
    // As text, because not every parser gives each number the nearest double.
    let answer = |sql: &str| {
        let query = [("db", "main"), ("q", sql), ("format", "json")];
        let request = server.request(reqwest::Method::GET, "/api/v1/sql").query(&query);
        block_on(async { request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap() })
    };
    let answers: Vec<Value> = STATEMENTS.iter().map(|sql| json!({"sql": sql, "answer": answer(sql)})).collect();
    let asked = json!({"data_dir": server.data_dir(), "tables": tables, "answers": answers});
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/other_readers.py");
    let mut command = Command::new(python().join("python3"));
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}\n{errors}");
    assert_eq!(printed.trim(), format!("{} answers agree", STATEMENTS.len()));
}

#[test]
fn duckdb_and_pyarrow_read_the_files_of_a_running_server_and_agree_with_it() {
    let server = Start::new().quiet().set("store.flush_interval_seconds", 1).start();
    let (mut trucks, mut services) = (0, 0);
    for part in 0..3 {
        let (status, body) = server.write("main", &lines(part));
        assert_eq!(status, 204, "{body}");
        trucks += TRUCKS * TICKS[part];
        services += SERVICES[part];
        wait_for_files(&server, "trucks", part + 1, trucks);
        wait_for_files(&server, "service", part + 1, services);
    }
    compare(&server, 3, trucks, services);

    let (status, body) = server.write("main", &lines(3));
    assert_eq!(status, 204, "{body}");
    trucks += TRUCKS * TICKS[3];
    wait_for_files(&server, "trucks", 1, trucks);
    // What was written four times stands once after the merge.
    wait_for_files(&server, "service", 1, SERVICES[3]);
    compare(&server, 1, trucks, SERVICES[3]);
}
