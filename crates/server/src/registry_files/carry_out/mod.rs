//! Does the steps of a plan: one request each, and for plans of places and for templates a few.

mod places;
mod templates;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

use super::current::{Current, get};
use super::document::Kind;
use super::plan::{Act, Plan, Step};
use crate::client::Remote;

/// Does all steps and says what was done. The first that fails ends it; what was done stays.
pub(super) async fn carry_out(remote: &Remote, plan: &Plan, current: &Current) -> Result<String> {
    let steps = plan.steps();
    if steps.iter().any(|step| step.kind == Kind::Template) {
        templates::require(remote).await?;
    }
    let bar = ProgressBar::new(steps.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} {human_pos} of {human_len}, {eta} left")?);
    let mut ids = current.ids();
    for (done, step) in steps.iter().enumerate() {
        let did = carry_out_one(remote, step, &mut ids).await;
        did.with_context(|| {
            let verb = match step.act {
                Act::Add(_) => "added",
                Act::Change { .. } => "changed",
                Act::Remove { .. } => "removed",
            };
            format!(
                "the {} {:?} could not be {verb}; {done} of {} steps are done, and the same command goes on from there",
                step.kind,
                step.name,
                steps.len()
            )
        })?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (added, changed, removed) = plan.counts();
    Ok(format!("added {added}, changed {changed}, removed {removed}"))
}

async fn carry_out_one(remote: &Remote, step: &Step, ids: &mut HashMap<(Kind, String), String>) -> Result<()> {
    match &step.act {
        Act::Add(members) => add(remote, step, members, ids).await,
        Act::Change { id, version, members } => {
            let after = members.iter().map(|(member, (_, after))| (member.clone(), after.clone())).collect();
            let after = with_ids(step.kind, after, ids)?;
            match step.kind {
                Kind::Place => {
                    let plan = members.get("plan").map_or(&Value::Null, |(before, _)| before);
                    places::change(remote, (id, *version), plan, after).await
                }
                Kind::Template => templates::change(remote, (id, *version), after).await,
                Kind::DeviceType | Kind::Device | Kind::Group => {
                    let mut body = after;
                    body.insert("version".to_owned(), json!(version));
                    let path = format!("{}/{id}", step.kind.path());
                    remote.send(remote.request(Method::PATCH, &path).json(&body)).await?;
                    Ok(())
                }
            }
        }
        Act::Remove { id, version } if step.kind == Kind::Template => templates::remove(remote, (id, *version)).await,
        Act::Remove { id, version } => {
            let path = format!("{}/{id}?version={version}", step.kind.path());
            remote.send(remote.request(Method::DELETE, &path)).await?;
            Ok(())
        }
    }
}

async fn add(
    remote: &Remote,
    step: &Step,
    members: &Map<String, Value>,
    ids: &mut HashMap<(Kind, String), String>,
) -> Result<()> {
    let body = with_ids(step.kind, members.clone(), ids)?;
    let id = match step.kind {
        Kind::Template => return templates::add(remote, &body).await,
        Kind::Place => places::add(remote, body).await?,
        Kind::DeviceType | Kind::Device | Kind::Group => {
            let made = get(remote, remote.request(Method::POST, step.kind.path()).json(&body)).await?;
            made.get("id").and_then(Value::as_str).context("the server's answer names no id")?.to_owned()
        }
    };
    ids.insert((step.kind, step.name.to_lowercase()), id);
    Ok(())
}

/// Names that stand for other things become their ids, as the API wants them.
fn with_ids(
    kind: Kind,
    members: Map<String, Value>,
    ids: &HashMap<(Kind, String), String>,
) -> Result<Map<String, Value>> {
    let named: &[(&str, Kind)] = match kind {
        Kind::Place => &[("/parent", Kind::Place)],
        Kind::Device => &[("/type", Kind::DeviceType), ("/position/place", Kind::Place)],
        Kind::Group => &[("/devices", Kind::Device), ("/places", Kind::Place)],
        Kind::DeviceType | Kind::Template => &[],
    };
    let mut whole = Value::Object(members);
    for (pointer, of) in named {
        if let Some(value) = whole.pointer_mut(pointer) {
            replace(value, *of, ids)?;
        }
    }
    match whole {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// Puts the id in the place of a name, or ids in the place of a list of names.
fn replace(value: &mut Value, of: Kind, ids: &HashMap<(Kind, String), String>) -> Result<()> {
    match value {
        Value::String(name) => {
            let id = ids.get(&(of, name.to_lowercase())).with_context(|| format!("there is no {of} {name:?}"))?;
            id.clone_into(name);
        }
        Value::Array(names) => names.iter_mut().try_for_each(|name| replace(name, of, ids))?,
        _ => {}
    }
    Ok(())
}
