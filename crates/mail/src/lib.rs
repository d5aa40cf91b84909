//! Mail to people: the words of each message ([`Words`]), a bounded queue in memory, and a task that hands what is in it to an SMTP
//! server. The only crate that sees lettre.
//!
//! Invariants:
//! - whoever queues a message never waits for the mail server, and nothing depends on whether it takes the message;
//! - a name that a person chose reaches a header or HTML on one line and escaped: nobody adds a header, a recipient or a tag;
//! - links begin with `http.public_url`, never with what a request says the host is called;
//! - the password of the mail server, and what a message says, are in no log, no error and no record.
//!
//! A message that could not be handed over for a while is tried again after each of [`MailConfig::retry_after`], one that the mail
//! server refuses for good (a 5xx answer) is not. What waits when the server stops is tried once and then lost: whoever misses a
//! link asks for another one.
//!
//! Limits: [`MailConfig::queue`] messages wait; [`MailConfig::per_hour`] in any hour in total, [`MailConfig::per_hour_to_one`] to one
//! address; a delivery takes [`MailConfig::timeout`] at most.

mod compose;
mod config;
mod delivery;
mod error;
mod limits;
mod queue;
mod words;

pub use config::{Credentials, MailConfig, Security};
pub use error::MailError;
pub use queue::{Mailer, Outcome, Slot};
pub use words::{Letter, Words};
