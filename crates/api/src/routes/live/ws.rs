//! `GET /ws/live`: one task per connection.

use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use sensorium_live::{Change, LiveClient, Pacer, Tick};
use sensorium_model::{ErrorKind, Principal};

use super::health::{Health, STUCK_AFTER};
use super::outbox::Outbox;
use super::protocol::{ClientMessage, ServerMessage, WireError, parse};
use super::{MAX_MESSAGE_BYTES, access, frame};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult, ErrorBody};
use crate::state::AppState;

/// How often a healthy connection looks after itself.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While degraded, the client hears of left-out points at most this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Bytes read at once. They are filled with zeros before each look whether the client said something, so that a large buffer
/// costs more than all else of a frame; what clients say is short.
const READ_BUFFER_BYTES: usize = 4 << 10;

/// Watch readings as they arrive, over a WebSocket
///
/// JSON text in both directions, binary frames with one Arrow record batch per tick towards the client. A browser's
/// cookie is accepted from pages of this server only.
#[utoipa::path(get, path = "/ws/live", tag = "live", responses(
    (status = 101, description = "The WebSocket is open; the first message is `hello`"),
    (status = 400, body = ErrorBody, description = "No WebSocket handshake"), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "The page is one of another site, or the caller is a guest"),
    (status = 429, body = ErrorBody, description = "http.live_clients are connected already"),
))]
pub(super) async fn connect(State(state): State<AppState>, caller: Caller, request: Request) -> ApiResult<Response> {
    caller.may_look_around()?;
    let Caller(principal) = caller;
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &state).await.map_err(|rejection| {
        ApiError::invalid(format!("{}; open this address as a WebSocket, or use /api/v1/live", rejection.body_text()))
    })?;
    let client = state.hub.connect(principal.org).map_err(|error| ApiError::from_error(error.kind(), &error))?;
    Ok(upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .on_upgrade(move |socket| Connection::new(state, principal, client).run(socket)))
}

struct Connection {
    state: AppState,
    principal: Principal,
    client: LiveClient,
    pacer: Pacer,
    health: Health,
    paused: bool,
    /// Something waits in the client's queue.
    waiting: bool,
    /// Points left out since the client was last told.
    left_out: u64,
    last_report: Instant,
    next_check: Instant,
}

/// Why a connection ends.
enum End {
    /// The network did it, or nobody is there.
    Gone,
    /// The client closed it.
    Left,
    /// We close it.
    Close(u16, &'static str),
}

impl Connection {
    fn new(state: AppState, principal: Principal, client: LiveClient) -> Self {
        let now = Instant::now();
        Self {
            state,
            principal,
            client,
            pacer: Pacer::default(),
            health: Health::new(now),
            paused: false,
            waiting: false,
            left_out: 0,
            last_report: now,
            next_check: now + access::CHECK_EVERY,
        }
    }

    async fn run(mut self, socket: WebSocket) {
        let (sink, mut stream) = socket.split();
        let mut outbox = Outbox::new(sink);
        let hello = ServerMessage::Hello { epoch: self.state.hub.epoch(), seq: self.client.seq(), hz: self.pacer.hz() };
        outbox.say(&hello);
        let end = loop {
            if let Err(end) = self.look_after(&mut outbox, Instant::now()).await {
                break end;
            }
            let now = Instant::now();
            let wake_at = tokio::time::Instant::from_std(self.next_look(&outbox, now));
            let listening = !self.paused && !self.waiting;
            tokio::select! {
                biased;
                () = self.state.shutdown.cancelled() => {
                    break End::Close(close_code::AWAY, "the server is stopping; connect again");
                }
                written = outbox.drive(), if !outbox.is_idle() => {
                    if written.is_err() {
                        break End::Gone;
                    }
                }
                message = stream.next(), if outbox.has_room() => {
                    match message {
                        Some(Ok(message)) => {
                            if let Err(end) = self.receive(message, &mut outbox) {
                                break end;
                            }
                        }
                        Some(Err(error)) if is_too_large(&error) => {
                            break End::Close(close_code::SIZE, "a control message may have 65536 bytes");
                        }
                        Some(Err(_)) | None => break End::Gone,
                    }
                }
                () = self.client.changed(), if listening => {}
                () = tokio::time::sleep_until(wake_at) => {}
            }
        };
        drop(self.client);
        match end {
            End::Gone => {}
            End::Left => outbox.close(stream, None).await,
            End::Close(code, reason) => outbox.close(stream, Some(CloseFrame { code, reason: reason.into() })).await,
        }
    }

    /// Reads the hub, sends a frame if one is due, probes the client, and checks its credential now and then.
    async fn look_after(&mut self, outbox: &mut Outbox, now: Instant) -> Result<(), End> {
        if now >= self.next_check {
            self.next_check = now + access::CHECK_EVERY;
            if !access::is_still_good(&self.state, &self.principal).await {
                return Err(End::Close(close_code::POLICY, "the session or token has ended; sign in again"));
            }
        }
        self.health.socket_is_blocked(!outbox.is_idle(), now);
        if self.health.is_gone(now) {
            return Err(End::Gone);
        }
        let is_behind = self.health.is_behind(now);
        if let Some(change) = self.pacer.observe(!is_behind, now) {
            self.report_change(change, outbox, now);
        }
        if !self.paused {
            self.waiting = self.client.collect();
        }
        if self.waiting && !self.paused && !is_behind && outbox.is_idle() && self.pacer.due(now) <= now {
            self.send_frame(outbox, now)?;
        }
        if let Some(number) = self.health.probe(false, now) {
            outbox.push(Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes())));
        }
        Ok(())
    }

    fn send_frame(&mut self, outbox: &mut Outbox, now: Instant) -> Result<(), End> {
        self.waiting = false;
        let Some(tick) = self.client.take() else { return Ok(()) };
        self.report_losses(&tick, outbox, now);
        if !tick.points.is_empty() {
            let bytes = frame::encode(&tick).map_err(|error| {
                tracing::error!(%error, "a live frame could not be encoded");
                End::Close(close_code::ERROR, "the server hit a defect; its log says where")
            })?;
            metrics::counter!("sensorium_live_frames_total").increment(1);
            metrics::counter!("sensorium_live_frame_bytes_total").increment(bytes.len() as u64);
            outbox.push(Message::Binary(bytes));
        }
        self.pacer.sent(now);
        if let Some(number) = self.health.probe(true, now) {
            outbox.push(Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes())));
        }
        Ok(())
    }

    fn report_change(&mut self, change: Change, outbox: &mut Outbox, now: Instant) {
        self.client.keep_latest_only(self.pacer.is_degraded());
        match change {
            Change::Degraded { hz } => {
                metrics::counter!("sensorium_live_degraded_total").increment(1);
                outbox.say(&ServerMessage::Degraded { hz, coalesced: std::mem::take(&mut self.left_out) });
                self.last_report = now;
            }
            Change::Recovered { hz } => {
                self.left_out = 0;
                outbox.say(&ServerMessage::Recovered { hz });
            }
        }
    }

    fn report_losses(&mut self, tick: &Tick, outbox: &mut Outbox, now: Instant) {
        self.left_out += tick.coalesced + tick.dropped;
        if tick.lost {
            let ids: Vec<u32> = self.client.subscriptions().collect();
            for id in ids {
                outbox.say(&ServerMessage::Subscribed { id, seq: tick.seq, replayed: 0, gap: true });
            }
        }
        if self.left_out > 0 && now.saturating_duration_since(self.last_report) >= REPORT_EVERY {
            let coalesced = std::mem::take(&mut self.left_out);
            self.last_report = now;
            if self.pacer.is_degraded() {
                outbox.say(&ServerMessage::Degraded { hz: self.pacer.hz(), coalesced });
            }
        }
    }

    /// When to look again if nothing happens.
    fn next_look(&self, outbox: &Outbox, now: Instant) -> Instant {
        let mut at = now + if outbox.is_idle() { LOOK_EVERY } else { STUCK_AFTER };
        if self.waiting && !self.paused && outbox.is_idle() && !self.health.is_behind(now) {
            at = at.min(self.pacer.due(now));
        }
        at
    }

    fn receive(&mut self, message: Message, outbox: &mut Outbox) -> Result<(), End> {
        match message {
            Message::Text(text) => {
                if let Err(error) = self.obey(&text, outbox) {
                    outbox.say(&ServerMessage::Error(error));
                }
            }
            Message::Binary(_) => outbox.say(&ServerMessage::Error(WireError::new(
                ErrorKind::Invalid,
                "binary messages are not understood; send JSON text",
            ))),
            Message::Pong(payload) => {
                if let Ok(number) = <[u8; 8]>::try_from(payload.as_ref()) {
                    self.health.answered(u64::from_be_bytes(number));
                }
            }
            Message::Ping(_) => {}
            Message::Close(_) => return Err(End::Left),
        }
        Ok(())
    }

    fn obey(&mut self, text: &str, outbox: &mut Outbox) -> Result<(), WireError> {
        match parse(text)? {
            ClientMessage::Subscribe(asked) => {
                let id = asked.id;
                let wanted = access::admit(&self.state, &self.principal, asked)
                    .map_err(|refused| WireError::from(refused).about(id))?;
                let subscribed = self.client.subscribe(wanted).map_err(|error| WireError::from(error).about(id))?;
                let sensorium_live::Subscribed { seq, replayed, gap } = subscribed;
                outbox.say(&ServerMessage::Subscribed { id, seq, replayed, gap });
            }
            ClientMessage::Unsubscribe(asked) => {
                if !self.client.unsubscribe(asked.id) {
                    let sentence = format!("there is no subscription {}", asked.id);
                    return Err(WireError::new(ErrorKind::Missing, sentence).about(asked.id));
                }
            }
            ClientMessage::Pause {} => self.paused = true,
            ClientMessage::Resume {} => self.paused = false,
            ClientMessage::Rate(asked) => {
                self.pacer.set_wanted(asked.hz);
            }
        }
        Ok(())
    }
}

/// Whether a message was refused for its size.
fn is_too_large(error: &axum::Error) -> bool {
    // The library that reads the socket is not part of this crate's face, so that its error is known by its words only.
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("too long") || error.to_string().contains("Space limit") {
            return true;
        }
        cause = error.source();
    }
    false
}
