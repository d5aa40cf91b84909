//! The names from the top down to a place, as people and files write them: `Farm/Greenhouse/Ground floor`.
//!
//! A `/` that is part of a name is written `\/`, and a `\` as `\\`; white space around a name does not count.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sensorium_model::{OrgId, PlaceId};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::Place;
use crate::entity::place;
use crate::error::MetadataError;
use crate::metadata::Metadata;

/// The most names of a path: a site, a building and a floor.
const MAX_DEPTH: usize = 3;

/// Where a place is among the others; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlacePath(Vec<String>);

/// A text that names no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a place is written as Site/Building/Floor, with at most three names; a / that is part of a name as \\/")]
pub struct NoPath;

impl PlacePath {
    /// A place of this name in another one, or by itself.
    pub fn within(parent: Option<&Self>, name: &str) -> Self {
        let mut names = parent.map(|path| path.0.clone()).unwrap_or_default();
        names.push(name.trim().to_owned());
        Self(names)
    }

    /// How many names it has.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// What two paths have in common that lead to the same place: case does not matter.
    pub fn key(&self) -> String {
        self.to_string().to_lowercase()
    }

    /// The paths of places that are known by their ids, from the name and the parent of each. One whose parents are not among
    /// them, or in a circle, has none.
    pub fn of_all<I: Copy + Eq + Hash>(places: &HashMap<I, (&str, Option<I>)>) -> HashMap<I, Self> {
        let path = |id: I| {
            let mut names = Vec::new();
            let mut next = Some(id);
            while let Some(id) = next {
                let (name, parent) = places.get(&id).filter(|_| names.len() < MAX_DEPTH)?;
                names.push((*name).to_owned());
                next = *parent;
            }
            names.reverse();
            Some(Self(names))
        };
        places.keys().filter_map(|id| Some((*id, path(*id)?))).collect()
    }

    /// The paths of an organisation's places.
    pub fn of_places(places: &[Place]) -> HashMap<PlaceId, Self> {
        Self::of_all(&places.iter().map(|place| (place.id, (place.name.as_str(), place.parent))).collect())
    }
}

impl fmt::Display for PlacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "/" };
            write!(f, "{separator}{}", name.replace('\\', "\\\\").replace('/', "\\/"))?;
        }
        Ok(())
    }
}

impl FromStr for PlacePath {
    type Err = NoPath;

    fn from_str(text: &str) -> Result<Self, NoPath> {
        let mut names = Vec::new();
        let mut name = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some(escaped @ ('/' | '\\')) => name.push(escaped),
                    _ => return Err(NoPath),
                },
                '/' => names.push(std::mem::take(&mut name)),
                other => name.push(other),
            }
        }
        names.push(name);
        let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        if names.len() > MAX_DEPTH || names.iter().any(String::is_empty) {
            return Err(NoPath);
        }
        Ok(Self(names))
    }
}

impl TryFrom<String> for PlacePath {
    type Error = NoPath;

    fn try_from(text: String) -> Result<Self, NoPath> {
        text.parse()
    }
}

impl From<PlacePath> for String {
    fn from(path: PlacePath) -> Self {
        path.to_string()
    }
}

impl Metadata {
    /// The places of an organisation by the keys of their paths.
    pub(crate) async fn places_by_path(
        &self,
        on: &impl ConnectionTrait,
        org: OrgId,
    ) -> Result<HashMap<String, PlaceId>, MetadataError> {
        let rows = place::Entity::find().filter(place::Column::OrgId.eq(*org.as_uuid())).all(on).await?;
        let places: HashMap<Uuid, (&str, Option<Uuid>)> =
            rows.iter().map(|row| (row.id, (row.name.as_str(), row.parent_id))).collect();
        let paths = PlacePath::of_all(&places).into_iter();
        Ok(paths.map(|(id, path)| (path.key(), PlaceId::from_uuid(id))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for names in [&["Farm"][..], &["Farm", "House 1/2", "a\\b"], &["\\/", "/", "//"]] {
            let path = PlacePath(names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(path.to_string().parse(), Ok(path));
        }
        assert_eq!(r"Farm / House 1\/2".parse(), Ok(PlacePath(vec!["Farm".into(), "House 1/2".into()])));
        for wrong in ["", " ", "/", "a//b", "a/", "/a", "a/b/c/d", r"a\b", r"a\"] {
            assert_eq!(wrong.parse::<PlacePath>(), Err(NoPath), "{wrong}");
        }
        assert_eq!("Farm/HALL".parse::<PlacePath>().unwrap().key(), "farm/hall");
    }

    #[test]
    fn paths_lead_through_the_parents() {
        let places = HashMap::from([
            (1, ("Farm", None)),
            (2, ("House", Some(1))),
            (3, ("Floor", Some(2))),
            (4, ("x", Some(9))),
            (5, ("y", Some(5))),
        ]);
        let paths = PlacePath::of_all(&places);
        let text = |id: i32| paths.get(&id).map(ToString::to_string);
        assert_eq!([1, 2, 3].map(text), ["Farm", "Farm/House", "Farm/House/Floor"].map(|path| Some(path.to_owned())));
        assert_eq!([text(4), text(5)], [None, None]);
    }
}
