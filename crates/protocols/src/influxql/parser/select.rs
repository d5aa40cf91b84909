//! `SELECT`.

use chrono_tz::Tz;

use super::super::ast::{BinaryOperator, Dimension, Expr, Field, Fill, Measurement, MeasurementName, Select, Source};
use super::super::error::{ParseError, Position};
use super::super::token::{Keyword, Token};
use super::Parser;
use super::parts::in_policy;

/// Whether a `SELECT` has an `INTO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Required,
    Optional,
}

impl Parser<'_> {
    /// A `SELECT`, behind that word.
    pub(super) fn select(&mut self, target: Target) -> Result<Select, ParseError> {
        let fields = self.fields()?;
        let target = self.target(target)?;
        self.expect_words(&[Keyword::From])?;
        let sources = self.sources()?;
        let condition = self.optional_condition()?;
        let dimensions = self.optional_dimensions()?;
        let fill = self.optional_fill()?;
        let ascending = self.optional_order()?;
        let limit = self.optional_count(Keyword::Limit)?;
        let offset = self.optional_count(Keyword::Offset)?;
        let series_limit = self.optional_count(Keyword::Slimit)?;
        let series_offset = self.optional_count(Keyword::Soffset)?;
        let zone = self.optional_zone()?;
        Ok(Select {
            fields,
            target,
            sources,
            condition,
            dimensions,
            fill,
            ascending,
            limit,
            offset,
            series_limit,
            series_offset,
            zone,
        })
    }

    fn fields(&mut self) -> Result<Vec<Field>, ParseError> {
        let mut fields = vec![self.field()?];
        while self.take(Token::Comma) {
            fields.push(self.field()?);
        }
        Ok(fields)
    }

    fn field(&mut self) -> Result<Field, ParseError> {
        let expr = match self.optional_regex()? {
            Some(pattern) => Expr::Regex(pattern),
            None => {
                let start = self.look().start;
                let expr = self.expr()?;
                if let Some(op) = comparison(&expr) {
                    let Position { line, char } = self.lexer.position(start);
                    return Err(ParseError::new(format!(
                        "invalid operator {} in SELECT clause at line {line}, char {char}; operator is intended for WHERE clause",
                        op.as_str()
                    )));
                }
                expr
            }
        };
        let alias = if self.take_word(Keyword::As) { Some(self.identifier()?) } else { None };
        Ok(Field { expr, alias })
    }

    fn target(&mut self, target: Target) -> Result<Option<Measurement>, ParseError> {
        if !self.take_word(Keyword::Into) {
            return match target {
                Target::Required => {
                    let next = self.next();
                    Err(self.found(&next, &["INTO"]))
                }
                Target::Optional => Ok(None),
            };
        }
        let mut segments = self.segments()?;
        let name = if segments.len() < 3 && self.lexer.peek() == Some(':') {
            self.expect(Token::Colon)?;
            self.expect_words(&[Keyword::Measurement])?;
            MeasurementName::Same
        } else {
            MeasurementName::Name(segments.pop().unwrap_or_default())
        };
        Ok(Some(in_policy(segments, name)))
    }

    fn sources(&mut self) -> Result<Vec<Source>, ParseError> {
        let mut sources = vec![self.source()?];
        while self.take(Token::Comma) {
            sources.push(self.source()?);
        }
        Ok(sources)
    }

    fn source(&mut self) -> Result<Source, ParseError> {
        if !self.take(Token::LeftParen) {
            return self.measurement().map(Source::Measurement);
        }
        self.deeper(|parser| {
            parser.expect_words(&[Keyword::Select])?;
            let select = parser.select(Target::Optional)?;
            parser.expect(Token::RightParen)?;
            Ok(Source::SubQuery(Box::new(select)))
        })
    }

    /// `GROUP BY`, when it is there.
    pub(super) fn optional_dimensions(&mut self) -> Result<Vec<Dimension>, ParseError> {
        let mut dimensions = Vec::new();
        if self.take_word(Keyword::Group) {
            self.expect_words(&[Keyword::By])?;
            dimensions.push(self.dimension()?);
            while self.take(Token::Comma) {
                dimensions.push(self.dimension()?);
            }
        }
        Ok(dimensions)
    }

    fn dimension(&mut self) -> Result<Dimension, ParseError> {
        let expr = match self.optional_regex()? {
            Some(pattern) => Expr::Regex(pattern),
            None => self.expr()?,
        };
        Ok(Dimension { expr })
    }

    /// The argument of `name(…)`, when such a call is next; `Err` of how many there are when it is not one.
    fn optional_call(&mut self, name: &str) -> Result<Option<Result<Expr, Option<usize>>>, ParseError> {
        let next = self.look();
        if next.token != Token::Identifier || !next.text.eq_ignore_ascii_case(name) {
            return Ok(None);
        }
        Ok(Some(match self.expr()? {
            Expr::Call(call) => {
                let count = call.args.len();
                let mut args = call.args.into_iter();
                match (args.next(), args.next()) {
                    (Some(only), None) => Ok(only),
                    _ => Err(Some(count)),
                }
            }
            _ => Err(None),
        }))
    }

    fn optional_fill(&mut self) -> Result<Fill, ParseError> {
        let argument = match self.optional_call("fill")? {
            None => return Ok(Fill::Null),
            Some(Ok(argument)) => argument,
            Some(Err(None)) => return Err(ParseError::new("fill must be a function call")),
            Some(Err(Some(_))) => {
                let message = "fill requires an argument, e.g.: 0, null, none, previous, linear";
                return Err(ParseError::new(message));
            }
        };
        match (&*argument.to_string(), argument) {
            ("null", _) => Ok(Fill::Null),
            ("none", _) => Ok(Fill::None),
            ("previous", _) => Ok(Fill::Previous),
            ("linear", _) => Ok(Fill::Linear),
            (_, Expr::Integer(number)) => Ok(Fill::Integer(number)),
            (_, Expr::Number(number)) => Ok(Fill::Float(number)),
            _ => Err(ParseError::new("expected number argument in fill()")),
        }
    }

    fn optional_zone(&mut self) -> Result<Option<Tz>, ParseError> {
        let name = match self.optional_call("tz")? {
            None => return Ok(None),
            Some(Ok(Expr::String(name))) => name,
            Some(Ok(_)) => return Err(ParseError::new("expected string argument in tz()")),
            Some(Err(None)) => return Err(ParseError::new("tz must be a function call")),
            Some(Err(Some(_))) => return Err(ParseError::new("tz requires exactly one argument")),
        };
        if name.is_empty() {
            return Ok(Some(Tz::UTC));
        }
        name.parse().map(Some).map_err(|_| ParseError::new(format!("unable to find time zone {name}")))
    }

    /// `ORDER BY time`, when it is there: whether oldest first.
    pub(super) fn optional_order(&mut self) -> Result<Option<bool>, ParseError> {
        if !self.take_word(Keyword::Order) {
            return Ok(None);
        }
        self.expect_words(&[Keyword::By])?;
        let only_time = || ParseError::new("only ORDER BY time supported at this time");
        let next = self.next();
        let ascending = match next.token {
            Token::Word(Keyword::Asc) => true,
            Token::Word(Keyword::Desc) => false,
            Token::Identifier => {
                let ascending = self.direction();
                if next.text != "time" {
                    return Err(only_time());
                }
                ascending
            }
            _ => return Err(self.found(&next, &["identifier", "ASC", "DESC"])),
        };
        if self.take(Token::Comma) {
            self.identifier()?;
            return Err(only_time());
        }
        Ok(Some(ascending))
    }

    /// `ASC` or `DESC`, when it is there: whether oldest first.
    fn direction(&mut self) -> bool {
        self.take_word(Keyword::Asc) || !self.take_word(Keyword::Desc)
    }
}

/// The first comparison in an expression.
fn comparison(expr: &Expr) -> Option<BinaryOperator> {
    use BinaryOperator as Op;
    let mut found = None;
    expr.walk(&mut |expr| {
        if let Expr::Binary(binary) = expr
            && !matches!(
                binary.op,
                Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo | Op::BitAnd | Op::BitOr | Op::BitXor
            )
        {
            found = found.or(Some(binary.op));
        }
    });
    found
}
