//! Giving a device that was adopted what was kept of it.
//!
//! Invariant: a message is forgotten after the store has its rows. One that is stored twice, because something stopped in between or
//! two hand over at once, changes nothing: rows without a time of their own have the time at which the message came, so their
//! keys are the same.

use sensorium_ingest::Format;
use sensorium_metadata::MetadataError;
use sensorium_metadata::inbox::{Adopted, Message};
use sensorium_model::{ActingDevice, Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, OrgId, Sender};
use sensorium_protocols::Refusals;
use sensorium_store::WriteError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::AppState;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// What became of the messages that were kept.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct HandedOver {
    /// Readings that were stored.
    stored: u64,
    /// Readings that were refused, and messages whose database is no more.
    refused: u64,
    /// The first reason.
    #[schema(required)]
    reason: Option<String>,
    /// Whether all messages were handed over; the others follow within the hour.
    complete: bool,
}

/// Gives a device all that was kept of it. Stops when something cannot be stored that may be stored later.
pub(super) async fn hand_over(state: &AppState, adopted: Adopted) -> HandedOver {
    let mut done = HandedOver::default();
    match hand_over_all(state, adopted, &mut done).await {
        Ok(()) => done.complete = true,
        Err(error) => {
            tracing::warn!(%error, "what was kept of an adopted device could not be handed over; it is tried again");
            done.reason = Some(error.to_string());
        }
    }
    done
}

/// Makes up for adoptions that a stop, a full disk or a quota of storage that is used up cut short.
pub async fn finish_adoptions(state: &AppState) {
    match state.metadata.adoptions_to_finish().await {
        Ok(adoptions) => {
            for adopted in adoptions {
                hand_over(state, adopted).await;
            }
        }
        Err(error) => tracing::warn!(%error, "it is not known which adoptions are to be finished; it is tried again"),
    }
}

/// Why messages stay where they are.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error(transparent)]
    Store(#[from] WriteError),
}

async fn hand_over_all(state: &AppState, adopted: Adopted, done: &mut HandedOver) -> Result<(), Stopped> {
    while let Some((message, device)) = state.metadata.next_kept(adopted).await? {
        let mut refusals = Refusals::keep(1);
        let batch = read(state, adopted.org, &message, &device, &mut refusals);
        let mut stored = 0;
        match batch {
            Ok(batch) if batch.is_empty() => {}
            Ok(batch) => {
                state.metadata.check_storage(&batch.database, |other| state.store.database_bytes(other)).await?;
                let report = state.store.write(batch).await?;
                stored = report.accepted as u64;
                report.rejected.into_iter().for_each(|rejected| refusals.add(rejected));
            }
            Err(reason) => done.refuse(1, reason),
        }
        state.metadata.forget_kept(adopted, message.id).await?;
        state.metadata.count_device_message(adopted.org, device.id, stored, refusals.total());
        done.stored += stored;
        if let Some(first) = refusals.first().first() {
            done.refuse(refusals.total(), first.error.to_string());
        }
    }
    Ok(())
}

impl HandedOver {
    fn refuse(&mut self, count: u64, reason: String) {
        self.refused += count;
        self.reason.get_or_insert(reason);
    }
}

/// The rows of a message, under the name that the device has now.
fn read(
    state: &AppState,
    org: OrgId,
    message: &Message,
    device: &ActingDevice,
    refusals: &mut Refusals,
) -> Result<Batch, String> {
    let name = DatabaseName::new(&message.database).map_err(|error| error.to_string())?;
    let database = DatabaseKey::new(org, name);
    let schema = state.store.schema(&database);
    let schema = schema.ok_or_else(|| format!("the database {:?} is no more", message.database))?;
    let mut batch = decode(state, database, &schema, message, refusals)?;
    let names = batch.devices().into_iter().map(|called| (called, device.name.clone())).collect();
    batch.rename_devices(&names);
    Ok(batch)
}

/// The rows of a message as it was sent.
pub(super) fn decode(
    state: &AppState,
    database: DatabaseKey,
    schema: &DatabaseSchema,
    message: &Message,
    refusals: &mut Refusals,
) -> Result<Batch, String> {
    let format: Format = serde_json::from_str(&message.reading)
        .map_err(|_| "a newer version of Sensorium kept this message".to_owned())?;
    let received_ns = message.received_at_ms.saturating_mul(NANOS_PER_MILLI);
    let mut builder = BatchBuilder::new(schema, state.ingest.limits, received_ns);
    builder.sent_by(Sender::Devices);
    format.decode(message.body.as_bytes(), received_ns, &mut builder, refusals).map_err(|error| error.to_string())?;
    Ok(builder.finish(database))
}
