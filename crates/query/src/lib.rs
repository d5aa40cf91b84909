//! SQL and InfluxQL over the store through DataFusion: the only crate that sees it.
//!
//! A request holds exactly one statement, which only reads. Its caller's databases are the schemas, the request's database is
//! the default one, and `information_schema` describes them. Answers stream as Arrow batches.
//!
//! Limits, each with an error that names its setting: memory, wall time and rows of a query, and the number of queries at
//! once ([`QueryConfig`]); the length and depth of a statement are fixed. Memory is what DataFusion's operators reserve
//! (sorts, groups, joins, merges); the batches on their way between operators, a few megabytes, come on top. Nothing is
//! spilled to disk.
//!
//! A request over PostgreSQL's protocol also sees `pg_catalog` and PostgreSQL's functions, and may have parameters ([`Postgres`]).
//!
//! The queries that run are listed per organisation and can be ended one by one ([`QueryEngine::kill`], `SHOW QUERIES`,
//! `KILL 'id'`).
//!
//! Queries run on threads of their own, so that a heavy one never delays ingest. Dropping a [`QueryStream`], or the future of
//! [`QueryEngine::execute`], stops the work.

mod bounds;
mod catalog;
mod config;
mod direct;
mod engine;
mod error;
mod functions;
mod gapfill;
mod grouping;
pub mod influxql;
mod managed;
mod near;
mod pg_catalog;
mod reduce;
mod registry;
mod session;
mod slices;
mod statement;
mod stream;
mod table;
mod telemetry;

pub use config::QueryConfig;
pub use engine::{Asker, QueryEngine, QueryRequest};
pub use error::{Position, QueryError};
pub use pg_catalog::{Described, POSTGRES_VERSION, Parameter, Postgres, postgres_type};
pub use registry::{QueryId, RunningQuery};
pub use statement::Managing;
pub use stream::QueryStream;
