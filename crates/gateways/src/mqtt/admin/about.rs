//! What is kept of a connection for whoever looks at it. What its machine knows is asked of that.

use std::net::IpAddr;
use std::sync::Arc;

use sensorium_model::ActingDevice;
use sensorium_model::messaging::{ClientConnection, Transport};
use sensorium_protocols::mqtt::packet::Version;
use sensorium_protocols::mqtt::session::Connection;

/// Where a client comes from, and since when.
#[derive(Debug)]
pub(in crate::mqtt) struct About {
    pub(in crate::mqtt) address: IpAddr,
    pub(in crate::mqtt) transport: Transport,
    /// As it was sent.
    pub(in crate::mqtt) login: Option<Arc<str>>,
    pub(in crate::mqtt) device: Option<Arc<ActingDevice>>,
    pub(in crate::mqtt) since_ms: u64,
}

impl About {
    /// The connection that this is about; none when it is over.
    pub(in crate::mqtt) fn connection(&self, machine: &Connection) -> Option<ClientConnection> {
        Some(ClientConnection {
            keep_alive_seconds: machine.keep_alive_seconds()?,
            address: self.address,
            transport: self.transport,
            login: self.login.clone(),
            device: self.device.clone(),
            version: match machine.version()? {
                Version::V3 => "3.1.1",
                Version::V5 => "5.0",
            },
        })
    }
}
