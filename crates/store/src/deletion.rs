//! Rows that are gone for readers and not yet from the files: what was deleted, and what is older than it is kept.
//!
//! A deletion holds for the data files that were there when it was made, which an ascending version tells; rows that are
//! written later are not touched. Merging files makes it real. Retention is a deletion of everything before a moving time.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, TimestampNanosecondType};
use arrow::error::ArrowError;
use sensorium_model::Name;
use serde::{Deserialize, Serialize};

/// Which rows of a table are deleted: those of a span of time whose tags have given values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// The first deleted time, nanoseconds since the epoch.
    pub time_min_ns: i64,
    /// The last deleted time, included.
    pub time_max_ns: i64,
    /// Tags and the value that each must have; without any, all series.
    pub tags: Vec<(Name, Name)>,
}

impl Deletion {
    /// Everything before a time.
    pub(crate) fn before(time_ns: i64) -> Self {
        Self { time_min_ns: i64::MIN, time_max_ns: time_ns.saturating_sub(1), tags: Vec::new() }
    }

    /// Whether it may hold for a row between two times, both included.
    pub(crate) fn overlaps(&self, time_min_ns: i64, time_max_ns: i64) -> bool {
        self.time_min_ns <= time_max_ns && self.time_max_ns >= time_min_ns
    }

    /// Whether it holds for every row between two times, both included.
    pub(crate) fn covers(&self, time_min_ns: i64, time_max_ns: i64) -> bool {
        self.tags.is_empty() && self.time_min_ns <= time_min_ns && time_max_ns <= self.time_max_ns
    }

    /// For each row of a batch with the columns of [`crate::arrow_schema`], or some of them, whether it is deleted.
    fn marks(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let time = batch.column(0).as_primitive_opt::<TimestampNanosecondType>();
        let time = time.ok_or_else(|| ArrowError::SchemaError("the first column is not the time".to_owned()))?;
        let mut marks: Vec<bool> =
            time.values().iter().map(|time| (self.time_min_ns..=self.time_max_ns).contains(time)).collect();
        for (name, wanted) in &self.tags {
            // A file without the column has no row with the tag.
            let Some(column) = batch.column_by_name(name) else { return Ok(vec![false; marks.len()].into()) };
            let tags = column.as_dictionary_opt::<Int32Type>();
            let tags = tags.ok_or_else(|| ArrowError::SchemaError(format!("{name:?} is not a tag")))?;
            let values = tags.values().as_string::<i32>();
            let matches: Vec<bool> = values.iter().map(|value| value == Some(wanted.as_ref())).collect();
            for (mark, key) in marks.iter_mut().zip(tags.keys()) {
                let key = key.and_then(|key| usize::try_from(key).ok());
                *mark &= key.is_some_and(|key| matches.get(key).copied().unwrap_or(false));
            }
        }
        Ok(marks.into())
    }
}

/// The rows of a batch that none of the deletions holds for.
pub(crate) fn without_deleted(batch: RecordBatch, deletions: &[Arc<Deletion>]) -> Result<RecordBatch, ArrowError> {
    let mut batch = batch;
    for deletion in deletions {
        let marks = deletion.marks(&batch)?;
        if marks.true_count() > 0 {
            batch = filter_record_batch(&batch, &arrow::compute::not(&marks)?)?;
        }
    }
    Ok(batch)
}
