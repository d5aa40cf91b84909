//! Brings the columns of a data file to the table's types: decimals to doubles, times of any unit to nanoseconds.
//!
//! DataFusion's own adapter does this by casts. For decimals that is right: the cast divides two exact doubles, as the store
//! did when it checked each value, and statistics go through the same cast. For times it is not: DataFusion's simplifier
//! moves the cast to the literal and cuts what the coarser unit cannot hold, so that `time < 1.5 ms` becomes `time < 1 ms`
//! in a file of milliseconds and leaves out rows. So comparisons of the time with a literal are rewritten here, exactly and
//! in the file's unit, which lets statistics leave out row groups and pages; wherever else the time stands, it is converted
//! by [`Nanoseconds`], which no simplifier knows.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, Column, Literal};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

/// Makes an adapter for a file.
#[derive(Debug)]
pub(super) struct TableTypes;

impl PhysicalExprAdapterFactory for TableTypes {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let casts = DefaultPhysicalExprAdapterFactory.create(table, Arc::clone(&file))?;
        let coarse = file.fields().iter().any(|field| coarse_unit(field.data_type()).is_some());
        if coarse { Ok(Arc::new(CoarseTimes { casts, file })) } else { Ok(casts) }
    }
}

/// The nanoseconds of a unit that is coarser.
fn coarse_unit(data_type: &DataType) -> Option<i64> {
    match data_type {
        DataType::Timestamp(TimeUnit::Second, _) => Some(1_000_000_000),
        DataType::Timestamp(TimeUnit::Millisecond, _) => Some(1_000_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Some(1_000),
        _ => None,
    }
}

/// The adapter for a file whose times are not in nanoseconds.
#[derive(Debug)]
struct CoarseTimes {
    casts: Arc<dyn PhysicalExprAdapter>,
    file: SchemaRef,
}

impl PhysicalExprAdapter for CoarseTimes {
    fn rewrite(&self, expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let fixed = expression.transform_down(|node| self.fixed(node)).data()?;
        let cast = self.casts.rewrite(fixed)?;
        cast.transform_down(|node| Ok(self.exact(node))).data()
    }
}

impl CoarseTimes {
    /// A predicate on the time that sharpens while the query runs, as it is now: inside of it, nothing could be rewritten.
    fn fixed(&self, node: Arc<dyn PhysicalExpr>) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
        let on_time = |node| collect_columns(node).iter().any(|column| self.unit_of(column.name()).is_some());
        match node.snapshot()? {
            Some(now) if on_time(&node) => Ok(Transformed::yes(now)),
            _ => Ok(Transformed::no(node)),
        }
    }

    fn unit_of(&self, column: &str) -> Option<i64> {
        coarse_unit(self.file.field_with_name(column).ok()?.data_type())
    }

    /// Replaces a comparison of the time with a literal, or else the cast of the time.
    fn exact(&self, node: Arc<dyn PhysicalExpr>) -> Transformed<Arc<dyn PhysicalExpr>> {
        let comparison = node.downcast_ref::<BinaryExpr>().and_then(|binary| {
            let (left, right) = (binary.left(), binary.right());
            let forward = self.compare(left, *binary.op(), right);
            forward.or_else(|| self.compare(right, binary.op().swap()?, left))
        });
        let replaced = comparison.or_else(|| {
            let (cast, _) = self.cast_of_time(&node)?;
            let (time, field) = (Arc::clone(cast.expr()), Arc::clone(cast.target_field()));
            Some(Arc::new(Nanoseconds { time, field }) as Arc<dyn PhysicalExpr>)
        });
        match replaced {
            Some(replaced) => Transformed::new(replaced, true, TreeNodeRecursion::Jump),
            None => Transformed::no(node),
        }
    }

    /// The cast of a column with coarser times to nanoseconds, and the nanoseconds of its unit.
    fn cast_of_time<'a>(&self, node: &'a Arc<dyn PhysicalExpr>) -> Option<(&'a CastExpr, i64)> {
        let cast = node.downcast_ref::<CastExpr>()?;
        let to_nanoseconds = matches!(cast.cast_type(), DataType::Timestamp(TimeUnit::Nanosecond, _));
        let column = cast.expr().downcast_ref::<Column>().filter(|_| to_nanoseconds)?;
        Some((cast, self.unit_of(column.name())?))
    }

    /// The same comparison in the file's unit.
    fn compare(
        &self,
        time: &Arc<dyn PhysicalExpr>,
        operator: Operator,
        literal: &Arc<dyn PhysicalExpr>,
    ) -> Option<Arc<dyn PhysicalExpr>> {
        let (cast, unit) = self.cast_of_time(time)?;
        let ScalarValue::TimestampNanosecond(Some(literal), _) = literal.downcast_ref::<Literal>()?.value() else {
            return None;
        };
        let (whole, rest) = (literal.div_euclid(unit), literal.rem_euclid(unit));
        let at = match cast.expr().data_type(&self.file).ok()? {
            DataType::Timestamp(TimeUnit::Second, zone) => ScalarValue::TimestampSecond(Some(whole), zone),
            DataType::Timestamp(TimeUnit::Millisecond, zone) => ScalarValue::TimestampMillisecond(Some(whole), zone),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => ScalarValue::TimestampMicrosecond(Some(whole), zone),
            _ => return None,
        };
        let at: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(at));
        let binary = |left: &Arc<dyn PhysicalExpr>, operator, right: &Arc<dyn PhysicalExpr>| {
            Arc::new(BinaryExpr::new(Arc::clone(left), operator, Arc::clone(right))) as Arc<dyn PhysicalExpr>
        };
        let is = |operator| binary(cast.expr(), operator, &at);
        // Between `whole` and the next there is no time in the file.
        Some(match (operator, rest) {
            (Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq | Operator::Eq | Operator::NotEq, 0) => {
                is(operator)
            }
            (Operator::Lt | Operator::LtEq, _) => is(Operator::LtEq),
            (Operator::Gt | Operator::GtEq, _) => is(Operator::Gt),
            (Operator::Eq, _) => binary(&is(Operator::Gt), Operator::And, &is(Operator::LtEq)),
            (Operator::NotEq, _) => binary(&is(Operator::LtEq), Operator::Or, &is(Operator::Gt)),
            _ => return None,
        })
    }
}

/// A time of a file in nanoseconds.
#[derive(Debug)]
struct Nanoseconds {
    time: Arc<dyn PhysicalExpr>,
    /// The column of the table.
    field: FieldRef,
}

impl PartialEq for Nanoseconds {
    fn eq(&self, other: &Self) -> bool {
        self.time.eq(&other.time) && self.field == other.field
    }
}

impl Eq for Nanoseconds {}

impl Hash for Nanoseconds {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.time.hash(state);
        self.field.hash(state);
    }
}

impl fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nanoseconds({})", self.time)
    }
}

impl PhysicalExpr for Nanoseconds {
    fn return_field(&self, _input: &Schema) -> Result<FieldRef> {
        Ok(Arc::clone(&self.field))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        // Times were nanoseconds when the file was written: the cast fails rather than give others.
        self.time.evaluate(batch)?.cast_to(self.field.data_type(), None)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.time]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match <[_; 1]>::try_from(children) {
            Ok([time]) => Ok(Arc::new(Self { time, field: Arc::clone(&self.field) })),
            Err(children) => internal_err!("one time, not {}, is converted", children.len()),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, TimestampMillisecondArray};
    use arrow::datatypes::Field;
    use datafusion::physical_expr::PhysicalExprSimplifier;

    use super::*;

    fn schema(unit: TimeUnit) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("time", DataType::Timestamp(unit, Some("UTC".into())), false)]))
    }

    const COMPARISONS: [Operator; 8] = [
        Operator::Eq,
        Operator::NotEq,
        Operator::Lt,
        Operator::LtEq,
        Operator::Gt,
        Operator::GtEq,
        Operator::IsDistinctFrom,
        Operator::IsNotDistinctFrom,
    ];

    #[test]
    fn comparisons_of_the_time_with_a_literal_between_two_of_its_units_are_exact() {
        let millis = [-2, -1, 0, 1, 2];
        let file = schema(TimeUnit::Millisecond);
        let column = Arc::new(TimestampMillisecondArray::from(millis.to_vec()).with_timezone("UTC"));
        let batch = RecordBatch::try_new(Arc::clone(&file), vec![column]).unwrap();
        let adapter = TableTypes.create(schema(TimeUnit::Nanosecond), Arc::clone(&file)).unwrap();
        for literal in (-2_500_000..=2_500_000).step_by(250_000).chain([i64::MIN, i64::MAX, -1, 1]) {
            for operator in COMPARISONS {
                for swapped in [false, true] {
                    let time: Arc<dyn PhysicalExpr> = Arc::new(Column::new("time", 0));
                    let at = ScalarValue::TimestampNanosecond(Some(literal), Some("UTC".into()));
                    let at: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(at));
                    let (left, right) = if swapped { (at, time) } else { (time, at) };
                    let asked: Arc<dyn PhysicalExpr> = Arc::new(BinaryExpr::new(left, operator, right));
                    let rewritten = adapter.rewrite(Arc::clone(&asked)).unwrap();
                    let simple = PhysicalExprSimplifier::new(&file).simplify(rewritten).unwrap();
                    let answer = simple.evaluate(&batch).unwrap().into_array(millis.len()).unwrap();
                    let expected: Vec<bool> = millis
                        .iter()
                        .map(|time| {
                            let (a, b) =
                                if swapped { (literal, time * 1_000_000) } else { (time * 1_000_000, literal) };
                            match operator {
                                Operator::Eq | Operator::IsNotDistinctFrom => a == b,
                                Operator::NotEq | Operator::IsDistinctFrom => a != b,
                                Operator::Lt => a < b,
                                Operator::LtEq => a <= b,
                                Operator::Gt => a > b,
                                _ => a >= b,
                            }
                        })
                        .collect();
                    let answer: Vec<bool> = answer.as_boolean().iter().map(|holds| holds == Some(true)).collect();
                    assert_eq!(answer, expected, "{asked} as {simple}");
                }
            }
        }
    }

    #[test]
    fn a_time_that_nanoseconds_cannot_hold_is_an_error() {
        let file = schema(TimeUnit::Millisecond);
        let column = Arc::new(TimestampMillisecondArray::from(vec![i64::MAX]).with_timezone("UTC"));
        let batch = RecordBatch::try_new(Arc::clone(&file), vec![column]).unwrap();
        let adapter = TableTypes.create(schema(TimeUnit::Nanosecond), file).unwrap();
        let time = adapter.rewrite(Arc::new(Column::new("time", 0))).unwrap();
        assert!(time.evaluate(&batch).is_err());
    }
}
