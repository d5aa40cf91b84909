//! What a server has.

use std::collections::HashMap;

use anyhow::{Context, Result};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::document::{Declared, Device, DeviceType, Document, Kind};
use crate::client::Remote;

/// Devices of one answer.
const PAGE: u32 = 1_000;

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
    pub(super) devices: Vec<Known<Device>>,
}

impl Current {
    /// Asks the server.
    pub(super) async fn of(remote: &Remote) -> Result<Self> {
        let mut current = Self::default();
        let types = get(remote, remote.request(Method::GET, Kind::DeviceType.path())).await?;
        for listed in list(&types, "types") {
            current.device_types.push(known(listed, &["name", "description", "table", "decoder", "fields"])?);
        }
        let mut after: Option<String> = None;
        loop {
            let request = remote.request(Method::GET, Kind::Device.path()).query(&[("limit", PAGE)]);
            let page = get(remote, request.query(&[("after", &after)])).await?;
            for listed in list(&page, "devices") {
                let mut listed = listed.clone();
                // The type by its name alone.
                if let Some(name) = listed.pointer("/type/name").cloned()
                    && let Some(members) = listed.as_object_mut()
                {
                    members.insert("type".to_owned(), name);
                }
                let members = ["name", "type", "enabled", "attributes", "tags", "location"];
                current.devices.push(known(&listed, &members)?);
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(current),
            }
        }
    }

    /// The ids of things by kind and name without regard to case.
    pub(super) fn ids(&self) -> HashMap<(Kind, String), String> {
        let types = self.device_types.iter().map(|of| ((Kind::DeviceType, of.thing.key()), of.id.clone()));
        let devices = self.devices.iter().map(|of| ((Kind::Device, of.thing.key()), of.id.clone()));
        types.chain(devices).collect()
    }

    /// As files say it.
    pub(super) fn into_document(self) -> Document {
        Document {
            device_types: Some(self.device_types.into_iter().map(|known| known.thing).collect()),
            devices: Some(self.devices.into_iter().map(|known| known.thing).collect()),
        }
    }
}

async fn get(remote: &Remote, request: RequestBuilder) -> Result<Value> {
    let response = remote.send(request).await?;
    response.json().await.context("the server's answer cannot be read")
}

fn list<'v>(answer: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    answer.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// A thing from an answer, which says more of it than files do.
fn known<T: DeserializeOwned>(listed: &Value, members: &[&str]) -> Result<Known<T>> {
    let picked: Map<String, Value> =
        members.iter().filter_map(|name| Some(((*name).to_owned(), listed.get(*name)?.clone()))).collect();
    let unread = "the server's answer cannot be read; is it of another version?";
    Ok(Known {
        thing: serde_json::from_value(Value::Object(picked)).context(unread)?,
        id: listed.get("id").and_then(Value::as_str).context(unread)?.to_owned(),
        version: listed.get("version").and_then(Value::as_i64).context(unread)?,
    })
}
