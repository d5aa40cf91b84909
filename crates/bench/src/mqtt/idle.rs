//! What connections cost that do nothing.

use anyhow::{Context, Error, Result};
use futures::{StreamExt, TryStreamExt};

use super::broker::Target;
use super::connection::Connection;
use crate::process::{self, resident_bytes};
use crate::thread;

/// Connections that are opened at the same time; brokers let about as many wait.
const OPENING: usize = 50;

/// Resident bytes for each of so many connections, all of which still answer in the end.
pub(crate) async fn bytes_a_connection(target: &Target, connections: usize) -> Result<f64> {
    let target = target.clone();
    let name = target.name;
    thread::run(async move { measure(&target, connections).await }).await.context(name)
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 connections")]
async fn measure(target: &Target, connections: usize) -> Result<f64> {
    process::idle(&[&target.process]).await?;
    let before = resident_bytes(&target.process)?;
    let open = |number| {
        let target = target.clone();
        async move {
            let connection = Connection::open(&target, &format!("bench-idle-{number}")).await?;
            connection.reset_at_end()?;
            Ok::<_, Error>(connection)
        }
    };
    let mut open: Vec<Connection> =
        futures::stream::iter(0..connections).map(open).buffer_unordered(OPENING).try_collect().await?;
    process::idle(&[&target.process]).await?;
    let after = resident_bytes(&target.process)?;
    for connection in &mut open {
        connection.ping().await?;
    }
    Ok((after - before) / connections as f64)
}
