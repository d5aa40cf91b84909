//! What the broker counts of an organisation, and who reads its messages inside of the process.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use sensorium_model::messaging::{MessagingBridge, TopicMessage};
use sensorium_model::{ErrorKind, MessagingError};
use sensorium_protocols::mqtt::router::SessionKey;
use sensorium_protocols::mqtt::{Message, TopicFilter};
use tokio_util::sync::CancellationToken;

use super::super::bridge::Bridge;
use super::reader::{Feed, Reader};

/// Numbers since the broker started, and readers.
#[derive(Debug, Default)]
pub(in crate::mqtt) struct Organisation {
    /// Messages that were published.
    received: AtomicU64,
    /// Messages that were passed on, once for each receiver.
    sent: AtomicU64,
    /// Messages that were not taken.
    refused: AtomicU64,
    /// Messages that found no room.
    dropped: AtomicU64,
    /// How often a connection was not read because it was over its rate.
    limited: AtomicU64,
    /// How many `feeds` there are, so that a message looks no further when there are none.
    readers: AtomicUsize,
    feeds: RwLock<Vec<Arc<Feed>>>,
    /// What its messages go out over.
    bridges: OnceLock<Vec<Arc<Bridge>>>,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::mqtt) struct Counted {
    pub(in crate::mqtt) received: u64,
    pub(in crate::mqtt) sent: u64,
    pub(in crate::mqtt) refused: u64,
    pub(in crate::mqtt) dropped: u64,
    pub(in crate::mqtt) limited: u64,
}

impl Organisation {
    pub(in crate::mqtt) fn count_received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::mqtt) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::mqtt) fn count_limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    /// A message was passed on to so many, of which it is gone for some.
    pub(in crate::mqtt) fn count_sent(&self, receivers: usize, dropped: u64) {
        if receivers > 0 {
            self.sent.fetch_add(receivers as u64, Ordering::Relaxed);
        }
        if dropped > 0 {
            self.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
    }

    pub(in crate::mqtt) fn counted(&self) -> Counted {
        Counted {
            received: self.received.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            limited: self.limited.load(Ordering::Relaxed),
        }
    }

    /// Has messages go out over bridges from now on.
    pub(in crate::mqtt) fn carry_over(&self, bridges: Vec<Arc<Bridge>>) {
        self.bridges.get_or_init(|| bridges);
    }

    /// Offers a message to the bridges.
    pub(in crate::mqtt) fn carry(&self, by: Option<SessionKey>, message: &Arc<Message>) {
        for bridge in self.bridges.get().into_iter().flatten() {
            bridge.offer(by, message);
        }
    }

    /// How its bridges are.
    pub(in crate::mqtt) fn bridges(&self) -> Vec<MessagingBridge> {
        self.bridges.get().into_iter().flatten().map(|bridge| bridge.shown()).collect()
    }

    /// Adds a reader, if there are not `most` already.
    pub(in crate::mqtt) fn read(
        self: Arc<Self>,
        filter: TopicFilter,
        most: usize,
        stop: CancellationToken,
    ) -> Result<Reader, MessagingError> {
        let feed = Arc::new(Feed::new(filter));
        {
            let mut feeds = self.feeds.write();
            if feeds.len() >= most {
                let sentence = format!(
                    "{most} readers of messages are there already, the most of an organisation (setting mqtt.readers); close one"
                );
                return Err(MessagingError::new(ErrorKind::Busy, sentence));
            }
            feeds.push(feed.clone());
            self.readers.store(feeds.len(), Ordering::Release);
        }
        Ok(Reader::new(self, feed, stop))
    }

    /// A reader is gone.
    pub(super) fn leave(&self, feed: &Arc<Feed>) {
        let mut feeds = self.feeds.write();
        feeds.retain(|present| !Arc::ptr_eq(present, feed));
        self.readers.store(feeds.len(), Ordering::Release);
    }

    /// Whether anybody reads.
    pub(in crate::mqtt) fn has_readers(&self) -> bool {
        self.readers.load(Ordering::Acquire) > 0
    }

    /// Whether anybody reads topics that begin with this level.
    pub(in crate::mqtt) fn reads_level(&self, level: &str) -> bool {
        self.has_readers() && self.feeds.read().iter().any(|feed| feed.filter().levels().next() == Some(level))
    }

    /// Hands a message to the readers whose filter matches. `client_id` is asked for only then.
    pub(in crate::mqtt) fn tell(
        &self,
        message: &Arc<Message>,
        client_id: impl FnOnce() -> Option<Arc<str>>,
        now_ms: u64,
    ) {
        let feeds = self.feeds.read();
        let mut matching = feeds.iter().filter(|feed| feed.filter().matches(&message.topic)).peekable();
        if matching.peek().is_some() {
            let told = TopicMessage { at_ms: Some(now_ms), client_id: client_id(), ..shown(message) };
            matching.for_each(|feed| feed.push(&told));
        }
    }
}

/// A message as others than clients see it.
pub(in crate::mqtt) fn shown(message: &Message) -> TopicMessage {
    TopicMessage {
        topic: message.topic.text().clone(),
        qos: message.qos.bits(),
        retain: message.retain,
        payload: message.content.payload.clone(),
        content_type: message.content.content_type.clone(),
        expires_ms: message.expires_ms,
        at_ms: None,
        client_id: None,
    }
}
