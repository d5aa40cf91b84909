//! Tests of the way of readings into a real store, with real metadata.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use sensorium_metadata::{Clock, Edit, Metadata, MetadataConfig, NewClass, NewDevice, NewUser, PersonChange, Quotas};
use sensorium_model::{
    ActingDevice, DatabaseKey, DatabaseName, ErrorKind, IngestLimits, OrgId, Precision, Principal, Role,
};
use sensorium_store::{Durability, Store, StoreConfig};
use tempfile::TempDir;

use super::*;

/// The clock of everybody.
const NOW_MS: i64 = 1_700_000_000_000;
const NOW_NS: i64 = NOW_MS * 1_000_000;
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Fixture {
    ingest: Ingest,
    owner: Principal,
    _folder: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(IngestLimits::default()).await
    }

    async fn with(limits: IngestLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = MetadataConfig { clock: Clock::new(|| NOW_MS), ..MetadataConfig::new(folder.path()) };
        let (metadata, first) = Metadata::open(config).await.unwrap();
        let config = StoreConfig { durability: Durability::Memory, ..StoreConfig::new(folder.path().join("store")) };
        let (store, _) = tokio::task::spawn_blocking(|| Store::open(config)).await.unwrap().unwrap();
        let key = DatabaseKey::new(first.org, DatabaseName::new("main").unwrap());
        let creating = store.clone();
        tokio::task::spawn_blocking(move || creating.create_database(&key)).await.unwrap().unwrap();
        let ingest = Ingest::new(store, metadata, limits);
        Self { ingest, owner: Principal::system(first.org), _folder: folder }
    }

    fn begin(&self, writer: &Principal) -> Intake {
        self.ingest.begin(writer, PEER, "main", Source::Mqtt).unwrap()
    }

    async fn take_all(&self, messages: Vec<NewMessage>) -> Vec<Result<Outcome, IngestError>> {
        tokio::spawn(self.begin(&self.owner).take_all(messages)).await.unwrap()
    }

    /// Writes to the log so far.
    fn writes(&self) -> u64 {
        self.ingest.store.stats().last_seq
    }

    /// Somebody who may store a point a second, ten of them at once.
    async fn bounded(&self, login: &str) -> Principal {
        let metadata = &self.ingest.metadata;
        let new = NewUser { login: login.into(), password: "correct horse battery".into(), role: Role::Editor };
        let person = metadata.create_user(&self.owner, new).await.unwrap();
        let quotas = Quotas { points_per_second: Some(1), ..Quotas::default() };
        let class = metadata.create_class(&self.owner, NewClass { name: "Small".into(), quotas }).await.unwrap();
        let version = metadata.person(&self.owner, person).await.unwrap().version;
        let change = PersonChange { version, class: Edit::Set(class.id), ..PersonChange::default() };
        metadata.change_person(&self.owner, person, change).await.unwrap();
        Principal::user(self.owner.org, person, None, Role::Editor)
    }

    /// What becomes of the messages of several writers.
    async fn take_from_all(&self, from: Vec<(&Principal, Vec<NewMessage>)>) -> Vec<Vec<Result<usize, ErrorKind>>> {
        let from = from.into_iter().map(|(writer, messages)| (self.begin(writer), messages)).collect();
        let taken = tokio::spawn(take_from_all(from)).await.unwrap();
        taken.iter().map(|taken| accepted(taken)).collect()
    }

    /// The device of this name, and somebody who writes for devices.
    async fn device(&self, name: &str) -> (ActingDevice, Principal) {
        let new = NewDevice {
            name: name.into(),
            type_id: None,
            attributes: Default::default(),
            tags: Default::default(),
            writes_as: None,
            enabled: true,
            location: None,
            position: None,
        };
        let made = self.ingest.metadata.create_device(&self.owner, new).await.unwrap();
        let key = Principal { for_devices: true, ..self.owner.clone() };
        (ActingDevice { id: made.id, name: name.into() }, key)
    }
}

fn message(topic: &str, body: &str) -> NewMessage {
    let format = Format::Mqtt { topic: topic.into() };
    NewMessage { format, body: Bytes::copy_from_slice(body.as_bytes()), received_ns: NOW_NS }
}

fn accepted(taken: &[Result<Outcome, IngestError>]) -> Vec<Result<usize, ErrorKind>> {
    taken.iter().map(|taken| taken.as_ref().map(|outcome| outcome.accepted).map_err(IngestError::kind)).collect()
}

#[tokio::test]
async fn many_messages_are_one_write_and_each_has_its_own_outcome() {
    let fixture = Fixture::new().await;
    let before = fixture.writes();
    let messages = vec![
        message("home/attic", "21.5"),
        message("home/attic", "\u{0}"),
        message("site/lp", "room t=1\nroom t=\nroom t=2 5"),
        message("home/attic", "{\"v\":"),
        message("home/attic", "warm"),
        message("home/cellar", "{\"v\":1,\"w\":{\"x\":2}}"),
    ];
    let taken = fixture.take_all(messages).await;
    let invalid = Err(ErrorKind::Invalid);
    assert_eq!(accepted(&taken), [Ok(1), invalid, Ok(2), invalid, Ok(0), Ok(1)]);
    assert_eq!(fixture.writes(), before + 1);
    let lines = taken[2].as_ref().unwrap();
    assert_eq!((lines.seen, lines.refusals.total(), lines.refusals.first()[0].line), (3, 1, 2));
    assert!(taken[4].as_ref().unwrap().refusals.first()[0].error.to_string().contains("float"), "the first one counts");
    let listed = fixture.ingest.rejections.list(&fixture.owner, None, 10);
    assert_eq!((listed.total, listed.newest[0].source), (4, "mqtt"));
    assert!(fixture.take_all(Vec::new()).await.is_empty());
}

#[tokio::test]
async fn messages_that_are_decoded_on_a_thread_of_their_own_are_one_write_too() {
    let fixture = Fixture::new().await;
    let before = fixture.writes();
    let messages: Vec<_> = (1..=4_000).map(|time| message("a/lp", &format!("room,place=attic t=1 {time}"))).collect();
    assert!(messages.iter().map(|message| message.body.len()).sum::<usize>() > 64 << 10);
    assert!(accepted(&fixture.take_all(messages).await).iter().all(|taken| *taken == Ok(1)));
    assert_eq!(fixture.writes(), before + 1);
}

#[tokio::test]
async fn rows_that_the_store_refuses_are_those_of_their_message() {
    let fixture = Fixture::new().await;
    // These two begin before there is a table, and do not know of each other.
    let (first, second) = (fixture.begin(&fixture.owner), fixture.begin(&fixture.owner));
    assert_eq!(accepted(&first.take_all(vec![message("a/lp", "room t=1")]).await), [Ok(1)]);
    let messages = vec![
        message("a/lp", "other v=1\nother v=2 7"),
        message("a/nothing", ""),
        message("a/lp", "# two lines before the wrong one\nother v=3 8\nroom t=\"warm\"\nother v=4 9"),
        message("a/lp", "room t=\"cold\""),
    ];
    let taken = second.take_all(messages).await;
    assert_eq!(accepted(&taken), [Ok(2), Err(ErrorKind::Invalid), Ok(2), Ok(0)]);
    let lines = |at: usize| taken[at].as_ref().unwrap().refusals.first().iter().map(|r| r.line).collect::<Vec<_>>();
    assert_eq!((lines(0), lines(2), lines(3)), (vec![], vec![3], vec![1]));
}

#[tokio::test]
async fn messages_do_not_use_up_the_limits_of_a_request_for_each_other() {
    let fixture = Fixture::with(IngestLimits { rows_per_request: 2, ..IngestLimits::default() }).await;
    let before = fixture.writes();
    let lines = |rows: i64| (1..=rows).map(|time| format!("room t=1 {time}\n")).collect::<String>();
    let messages = [1, 2, 3, 1, 1].map(|rows| message("a/lp", &lines(rows))).to_vec();
    let taken = fixture.take_all(messages).await;
    assert_eq!(accepted(&taken), [Ok(1), Ok(2), Ok(2), Ok(1), Ok(1)]);
    assert_eq!(taken[2].as_ref().unwrap().refusals.total(), 1);
    assert_eq!(fixture.writes(), before + 4, "the last two go together");
}

#[tokio::test]
async fn half_of_a_body_that_breaks_off_is_not_stored() {
    let fixture = Fixture::new().await;
    let json = |body: &str| {
        let format = Format::Json { table: Some("room".into()), tags: Default::default(), precision: None };
        NewMessage { format, ..message("", body) }
    };
    for cut in ["{\"text\":\"x\"} 5 {", "[{\"text\":\"x\"},{\"v\":"] {
        let taken = fixture.take_all(vec![json(cut), json("{\"v\":1}"), json(cut), json("{\"text\":true}")]).await;
        let invalid = Err(ErrorKind::Invalid);
        assert_eq!(accepted(&taken), [invalid, Ok(1), invalid, Ok(1)], "{cut}");
    }
}

#[tokio::test]
async fn a_quota_of_points_takes_the_first_messages_as_far_as_it_goes() {
    let fixture = Fixture::new().await;
    let ada = fixture.bounded("ada").await;
    let large = (1..=11).map(|time| format!("room t=1 {time}\n")).collect::<String>();
    let mut messages = vec![message("a/lp", &large)];
    messages.extend((1..=12).map(|time| message("a/lp", &format!("room t=2 {time}"))));
    let taken = accepted(&fixture.begin(&ada).take_all(messages).await);
    assert_eq!(taken[0], Err(ErrorKind::TooLarge), "more than ever come at once");
    assert_eq!(taken[1..11], [Ok(1); 10]);
    assert_eq!(taken[11..], [Err(ErrorKind::Busy); 2]);
}

#[tokio::test]
async fn with_a_key_for_devices_known_ones_go_together_and_others_wait() {
    let fixture = Fixture::new().await;
    let (attic, key) = fixture.device("attic").await;
    let before = fixture.writes();
    let messages = vec![
        message("a/lp", "climate,device=Attic v=1 1"),
        message("a/b", "{\"device\":\"stranger\",\"v\":2}"),
        message("a/lp", "climate,device=attic v=3 3"),
        message("a/lp", "climate v=4"),
        message("a/b", ""),
        message("a/lp", "climate,device=attic v=5 5\nclimate,device=stranger v=6"),
    ];
    let taken = fixture.begin(&key).take_all(messages).await;
    let invalid = Err(ErrorKind::Invalid);
    assert_eq!(accepted(&taken), [Ok(1), Ok(0), Ok(1), Ok(0), invalid, invalid]);
    assert_eq!(fixture.writes(), before + 1);
    assert_eq!(taken[1].as_ref().unwrap().waits.as_deref(), Some("stranger"));
    assert!(taken[3].as_ref().unwrap().refusals.first()[0].error.to_string().contains("which device"));
    let waiting = fixture.ingest.metadata.inbox(&fixture.owner).await.unwrap();
    let waiting: Vec<_> = waiting.iter().map(|one| (one.name.as_str(), one.format.as_str(), one.messages)).collect();
    assert_eq!(waiting, [("stranger", "mqtt", 1)]);
    let main = DatabaseKey::new(fixture.owner.org, DatabaseName::new("main").unwrap());
    let series = fixture.ingest.store.last_values(&main, "climate").len();
    assert_eq!(series, 1, "both names are {:?}", attic.name);
}

#[tokio::test]
async fn messages_of_several_writers_are_one_write_and_each_device_keeps_its_name() {
    let fixture = Fixture::new().await;
    let (attic, _) = fixture.device("attic").await;
    let (cellar, _) = fixture.device("cellar").await;
    let device = |device| Principal { device: Some(Arc::new(device)), ..fixture.owner.clone() };
    let (attic, cellar) = (device(attic), device(cellar));
    let before = fixture.writes();
    let from = vec![
        (&attic, vec![message("a/lp", "room t=1 1"), message("a/lp", "room,device=cellar t=2 2")]),
        (&cellar, vec![message("a/lp", "room t=3 3")]),
        (&fixture.owner, vec![message("a/lp", "room,device=garden t=4 4\nroom t=")]),
        (&attic, Vec::new()),
        (&attic, vec![message("a/lp", "room t=5 5")]),
    ];
    let taken = fixture.take_from_all(from).await;
    assert_eq!(taken, [vec![Ok(1), Ok(0)], vec![Ok(1)], vec![Ok(1)], vec![], vec![Ok(1)]]);
    assert_eq!(fixture.writes(), before + 1);
    let main = DatabaseKey::new(fixture.owner.org, DatabaseName::new("main").unwrap());
    let last = fixture.ingest.store.last_values(&main, "room");
    let mut series: Vec<_> = last.iter().map(|last| last.series.as_str().to_owned()).collect();
    series.sort();
    assert_eq!(series, ["device=attic", "device=cellar", "device=garden"]);
    assert_eq!(fixture.ingest.rejections.list(&fixture.owner, None, 10).total, 2);
}

#[tokio::test]
async fn a_quota_that_is_used_up_costs_no_other_writer() {
    let fixture = Fixture::new().await;
    let ada = fixture.bounded("ada").await;
    let some = |count: i64| (1..=count).map(|time| message("a/lp", &format!("room t=2 {time}"))).collect::<Vec<_>>();
    let from = vec![(&fixture.owner, some(3)), (&ada, some(8)), (&fixture.owner, some(2)), (&ada, some(4))];
    let before = fixture.writes();
    let taken = fixture.take_from_all(from).await;
    assert_eq!(taken[0], [Ok(1); 3]);
    assert_eq!(taken[1], [Ok(1); 8]);
    assert_eq!(taken[2], [Ok(1); 2]);
    assert_eq!(taken[3], [Ok(1), Ok(1), Err(ErrorKind::Busy), Err(ErrorKind::Busy)], "ten at once, each charged once");
    assert_eq!(fixture.writes(), before + 2, "the others together, and what the quota suffices for");
}

#[tokio::test]
async fn a_key_for_devices_among_other_writers_is_taken_apart() {
    let fixture = Fixture::new().await;
    let (_, key) = fixture.device("attic").await;
    let from = vec![
        (&key, vec![message("a/lp", "climate,device=Attic v=1 1"), message("a/lp", "climate,device=stranger v=1 1")]),
        (&fixture.owner, vec![message("a/lp", "climate,device=stranger v=1 1")]),
    ];
    assert_eq!(fixture.take_from_all(from).await, [vec![Ok(1), Ok(0)], vec![Ok(1)]]);
    let waiting = fixture.ingest.metadata.inbox(&fixture.owner).await.unwrap();
    assert_eq!(waiting.len(), 1);
}

#[tokio::test]
async fn what_a_device_sends_is_its_own() {
    let fixture = Fixture::new().await;
    let (attic, _) = fixture.device("attic").await;
    let device = Principal { device: Some(Arc::new(attic)), ..fixture.owner.clone() };
    let messages = vec![message("a/b", "1"), message("a/lp", "room,device=cellar t=1")];
    let taken = fixture.begin(&device).take_all(messages).await;
    assert_eq!(accepted(&taken), [Ok(1), Ok(0)]);
    assert!(taken[1].as_ref().unwrap().refusals.first()[0].error.to_string().contains("cellar"));
}

#[tokio::test]
async fn who_may_not_write_there_does_not_begin() {
    let fixture = Fixture::new().await;
    let begin = |writer: &Principal, database: &str| {
        fixture.ingest.begin(writer, PEER, database, Source::Mqtt).err().map(|error| error.kind())
    };
    let reader = Principal { can_write: false, ..fixture.owner.clone() };
    assert_eq!(begin(&fixture.owner, "main"), None);
    assert_eq!(begin(&reader, "main"), Some(ErrorKind::Denied));
    assert_eq!(begin(&fixture.owner, "other"), Some(ErrorKind::Missing));
    assert_eq!(begin(&fixture.owner, "no/name"), Some(ErrorKind::Missing));
    let elsewhere = fixture.ingest.metadata.create_organisation(&fixture.owner, "Elsewhere").await.unwrap();
    assert_eq!(begin(&Principal::system(elsewhere), "main"), Some(ErrorKind::Missing), "of another organisation");
    let key = Principal { for_devices: true, ..fixture.owner.clone() };
    let detections = fixture.ingest.begin(&key, PEER, "main", Source::Detections).err().unwrap();
    assert!(detections.to_string().contains("camera's own"), "{detections}");
}

#[tokio::test]
async fn one_body_is_taken_with_its_format_or_refused_and_remembered() {
    let fixture = Fixture::new().await;
    let begin = |source| fixture.ingest.begin(&fixture.owner, PEER, "main", source).unwrap();
    let lines = Format::LineProtocol { precision: Precision::S };
    let body = Bytes::from_static(b"room t=1 1700000000\nroom t=x");
    let outcome = begin(Source::LineProtocol).take(body.clone(), body.len(), lines).await.unwrap();
    assert_eq!((outcome.accepted, outcome.seen, outcome.refusals.total()), (1, 2, 1));
    let json = Format::Json { table: None, tags: Default::default(), precision: None };
    let refused = begin(Source::Json).take(Bytes::from_static(b"{"), 1, json).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    begin(Source::Json).refuse(&IngestError::new(ErrorKind::TooLarge, "the body is too large"));
    let listed = fixture.ingest.rejections.list(&fixture.owner, None, 10);
    let codes: Vec<_> = listed.newest.iter().map(|kept| (kept.source, kept.line, kept.code)).collect();
    assert_eq!(codes, [("json", 0, "too_large"), ("json", 0, "invalid"), ("line_protocol", 2, "invalid")]);
    let others = Principal::system(OrgId::from_uuid(uuid::Uuid::from_u128(7)));
    assert_eq!(fixture.ingest.rejections.list(&others, None, 10).total, 0);
}
