//! Requests that wait for something of a device, and are woken within this process, without asking the database meanwhile.
//!
//! Invariant: whoever waits took a place before it last asked the database, so that no change goes by unseen.
//!
//! Limits: `waiters` places together, [`MAX_TOGETHER`] for the same thing of one device.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sensorium_model::{DeviceId, Principal};
use tokio::sync::watch;

use super::{RegistryError, acting};
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// Requests that may wait for the same thing of one device.
pub(crate) const MAX_TOGETHER: usize = 8;

/// For how long a request waits: until this is ready.
pub type Until = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// Another desired state.
    Desired,
    /// A command.
    Commands,
    /// An answer.
    Answers,
}

type Key = (DeviceId, Topic);

/// Who waits for what.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    bells: HashMap<Key, watch::Sender<()>>,
    places: usize,
}

impl Waiting {
    fn enter(self: &Arc<Self>, key: Key, most: usize) -> Result<Place, RegistryError> {
        let mut state = self.0.lock();
        if state.places >= most {
            let sentence = format!("{most} requests wait for devices already (devices.waiters)");
            return Err(RegistryError::TooManyWait(sentence));
        }
        if state.bells.get(&key).is_some_and(|bell| bell.receiver_count() >= MAX_TOGETHER) {
            let sentence = format!(
                "{MAX_TOGETHER} requests wait for the same of this device already (MAX_TOGETHER, a fixed limit)"
            );
            return Err(RegistryError::TooManyWait(sentence));
        }
        state.places += 1;
        let bell = state.bells.entry(key).or_insert_with(|| watch::channel(()).0).subscribe();
        Ok(Place { waiting: self.clone(), key, bell })
    }

    /// Wakes whoever waits for this.
    pub(crate) fn wake(&self, device: DeviceId, topic: Topic) {
        if let Some(bell) = self.0.lock().bells.get(&(device, topic)) {
            bell.send_replace(());
        }
    }

    /// Wakes whoever waits for anything of a device.
    pub(crate) fn wake_device(&self, device: DeviceId) {
        for topic in [Topic::Desired, Topic::Commands, Topic::Answers] {
            self.wake(device, topic);
        }
    }
}

/// A place among those who wait; free again when it is dropped.
struct Place {
    waiting: Arc<Waiting>,
    key: Key,
    bell: watch::Receiver<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.waiting.0.lock();
        state.places = state.places.saturating_sub(1);
        // The own one is counted still.
        if state.bells.get(&self.key).is_some_and(|bell| bell.receiver_count() <= 1) {
            state.bells.remove(&self.key);
        }
    }
}

/// How a request waits.
pub(crate) struct Patience {
    key: Key,
    until: Option<Until>,
    place: Option<Place>,
}

impl Patience {
    pub(crate) fn new(device: DeviceId, topic: Topic, until: Option<Until>) -> Self {
        Self { key: (device, topic), until, place: None }
    }

    pub(crate) fn has_waited(&self) -> bool {
        self.place.is_some()
    }
}

impl Metadata {
    /// Waits until it is worth asking the database again, at the latest for `longest`; false when the time is over. Fails if the
    /// caller is refused by then.
    pub(crate) async fn is_worth_asking(
        &self,
        who: &Principal,
        patience: &mut Patience,
        longest: Option<Duration>,
    ) -> Result<bool, MetadataError> {
        let Some(until) = &mut patience.until else { return Ok(false) };
        let Some(place) = &mut patience.place else {
            patience.place = Some(self.waiting().enter(patience.key, self.config().devices.waiters)?);
            return Ok(true);
        };
        let longest = async {
            match longest {
                Some(longest) => tokio::time::sleep(longest).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = until => return Ok(false),
            // The sender lives as long as the place.
            _ = place.bell.changed() => {}
            () = longest => {}
        }
        self.is_still_heard(who, true).await?;
        Ok(true)
    }

    /// Fails if a caller who has waited is refused by now. Asked after the database was, and before it is told what was found there.
    pub(crate) async fn is_still_heard(&self, who: &Principal, waited: bool) -> Result<(), MetadataError> {
        if !waited {
            return Ok(());
        }
        if !self.is_current(who).await? {
            return Err(MetadataError::Denied("what this request was made with is no longer good; sign in again"));
        }
        if who.device.is_some() {
            self.acting_row(self.db(), who.org, acting(who)?).await?;
        }
        Ok(())
    }

    /// How many requests wait.
    pub fn device_waiters(&self) -> usize {
        self.waiting().0.lock().places
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(number: u128) -> Key {
        (DeviceId::from_uuid(Uuid::from_u128(number)), Topic::Desired)
    }

    #[test]
    fn places_are_bounded_and_come_free() {
        let waiting = Arc::new(Waiting::default());
        let places: Vec<_> = (0..MAX_TOGETHER).map(|_| waiting.enter(key(1), 10).unwrap()).collect();
        assert!(waiting.enter(key(1), 10).err().unwrap().to_string().contains("MAX_TOGETHER"));
        let _more = [waiting.enter(key(2), 10).unwrap(), waiting.enter(key(3), 10).unwrap()];
        assert!(waiting.enter(key(4), 10).err().unwrap().to_string().contains("devices.waiters"));
        drop(places);
        assert!(waiting.enter(key(4), 10).is_ok());
        let state = waiting.0.lock();
        assert_eq!((state.places, state.bells.len()), (2, 2));
    }

    #[test]
    fn who_took_a_place_hears_the_bell_and_others_do_not() {
        let waiting = Arc::new(Waiting::default());
        let before = waiting.enter(key(1), 10).unwrap();
        let other = waiting.enter(key(2), 10).unwrap();
        waiting.wake(key(1).0, Topic::Desired);
        let after = waiting.enter(key(1), 10).unwrap();
        let heard = |place: &Place| place.bell.has_changed().unwrap();
        assert_eq!([&before, &other, &after].map(heard), [true, false, false]);
        waiting.wake_device(key(2).0);
        assert!(heard(&other));
    }
}
