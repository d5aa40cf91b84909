//! What the manifest says of rollups.

use std::collections::BTreeMap;
use std::sync::Arc;

use sensorium_model::Name;
use serde::{Deserialize, Serialize};

use super::DatabaseEntry;
use crate::deletion::Deletion;
use crate::rollup::definition::Rollup;
use crate::rollup::spans::Spans;
use crate::rollup::{MAX_SHRUNK, MAX_SPANS};

/// The database and the table of a rollup.
pub(crate) type RollupKey = (DatabaseEntry, Name);

/// What changes about a rollup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RollupEdit {
    pub(crate) database: DatabaseEntry,
    pub(crate) target: Name,
    /// It is no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) removed: bool,
    /// It is new, or, in a checkpoint, there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) declared: Option<Arc<Rollup>>,
    /// Windows whose results are in files: they are not pending any more.
    #[serde(default, skip_serializing_if = "Spans::is_empty")]
    pub(crate) computed: Spans,
    /// Windows that are to be computed, also if they were computed in this version.
    #[serde(default, skip_serializing_if = "Spans::is_empty")]
    pub(crate) touched: Spans,
    /// Deletions that were followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cleared: Vec<Deletion>,
    /// Rows of the rollup that are to be deleted before its windows are computed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) shrunk: Vec<Deletion>,
}

/// A rollup as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RollupState {
    pub(crate) rollup: Arc<Rollup>,
    /// Windows that are to be computed.
    pub(crate) pending: Spans,
    /// Rows of the rollup that are to be deleted first: readings that they were computed from were.
    pub(crate) shrunk: Vec<Deletion>,
}

impl RollupEdit {
    /// An edit that changes nothing.
    pub(crate) fn of(database: DatabaseEntry, target: Name) -> Self {
        Self {
            database,
            target,
            removed: false,
            declared: None,
            computed: Spans::default(),
            touched: Spans::default(),
            cleared: Vec::new(),
            shrunk: Vec::new(),
        }
    }

    pub(crate) fn key(&self) -> RollupKey {
        (self.database.clone(), Arc::clone(&self.target))
    }

    pub(super) fn apply(&self, rollups: &mut BTreeMap<RollupKey, RollupState>) {
        let key = self.key();
        if self.removed {
            rollups.remove(&key);
        }
        if let Some(rollup) = &self.declared {
            let state = RollupState { rollup: Arc::clone(rollup), pending: Spans::default(), shrunk: Vec::new() };
            rollups.insert(key.clone(), state);
        }
        let Some(state) = rollups.get_mut(&key) else { return };
        state.pending.remove_all(&self.computed);
        state.pending.add_all(&self.touched);
        state.pending.bound(MAX_SPANS);
        for cleared in &self.cleared {
            if let Some(position) = state.shrunk.iter().position(|shrunk| shrunk == cleared) {
                state.shrunk.remove(position);
            }
        }
        state.shrunk.extend(self.shrunk.iter().cloned());
        if state.shrunk.len() > MAX_SHRUNK {
            let all = state.shrunk.drain(..).reduce(|all, one| Deletion {
                time_min_ns: all.time_min_ns.min(one.time_min_ns),
                time_max_ns: all.time_max_ns.max(one.time_max_ns),
                tags: Vec::new(),
            });
            state.shrunk.extend(all);
        }
    }
}

impl RollupState {
    /// All of it as one edit.
    pub(super) fn checkpoint(&self, (database, target): &RollupKey) -> RollupEdit {
        RollupEdit {
            declared: Some(Arc::clone(&self.rollup)),
            touched: self.pending.clone(),
            shrunk: self.shrunk.clone(),
            ..RollupEdit::of(database.clone(), Arc::clone(target))
        }
    }
}
