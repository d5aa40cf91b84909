//! A Sensorium of its own for one measurement: started on a free port with a temporary folder, killed when dropped.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the server may take to print its URL.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How often it is asked whether it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The API token that a measurement writes with; the server lives for one measurement on loopback.
const TOKEN: &str = "bench-token-of-a-temporary-server";

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Further arguments of `sensorium serve`.
    pub(crate) arguments: Vec<String>,
    /// The folder that its data folder is made in; without it, the system's temporary folder.
    pub(crate) parent: Option<PathBuf>,
}

/// A running server.
pub(crate) struct Sensorium {
    binary: PathBuf,
    options: Options,
    running: Running,
    client: reqwest::Client,
    data: TempDir,
}

/// Its process.
struct Running {
    child: Child,
    setup_url: String,
}

impl Sensorium {
    /// Starts the binary as a new user does, and waits until it has printed its set-up URL.
    pub(crate) fn start(binary: &Path) -> Result<Self> {
        Self::start_with(binary, &Options::default())
    }

    /// Starts the binary and waits until it has printed its set-up URL.
    pub(crate) fn start_with(binary: &Path, options: &Options) -> Result<Self> {
        let parent = options.parent.clone().unwrap_or_else(std::env::temp_dir);
        let data = tempfile::Builder::new().prefix("sensorium-bench-").tempdir_in(parent);
        let data = data.context("cannot make a temporary folder")?;
        let running = Running::start(binary, data.path(), options)?;
        let (binary, options) = (binary.to_owned(), options.clone());
        Ok(Self { binary, options, running, client: reqwest::Client::new(), data })
    }

    /// Kills the process and starts another one on the same data; waits until it answers that it is ready. Returns how long
    /// that took from the start.
    pub(crate) async fn restart(&mut self) -> Result<Duration> {
        self.running.kill();
        let started = Instant::now();
        self.running = Running::start(&self.binary, self.data.path(), &self.options)?;
        let url = format!("{}/ready", self.base_url());
        while started.elapsed() < START_TIMEOUT {
            match self.client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(started.elapsed()),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        bail!("the server was not ready within {START_TIMEOUT:?}")
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.running.child.id()
    }

    /// The folder that the server keeps everything in.
    pub(crate) fn data_folder(&self) -> &Path {
        self.data.path()
    }

    /// The token that may do everything.
    pub(crate) fn token(&self) -> &'static str {
        TOKEN
    }

    /// The address that the server answers at, such as `http://127.0.0.1:40123`.
    pub(crate) fn base_url(&self) -> &str {
        self.running.setup_url.split("/setup").next().unwrap_or_default()
    }

    /// Creates the first administrator and returns the session cookie's value.
    pub(crate) async fn sign_in(&self) -> Result<String> {
        let code = self.running.setup_url.split("#code=").nth(1).context("no set-up code")?;
        let body =
            json!({"code": code, "organisation": "Bench", "login": "bench", "password": "bench-password-of-this-run"});
        let url = format!("{}/api/v1/setup", self.base_url());
        let answer = self.client.post(url).json(&body).send().await?;
        let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = answer.status();
        ensure!(status.is_success(), "set-up failed: {status} {}", answer.json::<Value>().await.unwrap_or_default());
        let cookie = cookie.context("set-up sent no cookie")?;
        let pair = cookie.split(';').next().unwrap_or_default();
        Ok(pair.trim_start_matches("sensorium_session=").to_owned())
    }

    /// A figure without labels of `/metrics`.
    pub(crate) async fn figure(&self, name: &str) -> Result<f64> {
        let url = format!("{}/metrics", self.base_url());
        let text = self.client.get(url).bearer_auth(TOKEN).send().await?.error_for_status()?.text().await?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("/metrics has no {name}"))?.trim().parse()?)
    }

    /// Writes line protocol to a database and waits for the acknowledgement.
    pub(crate) async fn write(&self, database: &str, lines: impl Into<reqwest::Body>) -> Result<()> {
        let url = format!("{}/write?db={database}", self.base_url());
        let answer = self.client.post(url).bearer_auth(TOKEN).body(lines).send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "write failed: {status} {}", answer.text().await.unwrap_or_default());
        Ok(())
    }

    /// The rows of an answer from the database that is there from the start.
    pub(crate) async fn ask(&self, sql: &str) -> Result<Vec<Vec<Value>>> {
        self.ask_in("main", sql).await
    }

    /// The rows of an answer from a database.
    pub(crate) async fn ask_in(&self, database: &str, sql: &str) -> Result<Vec<Vec<Value>>> {
        let request = self.client.get(format!("{}/api/v1/sql", self.base_url())).query(&[("db", database), ("q", sql)]);
        let answer = request.bearer_auth(TOKEN).send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        ensure!(status.is_success() && answer.get("error").is_none(), "{sql} was refused: {status} {answer}");
        let rows = answer.get("rows").and_then(Value::as_array).context("no rows")?;
        Ok(rows.iter().filter_map(|row| row.as_array().cloned()).collect())
    }
}

impl Running {
    fn start(binary: &Path, data: &Path, options: &Options) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(["serve", "--http", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .args(&options.arguments)
            .env("SENSORIUM_BOOTSTRAP_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}; build it with `make build`", binary.display()))?;
        let output = child.stdout.take().context("no standard output")?;
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let url = line.split_whitespace().find(|word| word.contains("/setup#code="));
                if let Some(url) = url {
                    // Nobody listens any more once the first URL was taken; the loop keeps draining the pipe.
                    let _ = send.send(url.to_owned());
                }
            }
        });
        let mut running = Self { child, setup_url: String::new() };
        match receive.recv_timeout(START_TIMEOUT) {
            Ok(url) => running.setup_url = url,
            Err(_) => bail!("the server printed no set-up URL within {START_TIMEOUT:?}"),
        }
        Ok(running)
    }

    fn kill(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
