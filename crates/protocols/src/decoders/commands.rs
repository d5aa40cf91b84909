//! The way back: what a device is to be like, in the words of its make, and what it says of its switches.
//!
//! [`Speech::of`] tells from a message how its sender is spoken to; [`Speech::commands`] says a desired state so. [`reported`] is what
//! a message says about switches, under the names that the desired state has for them:
//!
//! | make | names of the desired state | what is published |
//! |---|---|---|
//! | Tasmota | `POWER`, `POWER1` …, `Dimmer` and its like | `cmnd/TOPIC/POWER` with `ON` or `OFF` |
//! | Zigbee2MQTT | those of the device; of a bridge, the friendly names, each with an object | `zigbee2mqtt/NAME/set` with JSON |
//! | Shelly since the second generation | `switch:0`, `light:0` … | `PREFIX/rpc` with `Switch.Set` |
//! | ESPHome | `switch/ID`, `light/ID` and so on | `NODE/COMPONENT/ID/command` |
//! | Sparkplug B | the metrics; of a device of the node, an object under its name | `NCMD` or `DCMD` |
//!
//! A switch is true or false. Other names are not said: a desired state is no way to any command of a device.
//!
//! Limits: [`MAX_COMMANDS`] of one state; those of [`super`] for what is read.

use serde_json::{Map, Value, json};

use super::sparkplug::{self, Node};
use super::tree::{Tree, body_text};
use super::{Decoder, by_topic, tasmota};

/// A desired or reported state.
pub type Object = Map<String, Value>;

/// The most commands of one desired state; what is beyond is not said.
pub const MAX_COMMANDS: usize = 256;

/// How a device is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speech {
    /// As a Tasmota.
    Tasmota {
        /// What stands for the device in its topics.
        device: Box<str>,
        /// Whether the prefix stands behind that.
        is_prefix_last: bool,
    },
    /// As a device behind Zigbee2MQTT.
    Zigbee2Mqtt {
        /// Its friendly name; none for the bridge, which speaks for all of its devices.
        name: Option<Box<str>>,
    },
    /// As a Shelly since the second generation.
    ShellyGen2 {
        /// The prefix of its topics.
        prefix: Box<str>,
    },
    /// As an ESPHome node.
    EspHome {
        /// The prefix of its topics.
        node: Box<str>,
    },
    /// As an edge node of Sparkplug B.
    Sparkplug {
        /// Its group.
        group: Box<str>,
        /// Its name.
        node: Box<str>,
    },
}

/// A message for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Where it is published.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
}

impl Speech {
    /// How the sender of a message is spoken to, and what the message calls it; none when that cannot be told. `is_whole` says that
    /// the sender is one device for us, whatever devices it speaks for.
    pub fn of(topic: &str, body: &[u8], is_whole: bool) -> Option<(Self, Box<str>)> {
        let levels: Vec<&str> = topic.split('/').collect();
        match (by_topic(&levels, body)?, levels.as_slice()) {
            (Decoder::Tasmota, levels) => {
                let (prefix, device, _) = tasmota::place(levels).filter(|(prefix, _, _)| *prefix != "cmnd")?;
                let is_prefix_last = levels.first() != Some(&prefix);
                let device: Box<str> = device.join("/").into();
                Some((Self::Tasmota { device: device.clone(), is_prefix_last }, device))
            }
            (Decoder::Zigbee2Mqtt, [_, name @ ..]) => {
                let name = zigbee_name(name, body)?;
                Some((Self::Zigbee2Mqtt { name: (!is_whole).then(|| name.clone()) }, name))
            }
            (
                Decoder::ShellyGen2,
                [prefix @ .., "events", "rpc"] | [prefix @ .., "status", _] | [prefix @ .., "online"],
            ) => {
                let prefix: Box<str> = prefix.join("/").into();
                Some((Self::ShellyGen2 { prefix: prefix.clone() }, prefix))
            }
            (Decoder::EspHome, [node @ .., "status"] | [node @ .., _, _, "state"]) => {
                let node: Box<str> = node.join("/").into();
                Some((Self::EspHome { node: node.clone() }, node))
            }
            (Decoder::Sparkplug, _) => {
                let (group, node) = Node::of_topic(topic)?;
                Some((Self::Sparkplug { group: group.into(), node: node.into() }, node.into()))
            }
            _ => None,
        }
    }

    /// A desired state in the words of the device; what has none is left out. `node` is what is known of an edge node.
    pub fn commands(&self, state: &Object, node: Option<&Node>, now_ms: u64) -> Vec<Command> {
        let mut commands: Vec<Command> = match self {
            Self::Tasmota { device, is_prefix_last } => {
                let commands = state.iter().filter_map(|(name, value)| tasmota_command(name, value));
                let at = |name: &str| match is_prefix_last {
                    true => format!("{device}/cmnd/{name}"),
                    false => format!("cmnd/{device}/{name}"),
                };
                commands.map(|(name, payload)| Command::new(at(&name), payload)).collect()
            }
            Self::Zigbee2Mqtt { name: Some(name) } => zigbee_command(name, state).into_iter().collect(),
            Self::Zigbee2Mqtt { name: None } => {
                let devices = state.iter().filter_map(|(name, value)| Some((name, value.as_object()?)));
                devices.filter_map(|(name, state)| zigbee_command(name, state)).collect()
            }
            Self::ShellyGen2 { prefix } => {
                let requests = state.iter().filter_map(|(name, value)| shelly_request(name, value, prefix));
                requests.map(|request| Command::new(format!("{prefix}/rpc"), request.to_string())).collect()
            }
            Self::EspHome { node } => {
                let commands = state.iter().filter_map(|(name, value)| Some((name, esphome_payload(name, value)?)));
                commands.map(|(name, payload)| Command::new(format!("{node}/{name}/command"), payload)).collect()
            }
            Self::Sparkplug { group, node: name } => sparkplug_commands(group, name, state, node, now_ms),
        };
        commands.truncate(MAX_COMMANDS);
        commands
    }
}

impl Command {
    fn new(topic: String, payload: impl Into<Vec<u8>>) -> Self {
        Self { topic, payload: payload.into() }
    }
}

/// What a message says about switches; empty when it says nothing about any. `is_whole` is as in [`Speech::of`].
pub fn reported(topic: &str, body: &[u8], is_whole: bool) -> Object {
    let levels: Vec<&str> = topic.split('/').collect();
    let found = match (by_topic(&levels, body), levels.as_slice()) {
        (Some(Decoder::Tasmota), levels) => tasmota_reports(levels, body),
        (Some(Decoder::Zigbee2Mqtt), [_, name @ ..]) => zigbee_name(name, body).and_then(|name| {
            let tree = Tree::read(body).ok()?;
            let is_state = |name: &str| name == "state" || name.starts_with("state_");
            let states: Object = switches(tree.entries().iter().filter(|(name, _)| is_state(name)));
            match is_whole {
                true if states.is_empty() => None,
                true => Some(Object::from_iter([(name.into(), Value::Object(states))])),
                false => Some(states),
            }
        }),
        (Some(Decoder::ShellyGen2), [.., "status", component]) => Tree::read(body).ok().map(|status| {
            let output = output(component, &status);
            output.into_iter().collect()
        }),
        (Some(Decoder::ShellyGen2), [.., "events", "rpc"]) => Tree::read(body).ok().map(|message| {
            let is_status = matches!(message.text_at(&["method"]), Some("NotifyStatus" | "NotifyFullStatus"));
            let components = message.get("params").filter(|_| is_status).map_or(&[][..], Tree::entries);
            components.iter().filter_map(|(component, status)| output(component, status)).collect()
        }),
        (Some(Decoder::EspHome), [.., "switch", id, "state"]) => {
            let is_on = body_text(body).ok().and_then(switch);
            is_on.map(|is_on| Object::from_iter([(format!("switch/{id}"), Value::Bool(is_on))]))
        }
        _ => None,
    };
    found.unwrap_or_default()
}

/// Whether a text says that a switch is on or off.
fn switch(text: &str) -> Option<bool> {
    match text {
        "ON" | "on" => Some(true),
        "OFF" | "off" => Some(false),
        _ => None,
    }
}

/// Whether a switch is to be on.
fn wanted(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| switch(value.as_str()?))
}

fn word(is_on: bool) -> &'static str {
    if is_on { "ON" } else { "OFF" }
}

/// The text of a plain value.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Bool(is_on) => Some(word(*is_on).to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// Those of some entries that are switches.
fn switches<'t>(entries: impl Iterator<Item = &'t (std::borrow::Cow<'t, str>, Tree<'t>)>) -> Object {
    let found = entries.filter_map(|(name, value)| match value {
        Tree::Text(text) => Some((name.to_string(), Value::Bool(switch(text)?))),
        _ => None,
    });
    found.collect()
}

fn tasmota_command(name: &str, value: &Value) -> Option<(String, String)> {
    let power = name.to_ascii_uppercase();
    if tasmota::is_power(&power) {
        return Some((power, word(wanted(value)?).to_owned()));
    }
    let command = tasmota::STATES.iter().find(|state| state.eq_ignore_ascii_case(name))?;
    Some(((*command).to_owned(), plain(value)?))
}

fn tasmota_reports(levels: &[&str], body: &[u8]) -> Option<Object> {
    let (prefix, _, what) = tasmota::place(levels)?;
    match (prefix, what) {
        ("stat", what) if tasmota::is_power(what) => {
            let is_on = switch(body_text(body).ok()?)?;
            Some(Object::from_iter([(what.to_owned(), Value::Bool(is_on))]))
        }
        ("stat", "RESULT") | ("tele", "STATE") => {
            let tree = Tree::read(body).ok()?;
            Some(switches(tree.entries().iter().filter(|(name, _)| tasmota::is_power(name))))
        }
        _ => None,
    }
}

/// The friendly name of a device whose state this is.
fn zigbee_name(name: &[&str], body: &[u8]) -> Option<Box<str>> {
    match name {
        [] | ["bridge", ..] | [.., "set" | "get" | "availability"] | [.., "set" | "get", _] => None,
        name => body.trim_ascii_start().starts_with(b"{").then(|| name.join("/").into()),
    }
}

fn zigbee_command(name: &str, state: &Object) -> Option<Command> {
    // Topics below the bridge are requests to it.
    if state.is_empty() || name.is_empty() || name.split('/').next() == Some("bridge") {
        return None;
    }
    let said = state.iter().map(|(key, value)| match value {
        Value::Bool(is_on) if key == "state" || key.starts_with("state_") => (key.clone(), json!(word(*is_on))),
        other => (key.clone(), other.clone()),
    });
    let said = Value::Object(said.collect());
    Some(Command::new(format!("zigbee2mqtt/{name}/set"), said.to_string()))
}

/// A switch of a Shelly, from what its component says.
fn output(component: &str, status: &Tree<'_>) -> Option<(String, Value)> {
    let (kind, _) = component.split_once(':')?;
    match status.get("output") {
        Some(Tree::Truth(is_on)) if matches!(kind, "switch" | "light") => {
            Some((component.to_owned(), Value::Bool(*is_on)))
        }
        _ => None,
    }
}

fn shelly_request(name: &str, value: &Value, prefix: &str) -> Option<Value> {
    let (kind, channel) = name.split_once(':')?;
    let channel: u8 = channel.parse().ok()?;
    let method = match kind {
        "switch" => "Switch.Set",
        "light" => "Light.Set",
        _ => return None,
    };
    let is_on = wanted(value)?;
    // The answer is published below what is called the source here.
    let source = format!("{prefix}/sensorium");
    Some(json!({"id": 1, "src": source, "method": method, "params": {"id": channel, "on": is_on}}))
}

fn esphome_payload(name: &str, value: &Value) -> Option<String> {
    let (component, id) = name.split_once('/')?;
    if id.is_empty() || id.contains('/') {
        return None;
    }
    match (component, value) {
        ("switch" | "fan", value) => Some(word(wanted(value)?).to_owned()),
        ("light", Value::Object(state)) => {
            let said = state.iter().map(|(key, value)| match value {
                Value::Bool(is_on) if key == "state" => (key.clone(), json!(word(*is_on))),
                other => (key.clone(), other.clone()),
            });
            Some(Value::Object(said.collect()).to_string())
        }
        ("light", value) => Some(json!({"state": word(wanted(value)?)}).to_string()),
        ("number" | "select" | "cover" | "lock", Value::Number(_) | Value::String(_)) => plain(value),
        _ => None,
    }
}

fn sparkplug_commands(group: &str, name: &str, state: &Object, node: Option<&Node>, now_ms: u64) -> Vec<Command> {
    let of_node = sparkplug::setting(state, node, "", now_ms);
    let of_node = of_node.map(|payload| Command::new(format!("spBv1.0/{group}/NCMD/{name}"), payload));
    let devices = state.iter().filter(|(device, _)| !device.is_empty() && !device.contains('/'));
    let of_devices = devices.filter_map(|(device, value)| {
        let payload = sparkplug::setting(value.as_object()?, node, device, now_ms)?;
        Some(Command::new(format!("spBv1.0/{group}/DCMD/{name}/{device}"), payload))
    });
    of_node.into_iter().chain(of_devices).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Object {
        value.as_object().unwrap().clone()
    }

    /// What is published when a device that sent this is to be like that.
    fn said(topic: &str, body: &str, is_whole: bool, state: Value) -> Vec<(String, String)> {
        let (speech, _) = Speech::of(topic, body.as_bytes(), is_whole).unwrap();
        let commands = speech.commands(&object(state), None, 1).into_iter();
        commands.map(|command| (command.topic, String::from_utf8(command.payload).unwrap())).collect()
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.into_iter().map(|(topic, payload)| (topic.to_owned(), payload.to_owned())).collect()
    }

    #[test]
    fn tasmota_takes_words_and_tells_its_switches() {
        let state = json!({"POWER": true, "power2": "OFF", "dimmer": 40, "Reset": 1, "POWER3": 7});
        let expected = [("cmnd/plug/POWER", "ON"), ("cmnd/plug/Dimmer", "40"), ("cmnd/plug/POWER2", "OFF")];
        let mut found = said("tele/plug/STATE", "{}", true, state);
        found.sort();
        let mut expected = pairs(expected);
        expected.sort();
        assert_eq!(found, expected);
        let last = said("plug/stat/POWER", "ON", true, json!({"POWER": false}));
        assert_eq!(last, pairs([("plug/cmnd/POWER", "OFF")]));
        assert_eq!(reported("stat/plug/POWER1", b"OFF", true), object(json!({"POWER1": false})));
        let body = br#"{"POWER1":"ON","POWER2":"OFF","Dimmer":4}"#;
        let both = object(json!({"POWER1": true, "POWER2": false}));
        assert_eq!(reported("tele/plug/STATE", body, true), both);
        assert_eq!(reported("stat/plug/RESULT", body, true), both);
        assert_eq!(Speech::of("cmnd/plug/POWER", b"ON", true), None);
    }

    #[test]
    fn zigbee2mqtt_takes_json_for_a_device_or_for_those_of_the_bridge() {
        let body = r#"{"state":"ON","state_left":"OFF","battery":3}"#;
        let one = said("zigbee2mqtt/ground/hall", body, false, json!({"state": true, "brightness": 9}));
        assert_eq!(one, pairs([("zigbee2mqtt/ground/hall/set", r#"{"brightness":9,"state":"ON"}"#)]));
        let state = json!({"hall": {"state": false}, "bridge/request/restart": {"a": 1}, "state": true, "x": {}});
        assert_eq!(said("zigbee2mqtt/y", body, true, state), pairs([("zigbee2mqtt/hall/set", r#"{"state":"OFF"}"#)]));
        let states = json!({"state": true, "state_left": false});
        assert_eq!(reported("zigbee2mqtt/hall", body.as_bytes(), false), object(states.clone()));
        assert_eq!(reported("zigbee2mqtt/hall", body.as_bytes(), true), object(json!({"hall": states})));
        for topic in ["zigbee2mqtt/bridge/devices", "zigbee2mqtt/hall/set", "zigbee2mqtt/hall/availability"] {
            assert_eq!(Speech::of(topic, b"{}", true), None, "{topic}");
        }
    }

    #[test]
    fn shelly_takes_requests_and_tells_its_outputs() {
        let status =
            r#"{"method":"NotifyStatus","params":{"ts":1.5,"switch:0":{"output":true},"input:0":{"state":true}}}"#;
        let found = said("home/plug/events/rpc", status, true, json!({"switch:0": false, "input:0": true, "sys": 1}));
        let request = r#"{"id":1,"method":"Switch.Set","params":{"id":0,"on":false},"src":"home/plug/sensorium"}"#;
        assert_eq!(found, pairs([("home/plug/rpc", request)]));
        let on = object(json!({"switch:0": true}));
        assert_eq!(reported("home/plug/events/rpc", status.as_bytes(), true), on);
        assert_eq!(reported("home/plug/status/switch:0", br#"{"id":0,"output":true}"#, true), on);
        assert!(reported("home/plug/events/rpc", br#"{"method":"NotifyEvent","params":{}}"#, true).is_empty());
    }

    #[test]
    fn esphome_takes_what_each_component_understands() {
        let state = json!({"switch/fan": true, "number/level": 4.5, "light/lamp": {"state": false, "brightness": 9},
            "cover/blind": "OPEN", "sensor/x": 1, "switch/a/b": true, "select/mode": true});
        let expected = [
            ("attic/cover/blind/command", "OPEN"),
            ("attic/light/lamp/command", r#"{"brightness":9,"state":"OFF"}"#),
            ("attic/number/level/command", "4.5"),
            ("attic/switch/fan/command", "ON"),
        ];
        let mut found = said("attic/switch/fan/state", "ON", true, state);
        found.sort();
        assert_eq!(found, pairs(expected));
        assert_eq!(reported("attic/switch/fan/state", b"OFF", true), object(json!({"switch/fan": false})));
        assert!(reported("attic/binary_sensor/door/state", b"ON", true).is_empty());
    }

    #[test]
    fn sparkplug_takes_metrics_of_the_node_and_of_its_devices() {
        let (speech, called) = Speech::of("spBv1.0/plant/DDATA/edge/press", b"\x18\x01", true).unwrap();
        assert_eq!(called.as_ref(), "edge");
        let commands =
            speech.commands(&object(json!({"Setpoint": 20.5, "press": {"Run": true}, "a/b": {"c": 1}})), None, 1);
        let topics: Vec<_> = commands.iter().map(|command| command.topic.as_str()).collect();
        assert_eq!(topics, ["spBv1.0/plant/NCMD/edge", "spBv1.0/plant/DCMD/edge/press"]);
        assert!(speech.commands(&Object::new(), None, 1).is_empty());
    }

    #[test]
    fn other_messages_say_nothing_of_it() {
        for (topic, body) in [("house/climate", "{\"a\":1}"), ("owntracks/a/b", "{}"), ("shellies/x/relay/0", "on")] {
            assert_eq!(Speech::of(topic, body.as_bytes(), true), None, "{topic}");
            assert!(reported(topic, body.as_bytes(), true).is_empty());
        }
    }

    #[test]
    fn commands_are_bounded() {
        let state = (0..=MAX_COMMANDS).map(|n| (format!("switch/s{n}"), json!(true))).collect();
        let (speech, _) = Speech::of("attic/status", b"online", true).unwrap();
        assert_eq!(speech.commands(&state, None, 1).len(), MAX_COMMANDS);
    }
}
