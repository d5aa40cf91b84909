//! Accepting and serving connections.
//!
//! Invariants:
//! - at most `http.connections` are served at one time; further ones wait in the kernel's queue, and none is served and
//!   then cut off for want of room;
//! - a connection that sends nothing, or its head too slowly, is closed: it cannot hold its place for ever;
//! - a TLS handshake runs in the connection's own task, with a timeout, and delays nobody else.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a request's head may take, and how long an idle HTTP/1 connection is kept.
const HEAD: Duration = Duration::from_secs(75);
/// How often an idle HTTP/2 connection is asked whether it is still there, and how long it may take to answer.
const PING: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));
/// Requests under way on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// After a failed accept (too many open files, for example) the next one waits.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves a router on any number of listeners.
#[derive(Clone)]
pub(crate) struct Connections {
    router: Router,
    builder: Builder<TokioExecutor>,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    /// No new connections; requests under way are finished.
    stop: CancellationToken,
    /// Whatever is still under way is dropped.
    abort: CancellationToken,
}

impl Connections {
    pub(crate) fn new(router: Router, limit: usize, stop: CancellationToken) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1)
            .max_concurrent_streams(STREAMS)
            .enable_connect_protocol();
        let slots = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        Self { router, builder, slots, tasks: TaskTracker::new(), stop, abort: CancellationToken::new() }
    }

    /// Accepts until told to stop.
    pub(crate) async fn listen(self, listener: TcpListener, tls: Option<TlsAcceptor>) {
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

    async fn connection(&self, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        // Small answers must not wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%peer, %error, "no TCP_NODELAY");
        }
        match tls {
            None => self.serve(stream, peer).await,
            Some(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => self.serve(stream, peer).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            },
        }
    }

    async fn serve<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| answer(self.router.clone(), request, peer));
        let connection = self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let outcome = match self.stop.run_until_cancelled(connection.as_mut()).await {
            Some(outcome) => outcome,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = outcome {
            tracing::trace!(%peer, %error, "a connection ended early");
        }
    }
}

async fn answer(router: Router, mut request: Request<Incoming>, peer: SocketAddr) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request.map(Body::new)).await
}
