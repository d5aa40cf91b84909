//! Columns of vectors: what an embedding is stored as.

/// The most numbers of a vector.
pub const MAX_VECTOR_NUMBERS: usize = 4_096;

/// Vectors of one length, the numbers of all stored one after the other. A row without a vector takes no numbers.
///
/// Invariant: `ends` is ascending by at most one a row, and ends at the number of vectors; `numbers` has `length` times as
/// many. `length` is 1 to [`MAX_VECTOR_NUMBERS`].
#[derive(Debug, Clone, PartialEq)]
pub struct VectorColumn {
    length: u16,
    /// The number of vectors up to each row, its own included.
    ends: Vec<u32>,
    numbers: Vec<f32>,
}

impl VectorColumn {
    /// An empty column of vectors of a length, which is at least 1.
    pub fn new(length: u16) -> Self {
        Self { length: length.max(1), ends: Vec::new(), numbers: Vec::new() }
    }

    /// How many numbers each vector has.
    pub fn length(&self) -> u16 {
        self.length
    }

    /// Appends a row; false, and nothing is appended, when the vector has another length.
    pub fn push(&mut self, vector: &[f32]) -> bool {
        let fits = vector.len() == usize::from(self.length);
        if fits {
            self.numbers.extend_from_slice(vector);
            self.ends.push(self.vectors().saturating_add(1));
        }
        fits
    }

    /// Appends a row without a vector.
    pub fn push_absent(&mut self) {
        self.ends.push(self.vectors());
    }

    /// Appends some rows of another column, whose vectors have the same length.
    pub fn extend(&mut self, from: &Self, rows: std::ops::Range<usize>) {
        debug_assert_eq!(self.length, from.length);
        for row in rows {
            match from.get(row) {
                Some(vector) if self.push(vector) => {}
                _ => self.push_absent(),
            }
        }
    }

    /// The vector of a row, if it has one.
    pub fn get(&self, row: usize) -> Option<&[f32]> {
        let before = row.checked_sub(1).and_then(|previous| self.ends.get(previous)).copied().unwrap_or(0);
        let end = *self.ends.get(row)?;
        if end == before {
            return None;
        }
        let length = usize::from(self.length);
        self.numbers.get(before as usize * length..end as usize * length)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The numbers of all vectors, row after row.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The bytes of all numbers together.
    pub fn number_bytes(&self) -> usize {
        size_of_val(self.numbers.as_slice())
    }

    fn vectors(&self) -> u32 {
        self.ends.last().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_vector_of_another_length_is_no_row() {
        let mut column = VectorColumn::new(2);
        assert!(!column.push(&[1.0]) && !column.push(&[1.0, 2.0, 3.0]) && column.is_empty());
        assert!(column.push(&[1.0, 2.0]));
        assert_eq!((column.get(0), column.get(1)), (Some(&[1.0, 2.0][..]), None));
    }

    proptest! {
        #[test]
        fn rows_come_back(rows in proptest::collection::vec(proptest::option::of(any::<[f32; 3]>()), 0..40), cut in 0..40_usize) {
            let mut column = VectorColumn::new(3);
            for row in &rows {
                match row {
                    Some(vector) => prop_assert!(column.push(vector)),
                    None => column.push_absent(),
                }
            }
            let mut copied = VectorColumn::new(3);
            let cut = cut.min(rows.len());
            copied.extend(&column, 0..cut);
            copied.extend(&column, cut..rows.len());
            prop_assert_eq!(copied.len(), rows.len());
            for (row, vector) in rows.iter().enumerate() {
                let bits = |vector: &[f32]| vector.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(copied.get(row).map(bits), vector.as_ref().map(|vector| bits(vector)));
            }
            prop_assert_eq!(column.number_bytes(), rows.iter().flatten().count() * 12);
        }
    }
}
