//! Statements out of tokens, by descent.
//!
//! What is expected, and in which order errors name it, is InfluxDB's.

mod changes;
mod expr;
mod parameters;
mod parts;
mod select;
mod shows;
mod statement;
#[cfg(test)]
mod tests;

use super::ast::Statement;
use super::error::{ParseError, Position};
use super::lexer::{Lexer, Scanned};
use super::token::{Keyword, Token};

pub use parameters::{Parameter, Parameters};

/// The longest text, in bytes.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// The most statements of one text.
pub const MAX_STATEMENTS: usize = 1_000;
/// How deep parentheses, calls and sub-queries may be nested.
pub const MAX_DEPTH: usize = 100;
/// The most operators of one expression.
pub const MAX_OPERATORS: usize = 1_000;

/// Reads statements, which are separated by `;`.
pub fn parse(text: &str) -> Result<Vec<Statement>, ParseError> {
    parse_with(text, &Parameters::new())
}

/// Reads statements in which `$name` stands for a value.
pub fn parse_with(text: &str, parameters: &Parameters) -> Result<Vec<Statement>, ParseError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ParseError::new(format!("the statements are longer than {MAX_TEXT_BYTES} bytes")));
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut parser = Parser { lexer: Lexer::new(&text), parameters, depth: 0, open_exprs: 0, operators: 0 };
    parser.statements()
}

/// Where the reading stands.
struct Parser<'a> {
    lexer: Lexer<'a>,
    parameters: &'a Parameters,
    /// The levels of nesting that are open.
    depth: usize,
    /// The expressions that are open, one in another.
    open_exprs: usize,
    /// The operators of the outermost of them.
    operators: usize,
}

impl<'a> Parser<'a> {
    fn statements(&mut self) -> Result<Vec<Statement>, ParseError> {
        let mut statements = Vec::new();
        let mut is_separated = true;
        loop {
            let before = self.lexer.offset();
            let next = self.next();
            match next.token {
                Token::End => return Ok(statements),
                Token::Semicolon => is_separated = true,
                _ if !is_separated => return Err(self.found(&next, &[";"])),
                _ if statements.len() >= MAX_STATEMENTS => {
                    let message =
                        format!("there are more than {MAX_STATEMENTS} statements; send them one after another");
                    return Err(self.wrong(&next, message));
                }
                _ => {
                    self.lexer.go_back(before);
                    statements.push(self.statement()?);
                    is_separated = false;
                }
            }
        }
    }

    /// The next token, whatever it is; a parameter is what it stands for.
    fn scan(&mut self) -> Scanned<'a> {
        let scanned = self.lexer.scan();
        match self.parameters.get(&*scanned.text) {
            Some(value) if scanned.token == Token::Parameter => value.scanned(scanned),
            _ => scanned,
        }
    }

    /// The next token that is neither space nor comment.
    fn next(&mut self) -> Scanned<'a> {
        loop {
            let scanned = self.scan();
            if !matches!(scanned.token, Token::Space | Token::Comment) {
                return scanned;
            }
        }
    }

    /// The next token, which stays the next.
    fn look(&mut self) -> Scanned<'a> {
        let before = self.lexer.offset();
        let next = self.next();
        self.lexer.go_back(before);
        next
    }

    /// Takes the next token when it is this one.
    fn take(&mut self, token: Token) -> bool {
        let before = self.lexer.offset();
        let is_next = self.next().token == token;
        if !is_next {
            self.lexer.go_back(before);
        }
        is_next
    }

    /// As [`Self::take`], when nothing stands before it.
    fn take_adjacent(&mut self, token: Token) -> bool {
        let before = self.lexer.offset();
        let is_next = self.scan().token == token;
        if !is_next {
            self.lexer.go_back(before);
        }
        is_next
    }

    fn take_word(&mut self, word: Keyword) -> bool {
        self.take(Token::Word(word))
    }

    fn expect(&mut self, token: Token) -> Result<(), ParseError> {
        let next = self.next();
        if next.token == token { Ok(()) } else { Err(self.found(&next, &[token.as_str()])) }
    }

    fn expect_words(&mut self, words: &[Keyword]) -> Result<(), ParseError> {
        words.iter().try_for_each(|word| self.expect(Token::Word(*word)))
    }

    /// Something else was expected.
    fn found(&self, found: &Scanned<'_>, expected: &[&str]) -> ParseError {
        self.wrong(found, format!("found {}, expected {}", found.shown(), expected.join(", ")))
    }

    /// A token has no meaning here.
    fn wrong(&self, found: &Scanned<'_>, message: impl Into<String>) -> ParseError {
        ParseError::at(self.lexer.position(found.start), message)
    }

    /// Reads something that lies one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth >= MAX_DEPTH {
            let message = format!("the statement is nested more than {MAX_DEPTH} levels deep");
            return Err(ParseError::at(self.lexer.position(self.lexer.offset()), message));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }
}

/// Where errors are that InfluxDB does not place.
const START: Position = Position { line: 1, char: 1 };
