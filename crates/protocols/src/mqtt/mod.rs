//! MQTT 3.1.1 and 5.0 without sockets: packets, sessions, topics, subscriptions and routing.
//!
//! References like [MQTT-3.3.2-2] are the numbered statements of the OASIS standard MQTT 5.0; "3.1.1" says where that version
//! differs.

mod limits;
mod message;
pub mod packet;
mod payload;
mod reason;
pub mod router;
pub mod session;
mod topic;
mod trie;

pub use limits::MqttLimits;
pub use message::{Delivery, Message};
pub use reason::ReasonCode;
pub use topic::{TopicError, TopicFilter, TopicName};
pub use trie::{Group, Subscribers, Trie};
