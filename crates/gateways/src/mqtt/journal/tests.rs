//! Tests with a disk that fails.

use std::num::NonZeroU16;

use sensorium_protocols::mqtt::MqttLimits;
use sensorium_protocols::mqtt::packet::{Content, Qos};

use super::*;

const MOST_BYTES: usize = 1_000;

fn retained(text: &'static str) -> Write {
    let topic = TopicName::new("a/b", &MqttLimits::default()).unwrap();
    let content = Content::new(text.as_bytes().to_vec());
    let message = Message { topic, qos: Qos::AtMostOnce, retain: true, expires_ms: None, content };
    Write::Retained(OrgId::from_uuid(uuid::Uuid::from_u128(1)), Arc::new(message))
}

#[tokio::test]
async fn what_a_failing_disk_does_not_take_is_not_durable_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mqtt.redb");
    let (journal, _) = failing::open(&path, MOST_BYTES).unwrap();
    journal.durable(journal.put([retained("before")])).await.unwrap();

    failing::fail(&path, true);
    let meanwhile = journal.put([retained("meanwhile")]);
    let mut durable = journal.durable.subscribe();
    assert!(!journal.is_durable(meanwhile));
    // The writes of the thread are taken: what comes now waits behind them.
    while journal.pending.lock().bytes > 0 {
        tokio::task::yield_now().await;
    }
    assert!(!journal.is_full());
    let key = SessionKey(7);
    let received = |at: u16| Received { packet_id: NonZeroU16::new(at).unwrap(), received_ns: 1, is_taken: false };
    let last = journal.put((1..=8).map(|at| Write::Received(key, received(at))));
    assert!(journal.is_full(), "8 pieces of at least 128 bytes");
    assert!(*durable.borrow_and_update() < meanwhile);

    failing::fail(&path, false);
    journal.durable(last).await.unwrap();
    assert!(journal.is_durable(meanwhile) && !journal.is_full());
    journal.close();
    drop(journal);
    let restored = loop {
        // The thread lets go of the file when it ends.
        match tables::File::open(&path, tables::open_file) {
            Ok((_, restored)) => break restored,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let texts: Vec<_> = restored.retained.iter().map(|(_, message)| &message.content.payload[..]).collect();
    assert_eq!(texts, [b"meanwhile"]);
}
