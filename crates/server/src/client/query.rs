//! `sensorium query`: runs a statement where the data is and prints the batches as they arrive.

use std::io::Read;

use anyhow::{Context, Result, bail};
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
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
    let sql = match args.sql.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read the statement from standard input")?;
            text
        }
        text => text.to_owned(),
    };
    let reach = Reach::open(&args.reach, false).await?;
    let mut output = Output::new(args.format);
    let outcome = match &reach {
        Reach::Server(remote) => from_server(remote, &args.database, &sql, &mut output).await,
        Reach::Folder(folder) => from_folder(folder, &args.database, &sql, &mut output).await,
    };
    reach.close().await?;
    outcome
}

async fn from_server(remote: &Remote, database: &DatabaseName, sql: &str, output: &mut Output) -> Result<()> {
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
                output.schema(&schema);
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

async fn from_folder(folder: &Folder, database: &DatabaseName, sql: &str, output: &mut Output) -> Result<()> {
    let engine = open::query(&folder.settings, &folder.store)?;
    let request = QueryRequest {
        org: folder.org,
        database: database.clone(),
        scope: DatabaseScope::All,
        asker: Asker::system(),
        sql: sql.to_owned(),
        points: None,
    };
    let mut stream = engine.execute(request).await?;
    output.schema(&stream.schema());
    while let Some(batch) = stream.next().await {
        if !output.batch(batch?)? {
            return Ok(());
        }
    }
    output.finish()
}
