//! Leaving rows out of a batch.

use sensorium_model::{FieldColumn, FieldValues, TableBatch, TagColumn, VectorColumn};

/// The rows of a batch that `keep` marks, without columns that none of them has a value in.
pub(crate) fn keep_rows(table: &TableBatch, keep: &[bool]) -> TableBatch {
    let kept = |row: &usize| keep.get(*row).copied().unwrap_or(false);
    let tags = table.tags.iter().map(|tag| TagColumn {
        name: tag.name.clone(),
        dictionary: tag.dictionary.clone(),
        keys: filter(&tag.keys, keep),
    });
    let fields = table.fields.iter().map(|field| FieldColumn {
        name: field.name.clone(),
        values: match &field.values {
            FieldValues::F64(values) => FieldValues::F64(filter(values, keep)),
            FieldValues::I64(values) => FieldValues::I64(filter(values, keep)),
            FieldValues::U64(values) => FieldValues::U64(filter(values, keep)),
            FieldValues::Bool(values) => FieldValues::Bool(filter(values, keep)),
            FieldValues::Text(values) => {
                FieldValues::Text((0..values.len()).filter(kept).map(|row| values.get(row)).collect())
            }
            FieldValues::Vector(values) => {
                let mut kept_values = VectorColumn::new(values.length());
                (0..values.len()).filter(kept).for_each(|row| kept_values.extend(values, row..row + 1));
                FieldValues::Vector(kept_values)
            }
        },
        valid: (0..field.valid.len()).filter(kept).map(|row| field.valid.get(row)).collect(),
    });
    let batch = TableBatch {
        table: table.table.clone(),
        time_ns: filter(&table.time_ns, keep),
        tags: tags.filter(|tag| tag.keys.iter().any(|key| *key != TagColumn::ABSENT)).collect(),
        fields: fields.filter(|field| field.valid.count_valid() > 0).collect(),
        source: filter(&table.source, keep),
    };
    debug_assert!(batch.is_rectangular());
    batch
}

/// The marked values.
pub(crate) fn filter<T: Copy>(values: &[T], keep: &[bool]) -> Vec<T> {
    values.iter().zip(keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
}
