//! What things of files say about other things: that those will be there, before anything is changed.
//!
//! Names are spelled as the thing is that they mean, because case does not matter in them: those of the server as they will be, so
//! that another spelling of one thing changes nothing else. Parents come before what is in them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use sensorium_metadata::places::PlacePath;

use super::current::{Current, Known};
use super::document::{Declared, Document, Kind};
use super::read::Wanted;

/// Checks what the files say about other things, and spells their names as they are.
pub(super) fn resolve(current: &mut Current, wanted: &mut Wanted, prune: bool) -> Result<()> {
    let document = &mut wanted.document;
    if let Some(places) = &mut document.places {
        places.sort_by_key(|place| place.path().depth());
    }
    let types = Names::after(&current.device_types, document.device_types.as_deref(), prune);
    let mut places = Names::after(&current.places, document.places.as_deref(), prune);
    places_of(wanted, &mut places)?;
    places_are_as_they_were(current, wanted)?;
    devices_of(wanted, &types, &places)?;
    what_stays_keeps_what_it_names(current, &wanted.document, prune, &types, &places)?;
    no_two_write_as_one(current, wanted, prune)?;
    let devices = Names::after(&current.devices, wanted.document.devices.as_deref(), prune);
    groups_of(wanted, &devices, &places)?;
    spell(current, &types, &places, &devices);
    Ok(())
}

/// The things of a kind that there will be: how each is spelled, by its key.
struct Names {
    kind: Kind,
    spelled: HashMap<String, String>,
}

impl Names {
    /// After files were applied.
    fn after<T: Declared>(current: &[Known<T>], wanted: Option<&[T]>, prune: bool) -> Self {
        let mut spelled = HashMap::new();
        if !prune || wanted.is_none() {
            spelled.extend(current.iter().map(|known| (known.thing.key(), known.thing.name())));
        }
        spelled.extend(wanted.into_iter().flatten().map(|thing| (thing.key(), thing.name())));
        Self { kind: T::KIND, spelled }
    }

    /// Whether there will be a thing.
    fn has(&self, name: &str) -> bool {
        self.spelled.contains_key(&name.to_lowercase())
    }

    /// Spells a name as the thing is that it means, if there will be one.
    fn spell(&self, name: &mut String) -> bool {
        let spelled = self.spelled.get(&name.to_lowercase());
        if let Some(spelled) = spelled {
            spelled.clone_into(name);
        }
        spelled.is_some()
    }

    /// As [`Self::spell`], of a path.
    fn spell_path(&self, path: &mut PlacePath) -> bool {
        let spelled = self.spelled.get(&path.key());
        if let Some(spelled) = spelled.and_then(|spelled| spelled.parse().ok()) {
            *path = spelled;
        }
        spelled.is_some()
    }

    /// Spells what something of a file names, or says that there will be no such thing.
    fn find(&self, name: &mut String, of: &Origin<'_>) -> Result<()> {
        if self.spell(name) { Ok(()) } else { bail!(self.missing(name, of)) }
    }

    /// As [`Self::find`], of a path.
    fn find_path(&self, path: &mut PlacePath, of: &Origin<'_>) -> Result<()> {
        if self.spell_path(path) { Ok(()) } else { bail!(self.missing(&path.to_string(), of)) }
    }

    fn missing(&self, name: &str, of: &Origin<'_>) -> String {
        format!("{of} names the {} {name:?}, which neither the files nor the server will have", self.kind)
    }
}

/// A thing of a file, as the subject of a sentence.
struct Origin<'o> {
    file: Option<&'o Path>,
    kind: Kind,
    name: String,
}

impl<'o> Origin<'o> {
    fn of<T: Declared>(thing: &T, files: &'o HashMap<(Kind, String), PathBuf>) -> Self {
        let file = files.get(&(T::KIND, thing.key())).map(PathBuf::as_path);
        Self { file, kind: T::KIND, name: thing.name() }
    }
}

impl std::fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(file) = self.file {
            write!(f, "{}: ", file.display())?;
        }
        write!(f, "the {} {:?}", self.kind, self.name)
    }
}

/// Parents are found, and their names as they are spelled become part of the paths of what is in them.
fn places_of(wanted: &mut Wanted, places: &mut Names) -> Result<()> {
    for place in wanted.document.places.iter_mut().flatten() {
        let of = Origin::of(place, &wanted.files);
        if let Some(parent) = &mut place.parent {
            places.find_path(parent, &of)?;
            places.spelled.insert(place.key(), place.name());
        }
    }
    Ok(())
}

/// What a place is does not change, and a plan without a picture is one that the server has.
fn places_are_as_they_were(current: &Current, wanted: &Wanted) -> Result<()> {
    let present: HashMap<String, &Known<_>> = current.places.iter().map(|known| (known.thing.key(), known)).collect();
    for place in wanted.document.places.iter().flatten() {
        let of = Origin::of(place, &wanted.files);
        let before = present.get(&place.key()).map(|known| &known.thing);
        if before.is_some_and(|before| before.kind != place.kind) {
            bail!("{of} is of another kind on the server, and a place keeps its kind; give this one another name");
        }
        let has_plan = before.is_some_and(|before| before.plan.is_some());
        if place.plan.as_ref().is_some_and(|plan| plan.picture.is_none()) && !has_plan {
            bail!("{of} has a plan without a picture, and the server has none of it; add `picture` with a file to it");
        }
    }
    Ok(())
}

fn devices_of(wanted: &mut Wanted, types: &Names, places: &Names) -> Result<()> {
    for device in wanted.document.devices.iter_mut().flatten() {
        let of = Origin::of(device, &wanted.files);
        if let Some(name) = &mut device.device_type {
            types.find(name, &of)?;
        }
        if let Some(position) = &mut device.position {
            places.find_path(&mut position.place, &of)?;
        }
    }
    Ok(())
}

/// Devices that no file names and that stay must not lose their types and places.
fn what_stays_keeps_what_it_names(
    current: &Current,
    wanted: &Document,
    prune: bool,
    types: &Names,
    places: &Names,
) -> Result<()> {
    for Known { thing: device, .. } in staying(&current.devices, wanted.devices.as_deref(), prune) {
        let place = device.position.as_ref().map(|position| position.place.to_string());
        let named = [(types, &device.device_type), (places, &place)];
        let lost = named
            .into_iter()
            .find_map(|(names, name)| Some((names.kind, name.as_ref().filter(|name| !names.has(name))?)));
        if let Some((kind, name)) = lost {
            bail!(
                "the device {:?} of the server stays and names the {kind} {name:?}, which is in no file and would be removed; \
                 add that to a file, or devices",
                device.name
            );
        }
    }
    Ok(())
}

/// Spells what things of the server name as it will be.
fn spell(current: &mut Current, types: &Names, places: &Names, devices: &Names) {
    for Known { thing: device, .. } in &mut current.devices {
        if let Some(name) = &mut device.device_type {
            types.spell(name);
        }
        if let Some(position) = &mut device.position {
            places.spell_path(&mut position.place);
        }
    }
    for Known { thing: group, .. } in &mut current.groups {
        for name in &mut group.devices {
            devices.spell(name);
        }
        for path in &mut group.places {
            places.spell_path(path);
        }
    }
}

/// Things of the server that no file names and that are not removed.
fn staying<'c, T: Declared>(current: &'c [Known<T>], wanted: Option<&[T]>, prune: bool) -> Vec<&'c Known<T>> {
    if prune && wanted.is_some() {
        return Vec::new();
    }
    let named: std::collections::HashSet<String> = wanted.into_iter().flatten().map(Declared::key).collect();
    current.iter().filter(|known| !named.contains(&known.thing.key())).collect()
}

fn no_two_write_as_one(current: &Current, wanted: &Wanted, prune: bool) -> Result<()> {
    let mut writers: HashMap<String, String> = staying(&current.devices, wanted.document.devices.as_deref(), prune)
        .into_iter()
        .filter_map(|known| Some((known.thing.called()?, known.thing.name())))
        .collect();
    for device in wanted.document.devices.iter().flatten() {
        let Some(called) = device.called() else { continue };
        let of = Origin::of(device, &wanted.files);
        if let Some(other) = writers.insert(called.clone(), device.name()) {
            bail!("{of} writes as {called:?}, and so does the device {other:?}; only one can");
        }
    }
    Ok(())
}

fn groups_of(wanted: &mut Wanted, devices: &Names, places: &Names) -> Result<()> {
    for group in wanted.document.groups.iter_mut().flatten() {
        let of = Origin::of(group, &wanted.files);
        for name in &mut group.devices {
            devices.find(name, &of)?;
        }
        for path in &mut group.places {
            places.find_path(path, &of)?;
        }
        group.sort();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::super::plan::Plan;
    use super::*;

    const HAS: &str = "
device_types:
- {name: Climate, table: climate}
places:
- {name: Farm, kind: site}
- {name: House, kind: building, parent: Farm, plan: {metres_per_pixel: 0.5}}
devices:
- {name: bed, type: Climate, writes_as: esp, position: {place: Farm/House, x: 0.5, y: 0.5}}
- {name: bare}
groups:
- {name: beds, devices: [bed], places: [Farm/House]}
";

    fn document(text: &str) -> Document {
        serde_saphyr::from_str(text).unwrap()
    }

    /// What applying a file would change, or why it is refused.
    fn plan(has: &str, text: &str, prune: bool) -> Result<String, String> {
        let mut current = Current::of_document(document(has));
        let mut wanted = Wanted { document: document(text), ..Wanted::default() };
        for kind in [Kind::DeviceType, Kind::Place, Kind::Device, Kind::Group] {
            for name in ["x", "farm/x", "farm/house", "beds"] {
                wanted.files.insert((kind, name.to_owned()), PathBuf::from("a.yaml"));
            }
        }
        resolve(&mut current, &mut wanted, prune).map_err(|error| error.to_string())?;
        Ok(Plan::make(&current, &wanted.document, prune).to_string())
    }

    #[test]
    fn what_there_will_not_be_is_refused_before_anything_is_changed() {
        for (text, thing, missing) in [
            ("devices: [{name: x, type: Wind}]", "device \"x\"", "device type \"Wind\""),
            ("devices: [{name: x, position: {place: Farm/Barn, x: 0, y: 0}}]", "device \"x\"", "place \"Farm/Barn\""),
            ("places: [{name: X, kind: building, parent: Barn}]", "place \"Barn/X\"", "place \"Barn\""),
            ("groups: [{name: x, devices: [attic]}]", "group \"x\"", "device \"attic\""),
            ("groups: [{name: x, places: [House]}]", "group \"x\"", "place \"House\""),
        ] {
            let sentence = plan(HAS, text, false).unwrap_err();
            assert!(sentence.contains(thing) && sentence.contains(missing), "{sentence}");
            assert_eq!(sentence.starts_with("a.yaml: the "), !thing.contains("Barn"), "{sentence}");
        }
        // What is removed is not there either.
        let pruned = "device_types: []\ndevices: [{name: bed, type: climate}]\n";
        assert!(plan(HAS, pruned, true).unwrap_err().contains("device type \"climate\""));
        assert!(plan(HAS, pruned, false).is_ok());
        for kind in ["device_types", "places"] {
            let sentence = plan(HAS, &format!("{kind}: []\n"), true).unwrap_err();
            assert!(sentence.contains("\"bed\"") && sentence.contains("stays"), "{sentence}");
        }
        assert!(plan(HAS, "places: []\ndevices: []\ngroups: []\n", true).is_ok());
    }

    #[test]
    fn a_place_keeps_its_kind_and_a_plan_needs_a_picture_once() {
        let house = |more: &str| format!("places: [{{name: House, parent: Farm, {more}}}]\n");
        let sentence = plan(HAS, &house("kind: floor"), false).unwrap_err();
        assert!(sentence.starts_with("a.yaml: the place \"Farm/House\" is of another kind"), "{sentence}");
        assert!(
            plan(HAS, &house("kind: building, plan: {}"), false).unwrap().contains("plan.metres_per_pixel: 0.5 → none")
        );
        let bare = "places: [{name: Farm, kind: site, plan: {}}]\n";
        assert!(plan(HAS, bare, false).unwrap_err().contains("`picture`"));
    }

    #[test]
    fn another_spelling_changes_that_thing_alone() {
        assert!(plan(HAS, HAS, true).unwrap().starts_with("Nothing to change"));
        let louder = HAS.replace("Farm", "FARM").replace("name: Climate", "name: climate");
        let text = plan(HAS, &louder, true).unwrap();
        let changed: Vec<&str> = text.lines().filter(|line| line.starts_with('~')).collect();
        assert_eq!(changed, ["~ device type \"Climate\"", "~ place \"Farm\""], "{text}");
        let quieter = HAS.replace("type: Climate", "type: CLIMATE").replace("place: Farm/House", "place: farm / house");
        assert!(plan(HAS, &quieter, true).unwrap().starts_with("Nothing to change"));
    }

    #[test]
    fn a_renamed_parent_takes_all_that_is_in_it_along() {
        let renamed = HAS.replace("Farm", "Ranch");
        let text = plan(
            &HAS.replace(", plan: {metres_per_pixel: 0.5}", ""),
            &renamed.replace(", plan: {metres_per_pixel: 0.5}", ""),
            true,
        )
        .unwrap();
        let steps: Vec<&str> = text.lines().filter(|line| line.starts_with(['+', '~', '-'])).collect();
        let expected = [
            "+ place \"Ranch\"",
            "+ place \"Ranch/House\"",
            "~ device \"bed\"",
            "~ group \"beds\"",
            "- place \"Farm/House\"",
            "- place \"Farm\"",
        ];
        assert_eq!(steps, expected, "{text}");
    }

    #[test]
    fn no_two_devices_write_as_one() {
        let sentence = plan(HAS, "devices: [{name: x, writes_as: ESP}]\n", false).unwrap_err();
        assert!(sentence.contains("\"x\" writes as \"esp\"") && sentence.contains("\"bed\""), "{sentence}");
        assert!(plan(HAS, "devices: [{name: x, writes_as: ESP}]\n", true).is_ok());
        assert!(plan(HAS, "devices: [{name: x, writes_as: a}, {name: bare, writes_as: A}]\n", false).is_err());
    }
}
