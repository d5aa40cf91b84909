//! How `query`, `export`, `import`, `token` and `backup` reach the data: a server over HTTP, or the data folder when no server runs.
//!
//! In this order: the server at `--url`; the server that `server.json` in the data folder names, if it answers; the folder
//! itself, opened by this process, which then owns it until the command ends.

mod backup;
mod export;
mod mail;
mod output;
mod query;
mod remote;
mod token;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result, bail};
use sensorium_metadata::Metadata;
use sensorium_model::{OrgId, Principal};
use sensorium_store::Store;

use crate::cli::{ConfigFlags, ReachFlags};
use crate::config::{Config, Settings};
use crate::local::LocalServer;
use crate::open;

pub(crate) use backup::{backup, restore};
pub(crate) use export::export;
pub(crate) use mail::mail;
pub(crate) use query::query;
pub(crate) use remote::Remote;
pub(crate) use token::token;

/// Where the data is.
pub(crate) enum Reach {
    /// Behind a running server.
    Server(Remote),
    /// In a folder that this process has opened.
    Folder(Box<Folder>),
}

/// The data folder, opened by this process.
pub(crate) struct Folder {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) metadata: Metadata,
    pub(crate) org: OrgId,
}

impl Folder {
    /// The person at this machine, who could read the folder's files anyway.
    pub(crate) fn principal(&self) -> Principal {
        Principal::system(self.org)
    }
}

impl Reach {
    /// Finds the server, or opens the folder; `create` allows for a folder that does not exist yet.
    pub(crate) async fn open(flags: &ReachFlags, create: bool) -> Result<Self> {
        if let Some(url) = &flags.url {
            return Ok(Self::Server(Remote::new(url, flags.token.clone())?));
        }
        let settings = load(&flags.config)?.settings;
        if let Some(remote) = local(&settings.data_dir, flags).await? {
            return Ok(Self::Server(remote));
        }
        if !create && !settings.data_dir.is_dir() {
            bail!(
                "no server runs here and there is no data in {}; start `sensorium serve`, or name the folder with --data-dir \
                 or a server with --url",
                settings.data_dir.display()
            );
        }
        let (store, _) = open::store(&settings, None).await?;
        let (metadata, first) = open::metadata(&settings).await?;
        Ok(Self::Folder(Box::new(Folder { settings, store, metadata, org: first.org })))
    }

    /// Writes what is in memory to disk and lets go of the folder; nothing to do for a server.
    pub(crate) async fn close(self) -> Result<()> {
        if let Self::Folder(folder) = self {
            folder.store.shutdown().await?;
            folder.metadata.close().await?;
        }
        Ok(())
    }
}

/// The server at `--url`, or the one that uses the data folder.
pub(crate) async fn server(flags: &ReachFlags) -> Result<Remote> {
    if let Some(url) = &flags.url {
        return Remote::new(url, flags.token.clone());
    }
    let data_dir = load(&flags.config)?.settings.data_dir;
    match local(&data_dir, flags).await? {
        Some(remote) => Ok(remote),
        None => bail!(
            "no server uses the data in {}; start `sensorium serve`, or name the folder with --data-dir or a server with --url",
            data_dir.display()
        ),
    }
}

/// The server that `server.json` in a data folder names, if it answers.
async fn local(data_dir: &Path, flags: &ReachFlags) -> Result<Option<Remote>> {
    let Some(server) = named(data_dir)? else { return Ok(None) };
    let remote = Remote::new(&server.url, Some(flags.token.clone().unwrap_or(server.token)))?;
    Ok(remote.answers().await.then_some(remote))
}

/// Where the server that uses the data folder listens to MQTT without TLS, if it does.
pub(crate) fn local_mqtt(flags: &ConfigFlags) -> Result<Option<SocketAddr>> {
    let Some(address) = named(&load(flags)?.settings.data_dir)?.and_then(|server| server.mqtt) else {
        return Ok(None);
    };
    let mut address: SocketAddr = address.parse().context("server.json names no address of MQTT")?;
    if address.ip().is_unspecified() {
        // It listens everywhere, so here too.
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    Ok(Some(address))
}

/// The server that `server.json` in a data folder names.
fn named(data_dir: &Path) -> Result<Option<LocalServer>> {
    LocalServer::read(data_dir).with_context(|| format!("cannot read server.json in {}", data_dir.display()))
}

/// The configuration of a command that is not `serve`.
fn load(flags: &ConfigFlags) -> Result<Config> {
    Ok(Config::load(flags.config.as_deref(), std::env::vars_os(), &flags.values())?)
}
