//! How a column is encoded, found by looking at a sample of it.
//!
//! Readings with few decimals repeat: a dictionary or plain values with zstd behind them take a third of what
//! BYTE_STREAM_SPLIT takes. With full-precision doubles it is the other way round.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use parquet::basic::Encoding;

/// Values that are looked at.
const SAMPLE: usize = 4_096;

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Distinct values once, then their numbers.
    Dictionary,
    /// Each value as the encoding says.
    Direct(Encoding),
}

/// Chooses the encoding of a field.
pub(crate) fn choose(column: &ArrayRef) -> Choice {
    match column.data_type() {
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            let sample: Vec<f64> = sample(column).map(|row| values.value(row)).collect();
            if repeats(sample.iter().map(|value| value.to_bits())) {
                Choice::Dictionary
            } else if sample.iter().all(|value| is_decimal(*value)) {
                Choice::Direct(Encoding::PLAIN)
            } else {
                Choice::Direct(Encoding::BYTE_STREAM_SPLIT)
            }
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            whole(sample(column).map(|row| values.value(row).cast_unsigned()))
        }
        DataType::UInt64 => {
            let values = column.as_primitive::<UInt64Type>();
            whole(sample(column).map(|row| values.value(row)))
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            if repeats(sample(column).map(|row| values.value(row))) {
                Choice::Dictionary
            } else {
                Choice::Direct(Encoding::DELTA_LENGTH_BYTE_ARRAY)
            }
        }
        _ => Choice::Direct(Encoding::PLAIN),
    }
}

fn whole(sample: impl Iterator<Item = u64>) -> Choice {
    if repeats(sample) { Choice::Dictionary } else { Choice::Direct(Encoding::DELTA_BINARY_PACKED) }
}

/// Rows with a value, spread over the column.
fn sample(column: &ArrayRef) -> impl Iterator<Item = usize> {
    let step = (column.len() / SAMPLE).max(1);
    (0..column.len()).step_by(step).filter(|row| column.is_valid(*row))
}

/// Whether values come again often enough for a dictionary.
fn repeats<T: std::hash::Hash + Eq>(values: impl Iterator<Item = T>) -> bool {
    let mut count = 0_usize;
    let distinct: HashSet<T> = values.inspect(|_| count += 1).collect();
    distinct.len() * 4 <= count
}

/// Whether a number has at most five decimals.
fn is_decimal(value: f64) -> bool {
    let scaled = value * 1e5;
    scaled.abs() < 9e15 && (scaled - scaled.round()).abs() <= scaled.abs() * 1e-12
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::*;

    fn floats(value: impl Fn(f64) -> f64) -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..10_000).map(|row| value(f64::from(row)))))
    }

    #[test]
    fn the_encoding_follows_the_data() {
        assert_eq!(choose(&floats(|row| (20.0 + (row % 50.0) / 10.0 * 10.0).round() / 10.0)), Choice::Dictionary);
        assert_eq!(choose(&floats(|row| row / 100.0)), Choice::Direct(Encoding::PLAIN));
        assert_eq!(choose(&floats(|row| (row + 2.0).ln())), Choice::Direct(Encoding::BYTE_STREAM_SPLIT));
        let counter: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
        assert_eq!(choose(&counter), Choice::Direct(Encoding::DELTA_BINARY_PACKED));
        let states: ArrayRef = Arc::new(StringArray::from_iter_values((0..10_000).map(|row| ["on", "off"][row % 2])));
        assert_eq!(choose(&states), Choice::Dictionary);
    }
}
