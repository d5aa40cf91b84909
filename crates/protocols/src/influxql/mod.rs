//! InfluxQL, as of InfluxDB 1.8: what a statement says, and what follows from its text alone.
//!
//! Invariants:
//! - a text gives statements or an error with InfluxDB's words and its position; nothing panics and no stack overflows;
//! - what a statement displays is read as the same statement again.
//!
//! Limits: [`MAX_TEXT_BYTES`] of one request, [`MAX_STATEMENTS`] in it, [`MAX_DEPTH`] levels of parentheses, calls and
//! sub-queries, and [`MAX_OPERATORS`] of one expression; so no tree is deeper than these two together.

pub mod ast;
pub mod changes;
pub mod conditions;
mod display;
mod error;
mod lexer;
pub mod names;
mod parser;
pub mod shows;
mod token;

pub use ast::{
    Binary, BinaryOperator, Call, DataType, Dimension, Explain, Expr, Field, Fill, Measurement, MeasurementName,
    Select, Source, Statement, VarRef, Wildcard,
};
pub use error::{ParseError, Position};
pub use parser::{MAX_DEPTH, MAX_OPERATORS, MAX_STATEMENTS, MAX_TEXT_BYTES, Parameter, Parameters, parse, parse_with};
