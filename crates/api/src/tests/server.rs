//! A server without a socket.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use sensorium_metadata::{FirstStart, Metadata, MetadataConfig, NewToken, NewUser};
use sensorium_model::{DatabaseKey, DatabaseName, OrgId, Principal, Role};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use super::parts;
use super::postgres::metadata_of;
use crate::{ApiConfig, AppState, Mail, router};

pub(super) const PASSWORD: &str = "correct horse battery";
/// The server's own host, as its browsers see it.
pub(super) const HOME: &str = "http://box:8086";

pub(super) struct Server {
    pub(super) state: AppState,
    pub(super) first: FirstStart,
    router: Router,
    _folder: TempDir,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::with(ApiConfig::default()).await
    }

    pub(super) async fn with(config: ApiConfig) -> Self {
        Self::of(config, |_| {}, |_| None).await
    }

    /// A server with other settings of its people.
    pub(super) async fn configured(change: impl FnOnce(&mut MetadataConfig)) -> Self {
        Self::of(ApiConfig::default(), change, |_| None).await
    }

    /// A server that sends mail.
    pub(super) async fn mailing(mail: impl FnOnce(&Metadata) -> Mail) -> Self {
        Self::mailing_with(|_| {}, mail).await
    }

    /// A server that sends mail, with other settings of its people.
    pub(super) async fn mailing_with(
        change: impl FnOnce(&mut MetadataConfig),
        mail: impl FnOnce(&Metadata) -> Mail,
    ) -> Self {
        Self::of(ApiConfig::default(), change, |metadata| Some(mail(metadata))).await
    }

    async fn of(
        config: ApiConfig,
        change: impl FnOnce(&mut MetadataConfig),
        mail: impl FnOnce(&Metadata) -> Option<Mail>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut metadata = metadata_of(folder.path());
        change(&mut metadata);
        let (metadata, first) = Metadata::open(metadata).await.unwrap();
        let mail = mail(&metadata);
        let state = AppState { mail, ..parts::state(folder.path(), metadata, config).await };
        Self { router: router(state.clone()), state, first, _folder: folder }
    }

    /// A server with the owner `ada` and the database `main`.
    pub(super) async fn set_up() -> (Self, Principal) {
        let server = Self::start().await;
        let owner = server.user(server.first.org, "ada", Role::Owner).await;
        server.database(server.first.org, "main").await;
        (server, owner)
    }

    pub(super) async fn user(&self, org: OrgId, login: &str, role: Role) -> Principal {
        let new = NewUser { login: login.into(), password: PASSWORD.into(), role };
        let id = self.state.metadata.create_user(&Principal::system(org), new).await.unwrap();
        Principal::user(org, id, None, role)
    }

    /// The owner of another organisation.
    pub(super) async fn stranger(&self) -> Principal {
        let system = Principal::system(self.first.org);
        let org = self.state.metadata.create_organisation(&system, "Elsewhere").await.unwrap();
        self.user(org, "eve", Role::Owner).await
    }

    pub(super) async fn database(&self, org: OrgId, name: &str) {
        let store = self.state.store.clone();
        let key = DatabaseKey::new(org, DatabaseName::new(name).unwrap());
        tokio::task::spawn_blocking(move || store.create_database(&key)).await.unwrap().unwrap();
    }

    /// The secret of a new token.
    pub(super) async fn token(
        &self,
        of: &Principal,
        database: Option<&str>,
        can_read: bool,
        can_write: bool,
    ) -> String {
        let database = database.map(|name| DatabaseName::new(name).unwrap());
        let new =
            NewToken { name: "test".into(), database, can_read, can_write, expires_at_ms: None, for_devices: false };
        self.state.metadata.create_token(of, new).await.unwrap().1
    }

    /// The cookie of a new session.
    pub(super) async fn cookie(&self, login: &str) -> String {
        let body = serde_json::json!({"login": login, "password": PASSWORD});
        let reply = self.post("/api/v1/session").json(&body).send().await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.cookie().unwrap()
    }

    /// Asks again until it is so.
    pub(super) async fn until(&self, mut is_so: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), waiting).await.unwrap();
    }

    pub(super) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(super) fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub(super) fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    pub(super) fn call(&self, method: Method, path: &str) -> Call {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        Call { router: self.router.clone(), request, peer: IpAddr::V4(Ipv4Addr::LOCALHOST) }
            .header(HOST.as_str(), "box:8086")
    }
}

/// A request that is being made.
pub(super) struct Call {
    router: Router,
    request: Request<Body>,
    peer: IpAddr,
}

impl Call {
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        let name = axum::http::HeaderName::try_from(name).unwrap();
        self.request.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    pub(super) fn token(self, secret: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {secret}"))
    }

    /// As a browser does from a page of this server.
    pub(super) fn cookie(self, secret: &str) -> Self {
        self.header(COOKIE.as_str(), &format!("sensorium_session={secret}")).origin(HOME)
    }

    pub(super) fn origin(self, origin: &str) -> Self {
        self.header(ORIGIN.as_str(), origin)
    }

    pub(super) fn peer(mut self, peer: [u8; 4]) -> Self {
        self.peer = IpAddr::from(peer);
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json").body(body.to_string())
    }

    pub(super) fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    pub(super) async fn send(mut self) -> Reply {
        self.request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.peer, 50_000)));
        let response = self.router.oneshot(self.request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 24).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of an answer that came compressed.
    pub(super) fn unzipped(&self) -> String {
        assert_eq!(self.header("content-encoding"), "gzip");
        let mut text = String::new();
        flate2::read::GzDecoder::new(self.body.as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The status and the stable word of an error.
    pub(super) fn failure(&self) -> (u16, String) {
        let body = self.json();
        assert!(body["error"].as_str().is_some_and(|sentence| sentence.len() > 10), "{body}");
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The session's secret in the cookie that the answer sets.
    pub(super) fn cookie(&self) -> Option<String> {
        let header = self.headers.get(SET_COOKIE)?.to_str().unwrap();
        let value = header.strip_prefix("sensorium_session=")?.split(';').next()?;
        Some(value.to_owned())
    }
}

/// What an error of a kind looks like.
pub(super) fn failure(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
