//! Values in the place of parameters.

use datafusion::sql::sqlparser::ast::{
    Array, CastKind, DataType, Expr, TimezoneInfo, UnaryOperator, Value, ValueWithSpan,
};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::MAX_LIST;
use crate::error::QueryError;

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// No value.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number as digits, which may be too large or too exact for the others.
    Number(String),
    /// A floating-point number.
    Float(f64),
    /// A text, or a value whose type its place decides.
    Text(String),
    /// A point in time with its zone, in the words of RFC 3339 or PostgreSQL.
    Time(String),
    /// A day, as `2024-02-29`.
    Date(String),
    /// Values of one type, for `= ANY($1)`.
    List(Vec<Parameter>),
}

impl Parameter {
    /// The value as a literal.
    fn literal(&self) -> Result<Expr, QueryError> {
        Ok(match self {
            Self::Null => Expr::value(Value::Null),
            Self::Boolean(truth) => Expr::value(Value::Boolean(*truth)),
            Self::Integer(number) => numeral(&number.to_string()),
            Self::Number(digits) if is_numeral(digits) => numeral(digits),
            Self::Number(text) => cast(text, DataType::DoublePrecision),
            Self::Float(number) if number.is_finite() => numeral(&format!("{number:?}")),
            Self::Float(number) => cast(&number.to_string(), DataType::DoublePrecision),
            Self::Text(text) => text_literal(text),
            Self::Time(text) => cast(text, DataType::Timestamp(None, TimezoneInfo::Tz)),
            Self::Date(text) => cast(text, DataType::Date),
            Self::List(values) => {
                if values.len() > MAX_LIST {
                    let (what, found, limit) = ("values in the list of one parameter", values.len(), MAX_LIST);
                    return Err(QueryError::TooComplex { what, found, limit });
                }
                let elem = values.iter().map(Self::literal).collect::<Result<_, _>>()?;
                Expr::Array(Array { elem, named: true })
            }
        })
    }
}

/// The value of the parameter that a placeholder names, if it is one and there are values.
pub(super) fn value_of(expr: &Expr, parameters: Option<&[Parameter]>) -> Result<Option<Expr>, QueryError> {
    let (Expr::Value(ValueWithSpan { value: Value::Placeholder(name), .. }), Some(parameters)) = (expr, parameters)
    else {
        return Ok(None);
    };
    let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
    let parameter = number.and_then(|number| number.checked_sub(1)).and_then(|index| parameters.get(index));
    match parameter {
        Some(parameter) => parameter.literal().map(Some),
        None => {
            let message = format!("There is no parameter {name}: {} values were bound.", parameters.len());
            Err(QueryError::Meaning { message, position: None })
        }
    }
}

/// A text as a literal.
pub(super) fn text_literal(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).with_span(Span::empty()))
}

fn is_numeral(digits: &str) -> bool {
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    unsigned.starts_with(|first: char| first.is_ascii_digit())
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn numeral(digits: &str) -> Expr {
    let number = |digits: &str| Expr::value(Value::Number(digits.to_owned(), false));
    match digits.strip_prefix('-') {
        Some(digits) => {
            Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(number(digits)) }))
        }
        None => number(digits),
    }
}

fn cast(text: &str, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(text_literal(text)), data_type, array: false, format: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_literals_that_are_read_as_what_they_are() {
        for (parameter, sql) in [
            (Parameter::Null, "NULL"),
            (Parameter::Boolean(true), "true"),
            (Parameter::Integer(i64::MIN), "(-9223372036854775808)"),
            (Parameter::Float(0.1), "0.1"),
            (Parameter::Float(-1e300), "(-1e300)"),
            (Parameter::Number("1.50".to_owned()), "1.50"),
            (Parameter::Number("NaN".to_owned()), "CAST('NaN' AS DOUBLE PRECISION)"),
            (Parameter::Text("it's; --".to_owned()), "'it''s; --'"),
            (Parameter::Date("2024-02-29".to_owned()), "CAST('2024-02-29' AS DATE)"),
            (Parameter::List(vec![Parameter::Integer(1), Parameter::Null]), "ARRAY[1, NULL]"),
        ] {
            assert_eq!(parameter.literal().unwrap().to_string(), sql);
        }
    }
}
