//! Objects of which nobody told us the shape: what is in them becomes fields, under a table and a tag that their topic gives.

use std::fmt;

use sensorium_model::{BatchBuilder, Point};
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Items, JsonError, Options};
use crate::refusals::Refusals;

/// As [`super::decode`], of a body that [`check`] found to be right. Objects that name a table or have tags are readings as we
/// describe them.
pub(crate) fn decode_any_shape<'b>(
    body: &'b [u8],
    topic: &'b str,
    options: &Options<'_>,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, JsonError> {
    Items { options, topic: Some(topic), tags: &[], builder, refusals, point: Point::default(), seen: 0 }.run(body)
}

/// Fails unless a body is JSON to its end, and all of it objects and lists of objects.
pub(crate) fn check(body: &[u8]) -> Result<(), JsonError> {
    for document in serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>() {
        let document = document.map_err(|source| JsonError::Syntax { source })?.get();
        let is_right = match document.as_bytes().first() {
            Some(b'{') => true,
            Some(b'[') => {
                let mut list = serde_json::Deserializer::from_str(document);
                list.deserialize_seq(AreObjects).map_err(|source| JsonError::Syntax { source })?
            }
            _ => false,
        };
        if !is_right {
            return Err(JsonError::NotObjects);
        }
    }
    Ok(())
}

/// Whether a list holds nothing but objects.
struct AreObjects;

impl<'b> Visitor<'b> for AreObjects {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<bool, A::Error> {
        let mut are_objects = true;
        while let Some(item) = list.next_element::<&'b RawValue>()? {
            are_objects &= item.get().starts_with('{');
        }
        Ok(are_objects)
    }
}
