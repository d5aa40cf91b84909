//! Shared subscriptions (section 4.8.2): each message goes to one of a group.

use sensorium_protocols::mqtt::ReasonCode;
use sensorium_protocols::mqtt::packet::{Ack, Packet, Qos};

use super::client::{Client, again, connect, filter, lasting, retained};
use super::{PAYLOAD, numbered};

#[test]
fn each_message_goes_to_one_of_a_group() {
    covers!("MQTT-4.8.2-1");
    let (topic, end) = ("conformance/shared/reading", "conformance/shared-end/reading");
    let mut members = [Client::new("shared-a"), Client::new("shared-b")];
    for member in &mut members {
        member.subscribe("$share/one/conformance/shared/#", Qos::AtLeastOnce);
        member.subscribe(end, Qos::AtLeastOnce);
    }
    let mut other = Client::new("shared-c");
    other.subscribe("$share/two/conformance/shared/#", Qos::AtLeastOnce);
    let mut alone = Client::new("shared-d");
    alone.subscribe(topic, Qos::AtLeastOnce);
    let mut publisher = Client::new("shared-p");
    for number in 0..20 {
        assert!(!publisher.publish(topic, Qos::AtLeastOnce, &numbered(number)).is_failure());
        assert_eq!((other.payload(), alone.payload()), (numbered(number), numbered(number)));
    }
    assert!(!publisher.publish(end, Qos::AtLeastOnce, PAYLOAD).is_failure());
    let mut counts = [0, 0];
    for (count, member) in counts.iter_mut().zip(&mut members) {
        while member.receive().topic.as_ref() != end {
            *count += 1;
        }
    }
    assert_eq!(counts[0] + counts[1], 20, "{counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn the_name_of_a_group_is_checked() {
    covers!("MQTT-4.8.2-1", "MQTT-4.8.2-2");
    let mut client = Client::new("shared-names");
    for text in ["$share/", "$share/g", "$share/g/", "$share//a", "$share/g+/a", "$share/#/a", "$share/g/a#"] {
        let reasons = client.subscribe_all(vec![filter(text, Qos::AtMostOnce)], None);
        assert_eq!(reasons, [ReasonCode::TopicFilterInvalid], "{text}");
    }
    client.subscribe("$share/g/conformance/names/+", Qos::AtMostOnce);
    assert_eq!(client.unsubscribe(&["conformance/names/+"]), [ReasonCode::NoSubscriptionExisted]);
    assert_eq!(client.unsubscribe(&["$share/g/conformance/names/+"]), [ReasonCode::Success]);
}

#[test]
fn the_qos_is_what_the_client_was_granted() {
    covers!("MQTT-4.8.2-3");
    let topic = "conformance/shared-qos/reading";
    let mut publisher = Client::new("shared-qos-p");
    for granted in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let mut member = Client::new("shared-qos");
        member.subscribe("$share/g/conformance/shared-qos/+", granted);
        assert!(!publisher.publish(topic, Qos::ExactlyOnce, PAYLOAD).is_failure());
        assert_eq!(member.receive().qos, granted);
    }
}

#[test]
fn what_is_retained_is_not_sent_to_a_group() {
    covers!("MQTT-4.8.2-1");
    let topic = "conformance/shared-retained/reading";
    let mut client = Client::new("shared-retained");
    assert!(!client.publish_whole(retained(topic, PAYLOAD)).is_failure());
    client.subscribe("$share/g/conformance/shared-retained/+", Qos::AtLeastOnce);
    client.assert_silent();
}

/// One of a group that has a QoS 2 message, and another one that does not.
fn under_way(name: &str) -> (Client, Client) {
    let topic = format!("conformance/{name}/reading");
    let shared = format!("$share/g/{topic}");
    let mut first = Client::enter(lasting(name));
    first.subscribe(&shared, Qos::ExactlyOnce);
    assert!(!Client::new(&format!("{name}-p")).publish(&topic, Qos::ExactlyOnce, PAYLOAD).is_failure());
    let mut other = Client::new(&format!("{name}-other"));
    other.subscribe(&shared, Qos::ExactlyOnce);
    (first, other)
}

#[test]
fn a_message_under_way_is_completed_with_the_same_client() {
    covers!("MQTT-4.8.2-4");
    let (mut first, mut other) = under_way("shared-complete");
    let packet_id = first.message().packet_id;
    drop(first);
    let repeated = Client::enter(again("shared-complete")).receive();
    assert_eq!((repeated.packet_id, repeated.dup), (packet_id, true));
    other.assert_silent();
}

#[test]
fn a_message_under_way_goes_to_nobody_else_when_the_session_ends() {
    covers!("MQTT-4.8.2-5");
    let (mut first, mut other) = under_way("shared-ends");
    first.message();
    drop(first);
    Client::enter(connect("shared-ends")).assert_silent();
    other.assert_silent();
}

#[test]
fn a_message_that_was_refused_goes_to_nobody_else() {
    covers!("MQTT-4.8.2-6", "MQTT-4.4.0-2");
    let (mut first, mut other) = under_way("shared-refused");
    let packet_id = first.message().packet_id.unwrap();
    first.send(Packet::PubRec(Ack::new(packet_id, ReasonCode::QuotaExceeded)));
    first.assert_silent();
    other.assert_silent();
}
