//! Topic aliases of a connection, in both directions (section 3.3.2.3.4).

use std::num::NonZeroU16;
use std::sync::Arc;

use sensorium_model::FastMap;

use super::action::Failure;
use crate::mqtt::{ReasonCode, TopicName};

/// Aliases that the client set.
#[derive(Debug, Default)]
pub(super) struct ClientAliases {
    /// By alias, from 1.
    topics: Vec<Option<TopicName>>,
}

impl ClientAliases {
    /// Sets an alias, which may be at most `maximum` [MQTT-3.3.2-9].
    pub(super) fn set(&mut self, alias: NonZeroU16, topic: &TopicName, maximum: u16) -> Result<(), Failure> {
        checked(alias, maximum)?;
        let place = usize::from(alias.get()) - 1;
        if self.topics.len() <= place {
            self.topics.resize(place + 1, None);
        }
        if let Some(slot) = self.topics.get_mut(place) {
            *slot = Some(topic.clone());
        }
        Ok(())
    }

    /// The topic of an alias.
    pub(super) fn get(&self, alias: NonZeroU16, maximum: u16) -> Result<TopicName, Failure> {
        checked(alias, maximum)?;
        let topic = self.topics.get(usize::from(alias.get()) - 1).cloned().flatten();
        topic.ok_or(Failure::protocol("a topic alias was used before it was set"))
    }
}

fn checked(alias: NonZeroU16, maximum: u16) -> Result<(), Failure> {
    match alias.get() > maximum {
        true => Err(Failure::new(ReasonCode::TopicAliasInvalid, "a topic alias is larger than the server allows")),
        false => Ok(()),
    }
}

/// Aliases that the server set. The first topics get one and keep it.
#[derive(Debug, Default)]
pub(super) struct ServerAliases {
    maximum: u16,
    topics: FastMap<Arc<str>, NonZeroU16>,
}

impl ServerAliases {
    /// At most `maximum`.
    pub(super) fn new(maximum: u16) -> Self {
        Self { maximum, topics: FastMap::default() }
    }

    /// The alias of a topic, and whether the client knows it; none when all are in use.
    pub(super) fn get(&self, topic: &TopicName) -> Option<(NonZeroU16, bool)> {
        if self.maximum == 0 {
            return None;
        }
        match self.topics.get(topic.as_str()) {
            Some(alias) => Some((*alias, true)),
            None => {
                let next = u16::try_from(self.topics.len()).ok()?.checked_add(1)?;
                Some((NonZeroU16::new(next).filter(|alias| alias.get() <= self.maximum)?, false))
            }
        }
    }

    /// Notes that the client was told an alias.
    pub(super) fn told(&mut self, topic: &TopicName, alias: NonZeroU16) {
        self.topics.insert(topic.text().clone(), alias);
    }
}
