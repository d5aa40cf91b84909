//! Who observes what: newest values, which batches change, and desired states.
//!
//! A batch that was committed is handed over with [`Watch::publish`] and looked through in a task of its own. Of an observed resource
//! its newest values are kept, so that a change is told without asking the store. The live view's hub is not used for this: it turns
//! truth values and integers into doubles, and its places are those of browsers.
//!
//! Invariants:
//! - publishing waits for nobody: when too many batches wait, they are left out, and everything that is observed is read again;
//! - who observes is entered first and reads then, so that no change goes by between the two;
//! - an older value than the one that was told last is not told;
//! - what an observer is told is of its own organisation.
//!
//! Limits: [`WAITING`] batches; one change that is not told yet an observer, the newest; the observers of the layer below.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use parking_lot::Mutex;
use sensorium_ingest::Ingest;
use sensorium_model::{Batch, DatabaseKey, DeviceId, FastMap, FastSet, Name, OrgId, TableBatch, TagColumn, Value};
use sensorium_protocols::coap::Response;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, mpsc};

use super::resources::representation::{Form, desired, values};

/// Batches that wait to be looked through.
const WAITING: usize = 1_024;

/// Newest values, by table and field, each with its time.
pub(super) type Newest = BTreeMap<(Name, Name), (i64, Value<'static>)>;

/// Whose newest values are asked for.
#[derive(Debug, Clone)]
pub(super) struct Looking {
    pub(super) database: DatabaseKey,
    /// All that have the field, without it.
    pub(super) table: Option<Name>,
    /// All, without it.
    pub(super) field: Option<Name>,
    /// What a series must have.
    pub(super) tags: Vec<(Name, Name)>,
}

/// Changes for the observers of one socket or connection: the newest of each.
#[derive(Default)]
pub(super) struct Notices {
    newest: Mutex<FastMap<u64, Response>>,
    bell: Notify,
}

/// Everything that is observed. Cheap to clone.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// How many observe newest values.
    looking: AtomicUsize,
    batches: mpsc::Sender<Arc<Batch>>,
    /// For whoever looks them through.
    taken: Mutex<Option<mpsc::Receiver<Arc<Batch>>>>,
    /// Whether some were left out.
    has_lost: AtomicBool,
}

#[derive(Default)]
struct State {
    last: u64,
    slots: FastMap<u64, Slot>,
    databases: FastMap<DatabaseKey, Observed>,
    devices: FastMap<(OrgId, DeviceId), FastSet<u64>>,
}

/// What is observed of a database.
#[derive(Default)]
struct Observed {
    /// By the first tag that is looked for.
    by_tag: FastMap<(Name, Name), FastSet<u64>>,
    untagged: FastSet<u64>,
}

struct Slot {
    what: What,
    notices: Arc<Notices>,
}

enum What {
    Values { looking: Looking, form: Form, newest: Newest },
    Desired(OrgId, DeviceId),
}

/// An entry; who drops it observes no more.
pub(super) struct Watched {
    slot: u64,
    watch: Watch,
    notices: Arc<Notices>,
    token: Option<Arc<str>>,
}

impl Looking {
    /// The newest values now.
    pub(super) fn read(&self, ingest: &Ingest) -> Newest {
        let mut newest = Newest::new();
        let tables = match &self.table {
            Some(table) => vec![table.clone()],
            None => self.tables(ingest),
        };
        for table in tables {
            for row in ingest.store.last_values_with(&self.database, &table, &self.tags) {
                for field in row.fields.into_iter().filter(|field| self.wants(&field.name)) {
                    note(&mut newest, &table, &field.name, field.time_ns, || field.value);
                }
            }
        }
        newest
    }

    /// The tables that have the field.
    fn tables(&self, ingest: &Ingest) -> Vec<Name> {
        let schema = ingest.store.schema(&self.database);
        let tables = schema.iter().flat_map(|schema| &schema.tables);
        let has = |schema: &sensorium_model::TableSchema| schema.fields().any(|(field, _)| self.wants(field));
        tables.filter(|(_, schema)| has(schema)).map(|(name, _)| name.clone()).collect()
    }

    fn wants(&self, field: &str) -> bool {
        self.field.as_ref().is_none_or(|wanted| **wanted == *field)
    }

    /// Takes over what is newer in a table; whether anything is.
    fn take(&self, table: &TableBatch, newest: &mut Newest) -> bool {
        if self.table.as_ref().is_some_and(|wanted| *wanted != table.table) {
            return false;
        }
        let Some(keys) = self.keys(table) else { return false };
        let mut has_changed = false;
        for field in table.fields.iter().filter(|field| self.wants(&field.name)) {
            for (row, time_ns) in table.time_ns.iter().enumerate() {
                if keys.iter().all(|(column, key)| column.keys.get(row) == Some(key))
                    && let Some(value) = field.get(row)
                {
                    has_changed |= note(newest, &table.table, &field.name, *time_ns, || owned(&value));
                }
            }
        }
        has_changed
    }

    /// The tags as keys of a table's dictionaries; none when no row has them.
    fn keys<'t>(&self, table: &'t TableBatch) -> Option<Vec<(&'t TagColumn, u32)>> {
        let key = |(name, value): &(Name, Name)| {
            let column = table.tags.iter().find(|column| column.name == *name)?;
            let position = column.dictionary.iter().position(|present| present == value)?;
            Some((column, u32::try_from(position).ok()?))
        };
        self.tags.iter().map(key).collect()
    }
}

/// Keeps a value if it is not older than the one that is there; whether it is. Vectors are no values that anybody looks at.
fn note(newest: &mut Newest, table: &Name, field: &Name, time_ns: i64, value: impl FnOnce() -> Value<'static>) -> bool {
    let key = (table.clone(), field.clone());
    if newest.get(&key).is_some_and(|(known_ns, _)| *known_ns > time_ns) {
        return false;
    }
    let value = value();
    if matches!(value, Value::Vector(_)) {
        return false;
    }
    newest.insert(key, (time_ns, value));
    true
}

fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::F64(number) => Value::F64(*number),
        Value::I64(number) => Value::I64(*number),
        Value::U64(number) => Value::U64(*number),
        Value::Bool(truth) => Value::Bool(*truth),
        Value::Text(text) => Value::Text(text.clone().into_owned().into()),
        Value::Vector(numbers) => Value::Vector(numbers.clone().into_owned().into()),
    }
}

impl Notices {
    /// Waits until there may be something.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    /// What changed for those who are known; the rest waits until they are.
    pub(super) fn take<T>(&self, known: impl Fn(u64) -> Option<T>) -> Vec<(T, Response)> {
        let mut newest = self.newest.lock();
        let found = newest.extract_if(|slot, _| known(*slot).is_some());
        found.filter_map(|(slot, response)| Some((known(slot)?, response))).collect()
    }

    fn put(&self, slot: u64, response: Response) {
        self.newest.lock().insert(slot, response);
        self.ring();
    }
}

impl Watched {
    /// What notices call it by.
    pub(super) fn slot(&self) -> u64 {
        self.slot
    }

    /// The token that has to stay good.
    pub(super) fn token(&self) -> Option<&Arc<str>> {
        self.token.as_ref()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.0.remove(self.slot);
        self.notices.newest.lock().remove(&self.slot);
    }
}

impl Default for Watch {
    fn default() -> Self {
        let (batches, taken) = mpsc::channel(WAITING);
        Self(Arc::new(Shared {
            state: Mutex::default(),
            looking: AtomicUsize::new(0),
            batches,
            taken: Mutex::new(Some(taken)),
            has_lost: AtomicBool::new(false),
        }))
    }
}

impl Watch {
    /// Shows a committed batch to whoever observes.
    pub fn publish(&self, batch: &Arc<Batch>) {
        let shared = &self.0;
        if shared.looking.load(SeqCst) > 0 && shared.batches.try_send(batch.clone()).is_err() {
            shared.has_lost.store(true, Relaxed);
        }
    }

    /// Observes newest values, and what they are now.
    pub(super) fn values(
        &self,
        ingest: &Ingest,
        looking: Looking,
        form: Form,
        notices: &Arc<Notices>,
        token: Option<Arc<str>>,
    ) -> (Newest, Watched) {
        let what = What::Values { looking: looking.clone(), form, newest: Newest::new() };
        let watched = self.enter(what, notices, token);
        let read = looking.read(ingest);
        let mut state = self.0.state.lock();
        let Some(Slot { what: What::Values { newest, .. }, .. }) = state.slots.get_mut(&watched.slot) else {
            return (read, watched);
        };
        for ((table, field), (time_ns, value)) in read {
            note(newest, &table, &field, time_ns, || value);
        }
        (newest.clone(), watched)
    }

    /// Observes the desired state of a device.
    pub(super) fn desired(
        &self,
        org: OrgId,
        device: DeviceId,
        notices: &Arc<Notices>,
        token: Option<Arc<str>>,
    ) -> Watched {
        self.enter(What::Desired(org, device), notices, token)
    }

    fn enter(&self, what: What, notices: &Arc<Notices>, token: Option<Arc<str>>) -> Watched {
        let slot = self.0.enter(Slot { what, notices: notices.clone() });
        Watched { slot, watch: self.clone(), notices: notices.clone(), token }
    }

    /// Looks through what is published and hears of desired states, as long as it is polled.
    pub(super) async fn tell(&self, ingest: &Ingest) {
        let Some(mut batches) = self.0.taken.lock().take() else { return };
        let mut changes = ingest.metadata.desired_changes();
        loop {
            tokio::select! {
                Some(batch) = batches.recv() => {
                    self.0.look_through(&batch);
                    if self.0.has_lost.swap(false, Relaxed) {
                        self.0.read_again(ingest);
                    }
                }
                change = changes.recv() => match change {
                    Ok(device) => self.0.tell_desired(ingest, device).await,
                    // It may have been any of them.
                    Err(RecvError::Lagged(_)) => {
                        let all: Vec<_> = self.0.state.lock().devices.keys().copied().collect();
                        for device in all {
                            self.0.tell_desired(ingest, device).await;
                        }
                    }
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

impl Shared {
    fn enter(&self, slot: Slot) -> u64 {
        let state = &mut *self.state.lock();
        state.last += 1;
        let number = state.last;
        match &slot.what {
            What::Values { looking, .. } => {
                self.looking.fetch_add(1, SeqCst);
                let observed = state.databases.entry(looking.database.clone()).or_default();
                match looking.tags.first() {
                    Some(tag) => observed.by_tag.entry(tag.clone()).or_default().insert(number),
                    None => observed.untagged.insert(number),
                };
            }
            What::Desired(org, device) => {
                state.devices.entry((*org, *device)).or_default().insert(number);
            }
        }
        state.slots.insert(number, slot);
        number
    }

    fn remove(&self, number: u64) {
        let state = &mut *self.state.lock();
        let Some(slot) = state.slots.remove(&number) else { return };
        match slot.what {
            What::Values { looking, .. } => {
                self.looking.fetch_sub(1, SeqCst);
                let Some(observed) = state.databases.get_mut(&looking.database) else { return };
                match looking.tags.first() {
                    Some(tag) => forget(&mut observed.by_tag, tag, number),
                    None => {
                        observed.untagged.remove(&number);
                    }
                }
                if observed.by_tag.is_empty() && observed.untagged.is_empty() {
                    state.databases.remove(&looking.database);
                }
            }
            What::Desired(org, device) => forget(&mut state.devices, &(org, device), number),
        }
    }

    fn look_through(&self, batch: &Batch) {
        let state = &mut *self.state.lock();
        let Some(observed) = state.databases.get(&batch.database) else { return };
        let mut changed: FastSet<u64> = FastSet::default();
        for table in &batch.tables {
            let tags = table.tags.iter().flat_map(|column| column.dictionary.iter().map(|value| (&column.name, value)));
            let tagged = tags.filter_map(|(name, value)| observed.by_tag.get(&(name.clone(), value.clone()))).flatten();
            for number in observed.untagged.iter().chain(tagged) {
                if let Some(Slot { what: What::Values { looking, newest, .. }, .. }) = state.slots.get_mut(number)
                    && looking.take(table, newest)
                {
                    changed.insert(*number);
                }
            }
        }
        changed
            .iter()
            .filter_map(|number| Some((number, state.slots.get(number)?)))
            .for_each(|(number, slot)| slot.tell(*number));
    }

    /// Tells everybody what is newest now.
    fn read_again(&self, ingest: &Ingest) {
        let all: Vec<(u64, Looking)> =
            self.state.lock().slots.iter().filter_map(|(number, slot)| slot.looks(*number)).collect();
        for (number, looking) in all {
            let read = looking.read(ingest);
            if let Some(slot) = self.state.lock().slots.get_mut(&number) {
                if let What::Values { newest, .. } = &mut slot.what {
                    *newest = read;
                }
                slot.tell(number);
            }
        }
    }

    async fn tell_desired(&self, ingest: &Ingest, (org, device): (OrgId, DeviceId)) {
        if !self.state.lock().devices.contains_key(&(org, device)) {
            return;
        }
        let response = match ingest.metadata.wanted(org, device).await {
            Ok(Some(wanted)) => desired(&wanted.desired),
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "a desired state could not be read");
                return;
            }
        };
        let state = self.state.lock();
        for number in state.devices.get(&(org, device)).into_iter().flatten() {
            if let Some(slot) = state.slots.get(number) {
                slot.notices.put(*number, response.clone());
            }
        }
    }
}

impl Slot {
    fn looks(&self, number: u64) -> Option<(u64, Looking)> {
        match &self.what {
            What::Values { looking, .. } => Some((number, looking.clone())),
            What::Desired(..) => None,
        }
    }

    fn tell(&self, number: u64) {
        if let What::Values { looking, form, newest } = &self.what {
            self.notices.put(number, values(looking, newest, *form));
        }
    }
}

fn forget<K: std::hash::Hash + Eq>(sets: &mut FastMap<K, FastSet<u64>>, key: &K, number: u64) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(&number);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use sensorium_model::{BatchBuilder, DatabaseName, DatabaseSchema, IngestLimits, Point};
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 1_700_000_000_000_000_000;

    fn database(org: u128) -> DatabaseKey {
        DatabaseKey::new(OrgId::from_uuid(Uuid::from_u128(org)), DatabaseName::new("main").unwrap())
    }

    fn batch(org: u128, device: &str, time_ns: i64, value: f64) -> Batch {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW);
        let point = Point::new("room", NOW + time_ns).tag("device", device).field("temperature", Value::F64(value));
        builder.push(&point.field("on", Value::Bool(true)), 1).unwrap();
        builder.finish(database(org))
    }

    fn looks(watch: &Watch, notices: &Arc<Notices>, tags: &[(&str, &str)], field: &str) -> Watched {
        let looking = Looking {
            database: database(1),
            table: None,
            field: Some(field.into()),
            tags: tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        };
        watch.enter(What::Values { looking, form: Form::Text, newest: Newest::new() }, notices, None)
    }

    fn told(notices: &Notices) -> Vec<(u64, String)> {
        let text = |(slot, response): (u64, Response)| (slot, String::from_utf8(response.payload.to_vec()).unwrap());
        notices.take(Some).into_iter().map(text).collect()
    }

    #[test]
    fn who_observes_is_told_of_what_is_newer_and_their_own() {
        let (watch, notices) = (Watch::default(), Arc::<Notices>::default());
        let attic = looks(&watch, &notices, &[("device", "attic")], "temperature");
        let all = looks(&watch, &notices, &[], "temperature");
        watch.0.look_through(&batch(1, "attic", 100, 21.5));
        let mut both = told(&notices);
        both.sort();
        assert_eq!(both, [(attic.slot(), "21.5".to_owned()), (all.slot(), "21.5".to_owned())]);
        watch.0.look_through(&batch(1, "attic", 99, 1.0));
        watch.0.look_through(&batch(2, "attic", 200, 1.0));
        assert!(told(&notices).is_empty(), "older, and of another organisation");
        watch.0.look_through(&batch(1, "cellar", 101, 12.0));
        assert_eq!(told(&notices), [(all.slot(), "12".to_owned())]);
        drop(all);
        watch.0.look_through(&batch(1, "cellar", 102, 13.0));
        assert!(told(&notices).is_empty());
    }

    #[test]
    fn of_changes_that_wait_the_newest_stays_and_nothing_is_left_of_who_is_gone() {
        let (watch, notices) = (Watch::default(), Arc::<Notices>::default());
        let on = looks(&watch, &notices, &[("device", "attic")], "on");
        watch.0.look_through(&batch(1, "attic", 100, 1.0));
        assert!(notices.take(|_| None::<u64>).is_empty(), "it waits until its observer is known");
        watch.0.look_through(&batch(1, "attic", 101, 2.0));
        assert_eq!(told(&notices), [(on.slot(), "true".to_owned())]);
        watch.0.look_through(&batch(1, "attic", 102, 3.0));
        drop(on);
        assert!(told(&notices).is_empty());
        let state = watch.0.state.lock();
        assert!(state.slots.is_empty() && state.databases.is_empty());
        assert_eq!(watch.0.looking.load(SeqCst), 0);
    }
}
