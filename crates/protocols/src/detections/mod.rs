//! Detections as JSON: what was found in a camera's frame, or in a list of frames.
//!
//! ```json
//! {"camera": "entrance-2", "time": "2026-02-04T17:51:00.2Z", "frame": {"w": 1920, "h": 1080},
//!  "objects": [{"class": "person", "score": 0.91, "bbox": [812.5, 340, 96, 212.5], "track": 17}]}
//! ```
//!
//! An object becomes a row of [`TABLE`]:
//! - tags `camera` and `object`, the object's place in its frame, from 1. Together with the time they are the key, so that
//!   the objects of a frame stay apart, and a frame that is sent twice is stored once. There are at most as many series as
//!   cameras times [`MAX_OBJECTS`], whatever classes and tracks a detector invents;
//! - fields `class` (text), `score`, `x`, `y`, `w` and `h` (doubles), and, where they are given, `frame_w`, `frame_h` and
//!   `track` (integers) and `embedding` (a vector, whose length the first one decides).
//!
//! `time` is as in readings ([`crate::time::parse_utc`]); without it a frame gets the time of receipt, once per camera and
//! request. An image is not accepted: keys that are not known are refused, and none takes more text than
//! [`MAX_CLASS_BYTES`] or the limit of tags.
//!
//! An object or a frame that breaks a rule costs only itself and is refused under its [`place`]. Text that is no JSON refuses
//! the request as a whole.
//!
//! The objects of a frame are read after its end, because the camera and the time may stand behind them: each object's
//! text is skipped once and read once, and nothing is allocated for it but its embedding.

mod frame;
mod object;

use std::borrow::Cow;
use std::collections::HashSet;
use std::str::Utf8Error;
use std::sync::LazyLock;

use sensorium_model::{BatchBuilder, ErrorKind, Point, Precision, RowError, Value};
use serde::Deserializer as _;
use thiserror::Error;

use self::frame::{Body, FrameError, Head};
use self::object::Object;
use crate::refusals::Refusals;

/// The table of detections.
pub const TABLE: &str = "detections";

/// Objects of one frame.
pub const MAX_OBJECTS: usize = 1_000;

/// The longest class, in bytes.
pub const MAX_CLASS_BYTES: usize = 255;

/// The lowest bits of a row's number, which hold the place of an object in its frame; the others are the frame's.
const OBJECT_BITS: u32 = 10;

/// The places of objects as text.
static PLACES: LazyLock<Vec<String>> = LazyLock::new(|| (1..=MAX_OBJECTS).map(|place| place.to_string()).collect());

/// How to read a body.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The unit of times that are numbers; guessed by their size when absent.
    pub precision: Option<Precision>,
    /// The time of frames without one: when the request was received, nanoseconds since the epoch.
    pub now_ns: i64,
}

/// Why a body is refused as a whole.
#[derive(Debug, Error)]
pub enum DetectionsError {
    /// There is nothing in it.
    #[error("the body is empty; send a frame as a JSON object, or a list of them")]
    Empty,
    /// It is no text.
    #[error("the body is no text: {source}")]
    Encoding {
        /// Where it stops to be text.
        #[source]
        source: Utf8Error,
    },
    /// It is no JSON, or neither a frame nor a list of them.
    #[error("the body cannot be read: {source}")]
    Syntax {
        /// What the parser found, with line and column.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads a whole body into the builder; refused objects and frames go to `refusals`, under numbers of which [`place`] tells
/// what they mean. Returns the number of objects that were seen, a refused frame without any counting as one. After an
/// error the builder holds the frames before it and must be thrown away.
pub fn decode(
    body: &[u8],
    options: Options,
    builder: &mut BatchBuilder<'_>,
    refusals: &mut Refusals,
) -> Result<u64, DetectionsError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(DetectionsError::Empty);
    }
    let text = std::str::from_utf8(body).map_err(|source| DetectionsError::Encoding { source })?;
    let mut frames = Frames {
        options,
        builder,
        refusals,
        point: Point::default(),
        objects: Vec::new(),
        without_time: HashSet::new(),
        frame: 0,
        seen: 0,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = json.deserialize_any(Body(&mut frames)).and_then(|()| json.end());
    read.map_err(|source| DetectionsError::Syntax { source })?;
    Ok(frames.seen)
}

/// The number of the frame that the number of a row stands for, from 1, and the row's place as text: `frame 3, object 7`.
pub fn place(line: u32) -> (u32, String) {
    let (frame, object) = (line >> OBJECT_BITS, line & ((1 << OBJECT_BITS) - 1));
    let place = if object == 0 { format!("frame {frame}") } else { format!("frame {frame}, object {object}") };
    (frame, place)
}

/// The number of a row: the frame's, and the object's place in it, 0 for the frame as a whole. Frames beyond four million
/// share a number; there are less rows in a request.
fn line(frame: u32, object: usize) -> u32 {
    let most = (1 << OBJECT_BITS) - 1;
    (frame.min(u32::MAX >> OBJECT_BITS) << OBJECT_BITS) | u32::try_from(object).unwrap_or(most).min(most)
}

/// Takes frames one by one.
struct Frames<'i, 's, 'b> {
    options: Options,
    builder: &'i mut BatchBuilder<'s>,
    refusals: &'i mut Refusals,
    /// Its vectors are used again for each object.
    point: Point<'b>,
    /// The text of each object of a frame, used again for each frame.
    objects: Vec<&'b str>,
    /// Cameras of which a frame got the time of receipt.
    without_time: HashSet<Cow<'b, str>>,
    /// The frames so far.
    frame: u32,
    seen: u64,
}

impl<'b> Frames<'_, '_, 'b> {
    /// Takes a frame of which the objects wait; `count` is their number with those that have no place.
    fn take(&mut self, head: Result<Head<'b>, FrameError>, count: usize) {
        let head = head.and_then(|head| {
            let second = head.time_ns.is_none() && !self.without_time.insert(head.camera.clone());
            if second { Err(FrameError::SecondWithoutTime(head.camera.into_owned())) } else { Ok(head) }
        });
        let head = match head {
            Ok(head) => head,
            Err(error) => return self.refuse(&error, count),
        };
        self.seen += count as u64;
        let objects = std::mem::take(&mut self.objects);
        self.builder.expect(self.builder.rows() + objects.len());
        for (place, text) in (1..).zip(objects.iter().copied()) {
            if let Err(error) = self.push(&head, place, text) {
                self.refusals.push(line(self.frame, place), error, text.as_bytes());
            }
        }
        if count > objects.len() {
            let error = RowError::Malformed(format!(
                "a frame has at most {MAX_OBJECTS} objects, and this one has {count}; those beyond are not stored"
            ));
            self.refuse_all(MAX_OBJECTS + 1, error, count - objects.len());
        }
        self.objects = objects;
    }

    fn push(&mut self, head: &Head<'b>, place: usize, text: &'b str) -> Result<(), RowError> {
        let object = Object::read(text).map_err(|error| RowError::Malformed(error.to_string()))?;
        let point = &mut self.point;
        point.table = Cow::Borrowed(TABLE);
        point.time_ns = head.time_ns.unwrap_or(self.options.now_ns);
        let object_tag = PLACES.get(place - 1).map_or("", String::as_str);
        point.tags.clear();
        point.tags.push((Cow::Borrowed("camera"), head.camera.clone()));
        point.tags.push((Cow::Borrowed("object"), Cow::Borrowed(object_tag)));
        let [x, y, w, h] = object.bbox;
        point.fields.clear();
        point.fields.push((Cow::Borrowed("class"), Value::Text(object.class)));
        for (name, number) in [("score", object.score), ("x", x), ("y", y), ("w", w), ("h", h)] {
            point.fields.push((Cow::Borrowed(name), Value::F64(number)));
        }
        // What may be absent comes last, so that the other columns have the same places in each row.
        for (name, number) in [("frame_w", head.width), ("frame_h", head.height), ("track", object.track)] {
            point.fields.extend(number.map(|number| (Cow::Borrowed(name), Value::I64(number))));
        }
        let embedding = object.embedding.map(|numbers| (Cow::Borrowed("embedding"), Value::Vector(numbers.into())));
        point.fields.extend(embedding);
        self.builder.push(&self.point, line(self.frame, place))
    }

    /// Refuses a frame, whose objects are lost with it.
    fn refuse(&mut self, error: &FrameError, objects: usize) {
        self.seen += objects.max(1) as u64;
        self.refuse_all(0, RowError::Malformed(error.to_string()), objects.max(1));
    }

    /// Describes a refusal once and counts it as often as objects are lost.
    fn refuse_all(&mut self, place: usize, error: RowError, objects: usize) {
        self.refusals.push(line(self.frame, place), error, &[]);
        (1..objects).for_each(|_| self.refusals.count(ErrorKind::Invalid));
    }
}

#[cfg(test)]
mod tests;
