//! What is sent with a key for devices: whose readings they are, and where they go.
//!
//! A request may hold readings of many devices that are known. What a device sends that is not known is kept as it was sent, so
//! it comes in requests of its own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use sensorium_metadata::inbox::{Kept, NewMessage, Sender};
use sensorium_model::{ActingDevice, Batch, Name, OrgId, Principal};

use super::format::Format;
use super::ingest::Source;
use crate::error::{ApiError, ApiResult};
use crate::routes::rejections::cut;
use crate::state::AppState;

/// A request, as it is kept when its device is not known.
pub(super) struct Message<'m> {
    pub(super) format: &'m Format,
    pub(super) source: Source,
    pub(super) body: &'m [u8],
    pub(super) peer: IpAddr,
}

/// Where the readings of a request go.
pub(super) enum Found {
    /// They are of devices that are known, and have their names.
    Known(Senders),
    /// They wait in the inbox, for somebody to adopt this device.
    InInbox(Name),
}

/// The devices of a request, and how many rows each has.
#[derive(Default)]
pub(super) struct Senders(Vec<(Arc<ActingDevice>, u64)>);

impl Senders {
    /// Counts a message of each.
    pub(super) fn count(&self, state: &AppState, org: OrgId) {
        for (device, rows) in &self.0 {
            state.metadata.count_device_message(org, device.id, *rows, 0);
        }
    }
}

/// Finds the devices of a batch and gives its rows their names, or keeps the message in the inbox.
pub(super) async fn senders(
    state: &AppState,
    writer: &Principal,
    batch: &mut Batch,
    message: Message<'_>,
) -> ApiResult<Found> {
    let names = batch.devices();
    let called: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let senders = state.metadata.senders(writer, &called).await?;
    let mut known = HashMap::new();
    for (name, sender) in names.iter().zip(senders) {
        let device = match sender {
            Sender::Known(device) => device,
            Sender::Disabled => {
                let sentence = format!("device {:?} is disabled; ask an editor to enable it", cut(name));
                return Err(ApiError::denied(sentence));
            }
            Sender::Unknown if names.len() > 1 => {
                let sentence = format!(
                    "device {:?} is not known, and {} devices are in this request; send its readings in a request of their own, so that they wait in the inbox until somebody adopts it",
                    cut(name),
                    names.len()
                );
                return Err(ApiError::invalid(sentence));
            }
            Sender::Unknown => match keep(state, writer, batch, name, &message).await? {
                Kept::Known(device) => device,
                Kept::InInbox => return Ok(Found::InInbox(name.clone())),
            },
        };
        known.insert(name.clone(), device);
    }
    let renamed = known.iter().map(|(name, device)| (name.clone(), device.name.clone())).collect();
    batch.rename_devices(&renamed);
    let mut rows = batch.rows_by_device();
    let counted = known.into_values().filter_map(|device| Some((rows.remove(&device.name)?, device)));
    Ok(Found::Known(Senders(counted.map(|(rows, device)| (device, rows)).collect())))
}

async fn keep(
    state: &AppState,
    writer: &Principal,
    batch: &Batch,
    name: &Name,
    message: &Message<'_>,
) -> ApiResult<Kept> {
    // A text with a NUL cannot be kept in PostgreSQL.
    let body = std::str::from_utf8(message.body).ok().filter(|body| !body.contains('\0'));
    let body = body.ok_or_else(|| {
        let sentence =
            "is not known, and what it sends is not UTF-8 or holds a NUL, which the inbox cannot keep; adopt it first";
        ApiError::invalid(format!("device {:?} {sentence}", cut(name)))
    })?;
    let reading = serde_json::to_string(message.format).map_err(|_| ApiError::invalid("the format cannot be kept"))?;
    let new = NewMessage {
        name,
        database: &batch.database.name,
        format: message.source.as_str(),
        reading: &reading,
        body,
        address: message.peer,
    };
    Ok(state.metadata.keep_message(writer, new).await?)
}
