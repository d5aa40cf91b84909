//! Large batches as small ones, so that no operator holds copies of a large one.

use arrow::array::RecordBatch;

/// Parts of a batch, of at most `size` rows each, in order; none of a batch without rows.
pub(crate) fn slices(batch: RecordBatch, size: usize) -> impl Iterator<Item = RecordBatch> {
    let (rows, size) = (batch.num_rows(), size.max(1));
    (0..rows).step_by(size).map(move |start| batch.slice(start, size.min(rows - start)))
}
