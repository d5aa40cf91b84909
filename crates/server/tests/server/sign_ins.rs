//! Many who sign in at the same time: a password takes 19 MiB to check, so that few are checked at once.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::support::{Server, Start, block_on};

/// More than that, in MiB, and passwords are checked for all at once.
const MOST_MIB: u64 = 300;

/// Tries to sign in from an address of its own, as the limits of one address would end it before a password is checked.
async fn sign_in(server: SocketAddr, from: Ipv4Addr) -> std::io::Result<u16> {
    let body = r#"{"login":"ada","password":"not the password"}"#;
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(server).await?;
    let request = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default())
}

/// The most memory that a server had, in MiB.
fn peak_mib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn a_thousand_at_once_do_not_exhaust_the_memory() {
    let server = Start::new().quiet().start();
    let address: SocketAddr = server.url().trim_start_matches("http://").parse().unwrap();
    let answers: BTreeMap<u16, usize> = block_on(async {
        let mut attempts = JoinSet::new();
        for number in 0..1_000u16 {
            let [high, low] = number.to_be_bytes();
            attempts.spawn(sign_in(address, Ipv4Addr::new(127, 1, high, low)));
        }
        let mut answers = BTreeMap::new();
        for status in attempts.join_all().await {
            *answers.entry(status.unwrap()).or_default() += 1;
        }
        answers
    });
    // Some were checked and are wrong; the others are to come back later.
    assert!(answers.contains_key(&401), "{answers:?}");
    assert!(answers.keys().all(|status| [401, 429, 503].contains(status)), "{answers:?}");
    let peak = peak_mib(&server);
    assert!(peak < MOST_MIB, "{peak} MiB, {answers:?}");
}
