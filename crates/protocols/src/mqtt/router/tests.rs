//! Tests of routing: who gets a message, how, and what is retained.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::mqtt::TopicName;
use crate::mqtt::packet::{Content, Qos, SubscriptionOptions};

const ALICE: SessionKey = SessionKey(1);
const BOB: SessionKey = SessionKey(2);
const CAROL: SessionKey = SessionKey(3);

fn org(number: u128) -> OrgId {
    OrgId::from_uuid(Uuid::from_u128(number))
}

fn router(limits: MqttLimits) -> Router {
    Router::new(Arc::new(limits))
}

fn space() -> Space {
    Space::new(Arc::default())
}

fn filter(text: &str) -> TopicFilter {
    TopicFilter::new(text, &MqttLimits::default()).unwrap()
}

fn subscribed(qos: Qos) -> Subscribed {
    Subscribed { options: SubscriptionOptions { qos, ..SubscriptionOptions::default() }, subscription_id: None }
}

fn with_id(qos: Qos, id: u32) -> Subscribed {
    Subscribed { subscription_id: Some(id), ..subscribed(qos) }
}

fn message(topic: &str, payload: &str) -> Arc<Message> {
    Arc::new(Message {
        topic: TopicName::new(topic, &MqttLimits::default()).unwrap(),
        qos: Qos::AtLeastOnce,
        retain: true,
        expires_ms: None,
        content: Content::new(payload.to_owned()),
    })
}

fn routed(space: &Space, publisher: Option<SessionKey>, message: &Arc<Message>) -> Vec<(SessionKey, Delivery)> {
    let mut routed = Vec::new();
    let count = space.route(publisher, message, |key, delivery| routed.push((key, delivery)));
    assert_eq!(count, routed.len());
    routed
}

fn kept(space: &Space, pattern: &str, subscribed: &Subscribed, is_new: bool, now_ms: u64) -> Vec<String> {
    let mut topics = Vec::new();
    space.retained(&filter(pattern), subscribed, is_new, now_ms, |delivery| {
        assert!(delivery.retain);
        topics.push(delivery.message.topic.as_str().to_owned());
    });
    topics.sort();
    topics
}

#[test]
fn overlapping_subscriptions_give_one_message_with_the_highest_qos_and_all_identifiers() {
    let mut space = space();
    space.subscribe(ALICE, &filter("a/#"), with_id(Qos::AtMostOnce, 7)).unwrap();
    space.subscribe(BOB, &filter("a/#"), subscribed(Qos::AtMostOnce)).unwrap();
    space.subscribe(ALICE, &filter("a/+"), with_id(Qos::ExactlyOnce, 8)).unwrap();
    let message = message("a/b", "x");
    let routed = routed(&space, None, &message);
    assert_eq!(routed.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [ALICE, BOB]);
    let (alice, bob) = (&routed[0].1, &routed[1].1);
    // Not higher than it was published.
    assert_eq!((alice.qos, bob.qos), (Qos::AtLeastOnce, Qos::AtMostOnce));
    let mut ids = alice.subscription_ids.clone();
    ids.sort_unstable();
    assert_eq!((ids, bob.subscription_ids.len()), (vec![7, 8], 0));
    // One message, shared by three.
    assert!(Arc::ptr_eq(&alice.message, &bob.message) && Arc::strong_count(&message) == 3);
    assert!(!alice.retain && !bob.retain);
}

#[test]
fn retain_as_published_and_no_local_are_kept() {
    let mut space = space();
    let mut wish = subscribed(Qos::AtMostOnce);
    wish.options.retain_as_published = true;
    wish.options.no_local = true;
    space.subscribe(ALICE, &filter("a"), wish).unwrap();
    assert!(routed(&space, Some(BOB), &message("a", "x"))[0].1.retain);
    assert_eq!(routed(&space, Some(ALICE), &message("a", "x")), []);
    assert!(space.unsubscribe(ALICE, &filter("a")) && !space.unsubscribe(ALICE, &filter("a")));
    assert_eq!(routed(&space, None, &message("a", "x")), []);
}

#[test]
fn one_of_a_group_gets_a_message_and_a_session_of_its_own_gets_another() {
    let mut space = space();
    for key in [ALICE, BOB, CAROL] {
        space.subscribe(key, &filter("$share/g/a/+"), subscribed(Qos::AtLeastOnce)).unwrap();
    }
    space.subscribe(ALICE, &filter("a/#"), subscribed(Qos::AtLeastOnce)).unwrap();
    space.set_online(BOB, true);
    space.set_online(CAROL, true);
    let mut counts = BTreeMap::new();
    for _ in 0..10 {
        for (key, _) in routed(&space, None, &message("a/b", "x")) {
            *counts.entry(key).or_insert(0) += 1;
        }
    }
    assert_eq!(counts, BTreeMap::from([(ALICE, 10), (BOB, 5), (CAROL, 5)]));
    space.set_online(BOB, false);
    assert!(routed(&space, None, &message("a/b", "x")).iter().any(|(key, _)| *key == CAROL));
    space.set_online(CAROL, false);
    assert_eq!(routed(&space, None, &message("a/b", "x")).len(), 2, "kept for one that comes back");
}

#[test]
fn retained_messages_are_replaced_forgotten_and_sent_as_the_subscription_says() {
    let mut space = space();
    for topic in ["a", "a/b", "a/c", "$SYS/a"] {
        space.retain(&message(topic, "1")).unwrap();
    }
    space.retain(&message("a/b", "2")).unwrap();
    assert_eq!(space.retained_messages(), 4);
    let wish = subscribed(Qos::AtMostOnce);
    assert_eq!(kept(&space, "a/#", &wish, true, 0), ["a", "a/b", "a/c"]);
    assert_eq!(kept(&space, "#", &wish, true, 0), ["a", "a/b", "a/c"]);
    assert_eq!(kept(&space, "+/+", &wish, true, 0), ["a/b", "a/c"]);
    assert_eq!(kept(&space, "$SYS/#", &wish, true, 0), ["$SYS/a"]);
    assert_eq!(kept(&space, "$share/g/#", &wish, true, 0), [""; 0]);
    let mut payload = None;
    space.retained(&filter("a/b"), &wish, true, 0, |delivery| payload = Some(delivery.message.content.payload.clone()));
    assert_eq!(payload.as_deref(), Some(&b"2"[..]));

    let with = |retain_handling| {
        let options = SubscriptionOptions { retain_handling, ..SubscriptionOptions::default() };
        Subscribed { options, subscription_id: None }
    };
    assert_eq!(kept(&space, "a", &with(RetainHandling::SendIfNew), true, 0), ["a"]);
    assert_eq!(kept(&space, "a", &with(RetainHandling::SendIfNew), false, 0), [""; 0]);
    assert_eq!(kept(&space, "a", &with(RetainHandling::Send), false, 0), ["a"]);
    assert_eq!(kept(&space, "a", &with(RetainHandling::DoNotSend), true, 0), [""; 0]);

    space.retain(&message("a/b", "")).unwrap();
    assert_eq!(kept(&space, "a/+", &wish, true, 0), ["a/c"]);
}

#[test]
fn retained_messages_expire() {
    let mut router = router(MqttLimits::default());
    let space = router.space(org(1));
    let mut short = message("a/b", "x").as_ref().clone();
    short.expires_ms = Some(1_000);
    space.retain(&Arc::new(short)).unwrap();
    let wish = subscribed(Qos::AtMostOnce);
    assert_eq!(kept(space, "a/b", &wish, true, 999), ["a/b"]);
    assert_eq!(kept(space, "a/b", &wish, true, 1_000), [""; 0]);
    router.expire(999);
    assert_eq!(router.get(org(1)).map(Space::retained_messages), Some(1));
    router.expire(1_000);
    assert!(router.get(org(1)).is_none(), "an empty space is not kept");
}

#[test]
fn everything_is_bounded_and_the_error_names_the_setting() {
    let limits = MqttLimits {
        subscriptions_per_organisation: 1,
        retained_messages: 2,
        retained_bytes: 10,
        ..MqttLimits::default()
    };
    let mut router = router(limits);
    let space = router.space(org(1));
    space.subscribe(ALICE, &filter("a"), subscribed(Qos::AtMostOnce)).unwrap();
    space.subscribe(ALICE, &filter("a"), subscribed(Qos::AtLeastOnce)).unwrap();
    let error = space.subscribe(BOB, &filter("a"), subscribed(Qos::AtMostOnce)).unwrap_err();
    assert_eq!((error, error.reason()), (RouterError::Subscriptions { limit: 1 }, ReasonCode::QuotaExceeded));
    assert!(error.to_string().contains("mqtt.subscriptions_per_organisation"), "{error}");
    assert_eq!(routed(space, None, &message("a", "x")).len(), 1);

    space.retain(&message("a", "1234")).unwrap();
    let error = space.retain(&message("b", "12345678901")).unwrap_err();
    assert!(error.to_string().contains("mqtt.retained_bytes"), "{error}");
    space.retain(&message("b", "1")).unwrap();
    let error = space.retain(&message("c", "1")).unwrap_err();
    assert!(error.to_string().contains("mqtt.retained_messages"), "{error}");
    // The state that is there is not the newest any more, so it goes.
    space.retain(&message("a", "1234567890")).unwrap_err();
    assert_eq!(space.retained_messages(), 1);
    space.retain(&message("c", "12345")).unwrap();
}

#[test]
fn an_organisation_sees_nothing_of_another() {
    let mut router = router(MqttLimits::default());
    router.space(org(1)).subscribe(ALICE, &filter("#"), subscribed(Qos::AtLeastOnce)).unwrap();
    router.space(org(1)).retain(&message("secret", "x")).unwrap();
    router.space(org(2)).subscribe(BOB, &filter("#"), subscribed(Qos::AtLeastOnce)).unwrap();
    let found = routed(router.get(org(2)).unwrap(), None, &message("secret", "x"));
    assert_eq!(found.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [BOB]);
    assert_eq!(kept(router.get(org(2)).unwrap(), "#", &subscribed(Qos::AtMostOnce), true, 0), [""; 0]);
    router.remove(org(1));
    assert!(router.get(org(1)).is_none());
}

proptest! {
    #[test]
    fn retained_messages_of_a_filter_are_those_that_match(
        steps in prop::collection::vec(("(\\$S|a|b|)(/(a|b|)){0,3}", any::<bool>()), 0..30),
        pattern in "(\\$S|a|b|\\+|)(/(a|b||\\+)){0,2}(/#)?|#",
    ) {
        prop_assume!(!pattern.is_empty());
        let mut space = space();
        let mut naive = BTreeMap::new();
        for (topic, is_there) in steps.iter().filter(|(topic, _)| !topic.is_empty()) {
            let message = message(topic, if *is_there { "x" } else { "" });
            space.retain(&message).unwrap();
            match is_there {
                true => naive.insert(topic.clone(), message),
                false => naive.remove(topic),
            };
        }
        prop_assert_eq!(space.retained_messages(), naive.len());
        let filter = filter(&pattern);
        let expected: Vec<_> =
            naive.iter().filter(|(_, message)| filter.matches(&message.topic)).map(|(topic, _)| topic.clone()).collect();
        prop_assert_eq!(kept(&space, &pattern, &subscribed(Qos::AtMostOnce), true, 0), expected);
        for topic in naive.keys() {
            space.retain(&message(topic, "")).unwrap();
        }
        let mut left = 0;
        space.all_retained(|_| left += 1);
        prop_assert_eq!((left, space.retained_messages()), (0, 0));
    }
}

#[test]
fn what_is_retained_is_shown_with_its_size() {
    let mut space = space();
    for topic in ["a/b", "a/c", "d"] {
        space.retain(&message(topic, "12")).unwrap();
    }
    assert_eq!((space.retained_messages(), space.retained_bytes()), (3, 13));
    let mut topics = Vec::new();
    space.matching(&filter("a/+"), |message| topics.push(message.topic.as_str()));
    topics.sort_unstable();
    assert_eq!(topics, ["a/b", "a/c"]);
    let topic = |text: &str| TopicName::new(text, &MqttLimits::default()).unwrap();
    assert!(space.is_retained(&topic("a/b")));
    assert!(!space.is_retained(&topic("a")) && !space.is_retained(&topic("a/b/c")));
}

#[test]
fn a_first_level_is_known_for_as_long_as_somebody_subscribes_to_it() {
    let mut router = router(MqttLimits::default());
    let space = router.space(org(1));
    for text in ["#", "+/a", "b/a"] {
        space.subscribe(ALICE, &filter(text), subscribed(Qos::AtMostOnce)).unwrap();
    }
    assert!(!space.has_first_level("a"));
    space.subscribe(BOB, &filter("$share/group/a/#"), subscribed(Qos::AtMostOnce)).unwrap();
    assert!(space.has_first_level("a"));
    space.unsubscribe(BOB, &filter("$share/group/a/#"));
    assert!(!space.has_first_level("a"));
    space.set_online(ALICE, true);
    assert_eq!(router.spaces().map(|(of, space)| (of, space.online())).collect::<Vec<_>>(), [(org(1), 1)]);
}
