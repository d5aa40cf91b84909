//! What is sent with a key for devices: whose readings they are, and where they go.
//!
//! A request may hold readings of many devices that are known. What a device sends that is not known is kept as it was sent, so
//! it comes in requests of its own.

use std::collections::HashMap;
use std::sync::Arc;

use sensorium_metadata::Metadata;
use sensorium_metadata::inbox::{self, Kept, Sender};
use sensorium_model::{ActingDevice, Batch, DeviceId, Name, OrgId};

use crate::error::IngestError;
use crate::intake::Intake;
use crate::many::NewMessage;
use crate::rejections::cut;

/// Where the readings of a request go.
pub(crate) enum Found {
    /// They are of devices that are known, and have their names.
    Known(Senders),
    /// They wait in the inbox, for somebody to adopt this device.
    InInbox(Name),
}

/// The devices of a request, and how many rows each has.
#[derive(Default)]
pub(crate) struct Senders(Vec<(Arc<ActingDevice>, u64)>);

impl Senders {
    /// The devices of rows that name them; several names may be one device.
    pub(crate) fn new(rows: &HashMap<Name, u64>, known: &HashMap<Name, Arc<ActingDevice>>) -> Self {
        let mut senders: HashMap<DeviceId, (Arc<ActingDevice>, u64)> = HashMap::new();
        for (device, rows) in rows.iter().filter_map(|(name, rows)| Some((known.get(name)?, rows))) {
            senders.entry(device.id).or_insert_with(|| (device.clone(), 0)).1 += rows;
        }
        Self(senders.into_values().collect())
    }

    /// Counts a message of each.
    pub(crate) fn count(&self, metadata: &Metadata, org: OrgId) {
        for (device, rows) in &self.0 {
            metadata.count_device_message(org, device.id, *rows, 0);
        }
    }
}

/// Finds the devices of a batch and gives its rows their names, or keeps the message in the inbox.
pub(crate) async fn senders(intake: &Intake, batch: &mut Batch, message: &NewMessage) -> Result<Found, IngestError> {
    let names = batch.devices();
    let called: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let senders = intake.ingest.metadata.senders(&intake.writer, &called).await?;
    let mut known = HashMap::new();
    for (name, sender) in names.iter().zip(senders) {
        let device = match sender {
            Sender::Known(device) => device,
            Sender::Disabled => {
                let sentence = format!("device {:?} is disabled; ask an editor to enable it", cut(name));
                return Err(IngestError::denied(sentence));
            }
            Sender::Unknown if names.len() > 1 => {
                let sentence = format!(
                    "device {:?} is not known, and {} devices are in this request; send its readings in a request of their own, so that they wait in the inbox until somebody adopts it",
                    cut(name),
                    names.len()
                );
                return Err(IngestError::invalid(sentence));
            }
            Sender::Unknown => match keep(intake, batch, name, message).await? {
                Kept::Known(device) => device,
                Kept::InInbox => return Ok(Found::InInbox(name.clone())),
            },
        };
        known.insert(name.clone(), device);
    }
    let senders = Senders::new(&batch.rows_by_device(), &known);
    rename(batch, &known);
    Ok(Found::Known(senders))
}

/// Gives the rows of known devices the names that those have in the registry.
pub(crate) fn rename(batch: &mut Batch, known: &HashMap<Name, Arc<ActingDevice>>) {
    let renamed = known.iter().map(|(name, device)| (name.clone(), device.name.clone())).collect();
    batch.rename_devices(&renamed);
}

async fn keep(intake: &Intake, batch: &Batch, name: &Name, message: &NewMessage) -> Result<Kept, IngestError> {
    // A text with a NUL cannot be kept in PostgreSQL.
    let body = std::str::from_utf8(&message.body).ok().filter(|body| !body.contains('\0'));
    let body = body.ok_or_else(|| {
        let sentence =
            "is not known, and what it sends is not UTF-8 or holds a NUL, which the inbox cannot keep; adopt it first";
        IngestError::invalid(format!("device {:?} {sentence}", cut(name)))
    })?;
    let reading =
        serde_json::to_string(&message.format).map_err(|_| IngestError::invalid("the format cannot be kept"))?;
    let new = inbox::NewMessage {
        name,
        database: &batch.database.name,
        format: intake.source.as_str(),
        reading: &reading,
        body,
        address: intake.peer,
    };
    Ok(intake.ingest.metadata.keep_message(&intake.writer, new).await?)
}
