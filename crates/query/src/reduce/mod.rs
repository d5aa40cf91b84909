//! Fewer rows for a chart, without hiding anything that the chart would show.
//!
//! M4 keeps of each series and stretch of time the rows with the first, the last, the smallest and the largest value: exactly those
//! that decide which pixels of a line are set (U. Jugel et al., M4: A Visualization-Oriented Time Series Data Aggregation,
//! VLDB 2014). Rows are kept as they are; nothing is averaged.

mod bucket;
mod exec;
mod m4;

pub(crate) use exec::M4Exec;
