//! Text functions whose answer can be far larger than their arguments: they refuse before they allocate.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, exec_err};
use datafusion::functions::{datetime, regex, string, unicode};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// Bytes of text that one call makes for one batch of rows.
const MAX_BYTES: i64 = 32 * 1024 * 1024;
/// Bytes of a text that is the same for all rows, because it may be written out for each of them.
const MAX_CONSTANT_BYTES: i64 = 64 * 1024;
/// The same as [`MAX_BYTES`] where only the worst case is known, which is far beyond the usual one.
const MAX_WORST_BYTES: i64 = 256 * 1024 * 1024;
/// Comparisons of one character with another that one call makes.
const MAX_COMPARISONS: i64 = 1_000_000_000;
/// The most bytes of one character.
const CHARACTER_BYTES: i64 = 4;
/// The most bytes that one character of a format makes.
const FORMAT_BYTES: i64 = 32;
/// Bytes of a value that is no text, once it is written as one.
const VALUE_BYTES: i64 = 32;

/// The functions that multiply text, with a bound.
pub(crate) fn bounded_text_functions() -> Vec<ScalarUDF> {
    [
        (string::repeat(), Growth::Times),
        (unicode::lpad(), Growth::Length),
        (unicode::rpad(), Growth::Length),
        (string::replace(), Growth::Replace),
        (regex::regexp_replace(), Growth::Pattern),
        (string::concat(), Growth::Join),
        (string::concat_ws(), Growth::Join),
        (datetime::to_char(), Growth::Format),
        (string::levenshtein(), Growth::Compare),
    ]
    .into_iter()
    .map(|(inner, growth)| ScalarUDF::new_from_impl(BoundedText { inner, growth }))
    .collect()
}

/// How the answer grows with the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// The second argument says how many times the first is in it.
    Times,
    /// The second argument is its length in characters.
    Length,
    /// Each place where the second argument stands in the first becomes the third.
    Replace,
    /// Each match of the second argument in the first becomes the third, which may name parts of the match.
    Pattern,
    /// All arguments one after the other.
    Join,
    /// The second argument is a format.
    Format,
    /// It is small, but each character of the first argument is compared with each of the second.
    Compare,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct BoundedText {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

/// What one call costs at most, and what it may.
struct Cost {
    cost: i64,
    limit: i64,
    unit: &'static str,
}

impl BoundedText {
    fn cost(&self, args: &ScalarFunctionArgs) -> Result<Cost> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let (limit, unit) = match self.growth {
            Growth::Compare => (MAX_COMPARISONS, "comparisons"),
            _ if constant => (MAX_CONSTANT_BYTES, "bytes of text"),
            Growth::Replace | Growth::Pattern => (MAX_WORST_BYTES, "bytes of text"),
            _ => (MAX_BYTES, "bytes of text"),
        };
        let columns = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let sizes = columns.iter().map(sizes).collect::<Result<Vec<_>>>()?;
        let amounts = match (self.growth, columns.get(1)) {
            (Growth::Times | Growth::Length, Some(amounts)) => Some(integers(amounts)?),
            _ => None,
        };
        let size = |column: usize, row: usize| sizes.get(column).map_or(0, |sizes| sizes.get(row));
        let amount = |row: usize| {
            let amounts = amounts.as_ref().filter(|amounts| amounts.is_valid(row));
            amounts.map_or(0, |amounts| amounts.value(row).max(0))
        };
        let each = |row: usize| {
            let (first, second, third) = (size(0, row), size(1, row), size(2, row));
            match self.growth {
                Growth::Times => amount(row).saturating_mul(first),
                Growth::Length => amount(row).saturating_mul(CHARACTER_BYTES),
                Growth::Replace => first.saturating_add((first / second.max(1) + 1).saturating_mul(third)),
                Growth::Pattern => first.saturating_add((first + 1).saturating_mul(third).saturating_mul(2)),
                Growth::Join => (0..sizes.len()).map(|column| size(column, row).saturating_add(first)).sum(),
                Growth::Format => second.saturating_mul(FORMAT_BYTES),
                Growth::Compare => first.saturating_mul(second),
            }
        };
        let cost = (0..rows).fold(0i64, |sum, row| sum.saturating_add(each(row)));
        Ok(Cost { cost, limit, unit })
    }
}

/// The bytes of each value of an argument.
enum Sizes {
    Texts(Int64Array),
    /// No texts.
    Values,
}

impl Sizes {
    fn get(&self, row: usize) -> i64 {
        match self {
            Self::Texts(lengths) if lengths.is_valid(row) => lengths.value(row),
            Self::Texts(_) => 0,
            Self::Values => VALUE_BYTES,
        }
    }
}

fn sizes(array: &ArrayRef) -> Result<Sizes> {
    match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Sizes::Texts(integers(&length(array)?)?)),
        DataType::Dictionary(_, values) if matches!(values.as_ref(), DataType::Utf8 | DataType::LargeUtf8) => {
            Ok(Sizes::Texts(integers(&length(&cast(array, &DataType::Utf8)?)?)?))
        }
        _ => Ok(Sizes::Values),
    }
}

fn integers(array: &ArrayRef) -> Result<Int64Array> {
    let array = cast(array, &DataType::Int64)?;
    Ok(Int64Array::from(array.to_data()))
}

/// Without the inner function's own simplification, which would call it with constants before they are bounded.
impl ScalarUDFImpl for BoundedText {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Cost { cost, limit, unit } = self.cost(&args)?;
        if cost > limit {
            return exec_err!(
                "{} would make up to {cost} {unit} at once, and at most {limit} are possible",
                self.name()
            );
        }
        self.inner.invoke_with_args(args)
    }
}
