//! MQTT over TLS with client certificates: a device that has one of the registry needs no password, and nobody else comes in with one.
//!
//! Each test has a server of its own, with TLS; that a revoked certificate ends a connection is waited for as long as it takes.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, SignatureScheme, StreamOwned, SupportedProtocolVersion};
use sensorium_metadata::{NewCredential, NewDevice, Proof};
use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Connect, Packet, Qos, Version};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::PAYLOAD;
use super::client::{Client, connect, wire};
use crate::registry_files::another_organisation;
use crate::support::{DEADLINE, Server, Start, TOKEN, block_on, client as http, succeed, wait_for};
use crate::tls::{Anything, fixture};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// A certificate with its key.
struct Pair {
    pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

fn pair() -> Pair {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "attic");
    let key = KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    Pair { pem: made.pem(), der: made.der().clone(), key }
}

/// Shows a certificate with any key.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A server that asks for certificates.
struct Asking {
    server: Server,
    address: SocketAddr,
    _folder: TempDir,
}

impl Asking {
    fn start() -> Self {
        Self::after(|_| ())
    }

    /// After something was done with the folder of its data.
    fn after(prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        prepare(&data_dir);
        let server = Start::at(&data_dir)
            .quiet()
            .arg("--tls-cert")
            .arg(fixture("cert.pem"))
            .arg("--tls-key")
            .arg(fixture("key.pem"))
            .arg("--mqtt-tls")
            .arg("127.0.0.1:0")
            .set("mqtt.client_certificates", true)
            .start();
        let address = wait_for("the listener", || {
            let lines: Vec<Value> = server.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let line = lines.into_iter().find(|line| line["message"] == "MQTT over TLS")?;
            line["address"].as_str()?.parse().ok()
        });
        Self { server, address, _folder: folder }
    }

    fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let request = http().request(method, format!("{}{path}", self.server.local_url())).bearer_auth(TOKEN);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let text = block_on(async { request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap() });
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// A new device with a certificate; the address of the certificate.
    fn device(&self, name: &str, pair: &Pair) -> String {
        let device = self.call(reqwest::Method::POST, "/api/v1/devices", Some(json!({"name": name})));
        let credentials = format!("/api/v1/devices/{}/credentials", device["id"].as_str().unwrap());
        let body = json!({"kind": "x509", "label": "factory", "certificate": pair.pem});
        let made = self.call(reqwest::Method::POST, &credentials, Some(body));
        format!("{credentials}/{}", made["credential"]["id"].as_str().unwrap())
    }

    /// A TLS connection that shows a certificate with a key, or none.
    fn stream(
        &self,
        version: &'static SupportedProtocolVersion,
        shown: Option<(&Pair, &KeyPair)>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anything));
        let config = match shown {
            Some((pair, key)) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                let shows = CertifiedKey::new(vec![pair.der.clone()], any_supported_type(&key).unwrap());
                config.with_client_cert_resolver(Arc::new(Shows(Arc::new(shows))))
            }
            None => config.with_no_client_auth(),
        };
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket)
    }

    /// A client that shows a certificate; and what it is answered.
    fn hello(&self, shown: Option<&Pair>, connect: Connect) -> (Client, ReasonCode) {
        let stream = self.stream(&rustls::version::TLS13, shown.map(|pair| (pair, &pair.key)));
        let (client, ack) = Client::over(stream, connect.version).greet(connect);
        (client, ack.reason)
    }

    /// A client that is let in for its certificate and subscribes to what is its own.
    fn watcher(&self, pair: &Pair, client_id: &str) -> Client {
        let (mut client, reason) = self.hello(Some(pair), Connect::new(Version::V5, client_id));
        assert_eq!(reason, ReasonCode::Success);
        client.subscribe("+/attic/#", Qos::AtLeastOnce);
        client
    }
}

#[test]
fn a_device_publishes_with_its_certificate_and_its_organisation_alone_sees_it() {
    let theirs = pair();
    let asking = Asking::after(|data_dir| {
        assert!(Start::at(data_dir).quiet().start().stop().success());
        block_on(async {
            let (metadata, somebody) = another_organisation(data_dir).await;
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
            let proof = Proof::Certificate { pem: theirs.pem.clone() };
            let new = NewCredential { label: "factory".into(), expires_at_ms: None, proof };
            metadata.create_device_credential(&somebody, device, new).await.unwrap();
            metadata.close().await.unwrap();
        });
    });
    let ours = pair();
    asking.device("attic", &ours);
    let mut watcher = asking.watcher(&ours, "watcher");
    let mut stranger = asking.watcher(&theirs, "watcher");
    let (mut other, reason) = asking.hello(Some(&ours), Connect::new(Version::V5, "other"));
    assert_eq!(reason, ReasonCode::Success);
    assert_eq!(
        other.subscribe_all(vec![super::client::filter("#", Qos::AtMostOnce)], None),
        [ReasonCode::NotAuthorized]
    );

    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, &ours.pem).unwrap();
    std::fs::write(&key, ours.key.serialize_pem()).unwrap();
    for version in ["tlsv1.2", "tlsv1.3"] {
        let payload = json!({"tls": version}).to_string();
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "127.0.0.1", "-p", &asking.address.port().to_string(), "--insecure"]);
        command.args(["-V", "mqttv5", "-q", "1", "-t", "lab/attic/mqtt_certificate", "-m", &payload]);
        command.args(["--tls-version", version, "--cafile"]).arg(fixture("cert.pem"));
        succeed(command.arg("--cert").arg(&cert).arg("--key").arg(&key));
        assert_eq!(watcher.payload(), payload);
    }
    stranger.assert_silent();
    let sql = "/api/v1/sql?db=main&format=json&q=SELECT%20DISTINCT%20device%20FROM%20mqtt_certificate";
    assert_eq!(asking.call(reqwest::Method::GET, sql, None)["rows"], json!([["attic"]]));
    let theirs = stranger.publish("lab/attic/mqtt_certificate", Qos::AtMostOnce, PAYLOAD);
    assert_eq!(theirs, ReasonCode::Success);
    watcher.assert_silent();
}

#[test]
fn a_certificate_that_no_device_has_is_worth_nothing() {
    let asking = Asking::start();
    let nobody = pair();
    let without = || Connect::new(Version::V5, "somebody");
    for shown in [Some(&nobody), None] {
        let (mut client, reason) = asking.hello(shown, without());
        assert_eq!(reason, ReasonCode::NotAuthorized);
        assert!(client.rest().is_empty());
        let (_, reason) = asking.hello(shown, connect("somebody"));
        assert_eq!(reason, ReasonCode::Success, "a password is good with and without one");
    }
    let wrong = Connect { password: Some("wrong".into()), ..without() };
    let known = pair();
    asking.device("attic", &known);
    assert_eq!(asking.hello(Some(&known), wrong).1, ReasonCode::BadUserNameOrPassword, "what is sent is what counts");
}

#[test]
fn who_has_a_certificate_without_its_key_does_not_come_in() {
    use std::io::{Read, Write};
    let asking = Asking::start();
    let known = pair();
    asking.device("attic", &known);
    let other = KeyPair::generate().unwrap();
    let hello = wire(&Packet::Connect(Box::new(Connect::new(Version::V5, "thief"))), Version::V5);
    for version in VERSIONS {
        let mut owner = asking.stream(version, Some((&known, &known.key)));
        owner.write_all(&hello).unwrap();
        let mut answer = [0; 1];
        owner.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x20], "CONNACK");
        let mut thief = asking.stream(version, Some((&known, &other)));
        let answered = thief.write_all(&hello).and_then(|()| thief.read_exact(&mut answer));
        assert!(answered.is_err(), "{version:?}");
    }
}

#[test]
fn a_revoked_certificate_ends_the_connection_that_was_made_with_it() {
    let asking = Asking::start();
    let (revoked, kept) = (pair(), pair());
    let certificate = asking.device("attic", &revoked);
    asking.device("cellar", &kept);
    let mut client = asking.watcher(&revoked, "revoked");
    let (mut other, _) = asking.hello(Some(&kept), Connect::new(Version::V5, "kept"));
    asking.call(reqwest::Method::DELETE, &certificate, None);
    let (_, reason) = asking.hello(Some(&revoked), Connect::new(Version::V5, "later"));
    assert_eq!(reason, ReasonCode::NotAuthorized);
    assert_eq!(client.ended(), Some(ReasonCode::NotAuthorized));
    other.assert_silent();
}
