//! A browser that keeps cookies of the server, and as other sites send it there shows only those that are not `SameSite=Strict`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde_json::{Value as Json, json};

use crate::harness::{Server, client};

pub(super) const PASSWORD: &str = "correct horse battery";

/// What a request met.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) status: u16,
    pub(super) location: String,
    pub(super) cookies: Vec<String>,
    pub(super) body: Json,
}

pub(super) struct Browser {
    client: Client,
    home: String,
    cookies: Mutex<BTreeMap<String, (String, bool)>>,
}

impl Browser {
    pub(super) fn new(server: &Server) -> Self {
        // Also says how TLS is done.
        drop(client());
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { client, home: server.url(""), cookies: Mutex::default() }
    }

    async fn met(&self, response: Response) -> Met {
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        let location = response.headers().get(LOCATION).map(text).unwrap_or_default();
        let cookies: Vec<String> = response.headers().get_all(SET_COOKIE).iter().map(text).collect();
        for cookie in &cookies {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let mut jar = self.cookies.lock().unwrap();
            match value {
                "" => drop(jar.remove(name)),
                _ => drop(jar.insert(name.to_owned(), (value.to_owned(), cookie.contains("SameSite=Strict")))),
            }
        }
        Met { status, location, cookies, body: response.json().await.unwrap_or_default() }
    }

    fn shown(&self, from_elsewhere: bool) -> String {
        let jar = self.cookies.lock().unwrap();
        let shown = jar.iter().filter(|(_, (_, strict))| !(from_elsewhere && *strict));
        shown.map(|(name, (value, _))| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// A request of a page of the server.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<Json>) -> Met {
        let request = self.client.request(method, format!("{}{path}", self.home));
        let request = request.header(COOKIE, self.shown(false)).header(ORIGIN, &self.home);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        self.met(request.send().await.unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Met {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: Json) -> Met {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Follows an address of the provider; the address that it sends back to.
    pub(super) async fn at_provider(&self, url: &str) -> String {
        let response = self.client.get(url).send().await.unwrap();
        let back = response.headers().get(LOCATION).map(|value| value.to_str().unwrap().to_owned());
        back.unwrap_or_else(|| panic!("the provider answered {}", response.status()))
    }

    /// Follows an address of the server that another site sends to.
    pub(super) async fn back(&self, url: &str) -> Met {
        assert!(url.starts_with(&self.home), "{url}");
        self.met(self.client.get(url).header(COOKIE, self.shown(true)).send().await.unwrap()).await
    }

    /// Goes to the provider; the address that it sends back to.
    pub(super) async fn go(&self) -> String {
        let begun = self.get("/api/v1/session/oidc").await;
        assert_eq!(begun.status, 303, "{begun:?}");
        self.at_provider(&begun.location).await
    }

    /// Goes to the provider and comes back.
    pub(super) async fn sign_in(&self) -> Met {
        let back = self.go().await;
        self.back(&back).await
    }

    /// Goes to the provider and comes back, to be linked.
    pub(super) async fn link(&self) -> Met {
        let begun = self.post("/api/v1/account/identity", json!({})).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let back = self.at_provider(begun.body["location"].as_str().unwrap()).await;
        self.back(&back).await
    }

    pub(super) async fn sign_in_with_password(&self, login: &str) {
        let met = self.post("/api/v1/session", json!({"login": login, "password": PASSWORD})).await;
        assert_eq!(met.status, 200, "{met:?}");
    }

    /// Who is signed in.
    pub(super) async fn login(&self) -> Option<String> {
        let met = self.get("/api/v1/session").await;
        met.body["user"]["login"].as_str().map(str::to_owned)
    }

    /// What the page to sign in says.
    pub(super) async fn door(&self) -> Json {
        self.get("/api/v1/registration").await.body["oidc"].clone()
    }

    /// Comes back in vain: what the page to sign in says then.
    pub(super) async fn fails(&self, met: Met) -> String {
        assert_eq!((met.status, met.location.as_str()), (303, "/login"), "{met:?}");
        assert_eq!(self.login().await, None);
        let door = self.door().await;
        door["failure"].as_str().unwrap_or_else(|| panic!("{door}")).to_owned()
    }
}
