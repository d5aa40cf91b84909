use proptest::prelude::*;

use super::*;
use crate::influxql::ast::{Binary, BinaryOperator, Call, Expr, VarRef};

fn shown(text: &str) -> String {
    match parse(text) {
        Ok(statements) => statements.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Err(error) => format!("error: {error}"),
    }
}
