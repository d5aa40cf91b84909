//! The servers: Sensorium with the laboratory's example, libcoap's, and the laboratory's own with its InfluxDB. Each is started
//! on a free port of the loopback address with a temporary folder, and ends with the value.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use sensorium_protocols::coap::{Code, Response};
use tempfile::TempDir;

use super::load::Target;
use crate::influx::influxdb::InfluxDb;
use crate::process;
use crate::sensorium::{Options, Sensorium};

/// The laboratory's server.
const LABORATORY: &str = include_str!("laboratory.py");
/// Resources that libcoap's server may make; one is needed.
const RESOURCES: &str = "10";
/// An empty confirmable message, which every server answers with a reset (RFC 7252, section 4.3).
const PING: [u8; 4] = [0x40, 0, 0, 1];
/// How long a server may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one answer to a ping is waited for.
const PING_TIMEOUT: Duration = Duration::from_millis(50);

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// libcoap's server, which keeps the newest value in memory
    Libcoap,
    /// The laboratory's server in Python with InfluxDB
    Laboratory,
    /// Sensorium
    Sensorium,
}

/// Where the programs are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) sensorium: Option<PathBuf>,
    pub(crate) libcoap: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) influxd: PathBuf,
    /// The folder that servers keep theirs in.
    pub(crate) folder: PathBuf,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) target: Target,
    running: Running,
}

enum Running {
    Libcoap { _process: Process },
    Laboratory { _process: Process, _database: Box<InfluxDb>, _folder: TempDir },
    Sensorium(Box<Sensorium>),
}

/// A process that is killed when it is dropped.
struct Process(Child);

impl Which {
    /// The name that people know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Libcoap => "libcoap",
            Self::Laboratory => "laboratory",
            Self::Sensorium => "Sensorium",
        }
    }

    /// What it takes to run it.
    fn needs(self) -> &'static str {
        match self {
            Self::Libcoap => "Debian's package libcoap3-bin",
            Self::Laboratory => "a Python with txThings 0.3.0 and Twisted (--python), and Debian's package influxdb",
            Self::Sensorium => "`make build`",
        }
    }
}

impl Server {
    /// Starts a server, and waits until it answers.
    pub(crate) fn start(which: Which, programs: &Programs) -> Result<Self> {
        let address = free_address()?;
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        let (running, pid, database) = match which {
            Which::Libcoap => {
                let mut command = Command::new(&programs.libcoap);
                command.args(["-A", &ip, "-p", &port, "-d", RESOURCES, "-v", "0"]);
                let process = Process::start(&mut command, which.needs())?;
                let pid = process.0.id();
                (Running::Libcoap { _process: process }, pid, None)
            }
            Which::Laboratory => {
                let database = Box::new(InfluxDb::start(&programs.influxd, &programs.folder)?);
                let at = database.base_url().trim_start_matches("http://").rsplit_once(':');
                let (host, database_port) = at.context("InfluxDB has no address")?;
                let folder = tempfile::Builder::new().prefix("laboratory-bench-").tempdir_in(&programs.folder)?;
                let script = folder.path().join("laboratory.py");
                std::fs::write(&script, LABORATORY).context("cannot write the laboratory's server")?;
                let mut command = Command::new(&programs.python);
                command.arg(&script).args([ip.as_str(), port.as_str(), host, database_port]);
                let process = Process::start(&mut command, which.needs())?;
                let (pid, of_database) = (process.0.id(), database.pid());
                (
                    Running::Laboratory { _process: process, _database: database, _folder: folder },
                    pid,
                    Some(of_database),
                )
            }
            Which::Sensorium => {
                let binary = programs.sensorium.as_deref().context("--binary names the program to measure")?;
                let running = Box::new(start_sensorium(binary, address, &["--no-host-metrics"], &programs.folder)?);
                let pid = running.pid();
                (Running::Sensorium(running), pid, None)
            }
        };
        let target = Target {
            name: which.name(),
            address,
            method: if which == Which::Libcoap { Code::PUT } else { Code::POST },
            is_wanted: if which == Which::Libcoap { is_success } else { is_saved },
            process: process::folder(pid),
            database: database.map(process::folder),
        };
        // From here on the processes end with the value.
        let server = Self { target, running };
        answers(address).with_context(|| format!("{} did not start; it needs {}", which.name(), which.needs()))?;
        Ok(server)
    }

    /// How many readings are stored; none where they cannot be counted.
    pub(crate) async fn stored(&self) -> Result<Option<u64>> {
        let Running::Sensorium(sensorium) = &self.running else { return Ok(None) };
        let rows = sensorium.ask_in("dht", "SELECT count(*) FROM temperature").await?;
        let stored = rows.first().and_then(|row| row.first()?.as_u64());
        Ok(Some(stored.context("no count")?))
    }
}

/// Starts Sensorium as the laboratory does, at an address.
pub(crate) fn start_sensorium(
    binary: &Path,
    address: SocketAddr,
    further: &[&str],
    parent: &Path,
) -> Result<Sensorium> {
    let address = address.to_string();
    let arguments = ["--example", "coap-lab", "--coap", &address].into_iter().chain(further.iter().copied());
    let options = Options { arguments: arguments.map(str::to_owned).collect(), parent: Some(parent.to_owned()) };
    Sensorium::start_with(binary, &options)
}

impl Process {
    fn start(command: &mut Command, needs: &str) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| {
            let program = PathBuf::from(command.get_program());
            match error.kind() {
                ErrorKind::NotFound => {
                    anyhow!("{} is not here; `make bench-coap` installs what is needed: {needs}", program.display())
                }
                _ => anyhow!(error).context(format!("cannot start {}", program.display())),
            }
        })?;
        Ok(Self(child))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address of loopback that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(socket.local_addr()?)
}

/// Waits until somebody at the address speaks CoAP.
pub(crate) fn answers(address: SocketAddr) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(PING_TIMEOUT))?;
    let started = Instant::now();
    while started.elapsed() < START_TIMEOUT {
        // Where nobody listens yet, the system says so at once.
        match socket.send(&PING).and_then(|_| socket.recv(&mut [0; 64])) {
            Ok(_) => return Ok(()),
            Err(_) => std::thread::sleep(PING_TIMEOUT),
        }
    }
    bail!("nobody answered on {address} within {START_TIMEOUT:?}")
}

/// Whether an answer says that the reading was saved.
fn is_saved(response: &Response) -> bool {
    response.code == Code::CONTENT && response.payload.ends_with(b"saved successfully!")
}

fn is_success(response: &Response) -> bool {
    !response.code.is_error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_laboratorys_answer_means_that_a_reading_was_saved() {
        let answer = |code, text: &'static str| Response::new(code).with_text(text);
        assert!(is_saved(&answer(Code::CONTENT, "Temperature=28.8 saved successfully!")));
        assert!(!is_saved(&answer(Code::CONTENT, "28.8")));
        assert!(!is_saved(&answer(Code::SERVICE_UNAVAILABLE, "Temperature=28.8 saved successfully!")));
        assert!(is_success(&answer(Code::CHANGED, "")) && !is_success(&answer(Code::NOT_ACCEPTABLE, "")));
    }

    #[test]
    fn a_missing_server_says_how_to_get_it() {
        let error =
            Process::start(&mut Command::new("/nowhere/coap-server"), "libcoap3-bin").err().unwrap().to_string();
        assert!(error.contains("/nowhere/coap-server") && error.contains("make bench-coap"), "{error}");
    }

    #[test]
    fn a_server_that_resets_a_ping_listens() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = server.local_addr().unwrap();
        let reset = std::thread::spawn(move || {
            let mut bytes = [0; 64];
            let (length, peer) = server.recv_from(&mut bytes).unwrap();
            assert_eq!(bytes[..length], PING);
            server.send_to(&[0x70, 0, 0, 1], peer).unwrap();
        });
        answers(address).unwrap();
        reset.join().unwrap();
    }
}
