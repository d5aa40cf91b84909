//! Frames of one camera: people who walk through its picture.

use std::fmt::Write;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::walk::Walk;

/// Frames that are made before the clock runs; then they come again, each with a time of its own.
const PREPARED: usize = 20;
/// The picture, in pixels.
const PICTURE: (i64, i64) = (1920, 1080);

/// Frames of a camera.
pub(crate) struct Camera {
    /// What stands before the time: the same in all frames.
    head: String,
    /// What stands behind it.
    tails: Vec<String>,
    next: usize,
}

impl Camera {
    /// A camera that sees so many objects in each frame.
    pub(crate) fn new(number: usize, objects: usize, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(u64::try_from(number).unwrap_or_default()));
        let mut people: Vec<Person> = (0..objects).map(|track| Person::new(track, &mut rng)).collect();
        let tails = (0..PREPARED).map(|_| tail(&mut people, &mut rng)).collect();
        Self { head: format!("{{\"camera\":\"{}\",\"time\":", name(number)), tails, next: 0 }
    }

    /// The next frame as a request's body.
    pub(crate) fn frame(&mut self, time_ms: i64) -> Bytes {
        let tail = self.tails.get(self.next % self.tails.len()).map(String::as_str).unwrap_or_default();
        self.next += 1;
        Bytes::from(format!("{}{time_ms}{tail}", self.head))
    }
}

/// The name of a camera.
pub(crate) fn name(number: usize) -> String {
    format!("camera-{number}")
}

struct Person {
    track: usize,
    score: Walk,
    x: Walk,
    y: Walk,
    width: Walk,
    height: Walk,
}

impl Person {
    fn new(track: usize, rng: &mut StdRng) -> Self {
        Self {
            track,
            score: Walk::anywhere(0, 1, 2, 3, rng),
            x: Walk::anywhere(0, PICTURE.0 - 200, 1, 80, rng),
            y: Walk::anywhere(0, PICTURE.1 - 400, 1, 40, rng),
            width: Walk::anywhere(40, 200, 1, 20, rng),
            height: Walk::anywhere(100, 400, 1, 30, rng),
        }
    }
}

fn tail(people: &mut [Person], rng: &mut StdRng) -> String {
    let mut text = format!(",\"frame\":{{\"w\":{},\"h\":{}}},\"objects\":[", PICTURE.0, PICTURE.1);
    for (index, person) in people.iter_mut().enumerate() {
        let Person { track, score, x, y, width, height } = person;
        for walk in [&mut *score, x, y, width, height] {
            walk.advance(rng);
        }
        // One in ten is something else.
        let class = if rng.random_ratio(1, 10) { "bicycle" } else { "person" };
        let comma = if index == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{comma}{{\"class\":\"{class}\",\"score\":{score},\"bbox\":[{x},{y},{width},{height}],\"track\":{track}}}"
        );
    }
    text.push_str("]}");
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_frame_is_json_with_its_time_and_objects() {
        let mut camera = Camera::new(7, 50, 1);
        let frames: Vec<Value> =
            (0..30).map(|time| serde_json::from_slice(&camera.frame(1_000 + time)).unwrap()).collect();
        for (time, frame) in (1_000..).zip(&frames) {
            assert_eq!(frame["camera"], "camera-7");
            assert_eq!(frame["time"], time);
            assert_eq!(frame["objects"].as_array().unwrap().len(), 50);
        }
        assert_ne!(frames[0]["objects"], frames[1]["objects"]);
    }
}
