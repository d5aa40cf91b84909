//! Reads a folder of YAML files, or one file, into one document.
//!
//! Limits: [`MAX_FILE_BYTES`] and [`MAX_NODES`] of one file. The pictures that a file names lie beside it, or in folders there.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::document::{Declared, Document, Kind};

/// The most bytes of a file.
pub(super) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// The most values, lists and maps of a file: some 100,000 devices with a dozen of them each.
const MAX_NODES: usize = 4_000_000;

/// The most parts of a file that YAML's own rules let through; aliases are for a few repeated words, not for growth.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
        },
    }
}

/// What the files say together.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) document: Document,
    /// Where each thing stands, by its kind and key.
    pub(super) files: HashMap<(Kind, String), PathBuf>,
}

/// Reads a folder or a file.
pub(super) fn read(path: &Path) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    for file in files(path)? {
        let mut part = read_file(&file)?;
        find_pictures(&mut part, &file)?;
        let Wanted { document: whole, files: seen } = &mut wanted;
        join(&mut whole.device_types, part.device_types, &file, seen)?;
        join(&mut whole.places, part.places, &file, seen)?;
        join(&mut whole.devices, part.devices, &file, seen)?;
        join(&mut whole.templates, part.templates, &file, seen)?;
        join(&mut whole.groups, part.groups, &file, seen)?;
    }
    Ok(wanted)
}

/// Makes paths from where the command runs of those that are relative to a file.
fn find_pictures(part: &mut Document, file: &Path) -> Result<()> {
    for place in part.places.iter_mut().flatten() {
        let name = place.name();
        let Some(picture) = place.plan.as_mut().and_then(|plan| plan.picture.as_mut()) else { continue };
        if !Path::new(picture).components().all(|part| matches!(part, Component::Normal(_))) {
            bail!(
                "{}: the picture {picture:?} of the place {name:?} does not lie beside this file; write it without .. and /",
                file.display()
            );
        }
        *picture = file.with_file_name(&*picture).to_string_lossy().into_owned();
    }
    Ok(())
}

/// The YAML files of a folder by name, or the file itself.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read {}", path.display());
    if !std::fs::metadata(path).with_context(cannot)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(cannot)? {
        let entry = entry.with_context(cannot)?.path();
        if entry.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") && entry.is_file() {
            files.push(entry);
        }
    }
    if files.is_empty() {
        bail!(
            "{} has no .yaml files; `sensorium export-config --output FOLDER` writes some to start from",
            path.display()
        );
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> Result<Document> {
    let cannot = || format!("cannot read {}", path.display());
    let bytes = std::fs::metadata(path).with_context(cannot)?.len();
    if bytes > MAX_FILE_BYTES {
        bail!(
            "{} has {bytes} bytes, more than the {MAX_FILE_BYTES} of MAX_FILE_BYTES (a fixed limit); split it",
            path.display()
        );
    }
    let text = std::fs::read_to_string(path).with_context(cannot)?;
    // A file of nothing but comments says nothing.
    let document: Option<Document> = serde_saphyr::from_str_with_options(&text, options()).map_err(|error| {
        // The first line of an error names the place; what follows quotes the file.
        let sentence = error.without_snippet().to_string();
        anyhow::anyhow!("{}: {}", path.display(), sentence.lines().next().unwrap_or_default())
    })?;
    Ok(document.unwrap_or_default())
}

/// Adds what one more file says of a kind.
fn join<T: Declared>(
    whole: &mut Option<Vec<T>>,
    part: Option<Vec<T>>,
    file: &Path,
    seen: &mut HashMap<(Kind, String), PathBuf>,
) -> Result<()> {
    let Some(part) = part else { return Ok(()) };
    for thing in &part {
        if let Some(before) = seen.insert((T::KIND, thing.key()), file.to_owned()) {
            let (name, file, before) = (thing.name(), file.display(), before.display());
            bail!("the {} {name:?} of {file} stands in {before} already; names differ by more than case", T::KIND);
        }
    }
    whole.get_or_insert_default().extend(part);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(files: &[(&str, &str)]) -> Result<Document> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Ok(read(folder.path())?.document)
    }

    fn refusal(text: &str) -> String {
        read_as(&[("bad.yaml", text)]).unwrap_err().to_string()
    }

    #[test]
    fn files_are_joined_and_a_kind_that_none_mentions_is_absent() {
        let devices = "devices:\n- name: attic\n- {name: cellar, enabled: false, tags: {floor: '-1'}}\n";
        let document =
            read_as(&[("b.yaml", devices), ("a.yml", "devices: [{name: hall}]\n"), ("c.txt", "{{")]).unwrap();
        let names: Vec<String> = document.devices.iter().flatten().map(Declared::name).collect();
        assert_eq!(names, ["hall", "attic", "cellar"]);
        assert!(document.device_types.is_none());
        assert!(read_as(&[("a.yaml", "# nothing yet\n")]).unwrap().devices.is_none());
        assert_eq!(read_as(&[("a.yaml", "devices: []\n")]).unwrap().devices, Some(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let sentence = refusal("devices:\n- name: attic\n  enabledd: true\n");
        assert!(
            sentence.contains("bad.yaml: ") && sentence.contains("enabledd") && sentence.ends_with("line 3, column 3"),
            "{sentence}"
        );
        let sentence = refusal("devices:\n- name: attic\n  enabled: yes\n");
        assert!(sentence.contains("line 3"), "{sentence}");
        let sentence = refusal("devices:\n- {name: attic\n");
        assert!(sentence.contains(" at line "), "{sentence}");
        let sentence = refusal("devices:\n- type: x\n");
        assert!(sentence.contains("name"), "{sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
    }

    #[test]
    fn a_name_stands_once_whatever_its_case() {
        let twice = [("a.yaml", "devices: [{name: Attic}]\n"), ("b.yaml", "devices: [{name: attic}]\n")];
        let sentence = read_as(&twice).unwrap_err().to_string();
        assert!(sentence.contains("b.yaml") && sentence.contains("a.yaml"), "{sentence}");
        let of_two_kinds = "devices: [{name: dht22}]\ndevice_types: [{name: DHT22, table: climate}]\n";
        assert!(read_as(&[("a.yaml", of_two_kinds)]).is_ok());
    }

    #[test]
    fn a_place_stands_once_at_its_path_and_its_picture_beside_the_file() {
        let of = |text: &str| read_as(&[("a.yaml", text)]).map_err(|error| error.to_string());
        let two =
            "places: [{name: A, kind: site}, {name: Hall, kind: building}, {name: Hall, kind: building, parent: A}]";
        assert!(of(two).is_ok());
        let twice = "places: [{name: Hall, kind: building, parent: a}, {name: hall, kind: building, parent: ' A '}]";
        assert!(of(twice).unwrap_err().contains("already"));
        assert!(
            of("places: [{name: Hall, kind: building, parent: a//b}]").unwrap_err().contains("Site/Building/Floor")
        );
        let with = |picture: &str| of(&format!("places: [{{name: Hall, kind: site, plan: {{picture: {picture}}}}}]"));
        let picture = with("plans/hall.png").unwrap().places.unwrap().remove(0).plan.unwrap().picture.unwrap();
        assert!(Path::new(&picture).is_absolute() && picture.ends_with("/plans/hall.png"), "{picture}");
        for elsewhere in ["../hall.png", "/etc/hall.png", "plans/../../hall.png"] {
            assert!(with(elsewhere).unwrap_err().contains("beside this file"));
        }
    }

    #[test]
    fn a_file_that_grows_by_aliases_is_refused() {
        let mut text = "a0: &a0 {x: x}\n".to_owned();
        for n in 1..30 {
            let before = n - 1;
            text.push_str(&format!("a{n}: &a{n} [*a{before}, *a{before}, *a{before}, *a{before}]\n"));
        }
        refusal(&text);
        let of_lists = format!("devices: {}{}", "[".repeat(10_000), "]".repeat(10_000));
        refusal(&of_lists);
    }

    #[test]
    fn a_folder_without_files_says_where_some_come_from() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("export-config"));
        assert!(read(&folder.path().join("missing")).unwrap_err().to_string().contains("missing"));
    }
}
