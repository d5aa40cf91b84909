//! Messages that wait to go over a bridge, in their order. It is bounded in messages and bytes: the oldest that are not under way
//! make room.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use sensorium_protocols::mqtt::Message;
use tokio::sync::Notify;

/// What waits.
#[derive(Debug)]
pub(super) struct Outbox {
    most_messages: usize,
    most_bytes: usize,
    queue: Mutex<Queue>,
    dropped: AtomicU64,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn new(most_messages: usize, most_bytes: usize) -> Self {
        let (queue, dropped, wake) = (Mutex::default(), AtomicU64::new(0), Notify::new());
        Self { most_messages, most_bytes, queue, dropped, wake }
    }

    /// Adds a message; how many are gone for it. One finds room in an empty queue whatever its size.
    pub(super) fn push(&self, message: &Arc<Message>) -> u64 {
        let mut queue = self.queue.lock();
        queue.bytes += message.bytes();
        queue.messages.push_back(message.clone());
        let gone = queue.make_room(self.most_messages, self.most_bytes);
        drop(queue);
        self.dropped.fetch_add(gone, Ordering::Relaxed);
        self.wake.notify_one();
        gone
    }

    /// The next one, which is under way from now on.
    pub(super) fn pop(&self) -> Option<Arc<Message>> {
        let mut queue = self.queue.lock();
        let message = queue.messages.pop_front()?;
        queue.bytes -= message.bytes();
        Some(message)
    }

    /// Puts back in front what was under way when the connection ended, in its order. It is dropped for nothing that came since.
    pub(super) fn put_back(&self, under_way: Vec<Arc<Message>>) {
        let mut queue = self.queue.lock();
        for message in under_way.into_iter().rev() {
            queue.bytes += message.bytes();
            queue.messages.push_front(message);
        }
    }

    /// Waits until something was added.
    pub(super) async fn added(&self) {
        self.wake.notified().await;
    }

    pub(super) fn len(&self) -> usize {
        self.queue.lock().messages.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Queue {
    fn make_room(&mut self, messages: usize, bytes: usize) -> u64 {
        let mut gone = 0;
        while self.messages.len() > 1 && (self.messages.len() > messages || self.bytes > bytes) {
            if let Some(oldest) = self.messages.pop_front() {
                self.bytes -= oldest.bytes();
                gone += 1;
            }
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use sensorium_protocols::mqtt::packet::{Content, Qos};
    use sensorium_protocols::mqtt::{MqttLimits, TopicName};

    use super::*;

    fn message(payload: &str) -> Arc<Message> {
        let topic = TopicName::new("t", &MqttLimits::default()).unwrap();
        let content = Content::new(payload.to_owned());
        Arc::new(Message { topic, qos: Qos::AtLeastOnce, retain: false, expires_ms: None, content })
    }

    fn left(outbox: &Outbox) -> Vec<String> {
        let payload = |message: Arc<Message>| String::from_utf8(message.content.payload.to_vec()).unwrap();
        std::iter::from_fn(|| outbox.pop()).map(payload).collect()
    }

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        let outbox = Outbox::new(2, 1_000);
        let gone: Vec<u64> = ["a", "b", "c", "d"].map(|payload| outbox.push(&message(payload))).into();
        assert_eq!((gone, outbox.dropped(), outbox.len()), (vec![0, 0, 1, 1], 2, 2));
        assert_eq!(left(&outbox), ["c", "d"]);
        let outbox = Outbox::new(10, 20);
        outbox.push(&message("a"));
        assert_eq!(outbox.push(&message(&"x".repeat(100))), 1, "it finds room by itself");
        assert_eq!(outbox.push(&message("b")), 1);
        assert_eq!(left(&outbox), ["b"]);
        assert_eq!(outbox.queue.lock().bytes, 0);
    }

    #[test]
    fn what_was_under_way_goes_first_again() {
        let outbox = Outbox::new(3, 1_000);
        for payload in ["a", "b", "c"] {
            outbox.push(&message(payload));
        }
        let under_way = vec![outbox.pop().unwrap(), outbox.pop().unwrap()];
        outbox.push(&message("d"));
        outbox.put_back(under_way);
        assert_eq!(left(&outbox), ["a", "b", "c", "d"]);
    }
}
