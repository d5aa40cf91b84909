//! Puts the values of a field into the order of sorted rows.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Builder, Float64Array, Int64Array, ListArray, ListBuilder, StringBuilder,
    UInt64Array, new_null_array,
};
use sensorium_model::{FieldType, FieldValues};

use super::chunk::Chunk;
use super::sort::RowOrder;
use crate::columns;

/// The position that stands for "no value".
const NONE: u32 = u32::MAX;

/// A field's values, one per distinct key.
pub(crate) fn gather(chunks: &[Arc<Chunk>], name: &str, field_type: FieldType, order: &RowOrder) -> ArrayRef {
    let Some(picks) = picks(chunks, name, order) else {
        return new_null_array(&columns::field_type(field_type), order.starts.len());
    };
    let dense = !picks.contains(&NONE);
    macro_rules! array {
        ($variant:ident, $array:ty) => {{
            let flat = flatten(chunks, name, |values| match values {
                FieldValues::$variant(values) => Some(values),
                _ => None,
            });
            let value = |row: &u32| flat.get(*row as usize).copied();
            if dense {
                Arc::new(<$array>::from_iter_values(picks.iter().map(|row| value(row).unwrap_or_default())))
            } else {
                Arc::new(picks.iter().map(value).collect::<$array>())
            }
        }};
    }
    match field_type {
        FieldType::F64 => array!(F64, Float64Array),
        FieldType::I64 => array!(I64, Int64Array),
        FieldType::U64 => array!(U64, UInt64Array),
        FieldType::Bool => {
            let flat = flatten(chunks, name, |values| match values {
                FieldValues::Bool(values) => Some(values),
                _ => None,
            });
            Arc::new(picks.iter().map(|row| flat.get(*row as usize).copied()).collect::<BooleanArray>())
        }
        FieldType::Text => Arc::new(texts(chunks, name, &picks)),
        FieldType::Vector(_) => Arc::new(vectors(chunks, name, &picks)),
    }
}

/// For each distinct key, the row whose value counts; `None` if no row has one.
fn picks<'o>(chunks: &[Arc<Chunk>], name: &str, order: &'o RowOrder) -> Option<Cow<'o, [u32]>> {
    let mut present = Vec::with_capacity(order.rows.len());
    let (mut any, mut all) = (false, true);
    for chunk in chunks {
        let column = chunk.column(name);
        for row in 0..chunk.rows() {
            let has = column.is_some_and(|column| column.has(row));
            any |= has;
            all &= has;
            present.push(has);
        }
    }
    if !any {
        return None;
    }
    if all && order.is_unique() {
        return Some(Cow::Borrowed(&order.rows));
    }
    let has = |row: &&u32| present.get(**row as usize).copied().unwrap_or(false);
    Some(order.groups().map(|group| group.iter().rev().find(has).copied().unwrap_or(NONE)).collect())
}

/// A field's values over all chunks, zeros where a chunk has none.
fn flatten<T: Copy + Default>(
    chunks: &[Arc<Chunk>],
    name: &str,
    typed: impl Fn(&FieldValues) -> Option<&Vec<T>>,
) -> Vec<T> {
    let mut flat = Vec::with_capacity(chunks.iter().map(|chunk| chunk.rows()).sum());
    for chunk in chunks {
        let end = flat.len() + chunk.rows();
        if let Some(values) = chunk.column(name).and_then(|column| typed(&column.values)) {
            flat.extend_from_slice(values);
        }
        flat.resize(end, T::default());
    }
    flat
}

fn texts(chunks: &[Arc<Chunk>], name: &str, picks: &[u32]) -> arrow::array::StringArray {
    let mut flat: Vec<&str> = Vec::with_capacity(chunks.iter().map(|chunk| chunk.rows()).sum());
    for chunk in chunks {
        let end = flat.len() + chunk.rows();
        if let Some(FieldValues::Text(text)) = chunk.column(name).map(|column| &column.values) {
            flat.extend((0..text.len()).map(|row| text.get(row)));
        }
        flat.resize(end, "");
    }
    let mut builder = StringBuilder::with_capacity(picks.len(), 0);
    picks.iter().for_each(|row| builder.append_option(flat.get(*row as usize)));
    builder.finish()
}

fn vectors(chunks: &[Arc<Chunk>], name: &str, picks: &[u32]) -> ListArray {
    let mut flat: Vec<Option<&[f32]>> = Vec::with_capacity(chunks.iter().map(|chunk| chunk.rows()).sum());
    for chunk in chunks {
        let end = flat.len() + chunk.rows();
        if let Some(FieldValues::Vector(vectors)) = chunk.column(name).map(|column| &column.values) {
            flat.extend((0..vectors.len()).map(|row| vectors.get(row)));
        }
        flat.resize(end, None);
    }
    let picked = |row: &u32| flat.get(*row as usize).copied().flatten();
    let numbers = picks.iter().filter_map(picked).map(<[f32]>::len).sum();
    let mut builder = ListBuilder::with_capacity(Float32Builder::with_capacity(numbers), picks.len());
    builder = builder.with_field(columns::vector_item());
    for vector in picks.iter().map(picked) {
        builder.values().append_slice(vector.unwrap_or_default());
        builder.append(vector.is_some());
    }
    builder.finish()
}
