//! Expressions of a statement as [`Node`]s: names become numbers of columns, functions of many rows numbers of calls.

use std::sync::Arc;

use sensorium_protocols::influxql::{Binary, BinaryOperator, Call as Written, DataType, Expr, VarRef};

use super::super::{Cell, meaning};
use super::plan::{Call, Column, Kind, Leaf, Transform};
use super::sources::{Names, pattern, takes_everything};
use super::value::{Function, Node, Operator};
use crate::error::QueryError;

/// The columns and calls of a statement, as they are met.
pub(super) struct Mapper<'a> {
    pub(super) names: &'a Names<'a>,
    /// The length of the bins, in nanoseconds.
    pub(super) every: Option<i64>,
    pub(super) columns: Vec<Column>,
    pub(super) calls: Vec<Call>,
    /// The columns that stand outside of calls.
    pub(super) shown: Vec<usize>,
}

impl<'a> Mapper<'a> {
    pub(super) fn new(names: &'a Names<'a>, every: Option<i64>) -> Self {
        Self { names, every, columns: Vec::new(), calls: Vec::new(), shown: Vec::new() }
    }

    fn column(&mut self, var: &VarRef) -> usize {
        let kind = self.names.kind(var);
        self.column_of(&var.name, kind)
    }

    fn column_of(&mut self, name: &str, kind: Kind) -> usize {
        let known = self.columns.iter().position(|column| column.name.as_ref() == name && column.kind == kind);
        known.unwrap_or_else(|| {
            self.columns.push(Column { name: Arc::from(name), kind });
            self.columns.len() - 1
        })
    }

    /// A column of the answer.
    pub(super) fn field(&mut self, expr: &Expr) -> Result<(Node, Kind), QueryError> {
        match expr {
            Expr::VarRef(var) => {
                let column = self.column(var);
                if !self.shown.contains(&column) {
                    self.shown.push(column);
                }
                Ok((Node::Column(column), self.names.kind(var)))
            }
            Expr::Paren(inner) => self.field(inner),
            Expr::Distinct(name) => {
                let args = vec![Expr::VarRef(VarRef { name: name.clone(), data_type: None })];
                self.call(&Written { name: "distinct".to_owned(), args })
            }
            Expr::Call(call) => match Function::named(&call.name) {
                Some(function) => self.function(function, &call.args),
                None => self.call(call),
            },
            Expr::Binary(binary) => {
                let Binary { op, left, right } = binary.as_ref();
                let ((left_node, left_kind), (right_node, right_kind)) = (self.field(left)?, self.field(right)?);
                let kind = combined(*op, (left_kind, right_kind)).ok_or_else(|| {
                    meaning(format!(
                        "type error: {}: incompatible types: {} and {}",
                        self.typed(expr),
                        left_kind.as_str(),
                        right_kind.as_str()
                    ))
                })?;
                let operator = operator(*op).ok_or_else(|| meaning(format!("invalid operator {}", op.as_str())))?;
                Ok((Node::Binary(operator, Box::new(left_node), Box::new(right_node)), kind))
            }
            literal => literal_of(literal).ok_or_else(|| meaning("field must contain at least one variable")),
        }
    }

    fn function(&mut self, function: Function, args: &[Expr]) -> Result<(Node, Kind), QueryError> {
        let args = args.iter().map(|arg| self.field(arg)).collect::<Result<Vec<_>, _>>()?;
        let first = args.first().map_or(Kind::Unknown, |(_, kind)| *kind);
        let kind = if function.keeps_integers() && first.is_number() { first } else { Kind::Float };
        Ok((Node::Function(function, args.into_iter().map(|(node, _)| node).collect()), kind))
    }

    fn call(&mut self, written: &Written) -> Result<(Node, Kind), QueryError> {
        let call = self.made(written)?;
        let kind = call.kind;
        let known = self.calls.iter().position(|other| *other == call);
        let index = known.unwrap_or_else(|| {
            self.calls.push(call);
            self.calls.len() - 1
        });
        Ok((Node::Call(index), kind))
    }

    fn made(&mut self, written: &Written) -> Result<Call, QueryError> {
        let Written { name, args } = written;
        let of = args.first();
        let second = args.get(1);
        let count = |expr: Option<&Expr>| match expr {
            Some(Expr::Integer(count)) => usize::try_from(*count).unwrap_or(0),
            _ => 0,
        };
        let unit = |otherwise: i64| match second {
            Some(Expr::Duration(unit)) => *unit,
            _ => otherwise,
        };
        let transform = match name.as_str() {
            "derivative" | "non_negative_derivative" => Some(Transform::Derivative {
                unit: unit(self.every.unwrap_or(1_000_000_000)),
                non_negative: name != "derivative",
            }),
            "difference" | "non_negative_difference" => {
                Some(Transform::Difference { non_negative: name != "difference" })
            }
            "moving_average" => Some(Transform::MovingAverage(count(second))),
            "cumulative_sum" => Some(Transform::CumulativeSum),
            "elapsed" => Some(Transform::Elapsed(unit(1))),
            _ => None,
        };
        if let Some(transform) = transform {
            let inner = match of {
                Some(Expr::Call(inner)) => self.made(inner)?,
                other => {
                    let (column, kind) = self.argument(name, other)?;
                    Call { leaf: None, column, transforms: Vec::new(), kind }
                }
            };
            let kind = inner.kind;
            check(name, kind)?;
            let kind = match transform {
                Transform::Derivative { .. } | Transform::MovingAverage(_) => Kind::Float,
                Transform::Elapsed(_) => Kind::Integer,
                Transform::Difference { .. } | Transform::CumulativeSum => kind,
            };
            let mut call = Call { kind, ..inner };
            call.transforms.push(transform);
            return Ok(call);
        }
        if let (true, Some(Expr::Call(Written { args, .. }))) = (name == "count", of) {
            let (column, _) = self.argument("distinct", args.first())?;
            return Ok(Call { leaf: Some(Leaf::CountDistinct), column, transforms: Vec::new(), kind: Kind::Integer });
        }
        if let (true, Some(Expr::Distinct(name))) = (name == "count", of) {
            let var = VarRef { name: name.clone(), data_type: None };
            let column = self.column(&var);
            return Ok(Call { leaf: Some(Leaf::CountDistinct), column, transforms: Vec::new(), kind: Kind::Integer });
        }
        let (column, kind) = self.argument(name, of)?;
        check(name, kind)?;
        let leaf = match name.as_str() {
            "count" => Leaf::Count,
            "sum" => Leaf::Sum,
            "mean" => Leaf::Mean,
            "min" => Leaf::Min,
            "max" => Leaf::Max,
            "spread" => Leaf::Spread,
            "first" => Leaf::First,
            "last" => Leaf::Last,
            "stddev" => Leaf::Stddev,
            "median" => Leaf::Median,
            "mode" => Leaf::Mode,
            "distinct" => Leaf::Distinct,
            "percentile" => Leaf::Percentile(match second {
                Some(Expr::Integer(percentile)) => *percentile as f64,
                Some(Expr::Number(percentile)) => *percentile,
                _ => 0.0,
            }),
            "integral" => Leaf::Integral(unit(1_000_000_000)),
            "sample" => Leaf::Sample(count(second)),
            "top" | "bottom" => {
                let by = args.iter().take(args.len().saturating_sub(1)).skip(1);
                let by = by.filter_map(|arg| if let Expr::VarRef(var) = arg { Some(self.column(var)) } else { None });
                let by: Vec<usize> = by.collect();
                let size = count(args.last());
                if name == "top" { Leaf::Top(size, by) } else { Leaf::Bottom(size, by) }
            }
            _ => return Err(meaning(format!("undefined function {name}()"))),
        };
        let kind = match leaf {
            Leaf::Count => Kind::Integer,
            Leaf::Mean | Leaf::Stddev | Leaf::Median | Leaf::Integral(_) => Kind::Float,
            _ => kind,
        };
        Ok(Call { leaf: Some(leaf), column, transforms: Vec::new(), kind })
    }

    fn argument(&mut self, name: &str, arg: Option<&Expr>) -> Result<(usize, Kind), QueryError> {
        match arg {
            Some(Expr::VarRef(var)) => Ok((self.column(var), self.names.kind(var))),
            _ => Err(meaning(format!("expected field argument in {name}()"))),
        }
    }

    /// A condition, or a part of one.
    pub(super) fn condition(&mut self, expr: &Expr) -> Result<Node, QueryError> {
        Ok(match expr {
            Expr::VarRef(var) if var.name.eq_ignore_ascii_case("time") => Node::Time,
            Expr::VarRef(var) => {
                let kind = self.names.kind(var);
                let column = self.column_of(&var.name, kind);
                let is_tag = kind == Kind::Tag || (kind == Kind::Unknown && var.data_type.is_none());
                if is_tag { Node::Tag(column) } else { Node::Column(column) }
            }
            Expr::Paren(inner) => self.condition(inner)?,
            Expr::Call(call) => {
                let Some(function) = Function::named(&call.name) else {
                    return Err(meaning(format!("invalid function call in condition: {expr}")));
                };
                let args = call.args.iter().map(|arg| self.condition(arg)).collect::<Result<_, _>>()?;
                Node::Function(function, args)
            }
            Expr::Binary(binary) => {
                let Binary { op, left, right } = binary.as_ref();
                if let (BinaryOperator::Matches | BinaryOperator::MatchesNot, Expr::Regex(text)) = (op, right) {
                    let negated = *op == BinaryOperator::MatchesNot;
                    let of = Box::new(self.condition(left)?);
                    return Ok(Node::Matches { of, pattern: Arc::new(pattern(text)?), negated });
                }
                let operator = operator(*op).ok_or_else(|| meaning(format!("invalid condition expression: {expr}")))?;
                Node::Binary(operator, Box::new(self.condition(left)?), Box::new(self.condition(right)?))
            }
            literal => match literal_of(literal) {
                Some((node, _)) => node,
                None => return Err(meaning(format!("invalid condition expression: {expr}"))),
            },
        })
    }

    /// An expression with the types of its names, as InfluxDB writes it.
    pub(super) fn typed(&self, expr: &Expr) -> Expr {
        match expr {
            Expr::VarRef(var) => {
                let data_type = match self.names.kind(var) {
                    Kind::Float => Some(DataType::Float),
                    Kind::Integer => Some(DataType::Integer),
                    Kind::Unsigned => Some(DataType::Unsigned),
                    Kind::Text => Some(DataType::String),
                    Kind::Boolean => Some(DataType::Boolean),
                    Kind::Tag => Some(DataType::Tag),
                    Kind::Unknown => var.data_type,
                };
                Expr::VarRef(VarRef { name: var.name.clone(), data_type })
            }
            Expr::Call(call) => {
                let args = call.args.iter().map(|arg| self.typed(arg)).collect();
                Expr::Call(Written { name: call.name.clone(), args })
            }
            Expr::Binary(binary) => Expr::Binary(Box::new(Binary {
                op: binary.op,
                left: self.typed(&binary.left),
                right: self.typed(&binary.right),
            })),
            Expr::Paren(inner) => Expr::Paren(Box::new(self.typed(inner))),
            other => other.clone(),
        }
    }
}

/// Refuses values of types that a function is not of.
fn check(name: &str, kind: Kind) -> Result<(), QueryError> {
    let is_taken = match kind {
        Kind::Text => takes_everything(name),
        Kind::Boolean => takes_everything(name) || matches!(name, "min" | "max"),
        _ => true,
    };
    if is_taken {
        return Ok(());
    }
    Err(meaning(format!("unsupported {name} iterator type: *query.{}InterruptIterator", kind.as_str())))
}

fn literal_of(expr: &Expr) -> Option<(Node, Kind)> {
    let (cell, kind) = match expr {
        Expr::Number(number) => (Cell::Float(*number), Kind::Float),
        Expr::Integer(number) | Expr::Duration(number) => (Cell::Integer(*number), Kind::Integer),
        Expr::Unsigned(number) => (Cell::Unsigned(*number), Kind::Unsigned),
        Expr::String(text) => (Cell::Text(Arc::from(text.as_str())), Kind::Text),
        Expr::Boolean(truth) => (Cell::Boolean(*truth), Kind::Boolean),
        _ => return None,
    };
    Some((Node::Literal(cell), kind))
}

fn operator(op: BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Add => Operator::Add,
        BinaryOperator::Subtract => Operator::Subtract,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Modulo => Operator::Modulo,
        BinaryOperator::BitAnd => Operator::BitAnd,
        BinaryOperator::BitOr => Operator::BitOr,
        BinaryOperator::BitXor => Operator::BitXor,
        BinaryOperator::And => Operator::And,
        BinaryOperator::Or => Operator::Or,
        BinaryOperator::Equal => Operator::Equal,
        BinaryOperator::NotEqual => Operator::NotEqual,
        BinaryOperator::Less => Operator::Less,
        BinaryOperator::LessOrEqual => Operator::LessOrEqual,
        BinaryOperator::Greater => Operator::Greater,
        BinaryOperator::GreaterOrEqual => Operator::GreaterOrEqual,
        BinaryOperator::Matches | BinaryOperator::MatchesNot => return None,
    })
}

/// The type of two values and an operator between them, if it can stand there.
fn combined(op: BinaryOperator, (left, right): (Kind, Kind)) -> Option<Kind> {
    if left == Kind::Unknown || right == Kind::Unknown {
        return Some(Kind::Unknown);
    }
    match op {
        BinaryOperator::BitAnd | BinaryOperator::BitOr | BinaryOperator::BitXor => {
            let is_whole = |kind: Kind| matches!(kind, Kind::Integer | Kind::Unsigned);
            match (left, right) {
                (Kind::Boolean, Kind::Boolean) => Some(Kind::Boolean),
                (left, right) if is_whole(left) && is_whole(right) => Some(left.or(right)),
                _ => None,
            }
        }
        _ if !left.is_number() || !right.is_number() => None,
        BinaryOperator::Divide if left == Kind::Integer && right == Kind::Integer => Some(Kind::Float),
        _ if left == Kind::Float || right == Kind::Float => Some(Kind::Float),
        _ if left == Kind::Unsigned || right == Kind::Unsigned => Some(Kind::Unsigned),
        _ => Some(Kind::Integer),
    }
}
