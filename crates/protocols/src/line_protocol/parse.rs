//! One reading: from its text to a point.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};
use sensorium_model::{Point, Value};

use super::error::{LineError, Problem, shown};
use super::value::{Number, bare_value, short_number, time};
use super::{Options, error};

/// Reads the reading at the start of `text` into `point`, whose vectors are reused. Returns where it ends: at a line
/// break or at the end of the text.
///
/// With `ESCAPES` the text may go on beyond the reading, because only reading it shows which line breaks are inside of a
/// text value; without, it is exactly one line that holds neither `"` nor `\`.
pub(super) fn reading<'b, const ESCAPES: bool>(
    text: &'b str,
    options: &Options,
    max_columns: usize,
    point: &mut Point<'b>,
) -> Result<usize, LineError> {
    let mut cursor = Cursor::<ESCAPES> { text, at: 0 };
    point.table = cursor.table();
    if point.table.is_empty() {
        return Err(LineError::at(0, Problem::TableMissing));
    }
    let mut tags = 0;
    while cursor.eat(b',') {
        if tags >= max_columns {
            return Err(LineError::at(cursor.at, Problem::TooManyColumns(max_columns)));
        }
        cursor.tag(place(&mut point.tags, tags, || (Cow::Borrowed(""), Cow::Borrowed(""))))?;
        tags += 1;
    }
    point.tags.truncate(tags);
    if !cursor.skip_spaces() || cursor.at_end() {
        return Err(LineError::at(cursor.at, Problem::FieldsMissing));
    }
    let mut fields = 0;
    loop {
        if tags + fields >= max_columns {
            return Err(LineError::at(cursor.at, Problem::TooManyColumns(max_columns)));
        }
        cursor.field(place(&mut point.fields, fields, || (Cow::Borrowed(""), Value::Bool(false))))?;
        fields += 1;
        if !cursor.eat(b',') {
            break;
        }
    }
    point.fields.truncate(fields);
    point.time_ns = cursor.time(options)?;
    Ok(cursor.at)
}

/// The place of a column, which the reading before has left or is made now. To write into it is several times faster than
/// to hand over what it holds.
fn place<T>(columns: &mut Vec<T>, position: usize, empty: impl Fn() -> T) -> Option<&mut T> {
    if position == columns.len() {
        columns.push(empty());
    }
    columns.get_mut(position)
}

/// Which bytes end a token.
#[derive(Clone, Copy)]
enum Stop {
    /// A table name: comma and space.
    Table,
    /// A tag or field name: also the equals sign.
    Name,
    /// A tag value: comma, space and, so that a mistake is found where it stands, the equals sign.
    TagValue,
}

struct Cursor<'b, const ESCAPES: bool> {
    text: &'b str,
    at: usize,
}

impl<'b, const ESCAPES: bool> Cursor<'b, ESCAPES> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Whether the reading ends here.
    fn at_end(&self) -> bool {
        match self.peek() {
            None => true,
            Some(b'\n') => ESCAPES,
            Some(b'\r') => ESCAPES && matches!(self.text.as_bytes().get(self.at + 1), None | Some(b'\n')),
            Some(_) => false,
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Skips spaces; whether there were any.
    fn skip_spaces(&mut self) -> bool {
        let start = self.at;
        while self.eat(b' ') {}
        self.at > start
    }

    fn slice(&self, start: usize, end: usize) -> &'b str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn token(&mut self, stop: Stop) -> Cow<'b, str> {
        let start = self.at;
        if !ESCAPES {
            let rest = self.text.as_bytes().get(start..).unwrap_or_default();
            self.at = start + length(rest, stop);
            return Cow::Borrowed(self.slice(start, self.at));
        }
        let mut escaped = false;
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b' ' | b'\n' => break,
                b'=' if !matches!(stop, Stop::Table) => break,
                b'\r' if self.at_end() => break,
                b'\\' if !matches!(self.text.as_bytes().get(self.at + 1), None | Some(b'\n' | b'\r')) => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        let token = self.slice(start, self.at);
        if escaped { Cow::Owned(unescape(token, stop)) } else { Cow::Borrowed(token) }
    }

    /// Reads the table name. Only here, `\#` at the start is a `#`, which else makes the line a comment.
    fn table(&mut self) -> Cow<'b, str> {
        let hash = ESCAPES && self.text.starts_with("\\#");
        self.at += usize::from(hash);
        self.token(Stop::Table)
    }

    /// Reads a tag into its place.
    fn tag(&mut self, place: Option<&mut (Cow<'b, str>, Cow<'b, str>)>) -> Result<(), LineError> {
        let start = self.at;
        let name = self.token(Stop::Name);
        if name.is_empty() {
            return Err(LineError::at(start, Problem::TagNameMissing));
        }
        let value = if self.eat(b'=') { self.token(Stop::TagValue) } else { Cow::Borrowed("") };
        if value.is_empty() || self.peek() == Some(b'=') {
            return Err(LineError::at(self.at, Problem::TagValueMissing(shown(&name))));
        }
        if let Some(tag) = place {
            tag.0 = name;
            tag.1 = value;
        }
        Ok(())
    }

    /// Reads a field into its place.
    fn field(&mut self, place: Option<&mut (Cow<'b, str>, Value<'b>)>) -> Result<(), LineError> {
        let start = self.at;
        let name = self.token(Stop::Name);
        if name.is_empty() {
            return Err(LineError::at(start, Problem::FieldNameMissing));
        }
        if !self.eat(b'=') || self.at_end() || matches!(self.peek(), Some(b',' | b' ')) {
            return Err(LineError::at(self.at, Problem::FieldValueMissing(shown(&name))));
        }
        let Some(field) = place else { return Ok(()) };
        field.0 = name;
        match self.short_number() {
            Some(Number::F64(number)) => field.1 = Value::F64(number),
            Some(Number::I64(number)) => field.1 = Value::I64(number),
            None => field.1 = self.long_value()?,
        }
        Ok(())
    }

    fn long_value(&mut self) -> Result<Value<'b>, LineError> {
        if self.peek() == Some(b'"') { self.quoted() } else { self.bare() }
    }

    /// Reads a number of few digits, if one stands here.
    fn short_number(&mut self) -> Option<Number> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let (number, length) = short_number(rest)?;
        let ends = matches!(rest.get(length), None | Some(b',' | b' '));
        self.at += if ends { length } else { 0 };
        ends.then_some(number)
    }

    fn bare(&mut self) -> Result<Value<'b>, LineError> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let length = match ESCAPES {
            false => memchr2(b',', b' ', rest).unwrap_or(rest.len()),
            true => {
                let length = memchr3(b',', b' ', b'\n', rest).unwrap_or(rest.len());
                let broken = rest.get(length).is_none_or(|byte| *byte == b'\n');
                let carriage = broken && rest.get(..length).is_some_and(|token| token.ends_with(b"\r"));
                length - usize::from(carriage)
            }
        };
        self.at = start + length;
        bare_value(self.slice(start, self.at)).map_err(|problem| LineError::at(start, problem))
    }

    /// Reads a text value; the cursor stands on its opening quote.
    fn quoted(&mut self) -> Result<Value<'b>, LineError> {
        let open = self.at;
        let start = open + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            let rest = self.text.as_bytes().get(at..).unwrap_or_default();
            let Some(found) = memchr2(b'"', b'\\', rest) else {
                return Err(LineError::at(open, Problem::Unterminated));
            };
            if rest.get(found) == Some(&b'"') {
                at += found;
                break;
            }
            // A backslash escapes a quote and a backslash; before anything else it stands for itself.
            let escapes = matches!(rest.get(found + 1), Some(b'"' | b'\\'));
            escaped |= escapes;
            at += found + 1 + usize::from(escapes);
        }
        let text = self.slice(start, at);
        self.at = at + 1;
        if !(self.at_end() || matches!(self.peek(), Some(b',' | b' '))) {
            let next = self.slice(self.at, self.text.len()).chars().next().unwrap_or_default();
            return Err(LineError::at(self.at, Problem::AfterText(next)));
        }
        Ok(Value::Text(if escaped { Cow::Owned(unescape_text(text)) } else { Cow::Borrowed(text) }))
    }

    /// Reads the time, if there is one, and whatever blanks follow.
    fn time(&mut self, options: &Options) -> Result<i64, LineError> {
        self.skip_spaces();
        if self.at_end() {
            return Ok(options.now_ns);
        }
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let length = if ESCAPES { memchr3(b' ', b'\n', b'\r', rest) } else { memchr(b' ', rest) };
        self.at = length.map_or(self.text.len(), |length| start + length);
        let token = self.slice(start, self.at);
        let time_ns = time(token, options.precision).map_err(|problem| LineError::at(start, problem))?;
        self.skip_spaces();
        if !self.at_end() {
            let rest = self.slice(self.at, self.text.len());
            let line = rest.lines().next().unwrap_or_default();
            return Err(LineError::at(self.at, Problem::AfterTime(error::shown(line))));
        }
        Ok(time_ns)
    }
}

/// How long the token is that bytes without escapes begin with.
///
/// Tokens are short: to look at eight bytes at once takes less than a call to search for one of several bytes.
fn length(bytes: &[u8], stop: Stop) -> usize {
    let others = match stop {
        Stop::Table => everywhere(b','),
        Stop::Name | Stop::TagValue => everywhere(b'='),
    };
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*word);
        let ends = zeros(word ^ everywhere(b',')) | zeros(word ^ everywhere(b' ')) | zeros(word ^ others);
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_end = |byte: &u8| matches!(byte, b',' | b' ') || (*byte == b'=' && !matches!(stop, Stop::Table));
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(is_end).unwrap_or(rest.len())
}

/// A word whose bytes are all this one.
const fn everywhere(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of the lowest byte that is zero, and nothing below it.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(everywhere(0x01)) & !word & everywhere(0x80)
}

fn unescape(token: &str, stop: Stop) -> String {
    unescape_with(token, |c| matches!(c, ',' | ' ' | '\\') || (c == '=' && !matches!(stop, Stop::Table)))
}

fn unescape_text(text: &str) -> String {
    unescape_with(text, |c| matches!(c, '"' | '\\'))
}

fn unescape_with(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some(next) if special(next) => out.push(next),
            Some(next) => out.extend(['\\', next]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_ends_at_the_first_byte_that_ends_it(text in "[a,= \u{ac}\u{bd}\u{20ac}]{0,40}") {
            for (stop, ends) in [(Stop::Table, ", "), (Stop::Name, ",= "), (Stop::TagValue, ",= ")] {
                let first = text.find(|character| ends.contains(character)).unwrap_or(text.len());
                prop_assert_eq!(length(text.as_bytes(), stop), first);
            }
        }
    }
}
