//! The listening socket: bound before anything is opened, so that a port in use is the first thing a person hears of.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: u32 = 1_024;

/// Why the server cannot listen.
#[derive(Debug, Error)]
pub(crate) enum ListenError {
    #[error("{setting} {text:?} is no address and port; write it as 127.0.0.1:8086 or [::1]:8086 ({source})")]
    Address { setting: &'static str, text: String, source: io::Error },
    #[error("{address} is in use by another program; stop that program, or choose another address with {flag}")]
    InUse { address: SocketAddr, flag: &'static str },
    #[error(
        "this user may not listen on {address}; choose a port above 1023 with {flag}, or grant CAP_NET_BIND_SERVICE"
    )]
    Denied { address: SocketAddr, flag: &'static str },
    #[error("{address} is no address of this machine; choose another one with {flag}")]
    NotHere { address: SocketAddr, flag: &'static str },
    #[error("cannot listen on {address}: {source}")]
    Other { address: SocketAddr, source: io::Error },
}

/// A setting that holds an address, and the flag that sets it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    pub(crate) flag: &'static str,
}

pub(crate) const HTTP: Setting = Setting { key: "http.listen", flag: "--http" };
pub(crate) const MQTT: Setting = Setting { key: "mqtt.listen", flag: "--mqtt" };
pub(crate) const MQTT_TLS: Setting = Setting { key: "mqtt.listen_tls", flag: "--mqtt-tls" };
pub(crate) const COAP: Setting = Setting { key: "coap.listen", flag: "--coap" };
pub(crate) const COAP_DTLS: Setting = Setting { key: "coap.dtls", flag: "--coap-dtls" };
pub(crate) const INFLUX_UDP: Setting = Setting { key: "influx.udp", flag: "--set influx.udp" };
pub(crate) const COAP_TCP: Setting = Setting { key: "coap.tcp", flag: "--coap-tcp" };
pub(crate) const POSTGRES: Setting = Setting { key: "postgres.listen", flag: "--postgres" };

/// Binds `address:port` of a setting; a missing address means all of this machine's.
pub(crate) fn bind(text: &str, setting: Setting) -> Result<TcpListener, ListenError> {
    bind_with(text, setting, listen)
}

/// As [`bind`], with a socket of another kind.
pub(crate) fn bind_with<S>(
    text: &str,
    Setting { key, flag }: Setting,
    open: impl FnOnce(SocketAddr) -> io::Result<S>,
) -> Result<S, ListenError> {
    let address =
        resolve(text).map_err(|source| ListenError::Address { setting: key, text: text.to_owned(), source })?;
    open(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse { address, flag },
        io::ErrorKind::PermissionDenied => ListenError::Denied { address, flag },
        io::ErrorKind::AddrNotAvailable => ListenError::NotHere { address, flag },
        _ => ListenError::Other { address, source },
    })
}

fn resolve(text: &str) -> io::Result<SocketAddr> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    full.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("the name has no address"))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The address that a browser on this machine reaches the listener at.
pub(crate) fn local_url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    match address.ip() {
        ip if ip.is_unspecified() => format!("{scheme}://localhost:{}", address.port()),
        IpAddr::V4(ip) => format!("{scheme}://{ip}:{}", address.port()),
        IpAddr::V6(ip) => format!("{scheme}://[{ip}]:{}", address.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_can_be_followed() {
        let url = |text: &str, tls| local_url(text.parse().unwrap(), tls);
        assert_eq!(url("0.0.0.0:8086", false), "http://localhost:8086");
        assert_eq!(url("[::]:8086", true), "https://localhost:8086");
        assert_eq!(url("127.0.0.1:1", false), "http://127.0.0.1:1");
        assert_eq!(url("[::1]:2", false), "http://[::1]:2");
    }

    #[tokio::test]
    async fn every_failure_says_what_to_do() {
        let taken = bind("127.0.0.1:0", HTTP).unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let cases = [
            (address.as_str(), HTTP, "--http"),
            (address.as_str(), MQTT, "--mqtt"),
            (address.as_str(), POSTGRES, "--postgres"),
            ("nonsense", HTTP, "127.0.0.1:8086"),
            ("nonsense", MQTT_TLS, "mqtt.listen_tls"),
            ("192.0.2.1:0", HTTP, "--http"),
        ];
        for (text, setting, advice) in cases {
            let error = bind(text, setting).unwrap_err().to_string();
            assert!(error.contains(advice), "{text}: {error}");
        }
    }
}
