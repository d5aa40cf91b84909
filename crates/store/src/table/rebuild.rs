//! Finding the newest values in the stored rows, where those in memory are not true any more.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use arrow::error::ArrowError;
use sensorium_model::{FieldColumn, FieldType, FieldValues, Name, TableBatch, TableSchema, TagColumn};

use super::Table;
use super::last::LastValues;
use crate::catalog::keep_rows;
use crate::columns::arrow_schema;
use crate::deletion::{Deletion, without_deleted};
use crate::error::WriteError;
use crate::files::reading::{open, rows};
use crate::report::SourceData;
use crate::shared::Shared;

impl Table {
    /// Forgets newest values that were deleted, and finds those before them. Writers go on meanwhile.
    pub(crate) fn forget_deleted(&self, shared: &Shared, deletion: &Deletion) -> Result<(), WriteError> {
        let concerned = {
            let mut last = self.last.lock();
            let series = self.series.read();
            let count = u32::try_from(series.len()).unwrap_or(u32::MAX);
            let has_tags = |id: &u32| {
                let entry = series.get(*id);
                entry.is_some_and(|entry| deletion.tags.iter().all(|(name, value)| entry.tag(name) == Some(value)))
            };
            let matching: Vec<u32> = (0..count).filter(has_tags).collect();
            last.forget(&matching, &(deletion.time_min_ns..=deletion.time_max_ns))
        };
        if concerned.is_empty() {
            return Ok(());
        }
        let found = self.newest_of_sources(shared, Some(&concerned))?;
        self.last.lock().absorb(found);
        Ok(())
    }

    /// Finds the newest values of all series, or of some, in everything that is stored.
    pub(crate) fn newest_of_sources(
        &self,
        shared: &Shared,
        of: Option<&HashSet<u32>>,
    ) -> Result<LastValues, WriteError> {
        let mut found = LastValues::default();
        let snapshot = self.snapshot(None, || shared.schema_of(self));
        let schema = arrow_schema(&snapshot.schema);
        let mut take = |batch: &RecordBatch| {
            let mut batch = table_batch(&self.name, batch, &snapshot.schema);
            let mut ids = self.series.intern(&batch, usize::MAX);
            if let Some(of) = of {
                let keep: Vec<bool> = ids.iter().map(|id| of.contains(id)).collect();
                batch = keep_rows(&batch, &keep);
                ids.retain(|id| of.contains(id));
            }
            found.update(&batch, &ids);
        };
        for source in snapshot.sources {
            match source.data {
                SourceData::Memory(batch) => {
                    take(
                        &without_deleted(batch, &source.deletions)
                            .map_err(|error| failed(Path::new(&*self.name), error))?,
                    );
                }
                SourceData::File(file) => {
                    for batch in rows(open(&file.path, 1)?, Arc::clone(&schema), source.deletions) {
                        take(&batch.map_err(|error| failed(&file.path, error))?);
                    }
                }
            }
        }
        Ok(found)
    }
}

fn failed(path: &Path, error: ArrowError) -> WriteError {
    WriteError::Encode { path: path.to_owned(), source: Arc::new(error) }
}

/// Rows with the columns of [`arrow_schema`] as the store takes them in.
fn table_batch(table: &Name, batch: &RecordBatch, schema: &TableSchema) -> TableBatch {
    let count = batch.num_rows();
    let times = batch.columns().first().and_then(|time| time.as_primitive_opt::<TimestampNanosecondType>());
    let tag = |name: &Name| {
        let column = batch.column_by_name(name)?.as_dictionary_opt::<Int32Type>()?;
        let dictionary: Vec<Name> =
            column.values().as_string_opt::<i32>()?.iter().map(|value| value.unwrap_or_default().into()).collect();
        let key = |key: Option<i32>| key.and_then(|key| u32::try_from(key).ok()).unwrap_or(TagColumn::ABSENT);
        Some(TagColumn { name: name.clone(), dictionary, keys: column.keys().iter().map(key).collect() })
    };
    let field = |(name, kind): (&Name, FieldType)| {
        let column = batch.column_by_name(name)?;
        let valid = (0..count).map(|row| column.is_valid(row)).collect();
        Some(FieldColumn { name: name.clone(), values: values(column, kind)?, valid })
    };
    TableBatch {
        table: table.clone(),
        time_ns: times.map(|times| times.values().to_vec()).unwrap_or_default(),
        tags: schema
            .tags()
            .filter_map(tag)
            .filter(|tag| tag.keys.iter().any(|key| *key != TagColumn::ABSENT))
            .collect(),
        fields: schema.fields().filter_map(field).collect(),
        source: vec![0; count],
    }
}

fn values(column: &ArrayRef, kind: FieldType) -> Option<FieldValues> {
    Some(match kind {
        FieldType::F64 => FieldValues::F64(column.as_primitive_opt::<Float64Type>()?.values().to_vec()),
        FieldType::I64 => FieldValues::I64(column.as_primitive_opt::<Int64Type>()?.values().to_vec()),
        FieldType::U64 => FieldValues::U64(column.as_primitive_opt::<UInt64Type>()?.values().to_vec()),
        FieldType::Bool => FieldValues::Bool(column.as_boolean_opt()?.values().iter().collect()),
        FieldType::Text => {
            FieldValues::Text(column.as_string_opt::<i32>()?.iter().map(Option::unwrap_or_default).collect())
        }
        // Not kept among the newest values.
        FieldType::Vector(_) => return None,
    })
}
