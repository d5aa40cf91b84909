//! An organisation with an owner.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sensorium_metadata::{
    AuditFilter, Clock, Metadata, MetadataConfig, MetadataError, NewLink, NewPerson, Person, PersonChange,
    PersonStatus, SetUp,
};
use sensorium_model::{ErrorKind, Principal, Role, UserId};
use tempfile::TempDir;

use crate::postgres::metadata_of;

pub(crate) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const ANOTHER: &str = "another horse battery";
pub(crate) const HOUR_MS: i64 = 3_600_000;

pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) now_ms: Arc<AtomicI64>,
    pub(crate) metadata: Metadata,
    /// The signed-in owner `ada`.
    pub(crate) owner: Principal,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut MetadataConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicI64::new(1_800_000_000_000));
        let mut config = config(folder.path(), &now_ms);
        change(&mut config);
        let (metadata, first) = Metadata::open(config).await.unwrap();
        let request = SetUp {
            code: first.setup_code.unwrap(),
            organisation: "Lab".into(),
            login: "ada".into(),
            password: PASSWORD.into(),
        };
        let session = metadata.set_up(request, PEER).await.unwrap();
        let (owner, _) = metadata.session(&session.secret).await.unwrap().unwrap();
        Self { folder, now_ms, metadata, owner }
    }

    pub(crate) fn config(&self) -> MetadataConfig {
        config(self.folder.path(), &self.now_ms)
    }

    /// Another handle, as after a restart.
    pub(crate) async fn reopen(&self) -> Metadata {
        Metadata::open(self.config()).await.unwrap().0
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) async fn invite(&self, login: &str, role: Role) -> (Person, NewLink) {
        let new = NewPerson { login: login.into(), name: String::new(), role, email: None };
        self.metadata.invite(&self.owner, new).await.unwrap()
    }

    /// Somebody who has accepted an invitation.
    pub(crate) async fn colleague(&self, login: &str, role: Role) -> (Person, Principal) {
        let (person, link) = self.invite(login, role).await;
        let session = self.metadata.accept_link(&link.secret, PASSWORD, PEER).await.unwrap();
        let (who, _) = self.metadata.session(&session.secret).await.unwrap().unwrap();
        (self.person(person.id).await, who)
    }

    pub(crate) async fn person(&self, id: UserId) -> Person {
        self.metadata.person(&self.owner, id).await.unwrap()
    }

    pub(crate) async fn set_status(&self, person: &Person, status: PersonStatus) -> Result<Person, MetadataError> {
        let change = PersonChange { version: person.version, status: Some(status), ..PersonChange::default() };
        self.metadata.change_person(&self.owner, person.id, change).await
    }

    pub(crate) async fn signs_in(&self, login: &str, password: &str) -> bool {
        self.metadata.sign_in(login, password, PEER).await.is_ok()
    }

    pub(crate) async fn log(&self, action: &str, target: &str) -> Vec<String> {
        let filter = AuditFilter { action: Some(action.into()), target: Some(target.into()), ..AuditFilter::default() };
        let page = self.metadata.audit_page(&self.owner, &filter, None, 100).await.unwrap();
        page.into_iter().map(|entry| format!("{entry:?}")).collect()
    }
}

fn config(folder: &Path, now_ms: &Arc<AtomicI64>) -> MetadataConfig {
    let clock = now_ms.clone();
    MetadataConfig { clock: Clock::new(move || clock.load(Ordering::SeqCst)), ..metadata_of(folder) }
}

pub(crate) fn kind<T>(result: Result<T, MetadataError>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

pub(crate) fn role(version: i64, role: Role) -> PersonChange {
    PersonChange { version, role: Some(role), ..PersonChange::default() }
}
