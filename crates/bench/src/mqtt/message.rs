//! Messages that were encoded before the clock runs.

use anyhow::Result;
use bytes::BytesMut;
use rand::rngs::StdRng;
use sensorium_protocols::mqtt::packet::{Content, Packet, PacketId, Publish, Qos, encode};

use super::connection::{PACKET_BYTES, VERSION};
use crate::walk::Walk;

/// Different readings of a topic, one after the other and then from the first again.
const READINGS_A_TOPIC: usize = 16;
/// Bytes of a packet's number.
const ID_BYTES: usize = 2;

/// A PUBLISH, of which only the number changes.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    packet: Vec<u8>,
    /// Where the number stands; nothing with QoS 0.
    id_at: usize,
}

impl Message {
    fn new(topic: &str, payload: String, qos: Qos) -> Result<Self> {
        let payload_bytes = payload.len();
        let publish = Publish {
            dup: false,
            qos,
            retain: false,
            topic: topic.into(),
            packet_id: (qos != Qos::AtMostOnce).then_some(PacketId::MIN),
            topic_alias: None,
            expiry_seconds: None,
            subscription_ids: Vec::new(),
            content: Content::new(payload),
        };
        let mut packet = BytesMut::new();
        encode(&Packet::Publish(Box::new(publish)), VERSION, PACKET_BYTES, &mut packet)?;
        // In 3.1.1 there is nothing between the number and the payload.
        let id_at = packet.len() - payload_bytes - ID_BYTES;
        Ok(Self { packet: packet.to_vec(), id_at })
    }

    /// Appends the packet to what is sent.
    pub(crate) fn append(&self, id: Option<PacketId>, out: &mut BytesMut) {
        let start = out.len() + self.id_at;
        out.extend_from_slice(&self.packet);
        if let (Some(id), Some(bytes)) = (id, out.get_mut(start..start + ID_BYTES)) {
            bytes.copy_from_slice(&id.get().to_be_bytes());
        }
    }
}

/// What the rooms of an office send, reading by reading and in each of them room by room.
pub(crate) fn of_rooms(rooms: impl Iterator<Item = usize>, qos: Qos, rng: &mut StdRng) -> Result<Vec<Message>> {
    let mut rooms: Vec<_> = rooms
        .map(|room| {
            let (temperature, humidity) = (Walk::anywhere(15, 30, 1, 3, rng), Walk::anywhere(20, 80, 0, 2, rng));
            (format!("office/{room}/climate"), temperature, humidity)
        })
        .collect();
    let mut messages = Vec::new();
    for _ in 0..READINGS_A_TOPIC {
        for (topic, temperature, humidity) in &mut rooms {
            temperature.advance(rng);
            humidity.advance(rng);
            let payload = format!(r#"{{"temperature":{temperature},"humidity":{humidity}}}"#);
            messages.push(Message::new(topic, payload, qos)?);
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;
    use sensorium_protocols::mqtt::MqttLimits;
    use sensorium_protocols::mqtt::packet::Decoder;

    use super::*;

    fn read(mut bytes: BytesMut) -> Vec<Publish> {
        let mut decoder = Decoder::with_version(VERSION, &MqttLimits::default());
        std::iter::from_fn(|| match decoder.decode(&mut bytes).unwrap()? {
            Packet::Publish(publish) => Some(*publish),
            other => panic!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn only_the_number_of_a_message_changes() {
        for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let message = Message::new("office/7/climate", r#"{"temperature":21.5}"#.to_owned(), qos).unwrap();
            let mut out = BytesMut::new();
            for id in [1, 2, 65_535] {
                message.append(PacketId::new(id), &mut out);
            }
            let publishes = read(out);
            let ids: Vec<u16> = publishes.iter().map(|publish| publish.packet_id.unwrap().get()).collect();
            assert_eq!(ids, [1, 2, 65_535]);
            for publish in publishes {
                assert_eq!((&*publish.topic, publish.qos), ("office/7/climate", qos));
                assert_eq!(publish.content.payload, r#"{"temperature":21.5}"#);
            }
        }
    }

    #[test]
    fn without_qos_a_message_has_no_number() {
        let mut out = BytesMut::new();
        Message::new("office/7/climate", "{}".to_owned(), Qos::AtMostOnce).unwrap().append(None, &mut out);
        let publishes = read(out);
        assert_eq!((publishes.len(), publishes[0].packet_id), (1, None));
        assert_eq!(publishes[0].content.payload, "{}");
    }

    #[test]
    fn every_room_sends_readings_in_turn() {
        let mut rng = StdRng::seed_from_u64(1);
        let messages = of_rooms((0..6).step_by(2), Qos::AtLeastOnce, &mut rng).unwrap();
        assert_eq!(messages.len(), 3 * READINGS_A_TOPIC);
        let mut out = BytesMut::new();
        messages.iter().for_each(|message| message.append(Some(PacketId::MIN), &mut out));
        let publishes = read(out);
        let topics: Vec<&str> = publishes.iter().take(4).map(|publish| &*publish.topic).collect();
        assert_eq!(topics, ["office/0/climate", "office/2/climate", "office/4/climate", "office/0/climate"]);
        for publish in &publishes {
            let reading: serde_json::Value = serde_json::from_slice(&publish.content.payload).unwrap();
            assert!(reading["temperature"].is_number() && reading["humidity"].is_number(), "{reading}");
        }
        let payloads: HashSet<_> = publishes.iter().map(|publish| &publish.content.payload).collect();
        assert!(payloads.len() > publishes.len() / 2, "readings change: {payloads:?}");
    }
}
