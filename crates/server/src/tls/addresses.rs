//! The names and addresses that this machine has, from `/proc/net`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most addresses that a certificate names.
const MOST: usize = 64;
/// `IFA_F_TEMPORARY` of `linux/if_addr.h`: an address that is another one tomorrow.
const TEMPORARY: u32 = 0x01;

/// All addresses of this machine that a client can name; none where there is no `/proc`.
pub(super) fn of_this_machine() -> Vec<IpAddr> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let mut found = parse_v4(&read("/proc/net/fib_trie"));
    found.extend(parse_v6(&read("/proc/net/if_inet6")));
    found
}

/// Adds the addresses that clients on this machine use; each address once, in a fixed order.
pub(super) fn with_loopback(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(MOST);
    addresses
}

/// Whether a certificate can name a host like this (RFC 1123, section 2.1).
pub(super) fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Leaves of the routing trie that are addresses of this machine: `|-- 192.168.1.7` followed by `/32 host LOCAL`.
fn parse_v4(trie: &str) -> Vec<IpAddr> {
    let mut leaf = None;
    let mut found = Vec::new();
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(leaf.map(IpAddr::V4));
        }
    }
    found
}

/// Lines of 32 hexadecimal digits, interface, prefix, scope and flags; without those that only a link knows.
fn parse_v6(table: &str) -> Vec<IpAddr> {
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let bits = u128::from_str_radix(words.next()?, 16).ok()?;
        let flags = u32::from_str_radix(words.nth(3)?, 16).ok()?;
        let address = Ipv6Addr::from_bits(bits);
        (!address.is_unicast_link_local() && flags & TEMPORARY == 0).then_some(IpAddr::V6(address))
    };
    table.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_the_tables_of_the_kernel() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 127.0.0.0\n        /8 host \
                    LOCAL\n     |-- 192.168.1.7\n        /32 host LOCAL\n     |-- 192.168.1.255\n        /32 link BROADCAST\n";
        assert_eq!(parse_v4(trie), ["192.168.1.7".parse::<IpAddr>().unwrap()]);
        let table = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n\
                     20010db8000000000000000000000002 04 40 00 80     eth0\n\
                     20010db8000000000000000000000003 04 40 00 01     eth0\nnonsense\n";
        assert_eq!(parse_v6(table), ["2001:db8::2".parse::<IpAddr>().unwrap()]);
        let with = with_loopback(vec!["::1".parse().unwrap(), "10.0.0.1".parse().unwrap()]);
        assert_eq!(with.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.1", "127.0.0.1", "::1"]);
    }

    #[test]
    fn only_names_that_a_certificate_can_hold_are_taken() {
        for good in ["box", "box-1.example.org", "0123456789ab"] {
            assert!(is_host_name(good), "{good}");
        }
        for bad in ["", "a_b", "-a", "a-", "a..b", "bücher", &"x".repeat(64)] {
            assert!(!is_host_name(bad), "{bad}");
        }
    }
}
