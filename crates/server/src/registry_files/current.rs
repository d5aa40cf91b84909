//! What a server has.

use std::collections::HashMap;

use anyhow::{Context, Result};
use reqwest::{Method, RequestBuilder};
use sensorium_metadata::places::PlacePath;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::document::{Declared, Device, DeviceType, Document, Group, Kind, Place, Template};
use crate::client::Remote;

/// Devices of one answer.
const PAGE: u32 = 1_000;
const UNREAD: &str = "the server's answer cannot be read; is it of another version?";

/// A thing of the server, with what a change of it must name.
#[derive(Debug, Clone)]
pub(super) struct Known<T> {
    pub(super) thing: T,
    pub(super) id: String,
    pub(super) version: i64,
}

/// All that files can declare.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub(super) device_types: Vec<Known<DeviceType>>,
    /// Parents first.
    pub(super) places: Vec<Known<Place>>,
    pub(super) devices: Vec<Known<Device>>,
    pub(super) templates: Vec<Known<Template>>,
    pub(super) groups: Vec<Known<Group>>,
}

impl Current {
    /// Asks the server for types, places and devices.
    pub(super) async fn of(remote: &Remote) -> Result<Self> {
        let mut current = Self::default();
        let types = get(remote, remote.request(Method::GET, Kind::DeviceType.path())).await?;
        for listed in list(&types, "types") {
            current.device_types.push(known(listed, &["name", "description", "table", "decoder", "fields"])?);
        }
        let answer = get(remote, remote.request(Method::GET, Kind::Place.path())).await?;
        let paths = paths(&answer);
        for listed in list(&answer, "places") {
            current.places.push(place(listed, &paths)?);
        }
        current.places.sort_by_cached_key(|known| (known.thing.path().depth(), known.thing.key()));
        let mut after: Option<String> = None;
        loop {
            let request = remote.request(Method::GET, Kind::Device.path()).query(&[("limit", PAGE)]);
            let page = get(remote, request.query(&[("after", &after)])).await?;
            for listed in list(&page, "devices") {
                current.devices.push(device(listed, &paths)?);
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(current),
            }
        }
    }

    /// Asks for the templates that people of the organisation wrote and an administrator accepted.
    pub(super) async fn ask_templates(&mut self, remote: &Remote) -> Result<()> {
        let path = Kind::Template.path();
        let answer = get(remote, remote.request(Method::GET, path)).await?;
        let own = list(&answer, "templates").filter(|listed| listed.get("shipped") == Some(&Value::Bool(false)));
        for listed in own {
            let id = listed.get("id").and_then(Value::as_str).context(UNREAD)?;
            self.templates.push(template(&get(remote, remote.request(Method::GET, &format!("{path}/{id}"))).await?)?);
        }
        Ok(())
    }

    /// Asks for the groups; the server refuses it to all but administrators.
    pub(super) async fn ask_groups(&mut self, remote: &Remote) -> Result<()> {
        let answer = get(remote, remote.request(Method::GET, Kind::Group.path())).await?;
        let paths: HashMap<String, String> =
            self.places.iter().map(|known| (known.id.clone(), known.thing.name())).collect();
        for listed in list(&answer, "groups") {
            self.groups.push(group(listed, &paths)?);
        }
        self.groups.sort_by_cached_key(|known| known.thing.key());
        Ok(())
    }

    /// The ids of things by kind and name without regard to case.
    pub(super) fn ids(&self) -> HashMap<(Kind, String), String> {
        fn of<T: Declared>(known: &[Known<T>]) -> impl Iterator<Item = ((Kind, String), String)> {
            known.iter().map(|known| ((T::KIND, known.thing.key()), known.id.clone()))
        }
        of(&self.device_types).chain(of(&self.places)).chain(of(&self.devices)).collect()
    }

    /// As files say it; without groups where they were not to be seen.
    pub(super) fn into_document(self, with_groups: bool) -> Document {
        fn things<T>(known: Vec<Known<T>>) -> Vec<T> {
            known.into_iter().map(|known| known.thing).collect()
        }
        Document {
            device_types: Some(things(self.device_types)),
            places: Some(things(self.places)),
            devices: Some(things(self.devices)),
            templates: Some(things(self.templates)),
            groups: with_groups.then(|| things(self.groups)),
        }
    }
}

/// The answer to a request.
pub(super) async fn get(remote: &Remote, request: RequestBuilder) -> Result<Value> {
    let response = remote.send(request).await?;
    response.json().await.context("the server's answer cannot be read")
}

/// The things of a list in an answer.
pub(super) fn list<'v>(answer: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    answer.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// A thing from an answer, which says more of it than files do.
fn known<T: DeserializeOwned>(listed: &Value, members: &[&str]) -> Result<Known<T>> {
    // What is null is left out, as in files.
    let picked: Map<String, Value> = members
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), listed.get(*name).filter(|value| !value.is_null())?.clone())))
        .collect();
    Ok(Known {
        thing: serde_json::from_value(Value::Object(picked)).context(UNREAD)?,
        id: listed.get("id").and_then(Value::as_str).context(UNREAD)?.to_owned(),
        version: listed.get("version").and_then(Value::as_i64).context(UNREAD)?,
    })
}

/// The paths of places by their ids, as texts.
fn paths(answer: &Value) -> HashMap<String, String> {
    let text = |listed: &Value, member: &str| listed.get(member).and_then(Value::as_str).map(str::to_owned);
    let all: Vec<(String, String, Option<String>)> = list(answer, "places")
        .filter_map(|listed| Some((text(listed, "id")?, text(listed, "name")?, text(listed, "parent"))))
        .collect();
    let places: HashMap<&str, (&str, Option<&str>)> =
        all.iter().map(|(id, name, parent)| (id.as_str(), (name.as_str(), parent.as_deref()))).collect();
    PlacePath::of_all(&places).into_iter().map(|(id, path)| (id.to_owned(), path.to_string())).collect()
}

/// The path of the place that a member of something names by its id.
fn path_of(member: Option<&Value>, paths: &HashMap<String, String>) -> Result<Value> {
    match member.and_then(Value::as_str) {
        Some(id) => Ok(json!(paths.get(id).context("a place was added while this ran; give the command again")?)),
        None => Ok(Value::Null),
    }
}

/// A thing of an answer, with other members in the place of its own.
fn with<const N: usize>(listed: &Value, members: [(&str, Value); N]) -> Value {
    let mut whole = listed.as_object().cloned().unwrap_or_default();
    whole.extend(members.map(|(member, value)| (member.to_owned(), value)));
    Value::Object(whole)
}

fn place(listed: &Value, paths: &HashMap<String, String>) -> Result<Known<Place>> {
    let plan = listed.get("plan").filter(|plan| !plan.is_null());
    let plan = plan.map(|plan| json!({ "metres_per_pixel": plan.get("metres_per_pixel") })).unwrap_or_default();
    let said = with(listed, [("parent", path_of(listed.get("parent"), paths)?), ("plan", plan)]);
    known(&said, &["name", "kind", "parent", "location", "level", "plan"])
}

fn device(listed: &Value, paths: &HashMap<String, String>) -> Result<Known<Device>> {
    let position = match listed.get("position").filter(|position| !position.is_null()) {
        Some(position) => with(position, [("place", path_of(position.get("place"), paths)?)]),
        None => Value::Null,
    };
    // The type by its name alone.
    let of = listed.pointer("/type/name").cloned().unwrap_or_default();
    let said = with(listed, [("type", of), ("position", position)]);
    known(&said, &["name", "type", "enabled", "attributes", "tags", "writes_as", "location", "position"])
}

/// A template; its version is the number that the next one follows.
fn template(whole: &Value) -> Result<Known<Template>> {
    let said = with(whole, [("files", whole.get("sources").cloned().unwrap_or_default())]);
    known(&said, &["id", "title", "hardware", "language", "description", "variables", "files"])
}

fn group(listed: &Value, paths: &HashMap<String, String>) -> Result<Known<Group>> {
    let devices: Vec<Value> = list(listed, "devices").filter_map(|device| device.get("name").cloned()).collect();
    let places = list(listed, "places").map(|place| path_of(place.get("id"), paths)).collect::<Result<Vec<_>>>()?;
    let said = with(listed, [("devices", devices.into()), ("places", places.into())]);
    let mut known: Known<Group> = known(&said, &["name", "description", "devices", "places"])?;
    known.thing.sort();
    Ok(known)
}

#[cfg(test)]
impl Current {
    /// A server that has what a document says, each thing in version 3.
    pub(super) fn of_document(document: Document) -> Self {
        fn all<T: Declared>(things: Option<Vec<T>>) -> Vec<Known<T>> {
            let known = |thing: T| Known { id: format!("id of {}", thing.name()), version: 3, thing };
            things.into_iter().flatten().map(known).collect()
        }
        let Document { device_types, places, devices, templates, groups } = document;
        Self {
            device_types: all(device_types),
            places: all(places),
            devices: all(devices),
            templates: all(templates),
            groups: all(groups),
        }
    }
}
