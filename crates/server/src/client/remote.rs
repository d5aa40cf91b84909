//! A server over HTTP: its address, the credential, and its errors as sentences.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

/// A server that does not accept a connection within this time is away.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the server of this machine may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(3);

/// A server and a credential for it.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    client: Client,
    base: Url,
    token: Option<String>,
}

/// The body of a failed request.
#[derive(Debug, Deserialize)]
struct Failure {
    error: String,
    line: Option<u64>,
    column: Option<u64>,
}

impl Remote {
    pub(crate) fn new(url: &str, token: Option<String>) -> Result<Self> {
        let base: Url = url.parse().with_context(|| format!("{url:?} is no address; write it as http://host:8086"))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            bail!("{url:?} is no address; write it as http://host:8086");
        }
        // Fails only when a provider is set already, and then there is one.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let agent = concat!("sensorium/", env!("CARGO_PKG_VERSION"));
        let client = Client::builder().user_agent(agent).connect_timeout(CONNECT).build();
        Ok(Self { client: client.context("no HTTP client could be made")?, base, token })
    }

    /// The address, for messages.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request to a path such as `/api/v1/sql`, with the credential.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url()));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Whether a server answers there.
    pub(crate) async fn answers(&self) -> bool {
        let request = self.request(Method::GET, "/ping").timeout(ANSWER);
        request.send().await.is_ok_and(|response| response.status().is_success())
    }

    /// Sends a request; every status but success becomes an error that holds the server's own sentence.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.with_context(|| {
            format!("cannot reach the server at {}; check that it runs and that the address is right", self.url())
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        let hint = if status == StatusCode::UNAUTHORIZED && self.token.is_none() {
            "; give a token with --token or SENSORIUM_TOKEN"
        } else {
            ""
        };
        match serde_json::from_slice::<Failure>(&body) {
            Ok(Failure { error, line: Some(line), column: Some(column) }) => {
                bail!("line {line}, column {column}: {error}{hint}")
            }
            Ok(Failure { error, .. }) => bail!("{error}{hint}"),
            Err(_) => bail!("the server at {} answered {status}{hint}", self.url()),
        }
    }
}
