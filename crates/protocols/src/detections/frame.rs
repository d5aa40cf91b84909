//! One frame: the camera, the time, the size, and the text of each object.

use std::borrow::Cow;
use std::fmt;

use sensorium_model::Precision;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{Frames, MAX_OBJECTS};
use crate::json::text::{Text, first, text};
use crate::time::{TimeTextError, parse_utc};

/// What is wrong with a frame.
#[derive(Debug, Error)]
pub(super) enum FrameError {
    #[error("a frame is a JSON object like {{\"camera\": \"entrance-2\", \"objects\": []}}")]
    NotAnObject,
    #[error("the frame names no camera; add \"camera\": \"…\"")]
    NoCamera,
    #[error("\"camera\" is text that is not empty")]
    Camera,
    #[error("\"objects\" is a list of what was found in the frame, and an empty one when nothing was")]
    Objects,
    #[error("\"frame\" is the size of the frame in pixels, like {{\"w\": 1920, \"h\": 1080}}")]
    Size,
    #[error("{0}")]
    Time(#[from] TimeTextError),
    #[error(
        "this is the second frame of camera {0:?} without a time in one request, and both would get the same; give \
         each its \"time\""
    )]
    SecondWithoutTime(String),
    #[error("no image is accepted, and {0:?} sounds like one; send only what was found in it")]
    Image(String),
    #[error("{0:?} is unknown here; a frame has the keys camera, time, frame and objects")]
    Unknown(String),
}

/// What the objects of a frame have in common.
#[derive(Debug, Default)]
pub(super) struct Head<'b> {
    pub(super) camera: Cow<'b, str>,
    pub(super) time_ns: Option<i64>,
    pub(super) width: Option<i64>,
    pub(super) height: Option<i64>,
}

impl<'b> Head<'b> {
    fn set(&mut self, key: &str, value: &'b str, precision: Option<Precision>) -> Result<(), FrameError> {
        match (key, first(value)) {
            ("camera", _) => self.camera = text(value).filter(|name| !name.is_empty()).ok_or(FrameError::Camera)?,
            ("time" | "frame", b'n') => {}
            ("time", b'"') => self.time_ns = Some(parse_utc(&text(value).unwrap_or_default(), precision)?),
            ("time", _) => self.time_ns = Some(parse_utc(value, precision)?),
            ("frame", _) => {
                let size: Size = serde_json::from_str(value).map_err(|_| FrameError::Size)?;
                (self.width, self.height) = (Some(size.w.into()), Some(size.h.into()));
            }
            (key, _) if sounds_like_image(key) => return Err(FrameError::Image(shown(key))),
            (key, _) => return Err(FrameError::Unknown(shown(key))),
        }
        Ok(())
    }
}

/// The size of a frame in pixels.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    w: u32,
    h: u32,
}

/// Words in the names of keys that hold images.
const IMAGE_WORDS: [&str; 10] = ["image", "img", "jpeg", "jpg", "png", "webp", "thumb", "picture", "photo", "snapshot"];
/// Keys that hold images and whose words also mean other things elsewhere.
const IMAGE_KEYS: [&str; 5] = ["data", "crop", "pixels", "bitmap", "base64"];

/// Whether a key is likely to hold an image.
pub(super) fn sounds_like_image(key: &str) -> bool {
    let key = shown(key).to_lowercase();
    IMAGE_KEYS.contains(&key.as_str()) || IMAGE_WORDS.iter().any(|word| key.contains(word))
}

/// The start of a key, which may be as long as the request.
pub(super) fn shown(key: &str) -> String {
    key.chars().take(40).collect()
}

/// Whatever a value is except for a map and a list: it was read and is something else than expected.
macro_rules! any_other {
    ($self:ident, $do:expr) => {
        fn visit_bool<E>($self, _: bool) -> Result<Self::Value, E> {
            Ok($do)
        }

        fn visit_i64<E>($self, _: i64) -> Result<Self::Value, E> {
            Ok($do)
        }

        fn visit_u64<E>($self, _: u64) -> Result<Self::Value, E> {
            Ok($do)
        }

        fn visit_f64<E>($self, _: f64) -> Result<Self::Value, E> {
            Ok($do)
        }

        fn visit_str<E>($self, _: &str) -> Result<Self::Value, E> {
            Ok($do)
        }

        fn visit_unit<E>($self) -> Result<Self::Value, E> {
            Ok($do)
        }
    };
}

/// The whole body.
pub(super) struct Body<'f, 'i, 's, 'b>(pub(super) &'f mut Frames<'i, 's, 'b>);

impl<'b> Visitor<'b> for Body<'_, '_, '_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame or a list of frames")
    }

    fn visit_map<A: MapAccess<'b>>(self, map: A) -> Result<(), A::Error> {
        Frame(self.0).visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Frame(self.0))?.is_some() {}
        Ok(())
    }
}

/// A frame, or what stands in its place.
struct Frame<'f, 'i, 's, 'b>(&'f mut Frames<'i, 's, 'b>);

impl Frame<'_, '_, '_, '_> {
    fn refuse(self) {
        self.0.frame = self.0.frame.saturating_add(1);
        self.0.refuse(&FrameError::NotAnObject, 1);
    }
}

impl<'b> DeserializeSeed<'b> for Frame<'_, '_, '_, 'b> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for Frame<'_, '_, '_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        let frames = self.0;
        frames.frame = frames.frame.saturating_add(1);
        frames.objects.clear();
        let mut head = Head::default();
        let mut found = None;
        let mut wrong = None;
        while let Some(Text(key)) = map.next_key::<Text<'b>>()? {
            let read = if key == "objects" {
                found = map.next_value_seed(Objects(&mut frames.objects))?;
                found.map(|_| ()).ok_or(FrameError::Objects)
            } else {
                head.set(&key, map.next_value::<&'b RawValue>()?.get(), frames.options.precision)
            };
            // The rest is read too, because the next frame stands behind it.
            wrong = wrong.or(read.err());
        }
        let wrong = wrong.or_else(|| head.camera.is_empty().then_some(FrameError::NoCamera));
        let wrong = wrong.or_else(|| found.is_none().then_some(FrameError::Objects));
        frames.take(wrong.map_or(Ok(head), Err), found.unwrap_or_default());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.refuse();
        Ok(())
    }

    any_other!(self, self.refuse());
}

/// The list of a frame's objects: keeps the text of those that have a place, and counts all. `None` if it is no list.
struct Objects<'o, 'b>(&'o mut Vec<&'b str>);

impl<'b> DeserializeSeed<'b> for Objects<'_, 'b> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for Objects<'_, 'b> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<Option<usize>, A::Error> {
        self.0.clear();
        let mut count = 0;
        while let Some(object) = list.next_element::<&'b RawValue>()? {
            count += 1;
            if count <= MAX_OBJECTS {
                self.0.push(object.get());
            }
        }
        Ok(Some(count))
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<Option<usize>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    any_other!(self, None);
}
