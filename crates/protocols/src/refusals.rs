//! Rows that a decoder refused: all are counted, the first ones are described.

use sensorium_model::{ErrorKind, Rejection, RowError};

/// How much of a refused row is kept, in characters.
pub const SAMPLE_CHARACTERS: usize = 200;

/// A refused row.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Line or item of the request, from 1.
    pub line: u32,
    /// Why.
    pub error: RowError,
    /// The start of the row as it was sent; empty when it is not known any more.
    pub sample: String,
}

/// Collects refused rows of one request or file in bounded memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusals {
    first: Vec<Refused>,
    kept: usize,
    total: u64,
    by_kind: Vec<(ErrorKind, u64)>,
}

impl Refusals {
    /// Describes the first `kept` refused rows and counts the others.
    pub fn keep(kept: usize) -> Self {
        Self { first: Vec::new(), kept, total: 0, by_kind: Vec::new() }
    }

    /// Adds a refused row; `row` is what was sent, of which the start is kept.
    pub fn push(&mut self, line: u32, error: RowError, row: &[u8]) {
        self.count(error.kind());
        if !self.is_full() {
            self.first.push(Refused { line, error, sample: sample(row) });
        }
    }

    /// Whether further rows are only counted, so that describing them is wasted work.
    pub fn is_full(&self) -> bool {
        self.first.len() >= self.kept
    }

    /// Counts a refused row that nobody will read about.
    pub fn count(&mut self, kind: ErrorKind) {
        self.total += 1;
        match self.by_kind.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.by_kind.push((kind, 1)),
        }
    }

    /// Adds a row that the store refused after it was decoded.
    pub fn add(&mut self, rejection: Rejection) {
        self.push(rejection.line, rejection.error, &[]);
    }

    /// The number of refused rows.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The refused rows that are described, in the order in which they were refused.
    pub fn first(&self) -> &[Refused] {
        &self.first
    }

    /// How many rows were refused for each kind of reason.
    pub fn by_kind(&self) -> &[(ErrorKind, u64)] {
        &self.by_kind
    }

    /// Says of each described row where it stood, for formats whose rows have numbers that nobody counts: `place` gives the
    /// number to show and the place as text.
    pub fn locate(&mut self, place: impl Fn(u32) -> (u32, String)) {
        for refused in &mut self.first {
            let (line, place) = place(refused.line);
            let error = Box::new(std::mem::replace(&mut refused.error, RowError::NoFields));
            *refused =
                Refused { line, error: RowError::At { place, error }, sample: std::mem::take(&mut refused.sample) };
        }
    }

    /// Sorts the described rows by line, after rows from several stages came together.
    pub fn sort(&mut self) {
        self.first.sort_by_key(|refused| refused.line);
    }
}

fn sample(row: &[u8]) -> String {
    // A character is at most four bytes, so a cut here never loses one that would have been kept.
    let start = row.get(..row.len().min(SAMPLE_CHARACTERS * 4)).unwrap_or_default();
    let text = String::from_utf8_lossy(start);
    text.trim_end_matches(['\r', '\n']).chars().take(SAMPLE_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_and_only_the_first_are_kept() {
        let mut refusals = Refusals::keep(2);
        for line in (1..=5).rev() {
            refusals.push(line, RowError::NoFields, b"row");
        }
        refusals.push(9, RowError::Limit { what: "x".into(), limit: 1, setting: "limits.x" }, b"");
        assert_eq!((refusals.total(), refusals.first().len()), (6, 2));
        assert_eq!(refusals.by_kind(), [(ErrorKind::Invalid, 5), (ErrorKind::TooLarge, 1)]);
        refusals.sort();
        assert_eq!(refusals.first().iter().map(|r| r.line).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn a_place_is_told_and_the_kind_stays() {
        let mut refusals = Refusals::keep(2);
        refusals.push(17, RowError::Limit { what: "x".into(), limit: 1, setting: "limits.x" }, b"row");
        refusals.locate(|line| (line - 10, format!("frame {}", line - 10)));
        let first = &refusals.first()[0];
        assert_eq!((first.line, first.error.kind(), first.sample.as_str()), (7, ErrorKind::TooLarge, "row"));
        assert!(first.error.to_string().starts_with("frame 7: x exceeds"), "{}", first.error);
    }

    #[test]
    fn samples_are_short_and_readable() {
        assert_eq!(sample(b"second \xff line\r\n"), "second \u{fffd} line");
        assert_eq!(sample("ä".repeat(500).as_bytes()), "ä".repeat(SAMPLE_CHARACTERS));
    }
}
