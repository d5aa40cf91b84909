//! What is remembered of many for a while: a bounded number for each organisation.
//!
//! Invariant: what is remembered can be forgotten at any time, and is learned again.

use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use sensorium_model::{FastMap, OrgId};

/// How long something is remembered of which nothing is heard, when its place is needed.
const SILENT_MS: u64 = 3_600_000;
/// How long it is believed that no place can be made.
const FULL_MS: u64 = 1_000;

/// Values by key. Each has a lock of its own, so that one who takes long hinders nobody else.
pub(super) struct Memory<K, V> {
    /// At most, of one organisation.
    most: usize,
    orgs: Mutex<FastMap<OrgId, Places<K, V>>>,
}

struct Places<K, V> {
    places: FastMap<K, Place<V>>,
    /// Until when it is not looked for a place that can be given away.
    full_until_ms: u64,
}

struct Place<V> {
    value: Arc<Mutex<V>>,
    heard_ms: u64,
}

impl<K: Eq + Hash + Clone, V: Default> Memory<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, orgs: Mutex::default() }
    }

    /// How many are remembered of one organisation, at most.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The value of a key, which is the default at first; none when there is no room for one more.
    pub(super) fn hear(&self, org: OrgId, key: &K, now_ms: u64) -> Option<Arc<Mutex<V>>> {
        let mut orgs = self.orgs.lock();
        let Places { places, full_until_ms } = orgs.entry(org).or_default();
        if let Some(place) = places.get_mut(key) {
            place.heard_ms = now_ms;
            return Some(place.value.clone());
        }
        if places.len() >= self.most {
            if now_ms < *full_until_ms {
                return None;
            }
            let oldest = places.iter().min_by_key(|(_, place)| place.heard_ms);
            let silent = oldest.filter(|(_, place)| place.heard_ms.saturating_add(SILENT_MS) <= now_ms);
            let Some(silent) = silent.map(|(key, _)| key.clone()) else {
                *full_until_ms = now_ms.saturating_add(FULL_MS);
                return None;
            };
            places.remove(&silent);
        }
        let value = Arc::<Mutex<V>>::default();
        places.insert(key.clone(), Place { value: value.clone(), heard_ms: now_ms });
        Some(value)
    }

    /// The value of a key, if it is remembered.
    pub(super) fn get(&self, org: OrgId, key: &K) -> Option<Arc<Mutex<V>>> {
        Some(self.orgs.lock().get(&org)?.places.get(key)?.value.clone())
    }

    /// All keys.
    pub(super) fn keys(&self) -> Vec<(OrgId, K)> {
        let orgs = self.orgs.lock();
        orgs.iter().flat_map(|(org, Places { places, .. })| places.keys().map(|key| (*org, key.clone()))).collect()
    }
}

impl<K, V> Default for Places<K, V> {
    fn default() -> Self {
        Self { places: FastMap::default(), full_until_ms: 0 }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOW: u64 = 10_000_000;

    fn org(number: u128) -> OrgId {
        OrgId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn each_organisation_has_so_many_places() {
        let memory: Memory<u8, u8> = Memory::new(2);
        *memory.hear(org(1), &1, NOW).unwrap().lock() = 7;
        assert!(memory.hear(org(1), &2, NOW).is_some());
        assert!(memory.hear(org(1), &3, NOW).is_none());
        assert_eq!(*memory.hear(org(1), &1, NOW).unwrap().lock(), 7);
        assert_eq!(*memory.hear(org(2), &1, NOW).unwrap().lock(), 0, "another organisation has its own");
        assert!(memory.get(org(2), &2).is_none());
        assert_eq!(memory.keys().len(), 3);
    }

    #[test]
    fn who_was_silent_long_gives_its_place_away() {
        let memory: Memory<u8, u8> = Memory::new(2);
        memory.hear(org(1), &1, NOW);
        memory.hear(org(1), &2, NOW + 1);
        assert!(memory.hear(org(1), &3, NOW + SILENT_MS - 1).is_none());
        assert!(memory.hear(org(1), &3, NOW + SILENT_MS).is_none(), "it was looked for just now");
        assert!(memory.hear(org(1), &3, NOW + SILENT_MS + FULL_MS).is_some());
        assert!(memory.get(org(1), &1).is_none() && memory.get(org(1), &2).is_some());
    }
}
