//! HTTPS, with a certificate for `localhost` that is good until 2126.

use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;

use crate::support::{Start, TOKEN, block_on, fail, sensorium, succeed};

fn fixture(name: &str) -> PathBuf {
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
    assert!(sentence.contains("http.tls_cert") && sentence.contains("/nowhere.pem"), "{sentence}");
    let sentence = fail(&mut serve(fixture("cert.pem"), fixture("cert.pem")));
    assert!(sentence.contains("http.tls_key"), "{sentence}");
    let sentence = fail(&mut serve(fixture("cert.pem"), fixture("other-key.pem")));
    assert!(sentence.contains("do not belong together"), "{sentence}");
}
