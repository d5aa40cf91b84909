//! Names, numbers and durations, which statements of all kinds have.

use super::super::ast::{Expr, Measurement, MeasurementName};
use super::super::display::Segments;
use super::super::error::ParseError;
use super::super::token::{Keyword, Token};
use super::{Parser, START};

impl Parser<'_> {
    pub(super) fn identifier(&mut self) -> Result<String, ParseError> {
        let next = self.next();
        match next.token {
            Token::Identifier => Ok(next.text.into_owned()),
            _ => Err(self.found(&next, &["identifier"])),
        }
    }

    pub(super) fn identifiers(&mut self) -> Result<Vec<String>, ParseError> {
        let mut all = vec![self.identifier()?];
        while self.take(Token::Comma) {
            all.push(self.identifier()?);
        }
        Ok(all)
    }

    pub(super) fn text(&mut self) -> Result<String, ParseError> {
        let next = self.next();
        match next.token {
            Token::Text => Ok(next.text.into_owned()),
            _ => Err(self.found(&next, &["string"])),
        }
    }

    /// `ON name`, when it is there.
    pub(super) fn optional_database(&mut self) -> Result<Option<String>, ParseError> {
        if self.take_word(Keyword::On) { self.identifier().map(Some) } else { Ok(None) }
    }

    /// `ON name`
    pub(super) fn on_database(&mut self) -> Result<String, ParseError> {
        self.expect_words(&[Keyword::On])?;
        self.identifier()
    }

    /// A whole number from 1 on.
    pub(super) fn replication(&mut self) -> Result<u32, ParseError> {
        let next = self.next();
        if next.token != Token::Integer {
            return Err(self.found(&next, &["integer"]));
        }
        let most = i64::from(i32::MAX);
        let number: i64 = next.text.parse().map_err(|_| self.out_of_range(&next, "Atoi"))?;
        let in_range = u32::try_from(number).ok().filter(|_| (1..=most).contains(&number));
        in_range.ok_or_else(|| self.wrong(&next, format!("invalid value {number}: must be 1 <= n <= {most}")))
    }

    /// A whole number.
    pub(super) fn id(&mut self) -> Result<u64, ParseError> {
        let next = self.next();
        if next.token != Token::Integer {
            return Err(self.found(&next, &["integer"]));
        }
        next.text.parse().map_err(|_| self.out_of_range(&next, "ParseUint"))
    }

    fn out_of_range(&self, found: &super::Scanned<'_>, function: &str) -> ParseError {
        self.wrong(found, format!("strconv.{function}: parsing \"{}\": value out of range", found.text))
    }

    /// `LIMIT 10` and the like; 0 when it is not there.
    pub(super) fn optional_count(&mut self, word: Keyword) -> Result<usize, ParseError> {
        if !self.take_word(word) {
            return Ok(0);
        }
        let next = self.next();
        if next.token != Token::Integer {
            return Err(self.found(&next, &["integer"]));
        }
        if next.text.starts_with('-') {
            return Err(self.wrong(&next, format!("{} must be >= 0", word.as_str())));
        }
        // As InfluxDB does: a number that is too large is the largest.
        Ok(next.text.parse().ok().and_then(|count: i64| usize::try_from(count).ok()).unwrap_or(i64::MAX as usize))
    }

    /// A duration in nanoseconds; `INF` is 0.
    pub(super) fn duration_or_inf(&mut self) -> Result<i64, ParseError> {
        if self.take_word(Keyword::Inf) { Ok(0) } else { self.duration() }
    }

    /// A duration in nanoseconds.
    pub(super) fn duration(&mut self) -> Result<i64, ParseError> {
        let next = self.next();
        match next.token {
            Token::Duration => nanoseconds(&next.text).map_err(|message| self.wrong(&next, message)),
            _ => Err(self.found(&next, &["duration"])),
        }
    }

    /// `SHARD DURATION …`, behind `SHARD`.
    pub(super) fn shard_duration(&mut self) -> Result<i64, ParseError> {
        self.expect_words(&[Keyword::Duration])?;
        let next = self.look();
        if next.token == Token::Word(Keyword::Inf) {
            return Err(self.wrong(&next, "invalid duration INF for shard duration"));
        }
        self.duration()
    }

    /// A regular expression, when one begins here.
    pub(super) fn optional_regex(&mut self) -> Result<Option<String>, ParseError> {
        let before = self.lexer.offset();
        let begins = match self.lexer.peek_behind_space() {
            Some('/') => {
                let slash = self.lexer.offset();
                let is_comment = self.scan().token == Token::Comment;
                self.lexer.go_back(slash);
                !is_comment
            }
            Some('$') => {
                let next = self.scan();
                if next.token == Token::Regex {
                    let pattern = next.text.into_owned();
                    return self.checked_regex(pattern, next.start).map(Some);
                }
                false
            }
            _ => false,
        };
        if !begins {
            self.lexer.go_back(before);
            return Ok(None);
        }
        let start = self.lexer.offset();
        match self.lexer.regex() {
            Some(pattern) => self.checked_regex(pattern, start.saturating_sub(1)).map(Some),
            None => Err(ParseError::at(self.lexer.position(start.saturating_sub(1)), "bad regex: ")),
        }
    }

    pub(super) fn checked_regex(&self, pattern: String, start: usize) -> Result<String, ParseError> {
        match regex::Regex::new(&pattern) {
            Ok(_) => Ok(pattern),
            Err(_) => Err(ParseError::at(self.lexer.position(start), format!("error parsing regexp: `{pattern}`"))),
        }
    }

    /// `a`, `a.b` or `a.b.c`; a part in between may be empty. A regular expression or a colon may follow the last dot.
    pub(super) fn segments(&mut self) -> Result<Vec<String>, ParseError> {
        let mut segments = vec![self.identifier()?];
        while self.take_adjacent(Token::Dot) {
            match self.lexer.peek() {
                Some('/' | ':') => break,
                Some('.') => segments.push(String::new()),
                _ => segments.push(self.identifier()?),
            }
        }
        if segments.len() > 3 {
            return Err(ParseError::at(START, format!("too many segments in {}", Segments(&segments))));
        }
        Ok(segments)
    }

    /// A measurement, a regular expression, or one of these with its retention policy and database.
    pub(super) fn measurement(&mut self) -> Result<Measurement, ParseError> {
        if let Some(pattern) = self.optional_regex()? {
            return Ok(Measurement { database: None, retention_policy: None, name: MeasurementName::Regex(pattern) });
        }
        let mut segments = self.segments()?;
        let regex = if segments.len() < 3 { self.adjacent_regex()? } else { None };
        let name = match regex {
            Some(pattern) => MeasurementName::Regex(pattern),
            None => MeasurementName::Name(segments.pop().unwrap_or_default()),
        };
        Ok(in_policy(segments, name))
    }

    fn adjacent_regex(&mut self) -> Result<Option<String>, ParseError> {
        if self.lexer.peek() == Some('/') { self.optional_regex() } else { Ok(None) }
    }

    /// `FROM` without sub-queries, when it is there; empty otherwise.
    pub(super) fn optional_measurements(&mut self) -> Result<Vec<Measurement>, ParseError> {
        let mut all = Vec::new();
        if self.take_word(Keyword::From) {
            all.push(self.measurement()?);
            while self.take(Token::Comma) {
                all.push(self.measurement()?);
            }
        }
        Ok(all)
    }

    /// `WHERE`, when it is there.
    pub(super) fn optional_condition(&mut self) -> Result<Option<Expr>, ParseError> {
        if self.take_word(Keyword::Where) { self.expr().map(Some) } else { Ok(None) }
    }
}

/// A name behind its database and retention policy, or behind the latter only.
pub(super) fn in_policy(mut segments: Vec<String>, name: MeasurementName) -> Measurement {
    let retention_policy = segments.pop().filter(|segment| !segment.is_empty());
    let database = segments.pop().filter(|segment| !segment.is_empty());
    Measurement { database, retention_policy, name }
}

/// What a duration such as `1h30m` means, in nanoseconds.
pub(super) fn nanoseconds(text: &str) -> Result<i64, String> {
    let invalid = || "invalid duration".to_owned();
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let (digits, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?);
        let count: i64 = digits.parse().map_err(|_| invalid())?;
        let units =
            [("ns", 1), ("ms", 1_000_000), ("u", 1_000), ("µ", 1_000), ("s", 1_000_000_000), ("m", 60_000_000_000)];
        let longer = [("h", 3_600_000_000_000), ("d", 86_400_000_000_000), ("w", 604_800_000_000_000)];
        let unit = units
            .into_iter()
            .chain(longer)
            .find_map(|(unit, length)| behind.strip_prefix(unit).map(|behind| (unit, length, behind)));
        let (unit, length, behind) = unit.ok_or_else(invalid)?;
        total = count
            .checked_mul(length)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| format!("overflowed duration {count}{unit}: choose a smaller duration or INF"))?;
        rest = behind;
    }
    Ok(if is_negative { -total } else { total })
}
