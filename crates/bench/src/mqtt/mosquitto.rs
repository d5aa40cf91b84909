//! A Mosquitto of its own for one measurement: started on a free port with a temporary folder, killed when dropped.
//!
//! It runs with its defaults, except that anybody may connect, that it keeps nothing (which is its default, too), that it writes
//! no log (which helps it), and that it queues as many messages as come: with at most 1,000 for a subscriber it drops some
//! even of the few that are under way here.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

/// More than ever wait for a subscriber. Not 0, which means no limit, but has some versions drop everything.
const QUEUED_MESSAGES: u32 = 1_000_000;

/// A running broker.
pub(crate) struct Mosquitto {
    child: Child,
    _folder: TempDir,
}

impl Mosquitto {
    /// Starts the binary; it listens a moment later.
    pub(crate) fn start(binary: &Path, address: SocketAddr) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("mosquitto-bench-").tempdir();
        let folder = folder.context("cannot make a temporary folder")?;
        let file = folder.path().join("mosquitto.conf");
        std::fs::write(&file, configuration(address)).context("cannot write the configuration of Mosquitto")?;
        let mut command = Command::new(binary);
        command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!(
                "{} is not here; `make bench-mqtt` installs it, or install Debian's package mosquitto",
                binary.display()
            ),
            _ => anyhow!(error).context(format!("cannot start {}", binary.display())),
        })?;
        Ok(Self { child, _folder: folder })
    }

    /// The broker's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    format!(
        "listener {port} {ip}\n\
         allow_anonymous true\n\
         persistence false\n\
         log_dest none\n\
         max_queued_messages {QUEUED_MESSAGES}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_has_its_port_before_its_address() {
        let text = configuration("127.0.0.1:18830".parse().unwrap());
        assert_eq!(text.lines().next(), Some("listener 18830 127.0.0.1"));
        assert_eq!(text.lines().nth(1), Some("allow_anonymous true"));
    }

    #[test]
    fn a_missing_broker_says_how_to_get_it() {
        let address = "127.0.0.1:18830".parse().unwrap();
        let error = Mosquitto::start(Path::new("/nowhere/mosquitto"), address).err().unwrap().to_string();
        assert!(error.contains("make bench-mqtt"), "{error}");
    }
}
