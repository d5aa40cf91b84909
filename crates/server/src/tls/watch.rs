//! Taking up new certificates while the server runs: at SIGHUP, and when the files are others than before.
//!
//! Files are looked at every [`EVERY`]. They are read once they have stayed the same from one look to the next, so that a pair that
//! is half replaced is not taken for a broken one; and not again until they change, so that a broken pair is reported once.

use std::time::Duration;

use metrics::counter;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::files::{Pair, Stamp};
use super::{Source, Tls};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The files as they were.
struct Seen {
    /// When they were last read.
    tried: Stamp,
    /// At the last look.
    last: Stamp,
}

impl Seen {
    fn new(stamp: Stamp) -> Self {
        Self { tried: stamp.clone(), last: stamp }
    }

    /// Notes how the files are now; whether they are to be read.
    fn look(&mut self, now: Stamp) -> bool {
        let is_still = now == self.last;
        let read = is_still && now != self.tried;
        if read {
            self.tried = now.clone();
        }
        self.last = now;
        read
    }
}

impl Tls {
    /// Takes up new certificates until the server stops. For certificates from files, SIGHUP ends the process no more once this has
    /// returned.
    pub(crate) fn watch(self, stop: CancellationToken) -> impl Future<Output = ()> + Send {
        let hang_up = match &*self.source {
            Source::Files(..) => signal(SignalKind::hangup())
                .inspect_err(
                    |error| tracing::warn!(%error, "cannot listen for SIGHUP; changed files are noticed all the same"),
                )
                .ok(),
            // Nothing to read anew: the signal keeps its meaning.
            Source::SelfSigned(_) => None,
        };
        async move {
            stop.run_until_cancelled(self.follow(hang_up)).await;
        }
    }

    async fn follow(&self, mut hang_up: Option<Signal>) {
        let mut ticks = tokio::time::interval(EVERY);
        let mut seen = match &*self.source {
            Source::Files(_, stamp) => Some(Seen::new(stamp.clone())),
            Source::SelfSigned(_) => None,
        };
        loop {
            let asked = tokio::select! {
                _ = ticks.tick() => false,
                () = received(&mut hang_up) => true,
            };
            match (&*self.source, &mut seen) {
                (Source::Files(pair, _), Some(seen)) => {
                    let now = pair.stamp();
                    if asked {
                        *seen = Seen::new(now);
                        self.reload(pair);
                    } else if seen.look(now) {
                        self.reload(pair);
                    }
                }
                (Source::SelfSigned(own), _) if own.is_due() => match own.load_or_make() {
                    Ok(served) => self.replace(served),
                    Err(error) => {
                        tracing::warn!(%error, "the server's own certificate could not be made anew; it is tried again")
                    }
                },
                _ => {}
            }
        }
    }

    fn reload(&self, pair: &Pair) {
        let outcome = match pair.load() {
            Ok(served) => {
                tracing::info!(fingerprint = served.fingerprint, "new connections get the new certificate");
                self.replace(served);
                "taken"
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be used, so the one before stays");
                "refused"
            }
        };
        counter!("sensorium_tls_reloads_total", "outcome" => outcome).increment(1);
    }
}

/// Waits for the signal; for ever where there is none to wait for.
async fn received(hang_up: &mut Option<Signal>) {
    let came = match hang_up {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if came.is_none() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_once_they_stay_the_same_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let state = |cert: &str, key: &str| {
            std::fs::write(&pair.cert, cert).unwrap();
            std::fs::write(&pair.key, key).unwrap();
            pair.stamp()
        };
        let first = state("a", "b");
        let mut seen = Seen::new(first.clone());
        assert!(!seen.look(first));
        let half = state("a longer one", "b");
        let whole = state("a longer one", "another");
        assert_ne!(half, whole);
        assert!(!seen.look(half), "they have just changed");
        assert!(!seen.look(whole.clone()), "they have changed again");
        assert!(seen.look(whole.clone()));
        assert!(!seen.look(whole), "they were read already");
        std::fs::remove_file(&pair.key).unwrap();
        let gone = pair.stamp();
        assert!(!seen.look(gone.clone()));
        assert!(seen.look(gone));
    }
}
