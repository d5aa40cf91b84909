//! Lists of links (RFC 6690), as `/.well-known/core` answers.
//!
//! `</sensors/dht>;rt="reading";if="sensor";ct="0 50";obs,…`

use std::borrow::Cow;
use std::fmt::Write as _;

/// A link to a resource; what is empty is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link<'l> {
    /// Its path, beginning with `/`.
    pub href: Cow<'l, str>,
    /// What it is: types, with spaces between them.
    pub rt: Cow<'l, str>,
    /// How it is dealt with (`if`): descriptions, with spaces between them.
    pub interface: Cow<'l, str>,
    /// For people.
    pub title: Cow<'l, str>,
    /// The Content-Formats that it has.
    pub content_formats: Cow<'l, [u16]>,
    /// Whether it can be observed (RFC 7641, section 6).
    pub is_observable: bool,
    /// Bytes that it has at most, for those that do not fit into one message.
    pub size: Option<u64>,
}

impl Link<'_> {
    /// Whether a filter such as `rt=temp*` lets it through (section 4.1). A filter by what is not written here lets nothing
    /// through.
    fn matches(&self, filter: &str) -> bool {
        let (name, wanted) = filter.split_once('=').map_or((filter, None), |(name, wanted)| (name, Some(wanted)));
        let words = |attribute: &str| {
            let is_one = |wanted| attribute.split(' ').any(|word| is_like(word, wanted));
            !attribute.is_empty() && wanted.is_none_or(is_one)
        };
        let whole = |attribute: &str| !attribute.is_empty() && wanted.is_none_or(|wanted| is_like(attribute, wanted));
        match name {
            "href" => whole(&self.href),
            "rt" => words(&self.rt),
            "if" => words(&self.interface),
            "title" => whole(&self.title),
            "ct" => words(&self.formats()),
            "obs" => self.is_observable && wanted.is_none_or(str::is_empty),
            "sz" => self.size.is_some_and(|size| whole(&size.to_string())),
            _ => false,
        }
    }

    fn formats(&self) -> String {
        let numbers: Vec<String> = self.content_formats.iter().map(u16::to_string).collect();
        numbers.join(" ")
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        for byte in self.href.bytes() {
            // What paths hold as it is (RFC 3986, section 3.3); the rest in hexadecimal.
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
                b'/' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' => {
                    out.push(char::from(byte))
                }
                b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'?' => out.push(char::from(byte)),
                _ => push_args(out, format_args!("%{byte:02X}")),
            }
        }
        out.push('>');
        for (name, value) in [("rt", &self.rt), ("if", &self.interface), ("title", &self.title)] {
            if !value.is_empty() {
                push_args(out, format_args!(";{name}=\""));
                for character in value.chars().filter(|character| !character.is_control()) {
                    if matches!(character, '"' | '\\') {
                        out.push('\\');
                    }
                    out.push(character);
                }
                out.push('"');
            }
        }
        match self.content_formats.as_ref() {
            [] => {}
            [one] => push_args(out, format_args!(";ct={one}")),
            _ => push_args(out, format_args!(";ct=\"{}\"", self.formats())),
        }
        if let Some(size) = self.size {
            push_args(out, format_args!(";sz={size}"));
        }
        if self.is_observable {
            out.push_str(";obs");
        }
    }
}

/// Writes the links that all filters let through, with commas between them.
pub fn write<'l, 'f>(
    links: impl IntoIterator<Item = Link<'l>>,
    filters: impl Iterator<Item = &'f str> + Clone,
) -> String {
    let mut out = String::new();
    for link in links {
        if filters.clone().all(|filter| link.matches(filter)) {
            if !out.is_empty() {
                out.push(',');
            }
            link.write(&mut out);
        }
    }
    out
}

/// Whether a value is the one that is wanted, or begins with what stands before a `*` at its end.
fn is_like(value: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => value == wanted,
    }
}

fn push_args(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a text never fails.
    let _ = out.write_fmt(args);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> [Link<'static>; 3] {
        [
            Link {
                href: "/sensors/dht".into(),
                rt: "temperature humidity".into(),
                interface: "sensor".into(),
                title: "The \"DHT\"".into(),
                content_formats: vec![0, 50].into(),
                is_observable: true,
                size: None,
            },
            Link { href: "/a b/ü".into(), content_formats: vec![40].into(), size: Some(70_000), ..Link::default() },
            Link { href: "/c".into(), rt: "temp".into(), ..Link::default() },
        ]
    }

    fn filtered(filters: &[&str]) -> String {
        write(links(), filters.iter().copied())
    }

    #[test]
    fn links_are_written() {
        assert_eq!(
            filtered(&[]),
            "</sensors/dht>;rt=\"temperature humidity\";if=\"sensor\";title=\"The \\\"DHT\\\"\";ct=\"0 50\";obs,\
             </a%20b/%C3%BC>;ct=40;sz=70000,</c>;rt=\"temp\""
        );
    }

    #[test]
    fn filters_choose() {
        for (filters, expected) in [
            (&["rt=humidity"][..], "</sensors/dht>"),
            (&["rt=temp"], "</c>"),
            (&["rt=temp*"], "</sensors/dht>,</c>"),
            (&["rt=temp*", "obs"], "</sensors/dht>"),
            (&["href=/sensors*"], "</sensors/dht>"),
            (&["href=/c"], "</c>"),
            (&["if=sensor"], "</sensors/dht>"),
            (&["title=The*"], "</sensors/dht>"),
            (&["ct=50"], "</sensors/dht>"),
            (&["ct=40"], "</a%20b/%C3%BC>"),
            (&["sz"], "</a%20b/%C3%BC>"),
            (&["colour=red"], ""),
            (&["rt=humid"], ""),
        ] {
            let out = filtered(filters);
            let bare: Vec<_> = out.split(",<").map(|link| link.split(';').next().unwrap()).collect();
            assert_eq!(bare.join(",<"), expected, "{filters:?}");
        }
    }
}
