//! Either broker as its clients and `/proc` see it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;

use super::MqttArgs;
use super::mosquitto::Mosquitto;
use crate::pair::Kind;
use crate::process;
use crate::sensorium::{Options, Sensorium};

/// What Sensorium is compared with.
pub(super) const PEER: &str = "Mosquitto";

/// How long a broker may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How often that is tried.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where the load goes, and whom it costs.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// Its folder of `/proc`.
    pub(crate) process: PathBuf,
    /// What clients sign in with; none where anybody may connect.
    pub(crate) password: Option<&'static str>,
}

/// A running broker, which ends with the value.
pub(crate) struct Broker {
    pub(crate) target: Target,
    _server: Server,
}

enum Server {
    Mosquitto { _running: Mosquitto },
    Sensorium { _running: Box<Sensorium> },
}

impl Broker {
    /// Starts a broker, and waits until it listens.
    pub(crate) async fn start(kind: Kind, arguments: &MqttArgs) -> Result<Self> {
        let address = free_address()?;
        let (server, pid, password) = match kind {
            Kind::Peer => {
                let running = Mosquitto::start(&arguments.mosquitto, address)?;
                let pid = running.pid();
                (Server::Mosquitto { _running: running }, pid, None)
            }
            Kind::Sensorium => {
                let binary = arguments.binary.as_deref().context("--binary names the program to measure")?;
                let options = Options {
                    arguments: vec!["--no-host-metrics".to_owned(), "--mqtt".to_owned(), address.to_string()],
                    parent: arguments.folder.clone(),
                };
                let running = Sensorium::start_with(binary, &options)?;
                let (pid, token) = (running.pid(), running.token());
                (Server::Sensorium { _running: Box::new(running) }, pid, Some(token))
            }
        };
        let target = Target { name: kind.name(PEER), address, process: process::folder(pid), password };
        // From here on the process ends with the value.
        let broker = Self { target, _server: server };
        broker.target.listens().await?;
        Ok(broker)
    }
}

impl Target {
    async fn listens(&self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < START_TIMEOUT {
            if TcpStream::connect(self.address).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("{} did not listen on {} within {START_TIMEOUT:?}", self.name, self.address)
    }
}

/// An address of loopback that nobody listens on.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?)
}
