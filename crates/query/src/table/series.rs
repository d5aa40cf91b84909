//! Which series a predicate on tags leaves, and what follows for their other tags.
//!
//! Files are sorted by all tags, the first by name first, so that statistics of their pages say little about a tag that stands
//! behind others. The series of a table are known: when a predicate leaves few of them, the values of their other tags are
//! predicates that follow from it, and those on the first tags leave out all pages but a few.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, DictionaryArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Int32Type, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, ident, lit};
use parking_lot::Mutex;
use sensorium_model::{DatabaseKey, Name};
use sensorium_store::{Store, TagValues};

use super::search::first;

/// Tables with more series are not looked at.
const MAX_SERIES: usize = 100_000;
/// Values of one tag that a predicate lists at most.
const MAX_VALUES: usize = 8;
/// Tables whose series are remembered.
const REMEMBERED_TABLES: usize = 256;

/// What the series of a table say about a predicate.
#[derive(Debug)]
pub(crate) enum Left {
    /// Nothing.
    Unknown,
    /// No series matches: no row does.
    Nothing,
    /// What every matching row satisfies.
    Implied(Implied),
}

/// What follows from a predicate for every row that satisfies it.
#[derive(Debug, Default)]
pub(crate) struct Implied {
    /// Predicates on tags.
    pub(crate) predicates: Vec<Expr>,
    /// The tags that have few values in these rows.
    pub(crate) values: Vec<TagValues>,
    /// The first tags, by name, and the one value that each has; absent for none.
    pub(crate) prefix: Vec<(String, Option<String>)>,
    /// The tags that have one value, or are absent, in all of these rows.
    pub(crate) constant: Vec<String>,
    /// How many series match, and how many the table has, if that is known.
    pub(crate) series: Option<(usize, usize)>,
}

impl Implied {
    /// What matching rows of a sorted batch, whose first column is the time, are among: they follow each other.
    pub(crate) fn narrow(&self, batch: &RecordBatch) -> RecordBatch {
        let mut range = 0..batch.num_rows();
        for ((name, value), (field, column)) in
            self.prefix.iter().zip(batch.schema_ref().fields().iter().zip(batch.columns()).skip(1))
        {
            let Some(tag) = column.as_dictionary_opt::<Int32Type>().filter(|_| field.name() == name) else { break };
            let Some(values) = tag.values().as_string_opt::<i32>() else { break };
            let at = |row: usize| tag.key(row).map(|key| values.value(key));
            let (value, rows) = (value.as_deref(), range.clone());
            let start = first(rows.clone(), |row| at(row) >= value);
            let end = first(rows, |row| at(row) > value);
            range = start..end;
        }
        batch.slice(range.start, range.len())
    }
}

/// The tags of series by table, remembered between queries. Series never go away, so that as many series are the same series.
#[derive(Clone, Default)]
pub(crate) struct KnownSeries {
    tables: Arc<Mutex<HashMap<(DatabaseKey, Name), RecordBatch>>>,
}

impl KnownSeries {
    /// What follows from predicates; `tags` is the schema of the table's tags. The rows in question were there before.
    pub(crate) fn left(
        &self,
        state: &dyn Session,
        store: &Store,
        (key, table): (&DatabaseKey, &Name),
        tags: &SchemaRef,
        filters: &[Expr],
    ) -> Result<Left> {
        let is_on_tags = |filter: &&Expr| {
            let columns = filter.column_refs();
            !filter.is_volatile()
                && !columns.is_empty()
                && columns.iter().all(|column| tags.index_of(&column.name).is_ok())
        };
        let on_tags: Vec<Expr> = filters.iter().filter(is_on_tags).cloned().collect();
        let named: Vec<String> = on_tags.iter().filter_map(|filter| Some(equal(filter)?.to_owned())).collect();
        let asked =
            |name: &str| on_tags.iter().any(|filter| filter.column_refs().iter().any(|column| column.name == name));
        let last = tags.fields().iter().rposition(|field| asked(field.name())).unwrap_or_default();
        let Some(predicate) = conjunction(on_tags) else { return Ok(Left::Unknown) };
        if store.series_count(key, table) > MAX_SERIES {
            return Ok(Left::Unknown);
        }
        let series = self.series(store, key, table, tags)?;
        let predicate = state.create_physical_expr(predicate, &DFSchema::try_from(Arc::clone(tags))?)?;
        let holds = predicate.evaluate(&series)?.into_array(series.num_rows())?;
        let Some(holds) = holds.as_any().downcast_ref::<BooleanArray>() else { return Ok(Left::Unknown) };
        let matching = filter_record_batch(&series, holds)?;
        if matching.num_rows() == 0 {
            return Ok(Left::Nothing);
        }
        let is_of_use = |index: usize, name: &str| index <= last && named.iter().all(|named| named != name);
        let series = Some((matching.num_rows(), series.num_rows()));
        Ok(Left::Implied(Implied { series, ..implied(&matching, is_of_use) }))
    }

    /// What all rows of the only series have in common whose tags have these values; `None` unless there is exactly one. The
    /// rows in question were there before.
    pub(crate) fn only(
        &self,
        store: &Store,
        (key, table): (&DatabaseKey, &Name),
        tags: &SchemaRef,
        values: &[(String, String)],
    ) -> Result<Option<Implied>> {
        if store.series_count(key, table) > MAX_SERIES {
            return Ok(None);
        }
        let series = self.series(store, key, table, tags)?;
        let mut matching: Vec<usize> = (0..series.num_rows()).collect();
        for (name, value) in values {
            let Some(tag) = series.column_by_name(name).and_then(|tag| tag.as_dictionary_opt::<Int32Type>()) else {
                return Ok(None);
            };
            let Some(texts) = tag.values().as_string_opt::<i32>() else { return Ok(None) };
            let is_equal: Vec<bool> = texts.iter().map(|text| text == Some(value)).collect();
            matching.retain(|row| tag.key(*row).is_some_and(|key| is_equal.get(key).is_some_and(|equal| *equal)));
        }
        match matching.as_slice() {
            [row] => {
                let count = Some((1, series.num_rows()));
                Ok(Some(Implied { series: count, ..implied(&series.slice(*row, 1), |_, _| false) }))
            }
            _ => Ok(None),
        }
    }

    fn series(&self, store: &Store, key: &DatabaseKey, table: &Name, tags: &SchemaRef) -> Result<RecordBatch> {
        let place = (key.clone(), table.clone());
        let count = store.series_count(key, table);
        if let Some(known) = self.tables.lock().get(&place)
            && known.num_rows() == count
            && known.schema_ref() == tags
        {
            return Ok(known.clone());
        }
        let series = store.series_batch(key, table, tags)?;
        let mut tables = self.tables.lock();
        if tables.len() >= REMEMBERED_TABLES {
            tables.clear();
        }
        tables.insert(place, series.clone());
        Ok(series)
    }
}

/// The column of a predicate that says what it is equal to.
fn equal(filter: &Expr) -> Option<&str> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(..)) | (Expr::Literal(..), Expr::Column(column)) => Some(&column.name),
            _ => None,
        },
        _ => None,
    }
}

/// What all of some series have in common; predicates on those tags only for which they are of use: pages are sorted by what
/// stands before what was asked for, and what was asked for is known already.
fn implied(series: &RecordBatch, is_of_use: impl Fn(usize, &str) -> bool) -> Implied {
    let mut implied = Implied::default();
    let mut is_prefix = true;
    for (index, (field, column)) in series.schema_ref().fields().iter().zip(series.columns()).enumerate() {
        let Some(tag) = column.as_dictionary_opt::<Int32Type>() else { continue };
        if let Some(values) = values(tag) {
            if is_of_use(index, field.name()) {
                implied.predicates.extend(predicate(field.name(), &values));
            }
            implied.values.push((field.name().clone(), values));
        }
        let one = only(tag);
        implied.constant.extend(one.is_some().then(|| field.name().clone()));
        is_prefix &= one.is_some();
        if let (true, Some(value)) = (is_prefix, one) {
            implied.prefix.push((field.name().clone(), value));
        }
    }
    implied
}

/// The value that all rows have, if it is one.
fn only(tag: &DictionaryArray<Int32Type>) -> Option<Option<String>> {
    let first = tag.key(0);
    if !(1..tag.len()).all(|row| tag.key(row) == first) {
        return None;
    }
    let values = tag.values().as_string_opt::<i32>()?;
    Some(first.map(|key| values.value(key).to_owned()))
}

/// The values of a tag, if they are few.
fn values(tag: &DictionaryArray<Int32Type>) -> Option<Vec<Option<String>>> {
    let texts = tag.values().as_string_opt::<i32>()?;
    let mut distinct = BTreeSet::new();
    for key in tag.keys() {
        distinct.insert(key.map(usize::try_from).transpose().ok()?);
        if distinct.len() > MAX_VALUES {
            return None;
        }
    }
    Some(distinct.into_iter().map(|key| key.map(|key| texts.value(key).to_owned())).collect())
}

/// That a tag has one of these values.
fn predicate(name: &str, values: &[Option<String>]) -> Option<Expr> {
    let each = values.iter().map(|value| match value {
        None => ident(name).is_null(),
        Some(_) => {
            let value = Box::new(ScalarValue::Utf8(value.clone()));
            ident(name).eq(lit(ScalarValue::Dictionary(Box::new(DataType::Int32), value)))
        }
    });
    each.reduce(Expr::or)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int32Array, StringArray, TimestampNanosecondArray};
    use proptest::prelude::*;

    use super::*;

    fn tag(values: &[Option<u8>]) -> ArrayRef {
        let keys: Int32Array = values.iter().map(|value| value.map(|value| 2 - i32::from(value))).collect();
        Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from(vec!["c", "b", "a"]))).unwrap())
    }

    fn text(value: Option<u8>) -> Option<String> {
        value.map(|value| ["a", "b", "c"][usize::from(value)].to_owned())
    }

    fn batch(rows: &[(Option<u8>, Option<u8>)]) -> RecordBatch {
        let times = TimestampNanosecondArray::from_iter_values(0..rows.len() as i64).with_timezone("UTC");
        let (k, l): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        let columns: Vec<(&str, ArrayRef, bool)> =
            vec![("time", Arc::new(times), false), ("k", tag(&k), true), ("l", tag(&l), true)];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    proptest! {
        #[test]
        fn a_prefix_leaves_exactly_its_rows(
            rows in proptest::collection::vec((proptest::option::of(0u8..3), proptest::option::of(0u8..3)), 0..40),
            k in proptest::option::of(0u8..3),
            l in proptest::option::of(0u8..3),
            both in any::<bool>(),
        ) {
            let mut rows = rows;
            rows.sort_unstable();
            let mut prefix = vec![("k".to_owned(), text(k))];
            prefix.extend(both.then(|| ("l".to_owned(), text(l))));
            let implied = Implied { prefix, ..Implied::default() };
            let matching: Vec<_> = rows.iter().copied().filter(|row| row.0 == k && (!both || row.1 == l)).collect();
            let narrowed = implied.narrow(&batch(&rows));
            prop_assert_eq!(narrowed.num_rows(), matching.len());
            prop_assert_eq!(narrowed.columns()[1..].to_vec(), batch(&matching).columns()[1..].to_vec());
        }
    }

    #[test]
    fn what_series_share_follows() {
        let tags = batch(&[(Some(0), None), (Some(0), None)]).project(&[1, 2]).unwrap();
        let shared = implied(&tags, |_, _| true);
        assert_eq!(shared.predicates.iter().map(ToString::to_string).collect::<Vec<_>>().len(), 2);
        assert_eq!(shared.constant, ["k", "l"]);
        assert_eq!(implied(&tags, |index, _| index == 1).predicates.len(), 1);
        assert_eq!(shared.prefix, [("k".to_owned(), text(Some(0))), ("l".to_owned(), None)]);
        let tags = batch(&[(Some(0), None), (Some(1), Some(2))]).project(&[1, 2]).unwrap();
        let mixed = implied(&tags, |_, _| true);
        assert_eq!((mixed.predicates.len(), mixed.prefix.len()), (2, 0), "{mixed:?}");
    }
}
