//! A reader's queue. It is bounded; at the place where messages found no room, their number stands.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use sensorium_model::MessageReader;
use sensorium_model::messaging::{Heard, MessagingFuture, TopicMessage};
use sensorium_protocols::mqtt::TopicFilter;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::organisation::Organisation;

/// Messages that wait for a reader.
const MESSAGES: usize = 256;
/// Bytes of payloads that wait for a reader; a message finds room in an empty queue whatever its size.
const BYTES: usize = 4 * 1_024 * 1_024;

/// What waits for one reader.
#[derive(Debug)]
pub(super) struct Feed {
    filter: TopicFilter,
    queue: Mutex<Queue>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    heard: VecDeque<Heard>,
    messages: usize,
    bytes: usize,
}

impl Feed {
    pub(super) fn new(filter: TopicFilter) -> Self {
        Self { filter, queue: Mutex::new(Queue::default()), wake: Notify::new() }
    }

    pub(super) fn filter(&self) -> &TopicFilter {
        &self.filter
    }

    pub(super) fn push(&self, message: &TopicMessage) {
        self.queue.lock().push(message);
        self.wake.notify_one();
    }
}

impl Queue {
    fn push(&mut self, message: &TopicMessage) {
        let bytes = message.payload.len();
        let has_room = self.messages < MESSAGES && self.bytes + bytes <= BYTES;
        if has_room || self.messages == 0 {
            self.messages += 1;
            self.bytes += bytes;
            self.heard.push_back(Heard::Message(message.clone()));
            return;
        }
        match self.heard.back_mut() {
            Some(Heard::Missed(count)) => *count += 1,
            _ => self.heard.push_back(Heard::Missed(1)),
        }
    }

    fn pop(&mut self) -> Option<Heard> {
        let heard = self.heard.pop_front()?;
        if let Heard::Message(message) = &heard {
            self.messages -= 1;
            self.bytes -= message.payload.len();
        }
        Some(heard)
    }
}

/// Reads the messages of an organisation until it is dropped.
pub(in crate::mqtt) struct Reader {
    organisation: Arc<Organisation>,
    feed: Arc<Feed>,
    stop: CancellationToken,
}

impl Reader {
    pub(super) fn new(organisation: Arc<Organisation>, feed: Arc<Feed>, stop: CancellationToken) -> Self {
        Self { organisation, feed, stop }
    }
}

impl MessageReader for Reader {
    fn next(&mut self) -> MessagingFuture<'_, Option<Heard>> {
        Box::pin(async {
            loop {
                let heard = self.feed.queue.lock().pop();
                if heard.is_some() {
                    return heard;
                }
                self.stop.run_until_cancelled(self.feed.wake.notified()).await?;
            }
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.organisation.leave(&self.feed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> TopicMessage {
        TopicMessage {
            topic: "a/b".into(),
            qos: 0,
            retain: false,
            payload: vec![0_u8; bytes].into(),
            content_type: None,
            expires_ms: None,
            at_ms: Some(1),
            client_id: None,
        }
    }

    fn heard(queue: &mut Queue) -> Vec<Option<u64>> {
        let heard = std::iter::from_fn(|| queue.pop());
        let missed = |heard| match heard {
            Heard::Message(_) => None,
            Heard::Missed(count) => Some(count),
        };
        heard.map(missed).collect()
    }

    #[test]
    fn what_finds_no_room_is_counted_where_it_is_missing() {
        let mut queue = Queue::default();
        (0..MESSAGES + 3).for_each(|_| queue.push(&message(1)));
        assert_eq!(queue.pop().map(|heard| matches!(heard, Heard::Message(_))), Some(true));
        queue.push(&message(1));
        queue.push(&message(1));
        let mut expected = vec![None; MESSAGES - 1];
        expected.extend([Some(3), None, Some(1)]);
        assert_eq!(heard(&mut queue), expected);
        assert_eq!((queue.messages, queue.bytes), (0, 0));
    }

    #[test]
    fn bytes_are_bounded_and_a_large_message_finds_room_by_itself() {
        let mut queue = Queue::default();
        queue.push(&message(BYTES + 1));
        queue.push(&message(0));
        assert_eq!(heard(&mut queue), [None, Some(1)]);
        (0..3).for_each(|_| queue.push(&message(BYTES / 2)));
        assert_eq!(heard(&mut queue), [None, None, Some(1)]);
    }

    #[tokio::test]
    async fn readers_are_bounded_and_give_their_place_back() {
        let organisation = Arc::new(Organisation::default());
        let filter = || TopicFilter::try_from(Arc::<str>::from("a/+")).unwrap();
        let stop = CancellationToken::new();
        let read = || organisation.clone().read(filter(), 1, stop.clone());
        let mut reader = read().unwrap();
        let full = read().err().unwrap();
        assert!(full.to_string().contains("mqtt.readers"), "{full}");
        stop.cancel();
        assert_eq!(reader.next().await, None);
        drop(reader);
        assert!(!organisation.has_readers());
        assert!(read().is_ok());
    }
}
