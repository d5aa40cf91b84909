//! Cuts a body into readings and goes on after a bad one.

use memchr::{memchr, memchr_iter, memchr2};
use sensorium_model::{BatchBuilder, Point};

use super::error::{LineError, Problem};
use super::parse::reading;
use super::{Options, Part};
use crate::refusals::Refusals;

pub(super) struct Lines<'b> {
    body: &'b [u8],
    options: Options,
    /// Where the next line starts, and its number from 1.
    at: usize,
    line: u32,
    /// The valid text around `at`, and where it starts in the body.
    text: &'b str,
    text_start: usize,
    /// The first `"` or `\` at or behind `at`, or the body's length.
    next_special: usize,
}

impl<'b> Lines<'b> {
    pub(super) fn new(body: &'b [u8], options: Options, line: u32) -> Self {
        let mut lines = Self { body, options, at: 0, line, text: "", text_start: 0, next_special: 0 };
        lines.find_text();
        lines.find_special();
        lines
    }

    /// Reads to the end; unless the body is the `last` part, a text value that is still open there is left unread.
    pub(super) fn run(mut self, builder: &mut BatchBuilder<'_>, refusals: &mut Refusals, last: bool) -> Part {
        let max_columns = builder.limits().columns_per_table;
        // Lines are about as long as the first.
        builder.expect(self.body.len() / (self.line_end(0) + 1));
        let mut point = Point::default();
        let mut seen = 0;
        while self.at < self.body.len() {
            if self.at > self.text_end() {
                self.find_text();
            }
            if self.next_special < self.at {
                self.find_special();
            }
            let end = self.line_end(self.at);
            if self.is_blank(end) {
                self.advance_to(end);
                continue;
            }
            seen += 1;
            let (line, start) = (self.line, self.at);
            let outcome = self.read(end, max_columns, &mut point);
            match outcome {
                Ok(end) => {
                    self.advance_to(end);
                    if let Err(error) = builder.push(&point, line) {
                        refusals.push(line, error, self.bytes(start, end));
                    }
                }
                Err(LineError { problem: Problem::Unterminated, .. }) if !last => {
                    seen -= 1;
                    break;
                }
                Err(error) => {
                    let mistake = start + error.offset;
                    let resume = match error.problem {
                        Problem::Encoding => self.after_broken_text(start, mistake),
                        _ => self.line_end(mistake),
                    };
                    if refusals.is_full() {
                        refusals.count(error.kind());
                    } else {
                        let reason = error.describe(self.bytes(start, mistake));
                        refusals.push(line, reason, self.bytes(start, resume));
                    }
                    self.advance_to(resume);
                }
            }
        }
        Part { consumed: self.at.min(self.body.len()), next_line: self.line, seen }
    }

    /// Whether each line that is neither blank nor a comment is a reading, and there is one.
    pub(super) fn are_readings(mut self) -> bool {
        let mut point = Point::default();
        let mut seen = false;
        while self.at < self.body.len() {
            if self.at > self.text_end() {
                self.find_text();
            }
            if self.next_special < self.at {
                self.find_special();
            }
            let mut end = self.line_end(self.at);
            if !self.is_blank(end) {
                let Ok(read) = self.read(end, usize::MAX, &mut point) else { return false };
                (seen, end) = (true, read);
            }
            self.advance_to(end);
        }
        seen
    }

    /// Reads the line at `at` that ends at `end` (or further, if a text value spans lines).
    fn read(&self, end: usize, max_columns: usize, point: &mut Point<'b>) -> Result<usize, LineError> {
        let text_end = self.text_end();
        let offset = |absolute: usize| absolute - self.at;
        if text_end < end {
            return Err(LineError::at(offset(text_end), Problem::Encoding));
        }
        // Leading blanks belong to the line, so that columns count from its start.
        let (line, blanks) = trim_start(self.slice(self.at, if self.next_special >= end { end } else { text_end }));
        let parsed = if self.next_special >= end {
            let line = line.strip_suffix('\r').unwrap_or(line);
            reading::<false>(line, &self.options, max_columns, point).map(|_| offset(end) - blanks)
        } else {
            reading::<true>(line, &self.options, max_columns, point)
        };
        match parsed {
            Ok(length) => Ok(self.at + blanks + length),
            Err(error) if error.problem == Problem::Unterminated && text_end < self.body.len() => {
                Err(LineError::at(offset(text_end), Problem::Encoding))
            }
            Err(error) => Err(LineError::at(blanks + error.offset, error.problem)),
        }
    }

    /// Where to go on behind bytes that are not UTF-8: if they stand inside of a text value, behind the line on which
    /// it is closed.
    fn after_broken_text(&self, start: usize, broken: usize) -> usize {
        let first_line_end = self.line_end(start);
        if broken < first_line_end {
            return first_line_end;
        }
        let mut at = broken;
        while let Some(found) = memchr2(b'"', b'\\', self.body.get(at..).unwrap_or_default()) {
            if self.body.get(at + found) == Some(&b'"') {
                return self.line_end(at + found);
            }
            at += found + 2;
        }
        self.line_end(broken)
    }

    /// Moves behind the line break at `end`.
    fn advance_to(&mut self, end: usize) {
        let passed = self.body.get(self.at..end.min(self.body.len())).unwrap_or_default();
        // Only readings with a text that spans lines, and mistakes behind such a text, pass line breaks.
        let breaks = if self.next_special < end { memchr_iter(b'\n', passed).count() } else { 0 };
        let breaks = u32::try_from(breaks).unwrap_or(u32::MAX);
        self.line = self.line.saturating_add(breaks).saturating_add(1);
        self.at = end + 1;
        if self.body.get(end) == Some(&b'\r') {
            // The reading ended before the carriage return of its line break.
            self.at += 1;
        }
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.body.get(from..).unwrap_or_default();
        memchr(b'\n', rest).map_or(self.body.len(), |length| from + length)
    }

    /// Whether the line holds nothing but blanks or a comment.
    fn is_blank(&self, end: usize) -> bool {
        let line = self.body.get(self.at..end).unwrap_or_default();
        let first = line.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        matches!(first, None | Some(b'#'))
    }

    fn bytes(&self, start: usize, end: usize) -> &'b [u8] {
        self.body.get(start..end).unwrap_or_default()
    }

    fn text_end(&self) -> usize {
        self.text_start + self.text.len()
    }

    fn slice(&self, start: usize, end: usize) -> &'b str {
        let relative = |absolute: usize| absolute.saturating_sub(self.text_start);
        self.text.get(relative(start)..relative(end)).unwrap_or_default()
    }

    /// Finds the valid text that starts at `at`.
    fn find_text(&mut self) {
        let rest = self.body.get(self.at..).unwrap_or_default();
        self.text_start = self.at;
        self.text = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => {
                let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
                std::str::from_utf8(valid).unwrap_or_default()
            }
        };
    }

    fn find_special(&mut self) {
        let rest = self.body.get(self.at..).unwrap_or_default();
        self.next_special = memchr2(b'"', b'\\', rest).map_or(self.body.len(), |length| self.at + length);
    }
}

/// The line without the blanks at its start, and how many bytes they are.
fn trim_start(line: &str) -> (&str, usize) {
    let trimmed = line.trim_start_matches([' ', '\t']);
    (trimmed, line.len() - trimmed.len())
}
