//! From bytes to a batch: of one message, or of many in one.

use std::sync::Arc;

use sensorium_model::{
    Batch, BatchBuilder, DatabaseKey, DatabaseSchema, ErrorKind, IngestLimits, Principal, RowError, Sender,
};
use sensorium_protocols::Refusals;

use crate::error::IngestError;
use crate::many::{NewMessage, Sent};

/// How many refused rows of a message are described; the others are counted.
const DESCRIBED: usize = 100;

/// Everything that decoding needs, to be taken to another thread.
#[derive(Clone)]
pub(crate) struct Decoding {
    pub(crate) database: DatabaseKey,
    pub(crate) schema: Arc<DatabaseSchema>,
    pub(crate) limits: IngestLimits,
    /// Whom the messages come from, in the order of the writers.
    pub(crate) senders: Vec<Sender>,
}

/// The readings of one message.
pub(crate) struct Decoded {
    pub(crate) batch: Batch,
    pub(crate) seen: u64,
    pub(crate) refusals: Refusals,
}

/// The readings of messages that go together, at least of the first of those that were to be gathered.
pub(crate) struct Gathered {
    pub(crate) batch: Batch,
    /// What was in each message, in their order.
    pub(crate) parts: Vec<Result<Part, IngestError>>,
    /// What was added to the numbers of the lines of each message.
    pub(crate) lines_before: Vec<u32>,
}

/// A message among others.
pub(crate) struct Part {
    pub(crate) rows: usize,
    pub(crate) seen: u64,
    pub(crate) refusals: Refusals,
}

/// Whom the rows of a writer come from.
pub(crate) fn sender(writer: &Principal) -> Sender {
    match &writer.device {
        Some(device) => Sender::Device(device.name.clone()),
        None if writer.for_devices => Sender::Devices,
        None => Sender::Anyone,
    }
}

impl Decoding {
    fn builder(&self, now_ns: i64) -> BatchBuilder<'_> {
        BatchBuilder::new(self.schema.as_ref(), self.limits, now_ns)
    }

    /// Says who sends the rows to come.
    fn sent_by(&self, builder: &mut BatchBuilder<'_>, writer: usize) {
        if let Some(sender) = self.senders.get(writer) {
            builder.sent_by(sender.clone());
        }
    }

    /// Reads one message of the first writer.
    pub(crate) fn one(&self, message: &NewMessage) -> Result<Decoded, IngestError> {
        let mut builder = self.builder(message.received_ns);
        self.sent_by(&mut builder, 0);
        let mut refusals = Refusals::keep(DESCRIBED);
        let seen = message.format.decode(&message.body, message.received_ns, &mut builder, &mut refusals)?;
        Ok(Decoded { batch: builder.finish(self.database.clone()), seen, refusals })
    }

    /// Reads as many messages as go together, in time that is linear in their length. One that does not go with those before it is
    /// left, and so are all behind it.
    pub(crate) fn many(&self, messages: &[Sent], now_ns: i64) -> Gathered {
        let mut together = messages;
        loop {
            match self.try_many(together, now_ns) {
                Ok(gathered) => return gathered,
                // Those before it went together, so this happens once.
                Err(apart) => together = together.get(..apart).unwrap_or_default(),
            }
        }
    }

    /// Reads messages into one batch, or says which one is to be the first of another batch: it would take from a limit of requests
    /// what others took already, or it left rows of which nobody knows whether they are meant.
    fn try_many(&self, messages: &[Sent], now_ns: i64) -> Result<Gathered, usize> {
        let mut builder = self.builder(now_ns);
        let mut parts = Vec::with_capacity(messages.len());
        let mut lines_before = Vec::with_capacity(messages.len());
        let mut last = None;
        for (position, Sent { writer, message }) in messages.iter().enumerate() {
            let NewMessage { format, body, received_ns } = message;
            if last.replace(*writer) != Some(*writer) {
                self.sent_by(&mut builder, *writer);
            }
            lines_before.push(builder.next_message());
            let rows_before = builder.rows();
            let mut refusals = Refusals::keep(DESCRIBED);
            let seen = format.decode(body, *received_ns, &mut builder, &mut refusals);
            let rows = builder.rows() - rows_before;
            let is_unfinished = seen.is_err() && rows > 0;
            if position > 0 && (is_unfinished || reached_limit_of_request(&refusals)) {
                return Err(position);
            }
            if is_unfinished {
                builder = self.builder(now_ns);
                last = None;
            }
            parts.push(seen.map(|seen| Part { rows, seen, refusals }));
        }
        Ok(Gathered { batch: builder.finish(self.database.clone()), parts, lines_before })
    }
}

/// Whether rows were refused, or may have been, because of a limit that all messages of a batch share.
fn reached_limit_of_request(refusals: &Refusals) -> bool {
    let is_shared = |error: &RowError| {
        matches!(error, RowError::Limit { setting: "limits.rows_per_request" | "limits.cells_per_request", .. })
    };
    let is_described = refusals.first().len() as u64 == refusals.total();
    refusals.first().iter().any(|refused| is_shared(&refused.error))
        || (!is_described && refusals.by_kind().iter().any(|(kind, _)| *kind == ErrorKind::TooLarge))
}
