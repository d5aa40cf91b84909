//! Retained messages as others than clients see them.

use std::collections::BTreeMap;

use sensorium_model::OrgId;
use sensorium_model::messaging::TopicMessage;
use sensorium_protocols::mqtt::{TopicFilter, TopicName};

use super::super::admin::shown;
use super::Broker;

impl Broker {
    /// A page of retained messages, in the order of their topics. Of many, no more than a page is held.
    pub(in crate::mqtt) fn retained_page(
        &self,
        org: OrgId,
        filter: &TopicFilter,
        after: Option<&str>,
        limit: usize,
        now_ms: u64,
    ) -> Vec<TopicMessage> {
        let state = self.state.read();
        let Some(space) = state.router.get(org) else { return Vec::new() };
        let mut page = BTreeMap::new();
        space.matching(filter, |message| {
            let topic = message.topic.as_str();
            if after.is_none_or(|after| topic > after) && !message.is_expired(now_ms) {
                page.insert(topic, message);
                if page.len() > limit {
                    page.pop_last();
                }
            }
        });
        page.into_values().map(|message| shown(message)).collect()
    }

    pub(in crate::mqtt) fn is_retained(&self, org: OrgId, topic: &TopicName) -> bool {
        self.state.read().router.get(org).is_some_and(|space| space.is_retained(topic))
    }
}
