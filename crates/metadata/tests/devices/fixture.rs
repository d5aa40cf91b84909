//! An organisation with an owner, and another one.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sensorium_metadata::registry::Until;
use sensorium_metadata::{
    AuditFilter, Clock, Device, DeviceChange, DeviceLimits, InboxLimits, Metadata, MetadataConfig, MetadataError,
    NewDevice, NewDeviceToken, NewType, NewUser, SetUp,
};
use sensorium_model::{DeviceId, ErrorKind, Principal, Role};
use tempfile::TempDir;

use crate::postgres::metadata_of;

pub(crate) const START_MS: i64 = 1_800_000_000_000;

pub(crate) struct Fixture {
    folder: TempDir,
    limits: (DeviceLimits, InboxLimits),
    pub(crate) now_ms: Arc<AtomicI64>,
    pub(crate) metadata: Metadata,
    /// The signed-in owner `ada`.
    pub(crate) owner: Principal,
    /// The owner of another organisation.
    pub(crate) stranger: Principal,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(DeviceLimits::default()).await
    }

    pub(crate) async fn with(limits: DeviceLimits) -> Self {
        Self::start((limits, InboxLimits::default())).await
    }

    pub(crate) async fn with_inbox(limits: InboxLimits) -> Self {
        Self::start((DeviceLimits::default(), limits)).await
    }

    async fn start(limits: (DeviceLimits, InboxLimits)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicI64::new(START_MS));
        let (metadata, first) = Metadata::open(config(&folder, &now_ms, limits)).await.unwrap();
        let request = SetUp {
            code: first.setup_code.unwrap(),
            organisation: "Lab".into(),
            login: "ada".into(),
            password: "correct horse battery".into(),
        };
        let session = metadata.set_up(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await.unwrap();
        let (owner, _) = metadata.session(&session.secret).await.unwrap().unwrap();
        let system = Principal::system(owner.org);
        let org = metadata.create_organisation(&system, "Elsewhere").await.unwrap();
        let eve = NewUser { login: "eve".into(), password: "correct horse battery".into(), role: Role::Owner };
        let id = metadata.create_user(&Principal::system(org), eve).await.unwrap();
        let stranger = Principal::user(org, id, None, Role::Owner);
        Self { folder, limits, now_ms, metadata, owner, stranger }
    }

    /// Where the data is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Closes the file and opens it again.
    pub(crate) async fn reopen(self) -> Self {
        self.metadata.close().await.unwrap();
        let (metadata, _) = Metadata::open(config(&self.folder, &self.now_ms, self.limits)).await.unwrap();
        Self { metadata, ..self }
    }

    pub(crate) async fn device(&self, name: &str) -> Device {
        self.metadata.create_device(&self.owner, new_device(name)).await.unwrap()
    }

    pub(crate) async fn read(&self, id: DeviceId) -> Device {
        self.metadata.device(&self.owner, id).await.unwrap()
    }

    pub(crate) async fn change(&self, device: &Device, change: DeviceChange) -> Result<Device, MetadataError> {
        let change = DeviceChange { version: device.version, ..change };
        self.metadata.change_device(&self.owner, device.id, change).await
    }

    /// The secret of a new token of a device.
    pub(crate) async fn token(&self, device: DeviceId) -> String {
        self.metadata.create_device_token(&self.owner, device, new_token("firmware")).await.unwrap().1
    }

    /// A new device, and itself as it calls.
    pub(crate) async fn acting(&self, name: &str) -> (Device, Principal) {
        let device = self.device(name).await;
        let secret = self.token(device.id).await;
        let who = self.who(&secret).await.unwrap();
        (device, who)
    }

    /// Until so many requests wait.
    pub(crate) async fn waiters(&self, count: usize) {
        let arrived = async {
            while self.metadata.device_waiters() != count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), arrived).await.unwrap();
    }

    pub(crate) async fn who(&self, secret: &str) -> Option<Principal> {
        self.metadata.authenticate_token(secret).await.unwrap()
    }

    /// What was recorded of a kind of thing, newest first: the action, the name, before and after.
    pub(crate) async fn log(&self, target: &str) -> Vec<(String, String, serde_json::Value, serde_json::Value)> {
        let filter = AuditFilter { target: Some(target.into()), ..AuditFilter::default() };
        let page = self.metadata.audit_page(&self.owner, &filter, None, 1_000).await.unwrap();
        let json =
            |text: Option<String>| text.map_or(serde_json::Value::Null, |text| serde_json::from_str(&text).unwrap());
        page.into_iter().map(|entry| (entry.action, entry.name, json(entry.before), json(entry.after))).collect()
    }
}

fn config(folder: &TempDir, now_ms: &Arc<AtomicI64>, (devices, inbox): (DeviceLimits, InboxLimits)) -> MetadataConfig {
    let clock = now_ms.clone();
    MetadataConfig {
        devices,
        inbox,
        clock: Clock::new(move || clock.load(Ordering::SeqCst)),
        ..metadata_of(folder.path())
    }
}

/// A wait that only what is waited for ends.
pub(crate) fn for_ever() -> Option<Until> {
    Some(Box::pin(std::future::pending()))
}

/// A wait that is over at once.
pub(crate) fn no_longer() -> Option<Until> {
    Some(Box::pin(std::future::ready(())))
}

pub(crate) fn new_device(name: &str) -> NewDevice {
    NewDevice {
        name: name.into(),
        type_id: None,
        attributes: [].into(),
        tags: [].into(),
        writes_as: None,
        enabled: true,
        location: None,
        position: None,
    }
}

pub(crate) fn new_token(name: &str) -> NewDeviceToken {
    NewDeviceToken { name: name.into(), database: None, expires_at_ms: None }
}

pub(crate) fn new_type(name: &str) -> NewType {
    NewType { name: name.into(), description: String::new(), table: "climate".into(), fields: vec![], decoder: None }
}

pub(crate) fn kind<T>(result: Result<T, MetadataError>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

/// The sentence of an error.
pub(crate) fn sentence<T: std::fmt::Debug>(result: Result<T, MetadataError>) -> String {
    result.unwrap_err().to_string()
}
