//! Pictures of plans: files beside the YAML, and what a server has.
//!
//! A server keeps what is left of a picture once it was cleaned. So a file counts as the server's picture if it is that, or if
//! cleaning it, as a server of this version does, makes that of it.
//!
//! Limits: [`MAX_FILE_BYTES`] of a file here, `http.plan_bytes` on the server; one picture at a time is in memory.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use sensorium_api::kept_picture;

use super::current::{Current, Known};
use super::document::{Declared, Document, Kind, Place};
use super::read::MAX_FILE_BYTES;
use super::write;
use crate::client::Remote;

/// Where pictures are written, beside the YAML.
const FOLDER: &str = "plans";
/// The most characters of the name of such a file; each has at most four bytes, and a name 255 of them.
const NAME_CHARACTERS: usize = 50;
/// What a plan shows of a picture that a file is to take the place of.
const ANOTHER: &str = "another picture";

/// Reads the pictures that files name, and finds out which of them the server has.
pub(super) async fn compare(remote: &Remote, current: &mut Current, wanted: &Document) -> Result<()> {
    let mut present: HashMap<String, &mut Known<Place>> =
        current.places.iter_mut().map(|known| (known.thing.key(), known)).collect();
    for place in wanted.places.iter().flatten() {
        let Some(picture) = place.plan.as_ref().and_then(|plan| plan.picture.as_ref()) else { continue };
        let file = read(picture)?;
        let cleaned = kept_picture(&file).with_context(|| format!("{picture} cannot be a plan"))?;
        let Some(known) = present.get_mut(&place.key()) else { continue };
        let Some(plan) = &mut known.thing.plan else { continue };
        let (_, kept) = fetch(remote, &known.id).await?;
        let is_same = kept == file || kept == cleaned;
        plan.picture = Some(if is_same { picture.clone() } else { ANOTHER.to_owned() });
    }
    Ok(())
}

/// A picture that a file names.
pub(super) fn read(path: &str) -> Result<Bytes> {
    let cannot = || format!("cannot read {path}");
    let bytes = std::fs::metadata(path).with_context(cannot)?.len();
    if bytes > MAX_FILE_BYTES {
        bail!(
            "{path} has {bytes} bytes, more than the {MAX_FILE_BYTES} of MAX_FILE_BYTES (a fixed limit); make it smaller"
        );
    }
    Ok(std::fs::read(path).with_context(cannot)?.into())
}

/// Writes the pictures of all plans into a folder, and makes the places name them; where they are.
pub(super) async fn save(remote: &Remote, current: &mut Current, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    let mut names = HashSet::new();
    for known in &mut current.places {
        let path = known.thing.path().key();
        let Some(plan) = &mut known.thing.plan else { continue };
        if written.is_empty() {
            let folder = folder.join(FOLDER);
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let (ending, bytes) = fetch(remote, &known.id).await?;
        let name = format!("{FOLDER}/{}", free_name(&path, ending, &mut names));
        written.push(write::whole(&folder.join(&name), &bytes)?);
        plan.picture = Some(name);
    }
    Ok(written)
}

/// A name for a file, of letters, digits and `-`, that no other has.
fn free_name(path: &str, ending: &str, taken: &mut HashSet<String>) -> String {
    let plain: String = path.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(NAME_CHARACTERS).collect();
    let mut name = format!("{plain}.{ending}");
    let mut number = 2_u32;
    while !taken.insert(name.clone()) {
        name = format!("{plain}-{number}.{ending}");
        number += 1;
    }
    name
}

/// The picture of a place as the server has it, with the ending of a file of its kind.
async fn fetch(remote: &Remote, id: &str) -> Result<(&'static str, Bytes)> {
    let request = remote.request(Method::GET, &format!("{}/{id}/plan", Kind::Place.path()));
    let response = remote.send(request).await?;
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let ending = match media_type {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        other => bail!("the server has a plan of the kind {other:?}, which this program does not know"),
    };
    Ok((ending, response.bytes().await.context("the picture of a plan did not arrive whole")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain_and_of_one_place_each() {
        let mut taken = HashSet::new();
        let mut name = |path: &str| free_name(path, "png", &mut taken);
        assert_eq!(name("farm/haus ä/1.\\/og"), "farm-haus-ä-1---og.png");
        assert_eq!([name("a/b"), name("a-b"), name("a b")], ["a-b.png", "a-b-2.png", "a-b-3.png"]);
        assert!(name(&"\u{10400}".repeat(300)).len() <= 255);
    }
}
