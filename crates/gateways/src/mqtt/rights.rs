//! Which topics a client may publish and subscribe to. What it may do at all is the principal's to say
//! ([`Principal::allows`]); this says where.

use std::sync::Arc;

use sensorium_model::{Action, DatabaseName, Principal};
use sensorium_protocols::mqtt::session::Session;
use sensorium_protocols::mqtt::{TopicError, TopicFilter, TopicName};

use crate::reach;

/// What stands for the device's name in a rule.
const NAME: &str = "%u";

/// What devices may subscribe to.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Topic filters (setting `mqtt.device_topics`), in which `%u` stands for the device's name.
    subscribe: Vec<String>,
}

impl Rules {
    /// Reads filters that are separated by spaces.
    pub fn new(subscribe: &str) -> Result<Self, TopicError> {
        let subscribe: Vec<String> = subscribe.split_whitespace().map(str::to_owned).collect();
        subscribe.iter().try_for_each(|rule| TopicFilter::try_from(Arc::<str>::from(rule.as_str())).map(|_| ()))?;
        Ok(Self { subscribe })
    }

    /// Whether a device of this name may hear everything that a filter matches. Topics that begin with `$` are no device's: no
    /// wildcard of a rule stands for them.
    pub(super) fn allow(&self, device: &str, filter: &TopicFilter) -> bool {
        !filter.filter().starts_with('$') && self.subscribe.iter().any(|rule| covers(rule, device, filter))
    }
}

/// What one client may do.
#[derive(Debug, Clone)]
pub(super) struct Rights {
    pub(super) principal: Principal,
    /// Where its readings are stored.
    pub(super) database: DatabaseName,
    /// Whether it may read where the readings of all are stored.
    may_read: bool,
}

impl Rights {
    /// The rights of a principal; `database` is where readings go unless the principal has only one.
    pub(super) fn new(principal: Principal, database: &DatabaseName) -> Self {
        let may_read = principal.allows(Action::Read(database));
        let database = reach::database_of(&principal, database);
        Self { principal, database, may_read }
    }

    /// Whether the client may do anything at all here.
    pub(super) fn may_connect(&self) -> bool {
        self.may_write() || self.may_read
    }

    /// Topics that begin with `$` are the server's.
    pub(super) fn may_publish(&self, topic: &TopicName) -> bool {
        self.may_write() && !topic.is_special()
    }

    /// Devices may hear what their rules say, and others everything or nothing.
    pub(super) fn may_subscribe(&self, filter: &TopicFilter, rules: &Rules) -> bool {
        match &self.principal.device {
            Some(device) if self.principal.allows(Action::ActAsDevice) => rules.allow(&device.name, filter),
            Some(_) => false,
            None => self.may_read,
        }
    }

    /// Whether the client may hear all that a session subscribes to.
    pub(super) fn may_hear_all(&self, session: &Session, rules: &Rules) -> bool {
        session.subscriptions().iter().all(|(filter, _)| self.may_subscribe(filter, rules))
    }

    fn may_write(&self) -> bool {
        reach::may_write(&self.principal, &self.database)
    }
}

/// Whether every topic that a filter matches is one that a rule matches. A device whose name is no single level of a topic has
/// no topics of its own.
fn covers(rule: &str, device: &str, filter: &TopicFilter) -> bool {
    if rule.contains(NAME) && (device.is_empty() || device.contains(['/', '+', '#'])) {
        return false;
    }
    let mut filter = filter.levels();
    for level in rule.split('/') {
        let level = level.replace(NAME, device);
        match (level.as_str(), filter.next()) {
            // It also stands for the level above it.
            ("#", _) => return true,
            (_, None | Some("#")) => return false,
            ("+", Some(_)) => {}
            (own, Some(other)) if own == other => {}
            _ => return false,
        }
    }
    filter.next().is_none()
}

#[cfg(test)]
mod tests {
    use sensorium_model::{ActingDevice, DeviceId, OrgId};
    use sensorium_protocols::mqtt::MqttLimits;
    use uuid::Uuid;

    use super::*;

    fn filter(text: &str) -> TopicFilter {
        TopicFilter::new(text, &MqttLimits::default()).unwrap()
    }

    #[test]
    fn a_rule_covers_what_is_narrower() {
        for (rule, asked) in [
            ("#", "#"),
            ("#", "a/+/#"),
            ("+/%u/#", "cmnd/attic/POWER"),
            ("+/%u/#", "cmnd/attic/#"),
            ("+/%u/#", "+/attic/+"),
            ("+/%u/#", "cmnd/attic"),
            ("%u/#", "attic/switch/1/command"),
            ("a/+", "a/b"),
            ("a/+", "a/+"),
        ] {
            assert!(covers(rule, "attic", &filter(asked)), "{rule} does not cover {asked}");
        }
    }

    #[test]
    fn a_rule_does_not_cover_what_is_wider_or_elsewhere() {
        for (rule, asked) in [
            ("+/%u/#", "#"),
            ("+/%u/#", "+/+/#"),
            ("+/%u/#", "cmnd/cellar/POWER"),
            ("+/%u/#", "cmnd/attic2/POWER"),
            ("+/%u/#", "cmnd"),
            ("a/+", "a/#"),
            ("a/+", "a"),
            ("a/+", "a/b/c"),
            ("a/b", "a/+"),
        ] {
            assert!(!covers(rule, "attic", &filter(asked)), "{rule} covers {asked}");
        }
    }

    #[test]
    fn no_rule_gives_a_device_topics_of_the_server() {
        let org = OrgId::from_uuid(Uuid::nil());
        let database = DatabaseName::new("main").unwrap();
        let device = ActingDevice { id: DeviceId::from_uuid(Uuid::nil()), name: "attic".into() };
        let device = Principal { device: Some(Arc::new(device)), ..Principal::system(org) };
        let (device, person) = (Rights::new(device, &database), Rights::new(Principal::system(org), &database));
        let rules = Rules::new("# $SYS/#").unwrap();
        for asked in ["$SYS/#", "$SYS/broker/uptime", "$share/group/$SYS/#"] {
            assert!(!device.may_subscribe(&filter(asked), &rules), "{asked}");
            assert!(person.may_subscribe(&filter(asked), &rules), "{asked}");
        }
        assert!(device.may_subscribe(&filter("a/#"), &rules));
    }

    #[test]
    fn a_name_that_is_no_level_covers_nothing() {
        for name in ["", "a/b", "+", "#", "x#"] {
            assert!(!covers("+/%u/#", name, &filter("cmnd/a/b")), "{name:?}");
            assert!(!covers("+/%u/#", name, &filter("cmnd/+/b")), "{name:?}");
        }
    }
}
