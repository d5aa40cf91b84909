//! Flags for the settings that are set most often, and settings that belong together as examples.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ConfigFlags;
use crate::config::FlagValue;

/// Shorthands for the settings that are set most often.
#[derive(Debug, Default, Args)]
pub(crate) struct ServeFlags {
    #[command(flatten)]
    pub(crate) config: ConfigFlags,
    /// Address and port to listen on; port 0 takes a free one [default: 0.0.0.0:8086]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<String>,
    /// Address and port to listen on for MQTT, such as 0.0.0.0:1883 [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    mqtt: Option<String>,
    /// Address and port to listen on for MQTT over TLS, such as 0.0.0.0:8883 [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    mqtt_tls: Option<String>,
    /// MQTT over WebSocket at /mqtt of the HTTP address
    #[arg(long)]
    mqtt_websocket: bool,
    /// Address and port to listen on for CoAP over UDP, such as 0.0.0.0:5683 [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    coap: Option<String>,
    /// Address and port to listen on for CoAP over TCP, such as 0.0.0.0:5683 [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    coap_tcp: Option<String>,
    /// Address and port to listen on for CoAP over DTLS, such as 0.0.0.0:5684 [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    coap_dtls: Option<String>,
    /// CoAP over WebSocket at /coap of the HTTP address
    #[arg(long)]
    coap_websocket: bool,
    /// The settings of an example; other settings may follow
    #[arg(long, value_enum, value_name = "NAME")]
    example: Option<Example>,
    /// Address to listen on for PostgreSQL's protocol, read-only; the port is 5433 unless it is named [default: none]
    #[arg(long, value_name = "ADDRESS")]
    postgres: Option<String>,
    /// Certificate chain for HTTPS (PEM); taken up anew when the file changes
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key for HTTPS (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// HTTPS with a certificate that the server makes for itself
    #[arg(long)]
    tls_self_signed: bool,
    /// Do not sample this machine's own vitals
    #[arg(long)]
    no_host_metrics: bool,
    /// error, warn, info, debug, trace, or per module: info,sensorium_store=debug [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// auto, text or json [default: auto: text on a terminal, else JSON]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

/// Settings that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Example {
    /// A laboratory: CoAP on port 5683 takes `POST /sensors/dht/temperature` and `/humidity` from anyone
    CoapLab,
}

impl Example {
    fn values(self) -> Vec<FlagValue> {
        let value = |key: &str, text: &str| (key.to_owned(), text.to_owned(), "--example");
        match self {
            Self::CoapLab => vec![value("coap.listen", "0.0.0.0:5683"), value("coap.route", COAP_LAB)],
        }
    }
}

const COAP_LAB: &str = r#"[{
    "path": "/sensors/dht/{field}",
    "methods": ["POST", "PUT", "GET"],
    "database": "dht",
    "table": "{field}",
    "field": "value",
    "tags": {"place": "room1"},
    "reply_code": "2.05",
    "reply": "{Field}={value} saved successfully!",
    "allow": "anyone"
}]"#;

impl ServeFlags {
    /// The settings that the flags make.
    pub(crate) fn values(&self) -> Vec<FlagValue> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut values: Vec<FlagValue> = self.example.into_iter().flat_map(Example::values).collect();
        values.extend(self.config.values());
        let mut add = |key: &str, value: Option<String>, flag| {
            values.extend(value.map(|value| (key.to_owned(), value, flag)));
        };
        add("http.listen", self.http.clone(), "--http");
        add("mqtt.listen", self.mqtt.clone(), "--mqtt");
        add("mqtt.listen_tls", self.mqtt_tls.clone(), "--mqtt-tls");
        add("mqtt.websocket", self.mqtt_websocket.then(|| "true".to_owned()), "--mqtt-websocket");
        add("coap.listen", self.coap.clone(), "--coap");
        add("coap.tcp", self.coap_tcp.clone(), "--coap-tcp");
        add("coap.dtls", self.coap_dtls.clone(), "--coap-dtls");
        add("coap.websocket", self.coap_websocket.then(|| "true".to_owned()), "--coap-websocket");
        add("postgres.listen", self.postgres.clone(), "--postgres");
        add("tls.cert", self.tls_cert.as_ref().map(text), "--tls-cert");
        add("tls.key", self.tls_key.as_ref().map(text), "--tls-key");
        add("tls.self_signed", self.tls_self_signed.then(|| "true".to_owned()), "--tls-self-signed");
        add("host_metrics.enabled", self.no_host_metrics.then(|| "false".to_owned()), "--no-host-metrics");
        add("log.level", self.log_level.clone(), "--log-level");
        add("log.format", self.log_format.clone(), "--log-format");
        values
    }
}
