//! The thread that makes a load: one, so that the broker has the rest of the machine.

use std::future::Future;
use std::path::Path;

use anyhow::{Context, Result};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::process;

/// The folder that describes the thread that looks at it.
const SELF: &str = "/proc/thread-self";

/// Runs a load, and everything that it spawns, on a thread of its own. It ends with its brokers: a load that nobody waits for
/// any more finds its connections closed.
pub(crate) async fn run<T: Send + 'static>(load: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let (send, receive) = oneshot::channel();
    let work = move || {
        let runtime = Builder::new_current_thread().enable_all().build().context("the load cannot be started");
        // Nobody waits any more when the measurement was interrupted.
        let _ = send.send(runtime.and_then(|runtime| runtime.block_on(load)));
    };
    std::thread::Builder::new().name("load".to_owned()).spawn(work).context("the load has no thread")?;
    receive.await.context("the load stopped")?
}

/// User and system time so far of the load that asks.
pub(crate) fn cpu_seconds() -> Result<f64> {
    process::cpu_seconds(Path::new(SELF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_load_and_what_it_spawns_have_one_thread() {
        let load = async {
            let spawned = tokio::spawn(async { std::thread::current().id() }).await?;
            Ok((std::thread::current().id() == spawned, std::thread::current().name() == Some("load"), cpu_seconds()?))
        };
        let (same, named, cpu) = run(load).await.unwrap();
        assert!(same && named && cpu >= 0.0, "{same} {named} {cpu}");
    }
}
