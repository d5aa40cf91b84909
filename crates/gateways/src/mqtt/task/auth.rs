//! Who a client is: its password or certificate, or what it proves in an exchange (section 4.12); and whether it still is.
//!
//! A client that names a method with CONNECT says nothing else that counts: neither its password nor its certificate does. When it
//! authenticates again, it stays whom it was: another token of the same device, or of the same organisation if it is none.

use std::sync::Arc;

use bytes::Bytes;
use metrics::counter;
use sensorium_metadata::{CertificateFingerprint, MetadataError, SCRAM_SHA_256, ScramExchange};
use sensorium_model::{ErrorKind, Principal, TokenId};
use sensorium_protocols::mqtt::packet::Connect;
use sensorium_protocols::mqtt::session::{Accept, Session};
use sensorium_protocols::mqtt::{ReasonCode, TopicName};
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

use super::{Admitted, Peer, Task};
use crate::mqtt::admin::About;
use crate::mqtt::broker::Identity;
use crate::mqtt::journal::NotDurable;
use crate::mqtt::rights::Rights;
use crate::mqtt::{Shared, reason, trace};

/// How long a client is believed before its credential is looked at again.
const BELIEVED_MS: u64 = 30_000;

/// Why a client is not let in, or not any more.
type Refused = (ReasonCode, String);

/// What a client said who it is.
#[derive(Clone)]
pub(super) enum Credential {
    /// The user name means nothing beside a token.
    Password { login: Arc<str>, password: Arc<str> },
    /// Of a client without a password.
    Certificate(CertificateFingerprint),
    /// It was proven.
    Token(TokenId),
}

/// An exchange that is under way.
pub(super) struct Proving {
    /// Of a client that is not let in yet.
    connect: Option<Connect>,
    /// None before the first message.
    exchange: Option<ScramExchange>,
}

/// A client that is to be let in.
struct Newcomer {
    connect: Connect,
    credential: Credential,
    /// The last word of enhanced authentication.
    last: Option<Bytes>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Task<S> {
    /// Finds out who the client is, and lets it in or not.
    pub(super) async fn admit(&mut self, connect: Connect) {
        if let Some(redirect) = self.shared.config.redirect.clone() {
            return self.refuse_for(redirect.reason(), redirect.text(), Some(redirect.to));
        }
        if !self.shared.rates.may_connect(self.peer.address, self.shared.clock.now_ms()) {
            let text = "too many clients connect from this address (setting mqtt.connects_per_second); try again later";
            return self.refuse((ReasonCode::ConnectionRateExceeded, text.to_owned()));
        }
        match connect.authentication_method.as_deref() {
            None => match credential(&connect, &self.peer) {
                Ok(credential) => self.settle(Newcomer { connect, credential, last: None }).await,
                Err(refused) => self.refuse(refused),
            },
            Some(SCRAM_SHA_256) => {
                let data = connect.authentication_data.clone();
                self.proving = Some(Box::new(Proving { connect: Some(connect), exchange: None }));
                self.prove(data, false).await;
            }
            Some(_) => {
                let text = "this method of authentication is not offered; use SCRAM-SHA-256, or send a user name and a password";
                self.refuse((ReasonCode::BadAuthenticationMethod, text.to_owned()));
            }
        }
    }

    /// Goes on with an exchange: before the client is let in, or when it authenticates again.
    pub(super) async fn prove(&mut self, data: Option<Bytes>, is_accepted: bool) {
        let step = self.step(data).await;
        let now_ms = self.shared.clock.now_ms();
        match step {
            Ok(Step::Challenge(said)) => {
                self.client.work(|connection, out| connection.challenge(said, out));
            }
            Ok(Step::Proven(token, last)) if is_accepted => {
                let proven = self.proven_again(token).await;
                let now_ms = self.shared.clock.now_ms();
                self.client.work(|connection, out| match proven {
                    Ok(()) => connection.authenticated(Some(last), out),
                    Err((reason, text)) => connection.disconnect(reason, text, None, now_ms, out),
                });
            }
            Ok(Step::Proven(token, last)) => {
                let connect = self.proving.take().and_then(|proving| proving.connect);
                let Some(connect) = connect else { return };
                self.settle(Newcomer { connect, credential: Credential::Token(token), last: Some(last) }).await;
            }
            Err((reason, text)) if is_accepted => {
                self.client.work(|connection, out| connection.disconnect(reason, text, None, now_ms, out));
            }
            Err(refused) => self.refuse(refused),
        }
    }

    /// What comes of a message of an exchange.
    async fn step(&mut self, data: Option<Bytes>) -> Result<Step, Refused> {
        let proving = self.proving.get_or_insert_with(|| Box::new(Proving { connect: None, exchange: None }));
        match (proving.exchange.take(), data) {
            // The client waits for the server to begin, and it is the client that begins.
            (None, None) => Ok(Step::Challenge(None)),
            (None, Some(first)) => {
                let begun = self.shared.ingest.metadata.begin_scram(&first).await;
                let (exchange, said) = begun.map_err(unproven)?;
                proving.exchange = Some(exchange);
                Ok(Step::Challenge(Some(said.into())))
            }
            (Some(exchange), last) => {
                let (token, said) = exchange.finish(&last.unwrap_or_default()).map_err(unproven)?;
                Ok(Step::Proven(token, said.into()))
            }
        }
    }

    /// Whether somebody who authenticated again is still who it was; what it may do is what it has proven now.
    async fn proven_again(&mut self, token: TokenId) -> Result<(), Refused> {
        self.proving = None;
        let credential = Credential::Token(token);
        let principal = self.shared.principal(&credential, &self.peer).await?;
        let Some(admitted) = self.admitted.as_mut() else { return Ok(()) };
        let before = &admitted.rights.principal;
        let device = |principal: &Principal| principal.device.as_ref().map(|device| device.id);
        let whose = |principal: &Principal| (principal.org, device(principal), principal.for_devices);
        if whose(before) != whose(&principal) {
            let text = "a client that authenticates again stays whom it was; connect anew as somebody else";
            return Err((ReasonCode::NotAuthorized, text.to_owned()));
        }
        admitted.credential = credential;
        self.renew(principal);
        Ok(())
    }

    /// Lets a client in, if it may do anything here.
    async fn settle(&mut self, newcomer: Newcomer) {
        let principal = self.shared.principal(&newcomer.credential, &self.peer).await;
        let rights = principal.and_then(|principal| self.shared.rights(&newcomer.connect, principal));
        if let Err(refused) = rights.and_then(|rights| self.let_in(newcomer, rights)) {
            self.refuse(refused);
        }
    }

    fn let_in(&mut self, newcomer: Newcomer, rights: Rights) -> Result<(), Refused> {
        let Newcomer { connect, credential, last } = newcomer;
        let client_id = match connect.client_id.is_empty() {
            true => Arc::from(format!("auto-{}", Uuid::now_v7())),
            false => connect.client_id.clone(),
        };
        let identity = Identity {
            org: rights.principal.org,
            device: rights.principal.device.as_ref().map(|device| device.id),
            by_key: rights.principal.for_devices,
            client_id: client_id.clone(),
        };
        if self.shared.journal.is_full() {
            return Err((ReasonCode::ServerBusy, NotDurable.to_string()));
        }
        // What a session subscribes to was granted to whoever had it then.
        let rules = &self.shared.config.rules;
        let may_resume = |session: &Session| !connect.clean_start && rights.may_hear_all(session, rules);
        let accept = Accept { assigned_client_id: Some(client_id), authentication_data: last, ..Accept::default() };
        let now_ms = self.shared.clock.now_ms();
        self.client.about.get_or_init(|| {
            let login = connect.username.clone().filter(|login| !login.is_empty());
            let Peer { address, transport, .. } = self.peer;
            let device = rights.principal.device.clone();
            Box::new(About { address, transport, login, device, since_ms: now_ms })
        });
        let organisation = self.shared.broker.organisation(identity.org);
        self.watch(&identity, Some(&connect));
        let sender = self.shared.broker.connect(&self.client, identity.clone(), may_resume, accept, now_ms);
        // A trace may have begun before the client had its seat.
        self.watch(&identity, None);
        let sender = sender.ok_or((
            ReasonCode::QuotaExceeded,
            "the server holds as many sessions as it may (setting mqtt.sessions)".to_owned(),
        ))?;
        if let Some(device) = &rights.principal.device {
            self.shared.rates.belongs(&mut self.allowance, device.id, now_ms);
        }
        let (check_ms, version) = (now_ms + BELIEVED_MS, connect.version);
        let rights = Arc::new(rights);
        self.admitted = Some(Admitted { sender, organisation, rights, credential, check_ms, version });
        Ok(())
    }

    /// Does not let the client in.
    fn refuse(&mut self, (reason, text): Refused) {
        self.refuse_for(reason, text, None);
    }

    /// The same, and says where it may go.
    fn refuse_for(&mut self, reason: ReasonCode, text: String, other_server: Option<Arc<str>>) {
        self.proving = None;
        counter!("sensorium_mqtt_refused_total", "reason" => reason.as_str()).increment(1);
        let now_ms = self.shared.clock.now_ms();
        self.client.work(|connection, out| connection.refuse(reason, text, other_server, now_ms, out));
    }

    /// Has the client's packets written down, CONNECT first, where somebody traces it.
    fn watch(&self, identity: &Identity, first: Option<&Connect>) {
        let watch = self.shared.traces.watch(identity);
        if let (Some(watch), Some(connect)) = (&watch, first) {
            watch.saw(trace::seen(connect));
        }
        self.client.watch(watch);
    }

    /// Looks whether the client may still be here.
    pub(super) async fn look_again(&mut self) {
        let Some(admitted) = self.admitted.as_mut() else { return };
        let now_ms = self.shared.clock.now_ms();
        admitted.check_ms = now_ms + BELIEVED_MS;
        match self.shared.authenticate(&admitted.credential, &self.peer).await {
            Ok(Some(principal)) => self.renew(principal),
            Ok(None) => {
                let text = "the credential is not good any more";
                self.client.work(|connection, out| {
                    connection.disconnect(ReasonCode::NotAuthorized, text, None, now_ms, out);
                });
            }
            // It is asked again.
            Err((reason, text)) => tracing::debug!(%reason, text, "a credential could not be looked at"),
        }
    }

    /// What the client may do from now on; it ends if it hears more than that.
    fn renew(&mut self, principal: Principal) {
        let Some(admitted) = self.admitted.as_mut() else { return };
        let rights = Rights::new(principal, &self.shared.config.database);
        let (rules, now_ms) = (&self.shared.config.rules, self.shared.clock.now_ms());
        self.client.work(|connection, out| {
            let hears = connection.session().is_none_or(|session| rights.may_hear_all(session, rules));
            if !(hears && rights.may_connect()) {
                let text = "the credential does not allow any more what this client subscribes to";
                connection.disconnect(ReasonCode::NotAuthorized, text, None, now_ms, out);
            }
        });
        admitted.rights = Arc::new(rights);
    }
}

/// What comes of a message of an exchange.
enum Step {
    /// The client is to say more.
    Challenge(Option<Bytes>),
    /// The client knows this token, and is told the last word.
    Proven(TokenId, Bytes),
}

/// Why an exchange fails, the same for all who know no token.
fn unproven(error: MetadataError) -> Refused {
    let reason = match error.kind() {
        ErrorKind::Invalid => ReasonCode::ProtocolError,
        kind => reason::of(kind),
    };
    (reason, error.to_string())
}

/// What a client without a method says who it is.
fn credential(connect: &Connect, peer: &Peer) -> Result<Credential, Refused> {
    match (&connect.password, &peer.certificate) {
        (Some(password), _) => {
            let password = std::str::from_utf8(password).map_err(|_| wrong())?.into();
            Ok(Credential::Password { login: connect.username.clone().unwrap_or_default(), password })
        }
        (None, Some(certificate)) => Ok(Credential::Certificate(certificate.clone())),
        (None, None) => {
            let text = "a password is missing; send an API token as the password, with any user name";
            Err((ReasonCode::NotAuthorized, text.to_owned()))
        }
    }
}

fn wrong() -> Refused {
    (ReasonCode::BadUserNameOrPassword, "the user name or the password is wrong".to_owned())
}

impl Shared {
    /// Whose credential it is; why it is nobody's.
    async fn principal(&self, credential: &Credential, peer: &Peer) -> Result<Principal, Refused> {
        let found = self.authenticate(credential, peer).await?;
        found.ok_or_else(|| match credential {
            Credential::Password { .. } => wrong(),
            Credential::Certificate(_) => {
                let text =
                    "no device that may write has this client certificate; add it to the device, or send a password";
                (ReasonCode::NotAuthorized, text.to_owned())
            }
            Credential::Token(_) => unproven(MetadataError::WrongCredentials),
        })
    }

    /// What a client may do; why it is not let in with that.
    fn rights(&self, connect: &Connect, principal: Principal) -> Result<Rights, Refused> {
        let rights = Rights::new(principal, &self.config.database);
        if !rights.may_connect() {
            let text = "this credential may neither write nor read here";
            return Err((ReasonCode::NotAuthorized, text.to_owned()));
        }
        let will = connect.will.as_ref().map(|will| TopicName::new(will.topic.clone(), &self.limits));
        match will {
            Some(Ok(topic)) if !rights.may_publish(&topic) => {
                let text = format!("this client may not publish its will to {}", topic.as_str());
                Err((ReasonCode::NotAuthorized, text))
            }
            _ => Ok(rights),
        }
    }

    /// Whose credential it is; none when it is wrong.
    async fn authenticate(&self, credential: &Credential, peer: &Peer) -> Result<Option<Principal>, Refused> {
        let metadata = &self.ingest.metadata;
        let found = match credential {
            Credential::Password { login, password } => {
                metadata.authenticate_basic(login, password, peer.address).await
            }
            Credential::Certificate(certificate) => metadata.device_by_certificate(certificate).await,
            Credential::Token(token) => metadata.proven_token(*token).await,
        };
        found.map_err(|error| (reason::of(error.kind()), error.to_string()))
    }
}
