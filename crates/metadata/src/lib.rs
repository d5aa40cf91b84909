//! Who may do what: organisations, users, sessions, API tokens and the record of changes, kept through SeaORM.
//!
//! Today the tables live in one SQLite file, `<data-dir>/metadata.sqlite` (WAL, `synchronous=FULL`, readable only by
//! the server's user). Statements are built, never written as text of one engine, so that the same entities work on
//! PostgreSQL.
//!
//! Invariants:
//! - no secret is stored: passwords as argon2id, tokens, sessions and the set-up code as SHA-256 of at least 100 random
//!   bits;
//! - every statement that reads or changes what belongs to an organisation names that organisation in its condition;
//! - a change and its entry in the audit table are committed together;
//! - a revoked token is refused by the first request after the revocation returned;
//! - unknown logins cost the same time and give the same answer as wrong passwords.
//!
//! Limits: [`password::MIN_CHARACTERS`] to [`password::MAX_BYTES`] for passwords; sign-in attempts as in [`attempts`];
//! memory for caches and counters is bounded ([`attempts::MAX_KEYS`], [`token_cache::MAX_TOKENS`], [`basic::MAX_LOGINS`]).

mod account;
pub mod attempts;
mod audit;
pub mod basic;
mod config;
mod copy;
mod current;
mod entity;
mod error;
mod metadata;
mod migration;
pub mod password;
mod secrets;
mod sessions;
mod setup;
pub mod token_cache;
mod tokens;
mod users;

pub use account::{Account, AccountUser};
pub use audit::{AuditEntry, Change};
pub use config::{Clock, MetadataConfig};
pub use error::MetadataError;
pub use metadata::{FirstStart, Metadata};
pub use sessions::{NewSecret, SignedIn};
pub use setup::SetUp;
pub use tokens::{NewToken, TokenInfo};
pub use users::NewUser;
