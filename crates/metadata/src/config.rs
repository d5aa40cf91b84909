//! Where the metadata lives, and for how long sign-ins, links and the record of changes are good.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::Engine;
use crate::inbox::InboxLimits;

/// The file in a data folder.
pub const FILE: &str = "metadata.sqlite";

/// Milliseconds since the epoch; an argument, so that tests decide what time it is.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that asks a function.
    pub fn new(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// The system's clock.
    pub fn system() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// Milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// How to open the metadata.
#[derive(Debug, Clone)]
pub struct MetadataConfig {
    /// Where it lives.
    pub engine: Engine,
    /// The key that seals what must be read again; made at the first start.
    pub key_file: PathBuf,
    /// A session ends this long after sign-in, whatever happens.
    pub session_lifetime: Duration,
    /// A session ends when it was not used for this long.
    pub session_idle: Duration,
    /// A session's secret is replaced when it is this old.
    pub session_rotation: Duration,
    /// How long the replaced secret is still accepted once the new one was seen, for requests already under way.
    pub session_grace: Duration,
    /// For how long an invitation is good.
    pub invitation_lifetime: Duration,
    /// For how long the link that resets a password is good.
    pub reset_lifetime: Duration,
    /// For how long the link that gives out a token of a device is good.
    pub claim_lifetime: Duration,
    /// Whether people may ask to join by themselves.
    pub registration: bool,
    /// For how long changes stay on record.
    pub audit_lifetime: Duration,
    /// How many changes of an organisation stay on record, the newest of them.
    pub audit_rows: u64,
    /// What devices and those who ask them may take.
    pub devices: DeviceLimits,
    /// What the inbox takes of devices that are not known.
    pub inbox: InboxLimits,
    /// The clock.
    pub clock: Clock,
}

impl MetadataConfig {
    /// Defaults: `metadata.sqlite` and `secret.key` in the data folder; sessions of 30 days, or 7 days without use, with a new secret
    /// every 30 minutes; nobody joins by themselves; invitations of 3 days, resets of one and claim links of 7; changes on record for 365 days and up to a million.
    pub fn new(data_dir: &Path) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            engine: Engine::File(data_dir.join(FILE)),
            key_file: data_dir.join("secret.key"),
            session_lifetime: 30 * DAY,
            session_idle: 7 * DAY,
            session_rotation: Duration::from_secs(30 * 60),
            session_grace: Duration::from_secs(60),
            invitation_lifetime: 3 * DAY,
            reset_lifetime: DAY,
            claim_lifetime: 7 * DAY,
            registration: false,
            audit_lifetime: 365 * DAY,
            audit_rows: 1_000_000,
            devices: DeviceLimits::default(),
            inbox: InboxLimits::default(),
            clock: Clock::system(),
        }
    }
}

/// What devices and those who ask them may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceLimits {
    /// Requests that wait at one time for a state, a command or an answer.
    pub waiters: usize,
    /// Commands of a device that are queued, or delivered and not answered.
    pub open_commands: u64,
    /// Commands of a device that are kept when they are over, the newest of them.
    pub kept_commands: u64,
    /// For how long commands are kept after their time-out.
    pub command_lifetime: Duration,
    /// Reports of its state that a device may send in a minute.
    pub reports_per_minute: u32,
}

impl Default for DeviceLimits {
    fn default() -> Self {
        Self {
            waiters: 1_024,
            open_commands: 50,
            kept_commands: 200,
            command_lifetime: Duration::from_secs(30 * 86_400),
            reports_per_minute: 60,
        }
    }
}

/// A duration in the unit of [`Clock`].
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
