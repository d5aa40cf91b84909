//! CoAP from anybody: nothing panics, what was read is written and read the same, an unproven peer gets at most three times its
//! bytes, and what is held is bounded, whatever the application answers.

#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use sensorium_model::{BatchBuilder, DatabaseSchema, IngestLimits};
use sensorium_protocols::Refusals;
use sensorium_protocols::coap::reliable::{self, Framing};
use sensorium_protocols::coap::{
    Arrival, CoapLimits, Code, Connection, Endpoint, Event, Output, Response, Wishes, datagram,
};
use sensorium_protocols::payload::content::{self, Target};

fn messages(bytes: &Bytes) {
    let limits = CoapLimits::default();
    if let Ok(message) = datagram::decode(bytes, &limits) {
        let again = datagram::encode(&message);
        assert_eq!(datagram::decode(&again, &limits), Ok(message));
    }
    if let Ok(frame) = reliable::decode_frame(bytes, &limits) {
        let again = reliable::encode(&frame, Framing::WebSocket);
        assert_eq!(reliable::decode_frame(&again, &limits), Ok(frame));
    }
}

/// Feeds an endpoint with datagrams, each with its length in front, and answers what comes out.
fn endpoint(bytes: &Bytes) {
    let challenge = Box::new(|peer: &u8, window: u64| (u64::from(*peer) ^ window).to_le_bytes());
    let mut endpoint = Endpoint::<u8>::new(Arc::new(CoapLimits::default()), 1, challenge);
    let mut out = Output::default();
    let (mut rest, mut now_ms, mut came, mut went) = (bytes.clone(), 1, 0, 0);
    let mut observers = Vec::new();
    while let Some((&length, _)) = rest.split_first() {
        let end = rest.len().min(1 + usize::from(length));
        let datagram = rest.split_to(end).slice(1..);
        came += datagram.len();
        endpoint.receive(now_ms, 1, Arrival::Plain, &datagram, &mut out);
        for event in std::mem::take(&mut out.events) {
            if let Event::Request { exchange, request, .. } = event {
                if length & 1 == 1 {
                    endpoint.accept_later(now_ms, exchange, &mut out);
                }
                let response = Response::new(Code::CONTENT).with_text(vec![0; usize::from(length) * 8]);
                match request.wants_observation() {
                    true => observers.extend(endpoint.observe(now_ms, exchange, Wishes::default(), response, &mut out)),
                    false => endpoint.respond(now_ms, exchange, response, &mut out),
                }
            }
        }
        now_ms += u64::from(length) * 50;
        endpoint.tick(now_ms, &mut out);
        went += out.sends.drain(..).map(|(_, bytes)| bytes.len()).sum::<usize>();
        assert!(went <= 3 * came || !observers.is_empty());
    }
    for _ in 0..20 {
        now_ms += 100_000;
        endpoint.tick(now_ms, &mut out);
    }
    let gauges = endpoint.gauges();
    assert_eq!((gauges.peers, gauges.exchanges, gauges.unacknowledged, gauges.assembly_bytes), (0, 0, 0, 0));
}

fn connection(bytes: &[u8]) {
    let mut out = Output::default();
    let mut connection = Connection::new(Arc::new(CoapLimits::default()), Framing::Tcp, 0, &mut out);
    let mut buffer = BytesMut::new();
    // A CSM first, so that requests are understood.
    for part in [&b"\x00\xe1"[..], bytes] {
        buffer.extend_from_slice(part);
        connection.receive(1, &mut buffer, &mut out);
    }
    for event in std::mem::take(&mut out.events) {
        if let Event::Request { exchange, .. } = event {
            let response = Response::new(Code::CONTENT).with_text(vec![0; 5_000]);
            connection.observe(2, exchange, Wishes::default(), response, &mut out);
        }
    }
    connection.tick(1_000_000, &mut out);
    assert!(connection.is_closed());
}

fn payload(bytes: &[u8]) {
    let Some((format, body)) = bytes.split_first() else { return };
    let format = [None, Some(0), Some(50), Some(60), Some(110), Some(112)][usize::from(format % 6)];
    let schema = DatabaseSchema::default();
    let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), 1);
    let mut refusals = Refusals::keep(10);
    let target = Target { table: "t", field: "v", tags: &[("place", "x")], device: None };
    let mut units = BTreeMap::new();
    if let Ok(seen) = content::decode(format, body, &target, 1, &mut units, &mut builder, &mut refusals) {
        assert_eq!(seen, builder.rows() as u64 + refusals.total());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let owned = Bytes::copy_from_slice(bytes);
    messages(&owned);
    endpoint(&owned);
    connection(bytes);
    payload(bytes);
});
