//! `tag_values`: the distinct values of a tag.

use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use datafusion::common::{Result, plan_err};
use sensorium_store::arrow_schema;

use super::memory::InMemory;
use crate::catalog::Stored;
use crate::near::hint;

/// The distinct values of a tag.
pub(super) struct TagValues {
    stored: Stored,
    /// The tag as a column of its table.
    tag: SchemaRef,
    schema: SchemaRef,
}

impl TagValues {
    pub(super) fn open(stored: Stored, names: &[String]) -> Result<Arc<dyn InMemory>> {
        let tag = names.first().map(String::as_str).unwrap_or_default();
        let tags: Vec<&str> = stored.schema.tags().map(AsRef::as_ref).collect();
        if !tags.contains(&tag) {
            let hint = hint("tags", tag, tags.into_iter());
            return plan_err!("There is no tag {tag:?} in table {:?}.{hint}", stored.table.as_ref());
        }
        let columns = arrow_schema(&stored.schema);
        let tag = Arc::new(columns.project(&[columns.index_of(tag)?])?);
        let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, false)]));
        Ok(Arc::new(Self { stored, tag, schema }))
    }
}

impl fmt::Debug for TagValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = self.tag.fields().first().map(|field| field.name().as_str()).unwrap_or_default();
        write!(f, "tag_values({}, {tag})", self.stored)
    }
}

impl InMemory for TagValues {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn rows(&self, columns: &[usize]) -> Result<RecordBatch> {
        let batch = self.stored.store.last_batch(&self.stored.key, &self.stored.table, &self.tag)?;
        // The dictionary of newest values holds what series have, each value once.
        let tag = batch.column(0).as_dictionary::<Int32Type>();
        let mut values: Vec<&str> = tag.values().as_string::<i32>().iter().flatten().collect();
        values.sort_unstable();
        let values = RecordBatch::try_new(Arc::clone(&self.schema), vec![Arc::new(StringArray::from(values))])?;
        Ok(values.project(columns)?)
    }
}
