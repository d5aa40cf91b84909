//! What applying files would change: a list of steps, made without any request.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use serde_json::{Map, Value, json};

use super::current::{Current, Known};
use super::document::{Declared, Document, Kind};
use super::release;

/// The most steps that are printed one by one.
const SHOWN: usize = 200;
/// The most characters of a value that is printed.
const SHOWN_VALUE: usize = 100;

/// The steps, in the order in which they can be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    steps: Vec<Step>,
    /// Things that are as the files say.
    same: usize,
    /// Things of the server that no file names and that stay.
    others: usize,
}

/// One thing that is added, changed or removed.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) act: Act,
}

/// What is done with it.
#[derive(Debug, PartialEq)]
pub(super) enum Act {
    /// With these members.
    Add(Map<String, Value>),
    /// From what it was to what it is to be, by member.
    Change {
        id: String,
        version: i64,
        members: BTreeMap<String, (Value, Value)>,
    },
    Remove {
        id: String,
        version: i64,
    },
}

impl Plan {
    /// Compares with what [`super::references::resolve`] has checked. Things that no file names are removed if `prune`, and only
    /// of the kinds that some file mentions.
    pub(super) fn make(current: &Current, wanted: &Document, prune: bool) -> Self {
        let mut plan = Self::default();
        let mut removals = Vec::new();
        plan.compare(&current.device_types, wanted.device_types.as_deref(), prune, &mut removals);
        let types = removals.len();
        plan.compare(&current.places, wanted.places.as_deref(), prune, &mut removals);
        // What is in a place goes before it.
        if let Some(places) = removals.get_mut(types..) {
            places.reverse();
        }
        let before_devices = plan.steps.len();
        plan.compare(&current.devices, wanted.devices.as_deref(), prune, &mut removals);
        plan.compare(&current.templates, wanted.templates.as_deref(), prune, &mut removals);
        plan.compare(&current.groups, wanted.groups.as_deref(), prune, &mut removals);
        // What needs others goes before what they need.
        removals.sort_by_key(|step: &Step| std::cmp::Reverse(step.kind));
        plan.steps.extend(removals);
        let released = release::steps(&current.devices, &mut plan.steps);
        plan.steps.splice(before_devices..before_devices, released);
        plan
    }

    fn compare<T: Declared>(
        &mut self,
        current: &[Known<T>],
        wanted: Option<&[T]>,
        prune: bool,
        removals: &mut Vec<Step>,
    ) {
        let Some(wanted) = wanted else {
            self.others += current.len();
            return;
        };
        let known: HashMap<String, &Known<T>> = current.iter().map(|known| (known.thing.key(), known)).collect();
        let step = |name: String, act| Step { kind: T::KIND, name, act };
        for thing in wanted {
            let Some(known) = known.get(&thing.key()) else {
                let mut members = thing.members();
                members.extend(thing.fixed());
                self.steps.push(step(thing.name(), Act::Add(members)));
                continue;
            };
            let mut before = known.thing.members();
            let changed = thing.members().into_iter().filter_map(|(member, after)| {
                let before = before.remove(&member).unwrap_or_default();
                (before != after).then_some((member, (before, after)))
            });
            let members: BTreeMap<String, (Value, Value)> = changed.collect();
            if members.is_empty() {
                self.same += 1;
                continue;
            }
            let (id, version) = (known.id.clone(), known.version);
            self.steps.push(step(known.thing.name(), Act::Change { id, version, members }));
        }
        let named: HashSet<String> = wanted.iter().map(Declared::key).collect();
        for known in current.iter().filter(|known| !named.contains(&known.thing.key())) {
            if prune {
                let (id, version) = (known.id.clone(), known.version);
                removals.push(step(known.thing.name(), Act::Remove { id, version }));
            } else {
                self.others += 1;
            }
        }
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps, in their order.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many things are added, changed and removed.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        self.steps.iter().fold((0, 0, 0), |(added, changed, removed), step| match step.act {
            Act::Add(_) => (added + 1, changed, removed),
            Act::Change { .. } => (added, changed + 1, removed),
            Act::Remove { .. } => (added, changed, removed + 1),
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.steps.iter().take(SHOWN) {
            let Step { kind, name, act } = step;
            match act {
                Act::Add(_) => writeln!(f, "+ {kind} {name:?}")?,
                Act::Remove { .. } => writeln!(f, "- {kind} {name:?}")?,
                Act::Change { members, .. } => {
                    writeln!(f, "~ {kind} {name:?}")?;
                    for (member, (before, after)) in members {
                        show_change(f, member, before, after)?;
                    }
                }
            }
        }
        if let Some(more @ 1..) = self.steps.len().checked_sub(SHOWN) {
            writeln!(f, "… and {more} more")?;
        }
        let (added, changed, removed) = self.counts();
        let Self { same, others, .. } = self;
        if self.is_empty() {
            return writeln!(f, "Nothing to change: {same} are as the files say, {others} are in no file.");
        }
        writeln!(
            f,
            "To add: {added}, to change: {changed}, to remove: {removed}; {same} are as the files say, {others} are in no file and stay."
        )
    }
}

/// A member that changes; of a map or a list of named things, only what differs in it.
fn show_change(f: &mut fmt::Formatter<'_>, member: &str, before: &Value, after: &Value) -> fmt::Result {
    let (Some(parts_before), Some(parts_after)) = (parts(before), parts(after)) else {
        return writeln!(f, "    {member}: {} → {}", shown(before), shown(after));
    };
    let names: std::collections::BTreeSet<&String> = parts_before.keys().chain(parts_after.keys()).collect();
    let mut differs = false;
    for name in names {
        let [before, after] = [&parts_before, &parts_after].map(|parts| parts.get(name).unwrap_or(&Value::Null));
        if before != after {
            differs = true;
            writeln!(f, "    {member}.{name}: {} → {}", shown(before), shown(after))?;
        }
    }
    if differs { Ok(()) } else { writeln!(f, "    {member}: in another order") }
}

/// The parts of a map, or of a list of things that have names.
fn parts(value: &Value) -> Option<BTreeMap<String, Value>> {
    match value {
        Value::Object(members) => Some(members.clone().into_iter().collect()),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                let mut members = item.as_object()?.clone();
                let name = members.remove("name")?;
                Some((name.as_str()?.to_owned(), json!(members)))
            })
            .collect(),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() {
        return "none".to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_VALUE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        serde_saphyr::from_str(text).unwrap()
    }

    fn server(text: &str) -> Current {
        Current::of_document(document(text))
    }

    const HAS: &str = "
device_types:
- name: Climate
  table: climate
  fields: [{name: temperature, unit: Cel, min: -40}, {name: humidity, unit: '%'}]
devices:
- {name: attic, type: Climate, tags: {floor: '3', site: home}}
- {name: cellar, type: Climate, enabled: false}
";

    fn acts(plan: &Plan) -> Vec<String> {
        let word = |act: &Act| match act {
            Act::Add(_) => "add",
            Act::Change { .. } => "change",
            Act::Remove { .. } => "remove",
        };
        plan.steps.iter().map(|step| format!("{} {} {}", word(&step.act), step.kind, step.name)).collect()
    }

    #[test]
    fn what_a_server_has_changes_nothing_there() {
        let plan = Plan::make(&server(HAS), &document(HAS), true);
        assert!(plan.is_empty(), "{plan}");
        assert_eq!(plan.to_string(), "Nothing to change: 3 are as the files say, 0 are in no file.\n");
    }

    #[test]
    fn an_empty_server_gets_types_before_devices() {
        let plan = Plan::make(&Current::default(), &document(HAS), false);
        assert_eq!(acts(&plan), ["add device type Climate", "add device attic", "add device cellar"]);
    }

    #[test]
    fn a_change_shows_only_what_differs() {
        let wanted = "
device_types:
- name: climate
  table: climate
  fields: [{name: temperature, unit: Cel, min: -20}, {name: humidity, unit: '%'}]
devices:
- {name: attic, type: Climate, tags: {site: home, room: a}}
";
        let plan = Plan::make(&server(HAS), &document(wanted), false);
        let text = plan.to_string();
        let expected = "~ device type \"Climate\"\n    \
            fields.temperature: {\"min\":-40.0,\"unit\":\"Cel\"} → {\"min\":-20.0,\"unit\":\"Cel\"}\n    \
            name: \"Climate\" → \"climate\"\n\
            ~ device \"attic\"\n    tags.floor: \"3\" → none\n    tags.room: none → \"a\"\n\
            To add: 0, to change: 2, to remove: 0; 0 are as the files say, 1 are in no file and stay.\n";
        assert_eq!(text, expected);
        let [_, Step { act: Act::Change { id, version, members }, .. }] = plan.steps() else { panic!("{plan:?}") };
        assert_eq!((id.as_str(), *version, members.len()), ("id of attic", 3, 1));
    }

    #[test]
    fn pruning_removes_devices_before_types_and_spares_kinds_that_no_file_mentions() {
        let plan = Plan::make(&server(HAS), &document("device_types: []\ndevices: []\n"), true);
        assert_eq!(acts(&plan), ["remove device attic", "remove device cellar", "remove device type Climate"]);
        let plan = Plan::make(&server(HAS), &document("devices: []\n"), true);
        assert_eq!(acts(&plan), ["remove device attic", "remove device cellar"]);
        let plan = Plan::make(&server(HAS), &document("devices: []\n"), false);
        assert!(plan.is_empty() && plan.others == 3);
    }

    const FARM: &str = "
places:
- {name: Farm, kind: site}
- {name: House, kind: building, parent: Farm}
- {name: Ground, kind: floor, parent: Farm/House, level: 0}
devices:
- {name: bed, position: {place: Farm/House/Ground, x: 0.5, y: 0.5}}
groups:
- {name: beds, devices: [bed], places: [Farm/House]}
";

    #[test]
    fn places_are_added_from_the_top_and_removed_from_the_bottom() {
        let plan = Plan::make(&Current::default(), &document(FARM), false);
        let added = ["place Farm", "place Farm/House", "place Farm/House/Ground", "device bed", "group beds"];
        assert_eq!(acts(&plan), added.map(|thing| format!("add {thing}")));
        let nothing = document("places: []\ndevices: []\ngroups: []\n");
        let removed = ["group beds", "device bed", "place Farm/House/Ground", "place Farm/House", "place Farm"];
        assert_eq!(acts(&Plan::make(&server(FARM), &nothing, true)), removed.map(|thing| format!("remove {thing}")));
        assert!(Plan::make(&server(FARM), &document(FARM), true).is_empty());
    }

    #[test]
    fn names_that_would_disturb_a_terminal_are_printed_as_text() {
        let wanted = document("devices: [{name: \"a\\e[2Jb\"}]\n");
        let plan = Plan::make(&Current::default(), &wanted, false).to_string();
        assert!(plan.starts_with("+ device \"a\\u{1b}[2Jb\"\n"), "{plan}");
    }
}
