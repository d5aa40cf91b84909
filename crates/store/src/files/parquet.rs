//! Writing a Parquet file.
//!
//! The version of the form of the files ([`FORMAT`]) stands in their key-value metadata as [`FORMAT_KEY`]; version 1, which
//! had times in nanoseconds and plain doubles only, is without. Both are read the same way: a reader takes each column's type
//! from the file and brings it to the table's with [`crate::adapt`].

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::encoding::{Choice, choose};
use super::form::Form;
use super::steady::SteadyFile;
use crate::error::WriteError;
use crate::folder::{sync_parent, temporary};

/// The key of the version in a file's metadata.
const FORMAT_KEY: &str = "sensorium.format";

/// The version of the form that is written.
const FORMAT: &str = "2";

/// The level of zstd; higher ones gain about two percent for several times the work.
const ZSTD_LEVEL: i32 = 3;

/// Rows in a row group.
const ROW_GROUP_ROWS: usize = 131_072;

/// Bytes at which a row group ends before it has so many rows: it is in memory until it is written.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Rows in a data page.
const PAGE_ROWS: usize = 8_192;

/// Distinct values up to which a tag has no bloom filter: each part of a file is likely to have all of them.
const FEW_TAG_VALUES: usize = 16;

/// Distinct values that a tag's bloom filter has room for; it shrinks to those that there are when its row group ends.
const MAX_BLOOM_VALUES: u64 = 131_072;

/// Writes sorted rows durably under `path`, whose folder exists; returns the file's size.
pub(crate) fn write_parquet(path: &Path, batch: &RecordBatch, tag_columns: usize) -> Result<u64, WriteError> {
    let failed = |source| WriteError::io("write a data file", source);
    let temporary = temporary(path);
    let form = Form::of_rows(batch);
    let rows = form.apply(batch).map_err(|error| encode_error(path, error.into()))?;
    let mut file = ParquetFile::begin(&temporary, &rows, form, tag_columns)?;
    file.append(&rows)?;
    let (bytes, _) = file.finish()?;
    std::fs::rename(&temporary, path).map_err(failed)?;
    sync_parent(path).map_err(failed)?;
    Ok(bytes)
}

/// A Parquet file that is being written.
pub(crate) struct ParquetFile {
    path: PathBuf,
    form: Form,
    writer: ArrowWriter<SteadyFile>,
    rows: u64,
}

impl ParquetFile {
    /// Begins a file with the columns of `sample`, encoded as fits its values. The form must hold all rows that will come:
    /// that of the rows when they are all there, or that of the files that they come from.
    pub(crate) fn create(
        path: &Path,
        sample: &RecordBatch,
        form: Form,
        tag_columns: usize,
    ) -> Result<Self, WriteError> {
        let sample = form.apply(sample).map_err(|error| encode_error(path, error.into()))?;
        Self::begin(path, &sample, form, tag_columns)
    }

    /// Appends sorted rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let rows = self.form.apply(batch).map_err(|error| encode_error(&self.path, error.into()))?;
        self.append(&rows)
    }

    /// [`ParquetFile::create`] with rows that have the form already.
    fn begin(path: &Path, sample: &RecordBatch, form: Form, tag_columns: usize) -> Result<Self, WriteError> {
        let file = File::create(path).map_err(|source| WriteError::io("write a data file", source))?;
        let encode = |error| encode_error(path, error);
        let properties = properties(sample, tag_columns).map_err(encode)?;
        let writer = ArrowWriter::try_new(SteadyFile::new(file), sample.schema(), Some(properties)).map_err(encode)?;
        Ok(Self { path: path.to_owned(), form, writer, rows: 0 })
    }

    /// [`ParquetFile::write`] with rows that have the form already.
    fn append(&mut self, rows: &RecordBatch) -> Result<(), WriteError> {
        self.rows += rows.num_rows() as u64;
        self.writer.write(rows).map_err(|error| encode_error(&self.path, error))
    }

    /// Ends the file and brings it to disk; returns its size and its rows.
    pub(crate) fn finish(mut self) -> Result<(u64, u64), WriteError> {
        let failed = |source| WriteError::io("write a data file", source);
        // Taking the writer apart instead would make text of the system's error.
        self.writer.finish().map_err(|error| encode_error(&self.path, error))?;
        let file = self.writer.inner().file();
        file.sync_all().map_err(failed)?;
        Ok((file.metadata().map_err(failed)?.len(), self.rows))
    }
}

/// Finds the system's error behind one of the encoder's, so that a full disk is told as such.
fn encode_error(path: &Path, error: ParquetError) -> WriteError {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => WriteError::io("write a data file", *source),
            Err(source) => WriteError::Encode { path: path.to_owned(), source: Arc::from(source as Box<_>) },
        },
        other => WriteError::Encode { path: path.to_owned(), source: Arc::new(other) },
    }
}

fn properties(sample: &RecordBatch, tag_columns: usize) -> Result<WriterProperties, ParquetError> {
    let compression = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?);
    let sorting = (1..=tag_columns).chain(std::iter::once(0));
    let sorting = sorting.filter_map(|column| i32::try_from(column).ok());
    let sorting =
        sorting.map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: true }).collect();
    let mut builder = WriterProperties::builder()
        .set_compression(compression)
        .set_key_value_metadata(Some(vec![KeyValue::new(FORMAT_KEY.to_owned(), FORMAT.to_owned())]))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_created_by(concat!("sensorium ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns(Some(sorting));
    for (index, (field, column)) in sample.schema_ref().fields().iter().zip(sample.columns()).enumerate() {
        let path = || match column.data_type() {
            // The numbers of a vector are a column within a column.
            DataType::List(item) => ColumnPath::new(vec![field.name().clone(), "list".to_owned(), item.name().clone()]),
            _ => ColumnPath::new(vec![field.name().clone()]),
        };
        if index == 0 {
            builder = builder
                .set_column_dictionary_enabled(path(), false)
                .set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED);
        } else if index <= tag_columns {
            if column.as_any_dictionary_opt().is_none_or(|tag| tag.values().len() > FEW_TAG_VALUES) {
                builder = builder
                    .set_column_bloom_filter_enabled(path(), true)
                    .set_column_bloom_filter_max_ndv(path(), MAX_BLOOM_VALUES);
            }
        } else if let Choice::Direct(encoding) = choose(column, compression)? {
            builder = builder.set_column_dictionary_enabled(path(), false).set_column_encoding(path(), encoding);
        }
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Array, ArrayRef, AsArray, BooleanArray, Float32Builder, Float64Array, Int64Array, ListBuilder, StringArray,
        StringDictionaryBuilder, TimestampNanosecondArray, UInt64Array,
    };
    use arrow::datatypes::{Field, FieldRef, Float32Type, Float64Type, Int32Type, Schema, TimeUnit};
    use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
    use proptest::prelude::*;
    use sensorium_model::{ColumnKind, FieldType, TableSchema};

    use super::*;
    use crate::{adapt, arrow_schema};

    /// Doubles as sensors send them, and such as nobody does.
    fn double() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-100_000_i64..100_000).prop_map(|integer| integer as f64 / 100.0),
            1 => (i64::MIN..i64::MAX, 0..12).prop_map(|(integer, digits)| integer as f64 / 10_f64.powi(digits)),
            1 => proptest::num::f64::ANY,
            1 => prop_oneof![Just(-0.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::MIN_POSITIVE)],
        ]
    }

    /// A column whose values are mostly of one kind, and some absent.
    fn doubles(rows: usize) -> impl Strategy<Value = Vec<Option<f64>>> {
        let decimals = (0..10, proptest::collection::vec(any::<i32>(), rows)).prop_map(|(digits, integers)| {
            integers.iter().map(|integer| f64::from(*integer) / 10_f64.powi(digits)).collect::<Vec<_>>()
        });
        let values = prop_oneof![decimals, proptest::collection::vec(double(), rows)];
        (values, proptest::collection::vec(proptest::bool::weighted(0.9), rows), any::<bool>()).prop_map(
            |(values, present, sparse)| {
                values.iter().zip(present).map(|(value, present)| (present || !sparse).then_some(*value)).collect()
            },
        )
    }

    /// Times of some unit, also the first and the last that there are.
    fn times(rows: usize) -> impl Strategy<Value = Vec<i64>> {
        let unit =
            prop_oneof![Just(1_i64), Just(1_000), Just(1_000_000), Just(1_000_000_000), Just(86_400_000_000_000)];
        let time = prop_oneof![8 => any::<i64>(), 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
        (unit, proptest::collection::vec(time, rows))
            .prop_map(|(unit, times)| times.iter().map(|time| time / unit * unit).collect())
    }

    fn schema() -> TableSchema {
        let mut schema = TableSchema::default();
        for (name, kind) in [
            ("place", ColumnKind::Tag),
            ("bool", ColumnKind::Field(FieldType::Bool)),
            ("double", ColumnKind::Field(FieldType::F64)),
            ("integer", ColumnKind::Field(FieldType::I64)),
            ("text", ColumnKind::Field(FieldType::Text)),
            ("unsigned", ColumnKind::Field(FieldType::U64)),
            ("vector", ColumnKind::Field(FieldType::Vector(4))),
        ] {
            schema.add(name.into(), kind).unwrap();
        }
        schema
    }

    /// Vectors of four numbers that a number makes.
    fn vectors(item: &FieldRef, others: &[Option<u64>]) -> ArrayRef {
        let mut builder = ListBuilder::new(Float32Builder::new()).with_field(Arc::clone(item));
        for other in others {
            if let Some(other) = other {
                let numbers = [other % 1_000, other >> 40, other % 7, u64::from(other % 2 == 0)];
                builder.values().append_slice(&numbers.map(|number| number as f32 / 3.0));
            }
            builder.append(other.is_some());
        }
        Arc::new(builder.finish())
    }

    fn written(batch: &RecordBatch) -> RecordBatch {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let bytes = write_parquet(&path, batch, 1).unwrap();
        assert_eq!(bytes, std::fs::metadata(&path).unwrap().len());
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let batches: Vec<_> =
            reader.build().unwrap().map(|rows| adapt(&rows.unwrap(), &batch.schema()).unwrap()).collect();
        arrow::compute::concat_batches(&batch.schema(), &batches).unwrap()
    }

    fn bits(column: &dyn Array) -> Vec<Option<u64>> {
        column.as_primitive::<Float64Type>().iter().map(|value| value.map(f64::to_bits)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_table_comes_back_bit_by_bit(
            (times, doubles, others) in (1..400_usize)
                .prop_flat_map(|rows| (times(rows), doubles(rows), proptest::collection::vec(any::<Option<u64>>(), rows)))
        ) {
            let schema = arrow_schema(&schema());
            let mut places = StringDictionaryBuilder::<Int32Type>::new();
            for other in &others {
                places.append_option(other.map(|other| format!("place {}", other % 7)));
            }
            let columns = schema.fields().iter().map(|field| -> ArrayRef {
                match field.data_type() {
                    DataType::Timestamp(..) => {
                        Arc::new(TimestampNanosecondArray::from(times.clone()).with_timezone("UTC"))
                    }
                    DataType::Dictionary(..) => Arc::new(places.finish_cloned()),
                    DataType::Float64 => Arc::new(Float64Array::from(doubles.clone())),
                    DataType::Boolean => others.iter().map(|o| o.map(|o| o % 2 == 0)).collect::<BooleanArray>().into_array(),
                    DataType::Int64 => others.iter().map(|o| o.map(u64::cast_signed)).collect::<Int64Array>().into_array(),
                    DataType::UInt64 => others.iter().copied().collect::<UInt64Array>().into_array(),
                    DataType::List(item) => vectors(item, &others),
                    _ => others.iter().map(|o| o.map(|o| o.to_string())).collect::<StringArray>().into_array(),
                }
            });
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap();
            let read = written(&batch);
            prop_assert_eq!(bits(read.column_by_name("double").unwrap()), bits(batch.column_by_name("double").unwrap()));
            for (name, (read, written)) in schema.fields().iter().zip(read.columns().iter().zip(batch.columns())) {
                if name.name() == "place" {
                    let plain = |column: &ArrayRef| arrow::compute::cast(column, &DataType::Utf8).unwrap();
                    prop_assert_eq!(&plain(read), &plain(written));
                } else if name.name() != "double" {
                    prop_assert_eq!(read, written, "{}", name.name());
                }
            }
        }
    }

    /// A table of times and values.
    fn values(times: &[i64], values: &[f64]) -> RecordBatch {
        let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(times.to_vec()).with_timezone("UTC"));
        let schema = Schema::new(vec![
            Field::new("time", times.data_type().clone(), false),
            Field::new("v", DataType::Float64, true),
        ]);
        RecordBatch::try_new(Arc::new(schema), vec![times, Arc::new(Float64Array::from(values.to_vec()))]).unwrap()
    }

    #[test]
    fn rows_of_several_files_are_merged_into_one_of_a_form_that_holds_them_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let whole = values(&[0, 1_000_000], &[1.0, 70_000.0]);
        let thousandths = values(&[2_000, 5_000], &[0.125, -1.0]);
        // As format 1 wrote it.
        let plain = values(&[7_000_000, 8_000_000], &[48.20771, 2.5]);
        let precise = values(&[9_000_000, 9_000_001], &[1.5, std::f64::consts::PI]);
        write_parquet(&path("whole"), &whole, 0).unwrap();
        write_parquet(&path("thousandths"), &thousandths, 0).unwrap();
        for (name, rows) in [("plain", &plain), ("precise", &precise)] {
            let mut writer = ArrowWriter::try_new(File::create(path(name)).unwrap(), rows.schema(), None).unwrap();
            writer.write(rows).unwrap();
            writer.close().unwrap();
        }
        for (names, rows, time, value) in [
            (vec!["whole"], vec![&whole], TimeUnit::Millisecond, DataType::Decimal32(9, 0)),
            (
                vec!["whole", "thousandths"],
                vec![&whole, &thousandths],
                TimeUnit::Microsecond,
                DataType::Decimal32(9, 3),
            ),
            (vec!["whole", "plain"], vec![&whole, &plain], TimeUnit::Nanosecond, DataType::Decimal64(18, 5)),
            (vec!["plain", "precise"], vec![&plain, &precise], TimeUnit::Nanosecond, DataType::Float64),
        ] {
            let paths: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
            let form = Form::of_files(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>()).unwrap();
            let merged = path("merged");
            let mut file = ParquetFile::create(&merged, rows[0], form, 0).unwrap();
            rows.iter().for_each(|rows| file.write(rows).unwrap());
            assert_eq!(file.finish().unwrap(), (std::fs::metadata(&merged).unwrap().len(), rows.len() as u64 * 2));
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&merged).unwrap()).unwrap();
            let types: Vec<DataType> = reader.schema().fields().iter().map(|field| field.data_type().clone()).collect();
            assert_eq!(types, [DataType::Timestamp(time, Some("UTC".into())), value], "{names:?}");
            let schema = whole.schema();
            let read: Vec<_> = reader.build().unwrap().map(|rows| adapt(&rows.unwrap(), &schema).unwrap()).collect();
            let wanted = arrow::compute::concat_batches(&schema, rows).unwrap();
            assert_eq!(arrow::compute::concat_batches(&schema, &read).unwrap(), wanted, "{names:?}");
        }
        let mut file = ParquetFile::create(&path("merged"), &whole, Form::of_rows(&whole), 0).unwrap();
        assert!(file.write(&precise).is_err(), "a form that does not hold a value must not change it");
    }

    #[test]
    fn another_reader_finds_lists_of_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let vectors = vectors(&crate::columns::vector_item(), &[Some(5), None, Some(1_000_003)]);
        let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1, 2, 3]).with_timezone("UTC"));
        let fields = vec![
            Field::new("time", times.data_type().clone(), false),
            Field::new("vector", vectors.data_type().clone(), true),
        ];
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![times, vectors]).unwrap();
        write_parquet(&path, &batch, 0).unwrap();
        // Without the schema that Arrow's writers add, as readers that do not know it.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder =
            ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(&path).unwrap(), options).unwrap();
        let column = builder.metadata().row_group(0).column(1).clone();
        assert_eq!(column.column_path().string(), "vector.list.item");
        assert!(column.encodings().any(|encoding| encoding == Encoding::BYTE_STREAM_SPLIT), "{column:?}");
        let read = builder.build().unwrap().next().unwrap().unwrap();
        let lists = read.column(1).as_list::<i32>();
        let numbers = |row: usize| lists.value(row).as_primitive::<Float32Type>().values().to_vec();
        assert!(lists.is_null(1));
        assert_eq!(numbers(0), [5.0 / 3.0, 0.0, 5.0 / 3.0, 0.0]);
        assert_eq!(numbers(2), [1.0, 0.0, 4.0 / 3.0, 0.0]);
    }

    trait IntoArray: Array + Sized + 'static {
        fn into_array(self) -> ArrayRef {
            Arc::new(self)
        }
    }

    impl<A: Array + Sized + 'static> IntoArray for A {}
}
