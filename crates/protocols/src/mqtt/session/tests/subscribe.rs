//! SUBSCRIBE and UNSUBSCRIBE: asked of the caller, answered filter by filter, kept by the session.

use super::*;
use crate::mqtt::TopicFilter;
use crate::mqtt::packet::{RetainHandling, Subscribe, SubscribeFilter, SubscriptionOptions, Unsubscribe};

fn wanted(filter: &str, qos: Qos) -> SubscribeFilter {
    SubscribeFilter { filter: filter.into(), options: SubscriptionOptions { qos, ..SubscriptionOptions::default() } }
}

fn subscribe(number: u16, filters: Vec<SubscribeFilter>) -> Packet {
    Packet::Subscribe(Box::new(Subscribe {
        packet_id: id(number),
        filters,
        subscription_id: None,
        user_properties: Vec::new(),
    }))
}

fn unsubscribe(number: u16, filters: &[&str]) -> Packet {
    Packet::Unsubscribe(Box::new(Unsubscribe {
        packet_id: id(number),
        filters: filters.iter().map(|filter| Arc::from(*filter)).collect(),
        user_properties: Vec::new(),
    }))
}

fn requested(script: &mut Script) -> Vec<Requested> {
    match script.actions().pop() {
        Some(Action::Subscribe(requested)) => requested,
        other => panic!("{other:?}"),
    }
}

fn grant(script: &mut Script, granted: &[Result<Qos, ReasonCode>]) {
    script.connection.subscribed(granted, script.now_ms, &mut script.out);
}

fn held(script: &Script) -> Vec<(String, Qos)> {
    let subscriptions = script.connection.session().unwrap().subscriptions();
    subscriptions.iter().map(|(filter, subscribed)| (filter.as_str().to_owned(), subscribed.options.qos)).collect()
}

#[test]
fn each_filter_gets_an_answer_of_its_own() {
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    let filters = ["b", "a/#", "a#", "secret"].map(|filter| wanted(filter, Qos::ExactlyOnce));
    script.send(subscribe(5, filters.to_vec())).send(Packet::PingReq);
    let requested = requested(&mut script);
    assert_eq!(requested[2].filter, Err(ReasonCode::TopicFilterInvalid));
    assert!(requested[0].is_new && requested[0].filter.is_ok());
    // Nothing is read until the caller has decided.
    assert_eq!(script.got(), [""; 0]);
    let no = Err(ReasonCode::NotAuthorized);
    grant(&mut script, &[Ok(Qos::ExactlyOnce), Ok(Qos::AtMostOnce), Ok(Qos::ExactlyOnce), no]);
    script.read();
    assert_eq!(script.got(), ["suback 5 granted QoS 2, success, topic filter invalid, not authorized", "pingresp"]);
    assert_eq!(held(&script), [("a/#".to_owned(), Qos::AtMostOnce), ("b".to_owned(), Qos::ExactlyOnce)]);

    // Not more than was wanted; an answer that is missing is none; again is not new.
    script.send(subscribe(6, vec![wanted("b", Qos::AtLeastOnce), wanted("c", Qos::AtMostOnce)]));
    assert_eq!(requested_new(&mut script), [false, true]);
    grant(&mut script, &[Ok(Qos::ExactlyOnce)]);
    assert_eq!(script.got(), ["suback 6 granted QoS 1, unspecified error"]);
    assert_eq!(held(&script)[1], ("b".to_owned(), Qos::AtLeastOnce));
    // An answer without a question changes nothing.
    grant(&mut script, &[Ok(Qos::ExactlyOnce)]);
    assert_eq!(script.got(), [""; 0]);
}

fn requested_new(script: &mut Script) -> Vec<bool> {
    requested(script).iter().map(|requested| requested.is_new).collect()
}

#[test]
fn a_client_of_3_1_1_knows_one_failure() {
    let mut script = Script::accepted(client(Version::V3), MqttLimits::default(), None);
    script.send(subscribe(1, vec![wanted("a", Qos::AtLeastOnce), wanted("+a", Qos::AtLeastOnce)]));
    requested(&mut script);
    grant(&mut script, &[Err(ReasonCode::NotAuthorized), Ok(Qos::AtLeastOnce)]);
    assert_eq!(script.got(), ["suback 1 unspecified error, unspecified error"]);
    script.send(unsubscribe(2, &["a"]));
    assert_eq!(script.got(), ["unsuback 2 "]);
}

#[test]
fn options_and_identifiers_are_kept_across_a_restart() {
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    let options = SubscriptionOptions {
        qos: Qos::AtLeastOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::SendIfNew,
    };
    let filter =
        SubscribeFilter { filter: "$share/g/a/+".into(), options: SubscriptionOptions { no_local: false, ..options } };
    let subscribe = Subscribe {
        packet_id: id(1),
        filters: vec![SubscribeFilter { filter: "a/+".into(), options }, filter],
        subscription_id: Some(9),
        user_properties: Vec::new(),
    };
    script.send(Packet::Subscribe(Box::new(subscribe)));
    assert!(requested(&mut script).iter().all(|requested| requested.subscription_id == Some(9)));
    grant(&mut script, &[Ok(Qos::ExactlyOnce); 2]);
    let session = restart(script.connection.take_changes(), 0);
    assert_eq!(session.subscriptions(), script.connection.session().unwrap().subscriptions());
    let (filter, subscribed) = &session.subscriptions()[1];
    assert_eq!((filter.as_str(), *subscribed), ("a/+", Subscribed { options, subscription_id: Some(9) }));
    assert_eq!(session.subscriptions()[0].0.group(), Some("g"));
}

#[test]
fn subscriptions_are_bounded_and_shared_ones_are_never_without_their_own() {
    let limits = MqttLimits { subscriptions_per_session: 2, ..MqttLimits::default() };
    let mut script = Script::accepted(client(Version::V5), limits, None);
    script.send(subscribe(1, vec![wanted("a", Qos::AtMostOnce)]));
    requested(&mut script);
    grant(&mut script, &[Ok(Qos::AtMostOnce)]);
    script.send(subscribe(2, vec![wanted("b", Qos::AtMostOnce), wanted("c", Qos::AtMostOnce)]));
    requested(&mut script);
    grant(&mut script, &[Ok(Qos::AtMostOnce); 2]);
    script.send(subscribe(3, vec![wanted("a", Qos::AtLeastOnce)]));
    requested(&mut script);
    grant(&mut script, &[Ok(Qos::AtLeastOnce)]);
    assert_eq!(script.got(), ["suback 1 success", "suback 2 success, quota exceeded", "suback 3 granted QoS 1"]);
    script.send(subscribe(4, vec![wanted("a", Qos::AtMostOnce); 3]));
    assert_eq!(script.closed(), Some(ReasonCode::QuotaExceeded));

    let mut script = Script::accepted(client(Version::V5), limits, None);
    let mut shared = wanted("$share/g/a", Qos::AtMostOnce);
    shared.options.no_local = true;
    script.send(subscribe(1, vec![shared]));
    assert_eq!(script.closed(), Some(ReasonCode::ProtocolError)); // [MQTT-3.8.3-4]
}

#[test]
fn unsubscribing_needs_no_leave() {
    let mut script = Script::accepted(client(Version::V5), MqttLimits::default(), None);
    script.send(subscribe(1, vec![wanted("a/#", Qos::AtMostOnce)]));
    requested(&mut script);
    grant(&mut script, &[Ok(Qos::AtMostOnce)]);
    script.got();
    script.send(unsubscribe(2, &["a/#", "a/#", "a#"]));
    assert_eq!(script.got(), ["unsuback 2 success, no subscription existed, topic filter invalid"]);
    let filter = TopicFilter::new("a/#", &MqttLimits::default()).unwrap();
    assert_eq!(script.actions(), [Action::Unsubscribe(filter)]);
    assert_eq!(held(&script), []);
}
