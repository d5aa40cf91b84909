//! Text functions whose answer can be far larger than their arguments: they refuse before they allocate.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, exec_err};
use datafusion::functions::{string, unicode};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// Bytes of text that one call makes for one batch of rows.
const MAX_BYTES: i64 = 32 * 1024 * 1024;
/// The most bytes of one character.
const CHARACTER_BYTES: i64 = 4;

/// `repeat`, `lpad` and `rpad` with a bound.
pub(crate) fn bounded_text_functions() -> Vec<ScalarUDF> {
    [(string::repeat(), Growth::Times), (unicode::lpad(), Growth::Length), (unicode::rpad(), Growth::Length)]
        .into_iter()
        .map(|(inner, growth)| ScalarUDF::new_from_impl(BoundedText { inner, growth }))
        .collect()
}

/// What the second argument says about the answer's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// It is a multiple of the first argument.
    Times,
    /// It is the answer's length in characters.
    Length,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct BoundedText {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl BoundedText {
    /// The bytes that the answer would have, or more.
    fn bytes(&self, args: &ScalarFunctionArgs) -> Result<i64> {
        let [text, amount, ..] = args.args.as_slice() else { return Ok(0) };
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let amounts = integers(&amount.to_array(rows)?)?;
        let lengths = match self.growth {
            Growth::Times => Some(integers(&length(&text.to_array(rows)?)?)?),
            Growth::Length => None,
        };
        let each = |row: usize| match &lengths {
            Some(lengths) if lengths.is_valid(row) => lengths.value(row),
            Some(_) => 0,
            None => CHARACTER_BYTES,
        };
        let present = (0..amounts.len()).filter(|row| amounts.is_valid(*row));
        Ok(present.fold(0i64, |sum, row| sum.saturating_add(amounts.value(row).max(0).saturating_mul(each(row)))))
    }
}

fn integers(array: &ArrayRef) -> Result<Int64Array> {
    let array = cast(array, &DataType::Int64)?;
    Ok(Int64Array::from(array.to_data()))
}

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

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(args, context)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.bytes(&args)? > MAX_BYTES {
            return exec_err!("{} would make more than {MAX_BYTES} bytes of text at once", self.name());
        }
        self.inner.invoke_with_args(args)
    }
}
