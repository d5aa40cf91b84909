//! Subscriptions by topic filter: which of a million filters match a topic is found by walking over the topic's levels.
//!
//! Invariants:
//! - a node that holds neither subscriptions nor children is not kept;
//! - a key stands at most once for each filter and group; subscribing again replaces its value [MQTT-3.8.4-3].
//!
//! Limits: the depth is that of the filters ([`super::MqttLimits::topic_levels`]); the number is the caller's to bound, by
//! [`Trie::len`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use sensorium_model::FastMap;

use super::topic::{TopicFilter, TopicName};

/// Subscriptions of `K`, each with a `V`.
#[derive(Debug)]
pub struct Trie<K, V> {
    root: Node<K, V>,
    len: usize,
}

#[derive(Debug)]
struct Node<K, V> {
    children: FastMap<Box<str>, Self>,
    /// What follows a `+`.
    any: Option<Box<Self>>,
    /// Filters that end here.
    here: Subscribers<K, V>,
    /// Filters that end here with `#`; few nodes have any.
    below: Option<Box<Subscribers<K, V>>>,
}

/// Who subscribed to one filter.
#[derive(Debug)]
pub struct Subscribers<K, V> {
    own: Members<K, V>,
    groups: Vec<Group<K, V>>,
}

/// Who shares a subscription to one filter.
#[derive(Debug)]
pub struct Group<K, V> {
    name: Box<str>,
    members: Members<K, V>,
    turn: AtomicUsize,
}

/// Each key once. Most filters have one subscriber, for whom a tree would be large.
#[derive(Debug)]
struct Members<K, V> {
    one: Option<(K, V)>,
    others: BTreeMap<K, V>,
}

impl<K: Ord, V> Trie<K, V> {
    /// Adds a subscription; returns the value of the one that it replaces.
    pub fn insert(&mut self, filter: &TopicFilter, key: K, value: V) -> Option<V> {
        let mut node = &mut self.root;
        let mut below = false;
        for level in filter.levels() {
            node = match level {
                "#" => {
                    below = true;
                    break;
                }
                "+" => node.any.get_or_insert_default(),
                // Most levels are there already, so the name is copied only when it is new.
                _ if node.children.contains_key(level) => node.children.get_mut(level)?,
                _ => node.children.entry(level.into()).or_default(),
            };
        }
        let subscribers = if below { node.below.get_or_insert_default().as_mut() } else { &mut node.here };
        let replaced = subscribers.members(filter.group()).insert(key, value);
        self.len += usize::from(replaced.is_none());
        replaced
    }

    /// Removes a subscription; returns its value.
    pub fn remove(&mut self, filter: &TopicFilter, key: &K) -> Option<V> {
        let removed = self.root.remove(&mut filter.levels(), filter.group(), key);
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// Calls `each` for the subscribers of each filter that matches the topic.
    pub fn visit<'t>(&'t self, topic: &TopicName, mut each: impl FnMut(&'t Subscribers<K, V>)) {
        self.root.visit(&mut topic.levels(), topic.is_special(), &mut each);
    }

    /// Whether any filter begins with this level itself, and not with a wildcard.
    pub fn has_first_level(&self, level: &str) -> bool {
        self.root.children.contains_key(level)
    }

    /// The number of subscriptions.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no subscription.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<K: Ord, V> Node<K, V> {
    fn visit<'t, 'n, L>(&'t self, levels: &mut L, is_special: bool, each: &mut impl FnMut(&'t Subscribers<K, V>))
    where
        L: Iterator<Item = &'n str> + Clone,
    {
        // Only the first level can leave wildcards out [MQTT-4.7.2-1]; `a/#` is also for `a` (section 4.7.1.2).
        if let Some(below) = self.below.as_ref().filter(|_| !is_special) {
            each(below);
        }
        let Some(level) = levels.next() else {
            if !self.here.is_empty() {
                each(&self.here);
            }
            return;
        };
        if let Some(any) = self.any.as_ref().filter(|_| !is_special) {
            any.visit(&mut levels.clone(), false, each);
        }
        if let Some(child) = self.children.get(level) {
            child.visit(levels, false, each);
        }
    }

    fn remove<'n>(&mut self, levels: &mut impl Iterator<Item = &'n str>, group: Option<&str>, key: &K) -> Option<V> {
        match levels.next() {
            None => self.here.remove(group, key),
            Some("#") => {
                let below = self.below.as_mut()?;
                let removed = below.remove(group, key);
                if below.is_empty() {
                    self.below = None;
                }
                removed
            }
            Some("+") => {
                let any = self.any.as_mut()?;
                let removed = any.remove(levels, group, key);
                if any.is_empty() {
                    self.any = None;
                }
                removed
            }
            Some(level) => {
                let child = self.children.get_mut(level)?;
                let removed = child.remove(levels, group, key);
                if child.is_empty() {
                    self.children.remove(level);
                }
                removed
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.any.is_none() && self.here.is_empty() && self.below.is_none()
    }
}

impl<K: Ord, V> Subscribers<K, V> {
    /// Who has the subscription alone.
    pub fn own(&self) -> impl Iterator<Item = (&K, &V)> {
        self.own.iter()
    }

    /// The groups that share a subscription.
    pub fn groups(&self) -> &[Group<K, V>] {
        &self.groups
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.groups.is_empty()
    }

    fn members(&mut self, group: Option<&str>) -> &mut Members<K, V> {
        let Some(name) = group else { return &mut self.own };
        let position = self.groups.partition_point(|group| *group.name < *name);
        if self.groups.get(position).is_none_or(|group| *group.name != *name) {
            let group = Group { name: name.into(), members: Members::default(), turn: AtomicUsize::new(0) };
            self.groups.insert(position, group);
        }
        match self.groups.get_mut(position) {
            Some(group) => &mut group.members,
            None => &mut self.own,
        }
    }

    fn remove(&mut self, group: Option<&str>, key: &K) -> Option<V> {
        let Some(name) = group else { return self.own.remove(key) };
        let position = self.groups.iter().position(|group| *group.name == *name)?;
        let group = self.groups.get_mut(position)?;
        let removed = group.members.remove(key);
        if group.members.is_empty() {
            self.groups.remove(position);
        }
        removed
    }
}

impl<K: Ord, V> Group<K, V> {
    /// The member whose turn it is, among those that `is_ready`; among all of them when none is.
    pub fn next(&self, is_ready: impl Fn(&K) -> bool) -> Option<(&K, &V)> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let ready = self.members.iter().filter(|(key, _)| is_ready(key)).count();
        match ready {
            0 => self.members.iter().nth(turn.checked_rem(self.members.len())?),
            ready => self.members.iter().filter(|(key, _)| is_ready(key)).nth(turn % ready),
        }
    }
}

impl<K: Ord, V> Members<K, V> {
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        match &mut self.one {
            Some((present, old)) if *present == key => Some(std::mem::replace(old, value)),
            None if self.others.is_empty() => {
                self.one = Some((key, value));
                None
            }
            _ => self.others.insert(key, value),
        }
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        match self.one.take_if(|(present, _)| present == key) {
            Some((_, value)) => Some(value),
            None => self.others.remove(key),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.one.iter().map(|(key, value)| (key, value)).chain(&self.others)
    }

    fn len(&self) -> usize {
        usize::from(self.one.is_some()) + self.others.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K, V> Default for Members<K, V> {
    fn default() -> Self {
        Self { one: None, others: BTreeMap::new() }
    }
}

impl<K, V> Default for Trie<K, V> {
    fn default() -> Self {
        Self { root: Node::default(), len: 0 }
    }
}

impl<K, V> Default for Node<K, V> {
    fn default() -> Self {
        Self { children: FastMap::default(), any: None, here: Subscribers::default(), below: None }
    }
}

impl<K, V> Default for Subscribers<K, V> {
    fn default() -> Self {
        Self { own: Members::default(), groups: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::mqtt::MqttLimits;

    fn filter(text: &str) -> TopicFilter {
        TopicFilter::new(text, &MqttLimits::default()).unwrap()
    }

    fn name(text: &str) -> TopicName {
        TopicName::new(text, &MqttLimits::default()).unwrap()
    }

    /// Who gets a message: keys of single subscribers, and group and key of all members of groups.
    fn found(trie: &Trie<u32, u8>, topic: &TopicName) -> Vec<(String, u32)> {
        let mut found = Vec::new();
        trie.visit(topic, |subscribers| {
            found.extend(subscribers.own().map(|(key, _)| (String::new(), *key)));
            for group in subscribers.groups() {
                found.extend(group.members.iter().map(|(key, _)| (group.name.to_string(), *key)));
            }
        });
        found.sort();
        found
    }

    #[test]
    fn subscribing_again_replaces_and_the_last_removal_leaves_nothing() {
        let mut trie = Trie::default();
        assert_eq!(trie.insert(&filter("a/+/#"), 1, 0), None);
        assert_eq!(trie.insert(&filter("a/+/#"), 1, 2), Some(0));
        assert_eq!(trie.insert(&filter("$share/g/a/+/#"), 1, 1), None);
        assert_eq!(trie.len(), 2);
        assert_eq!(found(&trie, &name("a/b")), [(String::new(), 1), ("g".to_owned(), 1)]);
        assert_eq!(trie.remove(&filter("a/+"), &1), None);
        assert_eq!(trie.remove(&filter("a/+/#"), &2), None);
        assert_eq!(trie.remove(&filter("a/+/#"), &1), Some(2));
        assert_eq!(trie.remove(&filter("$share/h/a/+/#"), &1), None);
        assert_eq!(trie.remove(&filter("$share/g/a/+/#"), &1), Some(1));
        assert!(trie.is_empty() && trie.root.is_empty());
    }

    #[test]
    fn groups_take_turns_among_who_is_ready() {
        let mut trie = Trie::default();
        for key in 1..=3 {
            trie.insert(&filter("$share/g/a"), key, ());
        }
        let turns = |ready: &[u32]| {
            let mut keys = Vec::new();
            for _ in 0..4 {
                trie.visit(&name("a"), |subscribers| {
                    keys.extend(subscribers.groups()[0].next(|key| ready.contains(key)).map(|(key, ())| *key));
                });
            }
            keys
        };
        assert_eq!(turns(&[1, 2, 3]), [1, 2, 3, 1]);
        assert_eq!(turns(&[1, 3]), [1, 3, 1, 3]);
        assert_eq!(turns(&[]), [3, 1, 2, 3]);
    }

    fn topics() -> impl Strategy<Value = String> {
        "(\\$S|a|b|)(/(a|b||\\$S)){0,4}".prop_filter("not empty", |text| !text.is_empty())
    }

    fn filters() -> impl Strategy<Value = String> {
        "(\\$share/[gh]/)?(\\$S|a|b|\\+|)(/(a|b||\\+)){0,3}(/#)?|#"
            .prop_filter("a filter", |text| TopicFilter::new(text.as_str(), &MqttLimits::default()).is_ok())
    }

    proptest! {
        #[test]
        fn the_trie_finds_what_one_filter_after_the_other_finds(
            steps in prop::collection::vec((filters(), 0u32..4, any::<bool>()), 0..40),
            topics in prop::collection::vec(topics(), 1..8),
        ) {
            let mut trie = Trie::default();
            let mut naive = BTreeSet::new();
            for (text, key, adds) in steps {
                let filter = filter(&text);
                match adds {
                    true => prop_assert_eq!(trie.insert(&filter, key, 0).is_none(), naive.insert((filter, key))),
                    false => prop_assert_eq!(trie.remove(&filter, &key).is_some(), naive.remove(&(filter, key))),
                }
            }
            prop_assert_eq!(trie.len(), naive.len());
            for topic in topics {
                let topic = name(&topic);
                let mut expected: Vec<_> = naive
                    .iter()
                    .filter(|(filter, _)| filter.matches(&topic))
                    .map(|(filter, key)| (filter.group().unwrap_or_default().to_owned(), *key))
                    .collect();
                expected.sort();
                prop_assert_eq!(found(&trie, &topic), expected);
            }
            for (filter, key) in naive {
                prop_assert!(trie.remove(&filter, &key).is_some());
            }
            prop_assert!(trie.root.is_empty());
        }
    }
}
