//! A device: a source port of its own, from which one request is under way at a time.
//!
//! A message id must not come again within 247 s (RFC 7252, section 4.4), which servers take for the same message: so a port
//! lives as long as its server, and sends at most 65,536 messages in that time.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use sensorium_protocols::coap::client::{Answer, Client, ClientOutput};
use sensorium_protocols::coap::endpoint::EXCHANGE_LIFETIME_MS;
use sensorium_protocols::coap::{CoapLimits, Code, Kind, Request, Response, option};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Message ids that there are.
const MESSAGE_IDS: u64 = 1 << 16;
/// Requests of a port do not begin at shorter intervals.
pub(crate) const EVERY: Duration = Duration::from_nanos((EXCHANGE_LIFETIME_MS * 1_000_000).div_ceil(MESSAGE_IDS));
/// No answer here is as large.
const DATAGRAM_BYTES: usize = 2_048;

/// A socket that is connected to a server, with the exchanges over it.
pub(crate) struct Port {
    socket: UdpSocket,
    client: Client,
    /// What the client's times are counted from.
    origin: Instant,
    out: ClientOutput,
    /// When the next request may begin.
    next: Instant,
}

/// What became of the requests of one turn.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Answered as they are to be before the turn was over.
    pub(crate) in_time: u64,
    /// The same, and those after it.
    pub(crate) answered: u64,
    /// Not answered, or with something else.
    pub(crate) failed: u64,
    pub(crate) latencies_ms: Vec<f64>,
}

/// A reading of the laboratory's client, with the empty Observe that it sends too.
pub(crate) fn reading(method: Code, kind: &str, value: &'static str) -> Request {
    Request::new(method)
        .with_path(&format!("/sensors/dht/{kind}"))
        .with_option(option::OBSERVE, Bytes::new())
        .with_payload(value)
}

impl Port {
    /// A port that nothing else uses; the number decides its first message id.
    pub(crate) fn open(server: SocketAddr, number: u64) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        let client = Client::new(Arc::new(CoapLimits::default()), number);
        let now = Instant::now();
        Ok(Self { socket, client, origin: now, out: ClientOutput::default(), next: now })
    }

    /// Sends one request after the other until it is time to stop, and waits for the last answer. `is_wanted` says which
    /// answers mean that the reading was taken.
    pub(crate) async fn keep_asking(
        mut self,
        request: Request,
        until: Instant,
        is_wanted: fn(&Response) -> bool,
    ) -> Result<(Self, Asked)> {
        let (mut asked, socket) = (Asked::default(), self.socket()?);
        loop {
            if Instant::now() < self.next {
                sleep_until(self.next).await;
            }
            let begun = Instant::now();
            if begun >= until {
                return Ok((self, asked));
            }
            self.next = begun + EVERY;
            match self.ask(&socket, request.clone()).await? {
                Answer::Response(response) if is_wanted(&response) => {
                    let ended = Instant::now();
                    asked.latencies_ms.push((ended - begun).as_secs_f64() * 1e3);
                    asked.in_time += u64::from(ended <= until);
                    asked.answered += 1;
                }
                _ => asked.failed += 1,
            }
        }
    }

    /// Sends one request and waits until it is over.
    pub(crate) async fn ask_once(&mut self, request: Request) -> Result<Answer> {
        let socket = self.socket()?;
        self.ask(&socket, request).await
    }

    /// The socket as the runtime sees it that drives this turn.
    fn socket(&self) -> Result<tokio::net::UdpSocket> {
        Ok(tokio::net::UdpSocket::from_std(self.socket.try_clone()?)?)
    }

    /// Sends a confirmable request, again where nothing comes, until it is over.
    async fn ask(&mut self, socket: &tokio::net::UdpSocket, request: Request) -> Result<Answer> {
        let mut received = BytesMut::with_capacity(DATAGRAM_BYTES);
        self.client.request(self.now_ms(), Kind::Con, request, &mut self.out);
        loop {
            for datagram in self.out.sends.drain(..) {
                socket.send(&datagram).await.context("the server does not listen any more")?;
            }
            if let Some((_, answer)) = self.out.answers.pop() {
                return Ok(answer);
            }
            let due = self.origin + Duration::from_millis(self.client.deadline().context("nothing is under way")?);
            received.clear();
            received.reserve(DATAGRAM_BYTES);
            match timeout_at(due, socket.recv_buf(&mut received)).await {
                Ok(bytes) => {
                    bytes.context("the server does not listen any more")?;
                    let (now_ms, datagram) = (self.now_ms(), received.split().freeze());
                    self.client.receive(now_ms, &datagram, &mut self.out);
                }
                Err(_late) => self.client.tick(self.now_ms(), &mut self.out),
            }
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use sensorium_protocols::coap::{Message, datagram};

    use super::*;

    /// A port and the socket of its server.
    fn port() -> (Port, tokio::net::UdpSocket) {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        server.set_nonblocking(true).unwrap();
        let server = tokio::net::UdpSocket::from_std(server).unwrap();
        (Port::open(server.local_addr().unwrap(), 1).unwrap(), server)
    }

    /// Takes one request and answers it.
    async fn answer(server: &tokio::net::UdpSocket, code: Code) -> Message {
        let mut bytes = [0; DATAGRAM_BYTES];
        let (length, peer) = server.recv_from(&mut bytes).await.unwrap();
        let request = datagram::decode(&Bytes::copy_from_slice(&bytes[..length]), &CoapLimits::default()).unwrap();
        let mut response = Message::empty(Kind::Ack, request.id);
        (response.code, response.token) = (code, request.token);
        server.send_to(&datagram::encode(&response), peer).await.unwrap();
        request
    }

    #[test]
    fn message_ids_do_not_come_again_while_servers_remember_them() {
        assert!(EVERY.as_secs_f64() * MESSAGE_IDS as f64 >= 247.0);
        assert!(1.0 / EVERY.as_secs_f64() > 265.0);
    }

    #[tokio::test]
    async fn a_request_is_the_laboratorys() {
        let (mut port, server) = port();
        let request = reading(Code::POST, "humidity", "41.9");
        let (asked, request) = tokio::join!(port.ask_once(request), answer(&server, Code::CONTENT));
        assert!(matches!(asked.unwrap(), Answer::Response(response) if response.code == Code::CONTENT));
        assert_eq!((request.kind, request.code, &request.payload[..]), (Kind::Con, Code::POST, &b"41.9"[..]));
        let path: Vec<&[u8]> = request.options.all(option::URI_PATH).map(|segment| &segment[..]).collect();
        assert_eq!(path, [&b"sensors"[..], b"dht", b"humidity"]);
        assert_eq!(request.options.uint(option::OBSERVE), Some(0));
    }

    #[tokio::test]
    async fn what_is_not_the_wanted_answer_has_failed() {
        let (port, server) = port();
        let until = Instant::now() + Duration::from_millis(200);
        let asking = port.keep_asking(reading(Code::POST, "humidity", "41.9"), until, |it| !it.code.is_error());
        let answering = async {
            answer(&server, Code::SERVICE_UNAVAILABLE).await;
            loop {
                answer(&server, Code::CONTENT).await;
            }
        };
        let (_port, asked) = tokio::select! {
            asked = asking => asked.unwrap(),
            () = answering => unreachable!("it answers without end"),
        };
        assert_eq!(asked.failed, 1);
        assert_eq!(asked.answered, asked.latencies_ms.len() as u64);
        assert!(asked.in_time <= asked.answered);
    }
}
