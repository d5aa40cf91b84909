//! What is kept for browsers between two requests: that they were sent to the provider, who came back and still owes a code of
//! their second factor, or why nobody was signed in.
//!
//! It lies in memory: after a restart, and on another server of the same installation, one begins again. Each entry is found by a
//! random secret in a cookie of the browser and by nothing else.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use openidconnect::CsrfToken;
use parking_lot::Mutex;
use sensorium_metadata::ExternalIdentity;
use sensorium_model::Principal;

use super::provider::Expected;

/// How long an entry is kept.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
/// How long a failure is told, so that it does not greet whoever comes back later.
pub(crate) const TOLD: Duration = Duration::from_secs(60);
/// The most entries; another one takes the place of the oldest.
pub(crate) const MAX_PENDING: usize = 10_000;
/// Random bytes of a key.
const KEY_BYTES: u32 = 32;

/// What is kept for a browser.
#[derive(Clone)]
pub(crate) enum Pending {
    /// It was sent to the provider, to sign in, or to link somebody who is signed in.
    Asked { expected: Expected, link: Option<Principal> },
    /// The provider has named a person, who has a second factor.
    Proven(ExternalIdentity),
    /// It did not work; a sentence.
    Failed(String),
}

struct Entry {
    pending: Pending,
    until: Instant,
}

/// Entries by the value of a cookie.
#[derive(Default)]
pub(crate) struct PendingTable {
    entries: Mutex<HashMap<String, Entry>>,
}

impl PendingTable {
    /// Keeps something under a new key.
    pub(crate) fn put(&self, pending: Pending, now: Instant) -> String {
        let key = CsrfToken::new_random_len(KEY_BYTES).into_secret();
        let lifetime = if matches!(pending, Pending::Failed(_)) { TOLD } else { LIFETIME };
        let mut entries = self.entries.lock();
        if entries.len() >= MAX_PENDING {
            entries.retain(|_, entry| entry.until > now);
        }
        if entries.len() >= MAX_PENDING {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.until).map(|(key, _)| key.clone());
            oldest.and_then(|key| entries.remove(&key));
        }
        entries.insert(key.clone(), Entry { pending, until: now + lifetime });
        key
    }

    /// What is kept under a key.
    pub(crate) fn look(&self, key: &str, now: Instant) -> Option<Pending> {
        self.entries.lock().get(key).filter(|entry| entry.until > now).map(|entry| entry.pending.clone())
    }

    /// What is kept under a key, which is forgotten.
    pub(crate) fn take(&self, key: &str, now: Instant) -> Option<Pending> {
        self.entries.lock().remove(key).filter(|entry| entry.until > now).map(|entry| entry.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(sentence: &str) -> Pending {
        Pending::Failed(sentence.to_owned())
    }

    fn proven() -> Pending {
        Pending::Proven(ExternalIdentity {
            issuer: "i".into(),
            subject: "s".into(),
            email: None,
            email_is_confirmed: false,
            name: String::new(),
        })
    }

    #[test]
    fn an_entry_is_found_by_its_key_until_it_is_taken_or_too_old() {
        let (table, now) = (PendingTable::default(), Instant::now());
        let (key, other) = (table.put(failed("x"), now), table.put(proven(), now));
        assert!(key != other && key.len() >= 43, "{key}");
        assert!(matches!(table.look(&key, now), Some(Pending::Failed(sentence)) if sentence == "x"));
        assert!(table.look("", now).is_none());
        assert!(table.look(&key, now + TOLD).is_none());
        assert!(table.look(&other, now + TOLD).is_some() && table.look(&other, now + LIFETIME).is_none());
        assert!(table.take(&other, now).is_some() && table.take(&other, now).is_none());
    }

    #[test]
    fn a_flood_pushes_out_the_oldest_and_takes_no_more_memory() {
        let (table, now) = (PendingTable::default(), Instant::now());
        let first = table.put(proven(), now);
        let second = table.put(proven(), now + Duration::from_millis(1));
        for _ in 2..=MAX_PENDING {
            table.put(proven(), now + Duration::from_millis(2));
        }
        let later = now + Duration::from_millis(3);
        assert_eq!(table.entries.lock().len(), MAX_PENDING);
        assert!(table.look(&first, later).is_none() && table.look(&second, later).is_some());
    }
}
