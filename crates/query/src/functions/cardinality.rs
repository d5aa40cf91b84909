//! `cardinality`: how many values each tag has, and how many series that makes.

use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use datafusion::common::Result;
use sensorium_store::arrow_schema;

use super::memory::InMemory;
use crate::catalog::Stored;

/// The tags of a table, that with most values first.
pub(super) struct Cardinality {
    stored: Stored,
    /// The tags as columns of the table.
    tags: SchemaRef,
    schema: SchemaRef,
}

impl Cardinality {
    pub(super) fn open(stored: Stored, _names: &[String]) -> Result<Arc<dyn InMemory>> {
        let tags = (1..=stored.schema.tags().count()).collect::<Vec<_>>();
        let tags = Arc::new(arrow_schema(&stored.schema).project(&tags)?);
        let schema = Schema::new(vec![
            Field::new("tag", DataType::Utf8, false),
            Field::new("distinct_values", DataType::UInt64, false),
            Field::new("series_with_it", DataType::UInt64, false),
            Field::new("series_of_table", DataType::UInt64, false),
        ]);
        Ok(Arc::new(Self { stored, tags, schema: Arc::new(schema) }))
    }
}

impl fmt::Debug for Cardinality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cardinality({})", self.stored)
    }
}

impl InMemory for Cardinality {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn rows(&self, columns: &[usize]) -> Result<RecordBatch> {
        let Stored { store, key, table, .. } = &self.stored;
        let series = store.series_batch(key, table, &self.tags)?;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut tags: Vec<(&str, u64, u64)> = self
            .tags
            .fields()
            .iter()
            .zip(series.columns())
            .map(|(field, column)| {
                // The dictionary holds what series have, each value once.
                let tag = column.as_dictionary::<Int32Type>();
                (field.name().as_str(), count(tag.values().len()), count(series.num_rows() - column.null_count()))
            })
            .collect();
        tags.sort_by_key(|(name, values, _)| (std::cmp::Reverse(*values), *name));
        let numbers = |of: fn(&(&str, u64, u64)) -> u64| Arc::new(tags.iter().map(of).collect::<UInt64Array>());
        let all = UInt64Array::from_value(count(series.num_rows()), tags.len());
        let names: StringArray = tags.iter().map(|(name, ..)| Some(*name)).collect();
        let rows = RecordBatch::try_new(
            Arc::clone(&self.schema),
            vec![Arc::new(names), numbers(|tag| tag.1), numbers(|tag| tag.2), Arc::new(all)],
        )?;
        Ok(rows.project(columns)?)
    }
}
