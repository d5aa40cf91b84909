//! The life of a simulated device: it connects, says what its outbox holds, hears commands, and connects again after pauses that
//! grow. What it is, a [`Device`] says, which sees neither sockets nor clocks.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::link::{Link, Login, Loss, News};
use super::outbox::Outbox;
use super::pause::Pause;
use super::tally::Tally;

/// How long a device that ends waits for what is under way.
const GRACE: Duration = Duration::from_secs(5);
/// Sleeps that nobody waits for end some time.
const FAR: Duration = Duration::from_secs(86_400);

/// What is told when a device is gone.
pub(super) struct Will {
    pub(super) topic: String,
    pub(super) payload: &'static str,
}

/// What a device does.
pub(super) trait Device: Send + 'static {
    /// Its name, user and client identifier.
    fn name(&self) -> &str;

    /// What is told when it is gone.
    fn will(&self) -> Option<Will> {
        None
    }

    /// What it listens to.
    fn subscription(&self) -> Option<String> {
        None
    }

    /// A connection begins.
    fn connected(&mut self, _now: DateTime<Utc>) {}

    /// Its interval is over.
    fn tick(&mut self, now: DateTime<Utc>, tally: &Tally);

    /// A message came.
    fn heard(&mut self, _topic: &str, _payload: &str, _now: DateTime<Utc>, _tally: &Tally) {}

    /// What it has to say.
    fn outbox(&mut self) -> &mut Outbox;

    /// Whether there is nothing left to do.
    fn is_done(&self) -> bool {
        false
    }
}

/// When a device does something.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Before it does something for the first time: devices do not keep step.
    pub(super) first: Duration,
    pub(super) every: Duration,
    pub(super) stop: CancellationToken,
}

/// A device with its connection, if it has one.
struct Life<D> {
    device: D,
    login: Login,
    link: Option<Link>,
    is_connected: bool,
    pause: Pause,
    /// When it is to connect again.
    connects_at: Instant,
    tally: Arc<Tally>,
}

/// Lives until everything is said, or until `stop` and a little longer. Fails when the broker will never let it in.
pub(super) async fn live(device: impl Device, login: Login, times: Times, tally: Arc<Tally>) -> Result<()> {
    let mut ticks = interval_at(Instant::now() + times.first, times.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let connects_at = Instant::now();
    let mut life = Life { device, login, link: None, is_connected: false, pause: Pause::new(), connects_at, tally };
    let mut ends_at = None;
    while !life.device.is_done() {
        let is_ending = ends_at.is_some();
        if is_ending && (!life.is_connected || life.device.outbox().is_empty()) {
            break;
        }
        life.say();
        tokio::select! {
            () = times.stop.cancelled(), if !is_ending => ends_at = Some(Instant::now() + GRACE),
            () = sleep_until(ends_at.unwrap_or_else(|| Instant::now() + FAR)), if is_ending => break,
            _ = ticks.tick(), if !is_ending => life.device.tick(Utc::now(), &life.tally),
            () = sleep_until(life.connects_at), if life.link.is_none() => {
                life.link = Some(Link::open(&life.login, life.device.name(), life.device.will()));
            }
            news = next(life.link.as_mut()) => life.take(news)?,
        }
    }
    life.end().await;
    Ok(())
}

/// What happens next on a connection; without one, nothing ever does.
async fn next(link: Option<&mut Link>) -> News {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}

impl<D: Device> Life<D> {
    /// Sends the next message, unless one is under way.
    fn say(&mut self) {
        let Some(link) = self.link.as_ref().filter(|_| self.is_connected) else { return };
        let outbox = self.device.outbox();
        if outbox.begin().is_some_and(|message| link.publish(message)) {
            self.tally.sent();
        }
    }

    fn take(&mut self, news: News) -> Result<()> {
        match news {
            News::Connected => {
                self.is_connected = true;
                self.pause.reset();
                self.tally.connected();
                if let (Some(link), Some(filter)) = (&self.link, self.device.subscription()) {
                    link.subscribe(filter);
                }
                self.device.connected(Utc::now());
            }
            News::Acknowledged => {
                if self.device.outbox().acknowledged() {
                    self.tally.acknowledged();
                }
            }
            News::Message { topic, payload } => self.device.heard(&topic, &payload, Utc::now(), &self.tally),
            News::Lost(Loss::ForGood(why)) => {
                self.lost();
                bail!("{}: {why}", self.device.name());
            }
            News::Lost(Loss::ForNow(why)) => {
                self.lost();
                self.connects_at = Instant::now() + self.pause.next(rand::random());
                self.tally.trouble(format!("{}: {why}", self.device.name()));
            }
        }
        Ok(())
    }

    fn lost(&mut self) {
        self.link = None;
        self.device.outbox().lost();
        if std::mem::take(&mut self.is_connected) {
            self.tally.disconnected();
        }
    }

    /// Says goodbye.
    async fn end(&mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.lost();
    }
}
