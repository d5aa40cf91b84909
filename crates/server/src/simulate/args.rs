//! What can be typed behind `sensorium simulate`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::Url;

use crate::cli::ReachFlags;

/// The port of MQTT.
const PORT: u16 = 1883;

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    #[command(subcommand)]
    pub(super) what: Simulated,
}

#[derive(Debug, Subcommand)]
pub(super) enum Simulated {
    /// ESP8266 nodes that send temperature and humidity of a DHT11 or DHT22
    #[command(after_help = DHT_EXAMPLES)]
    Dht(DhtArgs),
    /// Sonoff switches with Tasmota, which are turned on and off
    #[command(after_help = SWITCH_EXAMPLES)]
    Switch(SwitchArgs),
}

/// What is shown behind the kinds of devices.
pub(crate) const EXAMPLES: &str = "\
Examples:
  sensorium simulate dht                            ESP8266 nodes with temperature and humidity
  sensorium simulate switch                         Sonoff switches that hear commands

The server that uses the data folder must listen to MQTT: `sensorium serve --mqtt 0.0.0.0:1883`.";

const DHT_EXAMPLES: &str = "\
Examples:
  sensorium simulate dht                            Five nodes, which wait in the inbox
  sensorium simulate dht --count 20 --adopt         Twenty, which are added to the devices
  sensorium simulate dht --messages 100 --interval 100ms
  sensorium simulate dht --server mqtt://sensors.example.org:1883 --token sen_…

Without --token, the nodes use a key for devices that the server makes, and that is revoked at the end. Ctrl-C ends it.";

const SWITCH_EXAMPLES: &str = "\
Examples:
  sensorium simulate switch                         sonoff-1 to sonoff-5
  sensorium simulate switch --count 1 --seconds 600
  mosquitto_pub -h localhost -u ada -P \"$SENSORIUM_TOKEN\" -t cmnd/sonoff-1/POWER -m TOGGLE

Without --token, the switches are added to the devices, and each has an API token of its own, which is revoked at the end. Ctrl-C ends it.";

/// How many devices there are, where they send, and for how long.
#[derive(Debug, Args)]
pub(super) struct FleetFlags {
    #[command(flatten)]
    pub(super) reach: ReachFlags,
    /// How many devices
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) count: u16,
    /// The broker [default: that of the server that uses the data folder, or of --url]
    #[arg(long, value_name = "mqtt://HOST:PORT")]
    pub(super) server: Option<Broker>,
    /// End after so many seconds
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct DhtArgs {
    #[command(flatten)]
    pub(super) fleet: FleetFlags,
    /// How often each measures, such as 5s, 500ms or 1m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = interval)]
    pub(super) interval: Duration,
    /// End when so many readings of each are stored
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) messages: Option<u64>,
    /// Add the nodes to the devices, so that they do not wait in the inbox
    #[arg(long)]
    pub(super) adopt: bool,
}

#[derive(Debug, Args)]
pub(super) struct SwitchArgs {
    #[command(flatten)]
    pub(super) fleet: FleetFlags,
    /// How often each tells its state, such as 10s or 5m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = interval)]
    pub(super) interval: Duration,
}

/// Where a broker listens, without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broker {
    /// An IPv6 address is in brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Broker {
    /// On the machine of a server whose HTTP address is known.
    pub(super) fn beside(url: &str) -> Option<Self> {
        let url: Url = url.parse().ok()?;
        Some(Self { host: url.host_str()?.to_owned(), port: PORT })
    }
}

impl From<SocketAddr> for Broker {
    fn from(address: SocketAddr) -> Self {
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self { host, port: address.port() }
    }
}

impl FromStr for Broker {
    type Err = &'static str;

    /// Reads `mqtt://host:1883`, and the same without scheme or port.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write it as mqtt://host:1883";
        let text = match text.split_once("://") {
            None => text,
            Some(("mqtt" | "tcp", rest)) => rest,
            Some(("mqtts" | "ssl", _)) => {
                return Err("devices are simulated without TLS; write it as mqtt://host:1883");
            }
            Some(_) => return Err(FORM),
        };
        // What a URL may be is known elsewhere; this one has neither login nor path.
        let url: Url = format!("tcp://{text}").parse().map_err(|_| FORM)?;
        let is_bare = url.username().is_empty() && url.password().is_none() && matches!(url.path(), "" | "/");
        match url.host_str() {
            Some(host) if is_bare && !host.is_empty() && url.query().is_none() && url.fragment().is_none() => {
                Ok(Self { host: host.to_owned(), port: url.port().unwrap_or(PORT) })
            }
            _ => Err(FORM),
        }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mqtt://{}:{}", self.host, self.port)
    }
}

/// Reads a time of 10 milliseconds to a day.
fn interval(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "write a whole number with its unit, from 10ms to 24h: 500ms, 5s, 1m, 1h";
    let digits = text.find(|character: char| !character.is_ascii_digit()).ok_or(FORM)?;
    let (number, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(FORM),
    };
    let ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms));
    match ms {
        Some(ms @ 10..=86_400_000) => Ok(Duration::from_millis(ms)),
        _ => Err(FORM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("mqtt://sensors.example.org:1884", "sensors.example.org", 1884),
            ("tcp://10.0.0.2", "10.0.0.2", 1883),
            ("localhost:1885", "localhost", 1885),
            ("mqtt://[::1]:1886/", "[::1]", 1886),
        ] {
            assert_eq!(text.parse::<Broker>(), Ok(Broker { host: host.to_owned(), port }), "{text}");
        }
        for text in ["", "mqtt://", "http://a", "mqtts://a:8883", "mqtt://a:b", "mqtt://a/x", "mqtt://u:p@a", "a b"] {
            assert!(text.parse::<Broker>().is_err(), "{text}");
        }
        let local: SocketAddr = "[::1]:7".parse().unwrap();
        assert_eq!(Broker::from(local).to_string(), "mqtt://[::1]:7");
        assert_eq!(Broker::beside("https://a.example:8443/").unwrap().to_string(), "mqtt://a.example:1883");
    }

    #[test]
    fn times_have_units() {
        for (text, ms) in [("10ms", 10), ("5s", 5_000), ("2m", 120_000), ("24h", 86_400_000)] {
            assert_eq!(interval(text), Ok(Duration::from_millis(ms)));
        }
        for text in ["", "5", "s", "9ms", "25h", "0s", "1.5s", "-1s", "5 s", "99999999999999999999s"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
