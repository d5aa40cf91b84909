//! Pieces as bytes, and back: MessagePack with the names of the fields.

use rmp_serde::{decode, encode};
use sensorium_model::{DeviceId, OrgId};
use sensorium_protocols::mqtt::session::Head;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::mqtt::broker::Identity;

/// A session without its messages, and whose it is.
#[derive(Serialize, Deserialize)]
struct StoredHead<H> {
    org: OrgId,
    device: Option<DeviceId>,
    by_key: bool,
    head: H,
}

/// The bytes of a session without its messages.
pub(super) fn head(identity: &Identity, head: &Head) -> Result<Vec<u8>, encode::Error> {
    bytes(&StoredHead { org: identity.org, device: identity.device, by_key: identity.by_key, head })
}

/// Whose session it is, and the session.
pub(super) fn read_head(bytes: &[u8]) -> Result<(Identity, Head), decode::Error> {
    let StoredHead { org, device, by_key, head } = value::<StoredHead<Head>>(bytes)?;
    Ok((Identity { org, device, by_key, client_id: head.client_id().clone() }, head))
}

pub(super) fn bytes(value: &impl Serialize) -> Result<Vec<u8>, encode::Error> {
    rmp_serde::to_vec_named(value)
}

pub(super) fn value<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, decode::Error> {
    rmp_serde::from_slice(bytes)
}
