//! E-mail addresses: the part of RFC 5321 that people have.
//!
//! An address is ASCII, in lower case, and of the form `dot-atom@domain`: no quoted local parts, no comments, no address literals, no
//! white space and no control characters, so that it can stand in a header and in an SMTP command as it is.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
pub const MAX_BYTES: usize = 254;
/// The longest part before the `@`, in bytes.
const MAX_LOCAL: usize = 64;
/// The longest part of a domain between two dots, in bytes.
const MAX_LABEL: usize = 63;

/// An address that mail can be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress(String);

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("write it as name@example.org, in at most 254 letters, digits and signs of ASCII")]
pub struct EmailError;

impl EmailAddress {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What may stand in logs and in the record of changes: the first letter, and where it goes.
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.split_once('@').unwrap_or_default();
        let first: String = local.chars().take(1).collect();
        format!("{first}…@{domain}")
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmailAddress {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim_matches(' ');
        let (local, domain) = text.split_once('@').ok_or(EmailError)?;
        let is_local = (1..=MAX_LOCAL).contains(&local.len()) && local.split('.').all(is_atom);
        if text.len() <= MAX_BYTES && is_local && domain.split('.').all(is_label) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(EmailError)
        }
    }
}

/// An atom of RFC 5322, section 3.2.3.
fn is_atom(text: &str) -> bool {
    let is_sign = |byte: &u8| b"!#$%&'*+-/=?^_`{|}~".contains(byte);
    !text.is_empty() && text.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}

/// A label of a domain (RFC 1123, section 2.1).
fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_have_is_taken_in_lower_case() {
        for good in ["ada@example.org", "a.b+c@mail.example.org", "root@localhost", "o'neil@xn--bcher-kva.example"] {
            assert_eq!(good.parse::<EmailAddress>().map(|address| address.to_string()), Ok(good.to_owned()));
        }
        assert_eq!(" Ada@Example.ORG ".parse::<EmailAddress>().map(|address| address.0), Ok("ada@example.org".into()));
    }

    #[test]
    fn what_could_be_more_than_an_address_is_not() {
        let long = format!("{}@example.org", "x".repeat(65));
        let longer = format!("a@{}", ["x".repeat(60).as_str(); 5].join("."));
        for bad in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.org",
            "a@b@c",
            "a b@example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada@exam\nple.org",
            "\tada@example.org",
            "<ada@example.org>",
            "Ada <ada@example.org>",
            "\"a b\"@example.org",
            "a,b@example.org",
            "a;b@example.org",
            ".a@example.org",
            "a..b@example.org",
            "a@-b.org",
            "a@b..org",
            "a@b.org.",
            "a@[127.0.0.1]",
            "ä@example.org",
            "a@bücher.example",
            "a\u{0}@example.org",
            &long,
            &longer,
        ] {
            assert_eq!(bad.parse::<EmailAddress>(), Err(EmailError), "{bad:?}");
        }
    }

    #[test]
    fn masks_keep_no_name() {
        let masked = |text: &str| text.parse::<EmailAddress>().map(|address| address.masked());
        assert_eq!(masked("ada@example.org"), Ok("a…@example.org".to_owned()));
        assert_eq!(masked("a@b"), Ok("a…@b".to_owned()));
    }
}
