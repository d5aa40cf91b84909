//! Walks over the entries of objects and the elements of lists, each as its text, and names what is nested.

use std::borrow::Cow;
use std::fmt;

use sensorium_model::names::MAX_NAME_BYTES;
use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use super::text::Text;

/// A name that is too long for a column together with the names around it.
#[derive(Debug, Error)]
#[error(
    "the name that begins with {start:?} has {bytes} bytes with what is nested in it; at most {MAX_NAME_BYTES} are possible"
)]
pub(crate) struct LongName {
    start: String,
    bytes: usize,
}

/// The name of a nested value. It is checked before it is made, so that a long name is not copied for each value in it.
pub(crate) fn flattened(outer: &str, inner: &str) -> Result<Cow<'static, str>, LongName> {
    match outer.len() + 1 + inner.len() {
        bytes if bytes > MAX_NAME_BYTES => Err(LongName { start: outer.chars().take(40).collect(), bytes }),
        _ => Ok(Cow::Owned(format!("{outer}_{inner}"))),
    }
}

/// Calls `each` for the entries of an object, with the text of each value.
pub(crate) fn entries<'b, E: From<serde_json::Error>>(
    object: &'b str,
    each: impl FnMut(Cow<'b, str>, &'b str) -> Result<(), E>,
) -> Result<(), E> {
    let mut failure = None;
    let visitor = Each { map: Some(each), failure: &mut failure, list: None::<fn(usize, &'b str) -> Result<(), E>> };
    let walked = serde_json::Deserializer::from_str(object).deserialize_map(visitor);
    outcome(walked, failure)
}

/// Calls `each` for the elements of a list, with the text of each value.
pub(crate) fn elements<'b, E: From<serde_json::Error>>(
    list: &'b str,
    each: impl FnMut(usize, &'b str) -> Result<(), E>,
) -> Result<(), E> {
    let mut failure = None;
    let map = None::<fn(Cow<'b, str>, &'b str) -> Result<(), E>>;
    let visitor = Each { map, failure: &mut failure, list: Some(each) };
    let walked = serde_json::Deserializer::from_str(list).deserialize_seq(visitor);
    outcome(walked, failure)
}

fn outcome<E: From<serde_json::Error>>(walked: Result<(), serde_json::Error>, failure: Option<E>) -> Result<(), E> {
    match (failure, walked) {
        (Some(failure), _) => Err(failure),
        (None, walked) => walked.map_err(E::from),
    }
}

/// Walks over a map or a list and stops at the first failure, which it puts aside.
struct Each<'f, M, L, E> {
    map: Option<M>,
    list: Option<L>,
    failure: &'f mut Option<E>,
}

impl<'b, M, L, E> Visitor<'b> for Each<'_, M, L, E>
where
    M: FnMut(Cow<'b, str>, &'b str) -> Result<(), E>,
    L: FnMut(usize, &'b str) -> Result<(), E>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        let mut each = self.map;
        while let Some((key, value)) = map.next_entry::<Text<'b>, &'b RawValue>()? {
            let Some(Err(error)) = each.as_mut().map(|each| each(key.0, value.get())) else { continue };
            *self.failure = Some(error);
            return Err(A::Error::custom("stopped"));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<(), A::Error> {
        let mut each = self.list;
        let mut index = 0;
        while let Some(value) = list.next_element::<&'b RawValue>()? {
            if let Some(Err(error)) = each.as_mut().map(|each| each(index, value.get())) {
                *self.failure = Some(error);
                return Err(A::Error::custom("stopped"));
            }
            index += 1;
        }
        Ok(())
    }
}
