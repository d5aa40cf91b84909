//! The queue, and the task that works on it.

use std::collections::VecDeque;
use std::sync::Arc;

use metrics::counter;
use parking_lot::Mutex;
use sensorium_model::{EmailAddress, OrgId};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::MailConfig;
use crate::delivery::Delivery;
use crate::error::MailError;
use crate::limits::Limits;
use crate::words::{Letter, Words};

/// What became of a message, for the record.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The organisation.
    pub org: OrgId,
    /// Whom it was for.
    pub to: EmailAddress,
    /// [`Words::kind`].
    pub kind: &'static str,
    /// Whether the mail server took it.
    pub sent: bool,
}

/// Takes messages; cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    inner: Arc<Inner>,
}

struct Inner {
    delivery: Delivery,
    limits: Mutex<Limits>,
    /// One permit for each message that may wait; it goes with the message, which bounds the channel.
    room: Arc<Semaphore>,
    inbox: UnboundedSender<Item>,
}

/// A message that waits for its turn, or for another try.
struct Item {
    letter: Letter,
    tries: usize,
    due: Instant,
    _room: OwnedSemaphorePermit,
}

/// Room for one message to one address, which is counted already.
pub struct Slot {
    mailer: Mailer,
    to: EmailAddress,
    room: OwnedSemaphorePermit,
}

impl Slot {
    /// Queues the message; never waits.
    pub fn send(self, org: OrgId, words: Words) {
        let letter = Letter { org, to: self.to, words };
        counter!("sensorium_mail_messages_total", "kind" => letter.words.kind(), "outcome" => "queued").increment(1);
        let item = Item { letter, tries: 0, due: Instant::now(), _room: self.room };
        // Only once the server has stopped does nobody listen; then it is lost like everything that waits.
        let _ = self.mailer.inner.inbox.send(item);
    }
}

impl Mailer {
    /// Starts the task that sends, and tells `record` of each outcome. Once `stop` is cancelled, what was not tried yet is tried once;
    /// then the task ends.
    pub fn start<R, F>(
        config: MailConfig,
        stop: CancellationToken,
        record: R,
    ) -> Result<(Self, JoinHandle<()>), MailError>
    where
        R: Fn(Outcome) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (inbox, outbox) = unbounded_channel();
        let inner = Inner {
            limits: Mutex::new(Limits::new(config.per_hour, config.per_hour_to_one)),
            room: Arc::new(Semaphore::new(config.queue.min(Semaphore::MAX_PERMITS))),
            delivery: Delivery::new(config)?,
            inbox,
        };
        let mailer = Self { inner: Arc::new(inner) };
        let worker = Worker { mailer: mailer.clone(), record, again: VecDeque::new() };
        Ok((mailer, tokio::spawn(worker.run(outbox, stop))))
    }

    /// Room for a message to an address; fails where a limit is reached.
    pub fn reserve(&self, to: &EmailAddress) -> Result<Slot, MailError> {
        let full = |_| MailError::Full(self.inner.delivery.config().queue);
        let room = self.inner.room.clone().try_acquire_owned().map_err(full)?;
        self.inner.limits.lock().count(to, Instant::now())?;
        Ok(Slot { mailer: self.clone(), to: to.clone(), room })
    }

    /// Hands a message over at once, past the queue; what the mail server answered.
    pub async fn send_now(&self, letter: &Letter) -> Result<String, MailError> {
        let _slot = self.reserve(&letter.to)?;
        let sent = self.inner.delivery.deliver(letter).await;
        count(letter, if sent.is_ok() { "sent" } else { "failed" });
        sent
    }

    /// Messages that wait.
    pub fn waiting(&self) -> usize {
        self.inner.delivery.config().queue.saturating_sub(self.inner.room.available_permits())
    }

    /// Hands a message over with settings alone, without a queue: for a command.
    pub async fn send_once(config: MailConfig, letter: &Letter) -> Result<String, MailError> {
        Delivery::new(config)?.deliver(letter).await
    }
}

struct Worker<R> {
    mailer: Mailer,
    record: R,
    /// Those that wait for another try.
    again: VecDeque<Item>,
}

impl<R, F> Worker<R>
where
    R: Fn(Outcome) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    async fn run(mut self, mut inbox: UnboundedReceiver<Item>, stop: CancellationToken) {
        loop {
            let due = self.again.iter().map(|item| item.due).min();
            let next = tokio::select! {
                () = stop.cancelled() => break,
                item = inbox.recv() => item,
                () = until(due) => self.take_due(),
            };
            if let Some(item) = next {
                self.attempt(item).await;
            }
        }
        while let Ok(item) = inbox.try_recv() {
            self.attempt(item).await;
        }
        let lost = self.again.len();
        if lost > 0 {
            tracing::warn!(lost, "messages that the mail server has not taken yet are lost with the stop");
        }
    }

    fn take_due(&mut self) -> Option<Item> {
        let now = Instant::now();
        let at = self.again.iter().position(|item| item.due <= now)?;
        self.again.remove(at)
    }

    async fn attempt(&mut self, mut item: Item) {
        let delivery = &self.mailer.inner.delivery;
        let sent = delivery.deliver(&item.letter).await;
        let (kind, to) = (item.letter.words.kind(), item.letter.to.masked());
        if let Err(error) = &sent
            && !error.is_for_good()
            && let Some(wait) = delivery.config().retry_after.get(item.tries).copied()
        {
            tracing::warn!(kind, to, %error, again_in_seconds = wait.as_secs(), "a message could not be sent");
            count(&item.letter, "retried");
            item.tries += 1;
            item.due = Instant::now() + wait;
            self.again.push_back(item);
            return;
        }
        match &sent {
            Ok(_) => tracing::info!(kind, to, "a message was sent"),
            Err(error) => tracing::error!(kind, to, %error, "a message could not be sent, and is given up"),
        }
        count(&item.letter, if sent.is_ok() { "sent" } else { "failed" });
        (self.record)(Outcome { org: item.letter.org, to: item.letter.to.clone(), kind, sent: sent.is_ok() }).await;
    }
}

fn count(letter: &Letter, outcome: &'static str) {
    counter!("sensorium_mail_messages_total", "kind" => letter.words.kind(), "outcome" => outcome).increment(1);
}

/// Waits for a time; for ever, if there is none.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
