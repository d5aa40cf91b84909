//! Strings of JSON, without a copy where they hold no escapes.

use std::borrow::Cow;
use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

/// The byte that tells what a value is.
pub(crate) fn first(value: &str) -> u8 {
    value.as_bytes().first().copied().unwrap_or(b'n')
}

/// The text of a JSON string; `None` when it is something else or holds half a surrogate pair.
pub(crate) fn text(value: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(value).ok().map(|text| text.0)
}

/// A string, borrowed when it holds no escapes.
pub(crate) struct Text<'b>(pub(crate) Cow<'b, str>);

impl<'b> Deserialize<'b> for Text<'b> {
    fn deserialize<D: Deserializer<'b>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'b> Visitor<'b> for TextVisitor {
            type Value = Text<'b>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E>(self, text: &'b str) -> Result<Text<'b>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'b>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}
