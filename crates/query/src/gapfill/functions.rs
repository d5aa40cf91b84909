//! The functions that ask for gap filling. They only mark places in a plan and are never called: the rule takes them out, or says
//! where they may stand.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::functions::datetime;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::fill::Fill;
use super::linear;

/// Groups by bins, and asks for a row per bin.
const BIN: &str = "date_bin_gapfill";
/// Last observation carried forward.
const PREVIOUS: &str = "locf";
/// A line through the values around.
const LINEAR: &str = "interpolate";

/// The functions by which gap filling is asked for.
pub(crate) fn gapfill_functions() -> [ScalarUDF; 3] {
    let bin = GapFillBin { inner: datetime::date_bin() };
    let fill = |name| GapFillValue { name, signature: Signature::any(1, Volatility::Immutable) };
    [ScalarUDF::new_from_impl(bin), ScalarUDF::new_from_impl(fill(PREVIOUS)), ScalarUDF::new_from_impl(fill(LINEAR))]
}

/// The arguments of `date_bin_gapfill`, if this is a call of it.
pub(super) fn bin_arguments(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == BIN => Some(args),
        _ => None,
    }
}

/// How the argument of `locf` or `interpolate` is filled, and the argument, if this is a call of one of them.
pub(super) fn fill_argument(expr: &Expr) -> Option<(Fill, &Expr)> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return None };
    match (func.name(), args.as_slice()) {
        (PREVIOUS, [argument]) => Some((Fill::Previous, argument)),
        (LINEAR, [argument]) => Some((Fill::Linear, argument)),
        _ => None,
    }
}

/// `date_bin_gapfill`, which takes and gives what `date_bin` does.
#[derive(Debug, PartialEq, Eq, Hash)]
struct GapFillBin {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for GapFillBin {
    fn name(&self) -> &str {
        BIN
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(self.inner.return_field_from_args(args)?.as_ref().clone().with_name(BIN)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("{BIN} was left in a plan")
    }
}

/// `locf` or `interpolate`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct GapFillValue {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for GapFillValue {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [kind] if self.name != LINEAR || linear::is_supported(kind) => Ok(kind.clone()),
            _ => plan_err!("{LINEAR} takes whole numbers or floats; for anything else there is {PREVIOUS}"),
        }
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("{} was left in a plan", self.name)
    }
}
