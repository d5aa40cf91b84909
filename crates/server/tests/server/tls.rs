//! HTTPS: with a certificate for `localhost` that is good until 2126, with one that the server makes, and with another one while
//! it runs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use sha2::{Digest, Sha256};

use crate::support::{Server, Start, TOKEN, block_on, fail, sensorium, succeed, wait_for};

pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls")).join(name)
}

fn tls() -> Start {
    Start::new().quiet().arg("--tls-cert").arg(fixture("cert.pem")).arg("--tls-key").arg(fixture("key.pem"))
}

fn client() -> reqwest::Client {
    let _already = rustls::crypto::ring::default_provider().install_default();
    let certificate = reqwest::Certificate::from_pem(&std::fs::read(fixture("cert.pem")).unwrap()).unwrap();
    reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap()
}

#[test]
fn clients_that_trust_the_certificate_get_in_and_a_stalled_handshake_delays_nobody() {
    let server = tls().start();
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    // Connections that say nothing, or no TLS, while others are served.
    let address = server.url().trim_start_matches("https://").to_owned();
    let silent: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let mut plain = TcpStream::connect(&address).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();

    let url = format!("https://localhost:{}/api/v1/databases", address.rsplit(':').next().unwrap());
    let status = block_on(async { client().get(url).bearer_auth(TOKEN).send().await.unwrap().status() });
    assert_eq!(status, 200);
    // Commands on this machine need not know the certificate.
    assert!(succeed(&mut server.command(&["query", "-f", "csv", "SELECT 1 AS one"])).ends_with("1\n"));
    drop(silent);
    assert!(server.stop().success());
}

#[test]
fn a_client_that_does_not_trust_the_certificate_says_so() {
    let server = tls().start();
    let sentence = fail(sensorium().args(["query", "SELECT 1", "--token", TOKEN, "--url", server.url()]));
    assert!(sentence.contains("cannot reach") && sentence.to_lowercase().contains("certificate"), "{sentence}");
}

#[test]
fn wrong_files_are_clear_sentences() {
    let serve = |cert: PathBuf, key: PathBuf| {
        let mut command = sensorium();
        command.args(["serve", "--http", "127.0.0.1:0", "--data-dir", "/proc/none"]);
        command.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key);
        command
    };
    let sentence = fail(&mut serve("/nowhere.pem".into(), fixture("key.pem")));
    assert!(sentence.contains("tls.cert") && sentence.contains("/nowhere.pem"), "{sentence}");
    let sentence = fail(&mut serve(fixture("cert.pem"), fixture("cert.pem")));
    assert!(sentence.contains("tls.key"), "{sentence}");
    let sentence = fail(&mut serve(fixture("cert.pem"), fixture("other-key.pem")));
    assert!(sentence.contains("do not belong together"), "{sentence}");
}

/// Takes every certificate, because the test looks at it itself.
#[derive(Debug)]
pub(crate) struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A connection of one TLS client, whose sessions are resumed if the server lets it.
struct Connection(StreamOwned<ClientConnection, TcpStream>);

pub(crate) fn trusting() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.dangerous().with_custom_certificate_verifier(Arc::new(Anything)).with_no_client_auth())
}

impl Connection {
    fn open(server: &Server, config: &Arc<ClientConfig>) -> Self {
        let socket = TcpStream::connect(server.url().trim_start_matches("https://")).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = Self(StreamOwned::new(ClientConnection::new(config.clone(), name).unwrap(), socket));
        connection.ping();
        connection
    }

    /// Asks something and returns the head of the answer.
    fn ping(&mut self) -> String {
        self.0.write_all(b"GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(self.0.read(&mut byte).unwrap(), 1, "closed after {}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 204"), "{head}");
        head
    }

    fn fingerprint(&self) -> String {
        print(&self.0.conn.peer_certificates().unwrap()[0])
    }
}

fn print(certificate: &CertificateDer<'_>) -> String {
    Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// An answer on the listener without TLS that commands on this machine use.
fn local(server: &Server, path: &str) -> reqwest::Response {
    let url = format!("{}{path}", server.local_url());
    block_on(async { crate::support::client().get(url).bearer_auth(TOKEN).send().await.unwrap() })
}

fn reloads(server: &Server, outcome: &str) -> u64 {
    let figures = block_on(local(server, "/metrics").text()).unwrap();
    let name = format!("sensorium_tls_reloads_total{{outcome=\"{outcome}\"}} ");
    figures.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}

/// Writes a new certificate and its key; returns its fingerprint.
fn write_pair(cert: &Path, key: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(cert, made.cert.pem()).unwrap();
    std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
    print(made.cert.der())
}

#[test]
fn a_certificate_of_its_own_has_the_fingerprint_that_is_printed_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Start::at(&folder.path().join("data")).quiet().arg("--tls-self-signed").start();
    let server = start();
    let printed =
        server.printed().iter().find_map(|line| line.strip_prefix("Certificate SHA-256 ")).unwrap().to_owned();
    let mut connection = Connection::open(&server, &trusting());
    assert_eq!(connection.fingerprint(), printed);
    let head = connection.ping();
    assert!(!head.contains("strict-transport-security"), "browsers would shut themselves out: {head}");

    let cert = server.data_dir().join("tls/self-signed.pem");
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    let curl = |name: &str, trusts: bool| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--noproxy", "*", &format!("https://{name}:{port}/health")]);
        if trusts {
            command.arg("--cacert").arg(&cert);
        }
        command
    };
    for name in ["localhost", "127.0.0.1"] {
        assert!(succeed(&mut curl(name, true)).contains("\"pass\""));
        let refused = curl(name, false).output().unwrap();
        assert_eq!(refused.status.code(), Some(60), "{}", String::from_utf8_lossy(&refused.stderr));
    }
    assert!(succeed(&mut server.command(&["query", "-f", "csv", "SELECT 1 AS one"])).ends_with("1\n"));
    assert!(server.stop().success());
    let again = start();
    assert_eq!(Connection::open(&again, &trusting()).fingerprint(), printed, "made once");
}

#[test]
fn another_certificate_is_taken_up_while_old_connections_go_on_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let first = write_pair(&cert, &key);
    let server = Start::new().quiet().arg("--tls-cert").arg(&cert).arg("--tls-key").arg(&key).start();
    let client = trusting();
    let mut old = Connection::open(&server, &client);
    assert_eq!(old.fingerprint(), first);

    // At the signal, whatever the files look like from outside.
    let second = write_pair(&cert, &key);
    server.signal(Signal::HUP);
    let presented = |expected: &str| {
        wait_for("the other certificate", || {
            (Connection::open(&server, &client).fingerprint() == expected).then_some(())
        });
    };
    presented(&second);
    old.ping();
    assert_eq!(old.fingerprint(), first);

    std::fs::write(&cert, "-----BEGIN NOTHING-----\n").unwrap();
    wait_for("the broken file is noticed", || (reloads(&server, "refused") > 0).then_some(()));
    presented(&second);

    // By the files alone, and without a word more about the broken one.
    let third = write_pair(&cert, &key);
    presented(&third);
    old.ping();
    assert_eq!(reloads(&server, "refused"), 1);
    assert!(reloads(&server, "taken") >= 2);
    let complaints = server.log().lines().filter(|line| line.contains("the one before stays")).count();
    assert_eq!(complaints, 1, "{}", server.log());
    assert!(server.stop().success(), "SIGHUP ended nothing");
}

#[test]
fn browsers_are_asked_to_stay_with_https_where_they_trust_the_certificate() {
    let server = tls().set("tls.hsts_seconds", 600).start();
    let mut connection = Connection::open(&server, &trusting());
    assert!(connection.ping().contains("strict-transport-security: max-age=600\r\n"));
    let expected = CertificateDer::from_pem_file(fixture("cert.pem")).unwrap();
    assert_eq!(connection.fingerprint(), print(&expected));
    let plain = local(&server, "/ping");
    assert!(plain.headers().get("strict-transport-security").is_none(), "never without TLS (RFC 6797, section 7.2)");
    drop(server);
    let server = tls().set("tls.hsts_seconds", 0).start();
    assert!(!Connection::open(&server, &trusting()).ping().contains("strict-transport-security"));
}
