//! What the handlers do with mail: they queue it, and go on whatever becomes of it.

use std::sync::Arc;

use sensorium_mail::{Mailer, Words};
use sensorium_metadata::{Addressee, Metadata, NewLink};
use sensorium_model::{ErrorKind, OrgId, UserId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{ApiError, ApiResult};
use crate::state::AppState;

/// Requests for another password that are worked on at one time.
const RESETS: usize = 16;

/// Mail, where it is set up; cheap to clone.
#[derive(Clone)]
pub struct Mail {
    mailer: Mailer,
    resets: Arc<Semaphore>,
}

impl Mail {
    /// Mail that goes through a mailer.
    pub fn new(mailer: Mailer) -> Self {
        Self { mailer, resets: Arc::new(Semaphore::new(RESETS)) }
    }

    pub(crate) fn mailer(&self) -> &Mailer {
        &self.mailer
    }

    /// Queues a message; whether there was room for it.
    pub(crate) fn send(&self, to: &Addressee, words: impl FnOnce(String, String) -> Words) -> bool {
        match self.mailer.reserve(&to.address) {
            Ok(slot) => {
                slot.send(to.org, words(to.login.clone(), to.organisation.clone()));
                true
            }
            Err(error) => {
                tracing::warn!(to = to.address.masked(), %error, "a message is not sent");
                false
            }
        }
    }

    /// Queues the message that confirms an address.
    pub(crate) fn confirm(&self, to: &Addressee, link: NewLink) -> bool {
        self.send(to, |login, organisation| Words::Confirm {
            login,
            organisation,
            code: link.secret,
            expires_at_ms: link.expires_at_ms,
        })
    }

    /// Room to work on a request for another password.
    pub(crate) fn begin_reset(&self) -> ApiResult<OwnedSemaphorePermit> {
        let busy = |_| ApiError::new(ErrorKind::Busy, "too many people ask at this moment; try again in a few seconds");
        self.resets.clone().try_acquire_owned().map_err(busy)
    }

    /// Sends links to whom a request for another password concerns. Whoever asked has their answer already.
    pub(crate) async fn reset(self, metadata: Metadata, wanted: String) {
        if let Err(error) = self.send_resets(&metadata, &wanted).await {
            tracing::error!(%error, "a request for another password could not be worked on");
        }
    }

    async fn send_resets(&self, metadata: &Metadata, wanted: &str) -> Result<(), sensorium_metadata::MetadataError> {
        for person in metadata.forgotten(wanted).await? {
            // Before the link is made, which ends the one before: beyond the limits, the one that was sent stays good.
            let slot = match self.mailer.reserve(&person.address) {
                Ok(slot) => slot,
                Err(error) => {
                    tracing::warn!(to = person.address.masked(), %error, "a link for another password is not sent");
                    continue;
                }
            };
            if let Some(link) = metadata.issue_forgotten(&person).await? {
                let Addressee { org, login, organisation, .. } = person;
                let (code, expires_at_ms) = (link.secret, link.expires_at_ms);
                slot.send(org, Words::Reset { login, organisation, code, expires_at_ms });
            }
        }
        Ok(())
    }
}

/// Mail, or an error that says how to set it up.
pub(crate) fn required(state: &AppState) -> ApiResult<&Mail> {
    state.mail.as_ref().ok_or_else(|| {
        let sentence = "this server sends no mail; set mail.host, mail.from and http.public_url";
        ApiError::new(ErrorKind::Conflict, sentence)
    })
}

/// Tells a person that their password is another one; whoever has an address that does not count yet gets a link that confirms it.
pub(crate) async fn password_chosen(state: &AppState, org: OrgId, id: UserId) {
    let Some(mail) = &state.mail else { return };
    let told = async {
        match state.metadata.addressee(org, id).await? {
            Some(to) if to.confirmed => {
                mail.send(&to, |login, organisation| Words::PasswordChanged { login, organisation });
            }
            Some(_) => {
                if let Some((to, link)) = state.metadata.issue_confirmation(org, id).await? {
                    mail.confirm(&to, link);
                }
            }
            None => {}
        }
        Ok::<_, sensorium_metadata::MetadataError>(())
    };
    if let Err(error) = told.await {
        tracing::error!(%error, "a person could not be told that the password was changed");
    }
}

/// Tells a person who asked to join that they may.
pub(crate) async fn let_in(state: &AppState, org: OrgId, id: UserId) {
    let Some(mail) = &state.mail else { return };
    match state.metadata.issue_confirmation(org, id).await {
        Ok(Some((to, link))) => {
            mail.send(&to, |login, organisation| Words::LetIn { login, organisation, code: link.secret });
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "a person could not be told that they were let in"),
    }
}
