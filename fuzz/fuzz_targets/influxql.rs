//! InfluxQL from anybody: nothing panics or overflows the stack, and what a statement displays is read as the same text again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensorium_protocols::influxql::{Statement, parse};

fn shown(statements: &[Statement]) -> String {
    statements.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fuzz_target!(|text: &str| {
    let Ok(statements) = parse(text) else { return };
    let first = shown(&statements);
    // Passwords are not shown, so that such statements cannot be read again.
    if first.contains("[REDACTED]") {
        return;
    }
    match parse(&first) {
        Ok(again) => assert_eq!(shown(&again), first, "{text:?}"),
        Err(error) => panic!("{text:?}: {first:?}: {error}"),
    }
});
