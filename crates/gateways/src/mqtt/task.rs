//! The task of one connection: between its socket, its machine, the store and the broker.

use std::net::IpAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::counter;
use sensorium_metadata::CertificateFingerprint;
use sensorium_model::Principal;
use sensorium_model::messaging::Transport;
use sensorium_protocols::mqtt::packet::{Connect, Qos, Version};
use sensorium_protocols::mqtt::session::{Accept, Action, Begun, Outcome, Requested, Session, Ticket};
use sensorium_protocols::mqtt::{Message, ReasonCode, TopicName};
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

use super::admin::{About, Organisation};
use super::broker::{Identity, Sender};
use super::client::{Client, Progress};
use super::intake::{self, Pending, PendingMessage, Publisher};
use super::journal::NotDurable;
use super::rights::Rights;
use super::socket::Socket;
use super::{Shared, reason};
use crate::alarm::Alarm;

/// How long a client is believed before its credential is looked at again.
const BELIEVED_MS: u64 = 30_000;
/// How long the last words of a connection may take to be written.
const LAST_WORDS_MS: u64 = 5_000;
/// Messages that wait for the batch before them; then nothing more is read.
const WAITING: usize = 1_000;
/// Bytes of payloads that wait for the batch before them.
const WAITING_BYTES: usize = 4 * 1_024 * 1_024;

/// Who is at the other end, before CONNECT says more.
pub(super) struct Peer {
    pub(super) address: IpAddr,
    pub(super) transport: Transport,
    /// Of a client that has proven to have its key.
    pub(super) certificate: Option<CertificateFingerprint>,
}

/// Serves a connection to its end.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(shared: Arc<Shared>, stream: S, peer: Peer) {
    let client = Arc::new(Client::new(shared.limits.clone(), shared.journal.clone(), shared.clock.now_ms()));
    let (abort, socket) = (shared.abort.clone(), Socket::new(stream));
    let (waiting, alarm) = (Waiting::default(), Alarm::default());
    let mut task = Task { shared, client, socket, peer, admitted: None, waiting, storing: None, alarm };
    let _done = abort.run_until_cancelled(task.run()).await;
}

struct Task<S> {
    shared: Arc<Shared>,
    client: Arc<Client>,
    socket: Socket<S>,
    peer: Peer,
    admitted: Option<Admitted>,
    waiting: Waiting,
    /// The batch that is being stored.
    storing: Option<BoxFuture<'static, Vec<(Ticket, Outcome)>>>,
    alarm: Alarm,
}

/// A client that was let in.
struct Admitted {
    sender: Sender,
    organisation: Arc<Organisation>,
    rights: Arc<Rights>,
    credential: Credential,
    /// When the credential is looked at again.
    check_ms: u64,
    version: Version,
}

/// What a client said who it is.
#[derive(Clone)]
enum Credential {
    /// The user name means nothing beside a token.
    Password { login: Arc<str>, password: Arc<str> },
    /// Of a client without a password.
    Certificate(CertificateFingerprint),
}

/// Messages for the next batch.
#[derive(Default)]
struct Waiting {
    messages: Vec<Pending>,
    bytes: usize,
}

/// How a connection ends.
#[derive(Clone, Copy)]
struct End {
    /// Nobody reads what is written.
    is_lost: bool,
    /// When it is given up to write.
    until_ms: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Task<S> {
    /// What is rarely awaited is boxed: ten thousand idle connections do not have its room.
    async fn run(&mut self) {
        let mut end: Option<End> = None;
        loop {
            self.read_packets().await;
            let now_ms = self.shared.clock.now_ms();
            if self.socket.is_idle() {
                // None while they wait for something to be durable; nothing is read meanwhile, so that they do not pile up.
                let bytes = self.client.take_bytes(now_ms);
                self.socket.write(bytes);
            }
            let progress = self.client.progress();
            if progress.is_over && end.is_none() {
                self.leave();
                end = Some(End { is_lost: false, until_ms: now_ms + LAST_WORDS_MS });
            }
            self.begin_storing();
            let is_idle = self.socket.is_idle() && progress.held.is_none();
            let is_written = |end: End| end.is_lost || is_idle || end.until_ms <= now_ms;
            if self.storing.is_none() && end.is_some_and(is_written) {
                break;
            }
            self.wait(progress, &mut end).await;
        }
        if end.is_some_and(|end| !end.is_lost) {
            self.socket.close().await;
        }
    }

    /// Waits until something happens, and does what is to be done at once.
    async fn wait(&mut self, progress: Progress, end: &mut Option<End>) {
        let wants_bytes = progress.wants_bytes && progress.held.is_none() && self.waiting.has_room();
        let is_lost = end.is_some_and(|end| end.is_lost);
        let check_ms = self.admitted.as_ref().filter(|_| end.is_none()).map(|admitted| admitted.check_ms);
        // Once it is past, only what is being stored is waited for.
        let now_ms = self.shared.clock.now_ms();
        let until_ms = end.filter(|end| !end.is_lost && end.until_ms > now_ms).map(|end| end.until_ms);
        let alarm_ms = [progress.next_tick_ms, check_ms, until_ms].into_iter().flatten().min();
        self.alarm.set(alarm_ms, &self.shared.clock);
        let held = progress.held.filter(|_| !is_lost).map(|seq| Box::pin(self.shared.journal.until_durable(seq)));
        let is_held = held.is_some();
        let durable = async {
            match held {
                Some(held) => held.await,
                None => std::future::pending().await,
            }
        };
        let storing = async {
            match &mut self.storing {
                Some(storing) => storing.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            outcomes = storing => {
                self.storing = None;
                self.stored(outcomes);
            }
            turned = self.socket.turn(wants_bytes), if !is_lost => if let Err(error) = turned {
                tracing::trace!(peer = %self.peer.address, %error, "an MQTT connection was lost");
                let now_ms = self.shared.clock.now_ms();
                self.client.work(|connection, out| connection.lost(now_ms, out));
                *end = end.or(Some(End { is_lost: true, until_ms: now_ms })).map(|end| End { is_lost: true, ..end });
                self.act().await;
                self.leave();
            },
            () = self.client.woken() => {}
            () = durable, if is_held => {}
            () = self.alarm.rung() => self.tick().await,
        }
    }

    /// Gives the machine what was read, and does what it asks for.
    async fn read_packets(&mut self) {
        loop {
            let now_ms = self.shared.clock.now_ms();
            let before = self.socket.unread.len();
            if before > 0 && self.waiting.has_room() && self.client.progress().held.is_none() {
                let unread = &mut self.socket.unread;
                self.client.work(|connection, out| connection.receive(unread, now_ms, out));
            }
            self.act().await;
            if self.socket.unread.is_empty() {
                // What an idle connection held.
                self.socket.unread = bytes::BytesMut::new();
            }
            if self.socket.unread.len() == before || self.socket.unread.is_empty() {
                return;
            }
        }
    }

    /// Does what the machine asks for.
    async fn act(&mut self) {
        for action in self.client.take_actions() {
            match action {
                Action::Connect(connect) => Box::pin(self.admit(*connect)).await,
                Action::Publish { message, ticket, received } => self.publish(message, ticket, received),
                Action::Release { ticket, packet_id } => {
                    self.waiting.messages.push(Pending::Release { packet_id, ticket });
                }
                Action::Subscribe(wanted) => self.subscribe(&wanted),
                Action::Unsubscribe(filter) => {
                    if let Some(admitted) = &self.admitted {
                        self.shared.broker.unsubscribe(admitted.sender, &self.client, &filter);
                    }
                }
                Action::PublishWill(message) => self.publish_will(message),
                Action::EndSession { filters, was_kept } => {
                    if let Some(admitted) = &self.admitted {
                        self.shared.broker.end_session(admitted.sender, &filters, was_kept);
                    }
                }
                // Without a method of authentication, which nobody is accepted with, it does not come.
                Action::Authenticate { .. } => {}
                Action::Close { reason, text } => {
                    counter!("sensorium_mqtt_closed_total", "reason" => reason.as_str()).increment(1);
                    tracing::debug!(peer = %self.peer.address, %reason, %text, "an MQTT connection ends");
                }
            }
        }
    }

    /// Finds out who the client is, and lets it in or not.
    async fn admit(&mut self, connect: Connect) {
        let checked = self.shared.check(&connect, &self.peer).await;
        let outcome = checked.and_then(|(credential, rights)| {
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
            let accept = Accept { assigned_client_id: Some(client_id), ..Accept::default() };
            let now_ms = self.shared.clock.now_ms();
            self.client.about.get_or_init(|| {
                let login = connect.username.clone().filter(|login| !login.is_empty());
                let Peer { address, transport, .. } = self.peer;
                let device = rights.principal.device.clone();
                Box::new(About { address, transport, login, device, since_ms: now_ms })
            });
            let organisation = self.shared.broker.organisation(identity.org);
            let sender = self.shared.broker.connect(&self.client, identity, may_resume, accept, now_ms);
            let sender = sender.ok_or((
                ReasonCode::QuotaExceeded,
                "the server holds as many sessions as it may (setting mqtt.sessions)".to_owned(),
            ))?;
            let (check_ms, version) = (now_ms + BELIEVED_MS, connect.version);
            let rights = Arc::new(rights);
            self.admitted = Some(Admitted { sender, organisation, rights, credential, check_ms, version });
            Ok(())
        });
        if let Err((reason, text)) = outcome {
            counter!("sensorium_mqtt_refused_total", "reason" => reason.as_str()).increment(1);
            let now_ms = self.shared.clock.now_ms();
            self.client.work(|connection, out| connection.refuse(reason, text, None, now_ms, out));
        }
    }

    fn publish(&mut self, message: Arc<Message>, ticket: Option<Ticket>, received: Option<Begun>) {
        let Some(admitted) = &self.admitted else { return };
        counter!("sensorium_mqtt_received_total", "qos" => qos(message.qos)).increment(1);
        admitted.organisation.count_received();
        let outcome = match admitted.rights.may_publish(&message.topic) {
            true => match self.shared.hear(&admitted.rights, self.peer.address, &message) {
                Ok(said) => return self.waiting.push(PendingMessage::new(message, said, ticket, received)),
                Err(error) => intake::refused(&error, admitted.version),
            },
            false => {
                let reason = ReasonCode::NotAuthorized;
                counter!("sensorium_mqtt_refused_total", "reason" => reason.as_str()).increment(1);
                Outcome::Refused { reason, text: Some("this client may not publish here".into()) }
            }
        };
        admitted.organisation.count_refused();
        if let Some(ticket) = ticket {
            self.tell(ticket, &outcome);
        }
    }

    /// A will is passed on and not stored, but it may tell of a death.
    fn publish_will(&mut self, message: Arc<Message>) {
        if let Some(admitted) = &self.admitted {
            let said = self.shared.hear(&admitted.rights, self.peer.address, &message).unwrap_or_default();
            self.waiting.push(PendingMessage { is_will: true, ..PendingMessage::new(message, said, None, None) });
        }
    }

    fn subscribe(&mut self, wanted: &[Requested]) {
        let Some(admitted) = &self.admitted else { return };
        let Admitted { sender, rights, .. } = admitted;
        let grant = |wanted: &Requested| match &wanted.filter {
            Ok(filter) if rights.may_subscribe(filter, &self.shared.config.rules) => Ok(wanted.options.qos),
            Ok(_) => Err(ReasonCode::NotAuthorized),
            Err(reason) => Err(*reason),
        };
        let mut granted: Vec<Result<Qos, ReasonCode>> = wanted.iter().map(grant).collect();
        self.shared.broker.subscribe(*sender, &self.client, wanted, &mut granted);
        let now_ms = self.shared.clock.now_ms();
        let retained = self.shared.broker.retained(*sender, wanted, &granted, now_ms);
        self.client.work(|connection, out| {
            connection.subscribed(&granted, now_ms, out);
            for delivery in retained {
                connection.deliver(delivery, now_ms, out);
            }
        });
        self.shared.listens(rights);
    }

    /// Stores what waits, unless something is being stored already.
    fn begin_storing(&mut self) {
        if self.storing.is_some() || self.waiting.messages.is_empty() {
            return;
        }
        let Waiting { messages, .. } = std::mem::take(&mut self.waiting);
        let Some(Admitted { sender, rights, version, .. }) = &self.admitted else { return };
        let publisher =
            Publisher { rights: rights.clone(), sender: *sender, peer: self.peer.address, version: *version };
        self.storing = Some(intake::take(self.shared.clone(), publisher, messages).boxed());
    }

    fn stored(&mut self, outcomes: Vec<(Ticket, Outcome)>) {
        for (ticket, outcome) in outcomes {
            self.tell(ticket, &outcome);
        }
    }

    /// Tells the session what became of a message, wherever it is now.
    fn tell(&self, ticket: Ticket, outcome: &Outcome) {
        let now_ms = self.shared.clock.now_ms();
        let told = self.client.work(|connection, out| connection.outcome(ticket, outcome, now_ms, out));
        if let (None, Some(admitted)) = (told, &self.admitted) {
            self.shared.broker.outcome(admitted.sender, ticket, outcome, now_ms);
        }
    }

    /// Gives the session back.
    fn leave(&self) {
        if let Some(admitted) = &self.admitted {
            self.shared.broker.leave(admitted.sender, &self.client);
        }
    }

    /// Tells the machine the time, and looks whether the client may still be here.
    async fn tick(&mut self) {
        let now_ms = self.shared.clock.now_ms();
        self.client.work(|connection, out| connection.tick(now_ms, out));
        let Some(admitted) = self.admitted.as_mut().filter(|admitted| admitted.check_ms <= now_ms) else { return };
        admitted.check_ms = now_ms + BELIEVED_MS;
        match Box::pin(self.shared.authenticate(&admitted.credential, self.peer.address)).await {
            Ok(Some(principal)) => {
                let rights = Rights::new(principal, &self.shared.config.database);
                let rules = &self.shared.config.rules;
                self.client.work(|connection, out| {
                    let hears = connection.session().is_none_or(|session| rights.may_hear_all(session, rules));
                    if !(hears && rights.may_connect()) {
                        let text = "the credential does not allow any more what this client subscribes to";
                        connection.disconnect(ReasonCode::NotAuthorized, text, None, now_ms, out);
                    }
                });
                admitted.rights = Arc::new(rights);
            }
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
}

impl Shared {
    /// Who a client is and what it may do; why it is not let in.
    async fn check(&self, connect: &Connect, peer: &Peer) -> Result<(Credential, Rights), (ReasonCode, String)> {
        if connect.authentication_method.is_some() {
            let text = "enhanced authentication is not offered; send a user name and a password";
            return Err((ReasonCode::BadAuthenticationMethod, text.to_owned()));
        }
        let wrong = || (ReasonCode::BadUserNameOrPassword, "the user name or the password is wrong".to_owned());
        let credential = match (&connect.password, &peer.certificate) {
            (Some(password), _) => {
                let password = std::str::from_utf8(password).map_err(|_| wrong())?.into();
                Credential::Password { login: connect.username.clone().unwrap_or_default(), password }
            }
            (None, Some(certificate)) => Credential::Certificate(certificate.clone()),
            (None, None) => {
                let text = "a password is missing; send an API token as the password, with any user name";
                return Err((ReasonCode::NotAuthorized, text.to_owned()));
            }
        };
        let found = self.authenticate(&credential, peer.address).await?;
        let principal = found.ok_or_else(|| match &credential {
            Credential::Password { .. } => wrong(),
            Credential::Certificate(_) => {
                let text =
                    "no device that may write has this client certificate; add it to the device, or send a password";
                (ReasonCode::NotAuthorized, text.to_owned())
            }
        })?;
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
            _ => Ok((credential, rights)),
        }
    }

    /// Whose credential it is; none when it is wrong.
    async fn authenticate(
        &self,
        credential: &Credential,
        peer: IpAddr,
    ) -> Result<Option<Principal>, (ReasonCode, String)> {
        let metadata = &self.ingest.metadata;
        let found = match credential {
            Credential::Password { login, password } => metadata.authenticate_basic(login, password, peer).await,
            Credential::Certificate(certificate) => metadata.device_by_certificate(certificate).await,
        };
        found.map_err(|error| (reason::of(error.kind()), error.to_string()))
    }
}

impl Waiting {
    fn has_room(&self) -> bool {
        self.messages.len() < WAITING && self.bytes < WAITING_BYTES
    }

    fn push(&mut self, pending: PendingMessage) {
        // What was added counts as well: names may be longer than all the rest.
        let added = pending.said.body.len().saturating_sub(pending.message.content.payload.len());
        self.bytes += pending.message.bytes() + added;
        self.messages.push(Pending::Message(pending));
    }
}

fn qos(qos: Qos) -> &'static str {
    match qos {
        Qos::AtMostOnce => "0",
        Qos::AtLeastOnce => "1",
        Qos::ExactlyOnce => "2",
    }
}
