//! Conditions as predicates that DataFusion evaluates, where it means the same.
//!
//! A tag that is absent is the empty text, a field that is absent satisfies nothing, and values whose types do not fit satisfy
//! nothing. What cannot be said in DataFusion, above all arithmetic, is left to [`super::value`].

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator as SqlOperator, cast, ident, lit};
use sensorium_model::TableSchema;

use super::super::Cell;
use super::plan::{Column, Kind};
use super::value::{Node, Operator};

/// A table and the columns that conditions name by number.
#[derive(Clone, Copy)]
pub(super) struct Filters<'a> {
    pub(super) schema: &'a TableSchema,
    pub(super) columns: &'a [Column],
}

/// What a side of a comparison is.
enum Side<'a> {
    Tag(&'a str),
    /// A tag that the table lacks.
    NoTag,
    Field(&'a str, Kind),
    /// A field that the table lacks.
    NoField,
    Literal(&'a Cell),
}

impl<'a> Filters<'a> {
    /// A predicate that holds where the condition does.
    pub(super) fn exact(&self, node: &Node) -> Option<Expr> {
        match node {
            Node::Binary(Operator::And, left, right) => Some(self.exact(left)?.and(self.exact(right)?)),
            Node::Binary(Operator::Or, left, right) => Some(self.exact(left)?.or(self.exact(right)?)),
            Node::Binary(operator, left, right) => {
                let operator = comparison(*operator)?;
                let (left, right) = (self.side(left)?, self.side(right)?);
                match (&left, &right) {
                    (_, Side::Literal(literal)) => compared(&left, operator, literal),
                    (Side::Literal(literal), _) => compared(&right, operator.swap()?, literal),
                    _ => None,
                }
            }
            Node::Matches { of, pattern, negated } => {
                let operator = if *negated { SqlOperator::RegexNotMatch } else { SqlOperator::RegexMatch };
                let matches = |name: &str| {
                    let text = cast(ident(name), DataType::Utf8);
                    let pattern = lit(pattern.as_str());
                    Expr::BinaryExpr(BinaryExpr::new(Box::new(text), operator, Box::new(pattern)))
                };
                let of_absent = pattern.is_match("") != *negated;
                Some(match self.side(of)? {
                    Side::Tag(name) if of_absent => ident(name).is_null().or(matches(name)),
                    Side::Field(name, Kind::Text) | Side::Tag(name) => matches(name),
                    Side::NoTag => lit(of_absent),
                    Side::NoField | Side::Field(..) => lit(false),
                    Side::Literal(Cell::Text(text)) => lit(pattern.is_match(text) != *negated),
                    Side::Literal(_) => lit(false),
                })
            }
            Node::Literal(Cell::Boolean(truth)) => Some(lit(*truth)),
            _ => None,
        }
    }

    /// Predicates that hold wherever the condition does.
    pub(super) fn necessary(&self, node: &Node) -> Vec<Expr> {
        match node {
            Node::Binary(Operator::And, left, right) => {
                let mut both = self.necessary(left);
                both.extend(self.necessary(right));
                both
            }
            other => self.exact(other).into_iter().collect(),
        }
    }

    fn side<'n>(&self, node: &'n Node) -> Option<Side<'n>>
    where
        'a: 'n,
    {
        let stored = |column: &usize| {
            let name: &'a str = &self.columns.get(*column)?.name;
            Some((name, self.schema.kind(name).and_then(Kind::stored)))
        };
        Some(match node {
            Node::Literal(value) => Side::Literal(value),
            Node::Tag(column) => match stored(column)? {
                (name, Some(Kind::Tag)) => Side::Tag(name),
                (_, None) => Side::NoTag,
                // Here it is a field: other sources have a tag of that name.
                (_, Some(_)) => return None,
            },
            Node::Column(column) => {
                let read_as = self.columns.get(*column)?.kind;
                match stored(column)? {
                    (name, Some(kind)) if kind == read_as && kind != Kind::Tag => Side::Field(name, kind),
                    (_, None | Some(Kind::Tag)) => Side::NoField,
                    (_, Some(_)) => return None,
                }
            }
            _ => return None,
        })
    }
}

fn comparison(operator: Operator) -> Option<SqlOperator> {
    Some(match operator {
        Operator::Equal => SqlOperator::Eq,
        Operator::NotEqual => SqlOperator::NotEq,
        Operator::Less => SqlOperator::Lt,
        Operator::LessOrEqual => SqlOperator::LtEq,
        Operator::Greater => SqlOperator::Gt,
        Operator::GreaterOrEqual => SqlOperator::GtEq,
        _ => return None,
    })
}

fn compared(side: &Side<'_>, operator: SqlOperator, literal: &Cell) -> Option<Expr> {
    let is_equality = matches!(operator, SqlOperator::Eq | SqlOperator::NotEq);
    let with = |name: &str, literal: Expr| {
        Expr::BinaryExpr(BinaryExpr::new(Box::new(ident(name)), operator, Box::new(literal)))
    };
    Some(match (side, literal) {
        (Side::Tag(name), Cell::Text(text)) if is_equality => {
            let of_absent = text.is_empty() == (operator == SqlOperator::Eq);
            let stored = with(name, lit(&**text));
            if of_absent { ident(*name).is_null().or(stored) } else { stored }
        }
        (Side::NoTag, Cell::Text(text)) if is_equality => lit(text.is_empty() == (operator == SqlOperator::Eq)),
        (Side::Field(name, Kind::Text), Cell::Text(text)) if is_equality => with(name, lit(&**text)),
        (Side::Field(name, Kind::Boolean), Cell::Boolean(truth)) if is_equality => with(name, lit(*truth)),
        (Side::Field(name, kind), Cell::Float(number)) if kind.is_number() => {
            let number = Box::new(lit(*number));
            Expr::BinaryExpr(BinaryExpr::new(Box::new(cast(ident(*name), DataType::Float64)), operator, number))
        }
        (Side::Field(name, Kind::Integer), Cell::Integer(number)) => with(name, lit(*number)),
        (Side::Field(name, Kind::Float), Cell::Integer(number)) => with(name, lit(*number as f64)),
        (Side::Field(name, Kind::Unsigned), Cell::Integer(number)) => match u64::try_from(*number) {
            Ok(number) => with(name, lit(number)),
            Err(_) => return None,
        },
        (Side::Literal(_), _) | (_, Cell::Time(_) | Cell::Unsigned(_) | Cell::Null) => return None,
        _ => lit(false),
    })
}

/// The predicate that at least one of some fields is there; nothing when a row needs none.
pub(super) fn any_present<'n>(names: impl Iterator<Item = &'n Arc<str>>) -> Option<Expr> {
    names.map(|name| ident(name.as_ref()).is_not_null()).reduce(Expr::or)
}
