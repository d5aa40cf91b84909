//! What an expression is worth in a row: InfluxDB's arithmetic, comparisons and functions of numbers.
//!
//! A value that cannot be computed is [`Cell::Null`]: of types that do not fit, or of a row that lacks one. Division by zero
//! is 0, and of two integers a float.

use std::cmp::Ordering;
use std::sync::Arc;

use regex::Regex;

use super::super::Cell;

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A function of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Acos,
    Asin,
    Atan,
    Atan2,
    Ceil,
    Cos,
    Exp,
    Floor,
    Ln,
    Log,
    Log2,
    Log10,
    Pow,
    Round,
    Sin,
    Sqrt,
    Tan,
}

/// An expression over the columns and calls of a query, which it knows by their number.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Literal(Cell),
    /// A column of the row.
    Column(usize),
    /// A column of the row that is the empty text where it is absent, as tags are in conditions.
    Tag(usize),
    /// When the row is.
    Time,
    /// The answer of a call.
    Call(usize),
    Binary(Operator, Box<Node>, Box<Node>),
    Matches {
        of: Box<Node>,
        pattern: Arc<Regex>,
        negated: bool,
    },
    Function(Function, Vec<Node>),
}

/// What a node looks at.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) time: i64,
    pub(super) columns: &'a [Cell],
    pub(super) calls: &'a [Cell],
}

impl Function {
    /// The function of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "acos" => Self::Acos,
            "asin" => Self::Asin,
            "atan" => Self::Atan,
            "atan2" => Self::Atan2,
            "ceil" => Self::Ceil,
            "cos" => Self::Cos,
            "exp" => Self::Exp,
            "floor" => Self::Floor,
            "ln" => Self::Ln,
            "log" => Self::Log,
            "log2" => Self::Log2,
            "log10" => Self::Log10,
            "pow" => Self::Pow,
            "round" => Self::Round,
            "sin" => Self::Sin,
            "sqrt" => Self::Sqrt,
            "tan" => Self::Tan,
            _ => return None,
        })
    }

    /// How many arguments it takes.
    pub(super) fn arity(self) -> usize {
        if matches!(self, Self::Atan2 | Self::Log | Self::Pow) { 2 } else { 1 }
    }

    /// Whether it leaves integers integers.
    pub(super) fn keeps_integers(self) -> bool {
        matches!(self, Self::Abs | Self::Ceil | Self::Floor | Self::Round | Self::Pow)
    }

    fn of(self, first: &Cell, second: Option<&Cell>) -> Cell {
        match (self, first, second) {
            (Self::Abs, Cell::Integer(value), _) => Cell::Integer(value.wrapping_abs()),
            (Self::Abs | Self::Ceil | Self::Floor | Self::Round, Cell::Unsigned(value), _) => Cell::Unsigned(*value),
            (Self::Ceil | Self::Floor | Self::Round, Cell::Integer(value), _) => Cell::Integer(*value),
            (Self::Pow, Cell::Integer(base), Some(Cell::Integer(exponent))) => {
                Cell::Integer((*base as f64).powf(*exponent as f64) as i64)
            }
            (Self::Pow, Cell::Unsigned(base), Some(Cell::Unsigned(exponent))) => {
                Cell::Unsigned((*base as f64).powf(*exponent as f64) as u64)
            }
            _ => match (float(first), second.map(float)) {
                (Some(first), None) => self.of_float(first),
                (Some(first), Some(Some(second))) => self.of_floats(first, second),
                _ => Cell::Null,
            },
        }
    }

    fn of_float(self, value: f64) -> Cell {
        let result = match self {
            Self::Abs => value.abs(),
            Self::Acos => value.acos(),
            Self::Asin => value.asin(),
            Self::Atan => value.atan(),
            Self::Ceil => value.ceil(),
            Self::Cos => value.cos(),
            Self::Exp => value.exp(),
            Self::Floor => value.floor(),
            Self::Ln => value.ln(),
            Self::Log2 => value.log2(),
            Self::Log10 => value.log10(),
            Self::Round => value.round(),
            Self::Sin => value.sin(),
            Self::Sqrt => value.sqrt(),
            Self::Tan => value.tan(),
            Self::Atan2 | Self::Log | Self::Pow => return Cell::Null,
        };
        Cell::Float(result)
    }

    fn of_floats(self, first: f64, second: f64) -> Cell {
        match self {
            Self::Atan2 => Cell::Float(first.atan2(second)),
            Self::Log => Cell::Float(first.ln() / second.ln()),
            Self::Pow => Cell::Float(first.powf(second)),
            _ => Cell::Null,
        }
    }
}

impl Node {
    /// The value in a row.
    pub(super) fn value(&self, row: Row<'_>) -> Cell {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Column(column) => row.columns.get(*column).cloned().unwrap_or(Cell::Null),
            Self::Tag(column) => match row.columns.get(*column) {
                Some(Cell::Null) | None => Cell::Text(Arc::from("")),
                Some(value) => value.clone(),
            },
            Self::Time => Cell::Time(row.time),
            Self::Call(call) => row.calls.get(*call).cloned().unwrap_or(Cell::Null),
            Self::Binary(operator, left, right) => binary(*operator, &left.value(row), &right.value(row)),
            Self::Matches { of, pattern, negated } => match of.value(row) {
                Cell::Text(text) => Cell::Boolean(pattern.is_match(&text) != *negated),
                _ => Cell::Null,
            },
            Self::Function(function, arguments) => {
                let values: Vec<Cell> = arguments.iter().map(|argument| argument.value(row)).collect();
                values.first().map_or(Cell::Null, |first| function.of(first, values.get(1)))
            }
        }
    }

    /// Whether a condition holds in a row.
    pub(super) fn holds(&self, row: Row<'_>) -> bool {
        self.value(row) == Cell::Boolean(true)
    }

    /// Visits this node and all below it.
    pub(super) fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            Self::Binary(_, left, right) => {
                left.walk(visit);
                right.walk(visit);
            }
            Self::Matches { of, .. } => of.walk(visit),
            Self::Function(_, arguments) => arguments.iter().for_each(|argument| argument.walk(visit)),
            Self::Literal(_) | Self::Column(_) | Self::Tag(_) | Self::Time | Self::Call(_) => (),
        }
    }
}

/// A number as a float.
pub(super) fn float(value: &Cell) -> Option<f64> {
    match value {
        Cell::Float(value) => Some(*value),
        Cell::Integer(value) => Some(*value as f64),
        Cell::Unsigned(value) => Some(*value as f64),
        Cell::Null | Cell::Time(_) | Cell::Boolean(_) | Cell::Text(_) => None,
    }
}

/// An operator between two values.
pub(super) fn binary(operator: Operator, left: &Cell, right: &Cell) -> Cell {
    match (left, right) {
        (Cell::Boolean(left), Cell::Boolean(right)) => of_truths(operator, *left, *right),
        (Cell::Integer(left), Cell::Integer(right)) => of_integers(operator, *left, *right),
        (Cell::Unsigned(left), Cell::Unsigned(right)) => of_unsigned(operator, *left, *right),
        (Cell::Unsigned(left), Cell::Integer(right)) => match u64::try_from(*right) {
            Ok(right) => of_unsigned(operator, *left, right),
            Err(_) => compared(operator, Ordering::Greater),
        },
        (Cell::Integer(left), Cell::Unsigned(right)) => match u64::try_from(*left) {
            Ok(left) => of_unsigned(operator, left, *right),
            Err(_) => compared(operator, Ordering::Less),
        },
        (Cell::Text(left), Cell::Text(right)) => match operator {
            Operator::Equal => Cell::Boolean(left == right),
            Operator::NotEqual => Cell::Boolean(left != right),
            _ => Cell::Null,
        },
        (Cell::Time(left), Cell::Time(right) | Cell::Integer(right)) => compared(operator, left.cmp(right)),
        (Cell::Boolean(truth), _) | (_, Cell::Boolean(truth)) => match operator {
            // What is unknown beside a truth decides nothing.
            Operator::And => Cell::Boolean(false),
            Operator::Or => Cell::Boolean(*truth),
            _ => Cell::Null,
        },
        _ => match (float(left), float(right)) {
            (Some(left), Some(right)) => of_floats(operator, left, right),
            _ => Cell::Null,
        },
    }
}

fn compared(operator: Operator, order: Ordering) -> Cell {
    match operator {
        Operator::Equal => Cell::Boolean(order.is_eq()),
        Operator::NotEqual => Cell::Boolean(order.is_ne()),
        Operator::Less => Cell::Boolean(order.is_lt()),
        Operator::LessOrEqual => Cell::Boolean(order.is_le()),
        Operator::Greater => Cell::Boolean(order.is_gt()),
        Operator::GreaterOrEqual => Cell::Boolean(order.is_ge()),
        _ => Cell::Null,
    }
}

fn of_truths(operator: Operator, left: bool, right: bool) -> Cell {
    match operator {
        Operator::And | Operator::BitAnd => Cell::Boolean(left && right),
        Operator::Or | Operator::BitOr => Cell::Boolean(left || right),
        Operator::BitXor | Operator::NotEqual => Cell::Boolean(left != right),
        Operator::Equal => Cell::Boolean(left == right),
        _ => Cell::Null,
    }
}

fn of_integers(operator: Operator, left: i64, right: i64) -> Cell {
    match operator {
        Operator::Add => Cell::Integer(left.wrapping_add(right)),
        Operator::Subtract => Cell::Integer(left.wrapping_sub(right)),
        Operator::Multiply => Cell::Integer(left.wrapping_mul(right)),
        Operator::Divide if right == 0 => Cell::Float(0.0),
        Operator::Divide => Cell::Float(left as f64 / right as f64),
        Operator::Modulo => Cell::Integer(left.checked_rem(right).unwrap_or(0)),
        Operator::BitAnd => Cell::Integer(left & right),
        Operator::BitOr => Cell::Integer(left | right),
        Operator::BitXor => Cell::Integer(left ^ right),
        _ => compared(operator, left.cmp(&right)),
    }
}

fn of_unsigned(operator: Operator, left: u64, right: u64) -> Cell {
    match operator {
        Operator::Add => Cell::Unsigned(left.wrapping_add(right)),
        Operator::Subtract => Cell::Unsigned(left.wrapping_sub(right)),
        Operator::Multiply => Cell::Unsigned(left.wrapping_mul(right)),
        Operator::Divide => Cell::Unsigned(left.checked_div(right).unwrap_or(0)),
        Operator::Modulo => Cell::Unsigned(left.checked_rem(right).unwrap_or(0)),
        Operator::BitAnd => Cell::Unsigned(left & right),
        Operator::BitOr => Cell::Unsigned(left | right),
        Operator::BitXor => Cell::Unsigned(left ^ right),
        _ => compared(operator, left.cmp(&right)),
    }
}

fn of_floats(operator: Operator, left: f64, right: f64) -> Cell {
    match operator {
        Operator::Add => Cell::Float(left + right),
        Operator::Subtract => Cell::Float(left - right),
        Operator::Multiply => Cell::Float(left * right),
        Operator::Divide if right == 0.0 => Cell::Float(0.0),
        Operator::Divide => Cell::Float(left / right),
        Operator::Modulo => Cell::Float(left % right),
        _ => left.partial_cmp(&right).map_or(Cell::Null, |order| compared(operator, order)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_divide_to_floats_and_zero_divides_to_zero() {
        assert_eq!(binary(Operator::Divide, &Cell::Integer(3), &Cell::Integer(2)), Cell::Float(1.5));
        assert_eq!(binary(Operator::Divide, &Cell::Integer(3), &Cell::Integer(0)), Cell::Float(0.0));
        assert_eq!(binary(Operator::Divide, &Cell::Float(3.0), &Cell::Integer(0)), Cell::Float(0.0));
        assert_eq!(binary(Operator::Modulo, &Cell::Integer(3), &Cell::Integer(0)), Cell::Integer(0));
    }

    #[test]
    fn types_that_do_not_fit_give_nothing() {
        let text = Cell::Text("x".into());
        assert_eq!(binary(Operator::NotEqual, &text, &Cell::Integer(3)), Cell::Null);
        assert_eq!(binary(Operator::Add, &Cell::Null, &Cell::Integer(3)), Cell::Null);
        assert_eq!(binary(Operator::Or, &Cell::Null, &Cell::Boolean(true)), Cell::Boolean(true));
        assert_eq!(Function::Abs.of(&text, None), Cell::Null);
    }

    #[test]
    fn functions_keep_integers_where_influxdb_does() {
        assert_eq!(Function::Pow.of(&Cell::Integer(3), Some(&Cell::Integer(2))), Cell::Integer(9));
        assert_eq!(Function::Round.of(&Cell::Float(2.5), None), Cell::Float(3.0));
        assert_eq!(Function::Sqrt.of(&Cell::Integer(9), None), Cell::Float(3.0));
    }
}
