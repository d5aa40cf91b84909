//! `/proc/stat`: tables `cpu` (share of each mode since the sample before) and `kernel` (counters).
//!
//! As Telegraf does, guest time is taken out of `usage_user` and guest nice time out of `usage_nice`; the eight modes
//! from user to steal then add up, with the two guest modes, to 100 %.

use std::path::Path;

use crate::rows::{Field, Rows, int};
use crate::source::{Reader, Source};
use crate::text::{integer, lines, text, words};

/// user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice, in clock ticks since boot.
type Ticks = [u64; 10];

#[derive(Debug)]
struct Previous {
    name: Box<[u8]>,
    ticks: Ticks,
}

#[derive(Debug)]
pub(crate) struct Cpu {
    stat: Source,
    previous: Vec<Previous>,
}

impl Cpu {
    pub(crate) fn new(root: &Path) -> Self {
        Self { stat: Source::new(root.join("stat")), previous: Vec::new() }
    }

    /// Notes the counters, so that the first sample has an interval to speak of.
    pub(crate) fn prime(&mut self, reader: &mut Reader) {
        if let Some(bytes) = reader.read(&mut self.stat) {
            self.exchange(bytes, |_, _| {});
        }
    }

    pub(crate) fn sample(&mut self, reader: &mut Reader, rows: &mut Rows<'_, '_>) {
        let Some(bytes) = reader.read(&mut self.stat) else { return };
        self.exchange(bytes, |name, delta| {
            if let Some(fields) = usage(delta) {
                let name = if name == b"cpu" { "cpu-total".into() } else { text(name) };
                rows.push("cpu", &[("cpu", &name)], &fields);
            }
        });
        kernel(bytes, rows);
    }

    /// Calls back with what each CPU did since the last call, and keeps the new counters.
    fn exchange(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8], Ticks)) {
        for (position, line) in lines(bytes).take_while(|line| line.starts_with(b"cpu")).enumerate() {
            let mut parts = words(line);
            let Some(name) = parts.next() else { continue };
            let mut ticks = Ticks::default();
            for (slot, word) in ticks.iter_mut().zip(parts) {
                *slot = integer(word).unwrap_or(0);
            }
            let in_place = self.previous.get(position).is_some_and(|previous| *previous.name == *name);
            let known = if in_place { Some(position) } else { self.previous.iter().position(|p| *p.name == *name) };
            match known.and_then(|index| self.previous.get_mut(index)) {
                Some(previous) => {
                    let before = std::mem::replace(&mut previous.ticks, ticks);
                    // Idle and iowait may step back by a tick, and a CPU that comes back online starts anew.
                    let mut delta = ticks;
                    delta.iter_mut().zip(before).for_each(|(now, before)| *now = now.saturating_sub(before));
                    each(name, delta);
                }
                None => self.previous.push(Previous { name: name.into(), ticks }),
            }
        }
    }
}

/// The percentages, unless no time has passed.
fn usage([user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice]: Ticks) -> Option<[Field; 11]> {
    let busy = user + nice + system + irq + softirq + steal;
    let total = busy + idle + iowait;
    if total == 0 {
        return None;
    }
    let share = |ticks: u64| sensorium_model::Value::F64(100.0 * ticks as f64 / total as f64);
    Some([
        ("usage_user", share(user.saturating_sub(guest))),
        ("usage_system", share(system)),
        ("usage_idle", share(idle)),
        ("usage_active", share(busy)),
        ("usage_nice", share(nice.saturating_sub(guest_nice))),
        ("usage_iowait", share(iowait)),
        ("usage_irq", share(irq)),
        ("usage_softirq", share(softirq)),
        ("usage_steal", share(steal)),
        ("usage_guest", share(guest)),
        ("usage_guest_nice", share(guest_nice)),
    ])
}

fn kernel(bytes: &[u8], rows: &mut Rows<'_, '_>) {
    let mut fields: Vec<Field> = Vec::with_capacity(4);
    for line in lines(bytes).skip_while(|line| line.starts_with(b"cpu")) {
        let mut parts = words(line);
        let name = match parts.next() {
            Some(b"intr") => "interrupts",
            Some(b"ctxt") => "context_switches",
            Some(b"btime") => "boot_time",
            Some(b"processes") => "processes_forked",
            _ => continue,
        };
        if let Some(value) = parts.next().and_then(integer) {
            fields.push((name, int(value)));
        }
    }
    if !fields.is_empty() {
        rows.push("kernel", &[], &fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_add_up_to_the_whole_interval() {
        let fields = usage([30, 10, 20, 100, 10, 5, 5, 20, 10, 4]).unwrap();
        let of = |name: &str| match fields.iter().find(|(field, _)| *field == name).unwrap().1 {
            sensorium_model::Value::F64(value) => value,
            _ => f64::NAN,
        };
        assert_eq!((of("usage_user"), of("usage_guest"), of("usage_nice"), of("usage_idle")), (10.0, 5.0, 3.0, 50.0));
        let names = ["user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"];
        let sum: f64 = names.iter().map(|name| of(format!("usage_{name}").as_str())).sum();
        assert!((sum - 100.0).abs() < 1e-9, "{sum}");
        assert_eq!(of("usage_active"), 45.0);
    }

    #[test]
    fn no_time_no_row() {
        assert!(usage([0; 10]).is_none());
    }

    #[test]
    fn counters_that_step_back_count_as_nothing() {
        let mut cpu = Cpu::new(Path::new("/nowhere"));
        let mut seen = Vec::new();
        cpu.exchange(b"cpu  10 0 0 50 9 0 0 0 0 0\ncpu1 5 0 0 20 0 0 0 0 0 0\n", |_, _| panic!("no interval yet"));
        cpu.exchange(b"cpu  15 0 0 49 9 0 0 0 0 0\ncpu0 1 0 0 1\ncpu1 5 0 0 30\nintr 1\n", |name, delta| {
            seen.push((name.to_vec(), delta[0], delta[3]));
        });
        assert_eq!(seen, [(b"cpu".to_vec(), 5, 0), (b"cpu1".to_vec(), 0, 10)]);
    }
}
