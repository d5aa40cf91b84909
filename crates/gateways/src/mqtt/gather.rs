//! Batches over connections: what all of them sent to a database while the batch before was stored is stored with one write.
//!
//! Invariants:
//! - a connection has at most one [`Batch`] here, so that its messages keep their order;
//! - databases do not wait for each other, and neither do those who send QoS 2 messages, of which something is written down first,
//!   and those who do not;
//! - a panic ends none of them: what it left undone is refused, and what came after is stored.
//!
//! Limits: [`MESSAGES`] in one batch over connections; what waits is bounded by what each connection may have waiting.

use std::collections::hash_map::Entry;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use parking_lot::Mutex;
use sensorium_model::{DatabaseKey, FastMap};

use super::Shared;
use super::intake::{self, Batch};

/// Messages that are stored at once, at least of one connection.
const MESSAGES: usize = 4_096;

/// What waits, by where it goes and whether something is written down first. There is a task for each that is here.
#[derive(Default)]
pub(super) struct Gather(Mutex<FastMap<Lane, Vec<Batch>>>);

type Lane = (DatabaseKey, bool);

impl Shared {
    /// Takes what a connection sent. Its session is told when it is done.
    pub(super) fn gather(self: &Arc<Self>, batch: Batch) {
        let lane = (batch.database(), batch.is_written_down_first());
        match self.gather.0.lock().entry(lane) {
            Entry::Occupied(waiting) => waiting.into_mut().push(batch),
            Entry::Vacant(free) => {
                let lane = free.key().clone();
                free.insert(vec![batch]);
                self.spawn(run(self.clone(), lane));
            }
        }
    }

    /// Does something that the end waits for.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let abort = self.abort.clone();
        self.tasks.spawn(async move {
            let _done = abort.run_until_cancelled(work).await;
        });
    }
}

impl Gather {
    /// The next of those that wait; none, and the lane is gone, when nobody does.
    fn next(&self, lane: &Lane) -> Option<Vec<Batch>> {
        let mut lanes = self.0.lock();
        let Some(waiting) = lanes.get_mut(lane).filter(|waiting| !waiting.is_empty()) else {
            lanes.remove(lane);
            return None;
        };
        let mut messages = 0;
        let is_over = |batch: &Batch| {
            messages += batch.len();
            messages > MESSAGES
        };
        let count = waiting.iter().position(is_over).unwrap_or(waiting.len()).max(1);
        let left = waiting.split_off(count);
        Some(std::mem::replace(waiting, left))
    }
}

/// Stores what waits, until nothing does.
async fn run(shared: Arc<Shared>, lane: Lane) {
    while let Some(batches) = shared.gather.next(&lane) {
        if AssertUnwindSafe(intake::take(&shared, batches)).catch_unwind().await.is_err() {
            tracing::error!("taking messages of MQTT panicked");
        }
    }
}
