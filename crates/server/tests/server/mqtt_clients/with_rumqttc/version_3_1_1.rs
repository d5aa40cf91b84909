//! The client of 3.1.1.

use std::collections::VecDeque;

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet,
    Publish, QoS, SubscribeReasonCode,
};

use super::{MARKER, PAYLOAD, run, within_deadline};
use crate::mqtt::server;
use crate::support::TOKEN;

both_versions! {"3.1.1"}

/// A client that leaves nothing behind.
fn options(name: &str) -> MqttOptions {
    let address = server().mqtt();
    let mut options = MqttOptions::new(format!("rumqttc-{}-4-{name}", run()), address.ip().to_string(), address.port());
    options.set_credentials("device", TOKEN);
    options
}

/// A client whose session outlives its connection.
fn lasting(name: &str) -> MqttOptions {
    let mut options = options(name);
    options.set_clean_session(false);
    options
}

fn will(topic: &str, payload: &str) -> LastWill {
    LastWill::new(topic, payload, QoS::AtLeastOnce, false)
}
