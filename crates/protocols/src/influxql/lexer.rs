//! A text as tokens, one at a time and from any place, because whether `/` begins a regular expression only the parser knows.
//!
//! The places that errors tell are those of InfluxDB, which counts a little differently at the end of a text and at texts in
//! quotes.

use std::borrow::Cow;

use super::ast::BinaryOperator;
use super::error::Position;
use super::token::Token;

/// A token, what it says and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Scanned<'a> {
    pub(super) token: Token,
    /// What it says: of a name, a number, a text or a regular expression.
    pub(super) text: Cow<'a, str>,
    /// The byte that it begins at.
    pub(super) start: usize,
}

impl Scanned<'_> {
    /// How an error calls it.
    pub(super) fn shown(&self) -> &str {
        if self.text.is_empty() { self.token.as_str() } else { &self.text }
    }
}

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    offset: usize,
    /// Whether something has looked beyond the end, which makes InfluxDB count one character more there.
    is_past_end: bool,
}

impl<'a> Lexer<'a> {
    /// The text has no carriage returns.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, offset: 0, is_past_end: false }
    }

    /// The byte that the next token begins at.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Goes back to a byte that a token began or ended at.
    pub(super) fn go_back(&mut self, offset: usize) {
        debug_assert!(offset <= self.offset && self.text.is_char_boundary(offset));
        self.offset = offset;
    }

    /// Where a byte is, for people.
    pub(super) fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or("");
        let beyond = usize::from(self.is_past_end && offset >= self.text.len());
        Position { line: before.matches('\n').count() + 1, char: line.chars().count() + 1 + beyond }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or("")
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.offset += next.len_utf8();
        Some(next)
    }

    fn bump_if(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.offset += wanted.len_utf8();
        }
        is_next
    }

    fn bump_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = rest.find(|c| !belongs(c)).and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.offset += taken.len();
        taken
    }

    /// As [`Self::bump_while`], for what InfluxDB reads one character too far.
    fn bump_beyond(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let taken = self.bump_while(belongs);
        self.is_past_end |= self.rest().is_empty();
        taken
    }

    /// Skips blanks and looks what follows them.
    pub(super) fn peek_behind_space(&mut self) -> Option<char> {
        self.bump_while(is_space);
        let next = self.peek();
        self.is_past_end |= next.is_none();
        next
    }

    /// The next token.
    pub(super) fn scan(&mut self) -> Scanned<'a> {
        let start = self.offset;
        let Some(first) = self.peek() else { return scanned(Token::End, start) };
        match first {
            _ if is_space(first) => {
                let text = self.bump_beyond(is_space);
                Scanned { token: Token::Space, text: Cow::Borrowed(text), start }
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let word = self.bump_beyond(is_word);
                let token = Token::of_word(word);
                let text = if token == Token::Identifier { word } else { "" };
                Scanned { token, text: Cow::Borrowed(text), start }
            }
            '"' => self.quoted('"', Token::Identifier),
            '\'' => self.quoted('\'', Token::Text),
            '0'..='9' => self.number(),
            '.' if self.rest().chars().nth(1).is_some_and(|c| c.is_ascii_digit()) => self.number(),
            '$' => self.parameter(),
            _ => self.symbol(),
        }
    }

    fn symbol(&mut self) -> Scanned<'a> {
        let start = self.offset;
        let first = self.bump().unwrap_or_default();
        let operator = Token::Operator;
        let token = match first {
            '-' if self.bump_if('-') => {
                self.bump_beyond(|c| c != '\n');
                Token::Comment
            }
            '/' if self.bump_if('*') => match self.rest().find("*/") {
                Some(length) => {
                    self.offset += length + "*/".len();
                    Token::Comment
                }
                None => {
                    self.offset = self.text.len();
                    Token::Illegal
                }
            },
            '+' => operator(BinaryOperator::Add),
            '-' => operator(BinaryOperator::Subtract),
            '*' => operator(BinaryOperator::Multiply),
            '/' => operator(BinaryOperator::Divide),
            '%' => operator(BinaryOperator::Modulo),
            '&' => operator(BinaryOperator::BitAnd),
            '|' => operator(BinaryOperator::BitOr),
            '^' => operator(BinaryOperator::BitXor),
            '=' if self.bump_if('~') => operator(BinaryOperator::Matches),
            '=' => operator(BinaryOperator::Equal),
            '!' if self.bump_if('=') => operator(BinaryOperator::NotEqual),
            '!' if self.bump_if('~') => operator(BinaryOperator::MatchesNot),
            '>' if self.bump_if('=') => operator(BinaryOperator::GreaterOrEqual),
            '>' => operator(BinaryOperator::Greater),
            '<' if self.bump_if('=') => operator(BinaryOperator::LessOrEqual),
            '<' if self.bump_if('>') => operator(BinaryOperator::NotEqual),
            '<' => operator(BinaryOperator::Less),
            '(' => Token::LeftParen,
            ')' => Token::RightParen,
            ',' => Token::Comma,
            ';' => Token::Semicolon,
            ':' if self.bump_if(':') => Token::DoubleColon,
            ':' => Token::Colon,
            '.' => Token::Dot,
            _ => return Scanned { token: Token::Illegal, text: Cow::Owned(first.to_string()), start },
        };
        scanned(token, start)
    }

    /// `15`, `1.5`, `.5` or `1h30m`.
    fn number(&mut self) -> Scanned<'a> {
        let start = self.offset;
        self.bump_while(|c| c.is_ascii_digit());
        let mut end = self.offset;
        let token = if self.bump_if('.') {
            if !self.bump_while(|c| c.is_ascii_digit()).is_empty() {
                end = self.offset;
            }
            Token::Number
        } else if self.peek().is_some_and(|c| c.is_ascii_alphabetic() || c == 'µ') {
            self.bump_while(|c| c.is_ascii_alphanumeric() || c == 'µ');
            end = self.offset;
            Token::Duration
        } else {
            Token::Integer
        };
        Scanned { token, text: Cow::Borrowed(self.text.get(start..end).unwrap_or("")), start }
    }

    /// `$name` or `$"name"`; the text is the name.
    fn parameter(&mut self) -> Scanned<'a> {
        let start = self.offset;
        self.bump();
        if self.peek() == Some('"') {
            let name = self.quoted('"', Token::Parameter);
            return Scanned { start: if name.token == Token::Parameter { start } else { name.start }, ..name };
        }
        let name = self.bump_beyond(is_word);
        Scanned { token: Token::Parameter, text: Cow::Borrowed(name), start }
    }

    fn quoted(&mut self, quote: char, token: Token) -> Scanned<'a> {
        let at = self.offset;
        // InfluxDB tells the character before a text, and that of a name.
        let before = self.text.get(..at).and_then(|text| text.char_indices().next_back()).map_or(0, |(start, _)| start);
        let start = if token == Token::Text { before } else { at };
        self.bump();
        let mut text = String::new();
        loop {
            let escaped = self.offset;
            match self.bump() {
                Some(c) if c == quote => return Scanned { token, text: Cow::Owned(text), start },
                None | Some('\n') => {
                    return Scanned { token: Token::BadText, text: Cow::Owned(text), start: before };
                }
                Some('\\') => match self.bump() {
                    Some('n') => text.push('\n'),
                    Some(c @ ('\\' | '"' | '\'')) => text.push(c),
                    other => {
                        let text = format!("\\{}", other.map(String::from).unwrap_or_default());
                        return Scanned { token: Token::BadEscape, text: Cow::Owned(text), start: escaped + 1 };
                    }
                },
                Some(c) => text.push(c),
            }
        }
    }

    /// The regular expression that begins here; `None` when it has no end on its line.
    pub(super) fn regex(&mut self) -> Option<String> {
        self.bump();
        let mut pattern = String::new();
        loop {
            match self.bump()? {
                '/' => return Some(pattern),
                '\n' => return None,
                '\\' if self.bump_if('/') => pattern.push('/'),
                c => pattern.push(c),
            }
        }
    }
}

fn scanned(token: Token, start: usize) -> Scanned<'static> {
    Scanned { token, text: Cow::Borrowed(""), start }
}

/// Whether a character separates tokens.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
