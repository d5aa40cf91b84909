//! Hosts and addresses that a person filled in: only what no program misreads.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest address, in characters.
const URL_CHARACTERS: usize = 200;

/// What is wrong with the name or the IP address of a host.
pub(crate) fn host_problem(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        return Some("is empty");
    }
    if host.contains(':') {
        return host.parse::<Ipv6Addr>().is_err().then_some("is not an IPv6 address");
    }
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return host.parse::<Ipv4Addr>().is_err().then_some("is not an IPv4 address");
    }
    let is_label = |label: &str| {
        let letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        !label.is_empty() && label.len() <= 63 && letters && !label.starts_with('-') && !label.ends_with('-')
    };
    (host.len() > 253 || !host.split('.').all(is_label)).then_some("is not a host name")
}

/// The base address of a server without a slash at its end, or what is wrong with it.
pub(crate) fn base_url(text: &str) -> Result<String, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("does not begin with http:// or https://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err("does not begin with http:// or https://");
    }
    if text.chars().count() > URL_CHARACTERS {
        return Err("is longer than 200 characters");
    }
    let rest = rest.trim_end_matches('/');
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("holds a user name; the token has a field of its own");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("has an IPv6 address without its closing bracket")?;
            if !host.contains(':') {
                return Err("has brackets around something else than an IPv6 address");
            }
            match port {
                "" => (host, None),
                port => (host, Some(port.strip_prefix(':').ok_or("has something else than a port after the bracket")?)),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host_problem(host).is_some() {
        return Err("has no valid host name or IP address");
    }
    if let Some(port) = port
        && (port.bytes().any(|byte| !byte.is_ascii_digit()) || port.parse::<u16>().map_or(true, |port| port == 0))
    {
        return Err("has a port that is not a number from 1 to 65535");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte);
    if !path.bytes().all(plain) {
        return Err("has a character in its path that cannot stand there");
    }
    Ok(format!("{scheme}://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_addresses_are_taken_and_lose_their_last_slash() {
        for (given, kept) in [
            ("http://192.168.1.10:8086", "http://192.168.1.10:8086"),
            ("HTTPS://sensors.example.org/", "https://sensors.example.org"),
            ("https://example.org/a/b-c//", "https://example.org/a/b-c"),
            ("http://[fe80::1]:8086", "http://[fe80::1]:8086"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(base_url(given).as_deref(), Ok(kept));
        }
        for given in [
            "",
            "192.168.1.10",
            "ftp://x",
            "http://",
            "http:///x",
            "http://a b",
            "http://u:p@h",
            "http://h:0",
            "http://h:+1",
            "http://h:99999",
            "http://h:",
            "http://h/a?b",
            "http://h/#x",
            "http://h/\"",
            "http://h/\n",
            "http://999.1.1.1",
            "http://[::1",
            "http://[x]",
            "http://[::1]x",
            "http://-a",
            "http://a..b",
            "http://ä.example",
            "http://h/\\",
        ] {
            assert!(base_url(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for host in ["localhost", "a.b-c.example", "10.0.0.1", "::1", "fe80::1"] {
            assert_eq!(host_problem(host), None, "{host}");
        }
        for host in ["", "a b", "-a", "a-", "1.2.3", "a:b", "a_b", "[::1]", "x\n", &"a".repeat(64)] {
            assert!(host_problem(host).is_some(), "{host:?}");
        }
    }
}
