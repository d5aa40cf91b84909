//! An InfluxDB 1.x of its own for one measurement: started on free ports with a temporary folder, killed when dropped.
//!
//! It runs with its defaults, so every write is synced before it is acknowledged; except that its logs of requests and its
//! monitoring of itself are off, which only helps it, and that it compacts as soon as writes pause instead of after
//! hours, so that its files can be measured.

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;

/// How long the server may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Readings wait in memory at most so long when no more come.
const SNAPSHOT_AFTER: &str = "5s";
/// Files are compacted completely when no more readings come for so long.
pub(crate) const COMPACT_AFTER: Duration = Duration::from_secs(10);

/// A running server.
pub(crate) struct InfluxDb {
    child: Child,
    base_url: String,
    folder: TempDir,
}

impl InfluxDb {
    /// Starts the binary and waits until it listens.
    pub(crate) fn start(binary: &Path, parent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("influxdb-bench-").tempdir_in(parent);
        let folder = folder.context("cannot make a temporary folder")?;
        let mut command = Command::new(binary);
        command
            // The system's own configuration file is for the system's service.
            .args(["run", "-config", "/dev/null"])
            .env("INFLUXDB_HTTP_BIND_ADDRESS", "127.0.0.1:0")
            .env("INFLUXDB_BIND_ADDRESS", "127.0.0.1:0")
            .env("INFLUXDB_DATA_DIR", folder.path().join("data"))
            .env("INFLUXDB_DATA_WAL_DIR", folder.path().join("wal"))
            .env("INFLUXDB_META_DIR", folder.path().join("meta"))
            .env("INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION", SNAPSHOT_AFTER)
            .env("INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION", format!("{}s", COMPACT_AFTER.as_secs()))
            // On a busy machine ten seconds, the default, are not always enough for the one write that has to wait.
            .env("INFLUXDB_COORDINATOR_WRITE_TIMEOUT", "5m")
            .env("INFLUXDB_REPORTING_DISABLED", "true")
            .env("INFLUXDB_MONITOR_STORE_ENABLED", "false")
            .env("INFLUXDB_HTTP_LOG_ENABLED", "false")
            .env("INFLUXDB_DATA_QUERY_LOG_ENABLED", "false")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!(
                "{} is not here; `make bench-influx` installs it, or install Debian's package influxdb",
                binary.display()
            ),
            _ => anyhow!(error).context(format!("cannot start {}", binary.display())),
        })?;
        let log = child.stderr.take().context("no standard error")?;
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                if let Some(address) = address_of(&line) {
                    // Nobody listens any more once the address was taken; the loop keeps draining the pipe.
                    let _ = send.send(address.to_owned());
                }
            }
        });
        // From here on the process ends with the value.
        let mut server = Self { child, base_url: String::new(), folder };
        match receive.recv_timeout(START_TIMEOUT) {
            Ok(address) => server.base_url = format!("http://{address}"),
            Err(_) => bail!("{} did not listen within {START_TIMEOUT:?}", binary.display()),
        }
        Ok(server)
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The address that the server answers at.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The folder that holds everything that the server keeps.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its write-ahead log.
    pub(crate) fn log_folder(&self) -> PathBuf {
        self.folder.path().join("wal")
    }
}

impl Drop for InfluxDb {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the line of the log that says where HTTP is served.
fn address_of(line: &str) -> Option<&str> {
    line.contains("msg=\"Listening on HTTP\"").then_some(())?;
    line.split_whitespace().find_map(|word| word.strip_prefix("addr="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_where_it_listens() {
        let line = r#"ts=2024-01-01T00:00:00Z lvl=info msg="Listening on HTTP" service=httpd addr=127.0.0.1:33799 https=false"#;
        assert_eq!(address_of(line), Some("127.0.0.1:33799"));
        assert_eq!(address_of(&line.replace("Listening", "Waiting")), None);
    }

    #[test]
    fn a_missing_server_says_how_to_get_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = InfluxDb::start(Path::new("/nowhere/influxd"), folder.path()).err().unwrap().to_string();
        assert!(error.contains("make bench-influx"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the folder is gone again");
    }
}
