//! MQTT 3.1.1 and 5.0 without sockets: packets, topics and subscriptions.
//!
//! References like [MQTT-3.3.2-2] are the numbered statements of the OASIS standard MQTT 5.0; "3.1.1" says where that version
//! differs.

mod limits;
pub mod packet;
mod payload;
mod reason;
mod topic;
mod trie;

pub use limits::MqttLimits;
pub use reason::ReasonCode;
pub use topic::{TopicError, TopicFilter, TopicName};
pub use trie::{Group, Subscribers, Trie};
