//! The streamed body of an answer: the statements run one after the other in a task that ends when nobody reads any more.
//! A statement that has begun to change something is carried out all the same.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, stream};
use sensorium_model::DatabaseName;
use sensorium_protocols::influxql::Statement;
use sensorium_query::influxql::Series;
use tokio::sync::mpsc;

use super::changes::{self, Changing, Done};
use super::csv::Csv;
use super::indent::Indent;
use super::json::{Ending, Json};
use super::request::{Asked, Format};
use crate::auth::Caller;
use crate::state::AppState;

/// What is gathered before it is sent, in bytes.
const PIECE_BYTES: usize = 16 << 10;
/// Pieces that wait for a slow reader.
const WAITING_PIECES: usize = 2;

/// What was asked, by whom.
pub(super) struct Task {
    pub(super) state: AppState,
    pub(super) caller: Caller,
    pub(super) peer: IpAddr,
    pub(super) asked: Asked,
    pub(super) database: Option<DatabaseName>,
    pub(super) statements: Vec<Statement>,
    pub(super) is_get: bool,
}

/// Nobody reads the answer.
struct Unread;

/// Starts to answer.
pub(super) fn start(task: Task) -> Body {
    let (pieces, received) = mpsc::channel(WAITING_PIECES);
    let encoder = match task.asked.format {
        Format::Json => Encoder::Json(Json::new(task.asked.epoch, task.asked.chunk.is_some())),
        Format::Csv => Encoder::Csv(Csv::new(task.asked.epoch)),
    };
    let indent = (task.asked.is_pretty && task.asked.format == Format::Json).then(Indent::default);
    let out = Out { encoder, indent, bytes: Vec::new(), pieces };
    tokio::spawn(async move {
        // Whoever left needs no answer.
        let _ = run(task, out).await;
    });
    let body = stream::unfold(received, |mut received| async move {
        let piece: Bytes = received.recv().await?;
        Some((Ok::<_, Infallible>(piece), received))
    });
    // Compression asks once more after the end, which an unfolded stream does not forgive.
    Body::from_stream(body.fuse())
}

async fn run(task: Task, mut out: Out) -> Result<(), Unread> {
    let Task { state, caller, peer, asked, database, statements, is_get } = &task;
    let mut failed = false;
    for (at, statement) in statements.iter().enumerate() {
        out.begin(at);
        if failed {
            out.end(&Ending { warnings: Vec::new(), error: Some("not executed".to_owned()) }, asked).await?;
            continue;
        }
        let changing = Changing {
            state,
            caller,
            peer: *peer,
            database: database.as_ref(),
            database_text: asked.database_text(),
            now_ns: chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default(),
            chunk: asked.chunk,
        };
        let mut ending = Ending::default();
        if *is_get && statement.is_change() {
            ending.warnings.push(format!(
                "deprecated use of '{statement}' in a read only context, please use a POST request instead"
            ));
        }
        let failure = match changes::carry_out(&changing, statement).await {
            Err(error) => Some(error),
            Ok(Done::Nothing) => None,
            Ok(Done::Warning(warning)) => {
                ending.warnings.push(warning);
                None
            }
            Ok(Done::Series(all)) => out.all(all, asked).await?,
            Ok(Done::Stream(mut rows)) => loop {
                let next = tokio::select! {
                    next = rows.next() => next,
                    () = out.pieces.closed() => return Err(Unread),
                };
                match next {
                    None => break None,
                    Some(Err(error)) => break Some(error.to_string()),
                    Some(Ok(series)) => {
                        if let Some(error) = out.series(&series, asked).await? {
                            break Some(error);
                        }
                    }
                }
            },
        };
        failed = failure.is_some();
        ending.error = failure;
        out.end(&ending, asked).await?;
    }
    out.finish().await
}

enum Encoder {
    Json(Json),
    Csv(Csv),
}

/// Where the text goes.
struct Out {
    encoder: Encoder,
    indent: Option<Indent>,
    bytes: Vec<u8>,
    pieces: mpsc::Sender<Bytes>,
}

impl Out {
    fn begin(&mut self, statement: usize) {
        match &mut self.encoder {
            Encoder::Json(json) => json.begin(statement, &mut self.bytes),
            Encoder::Csv(csv) => csv.begin(),
        }
    }

    /// Writes a series; says why it cannot be written.
    async fn series(&mut self, series: &Series, asked: &Asked) -> Result<Option<String>, Unread> {
        let written = match &mut self.encoder {
            Encoder::Json(json) => json.series(series, &mut self.bytes),
            Encoder::Csv(csv) => {
                csv.series(series, &mut self.bytes);
                Ok(())
            }
        };
        if let Err(value) = written {
            return Ok(Some(format!("json: unsupported value: {}", value.0)));
        }
        self.flush(asked).await?;
        Ok(None)
    }

    async fn all(&mut self, all: Vec<Series>, asked: &Asked) -> Result<Option<String>, Unread> {
        for series in &all {
            if let Some(error) = self.series(series, asked).await? {
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    async fn end(&mut self, ending: &Ending, asked: &Asked) -> Result<(), Unread> {
        match &mut self.encoder {
            Encoder::Json(json) => json.end(ending, &mut self.bytes),
            Encoder::Csv(csv) => csv.end(ending, &mut self.bytes),
        }
        self.flush(asked).await
    }

    async fn finish(mut self) -> Result<(), Unread> {
        if let Encoder::Json(json) = &self.encoder {
            json.finish(&mut self.bytes);
        }
        self.send().await
    }

    /// Sends what is enough for a piece; a chunk is sent at once.
    async fn flush(&mut self, asked: &Asked) -> Result<(), Unread> {
        if asked.chunk.is_some() || self.bytes.len() >= PIECE_BYTES { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> Result<(), Unread> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        let bytes = match &mut self.indent {
            Some(indent) => indent.apply(&bytes),
            None => bytes,
        };
        self.pieces.send(bytes.into()).await.map_err(|_| Unread)
    }
}
