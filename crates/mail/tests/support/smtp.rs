//! A real mail server for tests (aiosmtpd), which shows what it took.

#![allow(dead_code, reason = "each test program uses another part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long a message may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running mail server; it ends with its owner.
pub(crate) struct Smtp {
    child: Child,
    pub(crate) port: u16,
    lines: Mutex<Receiver<Value>>,
    folder: TempDir,
}

impl Smtp {
    /// Without TLS and without asking who sends.
    pub(crate) fn start(python: &Path) -> Self {
        Self::with(python, "none", None)
    }

    /// `security` is none, tls or starttls; `login` is `USER:PASSWORD`.
    pub(crate) fn with(python: &Path, security: &str, login: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let mut command = Command::new(python.join("python3"));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../mail/tests/support/smtp.py"));
        command.args(["--security", security]);
        command.arg("--cert").arg(folder.path().join("cert.pem")).arg("--key").arg(folder.path().join("key.pem"));
        if let Some(login) = login {
            command.args(["--login", login]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // A test that has ended listens no more; the pipe is still to be drained.
                let _ = send.send(serde_json::from_str(&line).unwrap());
            }
        });
        let first: Value = lines.recv_timeout(PATIENCE).unwrap();
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Self { child, port, lines: Mutex::new(lines), folder }
    }

    /// The certificate that vouches for this server, which is called localhost.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// The next message that was taken.
    pub(crate) fn next(&self) -> Value {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(PATIENCE).unwrap()
    }

    /// Whether nothing was taken that [`Smtp::next`] has not shown.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).try_recv().is_err()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The link in a message, and the code in it.
pub(crate) fn link(message: &Value) -> (String, String) {
    let plain = message["plain"].as_str().unwrap();
    let link = plain.lines().find(|line| line.contains("#code=")).unwrap_or_else(|| panic!("no link: {plain}"));
    (link.to_owned(), link.split("#code=").nth(1).unwrap().to_owned())
}
