//! What can be told from the first lines: encoding, delimiter, header, the unnamed row number.

use csv::{ByteRecord, ReaderBuilder};

use super::infer;
use super::{CsvError, MAX_ROW_VALUES};

/// The most rows that are looked at.
const SAMPLE_ROWS: usize = 10_000;

/// The start of a file, taken apart.
pub(super) struct Sample {
    pub(super) delimiter: u8,
    /// The names of the header, if there is one, one for each value of the rows.
    pub(super) header: Option<Vec<String>>,
    pub(super) rows: Vec<Vec<String>>,
    /// Whether the first column is a row number that the header does not name.
    pub(super) row_number: bool,
}

pub(super) fn take_apart(
    bytes: &[u8],
    whole: bool,
    delimiter: Option<u8>,
    header: Option<bool>,
) -> Result<Sample, CsvError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(CsvError::Utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let delimiter = delimiter.unwrap_or_else(|| find_delimiter(bytes));
    let mut rows = read_rows(bytes, whole, delimiter)?.into_iter();
    let first = rows.next().ok_or(CsvError::Empty)?;
    let has_header = header.unwrap_or_else(|| looks_like_header(&first));
    let mut rows: Vec<_> = rows.collect();
    let header = if has_header {
        Some(first)
    } else {
        rows.insert(0, first);
        None
    };
    let width = common_width(&rows).ok_or(CsvError::Empty)?;
    if width > MAX_ROW_VALUES {
        return Err(CsvError::TooWide { values: width });
    }
    rows.retain(|row| row.len() == width);
    let (header, row_number) = match header {
        Some(names) => name_columns(names, width, &rows),
        None => (None, false),
    };
    Ok(Sample { delimiter, header, rows, row_number })
}

fn read_rows(bytes: &[u8], whole: bool, delimiter: u8) -> Result<Vec<Vec<String>>, CsvError> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut rows = Vec::new();
    let mut record = ByteRecord::new();
    let mut cut = false;
    while reader.read_byte_record(&mut record).map_err(|source| CsvError::Read { source })? {
        rows.push(record.iter().map(|value| String::from_utf8_lossy(value).trim().to_owned()).collect());
        if rows.len() > SAMPLE_ROWS {
            cut = true;
            break;
        }
    }
    // The last row of a part of a file may be half a row.
    if !whole && !cut && rows.len() > 1 {
        rows.pop();
    }
    Ok(rows)
}

/// The candidate that the first line has most of, outside of quotes.
fn find_delimiter(bytes: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in bytes {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted && counts.iter().any(|(_, count)| *count > 0) => break,
            _ if !quoted => counts.iter_mut().filter(|(d, _)| d == byte).for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    // The first of equals wins: a comma also when there is no delimiter at all.
    let mut best = (b',', 0);
    for candidate in counts {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    best.0
}

/// A first line with a number or a time among its values is a row; one of words only is a header.
fn looks_like_header(first: &[String]) -> bool {
    !first.iter().any(|value| infer::is_number(value, true) || infer::is_date(value))
}

/// The number of values that most rows have.
fn common_width(rows: &[Vec<String>]) -> Option<usize> {
    let mut widths: Vec<(usize, usize)> = Vec::new();
    for row in rows {
        let known = widths.len();
        match widths.iter_mut().find(|(width, _)| *width == row.len()) {
            Some((_, count)) => *count += 1,
            // A file of rows that all differ in length is no table; a few lengths are enough to tell.
            None if known < 100 => widths.push((row.len(), 1)),
            None => {}
        }
    }
    widths.into_iter().max_by_key(|(_, count)| *count).map(|(width, _)| width)
}

/// Fits a header to the rows: recognises the row number, and gives names to columns that have none.
fn name_columns(mut names: Vec<String>, width: usize, rows: &[Vec<String>]) -> (Option<Vec<String>>, bool) {
    let mut row_number = false;
    if names.len() + 1 == width {
        names.insert(0, String::new());
        row_number = true;
    } else if names.first().is_some_and(|name| name.is_empty() || name.starts_with("Unnamed")) {
        // As pandas writes its index.
        row_number = rows.iter().filter_map(|row| row.first()).all(|value| value.parse::<u64>().is_ok());
    }
    names.resize(width, String::new());
    let mut named: Vec<String> = Vec::with_capacity(width);
    for (position, name) in names.into_iter().enumerate() {
        let name = if name.is_empty() { format!("column_{}", position + 1) } else { name };
        let mut unique = name.clone();
        let mut copy = 2;
        while named.contains(&unique) {
            unique = format!("{name}_{copy}");
            copy += 1;
        }
        named.push(unique);
    }
    (Some(named), row_number)
}
