//! Data files: the rows of a table as Parquet, and its last values.
//!
//! ```text
//! <dir>/data/<organisation>/<database>/<table>/day=YYYY-MM-DD/<version>-<number>.parquet
//! <dir>/data/<organisation>/<database>/<table>/last/<version>-<number>.last
//! ```
//!
//! `version` is that of the manifest that names the file first, also of a file that others were merged into. Names of tables
//! are percent-encoded. A Parquet file holds rows of one UTC day, or, when a table has few rows on each of many days, of several
//! days, under the first one's name. Its
//! rows are sorted by the tags (by column name, absent first), then by time; no key stands twice; columns are those of
//! [`crate::arrow_schema`] that have a value, times and decimals in a smaller type ([`form`]). Row groups have 131,072 rows;
//! pages have an index; tags of more than a few values have bloom filters.
//!
//! Invariants:
//! - a file is written under a temporary name, synced, renamed, and its folder synced, before the manifest names it;
//! - a file that the manifest names is never changed.

pub(crate) mod checksum;
pub(crate) mod data_file;
pub(crate) mod decimal;
pub(crate) mod encoding;
pub(crate) mod form;
pub(crate) mod last_file;
pub(crate) mod pages;
pub(crate) mod parquet;
pub(crate) mod path;
pub(crate) mod reading;
pub(crate) mod steady;
pub(crate) mod verify;
