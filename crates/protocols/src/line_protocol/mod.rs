//! InfluxDB line protocol: `table,tag=value field=1.5,other=2i 1700000000000000000`, one reading a line.
//!
//! Follows the reference of InfluxDB 2 (<https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>):
//! - table, tag and field names and tag values escape `,` `=` (not in tables) and space by `\`; `\\` is one backslash;
//!   any other backslash stands for itself, but `\#` at the start of a line makes a table name that starts with `#`;
//! - field values are floats (`1`, `1.5`, `-1e3`), integers (`1i`), unsigned integers (`1u`), truth values (`t`, `true`,
//!   `True`, `TRUE` and the same with `f`) and text in double quotes, where `\"` and `\\` are escapes and line breaks
//!   are part of the text;
//! - the time is an integer in the request's precision; a line without one gets the time of receipt;
//! - blank lines and lines that start with `#` are skipped; lines end with `\n` or `\r\n`.
//!
//! Invariants:
//! - a line is refused as a whole and costs only itself. After a text that spans several lines and is followed by a
//!   mistake, reading goes on behind the line of the mistake, so that the inside of a text is never read as readings;
//!   a quote that is never closed costs the line that it stands on if no other quote follows, else also the lines up to
//!   the next quote, because those are then inside of a text;
//! - the work is linear in the body's length;
//! - nothing is copied except names and values that hold escapes.
//!
//! Speed: the body is searched once for `"` and `\`; lines without them take a path that never looks at single bytes
//! of tokens.

mod error;
mod lines;
mod parse;
mod value;
mod writer;

use sensorium_model::{BatchBuilder, Precision};

use crate::refusals::Refusals;

pub use writer::{LineMap, write_batch, write_point};

/// How to read a body.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The unit of the times.
    pub precision: Precision,
    /// The time of lines without one: when the request was received, nanoseconds since the epoch.
    pub now_ns: i64,
}

/// Reads a whole body into the builder; refused lines go to `refusals`. Returns the number of readings that were seen,
/// whether accepted or refused.
pub fn decode(body: &[u8], options: Options, builder: &mut BatchBuilder<'_>, refusals: &mut Refusals) -> u64 {
    lines::Lines::new(body, options, 1).run(builder, refusals, true).seen
}

/// Whether a body is nothing but readings that can be read, at least one, with blank lines and comments between them.
pub(crate) fn is_line_protocol(body: &[u8], options: Options) -> bool {
    lines::Lines::new(body, options, 1).are_readings()
}

/// What was read of a part of a longer text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The bytes that were read; the next part starts behind them.
    pub consumed: usize,
    /// The line that the next part starts on.
    pub next_line: u32,
    /// The readings that were seen, whether accepted or refused.
    pub seen: u64,
}

/// Reads the readings that end within a part of a longer text. What stands behind the last whole reading is left for the
/// next part, which starts there and holds more; with `last` nothing follows. When nothing is consumed, the part is too
/// small for its first reading.
pub fn decode_part(
    part: &[u8],
    first_line: u32,
    last: bool,
    options: Options,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Part {
    let end = if last { part.len() } else { memchr::memrchr(b'\n', part).map_or(0, |end| end + 1) };
    lines::Lines::new(part.get(..end).unwrap_or_default(), options, first_line).run(builder, refusals, last)
}

#[cfg(test)]
mod tests;
