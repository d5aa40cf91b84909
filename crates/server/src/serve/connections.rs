//! Accepting and serving connections.
//!
//! Invariants:
//! - at most `http.connections` are served at one time; further ones wait in the kernel's queue, and none is served and
//!   then cut off for want of room;
//! - a connection that sends nothing, or its head too slowly, is closed: it cannot hold its place for ever;
//! - a TLS handshake runs in the connection's own task, with a timeout, and delays nobody else.
//!
//! HTTP/1.1 without TLS; under TLS also HTTP/2, agreed upon in the handshake. The protocol is never guessed from the first
//! bytes, because a client could take for ever to send them.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{convert::Infallible, io};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::STRICT_TRANSPORT_SECURITY;
use axum::http::{HeaderValue, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::tls::Tls;

/// Requests under way on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// After a failed accept (too many open files, for example) the next one waits.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a TLS handshake.
    pub(crate) handshake: Duration,
    /// For a request's head; also how long an idle HTTP/1 connection is kept.
    pub(crate) head: Duration,
    /// An idle HTTP/2 connection is asked so often whether it is still there, and has three times as long to answer.
    pub(crate) ping: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(10), head: Duration::from_secs(75), ping: Duration::from_secs(30) }
    }
}

/// Serves a router on any number of listeners.
#[derive(Clone)]
pub(crate) struct Connections {
    router: Router,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    patience: Patience,
    /// What browsers are told over TLS.
    hsts: Option<HeaderValue>,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    /// No new connections; requests under way are finished.
    stop: CancellationToken,
    /// Whatever is still under way is dropped.
    abort: CancellationToken,
}

impl Connections {
    pub(crate) fn new(router: Router, limit: usize, patience: Patience, stop: CancellationToken) -> Self {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(patience.head);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(patience.ping)
            .keep_alive_timeout(patience.ping)
            .max_concurrent_streams(STREAMS)
            .enable_connect_protocol();
        let slots = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        let (tasks, abort) = (TaskTracker::new(), CancellationToken::new());
        Self { router, http1, http2, patience, hsts: None, slots, tasks, stop, abort }
    }

    /// With `Strict-Transport-Security` on every answer over TLS.
    pub(crate) fn with_hsts(mut self, value: Option<HeaderValue>) -> Self {
        self.hsts = value;
        self
    }

    /// Accepts until told to stop.
    pub(crate) async fn listen(self, listener: TcpListener, tls: Option<Tls>) {
        loop {
            let Some(Ok(slot)) = self.stop.run_until_cancelled(self.slots.clone().acquire_owned()).await else {
                return;
            };
            let Some(accepted) = self.stop.run_until_cancelled(listener.accept()).await else { return };
            match accepted {
                Ok((stream, peer)) => {
                    let (this, tls) = (self.clone(), tls.clone());
                    self.tasks.spawn(async move {
                        let work = this.connection(stream, peer, tls);
                        let _ended = this.abort.run_until_cancelled(work).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits for the requests under way, at most so long; then drops the rest. Returns how many were dropped.
    pub(crate) async fn drain(&self, at_most: Duration) -> usize {
        self.tasks.close();
        if tokio::time::timeout(at_most, self.tasks.wait()).await.is_ok() {
            return 0;
        }
        let left = self.tasks.len();
        self.abort.cancel();
        self.tasks.wait().await;
        left
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr, tls: Option<Tls>) {
        // Small answers must not wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%peer, %error, "no TCP_NODELAY");
        }
        let Some(tls) = tls else { return self.serve_http1(stream, peer, None).await };
        match tokio::time::timeout(self.patience.handshake, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.serve_http2(Watched::new(stream, 3 * self.patience.ping), peer).await;
            }
            Ok(Ok(stream)) => self.serve_http1(stream, peer, self.hsts.clone()).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        }
    }

    async fn serve_http1<S>(&self, stream: S, peer: SocketAddr, hsts: Option<HeaderValue>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| answer(self.router.clone(), request, peer, hsts.clone()));
        let connection = self.http1.serve_connection(TokioIo::new(stream), service).with_upgrades();
        self.run(connection, |connection| connection.graceful_shutdown(), peer).await;
    }

    async fn serve_http2<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, hsts) = (self.router.clone(), self.hsts.clone());
        let service = service_fn(move |request| answer(router.clone(), request, peer, hsts.clone()));
        let connection = self.http2.serve_connection(TokioIo::new(stream), service);
        self.run(connection, |connection| connection.graceful_shutdown(), peer).await;
    }

    /// Runs a connection to its end; when the server stops, `wind_up` tells it to take no further request.
    async fn run<C>(&self, connection: C, wind_up: impl FnOnce(Pin<&mut C>), peer: SocketAddr)
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let mut connection = pin!(connection);
        let outcome = match self.stop.run_until_cancelled(connection.as_mut()).await {
            Some(outcome) => outcome,
            None => {
                wind_up(connection.as_mut());
                connection.await
            }
        };
        if let Err(error) = outcome {
            tracing::trace!(%peer, %error, "a connection ended early");
        }
    }
}

async fn answer(
    router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    hsts: Option<HeaderValue>,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    let mut response = router.oneshot(request.map(Body::new)).await?;
    if let Some(hsts) = hsts {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
    }
    Ok(response)
}

/// A stream that fails when nothing was received for too long. HTTP/2 alone would wait for ever for its first frame.
struct Watched<S> {
    stream: S,
    limit: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, alarm: Box::pin(tokio::time::sleep(limit)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() {
            this.alarm.as_mut().reset(Instant::now() + this.limit);
        } else if this.alarm.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SHORT: Patience = Patience {
        handshake: Duration::from_millis(200),
        head: Duration::from_millis(200),
        ping: Duration::from_millis(200),
    };

    async fn start(limit: usize, patience: Patience) -> (Connections, SocketAddr) {
        let slow = get(|| async {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            "late"
        });
        let router = Router::new().route("/", get(|| async { "hello" })).route("/slow", slow);
        let connections = Connections::new(router, limit, patience, CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(connections.clone().listen(listener, None));
        (connections, address)
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    }

    async fn hello(stream: &mut TcpStream) {
        ask(stream, "/").await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "closed after {answer:?}");
        }
    }

    #[tokio::test]
    async fn clients_that_send_nothing_or_half_a_head_lose_their_place() {
        let (_connections, address) = start(2, SHORT).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(b"P").await.unwrap();
        // Both places are taken, so this one is served only because the others are sent away.
        let mut third = TcpStream::connect(address).await.unwrap();
        hello(&mut third).await;
        let mut rest = Vec::new();
        let _ended = silent.read_to_end(&mut rest).await;
        let _ended = half.read_to_end(&mut rest).await;
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_a_place() {
        let (_connections, address) = start(1, Patience::default()).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        hello(&mut first).await;
        let mut second = TcpStream::connect(address).await.unwrap();
        ask(&mut second, "/").await;
        let mut answer = [0; 1];
        let early = tokio::time::timeout(Duration::from_millis(100), second.read(&mut answer)).await;
        assert!(early.is_err(), "served beyond the limit");
        drop(first);
        assert_eq!(second.read(&mut answer).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn draining_ends_idle_connections_at_once_and_busy_ones_at_the_deadline() {
        let (connections, address) = start(8, Patience::default()).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        hello(&mut idle).await;
        connections.stop.cancel();
        assert_eq!(connections.drain(Duration::from_secs(30)).await, 0);

        let (connections, address) = start(8, Patience::default()).await;
        let mut busy = TcpStream::connect(address).await.unwrap();
        hello(&mut busy).await;
        ask(&mut busy, "/slow").await;
        // The request has arrived once the server no longer takes the connection for idle.
        let mut watch = TcpStream::connect(address).await.unwrap();
        hello(&mut watch).await;
        connections.stop.cancel();
        assert_eq!(connections.drain(Duration::from_millis(100)).await, 1);
    }

    #[tokio::test]
    async fn a_stream_without_a_byte_times_out() {
        let (mut near, far) = duplex(8);
        let mut watched = Watched::new(far, Duration::from_millis(50));
        near.write_all(b"x").await.unwrap();
        assert_eq!(watched.read_u8().await.unwrap(), b'x');
        assert_eq!(watched.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(near);
    }
}
