//! `/proc/pressure/*`: table `pressure`, the share of time in which tasks waited for CPU, memory or I/O.
//!
//! Fields `avg10`, `avg60`, `avg300` are percent over so many seconds, `total` is microseconds since boot. A kernel
//! without pressure stall information (before 4.20, or switched off) has no such files and gets no rows.

use std::path::Path;

use sensorium_model::Value;

use crate::rows::{Field, Rows, int};
use crate::source::{Reader, Source};
use crate::text::{decimal, integer, lines, split_once, words};

#[derive(Debug)]
pub(crate) struct Pressure {
    resources: [(&'static str, Source); 3],
}

impl Pressure {
    pub(crate) fn new(root: &Path) -> Self {
        let resource = |name| (name, Source::new(root.join("pressure").join(name)));
        Self { resources: ["cpu", "memory", "io"].map(resource) }
    }

    pub(crate) fn sample(&mut self, reader: &mut Reader, rows: &mut Rows<'_, '_>) {
        for (resource, source) in &mut self.resources {
            for line in reader.read(source).into_iter().flat_map(lines) {
                let mut parts = words(line);
                let share = match parts.next() {
                    Some(b"some") => "some",
                    // All tasks waiting for the CPU at once is impossible for a whole machine: always 0.
                    Some(b"full") if *resource != "cpu" => "full",
                    _ => continue,
                };
                let fields: Vec<Field> = parts.filter_map(field).collect();
                if !fields.is_empty() {
                    rows.push("pressure", &[("resource", *resource), ("type", share)], &fields);
                }
            }
        }
    }
}

fn field(word: &[u8]) -> Option<Field> {
    let (name, value) = split_once(word, b'=')?;
    match name {
        b"avg10" => Some(("avg10", Value::F64(decimal(value)?))),
        b"avg60" => Some(("avg60", Value::F64(decimal(value)?))),
        b"avg300" => Some(("avg300", Value::F64(decimal(value)?))),
        b"total" => Some(("total", int(integer(value)?))),
        _ => None,
    }
}
