//! The task of one connection: between its socket, its machine, the store and the broker.

mod auth;

use std::net::IpAddr;
use std::sync::Arc;

use metrics::counter;
use sensorium_metadata::CertificateFingerprint;
use sensorium_model::messaging::Transport;
use sensorium_protocols::mqtt::packet::{Qos, Version};
use sensorium_protocols::mqtt::session::{Action, Begun, Outcome, Requested, Ticket};
use sensorium_protocols::mqtt::{Message, ReasonCode};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Shared;
use super::admin::Organisation;
use super::broker::Sender;
use super::client::{Client, Progress};
use super::intake::{self, Batch, Pending, PendingMessage, Publisher, Told};
use super::limits::Allowance;
use super::rights::Rights;
use super::socket::Socket;
use crate::alarm::Alarm;
use auth::{Credential, Proving};

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
    let allowance = shared.rates.connection(shared.clock.now_ms());
    let mut task = Task { shared, client, socket, peer, admitted: None, proving: None, allowance, waiting, alarm };
    let _done = abort.run_until_cancelled(task.run()).await;
}

struct Task<S> {
    shared: Arc<Shared>,
    client: Arc<Client>,
    socket: Socket<S>,
    peer: Peer,
    admitted: Option<Admitted>,
    /// Of enhanced authentication that is under way.
    proving: Option<Box<Proving>>,
    allowance: Allowance,
    waiting: Waiting,
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
            if end.is_some_and(is_written) && !self.client.is_storing() {
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
        let is_lost = end.is_some_and(|end| end.is_lost);
        let check_ms = self.admitted.as_ref().filter(|_| end.is_none()).map(|admitted| admitted.check_ms);
        // Once it is past, only what is being stored is waited for.
        let now_ms = self.shared.clock.now_ms();
        let until_ms = end.filter(|end| !end.is_lost && end.until_ms > now_ms).map(|end| end.until_ms);
        let may_read = self.may_read(progress);
        let limited_ms = self.allowance.until_ms(now_ms).filter(|_| may_read);
        let wants_bytes = may_read && limited_ms.is_none();
        let alarm_ms = [progress.next_tick_ms, check_ms, until_ms, limited_ms].into_iter().flatten().min();
        self.alarm.set(alarm_ms, &self.shared.clock);
        let held = progress.held.filter(|_| !is_lost).map(|seq| Box::pin(self.shared.journal.until_durable(seq)));
        let is_held = held.is_some();
        let durable = async {
            match held {
                Some(held) => held.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
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

    /// Whether there is room for more.
    fn may_read(&self, progress: Progress) -> bool {
        progress.wants_bytes && progress.held.is_none() && self.waiting.has_room()
    }

    /// Gives the machine what was read, and does what it asks for.
    async fn read_packets(&mut self) {
        loop {
            let now_ms = self.shared.clock.now_ms();
            let before = self.socket.unread.len();
            if before > 0 && self.may_read(self.client.progress()) {
                let (most, is_limited) = self.allowance.packets(now_ms);
                let unread = &mut self.socket.unread;
                self.client.work(|connection, out| connection.receive_at_most(unread, most, now_ms, out));
                self.allowance.took_bytes(before - self.socket.unread.len(), now_ms);
                if let Some(admitted) = self.admitted.as_ref().filter(|_| is_limited) {
                    admitted.organisation.count_limited();
                }
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
                Action::Authenticate { data, is_accepted } => Box::pin(self.prove(data, is_accepted)).await,
                Action::Close { reason, text } => {
                    counter!("sensorium_mqtt_closed_total", "reason" => reason.as_str()).increment(1);
                    tracing::debug!(peer = %self.peer.address, %reason, %text, "an MQTT connection ends");
                }
            }
        }
    }

    fn publish(&mut self, message: Arc<Message>, ticket: Option<Ticket>, received: Option<Begun>) {
        let Some(admitted) = &self.admitted else { return };
        if received.is_none() && self.shared.was_here(&message) {
            // It was taken when it was here first.
            if let Some(ticket) = ticket {
                self.tell(ticket, &Outcome::Taken);
            }
            return;
        }
        self.allowance.took_message(self.shared.clock.now_ms());
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

    /// Has stored what waits, unless something is being stored already.
    fn begin_storing(&mut self) {
        let Some(Admitted { sender, rights, version, .. }) = &self.admitted else { return };
        if self.waiting.messages.is_empty() || !self.client.begin_storing() {
            return;
        }
        let Waiting { messages, .. } = std::mem::take(&mut self.waiting);
        let publisher =
            Publisher { rights: rights.clone(), sender: *sender, peer: self.peer.address, version: *version };
        self.shared.gather(Batch::new(&self.shared, Told::Client(self.client.clone()), publisher, messages));
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
        let is_limited = self.allowance.until_ms(now_ms).is_some();
        self.client.work(|connection, out| {
            if is_limited {
                connection.not_read(now_ms);
            }
            connection.tick(now_ms, out);
        });
        if self.admitted.as_ref().is_some_and(|admitted| admitted.check_ms <= now_ms) {
            Box::pin(self.look_again()).await;
        }
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
