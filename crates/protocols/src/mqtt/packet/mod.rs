//! Control packets of MQTT 3.1.1 and 5.0 (chapter 3), the same types for both versions, with their reader and writer.
//!
//! Layout: one byte with the type and flags, the length of the rest in one to four bytes of seven bits each, the rest. 5.0
//! adds properties, which are absent or at their default in packets of 3.1.1.
//!
//! Invariants:
//! - whatever the bytes, reading gives a packet, asks for more bytes or says what is wrong with a reason code;
//! - a packet that was read owns what it holds: nothing keeps the buffer that was read from;
//! - what is written is read the same.
//!
//! Limits: [`MqttLimits::packet_bytes`](super::MqttLimits::packet_bytes) is checked before the packet is complete, and
//! [`MqttLimits::user_properties`](super::MqttLimits::user_properties) while it is read.

mod cursor;
mod decode;
mod encode;
mod properties;
#[cfg(test)]
mod tests;
mod types;

pub use decode::{DecodeError, Decoder};
pub use encode::{EncodeError, encode};
pub use types::{
    Ack, Auth, ConnAck, Connect, Content, Disconnect, Packet, PacketId, Publish, Qos, RetainHandling, SubAck,
    Subscribe, SubscribeFilter, SubscriptionOptions, Unsubscribe, UserProperties, Version, Will,
};
