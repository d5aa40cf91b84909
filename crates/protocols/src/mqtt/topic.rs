//! Topic names and topic filters (MQTT 5.0 and 3.1.1, section 4.7; shared subscriptions: 5.0, section 4.8.2).
//!
//! A [`TopicName`] and a [`TopicFilter`] are checked where they are made and correct afterwards. Both share their text
//! with their clones.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::limits::MqttLimits;

/// What a filter of a shared subscription begins with.
const SHARE: &str = "$share/";

/// Why a text is no topic name or no topic filter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TopicError {
    /// [MQTT-4.7.3-1]
    #[error("a topic has at least one character")]
    Empty,
    /// [MQTT-4.7.3-2]
    #[error("a topic holds no U+0000")]
    Null,
    /// [MQTT-3.3.2-2]
    #[error("the topic of a message holds neither + nor #")]
    Wildcard,
    /// [MQTT-4.7.1-1]
    #[error("# stands alone at the end of a filter, like a/b/#")]
    Hash,
    /// [MQTT-4.7.1-2]
    #[error("+ stands for a whole level of a filter, like a/+/b")]
    Plus,
    /// [MQTT-4.8.2-1], [MQTT-4.8.2-2]
    #[error("a shared subscription is $share/group/filter, with neither + nor # in the group")]
    Share,
    /// Longer than is allowed.
    #[error("the topic has {bytes} bytes; at most {limit} are allowed (setting mqtt.topic_bytes)")]
    Bytes {
        /// Of the text.
        bytes: usize,
        /// That are allowed.
        limit: usize,
    },
    /// Deeper than is allowed.
    #[error("the topic has {levels} levels; at most {limit} are allowed (setting mqtt.topic_levels)")]
    Levels {
        /// Of the text.
        levels: usize,
        /// That are allowed.
        limit: usize,
    },
}

/// The topic that a message is published to: no wildcards.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicName(Arc<str>);

impl TopicName {
    /// Checks a topic name.
    pub fn new(text: impl Into<Arc<str>>, limits: &MqttLimits) -> Result<Self, TopicError> {
        let text = text.into();
        sized(&text, limits)?;
        match text.contains(['+', '#']) {
            true => Err(TopicError::Wildcard),
            false => Ok(Self(text)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    pub fn text(&self) -> &Arc<str> {
        &self.0
    }

    /// What stands between the slashes; each may be empty.
    pub fn levels(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split('/')
    }

    /// Whether filters that begin with a wildcard leave it out [MQTT-4.7.2-1].
    pub fn is_special(&self) -> bool {
        self.0.starts_with('$')
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a client subscribes to: a topic name with wildcards, perhaps shared with others of a group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Arc<str>", into = "Arc<str>")]
pub struct TopicFilter {
    text: Arc<str>,
    /// Where the filter itself begins: behind the group, when it is shared.
    start: usize,
}

impl TopicFilter {
    /// Checks a topic filter.
    pub fn new(text: impl Into<Arc<str>>, limits: &MqttLimits) -> Result<Self, TopicError> {
        let text = text.into();
        sized(&text, limits)?;
        Self::try_from(text)
    }

    /// The text as the client sent it, with the group.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The group that shares the subscription.
    pub fn group(&self) -> Option<&str> {
        self.text.get(SHARE.len()..self.start.checked_sub(1)?)
    }

    /// The filter without the group.
    pub fn filter(&self) -> &str {
        self.text.get(self.start..).unwrap_or_default()
    }

    /// What stands between the slashes of the filter; each may be empty.
    pub fn levels(&self) -> impl Iterator<Item = &str> + Clone {
        self.filter().split('/')
    }

    /// Whether messages of the topic are for who subscribes to this filter.
    pub fn matches(&self, topic: &TopicName) -> bool {
        if topic.is_special() && self.filter().starts_with(['+', '#']) {
            return false;
        }
        let mut names = topic.levels();
        for level in self.levels() {
            match (level, names.next()) {
                // `a/#` is also for `a` itself (section 4.7.1.2).
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (level, Some(name)) if level == name => {}
                _ => return false,
            }
        }
        names.next().is_none()
    }
}

/// Checks where wildcards stand, not how long the filter is: one that was accepted is kept when limits change.
impl TryFrom<Arc<str>> for TopicFilter {
    type Error = TopicError;

    fn try_from(text: Arc<str>) -> Result<Self, TopicError> {
        let start = match text.strip_prefix(SHARE) {
            None => 0,
            Some(rest) => {
                let (group, filter) = rest.split_once('/').ok_or(TopicError::Share)?;
                if group.is_empty() || filter.is_empty() || group.contains(['+', '#']) {
                    return Err(TopicError::Share);
                }
                SHARE.len() + group.len() + 1
            }
        };
        let filter = Self { text, start };
        let mut levels = filter.levels().peekable();
        while let Some(level) = levels.next() {
            if level.contains('#') && (level != "#" || levels.peek().is_some()) {
                return Err(TopicError::Hash);
            }
            if level.contains('+') && level != "+" {
                return Err(TopicError::Plus);
            }
        }
        drop(levels);
        Ok(filter)
    }
}

impl From<TopicFilter> for Arc<str> {
    fn from(filter: TopicFilter) -> Self {
        filter.text
    }
}

impl fmt::Debug for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

fn sized(text: &str, limits: &MqttLimits) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    let limit = limits.topic_bytes.min(usize::from(u16::MAX));
    if text.len() > limit {
        return Err(TopicError::Bytes { bytes: text.len(), limit });
    }
    if text.contains('\0') {
        return Err(TopicError::Null);
    }
    match text.split('/').count() {
        levels if levels > limits.topic_levels => Err(TopicError::Levels { levels, limit: limits.topic_levels }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<TopicName, TopicError> {
        TopicName::new(text, &MqttLimits::default())
    }

    fn filter(text: &str) -> Result<TopicFilter, TopicError> {
        TopicFilter::new(text, &MqttLimits::default())
    }

    #[test]
    fn the_examples_of_section_4_7_match() {
        for (pattern, topic, expected) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/tennis/player1/#", "sport/tennis/player10", false),
            ("sport/#", "sport", true),
            ("#", "sport/tennis", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+", "sport", true),
            ("+/tennis/#", "sport/tennis/player1", true),
            ("sport/+/player1", "sport/tennis/player1", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/uptime", false),
            ("+/monitor/Clients", "$SYS/monitor/Clients", false),
            ("$SYS/#", "$SYS/monitor/Clients", true),
            ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
            ("$share/consumer1/sport/tennis/+", "sport/tennis/player1", true),
            ("$share/consumer2//finance", "/finance", true),
            ("$share/all/#", "$SYS/uptime", false),
            ("ACCOUNTS", "Accounts", false),
            ("Accounts payable", "Accounts payable", true),
            ("a", "/a", false),
        ] {
            assert_eq!(filter(pattern).unwrap().matches(&name(topic).unwrap()), expected, "{pattern} {topic}");
        }
    }

    #[test]
    fn wildcards_stand_for_whole_levels() {
        for (text, error) in [
            ("sport/tennis#", TopicError::Hash),
            ("sport/tennis/#/ranking", TopicError::Hash),
            ("##", TopicError::Hash),
            ("sport+", TopicError::Plus),
            ("a/+b/c", TopicError::Plus),
            ("", TopicError::Empty),
            ("a\0b", TopicError::Null),
            ("$share", TopicError::Share),
            ("$share/", TopicError::Share),
            ("$share/group", TopicError::Share),
            ("$share/group/", TopicError::Share),
            ("$share//a", TopicError::Share),
            ("$share/a+/b", TopicError::Share),
            ("$share/#/b", TopicError::Share),
            ("$share/g/a#", TopicError::Hash),
        ] {
            // `$share` alone is an ordinary filter of a topic that nobody publishes to.
            match text {
                "$share" => assert_eq!(filter(text).unwrap().group(), None),
                _ => assert_eq!(filter(text), Err(error), "{text:?}"),
            }
        }
        assert_eq!(name("a/+/b"), Err(TopicError::Wildcard));
        assert_eq!(name("a#"), Err(TopicError::Wildcard));
        assert_eq!(name(""), Err(TopicError::Empty));
        assert_eq!(name("a\0"), Err(TopicError::Null));
    }

    #[test]
    fn a_shared_filter_tells_its_group() {
        let shared = filter("$share/group/a/#").unwrap();
        assert_eq!((shared.group(), shared.filter(), shared.as_str()), (Some("group"), "a/#", "$share/group/a/#"));
        let plain = filter("a/#").unwrap();
        assert_eq!((plain.group(), plain.filter()), (None, "a/#"));
    }

    #[test]
    fn lengths_and_levels_are_limited() {
        let limits = MqttLimits { topic_bytes: 8, topic_levels: 3, ..MqttLimits::default() };
        assert!(TopicName::new("a/b/c", &limits).is_ok());
        let error = TopicName::new("a/b/c/d", &limits).unwrap_err();
        assert_eq!(error, TopicError::Levels { levels: 4, limit: 3 });
        assert!(error.to_string().contains("mqtt.topic_levels"), "{error}");
        let error = TopicFilter::new("a23456789", &limits).unwrap_err();
        assert_eq!(error, TopicError::Bytes { bytes: 9, limit: 8 });
        assert!(error.to_string().contains("mqtt.topic_bytes"), "{error}");
        let limits = MqttLimits { topic_bytes: usize::MAX, ..limits };
        let long = "x".repeat(65_536);
        assert_eq!(TopicName::new(long, &limits), Err(TopicError::Bytes { bytes: 65_536, limit: 65_535 }));
    }
}
