//! Stores pieces: in the data folder, or over HTTP as gzipped line protocol.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, StatusCode, header};
use sensorium_model::{
    Batch, ColumnKind, DatabaseKey, DatabaseName, DatabaseSchema, FieldType, IngestLimits, OrgId, TableSchema,
};
use sensorium_protocols::line_protocol::write_batch;
use serde::Deserialize;

use crate::client::{Folder, Reach, Remote};

/// How often a store that is busy is asked again, and the longest wait in between.
const ATTEMPTS: u32 = 60;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long to wait while the folder's memory is flushed to disk.
const FOLDER_WAIT: Duration = Duration::from_millis(500);

/// Where pieces go.
pub(super) struct Target<'r> {
    place: Place<'r>,
    database: DatabaseName,
}

enum Place<'r> {
    Folder(&'r Folder),
    Server(&'r Remote),
}

/// What became of a piece.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) rows: u64,
    pub(super) refused: u64,
    /// The first refused rows: line of the file and reason.
    pub(super) first: Vec<(u32, String)>,
}

/// The server's answer when it refused rows.
#[derive(Deserialize)]
struct Partial {
    accepted: u64,
    rejected: Vec<RefusedRow>,
}

#[derive(Deserialize)]
struct RefusedRow {
    line: u32,
    error: String,
}

#[derive(Deserialize)]
struct Tables {
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    columns: Vec<TableColumn>,
}

#[derive(Deserialize)]
struct TableColumn {
    name: String,
    kind: String,
    #[serde(rename = "type")]
    type_name: String,
}

impl<'r> Target<'r> {
    /// Makes sure that the database exists.
    pub(super) async fn new(reach: &'r Reach, database: &DatabaseName) -> Result<Self> {
        let place = match reach {
            Reach::Folder(folder) => {
                folder.store.create_database(&DatabaseKey::new(folder.org, database.clone()))?;
                Place::Folder(folder)
            }
            Reach::Server(remote) => {
                create_database(remote, database).await?;
                Place::Server(remote)
            }
        };
        Ok(Self { place, database: database.clone() })
    }

    /// The database's key; over HTTP the server knows the organisation.
    pub(super) fn key(&self) -> DatabaseKey {
        let org = match self.place {
            Place::Folder(folder) => folder.org,
            Place::Server(_) => OrgId::from_uuid(uuid::Uuid::nil()),
        };
        DatabaseKey::new(org, self.database.clone())
    }

    /// What is stored already.
    pub(super) async fn schema(&self) -> Result<DatabaseSchema> {
        match self.place {
            Place::Folder(folder) => Ok(folder.store.schema(&self.key()).as_deref().cloned().unwrap_or_default()),
            Place::Server(remote) => remote_schema(remote, &self.database).await,
        }
    }

    /// The limits that rows are held to before they are sent. A server has its own, which are not known here.
    pub(super) fn limits(&self) -> IngestLimits {
        match self.place {
            Place::Folder(folder) => folder.settings.limits,
            Place::Server(_) => {
                IngestLimits { future_seconds: u64::MAX, earliest_unix_seconds: i64::MIN, ..IngestLimits::default() }
            }
        }
    }

    /// Stores a piece; returns after it is on disk.
    pub(super) async fn store(&self, batch: Batch) -> Result<Stored> {
        match self.place {
            Place::Server(remote) => self.send(remote, &batch).await,
            Place::Folder(folder) => {
                let mut attempt = 0;
                let report = loop {
                    match folder.store.write(batch.clone()).await {
                        Err(error) if error.kind() == sensorium_model::ErrorKind::Busy && attempt < ATTEMPTS => {
                            attempt += 1;
                            tokio::time::sleep(FOLDER_WAIT).await;
                        }
                        outcome => break outcome?,
                    }
                };
                let first = report.rejected.iter().map(|row| (row.line, row.error.to_string())).collect();
                Ok(Stored { rows: report.accepted as u64, refused: report.rejected.len() as u64, first })
            }
        }
    }

    async fn send(&self, remote: &Remote, batch: &Batch) -> Result<Stored> {
        let rows = batch.rows() as u64;
        let mut text = String::new();
        let lines = write_batch(batch, &mut text);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).context("compressing failed")?;
        let body = encoder.finish().context("compressing failed")?;
        let path = format!("/write?db={}&precision=ns", self.database);
        let mut attempt = 0;
        loop {
            let request = remote.request(Method::POST, &path).header(header::CONTENT_ENCODING, "gzip");
            let response = request.body(body.clone()).send().await.with_context(|| {
                format!(
                    "cannot reach the server at {}; import the same file again, which stores no row twice",
                    remote.url()
                )
            })?;
            let status = response.status();
            if status.is_success() {
                return Ok(Stored { rows, ..Stored::default() });
            }
            let wait = retry_after(&response);
            let answer = response.bytes().await.unwrap_or_default();
            if status == StatusCode::TOO_MANY_REQUESTS && attempt < ATTEMPTS {
                attempt += 1;
                tokio::time::sleep(wait).await;
                continue;
            }
            if let Ok(Partial { accepted, rejected }) = serde_json::from_slice(&answer) {
                let place = |line| lines.source(line).unwrap_or(line);
                let first = rejected.into_iter().map(|row| (place(row.line), row.error)).collect();
                return Ok(Stored { rows: accepted, refused: rows.saturating_sub(accepted), first });
            }
            bail!("{}", sentence(&answer).unwrap_or_else(|| format!("the server answered {status}")));
        }
    }
}

fn retry_after(response: &reqwest::Response) -> Duration {
    let seconds = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(Duration::from_secs(1), Duration::from_secs).min(LONGEST_WAIT)
}

/// The server's own words.
fn sentence(answer: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(answer).ok()?;
    Some(value.get("error")?.as_str()?.to_owned())
}

/// Creates the database unless it exists; a token that may only write can still import into one that exists.
async fn create_database(remote: &Remote, database: &DatabaseName) -> Result<()> {
    let request = remote.request(Method::POST, "/api/v1/databases").json(&serde_json::json!({ "name": database }));
    let response = request.send().await.with_context(|| {
        format!("cannot reach the server at {}; check that it runs and that the address is right", remote.url())
    })?;
    let status = response.status();
    if status.is_success() || status == StatusCode::FORBIDDEN {
        return Ok(());
    }
    let answer = response.bytes().await.unwrap_or_default();
    bail!("{}", sentence(&answer).unwrap_or_else(|| format!("the server answered {status}")));
}

/// The stored columns; none when the token may not read, and then the server refuses what does not fit.
async fn remote_schema(remote: &Remote, database: &DatabaseName) -> Result<DatabaseSchema> {
    let mut schema = DatabaseSchema::default();
    let request = remote.request(Method::GET, &format!("/api/v1/databases/{database}/tables"));
    let Ok(response) = remote.send(request).await else {
        return Ok(schema);
    };
    let Tables { tables } = response.json().await.context("the server's answer cannot be read")?;
    for table in tables {
        let mut columns = TableSchema::default();
        for column in table.columns {
            if let Some(kind) = column_kind(&column.kind, &column.type_name) {
                let _new = columns.add(column.name.into(), kind);
            }
        }
        schema.tables.insert(table.name.into(), columns.into());
    }
    Ok(schema)
}

fn column_kind(kind: &str, type_name: &str) -> Option<ColumnKind> {
    let field = |field: &FieldType| field.as_str() == type_name;
    let types = [FieldType::F64, FieldType::I64, FieldType::U64, FieldType::Bool, FieldType::Text];
    match kind {
        "tag" => Some(ColumnKind::Tag),
        "field" => types.into_iter().find(field).map(ColumnKind::Field),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use sensorium_model::{BatchBuilder, Point, Value};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that gives the answers one after the other, whatever it is asked.
    async fn scripted(answers: &'static [(&'static str, &'static str)]) -> Remote {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for (head, body) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !is_whole(&request) {
                    assert!(stream.read_buf(&mut request).await.unwrap() > 0, "the request is cut");
                }
                let length = body.len();
                let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Remote::new(&url, Some("token".into())).unwrap()
    }

    fn is_whole(request: &[u8]) -> bool {
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
        let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        request.len() >= end + 4 + length
    }

    fn batch(database: &DatabaseName) -> Batch {
        let schema = DatabaseSchema::default();
        let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), 1_700_000_000_000_000_000);
        builder.push(&Point::new("t", 1).field("m", Value::Text("two\nlines".into())), 7).unwrap();
        builder.push(&Point::new("t", 2).field("m", Value::Text("x".into())), 9).unwrap();
        builder.finish(DatabaseKey::new(OrgId::from_uuid(uuid::Uuid::nil()), database.clone()))
    }

    #[tokio::test]
    async fn refused_rows_are_reported_with_the_lines_of_the_file() {
        let body = r#"{"error":"partial write","accepted":1,"rejected":[{"line":3,"error":"no","code":"conflict"}]}"#;
        let script = vec![("429 Too Many Requests\r\nretry-after: 0", "{}"), ("400 Bad Request", body)];
        let remote = scripted(script.leak()).await;
        let database: DatabaseName = "main".parse().unwrap();
        let target = Target { place: Place::Server(&remote), database: database.clone() };
        let stored = target.store(batch(&database)).await.unwrap();
        assert_eq!((stored.rows, stored.refused, stored.first), (1, 1, vec![(9, "no".to_owned())]));
    }

    #[tokio::test]
    async fn a_refused_request_is_told_in_the_servers_words() {
        let remote =
            scripted(&[("403 Forbidden", r#"{"error":"this credential may not write","code":"denied"}"#)]).await;
        let database: DatabaseName = "main".parse().unwrap();
        let target = Target { place: Place::Server(&remote), database: database.clone() };
        let error = target.store(batch(&database)).await.unwrap_err();
        assert_eq!(error.to_string(), "this credential may not write");
    }

    #[test]
    fn stored_columns_are_understood() {
        assert_eq!(column_kind("tag", "string"), Some(ColumnKind::Tag));
        assert_eq!(column_kind("field", "unsigned"), Some(ColumnKind::Field(FieldType::U64)));
        assert_eq!(column_kind("time", "timestamp"), None);
    }
}
