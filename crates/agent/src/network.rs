//! `/proc/net/dev`: table `net`, counters since boot of each interface except loopback and those never used.

use std::path::Path;

use crate::rows::{Rows, int};
use crate::source::{Reader, Source};
use crate::text::{integer, lines, split_once, text, words};

#[derive(Debug)]
pub(crate) struct Network {
    dev: Source,
}

impl Network {
    pub(crate) fn new(root: &Path) -> Self {
        Self { dev: Source::new(root.join("net/dev")) }
    }

    pub(crate) fn sample(&mut self, reader: &mut Reader, rows: &mut Rows<'_, '_>) {
        let Some(bytes) = reader.read(&mut self.dev) else { return };
        // The two lines of the heading have no colon.
        for (name, numbers) in lines(bytes).filter_map(|line| split_once(line, b':')) {
            let Some(name) = words(name).next().filter(|name| *name != b"lo") else { continue };
            let mut counts = [0_u64; 12];
            let known = counts.iter_mut().zip(words(numbers)).map(|(slot, word)| *slot = integer(word).unwrap_or(0));
            if known.count() < 12 {
                continue;
            }
            let [bytes_recv, packets_recv, err_in, drop_in, ..] = counts;
            let [.., bytes_sent, packets_sent, err_out, drop_out] = counts;
            if packets_recv + packets_sent == 0 {
                continue;
            }
            rows.push(
                "net",
                &[("interface", &text(name))],
                &[
                    ("bytes_sent", int(bytes_sent)),
                    ("bytes_recv", int(bytes_recv)),
                    ("packets_sent", int(packets_sent)),
                    ("packets_recv", int(packets_recv)),
                    ("err_in", int(err_in)),
                    ("err_out", int(err_out)),
                    ("drop_in", int(drop_in)),
                    ("drop_out", int(drop_out)),
                ],
            );
        }
    }
}
