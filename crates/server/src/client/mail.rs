//! `sensorium mail`: a test message, and what the mail server says to it.

use anyhow::{Context, Result, bail};
use reqwest::Method;
use sensorium_mail::{Letter, MailError, Mailer, Words};
use sensorium_model::{EmailAddress, OrgId};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Remote, load, local};
use crate::cli::{MailAction, MailArgs, ReachFlags};
use crate::serve::mail_config;

/// What the mail server did with the message.
#[derive(Deserialize)]
struct Tested {
    accepted: bool,
    answer: String,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "the answer to a person")]
pub(crate) async fn mail(args: MailArgs) -> Result<()> {
    let MailAction::Test { address } = args.action;
    let to: EmailAddress = address.parse().with_context(|| format!("{address:?} is no e-mail address"))?;
    let tested = match server(&args.reach).await? {
        Some(remote) => ask(&remote, &to).await?,
        None => directly(&args.reach, to).await?,
    };
    if !tested.accepted {
        bail!("the mail server did not take the message: {}", tested.answer);
    }
    println!("The mail server took the message: {}", tested.answer);
    Ok(())
}

/// The server at `--url`, or the one that uses the data folder, if it runs.
async fn server(flags: &ReachFlags) -> Result<Option<Remote>> {
    match &flags.url {
        Some(url) => Ok(Some(Remote::new(url, flags.token.clone())?)),
        None => local(&load(&flags.config)?.settings.data_dir, flags).await,
    }
}

async fn ask(remote: &Remote, to: &EmailAddress) -> Result<Tested> {
    let body = json!({"address": to.as_str()});
    let response = remote.send(remote.request(Method::POST, "/api/v1/mail/test").json(&body)).await?;
    response.json().await.context("the server's answer cannot be read")
}

/// With this command's own settings, as no server runs.
async fn directly(flags: &ReachFlags, to: EmailAddress) -> Result<Tested> {
    let Some(config) = mail_config(&load(&flags.config)?.settings)? else {
        bail!("mail is not set up; set mail.host, mail.from and http.public_url");
    };
    // Nothing is recorded, so that it belongs to nobody.
    let letter = Letter { org: OrgId::from_uuid(Uuid::nil()), to, words: Words::Test };
    match Mailer::send_once(config, &letter).await {
        Ok(answer) => Ok(Tested { accepted: true, answer }),
        Err(MailError::Delivery { answer, .. }) => Ok(Tested { accepted: false, answer }),
        Err(error) => Err(error.into()),
    }
}
