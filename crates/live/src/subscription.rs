//! What a client watches, and how rows are matched against it.

use std::collections::BTreeMap;

use sensorium_model::{DatabaseName, FieldColumn, Name, TableBatch, TagColumn};
use uuid::Uuid;

use crate::point::{LivePoint, LiveValue};
use crate::ring::Entry;

/// The tables that a subscription watches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TableFilter {
    /// Every table of the database.
    All,
    /// One table.
    One(Name),
}

impl TableFilter {
    fn matches(&self, table: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(name) => name.as_ref() == table,
        }
    }
}

/// Where a client that was connected before continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumeFrom {
    /// The hub's epoch that the client saw.
    pub epoch: Uuid,
    /// The sequence number of the last frame that it received.
    pub seq: u64,
}

/// What a client wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The client's own number; a second subscription of the same number replaces the first.
    pub id: u32,
    /// The database; whether the client may read it is the caller's to check.
    pub database: DatabaseName,
    /// The tables.
    pub table: TableFilter,
    /// Tags that a row must have, with exactly this value; an empty value asks for rows without the tag.
    pub tags: BTreeMap<String, String>,
    /// The fields, or all.
    pub fields: Option<Vec<String>>,
    /// Continue after this, if the ring still holds it.
    pub resume: Option<ResumeFrom>,
}

impl Subscription {
    /// Whether a batch may hold something for this subscription.
    pub(crate) fn concerns(&self, entry: &Entry) -> bool {
        let batch = entry.batch();
        batch.database.name == self.database && batch.tables.iter().any(|table| self.table.matches(&table.table))
    }

    /// Hands each matching value of a batch to `into`.
    pub(crate) fn pick(&self, entry: &Entry, mut into: impl FnMut(LivePoint)) {
        let batch = entry.batch();
        if batch.database.name != self.database {
            return;
        }
        for (index, table) in batch.tables.iter().enumerate() {
            if self.table.matches(&table.table) {
                self.pick_table(entry, index, table, &mut into);
            }
        }
    }

    fn pick_table(&self, entry: &Entry, index: usize, table: &TableBatch, into: &mut impl FnMut(LivePoint)) {
        let Some(filters) = self.tag_filters(table) else { return };
        let fields: Vec<&FieldColumn> = table.fields.iter().filter(|field| self.wants(&field.name)).collect();
        if fields.is_empty() {
            return;
        }
        let series = entry.series(index);
        for (row, time_ns) in table.time_ns.iter().enumerate() {
            if !filters.iter().all(|filter| filter.matches(row)) {
                continue;
            }
            for field in &fields {
                if let (Some(value), Some(series)) = (field.get(row).and_then(LiveValue::of), series.key(row)) {
                    into(LivePoint {
                        subscription: self.id,
                        time_ns: *time_ns,
                        table: table.table.clone(),
                        series: series.clone(),
                        field: field.name.clone(),
                        value,
                    });
                }
            }
        }
    }

    fn wants(&self, field: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.iter().any(|wanted| wanted == field))
    }

    /// The tags resolved to keys of this table's dictionaries; `None` when no row can match.
    fn tag_filters<'t>(&self, table: &'t TableBatch) -> Option<Vec<TagFilter<'t>>> {
        let mut filters = Vec::with_capacity(self.tags.len());
        for (name, value) in &self.tags {
            let column = table.tags.iter().find(|column| column.name.as_ref() == name);
            match (column, value.is_empty()) {
                (None, true) => {}
                (None, false) => return None,
                (Some(column), true) => filters.push(TagFilter { column, key: TagColumn::ABSENT }),
                (Some(column), false) => {
                    let position = column.dictionary.iter().position(|present| present.as_ref() == value)?;
                    filters.push(TagFilter { column, key: u32::try_from(position).ok()? });
                }
            }
        }
        Some(filters)
    }
}

struct TagFilter<'t> {
    column: &'t TagColumn,
    key: u32,
}

impl TagFilter<'_> {
    fn matches(&self, row: usize) -> bool {
        self.column.keys.get(row) == Some(&self.key)
    }
}
