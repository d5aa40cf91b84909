//! Numbers that differ from peer to peer, from a seed that the caller gives; they keep no secrets.

/// SplitMix64.
#[derive(Debug, Clone)]
pub(in crate::coap) struct Random(u64);

impl Random {
    pub(in crate::coap) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::coap) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number from 0 to this one.
    pub(in crate::coap) fn up_to(&mut self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(count) => self.next() % count,
            None => self.next(),
        }
    }
}
