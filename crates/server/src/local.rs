//! `server.json` in the data folder: how commands on the same machine reach the running server.
//!
//! Readable by its owner alone (mode 0600). The token in it lives in the server's memory only, so a file that a crash left
//! behind opens nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rand::Rng;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};

const FILE: &str = "server.json";
/// 43 of 62 characters hold 256 bits.
const TOKEN_CHARACTERS: usize = 43;

/// Where a server listens to other protocols than HTTP, without TLS.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Addresses {
    pub(crate) mqtt: Option<SocketAddr>,
    pub(crate) coap: Option<SocketAddr>,
    pub(crate) coap_tcp: Option<SocketAddr>,
    pub(crate) coap_dtls: Option<SocketAddr>,
    pub(crate) postgres: Option<SocketAddr>,
}

/// What the file says.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LocalServer {
    /// Where the server listens, such as `http://127.0.0.1:8086`.
    pub(crate) url: String,
    /// An all-access token for as long as the server runs.
    pub(crate) token: String,
    /// The server's process id.
    pub(crate) pid: u32,
    /// Where it listens to MQTT without TLS, such as `127.0.0.1:1883`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mqtt: Option<String>,
    /// Where it listens to CoAP over UDP, such as `127.0.0.1:5683`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) coap: Option<String>,
    /// Where it listens to CoAP over TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) coap_tcp: Option<String>,
    /// Where it listens to CoAP over DTLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) coap_dtls: Option<String>,
    /// Where it listens to PostgreSQL's protocol, such as `127.0.0.1:5433`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) postgres: Option<String>,
}

impl LocalServer {
    /// A new random token for this process.
    pub(crate) fn new(url: String, others: Addresses) -> Self {
        let random = rand::rng().sample_iter(Alphanumeric).take(TOKEN_CHARACTERS).map(char::from);
        let token = "local_".chars().chain(random).collect();
        let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        let Addresses { mqtt, coap, coap_tcp, coap_dtls, postgres } = others;
        Self {
            url,
            token,
            pid: std::process::id(),
            mqtt: text(mqtt),
            coap: text(coap),
            coap_tcp: text(coap_tcp),
            coap_dtls: text(coap_dtls),
            postgres: text(postgres),
        }
    }

    /// Writes the file; it appears whole or not at all.
    pub(crate) fn write(&self, data_dir: &Path) -> io::Result<LocalFile> {
        let path = data_dir.join(FILE);
        let draft = data_dir.join("server.json.new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        fs::rename(&draft, &path)?;
        Ok(LocalFile { path })
    }

    /// The server that the file names, if there is such a file.
    pub(crate) fn read(data_dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(data_dir.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The written file; removed when dropped.
pub(crate) struct LocalFile {
    path: PathBuf,
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_private_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("server.json.new"), "left by a crash").unwrap();
        let server = LocalServer::new("http://127.0.0.1:1".into(), Addresses::default());
        let file = server.write(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let read = LocalServer::read(folder.path()).unwrap().unwrap();
        assert_eq!((read.url, read.token, read.pid), (server.url, server.token, server.pid));
        drop(file);
        assert!(LocalServer::read(folder.path()).unwrap().is_none());
    }

    #[test]
    fn tokens_differ() {
        let token = || LocalServer::new(String::new(), Addresses::default()).token;
        assert_ne!(token(), token());
        assert_eq!(token().len(), "local_".len() + TOKEN_CHARACTERS);
    }
}
