//! Readings from CSV files, as loggers, spreadsheets and data sets write them.
//!
//! First [`plan`] looks at the start of a file and says what it understood: the delimiter, whether there is a header,
//! which column is the time and what the others are. A person can look at the plan before anything is stored. Then
//! [`Rows`] reads the file by the plan.
//!
//! - The delimiter is `,` `;` tab or `|`, whichever the first line has most of.
//! - There is a header unless a value of the first line is a number or a time.
//! - A first column that the header does not name (the header has one name less than the rows have values, or its first
//!   name is empty) is a row number and is left out.
//! - The time is the named column, else the first whose name sounds like a time and whose values are times, else the
//!   first whose values are times. A date and a time of day in two columns belong together.
//! - Columns of numbers are floats, also when all of them are whole, unless told; `true` and `false` are truth values;
//!   everything else is text. In files whose delimiter is not a comma, decimals may be.
//! - Empty values, and in columns that are not text also `NA`, `NaN`, `null`, `None`, `-` and `?`, are left out of
//!   their row.
//!
//! A row that does not fit the plan costs only itself. Lines that span several lines by quoting are numbered by their
//! first.
//!
//! Limits: the plan is made from the bytes that it is given; one row is limited to [`MAX_ROW_VALUES`] values.

mod infer;
mod plan;
mod rows;
mod sniff;

use thiserror::Error;

pub use plan::{FieldKind, Options, Plan, PlannedColumn, Role, Skip, TimeFormat, plan};
pub use rows::Rows;

/// The most values that a row may have.
pub const MAX_ROW_VALUES: usize = 10_000;

/// Why a file cannot be read at all.
#[derive(Debug, Error)]
pub enum CsvError {
    /// There is no row.
    #[error("the file holds no row of values")]
    Empty,
    /// The text has an encoding that is not UTF-8.
    #[error("the file is encoded in UTF-16; save it as UTF-8 (for example with: iconv -f UTF-16 -t UTF-8)")]
    Utf16,
    /// A column that was named does not exist.
    #[error("there is no column {name:?}; the columns are {known}")]
    NoSuchColumn {
        /// The name that was given.
        name: String,
        /// The names of the file.
        known: String,
    },
    /// No column holds times.
    #[error("no column looks like a time; name it with --time-column (the columns are {known})")]
    NoTime {
        /// The names of the file.
        known: String,
    },
    /// The named column does not hold times.
    #[error("column {name:?} does not hold times: {value:?} is none")]
    NotATime {
        /// The column.
        name: String,
        /// The first value that is no time.
        value: String,
    },
    /// No column is left to store.
    #[error("no column is left for a field; a reading needs at least one")]
    NoFields,
    /// More columns than anyone means.
    #[error("the first row has {values} values; at most {MAX_ROW_VALUES} are read")]
    TooWide {
        /// The number of values.
        values: usize,
    },
    /// The file cannot be read.
    #[error("the file cannot be read: {source}")]
    Read {
        /// What went wrong.
        #[source]
        source: csv::Error,
    },
}

#[cfg(test)]
mod tests;
