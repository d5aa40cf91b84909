//! What devices are to be like, told to them over MQTT in the words of their make, and what they say of their switches.
//!
//! How a device is spoken to is learned from what it publishes: of the device whose token it is, and of devices that messages name
//! where the client is none of the registry. Who says nothing that is understood gets the desired state as JSON, on `NAME/desired`.
//!
//! Invariants:
//! - a device is told its desired state after it changed, after it subscribed to anything, and after it was learned how it is spoken
//!   to. It is told the newest one, and may be told it twice;
//! - a device whose token it is is told on topics that it may subscribe to, and on no other, whatever it calls itself;
//! - only a device itself, or a key for devices, changes what is reported of a device;
//! - what waits to be done is one entry a device, however often it changes.
//!
//! Limits: [`super::MqttConfig::spoken_devices`] of an organisation are remembered, in memory; [`MAX_SAID`] switches of each.

use std::collections::HashMap;

use metrics::counter;
use parking_lot::Mutex;
use sensorium_metadata::inbox::Sender;
use sensorium_metadata::registry::Wanted;
use sensorium_model::{Action, DeviceId, ErrorKind, OrgId, Principal};
use sensorium_protocols::decoders::commands::{Command, Object, Speech, reported};
use sensorium_protocols::mqtt::Message;
use sensorium_protocols::mqtt::packet::Qos;
use serde_json::json;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Duration;

use super::memory::Memory;
use super::rights::Rights;
use super::{Mqtt, Shared};

/// The most switches of a device whose state is remembered.
const MAX_SAID: usize = 1_000;
/// When it is tried again to store what could not be reported.
const AGAIN: Duration = Duration::from_secs(5);

/// Who speaks, and is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Speaker {
    /// A device with a token of its own.
    Own(DeviceId),
    /// What messages of other clients call a device, in small letters.
    Called(Box<str>),
}

/// Those who speak, and what is to be done for them.
pub(super) struct Speakers {
    known: Memory<Speaker, Known>,
    due: Mutex<HashMap<(OrgId, Speaker), Due>>,
    bell: Notify,
}

/// What is known of one.
#[derive(Default)]
struct Known {
    /// How it is spoken to, and what the message called it that said so.
    speech: Option<(Speech, Box<str>)>,
    /// What it said of its switches last.
    said: Object,
}

/// What is to be done for one.
#[derive(Default)]
struct Due {
    /// To tell what it is to be like.
    tell: bool,
    /// To store what it said.
    said: Object,
}

impl Known {
    /// Takes over how it is spoken to; whether that is new. Where one token is used for several devices, the one that is called like
    /// the token's device is the one that is meant, or else the last.
    fn learn(&mut self, speech: Speech, called: Box<str>, name: Option<&str>) -> bool {
        let is_own = |called: &str| name == Some(called);
        match &self.speech {
            Some((known, _)) if *known == speech => false,
            Some((_, before)) if is_own(before) && !is_own(&called) => false,
            _ => {
                self.speech = Some((speech, called));
                true
            }
        }
    }

    /// What of a message was not said before.
    fn note(&mut self, reported: Object) -> Object {
        let mut news = Object::new();
        for (name, value) in reported {
            let is_known = self.said.contains_key(&name);
            if self.said.get(&name) != Some(&value) && (is_known || self.said.len() < MAX_SAID) {
                self.said.insert(name.clone(), value.clone());
                news.insert(name, value);
            }
        }
        news
    }
}

impl Speakers {
    pub(super) fn new(most: usize) -> Self {
        Self { known: Memory::new(most), due: Mutex::default(), bell: Notify::new() }
    }

    /// Has a device told what it is to be like.
    pub(super) fn tell(&self, org: OrgId, speaker: Speaker) {
        self.add(org, speaker, Due { tell: true, said: Object::new() });
    }

    fn add(&self, org: OrgId, speaker: Speaker, more: Due) {
        let mut all = self.due.lock();
        let due = all.entry((org, speaker)).or_default();
        due.tell |= more.tell;
        due.said.extend(more.said);
        drop(all);
        self.bell.notify_one();
    }

    /// Puts back what could not be reported, without ringing; what was said since stays.
    fn put_back(&self, org: OrgId, speaker: Speaker, mut said: Object) {
        let mut all = self.due.lock();
        let due = all.entry((org, speaker)).or_default();
        said.extend(std::mem::take(&mut due.said));
        due.said = said;
    }
}

impl Shared {
    /// Learns from a message how its sender is spoken to, and what it says of its switches.
    pub(super) fn learn(&self, rights: &Rights, message: &Message) {
        let principal = &rights.principal;
        let (topic, body) = (message.topic.as_str(), message.content.payload.as_ref());
        let own = principal.device.as_deref();
        if own.is_some() && !principal.allows(Action::ActAsDevice) {
            return;
        }
        let Some((speech, called)) = Speech::of(topic, body, own.is_some()) else { return };
        let speaker = match own {
            Some(device) => Speaker::Own(device.id),
            None => Speaker::Called(called.to_lowercase().into()),
        };
        let Some(known) = self.speakers.known.hear(principal.org, &speaker, self.clock.now_ms()) else {
            counter!("sensorium_mqtt_forgotten_total", "setting" => "mqtt.spoken_devices").increment(1);
            return;
        };
        let may_report = own.is_some() || principal.for_devices;
        let said = if may_report { reported(topic, body, own.is_some()) } else { Object::new() };
        let due = {
            let mut known = known.lock();
            let tell = known.learn(speech, called, own.map(|device| device.name.as_ref()));
            Due { tell, said: known.note(said) }
        };
        if due.tell || !due.said.is_empty() {
            self.speakers.add(principal.org, speaker, due);
        }
    }

    /// A client subscribed: if it is a device, it may have missed what it is to be like.
    pub(super) fn listens(&self, rights: &Rights) {
        if let Some(device) = &rights.principal.device {
            self.speakers.tell(rights.principal.org, Speaker::Own(device.id));
        }
    }

    /// Does what is to be done for a device.
    async fn attend(&self, org: OrgId, speaker: Speaker, due: Due) {
        let Some(device) = self.device_of(org, &speaker).await else { return };
        let metadata = &self.ingest.metadata;
        if due.tell {
            match metadata.wanted(org, device).await {
                Ok(Some(wanted)) => self.tell_wanted(org, device, &wanted),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "a desired state could not be read"),
            }
        }
        if due.said.is_empty() {
            return;
        }
        match metadata.add_to_report(org, device, &due.said).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Busy => self.speakers.put_back(org, speaker, due.said),
            Err(error) => tracing::debug!(%error, "what a device said of itself could not be stored"),
        }
    }

    /// The device of the registry that somebody is.
    async fn device_of(&self, org: OrgId, speaker: &Speaker) -> Option<DeviceId> {
        match speaker {
            Speaker::Own(device) => Some(*device),
            Speaker::Called(name) => {
                let found = self.ingest.metadata.senders(&Principal::system(org), &[&**name]).await.ok()?;
                match found.first()? {
                    Sender::Known(device) => Some(device.id),
                    Sender::Disabled | Sender::Unknown => None,
                }
            }
        }
    }

    fn tell_wanted(&self, org: OrgId, device: DeviceId, wanted: &Wanted) {
        let own = Speaker::Own(device);
        let called = Speaker::Called(wanted.called.to_lowercase().into());
        let speakers = [(own, Some(device)), (called, None)];
        let said = speakers.iter().find_map(|(speaker, sender)| {
            let known = self.speakers.known.get(org, speaker)?;
            let (speech, _) = known.lock().speech.clone()?;
            let mut commands = self.words(org, *sender, &speech, &wanted.desired.state);
            if sender.is_some() {
                commands.retain(|command| self.may_hear(&wanted.name, &command.topic));
            }
            Some(commands).filter(|commands| !commands.is_empty())
        });
        let commands = said.unwrap_or_else(|| {
            let payload = json!({"version": wanted.desired.version, "state": wanted.desired.state});
            // A device hears nothing below a name that is no single level of a topic.
            let is_level = !wanted.name.contains('/');
            let command = Command { topic: format!("{}/desired", wanted.name), payload: payload.to_string().into() };
            is_level.then_some(command).into_iter().collect()
        });
        for Command { topic, payload } in commands {
            counter!("sensorium_mqtt_told_total").increment(1);
            self.say(org, &topic, payload, Qos::AtLeastOnce);
        }
    }

    /// A desired state in the words of a device.
    fn words(&self, org: OrgId, sender: Option<DeviceId>, speech: &Speech, state: &Object) -> Vec<Command> {
        let now_ms = self.clock.now_ms();
        match speech {
            Speech::Sparkplug { group, node } => {
                self.heard.with_node(org, sender, (group, node), |node| speech.commands(state, node, now_ms))
            }
            _ => speech.commands(state, None, now_ms),
        }
    }
}

impl Mqtt {
    /// Tells devices what they are to be like, and stores what they say of themselves, until the broker stops.
    pub async fn attend_devices(self) {
        let shared = &self.0;
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = shared.hear_changes() => {}
            () = shared.attend_all() => {}
        }
    }
}

impl Shared {
    /// Notes whose desired state changed.
    async fn hear_changes(&self) {
        let mut changes = self.ingest.metadata.desired_changes();
        loop {
            match changes.recv().await {
                Ok((org, device)) => self.speakers.tell(org, Speaker::Own(device)),
                // It may have been any of them.
                Err(RecvError::Lagged(_)) => {
                    let all = self.speakers.known.keys();
                    all.into_iter().for_each(|(org, speaker)| self.speakers.tell(org, speaker));
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Does what is to be done, device by device.
    async fn attend_all(&self) {
        let mut again = tokio::time::interval(AGAIN);
        loop {
            tokio::select! {
                () = self.speakers.bell.notified() => {}
                _ = again.tick() => {}
            }
            let due = std::mem::take(&mut *self.speakers.due.lock());
            for ((org, speaker), due) in due {
                self.attend(org, speaker, due).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasmota(device: &str) -> Speech {
        Speech::Tasmota { device: device.into(), is_prefix_last: false }
    }

    #[test]
    fn the_device_of_the_tokens_name_is_the_one_that_is_meant() {
        let mut known = Known::default();
        let mut learn = |called: &str| known.learn(tasmota(called), called.into(), Some("plug"));
        assert!(learn("other") && learn("another") && !learn("another"));
        assert!(learn("plug") && !learn("other") && !learn("plug"));
    }

    #[test]
    fn what_is_said_again_is_no_news() {
        let mut known = Known::default();
        let said = |value: serde_json::Value| value.as_object().unwrap().clone();
        assert_eq!(known.note(said(json!({"a": true, "b": false}))), said(json!({"a": true, "b": false})));
        assert_eq!(known.note(said(json!({"a": true, "b": true}))), said(json!({"b": true})));
        let many = (0..2 * MAX_SAID).map(|n| (n.to_string(), json!(true))).collect();
        assert_eq!(known.note(many).len(), MAX_SAID - 2);
        assert_eq!(known.note(said(json!({"a": false}))).len(), 1, "what is known already may change");
    }

    #[test]
    fn what_waits_is_one_entry_a_device_and_the_newest() {
        let (speakers, org) = (Speakers::new(1), OrgId::from_uuid(uuid::Uuid::nil()));
        let speaker = Speaker::Called("plug".into());
        let said = |value: bool| json!({"POWER": value}).as_object().unwrap().clone();
        speakers.tell(org, speaker.clone());
        speakers.add(org, speaker.clone(), Due { tell: false, said: said(true) });
        speakers.put_back(org, speaker.clone(), said(false));
        let due = std::mem::take(&mut *speakers.due.lock());
        assert_eq!(due.len(), 1);
        let due = &due[&(org, speaker)];
        assert!(due.tell);
        assert_eq!(due.said, said(true));
    }
}
