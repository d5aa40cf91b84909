//! The steps of a place: it is added or changed, and its plan is put or taken away.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::current::get;
use super::super::document::Kind;
use super::super::pictures;
use crate::client::Remote;

const PLAN: &str = "plan";
const SCALE: &str = "metres_per_pixel";

/// A place as the server has it after a request.
struct Now {
    id: String,
    version: i64,
    scale: Value,
}

impl Now {
    fn read(answer: &Value) -> Result<Self> {
        Ok(Self {
            id: answer.get("id").and_then(Value::as_str).context("the server's answer names no id")?.to_owned(),
            version: answer.get("version").and_then(Value::as_i64).context("the server's answer names no version")?,
            scale: answer.pointer("/plan/metres_per_pixel").cloned().unwrap_or_default(),
        })
    }
}

/// Adds a place with its plan; its id.
pub(super) async fn add(remote: &Remote, mut members: Map<String, Value>) -> Result<String> {
    let plan = members.remove(PLAN).unwrap_or_default();
    let made = Now::read(&get(remote, remote.request(Method::POST, Kind::Place.path()).json(&members)).await?)?;
    let id = made.id.clone();
    if !plan.is_null() {
        let now = put_picture(remote, &made, &plan).await?;
        set_scale(remote, &now, &plan, Map::new()).await?;
    }
    Ok(id)
}

/// Changes a place and its plan; `before` is the plan that it has.
pub(super) async fn change(
    remote: &Remote,
    (id, version): (&str, i64),
    before: &Value,
    mut members: Map<String, Value>,
) -> Result<()> {
    let scale = before.get(SCALE).cloned().unwrap_or_default();
    let known = Now { id: id.to_owned(), version, scale };
    let Some(plan) = members.remove(PLAN) else {
        return patch(remote, &known, members).await;
    };
    if plan.is_null() {
        let path = format!("{}/{id}/plan?version={version}", Kind::Place.path());
        let now = Now::read(&get(remote, remote.request(Method::DELETE, &path)).await?)?;
        return patch(remote, &now, members).await;
    }
    let now = match plan.get("picture") != before.get("picture") {
        true => put_picture(remote, &known, &plan).await?,
        false => known,
    };
    set_scale(remote, &now, &plan, members).await
}

async fn put_picture(remote: &Remote, place: &Now, plan: &Value) -> Result<Now> {
    let picture = plan.get("picture").and_then(Value::as_str).context("the plan names no picture")?;
    let path = format!("{}/{}/plan?version={}", Kind::Place.path(), place.id, place.version);
    let request = remote.request(Method::PUT, &path).body(pictures::read(picture)?);
    Now::read(&get(remote, request).await?)
}

/// Sets the scale, which a picture of the same size keeps, together with what else changes.
async fn set_scale(remote: &Remote, place: &Now, plan: &Value, mut members: Map<String, Value>) -> Result<()> {
    let scale = plan.get(SCALE).cloned().unwrap_or_default();
    if scale != place.scale {
        members.insert(SCALE.to_owned(), scale);
    }
    patch(remote, place, members).await
}

async fn patch(remote: &Remote, place: &Now, mut members: Map<String, Value>) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    members.insert("version".to_owned(), json!(place.version));
    let path = format!("{}/{}", Kind::Place.path(), place.id);
    remote.send(remote.request(Method::PATCH, &path).json(&members)).await?;
    Ok(())
}
