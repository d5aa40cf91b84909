//! CoAP over DTLS with libcoap's clients, of which one is made with OpenSSL and one with GnuTLS: devices of the registry come in, with
//! keys and with certificates, and nobody else does.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};

use rcgen::{CertificateParams, DnType, KeyPair};
use sensorium_metadata::{NewCredential, NewDevice, Proof};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::post;
use crate::registry_files::another_organisation;
use crate::support::{Server, Start, block_on, wait_for};
use crate::tls::fixture;

const CLIENTS: [&str; 2] = ["coap-client-openssl", "coap-client-gnutls"];
/// A key as libcoap's clients take it.
const KEY: &str = "correct horse 17 battery";

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// What a client prints, which ends well even when it came to nothing.
fn run(client: &str, args: &[&str]) -> String {
    let output = Command::new(client).args(args).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn start(data_dir: &Path) -> Start {
    Start::at(data_dir).quiet().arg("--coap-dtls").arg("127.0.0.1:0")
}

fn with_certificates(data_dir: &Path) -> Start {
    let start = start(data_dir).arg("--tls-cert").arg(fixture("cert.pem")).arg("--tls-key").arg(fixture("key.pem"));
    start.set("coap.client_certificates", true)
}

fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    (folder, data_dir)
}

/// A device with a credential; the address of the credential.
fn device(server: &Server, name: &str, credential: &Value) -> String {
    let made = call(server, reqwest::Method::POST, "/api/v1/devices", &json!({"name": name}));
    let credentials = format!("/api/v1/devices/{}/credentials", made["id"].as_str().unwrap());
    let made = call(server, reqwest::Method::POST, &credentials, credential);
    format!("{credentials}/{}", made["credential"]["id"].as_str().unwrap())
}

/// Asks without TLS, which the server takes from its own machine.
fn call(server: &Server, method: reqwest::Method, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", server.local_url());
    let request = crate::support::client().request(method, url).bearer_auth(server.local_token()).json(body);
    let text = block_on(async { request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap() });
    serde_json::from_str(&text).unwrap_or_default()
}

fn rows(server: &Server, table: &str) -> u64 {
    let sql = format!("SELECT count(*) FROM information_schema.tables WHERE table_name = '{table}'");
    if server.query(&sql) == [[json!(0)]] {
        return 0;
    }
    server.query(&format!("SELECT count(*) FROM {table}"))[0][0].as_u64().unwrap()
}

/// Stores a reading with further arguments of the client; what it printed.
fn store(client: &str, server: SocketAddr, table: &str, args: &[&str]) -> String {
    let address = format!("coaps://{server}/readings?table={table}&field=value");
    run(client, &[args, &["-B", "5", "-m", "post", "-t", "0", "-e", "21.5", &address]].concat())
}

fn counted(server: &Server, metric: &str) -> u64 {
    let request = crate::support::client().get(format!("{}/metrics", server.local_url()));
    let request = request.bearer_auth(server.local_token());
    let text = block_on(async { request.send().await.unwrap().text().await.unwrap() });
    let line = text.lines().find(|line| line.starts_with(metric));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_device_with_its_key_stores_as_itself() {
    let (_folder, data_dir) = folder();
    let server = start(&data_dir).start();
    device(&server, "dtls-attic", &json!({"kind": "psk", "label": "box", "identity": "attic-1", "key": hex(KEY)}));
    for (number, client) in CLIENTS.into_iter().enumerate() {
        store(client, server.coap_dtls(), "dtls_psk", &["-u", "attic-1", "-k", KEY]);
        assert_eq!(rows(&server, "dtls_psk"), number as u64 + 1, "{client}");
    }
    assert_eq!(server.query("SELECT DISTINCT device FROM dtls_psk"), [[json!("dtls-attic")]]);
    assert!(!server.log().contains("attic-1") && !server.log().contains(KEY) && !server.log().contains(&hex(KEY)));
}

#[test]
fn a_wrong_key_and_an_unknown_identity_store_nothing_and_are_counted() {
    let (_folder, data_dir) = folder();
    let server = start(&data_dir).start();
    device(&server, "dtls-attic", &json!({"kind": "psk", "label": "box", "identity": "attic-1", "key": hex(KEY)}));
    for client in CLIENTS {
        for (identity, key, reason) in
            [("attic-1", "another key of 16 bytes", "wrong_key"), ("attic-2", KEY, "unknown_identity")]
        {
            let metric = format!("sensorium_coap_dtls_failed_total{{reason=\"{reason}\"}}");
            let before = counted(&server, &metric);
            store(client, server.coap_dtls(), "dtls_refused", &["-u", identity, "-k", key]);
            assert!(counted(&server, &metric) > before, "{client}: {reason}");
        }
    }
    assert_eq!(rows(&server, "dtls_refused"), 0);
}

#[test]
fn a_revoked_key_is_refused() {
    let (_folder, data_dir) = folder();
    let server = start(&data_dir).start();
    let credential = json!({"kind": "psk", "label": "box", "identity": "attic-1", "key": hex(KEY)});
    let credential = device(&server, "dtls-attic", &credential);
    let args = ["-u", "attic-1", "-k", KEY];
    store(CLIENTS[0], server.coap_dtls(), "dtls_revoked", &args);
    call(&server, reqwest::Method::DELETE, &credential, &Value::Null);
    store(CLIENTS[0], server.coap_dtls(), "dtls_revoked", &args);
    assert_eq!(rows(&server, "dtls_revoked"), 1);
}

/// A certificate in PEM form, and a file with its key, too.
fn certificate(folder: &Path, name: &str) -> (String, String) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    let file = folder.join(format!("{name}.pem"));
    std::fs::write(&file, made.pem() + &key.serialize_pem()).unwrap();
    (made.pem(), file.to_str().unwrap().to_owned())
}

#[test]
fn a_device_with_its_certificate_stores_as_itself_and_others_do_not() {
    let (folder, data_dir) = folder();
    let server = with_certificates(&data_dir).start();
    let (ours, known) = certificate(folder.path(), "attic");
    let (_, unknown) = certificate(folder.path(), "stranger");
    device(&server, "dtls-attic", &json!({"kind": "x509", "label": "factory", "certificate": ours}));
    let trusted = fixture("cert.pem");
    let trusted = trusted.to_str().unwrap();
    for (number, client) in CLIENTS.into_iter().enumerate() {
        let before = counted(&server, "sensorium_coap_dtls_failed_total{reason=\"certificate\"}");
        store(client, server.coap_dtls(), "dtls_x509", &["-c", &unknown, "-R", trusted]);
        store(client, server.coap_dtls(), "dtls_x509", &["-R", trusted]);
        let after = counted(&server, "sensorium_coap_dtls_failed_total{reason=\"certificate\"}");
        assert!(after >= before + 2, "{client}");
        store(client, server.coap_dtls(), "dtls_x509", &["-c", &known, "-R", trusted]);
        assert_eq!(rows(&server, "dtls_x509"), number as u64 + 1, "{client}");
    }
    assert_eq!(server.query("SELECT DISTINCT device FROM dtls_x509"), [[json!("dtls-attic")]]);
}

#[test]
fn another_organisations_device_does_not_reach_these() {
    let (_folder, data_dir) = folder();
    assert!(Start::at(&data_dir).quiet().start().stop().success());
    block_on(async {
        let (metadata, somebody) = another_organisation(&data_dir).await;
        let new = NewDevice {
            name: "attic".into(),
            type_id: None,
            attributes: [].into(),
            tags: [].into(),
            writes_as: None,
            enabled: true,
            location: None,
            position: None,
        };
        let device = metadata.create_device(&somebody, new).await.unwrap().id;
        let proof = Proof::PreSharedKey { identity: Some("theirs".into()), key: Some(hex(KEY).into()) };
        let new = NewCredential { label: "factory".into(), expires_at_ms: None, proof };
        metadata.create_device_credential(&somebody, device, new).await.unwrap();
        metadata.close().await.unwrap();
    });
    let server = start(&data_dir).start();
    server.write("main", "room,device=attic temperature=21.5");
    post(&server, "/api/v1/devices", &json!({"name": "attic"}));
    let args = ["-u", "theirs", "-k", KEY, "-B", "5"];
    store(CLIENTS[0], server.coap_dtls(), "room", &args[..4]);
    assert_eq!(rows(&server, "room"), 1, "it has no place to write to");
    for path in ["/devices/attic/temperature", "/room?device=attic"] {
        let address = format!("coaps://{}{path}", server.coap_dtls());
        let shown = run(CLIENTS[0], &[&args[..], &["-m", "get", &address]].concat());
        assert!(!shown.contains("21.5") && shown.contains("4."), "{path}: {shown}");
    }
}

/// Bytes of memory that the process uses.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1_024
}

#[test]
fn a_flood_of_greetings_is_answered_and_not_remembered() {
    const GREETINGS: u32 = 50_000;
    let (_folder, data_dir) = folder();
    let server = start(&data_dir).start();
    device(&server, "dtls-attic", &json!({"kind": "psk", "label": "box", "identity": "attic-1", "key": hex(KEY)}));
    store(CLIENTS[0], server.coap_dtls(), "dtls_flood", &["-u", "attic-1", "-k", KEY]);
    let before = resident(&server);
    let sockets: Vec<UdpSocket> = (0..50).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    for number in 0..GREETINGS {
        let socket = &sockets[number as usize % sockets.len()];
        socket.send_to(&greeting(number), server.coap_dtls()).unwrap();
    }
    wait_for("the greetings", || {
        (counted(&server, "sensorium_coap_dtls_greetings_total") > u64::from(GREETINGS) / 10).then_some(())
    });
    store(CLIENTS[0], server.coap_dtls(), "dtls_flood", &["-u", "attic-1", "-k", KEY]);
    assert_eq!(rows(&server, "dtls_flood"), 2);
    assert!(counted(&server, "sensorium_coap_dtls_peers") < 10);
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < u64::from(GREETINGS) * 1_024, "it has grown by {grown} bytes");
}

/// A first greeting that offers TLS_PSK_WITH_AES_128_CCM_8.
fn greeting(number: u32) -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend_from_slice(&number.to_be_bytes().repeat(8));
    body.extend_from_slice(&[0, 0, 0, 2, 0xc0, 0xa8, 1, 0]);
    let length = body.len() as u8;
    let mut datagram = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, length + 12];
    datagram.extend_from_slice(&[1, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length]);
    datagram.extend_from_slice(&body);
    datagram
}
