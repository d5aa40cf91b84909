//! What becomes of requests, whatever carried them: answered at once, stored with others, or answered when something is known;
//! and observers, who are told of changes. A socket of datagrams has a desk for all of its peers, a reliable connection has its own.
//!
//! Invariants:
//! - each request is answered once, and if it makes the server panic, with an error;
//! - a batch is under way at most, and what comes meanwhile is the next one;
//! - a peer that waits is told within `coap.patience_ms` that its request came, with an empty acknowledgement;
//! - whoever observes with a token is told nothing any more within [`BELIEVED`] of its end.
//!
//! Limits: those of [`super::intake`] and of the exchanges of the layer below.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use futures::{FutureExt, poll};
use metrics::counter;
use sensorium_model::{ErrorKind, FastMap, Principal};
use sensorium_protocols::coap::{ExchangeId, ObserverId, Request, Response, Wishes};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Shared;
use super::answer::{label, of_kind};
use super::intake::{self, Waiting};
use super::resources::{self, Handled};
use super::watch::{Notices, Watched};

/// How long an observer's token is believed before it is looked at again.
const BELIEVED: Duration = Duration::from_secs(30);

/// The layer below, at one moment.
pub(super) trait Line {
    fn respond(&mut self, exchange: ExchangeId, response: Response);
    fn observe(&mut self, exchange: ExchangeId, wishes: Wishes, response: Response) -> Option<ObserverId>;
    fn accept_later(&mut self, exchange: ExchangeId);
    fn notify(&mut self, observer: ObserverId, response: Response);
    fn forget(&mut self, observer: ObserverId);
}

/// Who asks, as far as the transport knows.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
    /// Whom the transport has identified.
    pub(super) principal: Option<Arc<Principal>>,
    /// Whether nobody else can read what is sent.
    pub(super) is_secured: bool,
}

/// A request that is to be answered.
pub(super) struct Asked {
    pub(super) exchange: ExchangeId,
    pub(super) request: Request,
    pub(super) caller: Caller,
    /// What the message is known by, if it may be sent again.
    pub(super) key: Option<u64>,
    /// Whether it came to the address of a group.
    pub(super) is_multicast: bool,
}

/// What came of something that was waited for.
enum Done {
    Handled(Box<Later>),
    Stored(Vec<(ExchangeId, Response)>),
    /// These observers' tokens are not good any more.
    Ended(Vec<ObserverId>),
}

struct Later {
    slip: Slip,
    handled: Handled,
}

/// What is left of a request while it is handled.
#[derive(Debug, Clone, Copy)]
struct Slip {
    exchange: ExchangeId,
    peer: IpAddr,
    key: Option<u64>,
    received_ns: i64,
}

pub(super) struct Desk {
    shared: Arc<Shared>,
    done: UnboundedReceiver<Done>,
    // At most one for each request and one for each batch are under way.
    report: UnboundedSender<Done>,
    notices: Arc<Notices>,
    watched: FastMap<ObserverId, Watched>,
    observers: FastMap<u64, ObserverId>,
    waiting: Vec<Waiting>,
    is_storing: bool,
    /// Requests that were not answered at once, by when they are told that it takes longer.
    impatient: VecDeque<(u64, ExchangeId)>,
    /// Requests without an answer.
    open: usize,
    check_ms: u64,
}

impl Desk {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let (report, done) = unbounded_channel();
        let check_ms = shared.clock.now_ms() + millis(BELIEVED);
        Self {
            shared,
            done,
            report,
            notices: Arc::default(),
            watched: FastMap::default(),
            observers: FastMap::default(),
            waiting: Vec::new(),
            is_storing: false,
            impatient: VecDeque::new(),
            open: 0,
            check_ms,
        }
    }

    /// Whether every request has its answer.
    pub(super) fn is_idle(&self) -> bool {
        self.open == 0
    }

    /// Takes a request.
    pub(super) async fn ask(&mut self, line: &mut impl Line, asked: Asked) {
        let method = asked.request.code.method().unwrap_or("other");
        counter!("sensorium_coap_requests_total", "method" => method).increment(1);
        let exchange = asked.exchange;
        if self.shared.stop.is_cancelled() {
            line.respond(exchange, of_kind(ErrorKind::Busy, "the server is stopping; try again", None));
            return;
        }
        self.open += 1;
        let received_ns = self.shared.received_ns();
        let slip = Slip { exchange, peer: asked.caller.address, key: asked.key, received_ns };
        if let Some(handled) = resources::at_once(&self.shared, &asked) {
            self.finish(line, slip, handled);
            return;
        }
        let (shared, notices) = (self.shared.clone(), self.notices.clone());
        let mut handling: Pin<Box<dyn Future<Output = Handled> + Send>> =
            Box::pin(async move { resources::handle(&shared, asked, &notices).await });
        match poll!(handling.as_mut()) {
            Poll::Ready(handled) => self.finish(line, slip, handled),
            Poll::Pending => {
                self.be_patient(exchange);
                let report = self.report.clone();
                self.shared.tasks.spawn(async move {
                    let handled = AssertUnwindSafe(handling).catch_unwind().await;
                    let handled = handled.unwrap_or_else(|_| Handled::Answer(panicked()));
                    let later = Later { slip, handled };
                    // Without the desk nobody waits any more.
                    drop(report.send(Done::Handled(Box::new(later))));
                });
            }
        }
    }

    fn finish(&mut self, line: &mut impl Line, slip: Slip, handled: Handled) {
        let Slip { exchange, peer, key, received_ns } = slip;
        match handled {
            Handled::Answer(response) => self.respond(line, exchange, response),
            Handled::Observe(response, watched) => {
                let wishes = Wishes { every_ms: self.shared.config.notify_every_ms };
                self.open = self.open.saturating_sub(1);
                if let Some(observer) = line.observe(exchange, wishes, response) {
                    self.observers.insert(watched.slot(), observer);
                    self.watched.insert(observer, watched);
                    // It may have changed while it was read.
                    self.notices.ring();
                }
            }
            Handled::Store(reading) => {
                let waiting = Waiting { exchange, peer, received_ns, key, reading };
                let bytes = waiting.bytes();
                let before = self.shared.waiting.fetch_add(1, Relaxed);
                let bytes_before = self.shared.waiting_bytes.fetch_add(bytes, Relaxed);
                let config = &self.shared.config;
                if before >= config.waiting || bytes_before + bytes > config.waiting_bytes {
                    self.shared.stopped_waiting(1, bytes);
                    let sentence = "too many readings wait to be stored (settings coap.waiting, coap.waiting_bytes)";
                    self.respond(line, exchange, of_kind(ErrorKind::Busy, sentence, None));
                    return;
                }
                self.be_patient(exchange);
                self.waiting.push(waiting);
            }
        }
    }

    fn respond(&mut self, line: &mut impl Line, exchange: ExchangeId, response: Response) {
        self.open = self.open.saturating_sub(1);
        counter!("sensorium_coap_responses_total", "code" => label(response.code)).increment(1);
        line.respond(exchange, response);
    }

    fn be_patient(&mut self, exchange: ExchangeId) {
        self.impatient.push_back((self.shared.clock.now_ms() + self.shared.config.patience_ms, exchange));
    }

    /// Has stored what waits, unless a batch is under way. To be called when all that came together was taken.
    pub(super) fn store(&mut self) {
        if self.is_storing || self.waiting.is_empty() {
            return;
        }
        self.is_storing = true;
        let batch = std::mem::take(&mut self.waiting);
        let (shared, report) = (self.shared.clone(), self.report.clone());
        self.shared.tasks.spawn(async move {
            let (count, bytes) = (batch.len(), batch.iter().map(Waiting::bytes).sum());
            let exchanges: Vec<ExchangeId> = batch.iter().map(|waiting| waiting.exchange).collect();
            let stored = AssertUnwindSafe(intake::store(&shared, batch)).catch_unwind().await;
            let stored =
                stored.unwrap_or_else(|_| exchanges.into_iter().map(|exchange| (exchange, panicked())).collect());
            shared.stopped_waiting(count, bytes);
            drop(report.send(Done::Stored(stored)));
        });
    }

    /// Waits until something is done or changed; then call [`Self::catch_up`].
    pub(super) async fn is_due(&mut self) -> Due {
        tokio::select! {
            done = self.done.recv() => Due(done),
            () = self.notices.rung() => Due(None),
        }
    }

    /// Answers what is done, and tells observers what changed.
    pub(super) fn catch_up(&mut self, line: &mut impl Line, due: Due) {
        let mut next = due.0;
        while let Some(done) = next {
            match done {
                Done::Handled(later) => self.finish(line, later.slip, later.handled),
                Done::Stored(answers) => {
                    self.is_storing = false;
                    answers.into_iter().for_each(|(exchange, response)| self.respond(line, exchange, response));
                }
                Done::Ended(observers) => {
                    for observer in observers {
                        // It may be gone by now.
                        if !self.watched.contains_key(&observer) {
                            continue;
                        }
                        let sentence = "the token is not good any more";
                        line.notify(observer, of_kind(ErrorKind::Unauthenticated, sentence, None));
                        line.forget(observer);
                        self.gone(observer);
                    }
                }
            }
            next = self.done.try_recv().ok();
        }
        for (observer, response) in self.notices.take(|slot| self.observers.get(&slot).copied()) {
            line.notify(observer, response);
        }
    }

    /// An observer is told nothing any more.
    pub(super) fn gone(&mut self, observer: ObserverId) {
        if let Some(watched) = self.watched.remove(&observer) {
            self.observers.remove(&watched.slot());
        }
    }

    /// When [`Self::tick`] is to be called.
    pub(super) fn deadline(&self) -> Option<u64> {
        let check = (!self.watched.is_empty()).then_some(self.check_ms);
        self.impatient.front().map(|(due_ms, _)| *due_ms).into_iter().chain(check).min()
    }

    /// Acknowledges what takes longer, and has the tokens of observers looked at.
    pub(super) fn tick(&mut self, line: &mut impl Line) {
        let now_ms = self.shared.clock.now_ms();
        while let Some((_, exchange)) = self.impatient.pop_front_if(|(due_ms, _)| *due_ms <= now_ms) {
            line.accept_later(exchange);
        }
        if self.check_ms <= now_ms {
            self.check_ms = now_ms + millis(BELIEVED);
            self.check_tokens();
        }
    }

    fn check_tokens(&self) {
        let mut by_token: HashMap<Arc<str>, Vec<ObserverId>> = HashMap::new();
        for (observer, watched) in &self.watched {
            if let Some(token) = watched.token() {
                by_token.entry(token.clone()).or_default().push(*observer);
            }
        }
        if by_token.is_empty() {
            return;
        }
        let (shared, report) = (self.shared.clone(), self.report.clone());
        self.shared.tasks.spawn(async move {
            for (token, observers) in by_token {
                // Where the registry cannot be asked now, it is asked again.
                if matches!(shared.ingest.metadata.authenticate_token(&token).await, Ok(None)) {
                    drop(report.send(Done::Ended(observers)));
                }
            }
        });
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.shared.stopped_waiting(self.waiting.len(), self.waiting.iter().map(Waiting::bytes).sum());
    }
}

/// What [`Desk::is_due`] found.
pub(super) struct Due(Option<Done>);

/// What is answered when the server made a mistake; what it was is in its log.
fn panicked() -> Response {
    of_kind(ErrorKind::Internal, "the server made a mistake; its log says which", None)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
