//! `sensorium query`: runs a statement where the data is and prints the batches as they arrive.

use std::io::Read;

use anyhow::{Context, Result, bail};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamDecoder;
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use reqwest::Method;
use sensorium_model::{DatabaseName, DatabaseScope};
use sensorium_query::{Asker, QueryRequest};

use super::output::Output;
use super::{Folder, Reach, Remote};
use crate::cli::QueryArgs;
use crate::open;

/// What an answer that ends early means, most often.
const BROKEN_OFF: &str = "the server broke off the answer, most likely because the query reached a limit on the way, such as \
                          query.max_rows; its log says which";

/// Runs the command.
pub(crate) async fn query(args: QueryArgs) -> Result<()> {
    let sql = statement(&args.sql)?;
    let reach = Reach::open(&args.reach, false).await?;
    let outcome = answer(&reach, &args.database, &sql, &mut Output::new(args.format)).await;
    reach.close().await?;
    outcome
}

/// The statement, which `-` takes from standard input.
pub(super) fn statement(sql: &str) -> Result<String> {
    if sql != "-" {
        return Ok(sql.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the statement from standard input")?;
    Ok(text)
}

/// Takes the rows of an answer.
pub(super) trait Sink {
    /// The columns of the answer; counts once.
    fn schema(&mut self, schema: &SchemaRef) -> Result<()>;
    /// Takes the next rows; false when no more are wanted.
    fn batch(&mut self, batch: RecordBatch) -> Result<bool>;
    /// Ends a whole answer.
    fn finish(&mut self) -> Result<()>;
}

/// Runs a statement where the data is, and hands its rows on as they arrive.
pub(super) async fn answer(reach: &Reach, database: &DatabaseName, sql: &str, output: &mut impl Sink) -> Result<()> {
    match reach {
        Reach::Server(remote) => from_server(remote, database, sql, output).await,
        Reach::Folder(folder) => from_folder(folder, database, sql, output).await,
    }
}

async fn from_server(remote: &Remote, database: &DatabaseName, sql: &str, output: &mut impl Sink) -> Result<()> {
    let body = serde_json::json!({ "q": sql, "db": database, "format": "arrow" });
    let response = remote.send(remote.request(Method::POST, "/api/v1/sql").json(&body)).await?;
    let mut decoder = StreamDecoder::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.context(BROKEN_OFF)?;
        let mut buffer = Buffer::from(chunk);
        while !buffer.is_empty() {
            let batch = decoder.decode(&mut buffer).context("the server's answer cannot be read")?;
            if let Some(schema) = decoder.schema() {
                output.schema(&schema)?;
            }
            if let Some(batch) = batch
                && !output.batch(batch)?
            {
                return Ok(());
            }
        }
    }
    if decoder.finish().is_err() {
        bail!(BROKEN_OFF);
    }
    output.finish()
}

async fn from_folder(folder: &Folder, database: &DatabaseName, sql: &str, output: &mut impl Sink) -> Result<()> {
    let engine = open::query(&folder.settings, &folder.store)?;
    let request = QueryRequest {
        org: folder.org,
        database: database.clone(),
        scope: DatabaseScope::All,
        asker: Asker::system(),
        sql: sql.to_owned(),
        points: None,
        postgres: None,
    };
    let mut stream = engine.execute(request).await?;
    output.schema(&stream.schema())?;
    while let Some(batch) = stream.next().await {
        if !output.batch(batch?)? {
            return Ok(());
        }
    }
    output.finish()
}
