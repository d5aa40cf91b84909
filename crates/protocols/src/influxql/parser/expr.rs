//! Expressions.

use super::super::ast::{Binary, BinaryOperator, Call, DataType, Expr, VarRef, Wildcard};
use super::super::error::ParseError;
use super::super::lexer::Scanned;
use super::super::token::{Keyword, Token};
use super::parts::nanoseconds;
use super::{MAX_OPERATORS, Parameter, Parser};

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Result<Expr, ParseError> {
        self.open_exprs += 1;
        let expr = self.operands();
        self.open_exprs -= 1;
        if self.open_exprs == 0 {
            self.operators = 0;
        }
        expr
    }

    /// Operands and what stands between them.
    fn operands(&mut self) -> Result<Expr, ParseError> {
        let mut expr = self.operand()?;
        loop {
            let before = self.lexer.offset();
            let next = self.next();
            let Token::Operator(op) = next.token else {
                self.lexer.go_back(before);
                return Ok(expr);
            };
            self.operators += 1;
            if self.operators > MAX_OPERATORS {
                return Err(self.wrong(&next, format!("the expression has more than {MAX_OPERATORS} operators")));
            }
            let right = if matches!(op, BinaryOperator::Matches | BinaryOperator::MatchesNot) {
                self.regex_operand()?
            } else {
                self.operand()?
            };
            expr = joined(expr, op, right);
        }
    }

    fn regex_operand(&mut self) -> Result<Expr, ParseError> {
        match self.optional_regex()? {
            Some(pattern) => Ok(Expr::Regex(pattern)),
            None => {
                let next = self.next();
                Err(self.found(&next, &["regex"]))
            }
        }
    }

    fn operand(&mut self) -> Result<Expr, ParseError> {
        let before = self.lexer.offset();
        let next = self.next();
        match next.token {
            Token::LeftParen => self.deeper(|parser| {
                let inner = parser.expr()?;
                parser.expect(Token::RightParen)?;
                Ok(Expr::Paren(Box::new(inner)))
            }),
            Token::Identifier => {
                if self.take_adjacent(Token::LeftParen) {
                    return self.call(&next.text);
                }
                self.lexer.go_back(before);
                self.var_ref()
            }
            Token::Word(Keyword::Distinct) => self.distinct(),
            Token::Text => Ok(Expr::String(next.text.into_owned())),
            Token::Number => match next.text.parse() {
                Ok(number) => Ok(Expr::Number(number)),
                Err(_) => Err(self.wrong(&next, "unable to parse number")),
            },
            Token::Integer => match (next.text.parse(), next.text.parse()) {
                (Ok(number), _) => Ok(Expr::Integer(number)),
                (Err(_), Ok(number)) => Ok(Expr::Unsigned(number)),
                (Err(_), Err(_)) => Err(self.wrong(&next, "unable to parse integer")),
            },
            Token::True => Ok(Expr::Boolean(true)),
            Token::False => Ok(Expr::Boolean(false)),
            Token::Duration => nanoseconds(&next.text).map(Expr::Duration).map_err(ParseError::new),
            Token::Operator(BinaryOperator::Multiply) => self.wildcard(),
            Token::Regex => self.checked_regex(next.text.into_owned(), next.start).map(Expr::Regex),
            Token::Parameter => Err(self.unbound(&next)),
            Token::Operator(BinaryOperator::Add) => self.deeper(|parser| parser.signed(false)),
            Token::Operator(BinaryOperator::Subtract) => self.deeper(|parser| parser.signed(true)),
            _ => Err(self.found(&next, &["identifier", "string", "number", "bool"])),
        }
    }

    fn unbound(&self, name: &Scanned<'_>) -> ParseError {
        match self.parameters.get(&*name.text) {
            _ if name.text.is_empty() => ParseError::new("empty bound parameter"),
            Some(Parameter::Invalid(reason)) => ParseError::new(reason.clone()),
            _ => ParseError::new(format!("missing parameter: {}", name.text)),
        }
    }

    /// What follows a sign.
    fn signed(&mut self, is_negative: bool) -> Result<Expr, ParseError> {
        let next = self.look();
        let may_follow = matches!(
            next.token,
            Token::Number | Token::Integer | Token::Duration | Token::LeftParen | Token::Identifier
        );
        if !may_follow {
            let next = self.next();
            return Err(self.found(&next, &["identifier", "number", "duration", "("]));
        }
        match self.operand()? {
            Expr::Number(number) if is_negative => Ok(Expr::Number(-number)),
            Expr::Integer(number) if is_negative => Ok(Expr::Integer(number.wrapping_neg())),
            Expr::Duration(length) if is_negative => Ok(Expr::Duration(length.wrapping_neg())),
            Expr::Unsigned(number) if is_negative => {
                if number == i64::MIN.unsigned_abs() {
                    return Ok(Expr::Integer(i64::MIN));
                }
                Err(ParseError::new(format!("constant -{number} underflows int64")))
            }
            operand @ (Expr::VarRef(_) | Expr::Call(_) | Expr::Paren(_)) => {
                let left = Expr::Integer(if is_negative { -1 } else { 1 });
                Ok(Expr::Binary(Box::new(Binary { op: BinaryOperator::Multiply, left, right: operand })))
            }
            literal => Ok(literal),
        }
    }

    /// `(name)` or ` name`, behind `DISTINCT`.
    fn distinct(&mut self) -> Result<Expr, ParseError> {
        let next = self.scan();
        match next.token {
            Token::LeftParen => self.call("distinct"),
            Token::Space => self.identifier().map(Expr::Distinct),
            _ => Err(self.found(&next, &["(", "identifier"])),
        }
    }

    fn wildcard(&mut self) -> Result<Expr, ParseError> {
        if !self.take_adjacent(Token::DoubleColon) {
            return Ok(Expr::Wildcard(Wildcard::All));
        }
        let next = self.scan();
        match next.token {
            Token::Word(Keyword::Field) => Ok(Expr::Wildcard(Wildcard::Fields)),
            Token::Word(Keyword::Tag) => Ok(Expr::Wildcard(Wildcard::Tags)),
            _ => Err(self.found(&next, &["field", "tag"])),
        }
    }

    /// A name and perhaps its type.
    fn var_ref(&mut self) -> Result<Expr, ParseError> {
        let name = self.segments()?.join(".");
        if !self.take_adjacent(Token::DoubleColon) {
            return Ok(Expr::VarRef(VarRef { name, data_type: None }));
        }
        let next = self.scan();
        let data_type = match next.token {
            Token::Word(Keyword::Field) => Some(DataType::AnyField),
            Token::Word(Keyword::Tag) => Some(DataType::Tag),
            Token::Identifier => {
                [DataType::Float, DataType::Integer, DataType::Unsigned, DataType::String, DataType::Boolean]
                    .into_iter()
                    .find(|data_type| next.text.eq_ignore_ascii_case(data_type.as_str()))
            }
            _ => return Err(self.found(&next, &["float", "integer", "string", "boolean", "field", "tag"])),
        };
        if data_type.is_none() {
            let types = ["float", "integer", "unsigned", "string", "boolean", "field", "tag"];
            return Err(self.found(&next, &types));
        }
        Ok(Expr::VarRef(VarRef { name, data_type }))
    }

    /// The arguments of a function, behind its parenthesis.
    fn call(&mut self, name: &str) -> Result<Expr, ParseError> {
        let name = name.to_lowercase();
        self.deeper(|parser| {
            let mut args = Vec::new();
            match parser.optional_regex()? {
                Some(pattern) => args.push(Expr::Regex(pattern)),
                None if parser.take(Token::RightParen) => return Ok(Expr::Call(Call { name, args })),
                None => args.push(parser.expr()?),
            }
            while parser.take(Token::Comma) {
                args.push(match parser.optional_regex()? {
                    Some(pattern) => Expr::Regex(pattern),
                    None => parser.expr()?,
                });
            }
            parser.expect(Token::RightParen)?;
            Ok(Expr::Call(Call { name, args }))
        })
    }
}

/// How tight an operator holds what is beside it.
fn precedence(op: BinaryOperator) -> u8 {
    use BinaryOperator as Op;
    match op {
        Op::Or => 1,
        Op::And => 2,
        Op::Equal
        | Op::NotEqual
        | Op::Matches
        | Op::MatchesNot
        | Op::Less
        | Op::LessOrEqual
        | Op::Greater
        | Op::GreaterOrEqual => 3,
        Op::Add | Op::Subtract | Op::BitOr | Op::BitXor => 4,
        Op::Multiply | Op::Divide | Op::Modulo | Op::BitAnd => 5,
    }
}

/// An expression and the operand that follows it. It goes down to the right only past operators that are looser, of which there
/// are five levels.
fn joined(expr: Expr, op: BinaryOperator, right: Expr) -> Expr {
    match expr {
        Expr::Binary(outer) if precedence(outer.op) < precedence(op) => {
            let Binary { op: outer, left, right: inner } = *outer;
            Expr::Binary(Box::new(Binary { op: outer, left, right: joined(inner, op, right) }))
        }
        left => Expr::Binary(Box::new(Binary { op, left, right })),
    }
}
