//! One way to talk to either server: write line protocol, ask, and read the answer.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use serde_json::Value;

use super::influxdb::InfluxDb;
use crate::pair::Kind;
use crate::process;
use crate::sensorium::Sensorium;

/// What Sensorium is compared with.
pub(crate) const PEER: &str = "InfluxDB";

/// The database of the measurement in InfluxDB.
const INFLUXDB_DATABASE: &str = "bench";
/// The database of the measurement in Sensorium, which has it from the start.
const SENSORIUM_DATABASE: &str = "main";

/// The name that stands beside a token; any will do.
const USER: &str = "bench";

/// What a server is asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    InfluxQl,
    Sql,
}

/// A server as its clients and `/proc` see it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) kind: Kind,
    /// Its folder of `/proc`.
    pub(crate) process: PathBuf,
    pub(crate) language: Language,
    database: &'static str,
    client: reqwest::Client,
    write_url: String,
    query_url: String,
    token: Option<&'static str>,
}

impl Endpoint {
    /// An InfluxDB, in which the database is created.
    pub(crate) async fn influxdb(server: &InfluxDb) -> Result<Self> {
        Self::influxdb_with(server, INFLUXDB_DATABASE).await
    }

    /// An InfluxDB with a database, which is created.
    pub(crate) async fn influxdb_with(server: &InfluxDb, database: &'static str) -> Result<Self> {
        let process = process::folder(server.pid());
        let server = Self::of(Kind::Peer, process, server.base_url(), Language::InfluxQl, database, None);
        server.create().await?;
        Ok(server)
    }

    /// A Sensorium that is asked in SQL.
    pub(crate) fn sensorium(server: &Sensorium) -> Self {
        let (process, token) = (process::folder(server.pid()), Some(server.token()));
        Self::of(Kind::Sensorium, process, server.base_url(), Language::Sql, SENSORIUM_DATABASE, token)
    }

    /// A Sensorium that is asked in InfluxQL, with a database, which is created.
    pub(crate) async fn sensorium_with(server: &Sensorium, database: &'static str) -> Result<Self> {
        let (process, token) = (process::folder(server.pid()), Some(server.token()));
        let server = Self::of(Kind::Sensorium, process, server.base_url(), Language::InfluxQl, database, token);
        server.create().await?;
        Ok(server)
    }

    fn of(
        kind: Kind,
        process: PathBuf,
        base_url: &str,
        language: Language,
        database: &'static str,
        token: Option<&'static str>,
    ) -> Self {
        let path = if language == Language::Sql { "/api/v1/sql" } else { "/query" };
        Self {
            kind,
            process,
            language,
            database,
            client: reqwest::Client::new(),
            write_url: format!("{base_url}/write?db={database}"),
            query_url: format!("{base_url}{path}"),
            token,
        }
    }

    /// Creates the database, if it is not there.
    async fn create(&self) -> Result<()> {
        let create = format!("CREATE DATABASE \"{}\"", self.database);
        let request = self.with_token(self.client.post(&self.query_url).query(&[("q", create.as_str())]));
        let answer = request.send().await.with_context(|| format!("{} does not answer", self.name()))?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        ensure!(status.is_success(), "{} refused {create}: {status}", self.name());
        influxdb_rows(&body).with_context(|| format!("{} refused {create}", self.name()))?;
        Ok(())
    }

    /// The name that people know.
    pub(crate) fn name(&self) -> &'static str {
        self.kind.name(PEER)
    }

    /// Writes a body and waits for the acknowledgement that it is on disk; anything else is an error.
    pub(crate) async fn write(&self, body: Bytes) -> Result<()> {
        let request = self.with_token(self.client.post(&self.write_url)).body(body);
        let answer = request.send().await.with_context(|| format!("{} does not answer", self.name()))?;
        let status = answer.status();
        if status.as_u16() != 204 {
            bail!("{} refused a write: {status} {}", self.name(), answer.text().await.unwrap_or_default());
        }
        Ok(())
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn ask(&self, statement: &str) -> Result<Bytes> {
        self.ask_with(statement, &[]).await
    }

    /// As [`Endpoint::ask`], with further parameters.
    pub(crate) async fn ask_with(&self, statement: &str, further: &[(&str, &str)]) -> Result<Bytes> {
        let request = self.client.get(&self.query_url).query(&[("db", self.database), ("q", statement)]);
        let answer = self.with_token(request.query(further)).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        let text = || String::from_utf8_lossy(&body).into_owned();
        ensure!(status.is_success(), "{} refused {statement:?}: {status} {}", self.name(), text());
        Ok(body)
    }

    /// Asks, and understands the answer.
    pub(crate) async fn rows(&self, statement: &str) -> Result<Vec<Vec<Value>>> {
        let body = self.ask(statement).await?;
        let rows = match self.language {
            Language::InfluxQl => influxdb_rows(&body),
            Language::Sql => sensorium_rows(&body),
        };
        rows.with_context(|| format!("the answer of {} to {statement:?}", self.name()))
    }

    fn with_token(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match (self.token, self.language) {
            (Some(token), Language::Sql) => request.bearer_auth(token),
            // As Grafana signs in.
            (Some(token), Language::InfluxQl) => request.basic_auth(USER, Some(token)),
            (None, _) => request,
        }
    }
}

/// The rows of all series of an answer: the values of its tags, then its columns.
fn influxdb_rows(body: &[u8]) -> Result<Vec<Vec<Value>>> {
    let answer: Value = serde_json::from_slice(body)?;
    let result = answer.pointer("/results/0").context("no result")?;
    if let Some(error) = result.get("error") {
        bail!("{error}");
    }
    let mut rows = Vec::new();
    for series in list(result.get("series")) {
        let tags: Vec<Value> =
            series.get("tags").and_then(Value::as_object).map(|t| t.values().cloned().collect()).unwrap_or_default();
        rows.extend(list(series.get("values")).iter().map(|row| [tags.as_slice(), list(Some(row))].concat()));
    }
    Ok(rows)
}

fn sensorium_rows(body: &[u8]) -> Result<Vec<Vec<Value>>> {
    let answer: Value = serde_json::from_slice(body)?;
    if let Some(error) = answer.get("error") {
        bail!("{error}");
    }
    Ok(list(answer.get("rows")).iter().map(|row| list(Some(row)).to_vec()).collect())
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_of_influxdb_begin_with_their_tags() {
        let answer = br#"{"results":[{"statement_id":0,"series":[
            {"name":"r","tags":{"fleet":"East"},"columns":["time","mean"],"values":[["t0",1.5],["t1",null]]},
            {"name":"r","tags":{"fleet":"West"},"columns":["time","mean"],"values":[["t0",2]]}]}]}"#;
        let rows = influxdb_rows(answer).unwrap();
        assert_eq!(
            rows,
            [json!(["East", "t0", 1.5]), json!(["East", "t1", null]), json!(["West", "t0", 2])].map(cells)
        );
        assert_eq!(influxdb_rows(br#"{"results":[{"statement_id":0}]}"#).unwrap().len(), 0);
        assert!(influxdb_rows(br#"{"results":[{"error":"no such thing"}]}"#).is_err());
    }

    #[test]
    fn half_an_answer_of_sensorium_is_an_error() {
        let rows = sensorium_rows(br#"{"columns":[],"rows":[["East",1.5]],"row_count":1,"elapsed_ms":1}"#).unwrap();
        assert_eq!(rows, [cells(json!(["East", 1.5]))]);
        assert!(sensorium_rows(br#"{"columns":[],"rows":[["East",1.5]],"error":"cut","code":"busy"}"#).is_err());
    }

    fn cells(row: Value) -> Vec<Value> {
        row.as_array().unwrap().clone()
    }
}
