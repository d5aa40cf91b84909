//! A whole server on a free port of the loopback address, and clients for it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, UInt32Type};
use arrow::ipc::reader::StreamReader;
use futures::{SinkExt, StreamExt};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sensorium_api::{ApiConfig, AppState, Mail, Oidc};
use sensorium_gateways::mqtt::{Mqtt, MqttConfig, MqttRates, MqttTraces, Rules, filters};
use sensorium_ingest::Ingest;
use sensorium_live::{Hub, HubConfig};
use sensorium_metadata::Metadata;
use sensorium_model::{
    Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Point, Value,
};
use sensorium_protocols::mqtt::MqttLimits;
use sensorium_query::{QueryConfig, QueryEngine};
use sensorium_store::{Durability, Store, StoreConfig};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use crate::postgres::metadata_of;

/// The all-access token of every test server.
pub(crate) const TOKEN: &str = "a-token-for-tests-0123456789";
/// 2023-11-14T22:13:20Z.
pub(crate) const T0: i64 = 1_700_000_000_000_000_000;
/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a test changes.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) hub: HubConfig,
    pub(crate) query: QueryConfig,
    pub(crate) api: ApiConfig,
    pub(crate) mail: Option<Mail>,
    /// Makes the provider to sign in with, given the address of the server.
    pub(crate) oidc: Option<Box<dyn FnOnce(SocketAddr) -> Oidc + Send>>,
    /// Room that is to be kept free on the disk, if it is not the default.
    pub(crate) disk_reserve_bytes: Option<u64>,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) state: AppState,
    pub(crate) setup_code: String,
    /// Where the MQTT broker listens.
    pub(crate) mqtt: SocketAddr,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (metadata, first) = Metadata::open(metadata_of(folder.path())).await.unwrap();
        metadata.bootstrap_token(TOKEN).await.unwrap();
        let hub = Hub::new(options.hub);
        let listener = hub.clone();
        let default = StoreConfig::new(folder.path().join("store"));
        let config = StoreConfig {
            durability: Durability::Memory,
            on_commit: Some(Arc::new(move |seq, batch| listener.publish(seq, batch))),
            disk_reserve_bytes: options.disk_reserve_bytes.unwrap_or(default.disk_reserve_bytes),
            ..default
        };
        let (store, _) = tokio::task::spawn_blocking(|| Store::open(config)).await.unwrap().unwrap();
        let query = QueryEngine::new(store.clone(), options.query).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ingest = Ingest::new(store.clone(), metadata.clone(), IngestLimits::default());
        let shutdown = CancellationToken::new();
        let (broker, mqtt) = broker(&ingest, &folder.path().join("mqtt.redb"), &shutdown).await;
        let state = AppState {
            store,
            query,
            metadata,
            hub,
            config: Arc::new(options.api),
            oidc: options.oidc.map(|make| make(address)),
            ingest,
            messaging: Some(Arc::new(broker)),
            mail: options.mail,
            metrics: recorder(),
            shutdown,
        };
        let server_state = state.clone();
        tokio::spawn(async move {
            let service = sensorium_api::router(server_state).into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        });
        let setup_code = first.setup_code.unwrap_or_default();
        let server = Self { address, state, setup_code, mqtt, _folder: folder };
        let main = server.key("main");
        server.in_store(move |store| store.create_database(&main).unwrap()).await;
        server
    }

    pub(crate) fn org(&self) -> OrgId {
        self.state.metadata.org()
    }

    pub(crate) fn key(&self, database: &str) -> DatabaseKey {
        DatabaseKey::new(self.org(), DatabaseName::new(database).unwrap())
    }

    /// Runs something that blocks on the store.
    pub(crate) async fn in_store<T: Send + 'static>(&self, run: impl FnOnce(Store) -> T + Send + 'static) -> T {
        let store = self.state.store.clone();
        tokio::task::spawn_blocking(move || run(store)).await.unwrap()
    }

    pub(crate) async fn write(&self, batch: Batch) -> u64 {
        let rows = batch.rows();
        let report = self.state.store.write(batch).await.unwrap();
        assert_eq!(report.accepted, rows);
        report.seq
    }

    /// Writes one value of series `s=<series>` of `table` in `main`.
    pub(crate) async fn write_value(&self, table: &str, series: &str, time_ns: i64, value: f64) -> u64 {
        self.write(rows(self.key("main"), [(table, series, time_ns, value)])).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        client().get(self.url(path)).bearer_auth(TOKEN).send().await.unwrap()
    }

    pub(crate) async fn connect(&self) -> Socket {
        self.connect_with(&[("authorization", &format!("Bearer {TOKEN}"))]).await.unwrap()
    }

    pub(crate) async fn connect_with(&self, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
        let mut request = format!("ws://{}/ws/live", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| Socket { socket })
    }
}

/// A broker that listens.
async fn broker(ingest: &Ingest, file: &Path, stop: &CancellationToken) -> (Mqtt, SocketAddr) {
    let config = MqttConfig {
        limits: MqttLimits::default(),
        rates: MqttRates::default(),
        traces: MqttTraces { traces: 1_000, ..MqttTraces::default() },
        redirect: None,
        connections: 100,
        sessions: 100,
        readers: 32,
        database: DatabaseName::new("main").unwrap(),
        rules: Rules::new("%u/#").unwrap(),
        not_stored: filters("cmnd/#").unwrap(),
        sparkplug_nodes: 10,
        sparkplug_metrics: 100,
        announced_topics: 100,
        spoken_devices: 100,
        journal_bytes: 1 << 20,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let broker = Mqtt::open(config, ingest.clone(), file, stop.clone()).unwrap();
    tokio::spawn(broker.clone().listen(listener, None));
    (broker, address)
}

/// A batch of one field `v` in series told apart by tag `s`.
pub(crate) fn rows<'a>(key: DatabaseKey, rows: impl IntoIterator<Item = (&'a str, &'a str, i64, f64)>) -> Batch {
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), i64::MAX / 2);
    for (line, (table, series, time_ns, value)) in rows.into_iter().enumerate() {
        let point = Point::new(table, time_ns).tag("s", series).field("v", Value::F64(value));
        builder.push(&point, line as u32 + 1).unwrap();
    }
    builder.finish(key)
}

pub(crate) fn client() -> reqwest::Client {
    // The client wants to know how TLS would be done, although nothing here speaks it. A second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap()).clone()
}

/// A live connection.
pub(crate) struct Socket {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// Something that the server sent.
#[derive(Debug)]
pub(crate) enum Received {
    Said(Json),
    Frame(Frame),
    Closed(u16, String),
    Ended,
}

/// A decoded binary frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) seq: u64,
    /// Subscription, table, series, field, milliseconds, value.
    pub(crate) points: Vec<(u32, String, String, String, f64, f64)>,
}

impl Socket {
    pub(crate) async fn send(&mut self, message: Json) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message that is not a ping.
    pub(crate) async fn receive(&mut self) -> Received {
        let next = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => return Received::Said(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Binary(bytes))) => return Received::Frame(decode(&bytes)),
                    Some(Ok(Message::Close(Some(frame)))) => {
                        return Received::Closed(frame.code.into(), frame.reason.to_string());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Received::Ended,
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("the server said nothing")
    }

    pub(crate) async fn said(&mut self) -> Json {
        match self.receive().await {
            Received::Said(message) => message,
            other => panic!("expected a message, received {other:?}"),
        }
    }

    pub(crate) async fn frame(&mut self) -> Frame {
        match self.receive().await {
            Received::Frame(frame) => frame,
            other => panic!("expected a frame, received {other:?}"),
        }
    }

    /// Reads until the server closes; the code and reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.receive().await {
                Received::Closed(code, reason) => return (code, reason),
                Received::Ended => panic!("the connection ended without a close frame"),
                Received::Said(_) | Received::Frame(_) => {}
            }
        }
    }

    /// Reads `hello`, then subscribes to a table of `main`; the answer to it.
    pub(crate) async fn subscribe(&mut self, id: u32, table: &str) -> Json {
        self.subscribe_with(serde_json::json!({"id": id, "table": table})).await
    }

    pub(crate) async fn subscribe_with(&mut self, with: Json) -> Json {
        let mut message = serde_json::json!({"type": "subscribe", "id": 1, "database": "main", "table": "*"});
        message.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        self.send(message).await;
        loop {
            let said = self.said().await;
            if said["type"] != "hello" {
                return said;
            }
        }
    }
}

fn decode(bytes: &[u8]) -> Frame {
    let seq = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let batches: Vec<_> = StreamReader::try_new(&bytes[8..], None).unwrap().map(Result::unwrap).collect();
    let [batch] = batches.as_slice() else { panic!("{} batches in a frame", batches.len()) };
    let word = |column: &str, row: usize| {
        let column = batch[column].as_dictionary::<Int32Type>();
        column.values().as_string::<i32>().value(column.keys().value(row) as usize).to_owned()
    };
    let points = (0..batch.num_rows()).map(|row| {
        let value = batch["value"].as_primitive::<Float64Type>();
        (
            batch["subscription"].as_primitive::<UInt32Type>().value(row),
            word("table", row),
            word("series", row),
            word("field", row),
            batch["time"].as_primitive::<Float64Type>().value(row),
            if value.is_null(row) { f64::NAN } else { value.value(row) },
        )
    });
    Frame { seq, points: points.collect() }
}

/// Asks again and again until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "not so in {PATIENCE:?}: {what}");
}
