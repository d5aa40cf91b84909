//! What devices announce of themselves: discovery of Home Assistant (`homeassistant/COMPONENT/…/config`) and the devices of
//! Zigbee2MQTT (`zigbee2mqtt/bridge/devices`).
//!
//! An announcement says of the messages of another topic which values are in them, what these are called and in which units. Where
//! no make is known by such a message, it becomes a row of the table `homeassistant`: each announced value is a field of the name that
//! it was announced with, everything else in an object is a field as well, and the device is the one that was announced. Where a make
//! is known, its decoder reads the message, and only units and names for people are taken over.
//!
//! Of Home Assistant, the components `sensor`, `binary_sensor`, `number`, `switch` and `text` are understood, and `device`, which has
//! several; with long keys and short ones, `~`, and templates that are `value` or `value_json` with names behind it. A value with any
//! other template is not announced: it is a field as it stands in the message.
//!
//! Limits: [`MAX_FIELDS`] fields of a topic, [`MAX_ANNOUNCED`] topics of one message, [`MAX_UNIT_BYTES`] of a unit; those of
//! [`super`].

use std::borrow::Cow;

use sensorium_model::names::MAX_NAME_BYTES;
use sensorium_model::{BatchBuilder, RowError, Value};
use serde::{Deserialize, Serialize};

use super::row::{Row, Rows, plain};
use super::tree::{Tree, body_text};
use super::{DecodeError, Decoded, Message};
use crate::json::walk::flattened;
use crate::refusals::Refusals;

/// The most fields that are announced for one topic.
pub const MAX_FIELDS: usize = 64;
/// The most topics that one message announces.
pub const MAX_ANNOUNCED: usize = 1_000;
/// The most bytes of a unit; a longer one is left out.
pub const MAX_UNIT_BYTES: usize = 32;
/// The most characters of what people call a field.
const MAX_DISPLAY_NAME: usize = 100;
/// The most levels of a message that a value is taken from.
const MAX_LEVELS: usize = 8;

const TABLE: &str = "homeassistant";

/// What Home Assistant takes for a value that is not known.
const UNKNOWN: [&str; 5] = ["None", "nan", "unknown", "unavailable", ""];

/// What was announced for the messages of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Announced {
    /// What the device is called.
    pub device: Box<str>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The column.
    pub name: Box<str>,
    /// What people call it; may be empty.
    pub display_name: Box<str>,
    /// The unit as a UCUM code; empty for none, or one that has no code.
    pub unit: Box<str>,
    /// Where its value stands.
    pub place: Place,
}

/// Where a value stands in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Where the decoder of the make finds it.
    Make,
    /// Below these names, in an object; the message is the value when there are none.
    Below {
        /// The names.
        names: Vec<Box<str>>,
        /// What it says when it is on, and when it is off, if it is a switch.
        switch: Option<(Box<str>, Box<str>)>,
    },
}

/// An announcement for a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The topic of the messages.
    pub topic: Box<str>,
    /// What is in them.
    pub announced: Announced,
}

impl Announcement {
    /// The announcements of a message; none where it is no announcement, or one of nothing that is understood.
    pub fn of(topic: &str, body: &[u8]) -> Vec<Self> {
        if !topic.starts_with("homeassistant/") && !topic.starts_with("zigbee2mqtt/bridge/") {
            return Vec::new();
        }
        let levels: Vec<&str> = topic.split('/').collect();
        let mut found = match levels.as_slice() {
            ["homeassistant", component, between @ .., "config"] if (1..=2).contains(&between.len()) => {
                Tree::read(body).map(|config| home_assistant(component, between, &config)).unwrap_or_default()
            }
            ["zigbee2mqtt", "bridge", "devices"] => {
                Tree::read(body).map(|devices| zigbee(&devices)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        found.truncate(MAX_ANNOUNCED);
        found
    }
}

impl Announced {
    /// Takes over what is announced for the same topic, field by field.
    pub fn add(&mut self, more: Self) {
        self.device = more.device;
        for field in more.fields {
            if let Some(known) = self.fields.iter_mut().find(|known| known.name == field.name) {
                *known = field;
            } else if self.fields.len() < MAX_FIELDS {
                self.fields.push(field);
            }
        }
    }

    /// The field of a column.
    pub fn field(&self, column: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.as_ref() == column)
    }

    /// What was announced of a column that the decoder of a make writes: the field of its name, or else the only one whose value stands
    /// under that name.
    pub fn described(&self, column: &str) -> Option<&Field> {
        let stands_there = |field: &&Field| match &field.place {
            Place::Make => false,
            Place::Below { names, .. } => names.last().is_some_and(|name| plain(name) == column),
        };
        let mut others = self.fields.iter().filter(stands_there);
        self.field(column).or_else(|| others.next().filter(|_| others.next().is_none()))
    }

    /// Whether it says where values stand in messages of no make.
    pub fn tells_places(&self) -> bool {
        self.fields.iter().any(|field| field.place != Place::Make)
    }

    /// Reads a message of no make, as [`super::Decoder::decode`] does.
    pub fn decode(
        &self,
        message: Message<'_>,
        builder: &mut BatchBuilder<'_>,
        refusals: &mut Refusals,
    ) -> Result<Decoded, DecodeError> {
        let text = body_text(message.body)?;
        let tree = if text.starts_with('{') { Tree::read(message.body)? } else { Tree::Null };
        let mut rows = Rows::new(message, builder, refusals);
        let mut row = rows.start(TABLE, self.device.as_ref());
        for field in &self.fields {
            let Place::Below { names, switch } = &field.place else { continue };
            let value = match names.as_slice() {
                [] => Some(Cow::Borrowed(text)).filter(|_| !tree.is_object()),
                names => names.iter().try_fold(&tree, |tree, name| tree.get(name)).and_then(as_text),
            };
            if let Some(value) = value {
                add(&mut row, field, value, switch.as_ref());
            }
        }
        self.add_rest(&mut row, &tree, &mut Vec::new(), "");
        if !row.is_empty() {
            rows.push(row);
        }
        Ok(rows.told())
    }

    /// Adds what is in an object and was not announced.
    fn add_rest<'t>(&self, row: &mut Row<'t>, tree: &'t Tree<'_>, path: &mut Vec<&'t str>, outer: &str) {
        for (key, value) in tree.entries() {
            path.push(key);
            let name = if outer.is_empty() { Ok(Cow::Borrowed(key.as_ref())) } else { flattened(outer, key) };
            match name {
                Ok(_) if self.is_announced(path, true) => {}
                Ok(name) if self.is_announced(path, false) => self.add_rest(row, value, path, &name),
                Ok(name) if self.field(&plain(&name)).is_none() => row.add(&name, value),
                Ok(_) => {}
                Err(error) => row.refuse(RowError::Malformed(error.to_string())),
            }
            path.pop();
        }
    }

    /// Whether a value was announced here, or somewhere below.
    fn is_announced(&self, path: &[&str], is_here: bool) -> bool {
        self.fields.iter().any(|field| match &field.place {
            Place::Make => false,
            Place::Below { names, .. } => {
                let begins =
                    names.len() >= path.len() && names.iter().zip(path).all(|(name, key)| name.as_ref() == *key);
                begins && (!is_here || names.len() == path.len())
            }
        })
    }
}

/// A plain value as text, as templates make it; none of others.
fn as_text<'t>(tree: &'t Tree<'_>) -> Option<Cow<'t, str>> {
    match tree {
        Tree::Truth(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Tree::Number(number) => Some(Cow::Borrowed(number)),
        Tree::Text(text) => Some(Cow::Borrowed(text)),
        Tree::Null | Tree::List(_) | Tree::Object(_) => None,
    }
}

fn add<'t>(row: &mut Row<'t>, field: &Field, value: Cow<'t, str>, switch: Option<&(Box<str>, Box<str>)>) {
    let name = field.name.to_string();
    match (switch, value) {
        (_, value) if UNKNOWN.contains(&value.as_ref()) => {}
        (Some((on, _)), value) if on.eq_ignore_ascii_case(&value) => row.value(name, Value::Bool(true)),
        (Some((_, off)), value) if off.eq_ignore_ascii_case(&value) => row.value(name, Value::Bool(false)),
        (Some((on, off)), _) => row.refuse(RowError::Malformed(format!("{name} was announced as {on} or {off}"))),
        (None, Cow::Borrowed(text)) => row.scalar(name, text),
        (None, Cow::Owned(text)) => row.value(name, Value::Text(text.into())),
    }
}

/// What a key of Home Assistant says, long or short.
fn says<'t>(config: &'t Tree<'_>, long: &str, short: &str) -> Option<&'t str> {
    config.text_at(&[long]).or_else(|| config.text_at(&[short]))
}

fn home_assistant(component: &str, between: &[&str], config: &Tree<'_>) -> Vec<Announcement> {
    let object = between.last().copied().unwrap_or_default();
    let device = config.get("device").or_else(|| config.get("dev"));
    let identifier = || {
        let ids = device.and_then(|device| device.get("identifiers").or_else(|| device.get("ids")))?;
        match ids {
            Tree::Text(id) => Some(&**id),
            ids => ids.items().iter().find_map(|id| if let Tree::Text(id) = id { Some(&**id) } else { None }),
        }
    };
    let named = device.and_then(|device| device.text_at(&["name"])).or_else(identifier);
    let device = named.or(between.first().copied()).unwrap_or_default();
    if component != "device" {
        return entity(component, object, config, config, device).into_iter().collect();
    }
    let components = config.get("components").or_else(|| config.get("cmps")).map_or(&[][..], Tree::entries);
    let entities = components.iter().filter_map(|(object, own)| {
        let component = says(own, "platform", "p")?;
        entity(component, object, own, config, device)
    });
    entities.collect()
}

/// The announcement of one value; `shared` is what all of its device have in common.
fn entity(component: &str, object: &str, own: &Tree<'_>, shared: &Tree<'_>, device: &str) -> Option<Announcement> {
    let on_off = |default: &str, long: &str, short: &str| -> Box<str> {
        let said = own.get(long).or_else(|| own.get(short)).and_then(as_text);
        said.map_or_else(|| default.into(), |said| said.into())
    };
    let switch = match component {
        "sensor" | "number" | "text" => None,
        "binary_sensor" => Some((on_off("ON", "payload_on", "pl_on"), on_off("OFF", "payload_off", "pl_off"))),
        "switch" => {
            let (on, off) = (on_off("ON", "payload_on", "pl_on"), on_off("OFF", "payload_off", "pl_off"));
            Some((on_off(&on, "state_on", "stat_on"), on_off(&off, "state_off", "stat_off")))
        }
        _ => return None,
    };
    let topic = says(own, "state_topic", "stat_t").or_else(|| says(shared, "state_topic", "stat_t"))?;
    let base = own.text_at(&["~"]).or_else(|| shared.text_at(&["~"])).unwrap_or_default();
    let topic = match (topic.strip_prefix('~'), topic.strip_suffix('~')) {
        (Some(rest), _) => format!("{base}{rest}"),
        (None, Some(rest)) => format!("{rest}{base}"),
        (None, None) => topic.to_owned(),
    };
    let names = match says(own, "value_template", "val_tpl") {
        None => Vec::new(),
        Some(template) => path(template)?,
    };
    let class = says(own, "device_class", "dev_cla");
    let display_name = own.text_at(&["name"]).or(class).unwrap_or(object);
    let unit = says(own, "unit_of_measurement", "unit_of_meas").and_then(ucum).unwrap_or_default();
    let field = Field {
        name: column(display_name).or_else(|| column(object))?,
        display_name: shortened(display_name),
        unit: unit.into(),
        place: Place::Below { names, switch },
    };
    Some(Announcement { topic: topic.into(), announced: Announced { device: device.into(), fields: vec![field] } })
}

/// The names behind `value_json` in a template that is nothing else; none behind `value`.
fn path(template: &str) -> Option<Vec<Box<str>>> {
    let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    if inner == "value" {
        return Some(Vec::new());
    }
    let mut rest = inner.strip_prefix("value_json")?;
    let mut names = Vec::new();
    while !rest.is_empty() && names.len() < MAX_LEVELS {
        let (name, behind) = if let Some(dotted) = rest.strip_prefix('.') {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            dotted.split_at(dotted.find(|c| !is_word(c)).unwrap_or(dotted.len()))
        } else {
            let quoted = rest.strip_prefix('[')?;
            let quote = quoted.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
            let (name, behind) = quoted.get(1..)?.split_once(quote)?;
            (name, behind.strip_prefix(']')?)
        };
        if name.is_empty() {
            return None;
        }
        names.push(name.into());
        rest = behind;
    }
    (rest.is_empty() && !names.is_empty()).then_some(names)
}

/// The name of a column; none when nothing is left of it.
fn column(name: &str) -> Option<Box<str>> {
    let name = plain(name);
    (!name.is_empty() && name.len() <= MAX_NAME_BYTES).then(|| name.into())
}

fn shortened(name: &str) -> Box<str> {
    name.chars().filter(|c| !c.is_control()).take(MAX_DISPLAY_NAME).collect::<String>().into()
}

/// The UCUM code of a unit as people write it; none when it has no code that is known.
fn ucum(unit: &str) -> Option<&str> {
    Some(match unit {
        "°C" => "Cel",
        "°F" => "[degF]",
        "°" => "deg",
        "µg/m³" | "μg/m³" => "ug/m3",
        "mg/m³" => "mg/m3",
        "m³" => "m3",
        "m³/h" => "m3/h",
        "m²" => "m2",
        "lx" => "lx",
        "VA" => "V.A",
        "kVA" => "kV.A",
        "ppm" => "[ppm]",
        "ppb" => "[ppb]",
        "mi" => "[mi_i]",
        "mph" => "[mi_i]/h",
        "km/h" => "km/h",
        "min" => "min",
        "dB" => "dB",
        "dBm" => "dB[mW]",
        "psi" => "[psi]",
        other if other.len() <= MAX_UNIT_BYTES && other.bytes().all(|byte| byte.is_ascii_graphic()) => other,
        _ => return None,
    })
}

fn zigbee(devices: &Tree<'_>) -> Vec<Announcement> {
    let announced = devices.items().iter().filter_map(|device| {
        let name = device.text_at(&["friendly_name"])?;
        let mut fields = Vec::new();
        let exposes = device.at(&["definition", "exposes"]).map_or(&[][..], Tree::items);
        exposes.iter().for_each(|expose| exposed(expose, "", &mut fields));
        let announced = Announced { device: name.into(), fields };
        (!announced.fields.is_empty()).then(|| Announcement { topic: format!("zigbee2mqtt/{name}").into(), announced })
    });
    announced.take(MAX_ANNOUNCED).collect()
}

/// The fields of what a device exposes; several where it has features.
fn exposed(expose: &Tree<'_>, outer: &str, fields: &mut Vec<Field>) {
    if fields.len() >= MAX_FIELDS {
        return;
    }
    let property = expose.text_at(&["property"]).unwrap_or_default();
    let joined = match (outer, property) {
        ("", property) => Cow::Borrowed(property),
        (outer, "") => Cow::Borrowed(outer),
        (outer, property) => flattened(outer, property).unwrap_or(Cow::Borrowed(property)),
    };
    let features = expose.get("features").map_or(&[][..], Tree::items);
    if !features.is_empty() {
        features.iter().for_each(|feature| exposed(feature, &joined, fields));
        return;
    }
    if let Some(name) = column(&joined) {
        let display_name = expose.text_at(&["label"]).unwrap_or(property);
        let unit = expose.text_at(&["unit"]).and_then(ucum).unwrap_or_default();
        fields.push(Field { name, display_name: shortened(display_name), unit: unit.into(), place: Place::Make });
    }
}

#[cfg(test)]
mod tests;
