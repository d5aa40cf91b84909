//! The way of readings from an edge into the store, whatever their format and whatever carried them: check, decode, store, report.
//!
//! An edge authenticates its writer, says where it writes ([`Ingest::begin`]) and hands over what it received: one body
//! ([`Intake::take`]), many small messages ([`Intake::take_all`]), or those of many writers ([`take_from_all`]). It answers with the [`Outcome`] or the [`IngestError`], whose
//! [`sensorium_model::ErrorKind`] it maps in its one table.
//!
//! Invariants:
//! - permission and the database are checked before anything is received;
//! - what is over the writer's quota of points is refused whole, before anything of it is stored; so is what is sent to a database
//!   while the quota of storage of whoever created it is used up;
//! - an outcome that says "stored" is given after the log has the rows on disk;
//! - rows that are wrong are refused one by one, counted, and kept for whoever looks for them ([`rejections`]);
//! - rows that a device sends with a token of its own have its name as the tag `device`, whatever their format;
//! - of what is sent with a key for devices, the rows of known devices are stored as theirs, and what a device sends that is not
//!   known is kept in the inbox ([`sensorium_metadata::inbox`]);
//! - of messages that are taken together, none changes what becomes of another: each has an outcome of its own.
//!
//! Limits: [`sensorium_model::IngestLimits`] for rows; those of [`rejections`]; the edge bounds how much it hands over at once.

mod blocking;
mod decoding;
mod error;
mod figures;
mod format;
mod intake;
mod keys;
mod many;
pub mod rejections;
#[cfg(test)]
mod tests;

pub use blocking::unless_small;
pub use error::IngestError;
pub use format::{Format, Source};
pub use intake::{Ingest, Intake, Outcome};
pub use many::{NewMessage, take_from_all};
pub use rejections::{Rejections, cut};
