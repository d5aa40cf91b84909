//! A small provider of OpenID Connect on a free port: discovery, authorisation, tokens signed with ES256, and its keys. It checks what a
//! real one checks (redirect URL, client secret, PKCE, that a code is used once), and can be told to lie.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

pub(super) const CLIENT: &str = "sensorium at home";
pub(super) const SECRET: &str = "a secret: 100%";

/// What is wrong with the next tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    Nothing,
    Nonce,
    NoNonce,
    Audience,
    TwoAudiences,
    OtherParty,
    Issuer,
    Expired,
    /// Signed with a key that is not the one of this name.
    OtherKey,
    Unsigned,
    /// Signed with the client secret.
    SharedSecret,
}

/// Whom the provider names.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) subject: String,
    pub(super) email: Option<String>,
    pub(super) email_verified: bool,
}

impl Person {
    pub(super) fn new(subject: &str, email: &str) -> Self {
        Self { subject: subject.into(), email: Some(email.into()), email_verified: true }
    }
}

/// What was asked for with a code.
struct Asked {
    challenge: String,
    redirect_uri: String,
    nonce: String,
}

struct Behaviour {
    issuer: String,
    key: Key,
    other: Key,
    person: Person,
    lie: Lie,
    is_away: bool,
    refuses: bool,
    authorization_endpoint: Option<String>,
    codes: HashMap<String, Asked>,
    /// How often the keys were asked for.
    keys_given: usize,
    number: u32,
}

struct Key {
    name: String,
    pair: EcdsaKeyPair,
}

impl Key {
    fn new(name: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        Self { name: name.into(), pair }
    }

    fn public(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let point = self.pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.name, "x": x, "y": y})
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec()
    }
}

/// A running provider.
#[derive(Clone)]
pub(super) struct Provider {
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Provider {
    pub(super) async fn start(person: Person) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let behaviour = Behaviour {
            issuer: format!("http://{address}/realm"),
            key: Key::new("first"),
            other: Key::new("first"),
            person,
            lie: Lie::Nothing,
            is_away: false,
            refuses: false,
            authorization_endpoint: None,
            codes: HashMap::new(),
            keys_given: 0,
            number: 0,
        };
        let provider = Self { behaviour: Arc::new(Mutex::new(behaviour)) };
        let router = Router::new()
            .route("/realm/.well-known/openid-configuration", get(discovery))
            .route("/realm/authorize", get(authorize))
            .route("/realm/token", post(token))
            .route("/realm/keys", get(keys))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    fn with<T>(&self, change: impl FnOnce(&mut Behaviour) -> T) -> T {
        change(&mut self.behaviour.lock().unwrap())
    }

    pub(super) fn issuer(&self) -> String {
        self.with(|behaviour| behaviour.issuer.clone())
    }

    pub(super) fn lie(&self, lie: Lie) {
        self.with(|behaviour| behaviour.lie = lie);
    }

    pub(super) fn be_away(&self, is_away: bool) {
        self.with(|behaviour| behaviour.is_away = is_away);
    }

    pub(super) fn refuse(&self, refuses: bool) {
        self.with(|behaviour| behaviour.refuses = refuses);
    }

    pub(super) fn name(&self, person: Person) {
        self.with(|behaviour| behaviour.person = person);
    }

    pub(super) fn authorize_at(&self, url: &str) {
        self.with(|behaviour| behaviour.authorization_endpoint = Some(url.to_owned()));
    }

    /// Signs with another key from now on.
    pub(super) fn rotate(&self, name: &str) {
        self.with(|behaviour| behaviour.key = Key::new(name));
    }

    pub(super) fn keys_given(&self) -> usize {
        self.with(|behaviour| behaviour.keys_given)
    }

    /// How many codes were given and not used.
    pub(super) fn codes(&self) -> usize {
        self.with(|behaviour| behaviour.codes.len())
    }
}

fn away() -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

async fn discovery(State(provider): State<Provider>) -> Response {
    provider.with(|behaviour| {
        if behaviour.is_away {
            return away();
        }
        let issuer = &behaviour.issuer;
        let authorize = behaviour.authorization_endpoint.clone().unwrap_or(format!("{issuer}/authorize"));
        Json(json!({
            "issuer": issuer,
            "authorization_endpoint": authorize,
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            "code_challenge_methods_supported": ["S256"],
        }))
        .into_response()
    })
}

async fn keys(State(provider): State<Provider>) -> Response {
    provider.with(|behaviour| {
        behaviour.keys_given += 1;
        if behaviour.is_away { away() } else { Json(json!({"keys": [behaviour.key.public()]})).into_response() }
    })
}

async fn authorize(State(provider): State<Provider>, Query(sent): Query<HashMap<String, String>>) -> Response {
    let given = |name: &str| sent.get(name).cloned().unwrap_or_default();
    assert_eq!((given("response_type"), given("client_id")), ("code".into(), CLIENT.into()));
    assert_eq!(given("code_challenge_method"), "S256");
    let scopes = given("scope");
    assert!(scopes.split(' ').any(|scope| scope == "openid") && scopes.contains("email"), "{scopes}");
    let redirect_uri = given("redirect_uri");
    let back = |what: &str| {
        let mut url: reqwest::Url = redirect_uri.parse().unwrap();
        let (name, value) = what.split_once('=').unwrap();
        url.query_pairs_mut().append_pair(name, value).append_pair("state", &given("state"));
        Redirect::to(url.as_str()).into_response()
    };
    provider.with(|behaviour| {
        if behaviour.refuses {
            return back("error=access_denied");
        }
        behaviour.number += 1;
        let code = format!("code-{}", behaviour.number);
        let asked =
            Asked { challenge: given("code_challenge"), redirect_uri: redirect_uri.clone(), nonce: given("nonce") };
        behaviour.codes.insert(code.clone(), asked);
        back(&format!("code={code}"))
    })
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, body: String) -> Response {
    let form: reqwest::Url = format!("http://form/?{body}").parse().unwrap();
    let form: HashMap<String, String> = form.query_pairs().into_owned().collect();
    let given = |name: &str| form.get(name).cloned().unwrap_or_default();
    let fail = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let pair = STANDARD.decode(basic.trim_start_matches("Basic ")).unwrap_or_default();
    let pair: reqwest::Url =
        format!("http://form/?{}", String::from_utf8(pair).unwrap().replacen(':', "=", 1)).parse().unwrap();
    if pair.query_pairs().next() != Some((CLIENT.into(), SECRET.into())) {
        return fail("invalid_client");
    }
    provider.with(|behaviour| {
        if behaviour.is_away {
            return away();
        }
        let Some(asked) = behaviour.codes.remove(&given("code")) else { return fail("invalid_grant") };
        let hash = ring::digest::digest(&ring::digest::SHA256, given("code_verifier").as_bytes());
        let is_good = given("grant_type") == "authorization_code"
            && given("redirect_uri") == asked.redirect_uri
            && URL_SAFE_NO_PAD.encode(hash) == asked.challenge;
        if !is_good {
            return fail("invalid_grant");
        }
        let id_token = behaviour.id_token(&asked.nonce);
        Json(json!({"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": id_token}))
            .into_response()
    })
}

impl Behaviour {
    fn id_token(&self, nonce: &str) -> String {
        let now = chrono::Utc::now().timestamp();
        let mut claims = json!({
            "iss": self.issuer, "sub": self.person.subject, "aud": CLIENT, "nonce": nonce,
            "iat": now, "exp": now + 60, "name": "Nina",
            "email": self.person.email, "email_verified": self.person.email_verified,
        });
        let mut set = |name: &str, value: Value| claims.as_object_mut().unwrap().insert(name.to_owned(), value);
        match self.lie {
            Lie::Nonce => set("nonce", json!("another")),
            Lie::NoNonce => set("nonce", Value::Null),
            Lie::Audience => set("aud", json!("somebody else")),
            Lie::TwoAudiences => set("aud", json!([CLIENT, "somebody else"])),
            Lie::OtherParty => set("azp", json!("somebody else")),
            Lie::Issuer => set("iss", json!("http://127.0.0.1:1")),
            Lie::Expired => set("exp", json!(now - 1)),
            Lie::Nothing | Lie::OtherKey | Lie::Unsigned | Lie::SharedSecret => None,
        };
        let algorithm = match self.lie {
            Lie::Unsigned => "none",
            Lie::SharedSecret => "HS256",
            _ => "ES256",
        };
        let head = json!({"alg": algorithm, "kid": self.key.name, "typ": "JWT"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&head), part(&claims));
        let signature = match self.lie {
            Lie::Unsigned => Vec::new(),
            Lie::SharedSecret => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
                ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            Lie::OtherKey => self.other.sign(&signed),
            _ => self.key.sign(&signed),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
