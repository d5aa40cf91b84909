//! InfluxQL, as of InfluxDB 1.8: what a statement says, and what follows from its text alone.

pub mod ast;
pub mod conditions;
mod display;
pub mod names;

pub use ast::{
    Binary, BinaryOperator, Call, DataType, Dimension, Explain, Expr, Field, Fill, Measurement, MeasurementName,
    Select, Source, Statement, VarRef, Wildcard,
};
