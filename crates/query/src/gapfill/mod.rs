//! Rows for the times at which nothing was measured.
//!
//! `GROUP BY date_bin_gapfill(INTERVAL '10 minutes', time)` makes of each group of the other columns one row per bin, from the lower
//! bound of `time` in WHERE to its upper one, or to now. Aggregates of a bin without readings are null; with `locf(…)` around them
//! they keep the value before, with `interpolate(…)` they lie on the line between the values around them. The names are those of
//! InfluxDB 3.
//!
//! The functions only mark places ([`functions`]). An optimizer rule, the first of all, puts in their place an aggregation by `date_bin`
//! and a node above it ([`rule`], [`node`]), whose operator gets each group's rows together and in order of time ([`exec`]).
//!
//! - A group without any reading between the bounds has no rows.
//! - Aggregates that are null count as gaps, so `locf` and `interpolate` fill them too. Nothing is looked for outside of the bounds.
//! - Rows that are made count against the row limit of a query, also those that a surrounding query reads.
//! - Memory: the rows of one group before filling.

mod bins;
mod bounds;
mod exec;
mod fill;
mod functions;
mod groups;
mod linear;
mod node;
mod rule;

pub(crate) use exec::TooManyRows;
pub(crate) use functions::gapfill_functions;
pub(crate) use node::GapFillPlanner;
pub(crate) use rule::FillGaps;
