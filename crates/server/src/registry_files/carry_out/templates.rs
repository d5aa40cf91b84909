//! The steps of a template: a version is submitted and accepted, or what was accepted is withdrawn.
//!
//! There is nothing to change of a version that was submitted, so that a change is the next version. A version names no other
//! that it follows; that nobody was faster is seen by asking just before.

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::current::{get, list};
use super::super::document::Kind;
use crate::client::Remote;

const SUBMISSIONS: &str = "/api/v1/submissions";
/// What a template to submit consists of.
const MEMBERS: [&str; 6] = ["id", "title", "hardware", "language", "description", "variables"];

/// Fails for those who may not submit templates, with the server's sentence.
pub(super) async fn require(remote: &Remote) -> Result<()> {
    accepted(remote).await.context(
        "the files change templates, which only a person may, or who runs the server: take templates out of the files, or give the command on the server's machine without --token",
    )?;
    Ok(())
}

/// Submits a template and accepts it.
pub(super) async fn add(remote: &Remote, template: &Map<String, Value>) -> Result<()> {
    let submitted = get(remote, remote.request(Method::POST, SUBMISSIONS).json(&json!({"template": template}))).await?;
    let id = submitted.get("id").and_then(Value::as_str).context("the server's answer names no id")?;
    let review = remote.request(Method::POST, &format!("{SUBMISSIONS}/{id}/review"));
    let accepted = remote.send(review.json(&json!({"decision": "accept"}))).await;
    accepted.context("it was submitted and waits for an administrator")?;
    Ok(())
}

/// Submits and accepts the next version, with what changes.
pub(super) async fn change(remote: &Remote, (id, version): (&str, i64), changed: Map<String, Value>) -> Result<()> {
    let whole = unchanged(remote, id, version).await?;
    let mut template: Map<String, Value> =
        MEMBERS.iter().filter_map(|member| Some(((*member).to_owned(), whole.get(*member)?.clone()))).collect();
    template.insert("files".to_owned(), whole.get("sources").cloned().unwrap_or_default());
    template.extend(changed);
    add(remote, &template).await
}

/// Withdraws every accepted version, so that no code is made of any.
pub(super) async fn remove(remote: &Remote, (id, version): (&str, i64)) -> Result<()> {
    unchanged(remote, id, version).await?;
    let mut withdrawn = 0_u32;
    loop {
        let found: Vec<String> = accepted(remote)
            .await?
            .iter()
            .filter(|submission| submission.get("subject").and_then(Value::as_str) == Some(id))
            .filter_map(|submission| Some(submission.get("id")?.as_str()?.to_owned()))
            .collect();
        if found.is_empty() {
            break;
        }
        for submission in found {
            remote.send(remote.request(Method::DELETE, &format!("{SUBMISSIONS}/{submission}"))).await?;
            withdrawn += 1;
        }
    }
    if withdrawn == 0 {
        bail!("its submission is not among the newest that the server lists; withdraw it on the page Templates");
    }
    Ok(())
}

/// A template, if its version is the one that a change was planned for.
async fn unchanged(remote: &Remote, id: &str, version: i64) -> Result<Value> {
    let whole = get(remote, remote.request(Method::GET, &format!("{}/{id}", Kind::Template.path()))).await?;
    if whole.get("version").and_then(Value::as_i64) != Some(version) {
        bail!("another version was accepted in the meantime; look at it, and give the command again");
    }
    Ok(whole)
}

/// The newest accepted submissions.
async fn accepted(remote: &Remote) -> Result<Vec<Value>> {
    let request = remote.request(Method::GET, SUBMISSIONS).query(&[("kind", "template"), ("status", "accepted")]);
    Ok(list(&get(remote, request).await?, "submissions").cloned().collect())
}
