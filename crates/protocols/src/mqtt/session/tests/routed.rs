//! Several clients of one organisation, with the router between them: what a caller does with the actions.

use std::collections::BTreeMap;

use sensorium_model::OrgId;
use uuid::Uuid;

use super::*;
use crate::mqtt::packet::{RetainHandling, Subscribe, SubscribeFilter, SubscriptionOptions, Will};
use crate::mqtt::router::{Router, SessionKey};

struct Broker {
    router: Router,
    organisation: OrgId,
    clients: BTreeMap<SessionKey, Script>,
}

impl Broker {
    fn new() -> Self {
        let organisation = OrgId::from_uuid(Uuid::from_u128(1));
        Self { router: Router::new(Arc::default()), organisation, clients: BTreeMap::new() }
    }

    fn join(&mut self, number: u64, connect: Connect) {
        let key = SessionKey(number);
        self.clients.insert(key, Script::accepted(connect, MqttLimits::default(), None));
        self.router.space(self.organisation).set_online(key, true);
    }

    fn send(&mut self, number: u64, packet: Packet) {
        let key = SessionKey(number);
        self.clients.get_mut(&key).unwrap().send(packet);
        self.act(key);
    }

    fn subscribe(&mut self, number: u64, filter: &str, options: SubscriptionOptions) {
        let filters = vec![SubscribeFilter { filter: filter.into(), options }];
        let subscribe = Subscribe { packet_id: id(9), filters, subscription_id: Some(4), user_properties: Vec::new() };
        self.send(number, Packet::Subscribe(Box::new(subscribe)));
    }

    fn got(&mut self, number: u64) -> Vec<String> {
        self.clients.get_mut(&SessionKey(number)).unwrap().got()
    }

    fn act(&mut self, key: SessionKey) {
        for action in self.clients.get_mut(&key).unwrap().actions() {
            match action {
                Action::Subscribe(requested) => self.subscribed(key, &requested),
                Action::Unsubscribe(filter) => {
                    assert!(self.router.space(self.organisation).unsubscribe(key, &filter));
                }
                Action::Publish { message, ticket, .. } => {
                    self.route(Some(key), &message);
                    if let Some(ticket) = ticket {
                        self.clients.get_mut(&key).unwrap().outcome(ticket, Outcome::Taken);
                    }
                }
                Action::PublishWill(message) => self.route(None, &message),
                Action::Close { .. } => self.router.space(self.organisation).set_online(key, false),
                other => panic!("{other:?}"),
            }
        }
    }

    fn subscribed(&mut self, key: SessionKey, requested: &[Requested]) {
        let space = self.router.space(self.organisation);
        let mut granted = Vec::new();
        let mut retained = Vec::new();
        for wanted in requested {
            let subscribed = Subscribed { options: wanted.options, subscription_id: wanted.subscription_id };
            let filter = wanted.filter.as_ref().unwrap();
            space.subscribe(key, filter, subscribed).unwrap();
            space.retained(filter, &subscribed, wanted.is_new, 0, |delivery| retained.push(delivery));
            granted.push(Ok(wanted.options.qos));
        }
        let script = self.clients.get_mut(&key).unwrap();
        script.connection.subscribed(&granted, 0, &mut script.out);
        for delivery in retained {
            script.deliver(delivery);
        }
    }

    fn route(&mut self, publisher: Option<SessionKey>, message: &Arc<Message>) {
        let space = self.router.space(self.organisation);
        if message.retain {
            space.retain(message).unwrap();
        }
        let clients = &mut self.clients;
        space.route(publisher, message, |key, delivery| {
            clients.get_mut(&key).unwrap().deliver(delivery);
        });
    }
}

fn qos(qos: Qos) -> SubscriptionOptions {
    SubscriptionOptions { qos, ..SubscriptionOptions::default() }
}

#[test]
fn messages_go_from_one_client_to_the_others() {
    let mut broker = Broker::new();
    for (number, version) in [(1, Version::V5), (2, Version::V3), (3, Version::V5)] {
        broker.join(number, client(version));
    }
    broker.subscribe(1, "t", SubscriptionOptions { no_local: true, ..qos(Qos::ExactlyOnce) });
    broker.subscribe(2, "#", qos(Qos::AtLeastOnce));
    broker.subscribe(3, "$share/g/+", qos(Qos::AtMostOnce));
    for number in 1..=3 {
        assert_eq!(broker.got(number).len(), 1, "SUBACK");
    }
    broker.send(1, publish(Qos::ExactlyOnce, 1, "a"));
    assert_eq!(broker.got(1), ["pubrec 1"]);
    assert_eq!(broker.got(2), ["publish 1 t=a"]);
    assert_eq!(broker.got(3), ["publish t=a"]);
    broker.send(2, publish(Qos::ExactlyOnce, 5, "b"));
    assert_eq!(broker.got(1), ["publish 1 t=b"]);
    assert_eq!(broker.got(2), ["publish 2 t=b", "pubrec 5"]);
}

#[test]
fn what_is_retained_comes_behind_the_answer_and_a_will_to_those_who_are_left() {
    let mut broker = Broker::new();
    let topic = Arc::from("t");
    let will = Will {
        topic,
        qos: Qos::AtLeastOnce,
        retain: true,
        delay_seconds: 0,
        expiry_seconds: None,
        content: Content::new("gone"),
    };
    broker.join(1, Connect { will: Some(will), ..client(Version::V5) });
    broker.send(1, Packet::Publish(Box::new(Publish { retain: true, ..publish_of("t", Qos::AtMostOnce, 0, "here") })));
    broker.join(2, client(Version::V3));
    broker.subscribe(2, "+", qos(Qos::AtLeastOnce));
    assert_eq!(broker.got(2), ["suback 9 granted QoS 1", "publish t=here"]);

    let script = broker.clients.get_mut(&SessionKey(1)).unwrap();
    script.connection.lost(0, &mut script.out);
    broker.act(SessionKey(1));
    assert_eq!(broker.got(2), ["publish 1 t=gone"]);
    // Its state is what a later client finds.
    broker.join(3, client(Version::V5));
    broker.subscribe(3, "t", qos(Qos::AtMostOnce));
    assert_eq!(broker.got(3), ["suback 9 success", "publish t=gone"]);
    broker.subscribe(
        3,
        "t",
        SubscriptionOptions { retain_handling: RetainHandling::SendIfNew, ..qos(Qos::AtMostOnce) },
    );
    assert_eq!(broker.got(3), ["suback 9 success"]);
}
