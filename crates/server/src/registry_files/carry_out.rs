//! Does the steps of a plan, one request each.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

use super::current::Current;
use super::document::Kind;
use super::plan::{Act, Plan, Step};
use crate::client::Remote;

/// Does all steps and says what was done. The first that fails ends it; what was done stays.
pub(super) async fn carry_out(remote: &Remote, plan: &Plan, current: &Current) -> Result<String> {
    let steps = plan.steps();
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
    let path = step.kind.path();
    match &step.act {
        Act::Add(members) => {
            let body = with_ids(step.kind, members.clone(), ids)?;
            let made = remote.send(remote.request(Method::POST, path).json(&body)).await?;
            let made: Value = made.json().await.context("the server's answer cannot be read")?;
            let id = made.get("id").and_then(Value::as_str).context("the server's answer names no id")?;
            ids.insert((step.kind, step.name.to_lowercase()), id.to_owned());
        }
        Act::Change { id, version, members } => {
            let after = members.iter().map(|(member, (_, after))| (member.clone(), after.clone())).collect();
            let mut body = with_ids(step.kind, after, ids)?;
            body.insert("version".to_owned(), json!(version));
            remote.send(remote.request(Method::PATCH, &format!("{path}/{id}")).json(&body)).await?;
        }
        Act::Remove { id, version } => {
            remote.send(remote.request(Method::DELETE, &format!("{path}/{id}?version={version}"))).await?;
        }
    }
    Ok(())
}

/// Names that stand for other things become their ids, as the API wants them.
fn with_ids(
    kind: Kind,
    mut members: Map<String, Value>,
    ids: &HashMap<(Kind, String), String>,
) -> Result<Map<String, Value>> {
    if kind == Kind::Device
        && let Some(of) = members.get_mut("type")
        && let Some(name) = of.as_str()
    {
        let id = ids.get(&(Kind::DeviceType, name.to_lowercase()));
        *of = json!(id.with_context(|| format!("there is no device type {name:?}"))?);
    }
    Ok(members)
}
