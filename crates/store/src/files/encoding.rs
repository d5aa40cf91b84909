//! How a column is encoded, found by encoding a sample of it each way.
//!
//! What is smallest is hard to say beforehand, because zstd stands behind each encoding: a walk of decimals is smallest as
//! differences, a few states as a dictionary, full-precision doubles with their bytes split. So the candidates of a column's
//! type are tried on up to [`SAMPLE_ROWS`] rows, in runs as they stand in the file.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// Rows that are encoded for a choice.
const SAMPLE_ROWS: usize = 8_192;
/// Runs of neighbouring rows that they are taken from.
const SAMPLE_RUNS: usize = 4;

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Distinct values once, then their numbers.
    Dictionary,
    /// Each value as the encoding says.
    Direct(Encoding),
}

/// For whole numbers, and decimals, which are stored as such.
const WHOLE: &[Choice] = &[Choice::Direct(Encoding::DELTA_BINARY_PACKED), Choice::Dictionary];
/// For doubles that are no decimals.
const FLOATING: &[Choice] =
    &[Choice::Direct(Encoding::BYTE_STREAM_SPLIT), Choice::Direct(Encoding::PLAIN), Choice::Dictionary];

/// For the numbers of vectors, which rarely come again and whose exponents are alike.
const VECTORS: Choice = Choice::Direct(Encoding::BYTE_STREAM_SPLIT);

/// Chooses the encoding of a field as it stands in a file.
pub(crate) fn choose(column: &ArrayRef, compression: Compression) -> Result<Choice, ParquetError> {
    match column.data_type() {
        DataType::Float64 => smallest(column, FLOATING, compression),
        DataType::Int64 | DataType::UInt64 | DataType::Decimal32(..) | DataType::Decimal64(..) => {
            smallest(column, WHOLE, compression)
        }
        DataType::Utf8 if text_repeats(column) => Ok(Choice::Dictionary),
        DataType::Utf8 => Ok(Choice::Direct(Encoding::DELTA_LENGTH_BYTE_ARRAY)),
        DataType::List(_) => Ok(VECTORS),
        _ => Ok(Choice::Direct(Encoding::PLAIN)),
    }
}

/// The first of the candidates that takes the least room.
fn smallest(column: &ArrayRef, candidates: &[Choice], compression: Compression) -> Result<Choice, ParquetError> {
    let schema = Arc::new(Schema::new(vec![Field::new("v", column.data_type().clone(), true)]));
    let sample = RecordBatch::try_new(schema, vec![sample(column)?])?;
    let mut least = (u64::MAX, Choice::Direct(Encoding::PLAIN));
    for candidate in candidates {
        let bytes = encoded_bytes(&sample, *candidate, compression)?;
        if bytes < least.0 {
            least = (bytes, *candidate);
        }
    }
    Ok(least.1)
}

/// The bytes of a column's pages.
fn encoded_bytes(sample: &RecordBatch, choice: Choice, compression: Compression) -> Result<u64, ParquetError> {
    let builder = WriterProperties::builder()
        .set_compression(compression)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(choice == Choice::Dictionary);
    let builder = match choice {
        Choice::Dictionary => builder,
        Choice::Direct(encoding) => builder.set_encoding(encoding),
    };
    let mut writer = ArrowWriter::try_new(std::io::sink(), sample.schema(), Some(builder.build()))?;
    writer.write(sample)?;
    let columns = writer.close()?.row_groups().iter().flat_map(|group| group.columns().to_vec()).collect::<Vec<_>>();
    Ok(columns.iter().map(|column| column.compressed_size().unsigned_abs()).sum())
}

/// Runs of rows, spread over the column.
fn sample(column: &ArrayRef) -> Result<ArrayRef, ParquetError> {
    let (rows, run) = (column.len(), SAMPLE_ROWS / SAMPLE_RUNS);
    if rows <= SAMPLE_ROWS {
        return Ok(Arc::clone(column));
    }
    let last = rows - run;
    let runs: Vec<ArrayRef> =
        (0..SAMPLE_RUNS).map(|number| column.slice(last * number / (SAMPLE_RUNS - 1), run)).collect();
    let runs: Vec<&dyn Array> = runs.iter().map(AsRef::as_ref).collect();
    Ok(concat(&runs)?)
}

/// Whether texts come again often enough for a dictionary, which also makes them quicker to read.
fn text_repeats(column: &ArrayRef) -> bool {
    let texts = column.as_string::<i32>();
    let step = (texts.len() / SAMPLE_ROWS).max(1);
    let mut count = 0_usize;
    let distinct: HashSet<&str> = texts.iter().step_by(step).flatten().inspect(|_| count += 1).collect();
    distinct.len() * 4 <= count
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use parquet::basic::ZstdLevel;

    use super::super::form::Form;
    use super::*;

    /// Pseudo-random numbers from 0 to 1.
    fn noise() -> impl FnMut() -> f64 {
        let mut state = 1_u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// A walk of numbers with some decimals.
    fn walk(start: f64, step: f64, decimals: i32) -> impl FnMut() -> f64 {
        let (mut noise, mut value) = (noise(), start);
        move || {
            value += (noise() - 0.5) * step;
            let power = 10_f64.powi(decimals);
            (value * power).round() / power
        }
    }

    /// How doubles are stored: the type, the encoding and the bytes of a value.
    fn stored(mut value: impl FnMut() -> f64) -> (DataType, Choice, f64) {
        let doubles: ArrayRef = Arc::new(Float64Array::from_iter_values((0..20_000).map(|_| value())));
        let doubles = RecordBatch::try_from_iter([("v", doubles)]).unwrap();
        let batch = Form::of_rows(&doubles).apply(&doubles).unwrap();
        let column = batch.column(0);
        let zstd = Compression::ZSTD(ZstdLevel::try_new(3).unwrap());
        let choice = choose(column, zstd).unwrap();
        (column.data_type().clone(), choice, encoded_bytes(&batch, choice, zstd).unwrap() as f64 / 20_000.0)
    }

    const DELTA: Choice = Choice::Direct(Encoding::DELTA_BINARY_PACKED);

    fn assert_stored(what: (DataType, Choice, f64), data_type: &DataType, choice: Choice, at_most_bytes: f64) {
        assert_eq!((&what.0, what.1), (data_type, choice), "{what:?}");
        assert!(what.2 <= at_most_bytes, "{what:?}");
    }

    #[test]
    fn walks_of_decimals_are_stored_as_differences() {
        assert_stored(stored(walk(20.0, 0.3, 2)), &DataType::Decimal32(9, 2), DELTA, 0.8);
        assert_stored(stored(walk(48.2, 0.002, 5)), &DataType::Decimal32(9, 5), DELTA, 1.2);
        assert_stored(stored(walk(1e6, 100.0, 0)), &DataType::Decimal32(9, 0), DELTA, 1.0);
        assert_stored(stored(walk(1e6, 1.0, 7)), &DataType::Decimal64(18, 7), DELTA, 3.3);
    }

    #[test]
    fn a_constant_takes_no_room() {
        assert_stored(stored(|| 23.7), &DataType::Decimal32(9, 1), stored(|| 23.7).1, 0.01);
    }

    #[test]
    fn a_few_distinct_states_become_a_dictionary() {
        let mut noise = noise();
        let states = [-1.0, 0.0, 17.5, 1_000_000.0, 250.25];
        let state = move || states[(noise() * 4.999) as usize];
        assert_stored(stored(state), &DataType::Decimal32(9, 2), Choice::Dictionary, 0.4);
    }

    #[test]
    fn full_precision_doubles_are_split_into_bytes() {
        let mut noise = noise();
        let choice = Choice::Direct(Encoding::BYTE_STREAM_SPLIT);
        assert_stored(stored(move || 20.0 + noise()), &DataType::Float64, choice, 6.7);
    }

    #[test]
    fn counters_are_differences_and_states_a_dictionary() {
        let zstd = Compression::ZSTD(ZstdLevel::try_new(3).unwrap());
        let counter: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
        assert_eq!(choose(&counter, zstd).unwrap(), DELTA);
        let texts =
            |text: fn(usize) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..10_000).map(text))) };
        assert_eq!(choose(&texts(|row| ["on", "off"][row % 2].into()), zstd).unwrap(), Choice::Dictionary);
        let lengths = Choice::Direct(Encoding::DELTA_LENGTH_BYTE_ARRAY);
        assert_eq!(choose(&texts(|row| format!("message {row}")), zstd).unwrap(), lengths);
    }
}
