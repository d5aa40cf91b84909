//! What simulated devices need of a server: to be known, where that is wanted, and tokens, which are revoked at the end.

use anyhow::{Context, Result, bail};
use chrono::Utc;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::client::Remote;

/// What tokens are called, so that a person knows them, and those that an interrupted command left are found.
const TOKEN_NAME: &str = "simulate";
/// When tokens end that nobody revoked.
const TOKEN_DAYS: i64 = 30;

/// A type of simulated devices.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) table: &'static str,
    /// Column, what people call it, unit.
    pub(super) fields: &'static [(&'static str, &'static str, &'static str)],
}

/// A token and where it is revoked.
pub(super) struct Made {
    pub(super) secret: String,
    path: String,
}

#[derive(Deserialize)]
struct Created {
    secret: String,
    token: Named,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Devices {
    devices: Vec<Named>,
}

#[derive(Deserialize)]
struct Types {
    types: Vec<Named>,
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<Named>,
}

/// The server behind the simulated devices.
pub(super) struct Registry(pub(super) Remote);

impl Registry {
    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let response = self.0.send(self.0.request(Method::GET, path).query(query)).await?;
        response.json().await.context("the server's answer cannot be read")
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let response = self.0.send(self.0.request(Method::POST, path).json(body)).await?;
        response.json().await.context("the server's answer cannot be read")
    }

    /// A key for devices.
    pub(super) async fn key_for_devices(&self) -> Result<Made> {
        let body = json!({"name": TOKEN_NAME, "can_read": false, "can_write": true, "for_devices": true, "expires_at": expiry()});
        let Created { secret, token } = self.post("/api/v1/tokens", &body).await?;
        Ok(Made { secret, path: format!("/api/v1/tokens/{}", token.id) })
    }

    /// A token of a device. Those that an interrupted command left give way, as a device has few.
    pub(super) async fn token_of(&self, device: &str) -> Result<Made> {
        let path = format!("/api/v1/devices/{device}/tokens");
        let Tokens { tokens } = self.get(&path, &[]).await?;
        for old in tokens.iter().filter(|token| token.name == TOKEN_NAME) {
            self.0.send(self.0.request(Method::DELETE, &format!("{path}/{}", old.id))).await?;
        }
        let body = json!({"name": TOKEN_NAME, "expires_at": expiry()});
        let Created { secret, token } = self.post(&path, &body).await?;
        Ok(Made { secret, path: format!("{path}/{}", token.id) })
    }

    /// Makes a token useless.
    pub(super) async fn revoke(&self, made: &Made) -> Result<()> {
        self.0.send(self.0.request(Method::DELETE, &made.path)).await.map(|_| ())
    }

    /// The id of a type, which is added if it is not there.
    pub(super) async fn kind(&self, kind: &Kind) -> Result<String> {
        let Types { types } = self.get("/api/v1/device-types", &[]).await?;
        if let Some(known) = types.into_iter().find(|known| known.name.eq_ignore_ascii_case(kind.name)) {
            return Ok(known.id);
        }
        let fields: Vec<Value> = kind
            .fields
            .iter()
            .map(|(name, display_name, unit)| json!({"name": name, "display_name": display_name, "unit": unit}))
            .collect();
        let body = json!({"name": kind.name, "description": kind.description, "table": kind.table, "fields": fields});
        Ok(self.post::<Named>("/api/v1/device-types", &body).await?.id)
    }

    /// The id of a device, which is added with its type if it is not there.
    pub(super) async fn device(&self, name: &str, kind: &str) -> Result<String> {
        // So many hold the name in theirs at most, unless somebody tries.
        let Devices { devices } = self.get("/api/v1/devices", &[("q", name), ("limit", "1000")]).await?;
        if let Some(known) = devices.into_iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
            return Ok(known.id);
        }
        let added = self.post::<Named>("/api/v1/devices", &json!({"name": name, "type": kind})).await;
        Ok(added.with_context(|| format!("the device {name:?} could not be added"))?.id)
    }

    /// Revokes what was made, all of it, and fails with the first that could not be.
    pub(super) async fn revoke_all(&self, made: &[Made]) -> Result<()> {
        let mut left = 0;
        let mut first = None;
        for one in made {
            if let Err(error) = self.revoke(one).await {
                left += 1;
                first.get_or_insert(error);
            }
        }
        match first {
            None => Ok(()),
            Some(error) => bail!(
                "{left} tokens called {TOKEN_NAME:?} could not be revoked; they end in {TOKEN_DAYS} days by themselves: {error}"
            ),
        }
    }
}

fn expiry() -> String {
    (Utc::now() + chrono::Duration::days(TOKEN_DAYS)).format("%FT%TZ").to_string()
}
