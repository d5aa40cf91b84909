//! What devices write as, when it goes from one to another: the one that has it gives it away first, because only one can have it.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::current::Known;
use super::document::{Declared, Device, Kind};
use super::plan::{Act, Step};

const MEMBER: &str = "writes_as";

/// The steps that take from devices what others are to write as; the steps that follow are changed to what is then so.
pub(super) fn steps(current: &[Known<Device>], steps: &mut Vec<Step>) -> Vec<Step> {
    let holders: HashMap<String, &Known<Device>> =
        current.iter().filter_map(|known| Some((known.thing.called()?, known))).collect();
    let wanted = steps.iter().filter(|step| step.kind == Kind::Device).filter_map(|step| Some((called(step)?, step)));
    let giving: BTreeMap<String, (&Known<Device>, String)> = wanted
        .filter_map(|(called, step)| {
            let holder = *holders.get(called)?;
            (holder.thing.key() != step.name.to_lowercase()).then(|| (holder.thing.key(), (holder, called.to_owned())))
        })
        .collect();
    let release = |(holder, called): &(&Known<Device>, String)| {
        let members = BTreeMap::from([(MEMBER.to_owned(), (json!(called), Value::Null))]);
        let act = Act::Change { id: holder.id.clone(), version: holder.version, members };
        Step { kind: Kind::Device, name: holder.thing.name(), act }
    };
    let released = giving.values().map(release).collect();
    for step in steps.iter_mut().filter(|step| step.kind == Kind::Device) {
        if !giving.contains_key(&step.name.to_lowercase()) {
            continue;
        }
        match &mut step.act {
            Act::Change { version, members, .. } => {
                *version += 1;
                if let Some((_, after)) = members.remove(MEMBER).filter(|(_, after)| !after.is_null()) {
                    members.insert(MEMBER.to_owned(), (Value::Null, after));
                }
            }
            Act::Remove { version, .. } => *version += 1,
            Act::Add(_) => {}
        }
    }
    steps.retain(|step| !matches!(&step.act, Act::Change { members, .. } if members.is_empty()));
    released
}

/// What a device is to write as.
fn called(step: &Step) -> Option<&str> {
    match &step.act {
        Act::Add(members) => members.get(MEMBER)?.as_str(),
        Act::Change { members, .. } => members.get(MEMBER)?.1.as_str(),
        Act::Remove { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::current::Current;
    use super::super::document::Document;
    use super::super::plan::Plan;

    fn plan(has: &str, wanted: &str) -> String {
        let of = |text: &str| serde_saphyr::from_str::<Document>(text).unwrap();
        Plan::make(&Current::of_document(of(has)), &of(wanted), true).to_string()
    }

    const HAS: &str = "devices: [{name: a, writes_as: one}, {name: b, writes_as: two}]\n";

    #[test]
    fn two_devices_change_places_through_one_that_has_none() {
        let text = plan(HAS, "devices: [{name: a, writes_as: two}, {name: b, writes_as: ONE}]\n");
        let steps: Vec<&str> = text.lines().filter(|line| !line.starts_with("To add")).collect();
        let expected = [
            "~ device \"a\"",
            "    writes_as: \"one\" → none",
            "~ device \"b\"",
            "    writes_as: \"two\" → none",
            "~ device \"a\"",
            "    writes_as: none → \"two\"",
            "~ device \"b\"",
            "    writes_as: none → \"one\"",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_device_that_goes_or_gives_it_away_does_so_first() {
        let text = plan(HAS, "devices: [{name: b, writes_as: two}, {name: c, writes_as: one}]\n");
        assert!(
            text.starts_with("~ device \"a\"\n    writes_as: \"one\" → none\n+ device \"c\"\n- device \"a\"\n"),
            "{text}"
        );
        let text = plan(HAS, "devices: [{name: a}, {name: b, writes_as: two}, {name: c, writes_as: one}]\n");
        assert!(text.starts_with("~ device \"a\"\n    writes_as: \"one\" → none\n+ device \"c\"\nTo add: 1"), "{text}");
        let text = plan(HAS, "devices: [{name: a, writes_as: three}, {name: b, writes_as: two}]\n");
        assert!(text.starts_with("~ device \"a\"\n    writes_as: \"one\" → \"three\"\nTo add: 0"), "{text}");
    }
}
