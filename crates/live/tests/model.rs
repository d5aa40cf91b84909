//! The hub against a model that keeps every batch for ever and filters point by point.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sensorium_live::{Hub, HubConfig, LiveClient, LiveError, LivePoint, ResumeFrom, Subscription, TableFilter};
use sensorium_model::{
    Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, Point, Value,
};
use uuid::Uuid;

const NOW_NS: i64 = 1_700_000_000_000_000_000;

/// A row: table, tag value (0 = no tag), which of two fields, value.
type Row = (u8, u8, u8, u8);

fn org(number: u8) -> OrgId {
    OrgId::from_uuid(Uuid::from_u128(u128::from(number)))
}

fn database(number: u8) -> DatabaseName {
    DatabaseName::new(&format!("db{number}")).unwrap()
}

fn batch(organisation: u8, base: u8, rows: &[Row]) -> Arc<Batch> {
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), NOW_NS);
    for (index, (table, tag, field, value)) in rows.iter().enumerate() {
        let point = Point::new(format!("t{table}"), NOW_NS + index as i64)
            .tag("tag", if *tag == 0 { String::new() } else { format!("v{tag}") })
            .field(format!("f{field}"), Value::F64(f64::from(*value)));
        builder.push(&point, index as u32 + 1).unwrap();
    }
    Arc::new(builder.finish(DatabaseKey::new(org(organisation), database(base))))
}

fn subscription(id: u32, base: u8, table: u8, tag: Option<u8>, field: Option<u8>) -> Subscription {
    let value = |tag: u8| if tag == 0 { String::new() } else { format!("v{tag}") };
    Subscription {
        id,
        database: database(base),
        table: if table == 0 { TableFilter::All } else { TableFilter::One(format!("t{table}").into()) },
        tags: tag.map(|tag| BTreeMap::from([("tag".to_owned(), value(tag))])).unwrap_or_default(),
        fields: field.map(|field| vec![format!("f{field}")]),
        resume: None,
    }
}

/// One point as the model sees it: subscription, table, series, field, value.
type Seen = (u32, String, String, String, String);

fn seen(point: &LivePoint) -> Seen {
    let value = format!("{:?}", point.value);
    (point.subscription, point.table.to_string(), point.series.to_string(), point.field.to_string(), value)
}

/// The points of a batch that a subscription must see, row by row.
fn expected(batch: &Batch, wanted: &Subscription) -> Vec<Seen> {
    let mut points = Vec::new();
    if batch.database.name != wanted.database {
        return points;
    }
    for table in &batch.tables {
        if let TableFilter::One(name) = &wanted.table
            && name != &table.table
        {
            continue;
        }
        for row in 0..table.rows() {
            let tags: BTreeMap<&str, &str> = table.row_tags(row).collect();
            if !wanted.tags.iter().all(|(name, value)| tags.get(name.as_str()).copied().unwrap_or("") == value) {
                continue;
            }
            for field in &table.fields {
                let named = wanted.fields.as_ref().is_none_or(|fields| fields.iter().any(|f| *f == *field.name));
                if let (true, Some(Value::F64(value))) = (named, field.get(row)) {
                    let series = table.series_key(row).to_string();
                    let value = format!("Number({value:?})");
                    points.push((wanted.id, table.table.to_string(), series, field.name.to_string(), value));
                }
            }
        }
    }
    points
}

#[derive(Debug, Clone)]
enum Step {
    Publish {
        organisation: u8,
        base: u8,
        rows: Vec<Row>,
    },
    Connect {
        organisation: u8,
    },
    Subscribe {
        client: usize,
        id: u32,
        base: u8,
        table: u8,
        tag: Option<u8>,
        field: Option<u8>,
    },
    Unsubscribe {
        client: usize,
        id: u32,
    },
    /// Read the ring without handing anything out, as a client whose line is busy.
    Collect {
        client: usize,
    },
    Read {
        client: usize,
    },
    /// Drop the connection, come back, and continue every subscription after the last tick.
    Reconnect {
        client: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let row = (1_u8..4, 0_u8..3, 0_u8..2, any::<u8>());
    let narrow = (proptest::option::of(0_u8..3), proptest::option::of(0_u8..2));
    prop_oneof![
        6 => (0_u8..2, 0_u8..2, proptest::collection::vec(row, 1..5))
            .prop_map(|(organisation, base, rows)| Step::Publish { organisation, base, rows }),
        1 => (0_u8..2).prop_map(|organisation| Step::Connect { organisation }),
        3 => (0_usize..3, 0_u32..3, 0_u8..2, 0_u8..4, narrow).prop_map(|(client, id, base, table, (tag, field))| {
            Step::Subscribe { client, id, base, table, tag, field }
        }),
        1 => (0_usize..3, 0_u32..3).prop_map(|(client, id)| Step::Unsubscribe { client, id }),
        4 => (0_usize..3).prop_map(|client| Step::Read { client }),
        2 => (0_usize..3).prop_map(|client| Step::Collect { client }),
        1 => (0_usize..3).prop_map(|client| Step::Reconnect { client }),
    ]
}

/// The model of one client: its subscriptions and what they have still to see.
struct Modelled {
    organisation: u8,
    client: LiveClient,
    subscriptions: Vec<Subscription>,
    owed: Vec<Seen>,
    resume_after: u64,
    /// Something may be missing, and the hub has said so.
    excused: bool,
}

fn sorted(mut points: Vec<Seen>) -> Vec<Seen> {
    points.sort();
    points
}

fn is_part_of(part: &[Seen], whole: &[Seen]) -> bool {
    let mut rest = whole.to_vec();
    part.iter().all(|point| rest.iter().position(|other| other == point).map(|at| rest.swap_remove(at)).is_some())
}

impl Modelled {
    fn read(&mut self) -> Result<(), TestCaseError> {
        self.client.collect();
        let tick = self.client.take();
        let (points, complete) = match &tick {
            None => (Vec::new(), true),
            Some(tick) => {
                let complete = !tick.lost && tick.coalesced == 0 && tick.dropped == 0;
                (tick.points.iter().map(seen).collect(), complete)
            }
        };
        self.resume_after = tick.map_or(self.resume_after, |tick| tick.seq);
        let owed = std::mem::take(&mut self.owed);
        if complete && !self.excused {
            prop_assert_eq!(sorted(points), sorted(owed));
        } else {
            prop_assert!(is_part_of(&points, &owed), "{points:?} is not part of {owed:?}");
        }
        self.excused = false;
        Ok(())
    }
}

/// Runs the steps on the hub and on the model; returns how often the hub said that something is missing.
fn run(config: HubConfig, steps: Vec<Step>) -> Result<usize, TestCaseError> {
    let hub = Hub::new(config);
    let start = Instant::now();
    let mut published: Vec<(u64, Arc<Batch>)> = Vec::new();
    let mut clients: Vec<Modelled> = Vec::new();
    let mut gaps = 0;
    for step in steps {
        match step {
            Step::Publish { organisation, base, rows } => {
                let seq = published.len() as u64 * 3 + 1;
                let batch = batch(organisation, base, &rows);
                hub.publish_at(seq, &batch, start + Duration::from_millis(seq));
                for client in clients.iter_mut().filter(|client| client.organisation == organisation) {
                    for wanted in &client.subscriptions {
                        client.owed.extend(expected(&batch, wanted));
                    }
                }
                published.push((seq, batch));
            }
            Step::Connect { organisation } if clients.len() < 3 => {
                let client = hub.connect(org(organisation)).unwrap();
                let (resume_after, excused) = (client.seq(), false);
                let (subscriptions, owed) = (Vec::new(), Vec::new());
                clients.push(Modelled { organisation, client, subscriptions, owed, resume_after, excused });
            }
            Step::Subscribe { client, id, base, table, tag, field } => {
                if let Some(client) = clients.get_mut(client) {
                    let wanted = subscription(id, base, table, tag, field);
                    client.client.subscribe(wanted.clone()).unwrap();
                    client.owed.retain(|point| point.0 != id);
                    client.subscriptions.retain(|present| present.id != id);
                    client.subscriptions.push(wanted);
                }
            }
            Step::Unsubscribe { client, id } => {
                if let Some(client) = clients.get_mut(client) {
                    let known = client.subscriptions.iter().any(|present| present.id == id);
                    prop_assert_eq!(client.client.unsubscribe(id), known);
                    client.owed.retain(|point| point.0 != id);
                    client.subscriptions.retain(|present| present.id != id);
                }
            }
            Step::Collect { client } => {
                if let Some(client) = clients.get_mut(client) {
                    client.client.collect();
                }
            }
            Step::Read { client } => {
                if let Some(client) = clients.get_mut(client) {
                    client.read()?;
                }
            }
            Step::Reconnect { client } => {
                if let Some(client) = clients.get_mut(client) {
                    // What was not handed out is lost with the connection, and owed again by the next one.
                    client.owed.clear();
                    let resume = Some(ResumeFrom { epoch: hub.epoch(), seq: client.resume_after });
                    client.client = hub.connect(org(client.organisation)).unwrap();
                    for wanted in &client.subscriptions {
                        let answer = client.client.subscribe(Subscription { resume, ..wanted.clone() }).unwrap();
                        gaps += usize::from(answer.gap);
                        client.excused |= answer.gap;
                        for (seq, batch) in &published {
                            if *seq > client.resume_after && batch.database.org == org(client.organisation) {
                                client.owed.extend(expected(batch, wanted));
                            }
                        }
                    }
                }
            }
            Step::Connect { .. } => {}
        }
    }
    for client in &mut clients {
        client.read()?;
    }
    let stats = hub.stats();
    prop_assert_eq!(stats.clients, clients.len());
    prop_assert_eq!(stats.subscriptions, clients.iter().map(|client| client.subscriptions.len()).sum::<usize>());
    drop(clients);
    prop_assert_eq!((hub.stats().clients, hub.stats().subscriptions), (0, 0));
    Ok(gaps)
}

proptest! {
    #[test]
    fn with_room_everything_arrives_once_and_nothing_else(steps in proptest::collection::vec(step(), 1..60)) {
        let gaps = run(HubConfig::default(), steps)?;
        prop_assert_eq!(gaps, 0, "nothing left the ring, so a resumed client misses nothing");
    }

    #[test]
    fn without_room_what_is_missing_is_announced(
        steps in proptest::collection::vec(step(), 1..60),
        queue_points in 1_usize..6,
        ring_bytes in 0_usize..4_000,
    ) {
        run(HubConfig { queue_points, ring_bytes, ..HubConfig::default() }, steps)?;
    }
}

fn is_awake(client: &LiveClient) -> bool {
    pin!(client.changed()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn only_those_who_watch_the_table_are_woken() {
    let hub = Hub::new(HubConfig::default());
    let connect = |organisation, wanted| {
        let mut client = hub.connect(org(organisation)).unwrap();
        client.subscribe(wanted).unwrap();
        client
    };
    let watching = connect(0, subscription(1, 0, 1, None, None));
    let everything = connect(0, subscription(1, 0, 0, None, None));
    let other_table = connect(0, subscription(1, 0, 2, None, None));
    let other_database = connect(0, subscription(1, 1, 0, None, None));
    let other_organisation = connect(1, subscription(1, 0, 0, None, None));
    hub.publish(1, &batch(0, 0, &[(1, 1, 1, 7)]));
    let awake: Vec<bool> =
        [&watching, &everything, &other_table, &other_database, &other_organisation].map(is_awake).to_vec();
    assert_eq!(awake, [true, true, false, false, false]);
}

#[test]
fn a_resumed_client_gets_what_it_missed() {
    let hub = Hub::new(HubConfig::default());
    let mut client = hub.connect(org(0)).unwrap();
    client.subscribe(subscription(1, 0, 1, None, None)).unwrap();
    hub.publish(5, &batch(0, 0, &[(1, 1, 1, 1)]));
    client.collect();
    let seq = client.take().unwrap().seq;
    assert_eq!(seq, 5);
    drop(client);
    hub.publish(6, &batch(0, 0, &[(1, 1, 1, 2)]));
    hub.publish(7, &batch(0, 0, &[(2, 1, 1, 3)]));
    hub.publish(8, &batch(0, 0, &[(1, 1, 1, 4)]));
    let mut client = hub.connect(org(0)).unwrap();
    let resume = Some(ResumeFrom { epoch: hub.epoch(), seq });
    let answer = client.subscribe(Subscription { resume, ..subscription(1, 0, 1, None, None) }).unwrap();
    assert_eq!((answer.replayed, answer.gap, answer.seq), (2, false, 8));
    assert!(client.collect());
    assert_eq!(client.take().unwrap().points.len(), 2);
    assert!(!client.collect());
}

#[test]
fn another_epoch_and_a_cut_ring_are_gaps() {
    let hub = Hub::new(HubConfig::default());
    let mut client = hub.connect(org(0)).unwrap();
    let wanted = subscription(1, 0, 1, None, None);
    let foreign = Some(ResumeFrom { epoch: Uuid::from_u128(7), seq: 0 });
    assert!(client.subscribe(Subscription { resume: foreign, ..wanted.clone() }).unwrap().gap);
    let start = Instant::now();
    hub.publish_at(1, &batch(0, 0, &[(1, 1, 1, 1)]), start);
    hub.publish_at(2, &batch(0, 0, &[(1, 1, 1, 1)]), start + Duration::from_secs(61));
    let resume = |seq| Some(ResumeFrom { epoch: hub.epoch(), seq });
    let answer = client.subscribe(Subscription { resume: resume(0), ..wanted.clone() }).unwrap();
    assert_eq!((answer.replayed, answer.gap), (1, true));
    let answer = client.subscribe(Subscription { resume: resume(1), ..wanted }).unwrap();
    assert_eq!((answer.replayed, answer.gap), (1, false));
}

#[test]
fn a_replay_that_does_not_fit_keeps_the_newest() {
    let hub = Hub::new(HubConfig { queue_points: 2, ..HubConfig::default() });
    let mut client = hub.connect(org(0)).unwrap();
    for seq in 1..=4_u8 {
        hub.publish(u64::from(seq), &batch(0, 0, &[(1, seq, 1, seq)]));
    }
    let resume = Some(ResumeFrom { epoch: hub.epoch(), seq: 0 });
    let answer = client.subscribe(Subscription { resume, ..subscription(1, 0, 1, None, None) }).unwrap();
    assert_eq!((answer.replayed, answer.gap), (2, true));
    let series: Vec<String> = client.take().unwrap().points.iter().map(|point| point.series.to_string()).collect();
    assert_eq!(series, ["tag=v3", "tag=v4"]);
}

#[test]
fn limits_are_named() {
    let config =
        HubConfig { clients: 1, subscriptions_per_client: 1, tags_per_subscription: 0, ..HubConfig::default() };
    let hub = Hub::new(config);
    let mut client = hub.connect(org(0)).unwrap();
    let refused = hub.connect(org(1)).unwrap_err();
    assert_eq!(refused, LiveError::Clients { limit: 1 });
    assert!(refused.to_string().contains("http.live_clients"));
    let with_tags = client.subscribe(subscription(1, 0, 1, Some(1), None)).unwrap_err();
    assert_eq!(with_tags, LiveError::Filter { what: "tags", limit: 0, found: 1 });
    client.subscribe(subscription(1, 0, 1, None, None)).unwrap();
    client.subscribe(subscription(1, 0, 2, None, None)).unwrap();
    assert_eq!(client.subscribe(subscription(2, 0, 1, None, None)).unwrap_err(), LiveError::Subscriptions { limit: 1 });
    drop(client);
    hub.connect(org(1)).unwrap();
}

#[test]
fn nothing_is_kept_for_an_organisation_that_nobody_watches() {
    let hub = Hub::new(HubConfig::default());
    let start = Instant::now();
    hub.publish_at(1, &batch(0, 0, &[(1, 1, 1, 1)]), start);
    assert_eq!(hub.stats().ring_batches, 0);
    drop(hub.connect(org(0)).unwrap());
    hub.publish_at(2, &batch(0, 0, &[(1, 1, 1, 1)]), start + Duration::from_secs(1));
    assert_eq!(hub.stats().ring_batches, 1, "the client may come back");
    hub.publish_at(3, &batch(0, 0, &[(1, 1, 1, 1)]), start + Duration::from_secs(120));
    assert_eq!(hub.stats().ring_batches, 0);
    let mut client = hub.connect(org(0)).unwrap();
    let resume = Some(ResumeFrom { epoch: hub.epoch(), seq: 2 });
    assert!(client.subscribe(Subscription { resume, ..subscription(1, 0, 1, None, None) }).unwrap().gap);
}
