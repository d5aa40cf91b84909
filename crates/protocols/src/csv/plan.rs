//! What a file is understood to be, column by column.

use sensorium_model::Precision;

use super::CsvError;
use super::infer::{self, field_kind};
use super::sniff::{Sample, take_apart};
use crate::time::{DateTimeFormat, Zone, epoch_ns, guess_precision, sounds_like_time};

/// What the caller knows about a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The table that the rows go to.
    pub table: String,
    /// The column that holds the time; found when absent.
    pub time_column: Option<String>,
    /// Columns that identify the series.
    pub tags: Vec<String>,
    /// Columns that are left out.
    pub skip: Vec<String>,
    /// Columns of whole numbers that are stored as integers.
    pub integers: Vec<String>,
    /// Whether the first line is a header; judged when absent.
    pub header: Option<bool>,
    /// The byte between values; judged when absent.
    pub delimiter: Option<u8>,
    /// The zone of times that carry none.
    pub zone: Zone,
    /// The unit of times that are numbers; judged by their size when absent.
    pub precision: Option<Precision>,
}

impl Options {
    /// Everything is judged from the file; local times are UTC.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            time_column: None,
            tags: Vec::new(),
            skip: Vec::new(),
            integers: Vec::new(),
            header: None,
            delimiter: None,
            zone: Zone::UTC,
            precision: None,
        }
    }
}

/// How a column's times are read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TimeFormat {
    /// Dates with times of day.
    Text(DateTimeFormat),
    /// Numbers since 1970.
    Number(Precision),
}

/// What a field column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Numbers, stored as floats unless the stored column is an integer.
    Number,
    /// Numbers that were asked to be integers.
    Integer,
    /// Truth values.
    Truth,
    /// Text.
    Text,
    /// No value was seen yet; the first one decides.
    Undecided,
}

/// Why a column is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// The caller asked for it.
    Asked,
    /// It is a row number that the header does not name.
    RowNumber,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// The time, or the date when another column has the time of day.
    Time(TimeFormat),
    /// The time of day that belongs to the date of the time column.
    TimeOfDay,
    /// Part of the series' identity.
    Tag,
    /// A measured value.
    Field(FieldKind),
    /// Not stored.
    Skip(Skip),
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedColumn {
    /// Its name, which is also the name of the stored column.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Whether its numbers have a decimal comma.
    pub decimal_comma: bool,
}

/// What a file is understood to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The table that the rows go to.
    pub table: String,
    /// The byte between values.
    pub delimiter: u8,
    /// Whether the first line is a header.
    pub header: bool,
    /// The columns, in the order of the file.
    pub columns: Vec<PlannedColumn>,
}

/// Makes a plan from the start of a file; `whole` says that it is all of the file.
pub fn plan(start: &[u8], whole: bool, options: &Options) -> Result<Plan, CsvError> {
    let sample = take_apart(start, whole, options.delimiter, options.header)?;
    let width = sample.rows.first().map_or(0, Vec::len);
    let names = match &sample.header {
        Some(names) => names.clone(),
        None => (1..=width).map(|position| format!("column_{position}")).collect(),
    };
    let planner = Planner { sample: &sample, names: &names, options };
    let columns = planner.columns()?;
    Ok(Plan { table: options.table.clone(), delimiter: sample.delimiter, header: sample.header.is_some(), columns })
}

struct Planner<'p> {
    sample: &'p Sample,
    names: &'p [String],
    options: &'p Options,
}

impl Planner<'_> {
    fn columns(&self) -> Result<Vec<PlannedColumn>, CsvError> {
        let find_all = |names: &[String]| names.iter().map(|name| self.find(name)).collect::<Result<Vec<_>, _>>();
        let (tags, skip) = (find_all(&self.options.tags)?, find_all(&self.options.skip)?);
        let integers = find_all(&self.options.integers)?;
        let free = |position: &usize| {
            !(tags.contains(position) || skip.contains(position) || (*position == 0 && self.sample.row_number))
        };
        let (time_position, format) = self.time(&free)?;
        let time_of_day = self.time_of_day(time_position, &free);
        let mut columns = Vec::with_capacity(self.names.len());
        for (position, name) in self.names.iter().enumerate() {
            let mut decimal_comma = false;
            let role = if position == time_position {
                Role::Time(format)
            } else if Some(position) == time_of_day {
                Role::TimeOfDay
            } else if skip.contains(&position) {
                Role::Skip(Skip::Asked)
            } else if position == 0 && self.sample.row_number && !tags.contains(&0) {
                Role::Skip(Skip::RowNumber)
            } else if tags.contains(&position) {
                Role::Tag
            } else {
                let comma_allowed = self.sample.delimiter != b',';
                let (kind, comma) = field_kind(self.values(position), comma_allowed);
                decimal_comma = comma;
                Role::Field(if integers.contains(&position) { FieldKind::Integer } else { kind })
            };
            columns.push(PlannedColumn { name: name.clone(), role, decimal_comma });
        }
        match columns.iter().any(|column| matches!(column.role, Role::Field(_))) {
            true => Ok(columns),
            false => Err(CsvError::NoFields),
        }
    }

    fn values(&self, position: usize) -> impl Iterator<Item = &str> + Clone {
        self.sample.rows.iter().filter_map(move |row| row.get(position)).map(String::as_str)
    }

    fn known(&self) -> String {
        self.names.join(", ")
    }

    fn find(&self, name: &str) -> Result<usize, CsvError> {
        let exact = self.names.iter().position(|known| known == name);
        let position = exact.or_else(|| self.names.iter().position(|known| known.eq_ignore_ascii_case(name)));
        position.ok_or_else(|| CsvError::NoSuchColumn { name: name.to_owned(), known: self.known() })
    }

    fn time(&self, free: &impl Fn(&usize) -> bool) -> Result<(usize, TimeFormat), CsvError> {
        if let Some(name) = &self.options.time_column {
            let position = self.find(name)?;
            let format = self.time_format(position, true).ok_or_else(|| {
                let mut values = self.values(position).filter(|value| !infer::is_absent(value));
                let no_time = |value: &&str| !infer::is_date(value) && epoch_ns(value, None).is_none();
                let value = values.clone().find(no_time).or_else(|| values.next()).unwrap_or_default();
                CsvError::NotATime { name: name.clone(), value: value.to_owned() }
            })?;
            return Ok((position, format));
        }
        let positions = || (0..self.names.len()).filter(free);
        let sounds = |position: &usize| self.names.get(*position).is_some_and(|name| sounds_like_time(name));
        let by_name = positions().filter(sounds).find_map(|p| Some((p, self.time_format(p, true)?)));
        let by_value = || positions().find_map(|p| Some((p, self.time_format(p, false)?)));
        by_name.or_else(by_value).ok_or_else(|| CsvError::NoTime { known: self.known() })
    }

    /// How the column's values are times, if they all are. Numbers count only when the column is meant as a time.
    fn time_format(&self, position: usize, meant: bool) -> Option<TimeFormat> {
        let values = self.values(position).filter(|value| !infer::is_absent(value));
        if let Some(format) = DateTimeFormat::detect(values.clone(), self.options.zone) {
            return Some(TimeFormat::Text(format));
        }
        let named = self.options.time_column.is_some() && self.options.precision.is_some();
        let numbers = values.clone().all(|value| infer::is_epoch(value) || (named && epoch_ns(value, None).is_some()));
        let first = values.clone().next().filter(|_| meant && numbers)?;
        let whole = first.split_once('.').map_or(first, |(whole, _)| whole);
        let precision = self.options.precision.unwrap_or_else(|| guess_precision(whole.parse().unwrap_or_default()));
        Some(TimeFormat::Number(precision))
    }

    /// The column of times of day, if the time column holds dates only.
    fn time_of_day(&self, time_position: usize, free: &impl Fn(&usize) -> bool) -> Option<usize> {
        let dates_only = self.values(time_position).all(|value| !value.contains(':') && infer::is_date(value));
        let mut candidates = (0..self.names.len()).filter(|position| *position != time_position && free(position));
        candidates.find(|position| dates_only && self.values(*position).all(infer::is_time_of_day))
    }
}
