//! Grouping by tags.
//!
//! Tags are dictionary-encoded, and DataFusion groups by such columns by way of encoded rows, which takes several times as long
//! as grouping by text. Text views of a dictionary's values are made without copying a text, so rows are grouped by these and
//! the groups, of which there are few, become tags again.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, LogicalPlan, Projection, cast};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Groups by the text of tags.
#[derive(Debug)]
pub(crate) struct GroupTagsAsText;

impl OptimizerRule for GroupTagsAsText {
    fn name(&self) -> &str {
        "group_tags_as_text"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = plan else { return Ok(Transformed::no(plan)) };
        let is_text: Vec<bool> = aggregate.group_expr.iter().map(|expr| is_encoded_text(expr, &aggregate)).collect();
        if !is_text.contains(&true) || matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]) {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        let groups = aggregate.group_expr.iter().zip(&is_text).map(|(expr, is_text)| match is_text {
            true => cast(expr.clone(), DataType::Utf8View),
            false => expr.clone(),
        });
        let by_text = Aggregate::try_new(Arc::clone(&aggregate.input), groups.collect(), aggregate.aggr_expr.clone())?;
        let columns = aggregate.schema.iter().zip(by_text.schema.iter()).enumerate();
        let columns = columns.map(|(index, ((qualifier, field), now))| {
            let column = Expr::Column(Column::from(now));
            match is_text.get(index) {
                Some(true) => cast(column, field.data_type().clone()).alias_qualified(qualifier.cloned(), field.name()),
                _ => column,
            }
        });
        let columns = columns.collect();
        let projection = Projection::try_new(columns, Arc::new(LogicalPlan::Aggregate(by_text)))?;
        Ok(Transformed::yes(LogicalPlan::Projection(projection)))
    }
}

/// Whether an expression that is grouped by is a dictionary of texts.
fn is_encoded_text(expr: &Expr, aggregate: &Aggregate) -> bool {
    let Ok(DataType::Dictionary(_, values)) = expr.get_type(aggregate.input.schema()) else { return false };
    *values == DataType::Utf8
}
