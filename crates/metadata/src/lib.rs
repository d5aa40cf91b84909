//! Who may do what: organisations, users, sessions, API tokens, the registry of devices and the record of changes, kept
//! through SeaORM.
//!
//! The tables live in one SQLite file, `<data-dir>/metadata.sqlite` (WAL, `synchronous=FULL`, readable only by the server's
//! user), or in a database of PostgreSQL. Statements are built, not written as text of one engine.
//!
//! Invariants:
//! - no secret is stored as it is: passwords as argon2id; tokens, sessions, one-time links, recovery codes and the set-up code as
//!   SHA-256 of at least 100 random bits; what must be read again is sealed with a key that lies elsewhere ([`sealed`]);
//! - every statement that reads or changes what belongs to an organisation names that organisation in its condition;
//! - a change and its entry in the audit table are committed together;
//! - a revoked token is refused by the first request after the revocation returned; so is everything of a person who was
//!   suspended or deleted, and every token, key and certificate of a device that was disabled or deleted;
//! - unknown logins cost the same time and give the same answer as wrong passwords.
//!
//! Limits: people, links and pages of the record of changes as in [`people`] and [`history`]; devices as in [`registry`]; devices that are not known as in [`inbox`]; submissions as in [`submissions`]; places as in [`places`]; classes as in [`classes`]; groups as in [`groups`]; people who ask to join as in [`registration`]; identities of a provider as in [`identities`]; [`sessions::MAX_PER_USER`];
//! [`password::MIN_CHARACTERS`] to [`password::MAX_BYTES`] for passwords; sign-in attempts as in [`attempts`];
//! memory for caches and counters is bounded ([`attempts::MAX_KEYS`], [`token_cache::MAX_TOKENS`], [`basic::MAX_LOGINS`]).

mod access;
pub mod account;
pub mod attempts;
mod audit;
pub mod basic;
pub mod classes;
mod client;
mod config;
mod copy;
mod current;
pub mod email;
mod engine;
mod entity;
mod error;
mod forgotten;
pub mod groups;
pub mod history;
pub mod identities;
pub mod inbox;
mod links;
mod metadata;
mod migration;
pub mod networks;
mod own;
mod pace;
pub mod password;
pub mod people;
pub mod places;
pub mod registration;
pub mod registry;
pub mod scram;
mod sealed;
pub mod second_factor;
mod secrets;
pub mod sessions;
mod setup;
pub mod submissions;
pub mod token_cache;
mod tokens;
mod totp;
mod upkeep;
mod users;

pub use account::{Account, AccountUser};
pub use audit::{AuditEntry, Change};
pub use classes::quotas::{OwnQuotas, QuotaError, Quotas};
pub use classes::{Class, ClassChange, ClassRef, NewClass};
pub use client::Client;
pub use config::{Clock, DeviceLimits, FILE, MetadataConfig};
pub use email::{Addressee, EmailChange, OwnEmail};
pub use engine::{Engine, PostgresUrl};
pub use error::MetadataError;
pub use groups::{Group, GroupChange, GroupDevice, GroupError, GroupMember, GroupPlace, NewGroup};
pub use history::{AuditCursor, AuditFilter};
pub use identities::{ExternalIdentity, IdentityRules, Joining, OwnIdentity};
pub use inbox::{Adoption, InboxError, InboxLimits, Newcomer};
pub use links::{LinkInfo, LinkPurpose, NewLink};
pub use metadata::{FirstStart, Metadata};
pub use networks::{Network, NetworkAccess, NetworkChange, NewNetwork};
pub use own::SessionInfo;
pub use people::{NewPerson, PeopleQuery, Person, PersonChange, PersonStatus};

pub use registration::Registration;
pub use registry::{
    CertificateFingerprint, ClaimInfo, Claimed, Command, CommandStatus, CredentialInfo, CredentialKind, Device,
    DeviceChange, DeviceCursor, DeviceQuery, DeviceSort, DeviceState, DeviceStatus, DeviceType, Edit, Import,
    ImportRow, Imported, NewCommand, NewCredential, NewDevice, NewDeviceToken, NewType, PreSharedKey, Proof,
    RegistryError, TypeChange,
};
pub use scram::{SCRAM_SHA_256, ScramExchange};
pub use second_factor::{Enrolment, SecondFactor};
pub use sessions::{NewSecret, SignedIn};
pub use setup::SetUp;
pub use submissions::{Comment, Content, Decision, Discussion, Proposal, Submission, SubmissionKind, SubmissionStatus};
pub use tokens::{NewToken, TokenInfo};
pub use upkeep::CleanedUp;
pub use users::NewUser;
