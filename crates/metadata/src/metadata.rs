//! Opening the metadata, and the handle that everything else hangs on.

use std::fmt;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryOrder, Set};
use sensorium_model::{DeviceId, OrgId};
use uuid::Uuid;

use crate::attempts::Attempts;
use crate::basic::VerifiedLogins;
use crate::classes::quotas::Meters;
use crate::classes::storage::Bounds;
use crate::config::MetadataConfig;
use crate::engine::{begin, connect};
use crate::entity::organisation;
use crate::error::MetadataError;
use crate::migration;
use crate::pace::Pace;
use crate::password::Passwords;
use crate::registry::activity::Activity;
use crate::registry::spoken::DesiredChanges;
use crate::registry::waiting::Waiting;
use crate::sealed::Sealer;
use crate::token_cache::TokenCache;

/// The name of the first organisation until set-up gives it another.
const FIRST_ORGANISATION: &str = "My organisation";

/// Organisations, users, sessions, tokens and the record of changes. Cheap to clone.
#[derive(Clone)]
pub struct Metadata {
    inner: Arc<Inner>,
}

struct Inner {
    db: DatabaseConnection,
    config: MetadataConfig,
    org: OrgId,
    passwords: Passwords,
    attempts: Attempts,
    tokens: TokenCache,
    logins: VerifiedLogins,
    sealer: Sealer,
    activity: Activity,
    meters: Meters,
    storage: Bounds,
    reports: Pace<DeviceId>,
    newcomers: Pace<OrgId>,
    waiting: Arc<Waiting>,
    desired: DesiredChanges,
}

/// What the one who starts the server should know.
#[derive(Clone)]
pub struct FirstStart {
    /// The first organisation.
    pub org: OrgId,
    /// The one-time code that creates the first administrator; a fresh one at every start until there is one.
    pub setup_code: Option<String>,
}

impl fmt::Debug for FirstStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstStart").field("org", &self.org).field("needs_set_up", &self.setup_code.is_some()).finish()
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata").field("engine", &self.inner.config.engine).finish_non_exhaustive()
    }
}

impl Metadata {
    /// Opens or creates the tables, brings them to the current form, makes the first organisation if there is none, and
    /// makes a new set-up code if there is no administrator. Without the key of sealed secrets it opens all the same.
    pub async fn open(config: MetadataConfig) -> Result<(Self, FirstStart), MetadataError> {
        let db = connect(&config).await?;
        migration::migrate(&db, &config).await?;
        let transaction = begin(&db).await?;
        let org = first_organisation(&transaction, config.clock.now_ms()).await?;
        transaction.commit().await?;
        let inner = Inner {
            db,
            config,
            org,
            passwords: Passwords::new()?,
            attempts: Attempts::default(),
            tokens: TokenCache::default(),
            logins: VerifiedLogins::default(),
            sealer: Sealer::default(),
            activity: Activity::default(),
            meters: Meters::default(),
            storage: Bounds::default(),
            reports: Pace::default(),
            newcomers: Pace::default(),
            waiting: Arc::default(),
            desired: DesiredChanges::default(),
        };
        let metadata = Self { inner: Arc::new(inner) };
        if let Err(error) = metadata.sealing_key().await {
            // What is sealed stays shut; everything else goes on.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "sealed secrets cannot be used");
        }
        metadata.clean_up().await?;
        let setup_code = metadata.renew_setup_code().await?;
        Ok((metadata, FirstStart { org, setup_code }))
    }

    /// The first organisation: where this machine's own vitals and anonymous readings go.
    pub fn org(&self) -> OrgId {
        self.inner.org
    }

    /// Waits for statements under way and closes the connections.
    pub async fn close(&self) -> Result<(), MetadataError> {
        Ok(self.inner.db.clone().close().await?)
    }

    pub(crate) fn db(&self) -> &DatabaseConnection {
        &self.inner.db
    }

    /// Begins a transaction; while it lasts, nobody else changes anything.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        begin(self.db()).await
    }

    pub(crate) fn config(&self) -> &MetadataConfig {
        &self.inner.config
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.config.clock.now_ms()
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.inner.attempts
    }

    pub(crate) fn token_cache(&self) -> &TokenCache {
        &self.inner.tokens
    }

    pub(crate) fn logins(&self) -> &VerifiedLogins {
        &self.inner.logins
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }

    pub(crate) fn activity(&self) -> &Activity {
        &self.inner.activity
    }

    pub(crate) fn meters(&self) -> &Meters {
        &self.inner.meters
    }

    /// What is known of who may store how much.
    pub(crate) fn storage(&self) -> &Bounds {
        &self.inner.storage
    }

    pub(crate) fn reports(&self) -> &Pace<DeviceId> {
        &self.inner.reports
    }

    pub(crate) fn newcomers(&self) -> &Pace<OrgId> {
        &self.inner.newcomers
    }

    pub(crate) fn desired(&self) -> &DesiredChanges {
        &self.inner.desired
    }

    pub(crate) fn waiting(&self) -> &Arc<Waiting> {
        &self.inner.waiting
    }

    /// A new id; its first bits are the time, so that rows inserted together lie together.
    pub(crate) fn new_id() -> Uuid {
        Uuid::now_v7()
    }
}

async fn first_organisation(db: &impl ConnectionTrait, now_ms: i64) -> Result<OrgId, MetadataError> {
    let first = organisation::Entity::find().order_by_asc(organisation::Column::CreatedAtMs).one(db).await?;
    if let Some(first) = first {
        return Ok(OrgId::from_uuid(first.id));
    }
    let id = Metadata::new_id();
    let row =
        organisation::ActiveModel { id: Set(id), name: Set(FIRST_ORGANISATION.to_owned()), created_at_ms: Set(now_ms) };
    organisation::Entity::insert(row).exec_without_returning(db).await?;
    Ok(OrgId::from_uuid(id))
}
