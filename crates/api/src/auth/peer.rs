//! The address of whoever sent a request, for limits on sign-in attempts and for reports of refused readings.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use sensorium_metadata::Client;

/// The peer's address as the socket knows it. Headers such as `X-Forwarded-For` are not believed: anyone can send them.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(address(parts)))
    }
}

/// The peer's address, or `0.0.0.0` where the server did not record it.
pub fn address(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip().to_canonical())
}

/// The peer, with what it calls itself.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap) -> Client {
    Client::new(peer, headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()))
}
