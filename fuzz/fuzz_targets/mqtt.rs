//! MQTT from anybody: nothing panics, what was read is written and read the same, and a connection that was given any bytes goes
//! on or closes, whatever the caller decides.

#![no_main]

use std::sync::Arc;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use sensorium_protocols::mqtt::packet::{Decoder, Qos, encode};
use sensorium_protocols::mqtt::session::{Accept, Action, Connection, Outcome, Output};
use sensorium_protocols::mqtt::{Delivery, MqttLimits, ReasonCode};

/// Reads packets until they are refused or used up.
fn packets(bytes: &[u8]) {
    let mut decoder = Decoder::new(&MqttLimits::default());
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(packet)) = decoder.decode(&mut buffer) {
        let version = decoder.version().expect("the first packet is CONNECT");
        let mut written = BytesMut::new();
        encode(&packet, version, u32::MAX, &mut written).expect("what was read can be written");
        let again = decoder.clone().decode(&mut written).expect("what was written can be read");
        assert_eq!(again, Some(packet));
    }
}

/// Feeds a connection in two parts; every message goes back to the client itself.
fn connection(bytes: &[u8]) {
    let mut connection = Connection::new(Arc::new(MqttLimits::default()), 0);
    let mut out = Output::default();
    let mut buffer = BytesMut::new();
    let mut seq = 0;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for part in [first, second] {
        buffer.extend_from_slice(part);
        connection.receive(&mut buffer, seq, &mut out);
        while !out.actions.is_empty() {
            for action in std::mem::take(&mut out.actions) {
                seq += 1;
                match action {
                    Action::Connect(_) => connection.accept(Accept::default(), seq, &mut out),
                    Action::Authenticate { .. } => connection.authenticated(None, &mut out),
                    Action::Subscribe(requested) => {
                        let granted = vec![Ok(Qos::ExactlyOnce); requested.len() / 2];
                        connection.subscribed(&granted, seq, &mut out);
                    }
                    Action::Publish { message, ticket, .. } => {
                        let qos = message.qos;
                        let delivery = Delivery { message, qos, retain: false, subscription_ids: vec![1] };
                        connection.deliver(delivery, seq, &mut out);
                        if let Some(ticket) = ticket {
                            connection.outcome(ticket, &Outcome::Logged(seq), seq, &mut out);
                        }
                    }
                    Action::Release { ticket, .. } => connection.outcome(ticket, &Outcome::Taken, seq, &mut out),
                    Action::Unsubscribe(_) | Action::PublishWill(_) | Action::EndSession(_) | Action::Close { .. } => {}
                }
            }
            out.bytes.clear();
            connection.durable(seq, seq, &mut out);
            connection.flush(seq, &mut out);
            connection.receive(&mut buffer, seq, &mut out);
        }
    }
    connection.disconnect(ReasonCode::ServerShuttingDown, "", None, seq, &mut out);
    assert!(connection.is_closed());
    if let Some(session) = connection.into_session() {
        let stored = serde_json::to_vec(&session).expect("a session can be stored");
        serde_json::from_slice::<sensorium_protocols::mqtt::session::Session>(&stored).expect("and read again");
    }
}

fuzz_target!(|bytes: &[u8]| {
    packets(bytes);
    connection(bytes);
});
