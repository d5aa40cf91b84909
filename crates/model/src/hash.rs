//! Maps and sets for the path of every reading.
//!
//! Their hash is several times faster than the standard library's and seeded at random in each process. It resists chosen keys
//! less well; whoever writes readings is known, and the number of keys is limited everywhere.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// A map with a fast hash; made by `default()`.
pub type FastMap<K, V> = HashMap<K, V, RandomState>;

/// A set with a fast hash; made by `default()`.
pub type FastSet<K> = HashSet<K, RandomState>;
