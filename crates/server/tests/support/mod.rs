//! A real `sensorium` process for tests: started in a folder of its own on a free port, and never left behind.

#![allow(dead_code, reason = "each test binary uses another part of it")]

#[path = "../../../metadata/tests/support/postgres.rs"]
pub(crate) mod postgres;
#[path = "../../../mail/tests/support/python.rs"]
mod python;
#[path = "../../../mail/tests/support/smtp.rs"]
pub(crate) mod smtp;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use python::python;

/// An API token that may do everything, created at the first start.
pub(crate) const TOKEN: &str = "test-token-0123456789abcdef";
/// How long anything may take that should be quick, on a machine that is busy with other tests.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The binary under test, without any configuration from outside.
pub(crate) fn sensorium() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sensorium"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SENSORIUM_")) {
        command.env_remove(name);
    }
    command
}

/// A command with its data folder, for a server that runs there or for the folder itself.
pub(crate) fn at(data_dir: &Path, args: &[&str]) -> Command {
    let mut command = sensorium();
    command.args(args).arg("--data-dir").arg(data_dir);
    if let Some(url) = postgres::url_of(data_dir) {
        command.env("SENSORIUM_METADATA__URL", url);
    }
    command
}

/// Runs a command to its end and shows what it printed if it failed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?} failed:\n{}", printed(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail with exit code 1 and one sentence, which is returned.
pub(crate) fn fail(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}:\n{}", printed(&output));
    let text = String::from_utf8(output.stderr).unwrap();
    let sentences: Vec<&str> = text.lines().filter(|line| line.starts_with("sensorium: ")).collect();
    assert_eq!(sentences.len(), 1, "{text}");
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
    sentences[0].to_owned()
}

fn printed(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a future on a runtime that all tests share.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap()).block_on(future)
}

/// Asks again until the answer is there.
pub(crate) fn wait_for<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = answer() {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "{what} did not happen within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How to start a server.
pub(crate) struct Start {
    command: Command,
    folder: Option<TempDir>,
    data_dir: PathBuf,
}

impl Start {
    /// In a new folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        Self { folder: Some(folder), ..Self::at(&data_dir) }
    }

    /// In a folder of the test's own.
    pub(crate) fn at(data_dir: &Path) -> Self {
        let mut command = sensorium();
        command.args(["serve", "--http", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
        command.env("SENSORIUM_BOOTSTRAP_TOKEN", TOKEN);
        if let Some(url) = postgres::url_of(data_dir) {
            command.env("SENSORIUM_METADATA__URL", url);
        }
        Self { command, folder: None, data_dir: data_dir.to_owned() }
    }

    /// Without the samples of this machine, which only disturb.
    pub(crate) fn quiet(self) -> Self {
        self.arg("--no-host-metrics")
    }

    /// With MQTT, on a port that is free.
    pub(crate) fn mqtt(self) -> Self {
        self.arg("--mqtt").arg("127.0.0.1:0")
    }

    /// With PostgreSQL's protocol, on a port that is free.
    pub(crate) fn postgres(self) -> Self {
        self.arg("--postgres").arg("127.0.0.1:0")
    }

    /// With CoAP over UDP, on a port that is free.
    pub(crate) fn coap(self) -> Self {
        self.arg("--coap").arg("127.0.0.1:0")
    }

    /// One more argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// One setting.
    pub(crate) fn set(self, key: &str, value: impl std::fmt::Display) -> Self {
        self.arg("--set").arg(format!("{key}={value}"))
    }

    /// Another environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts and does not wait.
    pub(crate) fn spawn(mut self) -> Starting {
        std::fs::create_dir_all(self.data_dir.parent().unwrap()).unwrap();
        let log = self.data_dir.with_extension("log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut child = self.command.stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // A test that has ended listens no more; the pipe is still to be drained.
                let _ = send.send(line);
            }
        });
        Starting { process: Process(child), lines, log, folder: self.folder, data_dir: self.data_dir }
    }

    /// Starts and waits until the server says where it is.
    pub(crate) fn start(self) -> Server {
        self.spawn().ready()
    }
}

/// A process that dies with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that was started and may not be ready.
pub(crate) struct Starting {
    process: Process,
    lines: mpsc::Receiver<String>,
    log: PathBuf,
    folder: Option<TempDir>,
    data_dir: PathBuf,
}

impl Starting {
    /// Waits for the line that says where the server is.
    pub(crate) fn ready(self) -> Server {
        let mut printed = Vec::new();
        let opened = loop {
            let line = self.lines.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|_| panic!("no server:\n{}", std::fs::read_to_string(&self.log).unwrap()));
            if let Some(url) = line.strip_prefix("Open ") {
                break url.to_owned();
            }
            printed.push(line);
        };
        let url = opened.split("/setup").next().unwrap().to_owned();
        Server {
            process: self.process,
            printed,
            opened,
            url,
            log: self.log,
            folder: self.folder,
            data_dir: self.data_dir,
        }
    }

    /// `kill -9`, wherever the start is.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }
}

/// A running server.
pub(crate) struct Server {
    process: Process,
    printed: Vec<String>,
    opened: String,
    url: String,
    log: PathBuf,
    folder: Option<TempDir>,
    data_dir: PathBuf,
}

impl Server {
    /// A server with all defaults in a new folder.
    pub(crate) fn start() -> Self {
        Start::new().start()
    }

    /// Such as `http://127.0.0.1:40123`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The whole address that the server printed.
    pub(crate) fn opened(&self) -> &str {
        &self.opened
    }

    /// What was printed before the address.
    pub(crate) fn printed(&self) -> &[String] {
        &self.printed
    }

    /// The folder of the data.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Everything that was logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The credential of whoever runs the server.
    pub(crate) fn local_token(&self) -> String {
        self.told("token")
    }

    /// Where the server listens to MQTT.
    pub(crate) fn mqtt(&self) -> SocketAddr {
        self.told("mqtt").parse().unwrap()
    }

    /// Where the server listens to PostgreSQL's protocol.
    pub(crate) fn postgres(&self) -> SocketAddr {
        self.told("postgres").parse().unwrap()
    }

    /// Where the server listens to CoAP over UDP.
    pub(crate) fn coap(&self) -> SocketAddr {
        self.told("coap").parse().unwrap()
    }

    /// Where the server listens to CoAP over TCP.
    pub(crate) fn coap_tcp(&self) -> SocketAddr {
        self.told("coap_tcp").parse().unwrap()
    }

    /// Where the server listens to CoAP over DTLS.
    pub(crate) fn coap_dtls(&self) -> SocketAddr {
        self.told("coap_dtls").parse().unwrap()
    }

    /// Where the server listens without TLS to commands on this machine.
    pub(crate) fn local_url(&self) -> String {
        self.told("url")
    }

    /// What the server tells commands on this machine.
    fn told(&self, key: &str) -> String {
        let file = std::fs::read(self.data_dir.join("server.json")).unwrap();
        let told: Value = serde_json::from_slice(&file).unwrap();
        told[key].as_str().unwrap_or_else(|| panic!("server.json has no {key}")).to_owned()
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// A command that finds this server by its data folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        at(&self.data_dir, args)
    }

    /// A request with the token.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        client().request(method, format!("{}{path}", self.url)).bearer_auth(TOKEN)
    }

    /// Writes line protocol and returns status and body.
    pub(crate) fn write(&self, database: &str, lines: &str) -> (u16, String) {
        let request = self.request(reqwest::Method::POST, &format!("/write?db={database}")).body(lines.to_owned());
        block_on(async {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    }

    /// What the server answers to whoever runs it.
    pub(crate) fn get(&self, path: &str) -> Value {
        let request = client().get(format!("{}{path}", self.url)).bearer_auth(self.local_token());
        block_on(async { request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap() })
    }

    /// The rows of an answer.
    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<Value>> {
        self.query_in("main", sql)
    }

    /// The rows of an answer, of a database.
    pub(crate) fn query_in(&self, database: &str, sql: &str) -> Vec<Vec<Value>> {
        let query = [("db", database), ("q", sql), ("format", "json")];
        // Also where it takes TLS from everywhere else.
        let request =
            client().get(format!("{}/api/v1/sql", self.local_url())).bearer_auth(self.local_token()).query(&query);
        let answer: Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
        let rows = answer["rows"].as_array().unwrap_or_else(|| panic!("{sql}: {answer}"));
        assert!(answer.get("error").is_none(), "{sql}: {answer}");
        rows.iter().map(|row| row.as_array().unwrap().clone()).collect()
    }

    /// Waits until this machine's vitals have been written twice.
    pub(crate) fn wait_for_host_metrics(&self) {
        wait_for("a second sample of host metrics", || {
            // Until the first sample, there is no table to ask.
            let tables = self.query("SELECT count(*) FROM information_schema.tables WHERE table_name = 'cpu'");
            let exists = tables[0][0].as_u64() == Some(1);
            let samples = exists.then(|| self.query("SELECT count(DISTINCT time) FROM cpu"))?;
            samples[0][0].as_u64().filter(|count| *count >= 2)
        });
    }

    /// SIGTERM; returns how the process ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.process.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for("the end of the process", || self.process.0.try_wait().unwrap())
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }
}

/// One client for all tests: connections are reused.
pub(crate) fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let _already = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder().timeout(DEADLINE).build().unwrap()
    })
}
