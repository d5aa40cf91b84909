//! Messages of devices from anybody: nothing panics, no decoder leaves more rows than it may or one uncounted, and a node of
//! Sparkplug B takes whatever comes after whatever came. The first line is the topic, what follows the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensorium_model::{
    Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, IngestLimits, OrgId, TableBatch,
};
use sensorium_protocols::Refusals;
use sensorium_protocols::decoders::announced::Announcement;
use sensorium_protocols::decoders::commands::{Speech, reported};
use sensorium_protocols::decoders::sparkplug::Node;
use sensorium_protocols::decoders::{DecodeError, Decoded, Decoder, Message, recognise};

/// 2023-11-14T22:13:20Z.
const NOW: i64 = 1_700_000_000_000_000_000;

/// Reads with a builder of its own, and checks what became of it.
fn read(decode: impl FnOnce(&mut BatchBuilder<'_>, &mut Refusals) -> Result<Decoded, DecodeError>) {
    let schema = DatabaseSchema::default();
    let limits = IngestLimits { rows_per_request: 100, columns_per_table: 50, ..IngestLimits::default() };
    let mut builder = BatchBuilder::new(&schema, limits, NOW);
    let mut refusals = Refusals::keep(10);
    let Ok(decoded) = decode(&mut builder, &mut refusals) else { return };
    let key = DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::from_u128(7)), DatabaseName::new("main").unwrap());
    let batch: Batch = builder.finish(key);
    assert_eq!(batch.rows() as u64 + refusals.total(), decoded.readings, "a reading is taken or refused");
    assert!(batch.rows() <= limits.rows_per_request);
    assert!(batch.tables.iter().all(TableBatch::is_rectangular));
}

/// Reads what a node makes of a message.
fn hear(node: &mut Node, message: Message<'_>) {
    let Ok(heard) = node.hear(message.topic, message.body, 100) else { return };
    let body = heard.body.as_deref().unwrap_or(message.body);
    read(|builder, refusals| Decoder::Sparkplug.decode(Message { body, ..message }, builder, refusals));
}

fuzz_target!(|bytes: &[u8]| {
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let Ok(topic) = std::str::from_utf8(&bytes[..line]) else { return };
    let body = bytes.get(line + 1..).unwrap_or_default();
    let message = Message { topic, body, now_ns: NOW };
    if let Some((speech, _)) = Speech::of(topic, body, true) {
        speech.commands(&reported(topic, body, true), None, 1);
    }
    for Announcement { announced, .. } in Announcement::of(topic, body) {
        read(|builder, refusals| announced.decode(message, builder, refusals));
    }
    match recognise(topic, body) {
        Some(Decoder::Sparkplug) => {
            let mut node = Node::default();
            // Each part, after a byte that tells its length, is a message of its own, so that births come before data.
            let mut rest = body;
            for (kind, device) in [("NBIRTH", ""), ("DBIRTH", "/d"), ("NDATA", ""), ("DDATA", "/d")].into_iter().cycle()
            {
                let Some((length, behind)) = rest.split_first() else { break };
                let (part, behind) = behind.split_at(behind.len().min(usize::from(*length)));
                rest = behind;
                let topic = format!("spBv1.0/g/{kind}/n{device}");
                hear(&mut node, Message { topic: &topic, body: part, now_ns: NOW });
            }
            hear(&mut node, message);
        }
        Some(decoder) => read(|builder, refusals| decoder.decode(message, builder, refusals)),
        None => {}
    }
});
