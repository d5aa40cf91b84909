//! The identity of a series within a table: its tags.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The tags of a series as canonical text: `name=value` pairs sorted by name and joined by commas, with `,`, `=` and `\`
/// escaped by `\`. Empty for a series without tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeriesKey(Arc<str>);

impl SeriesKey {
    /// Builds the key from tags in ascending order of name; absent tags are left out by the caller.
    pub fn from_sorted<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::new();
        Self::write_sorted(tags, &mut text);
        Self(text.into())
    }

    /// Writes the key's text into a reused buffer, which is cleared first.
    pub fn write_sorted<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>, text: &mut String) {
        text.clear();
        for (name, value) in tags {
            if !text.is_empty() {
                text.push(',');
            }
            escape_into(name, text);
            text.push('=');
            escape_into(value, text);
        }
    }

    /// Wraps text that [`SeriesKey::write_sorted`] made.
    pub fn from_canonical(text: &str) -> Self {
        Self(text.into())
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tags, unescaped, in ascending order of name.
    pub fn tags(&self) -> Vec<(String, String)> {
        let mut tags = Vec::new();
        let (mut name, mut current) = (None, String::new());
        let mut characters = self.0.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => current.extend(characters.next()),
                '=' => name = Some(std::mem::take(&mut current)),
                ',' => {
                    if let Some(name) = name.take() {
                        tags.push((name, std::mem::take(&mut current)));
                    }
                }
                other => current.push(other),
            }
        }
        if let Some(name) = name {
            tags.push((name, current));
        }
        tags
    }
}

fn escape_into(text: &str, out: &mut String) {
    let is_special = |byte: u8| matches!(byte, b',' | b'=' | b'\\');
    if !text.bytes().any(is_special) {
        out.push_str(text);
        return;
    }
    for character in text.chars() {
        if u8::try_from(character).is_ok_and(is_special) {
            out.push('\\');
        }
        out.push(character);
    }
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tags_survive_the_canonical_text(tags in proptest::collection::btree_map("\\PC{1,8}", "\\PC{1,8}", 0..5)) {
            let key = SeriesKey::from_sorted(tags.iter().map(|(n, v)| (n.as_str(), v.as_str())));
            prop_assert_eq!(key.tags(), tags.into_iter().collect::<Vec<_>>());
        }
    }
}
