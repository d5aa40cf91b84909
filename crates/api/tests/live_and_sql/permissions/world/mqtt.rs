//! What the first organisation has at the MQTT broker.

use bytes::BytesMut;
use sensorium_model::messaging::{ClientKey, NewTopicMessage, TraceOf};
use sensorium_protocols::mqtt::packet::{Connect, Packet, Version, encode};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{MARK, PEER, World};
use crate::harness::TOKEN;

impl World {
    /// A client of the MQTT broker that stays until the server ends its connection; its key.
    pub(super) async fn mqtt_client(&self, number: u32) -> String {
        let client_id = format!("{MARK}-client-{number}");
        let connect = Connect { password: Some(TOKEN.into()), ..Connect::new(Version::V5, &client_id) };
        let mut bytes = BytesMut::new();
        encode(&Packet::Connect(Box::new(connect)), Version::V5, u32::MAX, &mut bytes).unwrap();
        let mut stream = TcpStream::connect(self.server.mqtt).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 0x20, "no CONNACK");
        tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
        let found: Json =
            self.server.get(&format!("/api/v1/mqtt/clients?search={client_id}")).await.json().await.unwrap();
        found["clients"][0]["key"].as_str().unwrap().to_owned()
    }

    /// A trace of a client.
    pub(super) fn trace(&self) -> String {
        let of = TraceOf::Client(ClientKey { client_id: MARK.into(), device: None });
        let broker = self.server.state.messaging.as_ref().unwrap();
        broker.start_trace(self.owner.org, of, 60).unwrap().id.to_string()
    }

    /// A topic for which a message is retained.
    pub(super) async fn retained(&self, number: u32) -> String {
        let topic = format!("cmnd/{MARK}/{number}");
        let message = NewTopicMessage { topic: topic.clone(), payload: MARK.into(), qos: 1, retain: true };
        self.server.state.messaging.as_ref().unwrap().publish(&self.owner, PEER, message).await.unwrap();
        topic
    }
}
