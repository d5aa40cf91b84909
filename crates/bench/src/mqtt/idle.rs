//! What connections cost that do nothing.

use anyhow::{Context, Error, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::broker::Target;
use super::connection::Connection;
use crate::process::{self, resident_bytes};
use crate::thread;

/// Connections that are opened at the same time; brokers let about as many wait.
const OPENING: usize = 50;
/// Files that a process has open beside its connections, at most.
const OTHER_FILES: u64 = 500;

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

/// Lets this process and the brokers that it starts open a file for each of so many connections.
pub(crate) fn raise_open_files(connections: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if let Some(raised) = raised(limit, connections + OTHER_FILES) {
        let outcome = setrlimit(Resource::Nofile, raised);
        let most = limit.maximum.unwrap_or(u64::MAX);
        ensure!(
            outcome.is_ok(),
            "{connections} connections need {} open files, but only {most} are allowed: raise the limit with \
             `ulimit -Hn`, or ask for fewer with --idle",
            connections + OTHER_FILES
        );
    }
    Ok(())
}

/// The limit that is needed for so many files; none where it is high enough. Only the system's administrator may raise the
/// maximum.
fn raised(limit: Rlimit, files: u64) -> Option<Rlimit> {
    let is_lower = |limit: Option<u64>| limit.is_some_and(|limit| limit < files);
    let maximum = if is_lower(limit.maximum) { Some(files) } else { limit.maximum };
    is_lower(limit.current).then_some(Rlimit { current: Some(files), maximum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_raised_only_as_far_as_needed() {
        let limit = |current, maximum| Rlimit { current, maximum };
        let of =
            |current, maximum| raised(limit(current, maximum), 10_500).map(|raised| (raised.current, raised.maximum));
        assert_eq!(of(Some(20_000), Some(20_000)), None);
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(1_024), Some(20_000)), Some((Some(10_500), Some(20_000))));
        assert_eq!(of(Some(1_024), None), Some((Some(10_500), None)));
        assert_eq!(of(Some(1_024), Some(4_096)), Some((Some(10_500), Some(10_500))));
    }
}
