//! Rows that a decoder refused: all are counted, the first ones are described.

use sensorium_model::{ErrorKind, Rejection, RowError};

/// Collects refused rows of one request or file in bounded memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusals {
    first: Vec<Rejection>,
    kept: usize,
    total: u64,
    by_kind: Vec<(ErrorKind, u64)>,
}

impl Refusals {
    /// Describes the first `kept` refused rows and counts the others.
    pub fn keep(kept: usize) -> Self {
        Self { first: Vec::new(), kept, total: 0, by_kind: Vec::new() }
    }

    /// Adds a refused row.
    pub fn push(&mut self, line: u32, error: RowError) {
        self.add(Rejection { line, error });
    }

    /// Adds a refused row that another part of the server described.
    pub fn add(&mut self, rejection: Rejection) {
        let kind = rejection.error.kind();
        self.total += 1;
        match self.by_kind.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.by_kind.push((kind, 1)),
        }
        if self.first.len() < self.kept {
            self.first.push(rejection);
        }
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
    pub fn first(&self) -> &[Rejection] {
        &self.first
    }

    /// How many rows were refused for each kind of reason.
    pub fn by_kind(&self) -> &[(ErrorKind, u64)] {
        &self.by_kind
    }

    /// Sorts the described rows by line, after rows from several stages came together.
    pub fn sort(&mut self) {
        self.first.sort_by_key(|rejection| rejection.line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_and_only_the_first_are_kept() {
        let mut refusals = Refusals::keep(2);
        for line in (1..=5).rev() {
            refusals.push(line, RowError::NoFields);
        }
        refusals.push(9, RowError::Limit { what: "x".into(), limit: 1, setting: "limits.x" });
        assert_eq!((refusals.total(), refusals.first().len()), (6, 2));
        assert_eq!(refusals.by_kind(), [(ErrorKind::Invalid, 5), (ErrorKind::TooLarge, 1)]);
        refusals.sort();
        assert_eq!(refusals.first().iter().map(|r| r.line).collect::<Vec<_>>(), [4, 5]);
    }
}
