//! Trucks in the manner of TSBS's `iot`, as line protocol: the same seed makes the same bytes.
//!
//! Each truck has five tags and sends a row of `readings` (10 fields) and a row of `diagnostics` (6 fields) every 10 s. All
//! fields of `readings` wander between bounds, a position with five decimals and the others with at most two; three of
//! those that TSBS never changes are replaced by ones that move, because a constant costs no database anything.
//! `diagnostics` has a level that wanders, a load and a state that change now and then, and the three that belong to
//! the model. One row in twenty is late: it is sent one to ten minutes after its time.
//!
//! Memory: the state of each truck and the rows that are late, at most 60 ticks' worth of one row in twenty.

use std::collections::VecDeque;
use std::io::Write;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::walk::Walk;

/// The first tick: 2024-01-01T00:00:00Z, where windows of minutes and hours begin too.
pub(crate) const START_SECONDS: u64 = 1_704_067_200;
/// Seconds between two ticks.
const TICK_SECONDS: u64 = 10;
/// Trucks on the road.
pub(crate) const TRUCKS: usize = 1_000;
/// Fields of a row of `readings`.
const READINGS_FIELDS: usize = 10;
/// Fields of a row of `diagnostics`.
const DIAGNOSTICS_FIELDS: usize = 6;

/// One row in so many is late.
const LATE_ONE_IN: u32 = 20;
/// How many ticks a late row is late: one to ten minutes.
const LATE_TICKS: std::ops::RangeInclusive<usize> = 6..=60;

const FLEETS: [&str; 4] = ["East", "West", "North", "South"];
const DRIVERS: [&str; 6] = ["Derek", "Rodney", "Albert", "Andy", "Seth", "Trish"];
/// Name, load capacity, fuel capacity and nominal consumption.
const MODELS: [(&str, u32, u32, u32); 3] =
    [("F-150", 2_000, 200, 15), ("G-2000", 5_000, 300, 19), ("H-2", 1_500, 150, 12)];
const DEVICE_VERSIONS: [&str; 4] = ["v1.0", "v1.5", "v2.0", "v2.3"];

/// The two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Readings,
    Diagnostics,
}

/// One truck: its tags as they stand in a line, and where its values are now.
struct Truck {
    tags: String,
    /// The three fields of `diagnostics` that belong to the model.
    constants: String,
    load_capacity: u32,
    /// The fields of `readings`, with their names.
    walks: [(&'static str, Walk); READINGS_FIELDS],
    fuel_state: Walk,
    current_load: u32,
    status: u8,
}

impl Truck {
    fn new(index: usize, rng: &mut StdRng) -> Self {
        let (model, load_capacity, fuel_capacity, consumption) = pick(&MODELS, rng);
        let (fleet, driver, version) = (pick(&FLEETS, rng), pick(&DRIVERS, rng), pick(&DEVICE_VERSIONS, rng));
        Self {
            tags: format!(",name=truck_{index},fleet={fleet},driver={driver},model={model},device_version={version} "),
            constants: format!(
                "load_capacity={load_capacity},fuel_capacity={fuel_capacity},nominal_fuel_consumption={consumption}"
            ),
            load_capacity,
            walks: [
                ("latitude", Walk::anywhere(-90, 90, 5, 500, rng)),
                ("longitude", Walk::anywhere(-180, 180, 5, 500, rng)),
                ("elevation", Walk::anywhere(0, 5_000, 0, 10, rng)),
                ("velocity", Walk::anywhere(0, 100, 1, 50, rng)),
                ("heading", Walk::anywhere(0, 360, 0, 5, rng)),
                ("grade", Walk::anywhere(0, 100, 1, 20, rng)),
                ("fuel_consumption", Walk::anywhere(0, 50, 2, 100, rng)),
                ("engine_temperature", Walk::anywhere(60, 110, 1, 10, rng)),
                ("tyre_pressure", Walk::anywhere(6, 9, 2, 2, rng)),
                ("battery_voltage", Walk::anywhere(23, 29, 2, 5, rng)),
            ],
            fuel_state: Walk::anywhere(0, 1, 2, 1, rng),
            current_load: rng.random_range(0..=load_capacity),
            status: 0,
        }
    }

    /// Moves one tick on in a table and writes the row.
    fn write_row(&mut self, table: Table, time_ns: u64, rng: &mut StdRng, out: &mut Vec<u8>) {
        out.extend_from_slice(if table == Table::Readings { b"readings" } else { b"diagnostics" });
        out.extend_from_slice(self.tags.as_bytes());
        match table {
            Table::Readings => {
                for (index, (name, walk)) in self.walks.iter_mut().enumerate() {
                    walk.advance(rng);
                    push(out, format_args!("{}{name}={walk}", if index == 0 { "" } else { "," }));
                }
            }
            Table::Diagnostics => {
                self.fuel_state.advance(rng);
                // A truck is loaded or unloaded now and then, and changes its state somewhat more often.
                if rng.random_ratio(1, 100) {
                    self.current_load = rng.random_range(0..=self.load_capacity);
                }
                if rng.random_ratio(1, 50) {
                    self.status = rng.random_range(0..=5);
                }
                let (fuel_state, current_load, status) = (self.fuel_state, self.current_load, self.status);
                push(out, format_args!("fuel_state={fuel_state},current_load={current_load},status={status}i,"));
                out.extend_from_slice(self.constants.as_bytes());
            }
        }
        push(out, format_args!(" {time_ns}\n"));
    }
}

fn pick<T: Copy + Default>(from: &[T], rng: &mut StdRng) -> T {
    from.choose(rng).copied().unwrap_or_default()
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

/// All trucks, row by row in the order of sending.
pub(crate) struct Trucks {
    rng: StdRng,
    trucks: Vec<Truck>,
    /// What is still to be made.
    rows: u64,
    tick: u64,
    truck: usize,
    table: Table,
    /// Late rows that are to be sent now.
    due: Vec<Vec<u8>>,
    /// Late rows by the number of ticks that they still wait behind the present one.
    held: VecDeque<Vec<Vec<u8>>>,
    /// Rows made of each table.
    made: Made,
}

/// Rows of each table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Made {
    pub(crate) readings: u64,
    pub(crate) diagnostics: u64,
}

impl Made {
    /// Rows of both tables.
    pub(crate) fn rows(self) -> u64 {
        self.readings + self.diagnostics
    }

    /// Field values in those rows.
    pub(crate) fn values(self) -> u64 {
        self.readings * READINGS_FIELDS as u64 + self.diagnostics * DIAGNOSTICS_FIELDS as u64
    }
}

impl Trucks {
    /// So many trucks that send so many rows in total.
    pub(crate) fn new(seed: u64, trucks: usize, rows: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let trucks = (0..trucks).map(|index| Truck::new(index, &mut rng)).collect();
        Self {
            rng,
            trucks,
            rows,
            tick: 0,
            truck: 0,
            table: Table::Readings,
            due: Vec::new(),
            held: VecDeque::from(vec![Vec::new(); *LATE_TICKS.end() + 1]),
            made: Made::default(),
        }
    }

    /// Rows made so far; those that are late may not have been sent yet.
    pub(crate) fn made(&self) -> Made {
        self.made
    }

    /// The next lines, at most so many; empty when all have been sent.
    pub(crate) fn body(&mut self, lines: u64) -> Vec<u8> {
        let mut body = Vec::new();
        for _ in 0..lines {
            if !self.line(&mut body) {
                break;
            }
        }
        body.shrink_to_fit();
        body
    }

    fn line(&mut self, out: &mut Vec<u8>) -> bool {
        loop {
            if let Some(row) = self.due.pop() {
                out.extend_from_slice(&row);
                return true;
            }
            if self.made.rows() == self.rows || self.trucks.is_empty() {
                match self.held.pop_front() {
                    Some(rows) => self.due = rows,
                    None => return false,
                }
                continue;
            }
            if self.truck == self.trucks.len() {
                self.next_tick();
                continue;
            }
            let start = out.len();
            self.make_row(out);
            if !self.rng.random_ratio(1, LATE_ONE_IN) {
                return true;
            }
            let ticks = self.rng.random_range(LATE_TICKS);
            if let Some(waiting) = self.held.get_mut(ticks) {
                waiting.push(out.split_off(start));
            }
        }
    }

    /// Writes the next row in the order of time.
    fn make_row(&mut self, out: &mut Vec<u8>) {
        let time_ns = (START_SECONDS + self.tick * TICK_SECONDS) * 1_000_000_000;
        if let Some(truck) = self.trucks.get_mut(self.truck) {
            truck.write_row(self.table, time_ns, &mut self.rng, out);
        }
        match self.table {
            Table::Readings => {
                self.made.readings += 1;
                self.table = Table::Diagnostics;
            }
            Table::Diagnostics => {
                self.made.diagnostics += 1;
                self.table = Table::Readings;
                self.truck += 1;
            }
        }
    }

    /// Moves on to the next tick, at which some late rows are sent first.
    fn next_tick(&mut self) {
        self.truck = 0;
        self.tick += 1;
        self.due = self.held.pop_front().unwrap_or_default();
        self.held.push_back(Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use sensorium_model::{
        Batch, BatchBuilder, DatabaseKey, DatabaseName, DatabaseSchema, FieldType, IngestLimits, OrgId, Precision,
    };
    use sensorium_protocols::Refusals;
    use sensorium_protocols::line_protocol::{Options, decode};

    use super::*;

    fn all(seed: u64, trucks: usize, rows: u64) -> String {
        let mut trucks = Trucks::new(seed, trucks, rows);
        let mut text = Vec::new();
        loop {
            let body = trucks.body(777);
            if body.is_empty() {
                return String::from_utf8(text).unwrap();
            }
            text.extend(body);
        }
    }

    fn time_ns(line: &str) -> u64 {
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }

    #[test]
    fn a_seed_decides_every_byte() {
        let text = all(7, 10, 1_001);
        assert!(text == all(7, 10, 1_001));
        assert!(text != all(8, 10, 1_001));
        assert_eq!(text.lines().count(), 1_001);
    }

    #[test]
    fn one_row_in_twenty_is_minutes_late() {
        let text = all(1, 100, 100_000);
        let (mut newest, mut late, mut longest) = (0, 0.0, 0);
        for time in text.lines().map(time_ns) {
            if time < newest {
                late += 1.0;
                longest = longest.max(newest - time);
            }
            newest = newest.max(time);
        }
        let share = late / 100_000.0;
        assert!((0.047..0.053).contains(&share), "{share}");
        assert_eq!(longest, 600 * 1_000_000_000);
    }

    #[test]
    fn each_truck_sends_both_rows_at_each_tick_once() {
        let text = all(3, 10, 10 * 2 * 100);
        let table_and_truck = |line: &str| line.split(',').take(2).map(str::to_owned).collect::<Vec<_>>();
        let mut keys: Vec<_> = text.lines().map(|line| (table_and_truck(line), time_ns(line))).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 2_000);
        let last = (START_SECONDS + 99 * TICK_SECONDS) * 1_000_000_000;
        assert!(keys.iter().all(|(_, time)| *time <= last));
    }

    #[test]
    fn values_have_at_most_five_decimals() {
        let text = all(2, 50, 10_000);
        let mut most = 0;
        for line in text.lines() {
            for field in line.split(' ').nth(1).unwrap().split(',') {
                let value = field.split_once('=').unwrap().1;
                most = most.max(value.split_once('.').map_or(0, |(_, decimals)| decimals.len()));
            }
        }
        assert_eq!(most, 5);
    }

    #[test]
    fn every_line_is_a_row_with_the_fields_of_its_table() {
        let text = all(2, 50, 5_000);
        let schema = DatabaseSchema::default();
        let now_ns = 1_800_000_000_000_000_000;
        let mut builder = BatchBuilder::new(&schema, IngestLimits::default(), now_ns);
        let mut refusals = Refusals::keep(10);
        decode(text.as_bytes(), Options { precision: Precision::Ns, now_ns }, &mut builder, &mut refusals);
        assert_eq!(refusals.first(), []);
        let org = OrgId::from_uuid(uuid::Uuid::nil());
        let batch: Batch = builder.finish(DatabaseKey::new(org, DatabaseName::new("main").unwrap()));
        assert_eq!(batch.rows(), 5_000);
        let table = |name: &str| batch.tables.iter().find(|table| table.table.to_string() == name).unwrap();
        let floats =
            |name| table(name).fields.iter().filter(|field| field.values.field_type() == FieldType::F64).count();
        assert_eq!((table("readings").tags.len(), table("diagnostics").tags.len()), (5, 5));
        assert_eq!(table("readings").fields.len(), READINGS_FIELDS);
        assert_eq!(table("diagnostics").fields.len(), DIAGNOSTICS_FIELDS);
        assert_eq!((floats("readings"), floats("diagnostics")), (10, 5));
    }
}
