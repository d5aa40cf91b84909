//! `[[mqtt.bridge]]`: connections to other brokers.

use std::path::{Path, PathBuf};

use sensorium_gateways::mqtt::{BridgeConfig, MOST_BRIDGES};
use sensorium_protocols::mqtt::TopicFilter;
use sensorium_protocols::mqtt::packet::Qos;
use serde::{Deserialize, Serialize};

/// The key of the list.
const KEY: &str = "mqtt.bridge";

/// A bridge.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BridgeSettings {
    /// What it is called here.
    pub(crate) name: String,
    /// Host and port of the other broker.
    pub(crate) address: String,
    /// Whether it speaks TLS.
    #[serde(default)]
    pub(crate) tls: bool,
    /// A PEM file with the certificates that it is trusted by; without, those of this machine.
    #[serde(default)]
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(default)]
    pub(crate) user: Option<String>,
    /// A file with the password.
    #[serde(default)]
    pub(crate) password_file: Option<PathBuf>,
    /// What this server calls itself there; `sensorium-` and the name of the bridge, if it is not set.
    #[serde(default)]
    pub(crate) client_id: Option<String>,
    /// Topic filters of messages that go out.
    #[serde(default)]
    pub(crate) out: Vec<String>,
    /// Topic filters, of the other broker, of messages that come in.
    #[serde(default, rename = "in")]
    pub(crate) inward: Vec<String>,
    /// What stands before a topic of the other broker here.
    #[serde(default)]
    pub(crate) prefix_in: String,
    /// What stands before a topic of this broker there.
    #[serde(default)]
    pub(crate) prefix_out: String,
    /// The highest with which messages go over it: 0 or 1.
    #[serde(default = "default_qos")]
    pub(crate) qos: u8,
    /// Messages that wait to go out.
    #[serde(default = "default_messages")]
    pub(crate) queued_messages: usize,
    /// Bytes of them.
    #[serde(default = "default_bytes")]
    pub(crate) queued_bytes: usize,
}

const fn default_qos() -> u8 {
    1
}

const fn default_messages() -> usize {
    10_000
}

const fn default_bytes() -> usize {
    16 * 1_024 * 1_024
}

/// The bridges; the key and a sentence where they cannot be. Reads the files that they name.
pub(super) fn bridges(list: &[BridgeSettings]) -> Result<Vec<BridgeConfig>, (&'static str, String)> {
    if list.len() > MOST_BRIDGES {
        return Err((KEY, format!("there are {}; at most {MOST_BRIDGES} are allowed (a fixed limit)", list.len())));
    }
    let bridge = |(place, settings): (usize, &BridgeSettings)| {
        if list.iter().take(place).any(|other| other.name == settings.name) {
            return Err((KEY, format!("two are called {:?}; give each a name of its own", settings.name)));
        }
        settings.config().map_err(|sentence| (KEY, format!("{:?}: {sentence}", settings.name)))
    };
    list.iter().enumerate().map(bridge).collect()
}

impl BridgeSettings {
    fn config(&self) -> Result<BridgeConfig, String> {
        let is_name =
            |text: &str| !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name(&self.name) {
            return Err("a name has 1 to 64 letters, digits and signs without spaces".to_owned());
        }
        let port = self.address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let (host, port) = port
            .filter(|(host, port)| !host.is_empty() && *port > 0)
            .ok_or("address is no host with a port, such as broker.example:1883")?;
        if self.out.is_empty() && self.inward.is_empty() {
            return Err("it carries nothing; set out, in or both".to_owned());
        }
        let qos = Qos::from_bits(self.qos).filter(|qos| *qos <= Qos::AtLeastOnce).ok_or("qos is 0 or 1")?;
        if [&self.prefix_in, &self.prefix_out].into_iter().any(|prefix| prefix.contains(['+', '#', '\0'])) {
            return Err("a prefix stands before topics, and has no wildcards".to_owned());
        }
        if self.ca_file.is_some() && !self.tls {
            return Err("ca_file is for TLS; set tls = true, too".to_owned());
        }
        if self.queued_messages == 0 || self.queued_bytes == 0 {
            return Err("without room in queued_messages and queued_bytes nothing goes out".to_owned());
        }
        let credential = match (&self.user, &self.password_file) {
            (Some(user), Some(file)) => Some((user.clone(), read(file, "password_file")?.trim_end().to_owned())),
            (Some(user), None) => Some((user.clone(), String::new())),
            (None, Some(_)) => return Err("there is a password and no user; set user, too".to_owned()),
            (None, None) => None,
        };
        let authorities = self.ca_file.as_deref().map(|file| read(file, "ca_file")).transpose()?;
        Ok(BridgeConfig {
            name: self.name.clone(),
            host: host.to_owned(),
            port,
            tls: self.tls,
            authorities: authorities.map(String::into_bytes),
            credential,
            client_id: self.client_id.clone().unwrap_or_else(|| format!("sensorium-{}", self.name)),
            out: filters(&self.out)?,
            inward: filters(&self.inward)?,
            prefix_in: self.prefix_in.clone(),
            prefix_out: self.prefix_out.clone(),
            qos,
            queued_messages: self.queued_messages,
            queued_bytes: self.queued_bytes,
        })
    }
}

fn filters(list: &[String]) -> Result<Vec<TopicFilter>, String> {
    let filter = |text: &String| {
        TopicFilter::try_from(std::sync::Arc::<str>::from(text.as_str())).map_err(|error| format!("{text:?}: {error}"))
    };
    list.iter().map(filter).collect()
}

fn read(path: &Path, key: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{key}: cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> BridgeSettings {
        serde_json::from_value(serde_json::json!({"name": "hall", "address": "[::1]:1883", "out": ["a/#"]})).unwrap()
    }

    #[test]
    fn what_cannot_be_is_said() {
        let config = bridges(&[good()]).unwrap();
        let [config] = config.as_slice() else { unreachable!() };
        assert_eq!((config.host.as_str(), config.port, config.client_id.as_str()), ("[::1]", 1883, "sensorium-hall"));
        assert!(bridges(&[good(), good()]).unwrap_err().1.contains("two are called"));
        for (settings, word) in [
            (BridgeSettings { name: "a b".into(), ..good() }, "name"),
            (BridgeSettings { address: "hall".into(), ..good() }, "address"),
            (BridgeSettings { address: ":1883".into(), ..good() }, "address"),
            (BridgeSettings { out: Vec::new(), ..good() }, "in or both"),
            (BridgeSettings { out: vec!["a+".into()], ..good() }, "a+"),
            (BridgeSettings { qos: 2, ..good() }, "qos"),
            (BridgeSettings { prefix_in: "#/".into(), ..good() }, "prefix"),
            (BridgeSettings { ca_file: Some("x".into()), ..good() }, "tls"),
            (BridgeSettings { password_file: Some("x".into()), ..good() }, "user"),
            (
                BridgeSettings { user: Some("u".into()), password_file: Some("/nowhere/x".into()), ..good() },
                "/nowhere/x",
            ),
            (BridgeSettings { queued_messages: 0, ..good() }, "queued_messages"),
        ] {
            let (key, sentence) = bridges(&[settings]).unwrap_err();
            assert!(key == KEY && sentence.contains(word), "{word}: {sentence}");
        }
        assert!(serde_json::from_value::<BridgeSettings>(serde_json::json!({"name": "x", "adress": "y"})).is_err());
    }
}
