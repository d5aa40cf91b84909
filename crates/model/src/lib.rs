//! The words that every other crate of Sensorium speaks: points and batches, schemas, names, identities,
//! permissions, limits and kinds of error; and what the broker is for the rest of the program.
//!
//! Pure: no sockets, no files, no clock and no randomness; time and identities come in as arguments.
//!
//! Invariants:
//! - a [`TableBatch`] is rectangular: every tag and field column has as many rows as `time_ns`;
//! - a column is a tag or a field of one type, for as long as its table exists;
//! - names are validated once, where they enter ([`names`]), and are plain text afterwards.

pub mod batch;
pub mod builder;
pub mod column;
pub mod email;
pub mod error;
pub mod hash;
pub mod ids;
pub mod limits;
pub mod messaging;
pub mod names;
pub mod permissions;
pub mod point;
pub mod schema;
pub mod series;
pub mod time;
pub mod vector;

pub use batch::{Batch, TableBatch};
pub use builder::{BatchBuilder, Rejection, RowError, Sender};
pub use column::{FieldColumn, FieldValues, TagColumn, TextColumn, Validity};
pub use email::{EmailAddress, EmailError};
pub use error::{ErrorKind, chain};
pub use hash::{FastMap, FastSet};
pub use ids::{
    ClassId, CommandId, CredentialId, DeviceId, DeviceTypeId, GroupId, NetworkId, NewcomerId, OrgId, PlaceId,
    SessionId, SubmissionId, TokenId, TraceId, UserId,
};
pub use limits::IngestLimits;
pub use messaging::{MessageReader, Messaging, MessagingError};
pub use names::{DEVICE_TAG, DatabaseKey, DatabaseName, Name, NameError};
pub use permissions::{ActingDevice, Action, DatabaseScope, Principal, Role, Subject};
pub use point::{Point, Value};
pub use schema::{Column, ColumnKind, DatabaseSchema, FieldType, SchemaLookup, TableSchema};
pub use series::SeriesKey;
pub use time::{Precision, TimeError};
pub use vector::{MAX_VECTOR_NUMBERS, VectorColumn};
