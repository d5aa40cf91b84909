//! A JSON message as a tree of bounded size, with numbers as their text.
//!
//! Messages of makes are small and are asked for a key here and there, which is why they become a tree, as readings that are
//! JSON ([`crate::json`]) do not.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{DecodeError, MAX_VALUES};
use crate::json::MAX_DEPTH;
use crate::json::text::{first, text};
use crate::json::walk::{elements, entries};
use crate::time::{TimeTextError, epoch_ns, parse_utc};

/// Keys of an object that are looked at to recognise a make.
const MAX_KEYS: usize = 64;

/// A JSON value.
#[derive(Debug, PartialEq)]
pub(super) enum Tree<'b> {
    Null,
    Truth(bool),
    Number(&'b str),
    Text(Cow<'b, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'b, str>, Self)>),
}

/// The text of a body, without blanks around it.
pub(super) fn body_text(body: &[u8]) -> Result<&str, DecodeError> {
    let text = std::str::from_utf8(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))?.trim();
    if text.is_empty() { Err(DecodeError::Empty) } else { Ok(text) }
}

/// The first keys of an object, and the byte that each value begins with; `None` when the body is something else.
pub(super) fn keys(body: &[u8]) -> Option<Vec<(Cow<'_, str>, u8)>> {
    let object = body_text(body).ok().filter(|text| text.starts_with('{'))?;
    let mut keys = Vec::new();
    let walked: Result<(), DecodeError> = entries(object, |key, value| {
        if keys.len() < MAX_KEYS {
            keys.push((key, first(value)));
        }
        Ok(())
    });
    walked.ok().map(|()| keys)
}

impl<'b> Tree<'b> {
    /// Reads a whole body.
    pub(super) fn read(body: &'b [u8]) -> Result<Self, DecodeError> {
        let value: &RawValue = serde_json::from_str(body_text(body)?)?;
        let mut left = MAX_VALUES;
        grown(value.get(), 0, &mut left)
    }

    /// Reads a body that is an object.
    pub(super) fn object(body: &'b [u8], make: &'static str) -> Result<Self, DecodeError> {
        let tree = Self::read(body)?;
        if tree.is_object() { Ok(tree) } else { Err(DecodeError::Shape { make, expected: "a JSON object" }) }
    }

    /// The value of a key of an object; the last one where it stands twice.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(found, _)| found == key).map(|(_, value)| value)
    }

    /// The value below several keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |tree, key| tree.get(key))
    }

    /// The text below several keys, unless it is empty or something else.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        match self.at(path) {
            Some(Self::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The entries of an object; none of other values.
    pub(super) fn entries(&self) -> &[(Cow<'b, str>, Self)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none of other values.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The nearest double to a number.
    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// The time that a number or a text means, in the given unit or in the one that its size tells.
    pub(super) fn time(&self, precision: Option<sensorium_model::Precision>) -> Result<i64, TimeTextError> {
        match self {
            Self::Number(text) => epoch_ns(text, precision).unwrap_or_else(|| parse_utc(text, precision)),
            Self::Text(text) => parse_utc(text, precision),
            _ => Err(TimeTextError::Unknown(String::new())),
        }
    }
}

fn grown<'b>(value: &'b str, depth: usize, left: &mut usize) -> Result<Tree<'b>, DecodeError> {
    *left = left.checked_sub(1).ok_or(DecodeError::TooManyValues)?;
    Ok(match first(value) {
        b'{' | b'[' if depth >= MAX_DEPTH => return Err(DecodeError::TooDeep),
        b'{' => {
            let mut object = Vec::new();
            entries(value, |key, value| {
                object.push((key, grown(value, depth + 1, left)?));
                Ok::<(), DecodeError>(())
            })?;
            Tree::Object(object)
        }
        b'[' => {
            let mut list = Vec::new();
            elements(value, |_, value| {
                list.push(grown(value, depth + 1, left)?);
                Ok::<(), DecodeError>(())
            })?;
            Tree::List(list)
        }
        b'"' => Tree::Text(text(value).ok_or_else(|| DecodeError::Text(value.chars().take(40).collect()))?),
        b'n' => Tree::Null,
        b't' => Tree::Truth(true),
        b'f' => Tree::Truth(false),
        _ => Tree::Number(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_keys() {
        let tree = Tree::read(br#" {"a":{"b":[1,"x"],"c":""},"d":null,"a2":true,"d":-5e1} "#).unwrap();
        assert_eq!(tree.at(&["a", "b"]).unwrap().items(), [Tree::Number("1"), Tree::Text("x".into())]);
        assert_eq!(tree.get("d").and_then(Tree::float), Some(-50.0));
        assert_eq!((tree.text_at(&["a", "c"]), tree.text_at(&["a", "b"]), tree.at(&["a2", "x"])), (None, None, None));
        assert_eq!(tree.get("a2"), Some(&Tree::Truth(true)));
    }

    #[test]
    fn a_tree_is_bounded() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Tree::read(nested(MAX_DEPTH).as_bytes()).is_ok());
        for levels in [MAX_DEPTH + 1, 50_000] {
            assert!(matches!(Tree::read(nested(levels).as_bytes()), Err(DecodeError::TooDeep)));
        }
        let wide = |values: usize| format!("[{}]", vec!["1"; values].join(","));
        assert!(Tree::read(wide(MAX_VALUES - 1).as_bytes()).is_ok());
        assert!(matches!(Tree::read(wide(MAX_VALUES).as_bytes()), Err(DecodeError::TooManyValues)));
    }

    #[test]
    fn what_is_no_json_is_told() {
        assert!(matches!(Tree::read(b""), Err(DecodeError::Empty)));
        assert!(matches!(Tree::read(b" \n"), Err(DecodeError::Empty)));
        assert!(matches!(Tree::read(b"\xff"), Err(DecodeError::Encoding { .. })));
        assert!(matches!(Tree::read(b"{\"a\":"), Err(DecodeError::Syntax { .. })));
        assert!(matches!(Tree::read(b"\"\\ud800\""), Err(DecodeError::Text(_))));
        assert!(matches!(Tree::object(b"5", "x"), Err(DecodeError::Shape { .. })));
        assert_eq!(keys(b"[1]"), None);
        assert_eq!(keys(b"{\"a\":[1],\"b\":\"x\"}"), Some(vec![("a".into(), b'['), ("b".into(), b'"')]));
    }
}
