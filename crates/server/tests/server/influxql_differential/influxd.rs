//! An InfluxDB of its own: on free ports, with a temporary folder, ended when dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{block_on, client};

/// How long it may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Influxd {
    child: Child,
    url: String,
    client: Client,
    _folder: TempDir,
}

impl Influxd {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("influxd");
        command
            // The system's own configuration file is for the system's service.
            .args(["run", "-config", "/dev/null"])
            .env("INFLUXDB_HTTP_BIND_ADDRESS", "127.0.0.1:0")
            .env("INFLUXDB_BIND_ADDRESS", "127.0.0.1:0")
            .env("INFLUXDB_DATA_DIR", folder.path().join("data"))
            .env("INFLUXDB_DATA_WAL_DIR", folder.path().join("wal"))
            .env("INFLUXDB_META_DIR", folder.path().join("meta"))
            .env("INFLUXDB_REPORTING_DISABLED", "true")
            .env("INFLUXDB_MONITOR_STORE_ENABLED", "false")
            .env("INFLUXDB_HTTP_LOG_ENABLED", "false")
            .env("INFLUXDB_DATA_QUERY_LOG_ENABLED", "false")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        // `scripts/install.sh test` installs it.
        let mut child = command.spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                if line.contains("msg=\"Listening on HTTP\"")
                    && let Some(address) = line.split_whitespace().find_map(|word| word.strip_prefix("addr="))
                {
                    // Nobody listens any more once the address was taken; the loop keeps draining the pipe.
                    let _ = send.send(format!("http://{address}"));
                }
            }
        });
        // From here on the process ends with the value.
        let mut started = Self { child, url: String::new(), client: client().clone(), _folder: folder };
        started.url = receive.recv_timeout(START_TIMEOUT).unwrap();
        started
    }

    pub(super) fn change(&self, statement: &str) {
        let request = self.client.post(format!("{}/query", self.url)).query(&[("q", statement)]);
        let answer: Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
        assert_eq!(answer, json!({"results": [{"statement_id": 0}]}));
    }

    pub(super) fn write(&self, database: &str, lines: &str) {
        let request = self.client.post(format!("{}/write?db={database}", self.url)).body(lines.to_owned());
        assert_eq!(block_on(async { request.send().await.unwrap().status() }), 204);
    }

    pub(super) fn ask(&self, database: &str, statement: &str) -> Value {
        let query = [("db", database), ("epoch", "ns"), ("q", statement)];
        let request = self.client.get(format!("{}/query", self.url)).query(&query);
        block_on(async { request.send().await.unwrap().json().await.unwrap() })
    }
}

impl Drop for Influxd {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
