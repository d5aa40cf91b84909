//! A message that somebody publishes without a connection.
//!
//! It goes the way of a client's: rights, the store unless `mqtt.not_stored` says otherwise, what is retained, and those who
//! subscribe. One thing is different: when the store has no room for now, whoever publishes is told so at once and may try again.

use std::net::IpAddr;
use std::sync::Arc;

use sensorium_model::messaging::{NewTopicMessage, Published};
use sensorium_model::{ErrorKind, MessagingError, Principal};
use sensorium_protocols::mqtt::packet::{Content, Qos, Version};
use sensorium_protocols::mqtt::router::SessionKey;
use sensorium_protocols::mqtt::{Message, TopicName};

use super::super::Shared;
use super::super::broker::Sender;
use super::super::intake::{self, PendingMessage, Publisher};
use super::super::rights::Rights;
use super::{full, wrong};

/// The key of no session.
const NOBODY: SessionKey = SessionKey(0);

/// Takes a message.
pub(super) async fn publish(
    shared: &Shared,
    who: &Principal,
    peer: IpAddr,
    new: NewTopicMessage,
) -> Result<Published, MessagingError> {
    let message = Arc::new(checked(shared, new)?);
    let rights = Arc::new(Rights::new(who.clone(), &shared.config.database));
    let organisation = shared.broker.organisation(who.org);
    organisation.count_received();
    let published = async {
        if !rights.may_publish(&message.topic) {
            return Err(MessagingError::denied("this credential may not publish to this topic"));
        }
        let sender = Sender { org: who.org, key: NOBODY };
        let publisher = Publisher { rights, sender, peer, version: Version::V5 };
        let stored = shared.is_stored(&message.topic) && store(shared, &publisher, &message).await?;
        let passed = shared.broker.publish(who.org, None, &message, shared.clock.now_ms()).map_err(full)?;
        let durable = shared.journal.durable(passed.durable).await;
        durable.map_err(|error| MessagingError::new(ErrorKind::Busy, error.to_string()))?;
        Ok(Published { receivers: passed.receivers, stored })
    };
    published.await.inspect_err(|_| organisation.count_refused())
}

fn checked(shared: &Shared, new: NewTopicMessage) -> Result<Message, MessagingError> {
    let limits = &shared.limits;
    let topic = TopicName::new(new.topic, limits).map_err(wrong)?;
    let qos = Qos::from_bits(new.qos).ok_or_else(|| MessagingError::invalid("qos is 0, 1 or 2"))?;
    let most = usize::try_from(limits.packet_bytes).unwrap_or(usize::MAX);
    let bytes = topic.as_str().len() + new.payload.len();
    if bytes > most {
        let sentence = format!("the message has {bytes} bytes; at most {most} are allowed (setting mqtt.packet_bytes)");
        return Err(MessagingError::new(ErrorKind::TooLarge, sentence));
    }
    Ok(Message { topic, qos, retain: new.retain, expires_ms: None, content: Content::new(new.payload) })
}

/// Stores what a message holds; whether that was anything.
async fn store(shared: &Shared, publisher: &Publisher, message: &Arc<Message>) -> Result<bool, MessagingError> {
    let said = shared.hear(&publisher.rights, publisher.peer, message);
    let said = said.map_err(|error| MessagingError::new(error.kind(), error.to_string()))?;
    let pending = PendingMessage::new(message.clone(), said, None, None);
    let result = intake::write(shared, publisher, &pending).await;
    let kind = result.as_ref().err().map_or(ErrorKind::Invalid, |error| error.kind());
    match intake::judge(&result) {
        Some(refusal) => Err(MessagingError::new(kind, refusal.text)),
        None => Ok(result.is_ok_and(|stored| stored.accepted > 0 || stored.waits.is_some())),
    }
}
