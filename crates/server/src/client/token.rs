//! `sensorium token`: create, list and revoke API tokens.

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use reqwest::Method;
use sensorium_metadata::{NewToken, TokenInfo};
use sensorium_model::TokenId;
use serde::Deserialize;
use serde_json::json;

use super::Reach;
use crate::cli::{TokenAction, TokenArgs};

/// A token as it is listed.
#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    name: String,
    database: Option<String>,
    can_read: bool,
    can_write: bool,
    created_at: String,
    last_used_at: Option<String>,
    hint: String,
    for_devices: bool,
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<Listed>,
}

#[derive(Deserialize)]
struct Created {
    secret: String,
}

/// Runs the command.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the answer to a person or a script")]
pub(crate) async fn token(args: TokenArgs) -> Result<()> {
    let reach = Reach::open(&args.reach, false).await?;
    let outcome = match args.action {
        TokenAction::Create { name, read, write, database, for_devices, days } => {
            let (can_read, can_write) = match (read || write, for_devices) {
                (true, _) => (read, write),
                (false, for_devices) => (!for_devices, true),
            };
            let expires_at_ms = days.map(|days| (Utc::now() + chrono::Duration::days(days)).timestamp_millis());
            let new = NewToken { name, database, can_read, can_write, expires_at_ms, for_devices };
            let secret = create(&reach, new).await;
            secret.map(|secret| {
                eprintln!("This is the only time that the token is shown:");
                println!("{secret}");
            })
        }
        TokenAction::List => list(&reach).await.map(|tokens| print!("{}", table(&tokens))),
        TokenAction::Revoke { id } => {
            let revoked = revoke(&reach, &id).await;
            revoked.map(|()| eprintln!("The token {id} is revoked."))
        }
    };
    reach.close().await?;
    outcome
}

async fn create(reach: &Reach, new: NewToken) -> Result<String> {
    match reach {
        Reach::Server(remote) => {
            let body = json!({
                "name": new.name,
                "can_read": new.can_read,
                "can_write": new.can_write,
                "database": new.database,
                "expires_at": new.expires_at_ms.map(time),
                "for_devices": new.for_devices,
            });
            let response = remote.send(remote.request(Method::POST, "/api/v1/tokens").json(&body)).await?;
            Ok(response.json::<Created>().await.context("the server's answer cannot be read")?.secret)
        }
        Reach::Folder(folder) => Ok(folder.metadata.create_token(&folder.principal(), new).await?.1),
    }
}

async fn list(reach: &Reach) -> Result<Vec<Listed>> {
    match reach {
        Reach::Server(remote) => {
            let response = remote.send(remote.request(Method::GET, "/api/v1/tokens")).await?;
            Ok(response.json::<Tokens>().await.context("the server's answer cannot be read")?.tokens)
        }
        Reach::Folder(folder) => {
            let tokens = folder.metadata.tokens(&folder.principal()).await?;
            Ok(tokens.into_iter().map(Listed::from).collect())
        }
    }
}

async fn revoke(reach: &Reach, id: &str) -> Result<()> {
    let Ok(token) = id.parse::<TokenId>() else {
        bail!("{id:?} is no token id; `sensorium token list` shows the ids");
    };
    match reach {
        Reach::Server(remote) => {
            remote.send(remote.request(Method::DELETE, &format!("/api/v1/tokens/{token}"))).await?;
        }
        Reach::Folder(folder) => folder.metadata.revoke_token(&folder.principal(), token).await?,
    }
    Ok(())
}

impl From<TokenInfo> for Listed {
    fn from(info: TokenInfo) -> Self {
        Self {
            id: info.id.to_string(),
            name: info.name,
            database: info.database.map(|name| name.to_string()),
            can_read: info.can_read,
            can_write: info.can_write,
            created_at: time(info.created_at_ms),
            last_used_at: info.last_used_at_ms.map(time),
            hint: info.hint,
            for_devices: info.for_devices,
        }
    }
}

fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map(|time| time.format("%FT%TZ").to_string()).unwrap_or_default()
}

fn table(tokens: &[Listed]) -> String {
    let heading = ["ID", "NAME", "TOKEN", "MAY", "DATABASE", "CREATED", "LAST USED"].map(str::to_owned);
    let rows = tokens.iter().map(|token| {
        let may = match (token.can_read, token.can_write) {
            _ if token.for_devices => "write for devices",
            (true, true) => "read, write",
            (true, false) => "read",
            (false, true) => "write",
            (false, false) => "nothing",
        };
        // Fractions of seconds only make the line longer.
        let seconds = |time: &str| time.split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned();
        [
            token.id.clone(),
            token.name.clone(),
            token.hint.clone(),
            may.to_owned(),
            token.database.clone().unwrap_or_else(|| "all".to_owned()),
            seconds(&token.created_at),
            token.last_used_at.as_deref().map_or_else(|| "never".to_owned(), seconds),
        ]
    });
    let rows: Vec<[String; 7]> = std::iter::once(heading).chain(rows).collect();
    let mut widths = [0; 7];
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
