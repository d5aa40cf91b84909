//! Retained messages by topic: those of a filter are found by walking over the filter's levels.
//!
//! Invariants: a node that holds neither a message nor children is not kept; `len` and `bytes` are those of the messages.

use std::sync::Arc;

use sensorium_model::FastMap;

use super::RouterError;
use crate::mqtt::{Message, MqttLimits, TopicFilter, TopicName};

/// The retained messages of an organisation.
#[derive(Debug, Default)]
pub(super) struct Retained {
    root: Node,
    len: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: FastMap<Box<str>, Self>,
    message: Option<Arc<Message>>,
}

impl Retained {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a message in its topic's place. When there is no room, the message that was there is gone all the same: an old
    /// state must not pass for the newest.
    pub(super) fn insert(&mut self, message: &Arc<Message>, limits: &MqttLimits) -> Result<(), RouterError> {
        self.remove(&message.topic);
        let bytes = message.bytes();
        if self.len >= limits.retained_messages {
            return Err(RouterError::RetainedMessages { limit: limits.retained_messages });
        }
        if self.bytes + bytes > limits.retained_bytes {
            return Err(RouterError::RetainedBytes { limit: limits.retained_bytes });
        }
        let mut node = &mut self.root;
        for level in message.topic.levels() {
            node = node.children.entry(level.into()).or_default();
        }
        node.message = Some(message.clone());
        self.len += 1;
        self.bytes += bytes;
        Ok(())
    }

    pub(super) fn remove(&mut self, topic: &TopicName) {
        if let Some(message) = self.root.remove(&mut topic.levels()) {
            self.len -= 1;
            self.bytes -= message.bytes();
        }
    }

    pub(super) fn contains(&self, topic: &TopicName) -> bool {
        let mut node = &self.root;
        for level in topic.levels() {
            let Some(child) = node.children.get(level) else { return false };
            node = child;
        }
        node.message.is_some()
    }

    /// Calls `each` with the messages whose topics match.
    pub(super) fn visit<'r>(&'r self, filter: &TopicFilter, each: &mut impl FnMut(&'r Arc<Message>)) {
        self.root.visit(&mut filter.levels(), true, each);
    }

    pub(super) fn visit_all<'r>(&'r self, each: &mut impl FnMut(&'r Arc<Message>)) {
        self.root.visit_all(false, each);
    }

    /// Forgets messages that have expired; their topics.
    pub(super) fn expire(&mut self, now_ms: u64) -> Vec<TopicName> {
        let mut expired = Vec::new();
        self.visit_all(&mut |message| {
            if message.is_expired(now_ms) {
                expired.push(message.topic.clone());
            }
        });
        expired.iter().for_each(|topic| self.remove(topic));
        expired
    }
}

impl Node {
    fn remove<'n>(&mut self, levels: &mut impl Iterator<Item = &'n str>) -> Option<Arc<Message>> {
        let Some(level) = levels.next() else { return self.message.take() };
        let child = self.children.get_mut(level)?;
        let removed = child.remove(levels);
        if child.children.is_empty() && child.message.is_none() {
            self.children.remove(level);
        }
        removed
    }

    fn visit<'r, 'n, L>(&'r self, levels: &mut L, is_first: bool, each: &mut impl FnMut(&'r Arc<Message>))
    where
        L: Iterator<Item = &'n str> + Clone,
    {
        match levels.next() {
            None => self.message.iter().for_each(each),
            Some("#") => self.visit_all(is_first, each),
            Some("+") => {
                for (name, child) in &self.children {
                    // [MQTT-4.7.2-1]
                    if !(is_first && name.starts_with('$')) {
                        child.visit(&mut levels.clone(), false, each);
                    }
                }
            }
            Some(level) => {
                if let Some(child) = self.children.get(level) {
                    child.visit(levels, false, each);
                }
            }
        }
    }

    /// Everything here and below; without what begins with `$` when a wildcard stands first.
    fn visit_all<'r>(&'r self, is_first: bool, each: &mut impl FnMut(&'r Arc<Message>)) {
        self.message.iter().for_each(&mut *each);
        for (name, child) in &self.children {
            if !(is_first && name.starts_with('$')) {
                child.visit_all(false, each);
            }
        }
    }
}
