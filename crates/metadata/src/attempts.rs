//! Limits guessing: failed attempts are counted per address, and per login at each address, and each further one has to wait
//! longer. What others do at their addresses never keeps somebody out who knows the password.
//!
//! The first failures are free ([`FREE_PER_LOGIN`], [`FREE_PER_ADDRESS`]); then the wait doubles from one second up to
//! [`LONGEST_WAIT`]. A count is forgotten after [`MEMORY`] without a failure, and a login's when someone signs in.
//! Wrong codes of a second factor count besides for the person, from wherever they come ([`FREE_PER_CODE`]): whoever is asked for a
//! code knows the password.
//! Every attempt counts as failed while it runs, so that many at once gain nothing.
//!
//! The tables hold at most [`MAX_KEYS`] keys each; beyond that the one that failed longest ago is forgotten. IPv6
//! addresses count per /64, which is what one customer has.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

/// Failures of one login at one address that cost nothing.
pub const FREE_PER_LOGIN: u32 = 5;
/// Failures of one address that cost nothing.
pub const FREE_PER_ADDRESS: u32 = 20;
/// Wrong codes of one person that cost nothing.
pub const FREE_PER_CODE: u32 = 10;
/// The longest wait after a failure.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How long a failure is remembered.
pub const MEMORY: Duration = Duration::from_secs(900);
/// The most logins, and the most addresses, that are remembered.
pub const MAX_KEYS: usize = 10_000;

/// Failed attempts.
#[derive(Default)]
pub(crate) struct Attempts {
    logins: Mutex<Table<(String, IpAddr)>>,
    addresses: Mutex<Table<IpAddr>>,
    /// By the person's id.
    codes: Mutex<Table<Uuid>>,
}

impl Attempts {
    /// Counts an attempt that begins, or says how long to wait.
    pub(crate) fn begin(&self, login: &str, address: IpAddr, now_ms: i64) -> Result<(), Duration> {
        let address = address_key(address);
        let login = (login_key(login), address);
        let mut addresses = self.addresses.lock();
        let mut logins = self.logins.lock();
        let wait = addresses.wait(&address, now_ms).max(logins.wait(&login, now_ms));
        if let Some(wait) = wait {
            return Err(wait);
        }
        addresses.fail(address, FREE_PER_ADDRESS, now_ms);
        logins.fail(login, FREE_PER_LOGIN, now_ms);
        Ok(())
    }

    /// The attempt was right: forgets the login's failures and takes this one back from the address.
    pub(crate) fn succeed(&self, login: &str, address: IpAddr) {
        self.addresses.lock().take_back(&address_key(address));
        self.logins.lock().entries.remove(&(login_key(login), address_key(address)));
    }

    /// Counts a code of a person's second factor that is tried, or says how long to wait.
    pub(crate) fn begin_code(&self, user: Uuid, now_ms: i64) -> Result<(), Duration> {
        let mut codes = self.codes.lock();
        if let Some(wait) = codes.wait(&user, now_ms) {
            return Err(wait);
        }
        codes.fail(user, FREE_PER_CODE, now_ms);
        Ok(())
    }

    /// The code was right.
    pub(crate) fn succeed_code(&self, user: Uuid) {
        self.codes.lock().entries.remove(&user);
    }

    /// The code could not be judged: it does not count.
    pub(crate) fn abandon_code(&self, user: Uuid) {
        self.codes.lock().take_back(&user);
    }

    /// The attempt could not be judged (the server was busy): it does not count.
    pub(crate) fn abandon(&self, login: &str, address: IpAddr) {
        self.addresses.lock().take_back(&address_key(address));
        self.logins.lock().take_back(&(login_key(login), address_key(address)));
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last_ms: i64,
    blocked_until_ms: i64,
}

struct Table<K> {
    entries: HashMap<K, Failures>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone> Table<K> {
    fn wait(&self, key: &K, now_ms: i64) -> Option<Duration> {
        let failures = self.entries.get(key).filter(|failures| !is_stale(failures, now_ms))?;
        let wait_ms = failures.blocked_until_ms.checked_sub(now_ms).filter(|wait| *wait > 0)?;
        Some(Duration::from_millis(wait_ms.unsigned_abs()))
    }

    fn fail(&mut self, key: K, free: u32, now_ms: i64) {
        if !self.entries.contains_key(&key) && self.entries.len() >= MAX_KEYS {
            self.make_room(now_ms);
        }
        let fresh = Failures { count: 0, last_ms: now_ms, blocked_until_ms: now_ms };
        let failures = self.entries.entry(key).or_insert(fresh);
        if is_stale(failures, now_ms) {
            *failures = fresh;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last_ms = now_ms;
        if failures.count >= free {
            let doubled = Duration::from_secs(1).saturating_mul(1 << (failures.count - free).min(16));
            failures.blocked_until_ms = now_ms.saturating_add(crate::config::millis(doubled.min(LONGEST_WAIT)));
        }
    }

    fn take_back(&mut self, key: &K) {
        if let Some(failures) = self.entries.get_mut(key) {
            failures.count = failures.count.saturating_sub(1);
            failures.blocked_until_ms = failures.last_ms;
            if failures.count == 0 {
                self.entries.remove(key);
            }
        }
    }

    fn make_room(&mut self, now_ms: i64) {
        self.entries.retain(|_, failures| !is_stale(failures, now_ms));
        if self.entries.len() >= MAX_KEYS {
            let oldest = self.entries.iter().min_by_key(|(_, failures)| failures.last_ms);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.entries.remove(&key);
            }
        }
    }
}

/// Whether a count is over; also when the clock was set back, so that nobody is locked out by it.
fn is_stale(failures: &Failures, now_ms: i64) -> bool {
    now_ms < failures.last_ms || now_ms - failures.last_ms > crate::config::millis(MEMORY)
}

/// Logins are compared without regard to case; a login too long to exist is cut, so that a key stays small.
fn login_key(login: &str) -> String {
    login.chars().take(64).collect::<String>().to_lowercase()
}

fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn a_login_slows_down_and_recovers() {
        let attempts = Attempts::default();
        for _ in 0..FREE_PER_LOGIN {
            attempts.begin("Ada", HERE, 0).unwrap();
        }
        assert_eq!(attempts.begin("ada", HERE, 0), Err(Duration::from_secs(1)), "case does not matter");
        attempts.begin("ada", address(99), 0).unwrap();
        attempts.begin("ada", HERE, 1_000).unwrap();
        assert_eq!(attempts.begin("ada", HERE, 1_000), Err(Duration::from_secs(2)));
        attempts.begin("eve", HERE, 1_000).unwrap();
        let later = 1_001 + crate::config::millis(MEMORY);
        attempts.begin("ada", HERE, later).unwrap();
        attempts.begin("ada", HERE, later).unwrap();
    }

    #[test]
    fn the_wait_is_capped() {
        let attempts = Attempts::default();
        let mut now_ms = 0;
        for _ in 0..40 {
            let wait = attempts.begin("ada", address(1), now_ms).err().unwrap_or_default();
            assert!(wait <= LONGEST_WAIT);
            now_ms += crate::config::millis(wait);
        }
        let wait = attempts.begin("ada", address(2), now_ms).err();
        assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT));
    }

    #[test]
    fn an_address_slows_down_over_many_logins() {
        let attempts = Attempts::default();
        for failure in 0..FREE_PER_ADDRESS {
            attempts.begin(&format!("user{failure}"), HERE, 0).unwrap();
        }
        assert!(attempts.begin("another", HERE, 0).is_err());
        assert!(attempts.begin("another", address(7), 0).is_ok());
    }

    #[test]
    fn success_clears_the_login_but_not_the_address() {
        let attempts = Attempts::default();
        for _ in 0..FREE_PER_LOGIN - 1 {
            attempts.begin("ada", HERE, 0).unwrap();
        }
        attempts.begin("ada", HERE, 0).unwrap();
        attempts.succeed("ada", HERE);
        for _ in 0..FREE_PER_LOGIN {
            attempts.begin("ada", HERE, 0).unwrap();
        }
        assert!(attempts.begin("ada", HERE, 0).is_err());
        assert!(attempts.begin("ada", address(3), 0).is_ok(), "others do not keep anybody out");
        let count = attempts.addresses.lock().entries.get(&HERE).map(|failures| failures.count);
        assert_eq!(count, Some(2 * FREE_PER_LOGIN - 1));
    }

    #[test]
    fn codes_of_a_person_slow_down_wherever_they_come_from() {
        let attempts = Attempts::default();
        let (ada, eve) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for _ in 0..FREE_PER_CODE {
            attempts.begin_code(ada, 0).unwrap();
        }
        assert_eq!(attempts.begin_code(ada, 0), Err(Duration::from_secs(1)));
        attempts.begin_code(eve, 0).unwrap();
        attempts.abandon_code(ada);
        attempts.begin_code(ada, 0).unwrap();
        attempts.succeed_code(ada);
        attempts.begin_code(ada, 0).unwrap();
    }

    #[test]
    fn memory_stays_bounded() {
        let attempts = Attempts::default();
        for number in 0..u32::try_from(MAX_KEYS).unwrap() + 50 {
            attempts.begin(&format!("user{number}"), address(number), i64::from(number)).unwrap();
        }
        assert_eq!(attempts.logins.lock().entries.len(), MAX_KEYS);
        assert_eq!(attempts.addresses.lock().entries.len(), MAX_KEYS);
    }

    #[test]
    fn neighbours_in_a_v6_network_share_a_count() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2:3::1"), key("2001:db8:1:2::9"));
        assert_ne!(key("2001:db8:1:3::1"), key("2001:db8:1:2::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    }
}
