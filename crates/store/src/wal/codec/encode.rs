//! From a batch to bytes; the layout stands in the parent module.

use sensorium_model::{Batch, DatabaseKey, FieldColumn, FieldValues, TableBatch, TagColumn};

use super::VERSION;

/// Appends the encoding of a batch.
pub(crate) fn encode_batch(batch: &Batch, out: &mut Vec<u8>) {
    encode_database(&batch.database, out);
    varint(batch.tables.len() as u64, out);
    for table in &batch.tables {
        encode_table(table, out);
    }
}

/// Appends the encoding of a database's key: the head of a batch, and the body of a record that creates a database.
pub(crate) fn encode_database(key: &DatabaseKey, out: &mut Vec<u8>) {
    out.push(VERSION);
    out.extend_from_slice(key.org.as_uuid().as_bytes());
    text(key.name.as_str(), out);
}

fn encode_table(table: &TableBatch, out: &mut Vec<u8>) {
    debug_assert!(table.is_rectangular());
    text(&table.table, out);
    varint(table.rows() as u64, out);
    differences(table.time_ns.iter().copied(), out);
    varint(table.tags.len() as u64, out);
    table.tags.iter().for_each(|tag| encode_tag(tag, out));
    varint(table.fields.len() as u64, out);
    table.fields.iter().for_each(|field| encode_field(field, out));
}

fn encode_tag(tag: &TagColumn, out: &mut Vec<u8>) {
    text(&tag.name, out);
    varint(tag.dictionary.len() as u64, out);
    tag.dictionary.iter().for_each(|value| text(value, out));
    // ABSENT is the largest key, so adding one wraps it to 0.
    tag.keys.iter().for_each(|key| varint(u64::from(key.wrapping_add(1)), out));
}

fn encode_field(field: &FieldColumn, out: &mut Vec<u8>) {
    text(&field.name, out);
    let rows = field.valid.len();
    let dense = field.valid.count_valid() == rows;
    out.push(match &field.values {
        FieldValues::F64(_) => 0,
        FieldValues::I64(_) => 1,
        FieldValues::U64(_) => 2,
        FieldValues::Bool(_) => 3,
        FieldValues::Text(_) => 4,
        FieldValues::Vector(_) => 5,
    });
    out.push(u8::from(!dense));
    if !dense {
        field.valid.words().iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    }
    let present = |row: &usize| dense || field.valid.get(*row);
    match &field.values {
        FieldValues::F64(values) => {
            out.reserve(values.len() * 8);
            kept(values, present).for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
        FieldValues::I64(values) => differences(kept(values, present), out),
        FieldValues::U64(values) => kept(values, present).for_each(|value| varint(value, out)),
        FieldValues::Bool(values) => out.extend(kept(values, present).map(u8::from)),
        FieldValues::Text(values) => {
            (0..rows).filter(present).for_each(|row| varint(values.get(row).len() as u64, out));
            (0..rows).filter(present).for_each(|row| out.extend_from_slice(values.get(row).as_bytes()));
        }
        FieldValues::Vector(values) => {
            varint(u64::from(values.length()), out);
            out.reserve(values.number_bytes());
            let vectors = (0..rows).filter(present).map(|row| values.get(row).unwrap_or_default());
            vectors.flatten().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        }
    }
}

/// The values of the rows that have one.
fn kept<'v, T: Copy>(values: &'v [T], present: impl Fn(&usize) -> bool + 'v) -> impl Iterator<Item = T> + 'v {
    values.iter().enumerate().filter(move |(row, _)| present(row)).map(|(_, value)| *value)
}

fn differences(values: impl Iterator<Item = i64>, out: &mut Vec<u8>) {
    let mut before = 0_i64;
    for value in values {
        let difference = value.wrapping_sub(before);
        varint(((difference << 1) ^ (difference >> 63)).cast_unsigned(), out);
        before = value;
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
