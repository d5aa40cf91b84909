//! What somebody sees who watches.

use std::sync::Mutex;

use super::*;
use crate::mqtt::packet::{Subscribe, SubscribeFilter, SubscriptionOptions};

#[derive(Debug, Default)]
struct Eyes(Mutex<Vec<Seen>>);

impl Watch for Eyes {
    fn saw(&self, seen: Seen) {
        self.0.lock().unwrap().push(seen);
    }
}

#[test]
fn each_packet_is_seen_with_the_topic_that_an_alias_stands_for() {
    let connect = Connect { topic_alias_maximum: 5, ..client(Version::V5) };
    let mut script = Script::accepted(connect, MqttLimits::default(), None);
    let eyes = Arc::new(Eyes::default());
    script.out.watch = Some(eyes.clone());
    let secret = "not to be seen";
    let named = Publish { topic_alias: NonZeroU16::new(1), ..publish_of("t", Qos::AtLeastOnce, 1, secret) };
    let aliased = Publish { topic_alias: NonZeroU16::new(1), ..publish_of("", Qos::AtMostOnce, 0, secret) };
    script.send(Packet::Publish(Box::new(named))).send(Packet::Publish(Box::new(aliased)));
    let [ticket] = script.tickets()[..] else { panic!() };
    script.outcome(ticket, Outcome::Refused { reason: ReasonCode::NotAuthorized, text: None });
    script.deliver(delivery(Qos::AtMostOnce, secret)).deliver(delivery(Qos::AtMostOnce, secret));
    script.send(Packet::PingReq);
    assert!(script.broken().is_some());
    let seen = std::mem::take(&mut *eyes.0.lock().unwrap());
    assert!(seen.iter().all(|seen| !format!("{seen:?}").contains(secret)));
    let told: Vec<_> =
        seen.iter().map(|seen| (seen.direction, seen.kind, seen.topic.as_deref(), seen.reason)).collect();
    assert_eq!(
        told,
        [
            (Direction::In, "PUBLISH", Some("t"), None),
            (Direction::In, "PUBLISH", Some("t"), None),
            (Direction::Out, "PUBACK", None, Some(ReasonCode::NotAuthorized)),
            (Direction::Out, "PUBLISH", Some("t"), None),
            (Direction::Out, "PUBLISH", Some("t"), None),
            (Direction::In, "PINGREQ", None, None),
            (Direction::Out, "PINGRESP", None, None),
            (Direction::Out, "CLOSED", None, Some(ReasonCode::Unspecified)),
        ]
    );
    assert_eq!((seen[5].bytes, seen[6].bytes), (2, 2));
    assert!(seen[0].bytes > secret.len());
}

#[test]
fn a_packet_names_what_it_is_about_and_not_who_says_it() {
    let mut connect = Connect::new(Version::V5, "c");
    connect.password = Some("geheim".into());
    let seen = Seen::of(&Packet::Connect(Box::new(connect)), Direction::In, 9);
    assert_eq!((seen.kind, &seen.topic, seen.bytes), ("CONNECT", &None, 9));
    assert!(!format!("{seen:?}").contains("geheim"));
    let filters = ["a/#", &"b".repeat(2_000), "c"];
    let filters =
        filters.map(|filter| SubscribeFilter { filter: filter.into(), options: SubscriptionOptions::default() });
    let (subscription_id, user_properties) = (None, Vec::new());
    let subscribe = Subscribe { packet_id: id(3), filters: filters.into(), subscription_id, user_properties };
    let seen = Seen::of(&Packet::Subscribe(Box::new(subscribe)), Direction::In, 1);
    assert_eq!((seen.topic.as_deref(), seen.packet_id), (Some("a/# …"), Some(id(3))));
}
