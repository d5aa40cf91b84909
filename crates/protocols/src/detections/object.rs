//! One object of a frame: from its text to its values.

use std::borrow::Cow;
use std::fmt;

use sensorium_model::MAX_VECTOR_NUMBERS;
use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use super::MAX_CLASS_BYTES;
use super::frame::{shown, sounds_like_image};
use crate::json::text::{Text, first, text};

/// What is wrong with an object.
#[derive(Debug, Error)]
pub(super) enum ObjectError {
    #[error(
        "an object is a JSON object like {{\"class\": \"person\", \"score\": 0.91, \"bbox\": [812, 340, 96, 212]}}"
    )]
    NotAnObject,
    #[error("the object has no \"{0}\"; class, score and bbox are needed")]
    Missing(&'static str),
    #[error("\"class\" is text of 1 to {MAX_CLASS_BYTES} bytes")]
    Class,
    #[error("\"score\" is a number")]
    Score,
    #[error("\"bbox\" is four numbers, [x, y, width, height], and the width and height are not negative")]
    Bbox,
    #[error("\"track\" is a whole number of at most 64 bits")]
    Track,
    #[error("\"embedding\" is a list of 1 to {MAX_VECTOR_NUMBERS} numbers within 32-bit floats")]
    Embedding,
    #[error("no image is accepted, and {0:?} sounds like one; send only what was found in it")]
    Image(String),
    #[error("{0:?} is unknown here; an object has the keys class, score, bbox, track and embedding")]
    Unknown(String),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// The values of an object.
#[derive(Debug, PartialEq)]
pub(super) struct Object<'b> {
    pub(super) class: Cow<'b, str>,
    pub(super) score: f64,
    pub(super) bbox: [f64; 4],
    pub(super) track: Option<i64>,
    pub(super) embedding: Option<Vec<f32>>,
}

/// The values so far.
#[derive(Default)]
struct Values<'b> {
    class: Option<Cow<'b, str>>,
    score: Option<f64>,
    bbox: Option<[f64; 4]>,
    track: Option<i64>,
    embedding: Option<Vec<f32>>,
}

impl<'b> Object<'b> {
    /// Reads the text of a JSON value.
    pub(super) fn read(object: &'b str) -> Result<Self, ObjectError> {
        if first(object) != b'{' {
            return Err(ObjectError::NotAnObject);
        }
        let (mut values, mut wrong) = (Values::default(), None);
        let keys = Keys { values: &mut values, wrong: &mut wrong };
        let read = serde_json::Deserializer::from_str(object).deserialize_map(keys);
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        read?;
        Ok(Self {
            class: values.class.ok_or(ObjectError::Missing("class"))?,
            score: values.score.ok_or(ObjectError::Missing("score"))?,
            bbox: values.bbox.ok_or(ObjectError::Missing("bbox"))?,
            track: values.track,
            embedding: values.embedding,
        })
    }
}

impl<'b> Values<'b> {
    fn set(&mut self, key: &str, value: &'b str) -> Result<(), ObjectError> {
        match key {
            "class" => {
                let fits = |class: &Cow<'_, str>| (1..=MAX_CLASS_BYTES).contains(&class.len());
                self.class = Some(text(value).filter(fits).ok_or(ObjectError::Class)?);
            }
            "score" => self.score = Some(number(value).ok_or(ObjectError::Score)?),
            "bbox" => self.bbox = Some(bbox(value).ok_or(ObjectError::Bbox)?),
            "track" if value == "null" => self.track = None,
            "track" => self.track = Some(value.parse().map_err(|_| ObjectError::Track)?),
            "embedding" if value == "null" => self.embedding = None,
            "embedding" => self.embedding = Some(embedding(value).ok_or(ObjectError::Embedding)?),
            key if sounds_like_image(key) => return Err(ObjectError::Image(shown(key))),
            key => return Err(ObjectError::Unknown(shown(key))),
        }
        Ok(())
    }
}

/// The nearest double to a JSON number; `None` for other values, and for a number that is too large. JSON has no word for
/// what else the standard library reads as a number.
fn number(value: &str) -> Option<f64> {
    value.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Four numbers of a JSON list. It is well-formed, so that only a comma between numbers stands between two numbers.
fn bbox(value: &str) -> Option<[f64; 4]> {
    let mut parts = value.strip_prefix('[')?.strip_suffix(']')?.split(',');
    let mut bbox = [0.0; 4];
    for slot in &mut bbox {
        *slot = number(parts.next()?.trim_ascii())?;
    }
    let [_, _, width, height] = bbox;
    (parts.next().is_none() && width >= 0.0 && height >= 0.0).then_some(bbox)
}

/// The numbers of a JSON list that is not empty, each the nearest 32-bit float.
fn embedding(value: &str) -> Option<Vec<f32>> {
    let list = value.strip_prefix('[')?.strip_suffix(']')?;
    let number = |text: &str| text.trim_ascii().parse().ok().filter(|number: &f32| number.is_finite());
    let count = memchr::memchr_iter(b',', list.as_bytes()).count() + 1;
    let mut numbers = Vec::with_capacity(count.min(MAX_VECTOR_NUMBERS));
    if count <= MAX_VECTOR_NUMBERS {
        for text in list.split(',') {
            numbers.push(number(text)?);
        }
    }
    (!numbers.is_empty()).then_some(numbers)
}

/// Walks over the keys of an object and stops at the first wrong value, which it puts aside.
struct Keys<'k, 'b> {
    values: &'k mut Values<'b>,
    wrong: &'k mut Option<ObjectError>,
}

impl<'b> Visitor<'b> for Keys<'_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(key), value)) = map.next_entry::<Text<'b>, &'b RawValue>()? {
            if let Err(error) = self.values.set(&key, value.get()) {
                *self.wrong = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
