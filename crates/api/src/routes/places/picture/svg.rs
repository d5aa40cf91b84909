//! SVG (W3C, version 1.1): written anew by a filter that keeps what draws, and nothing that runs, links or refers elsewhere.
//!
//! Limits: [`MAX_DRAWN`] elements once all `use` elements have been followed, so that a few lines do not draw for hours;
//! [`MAX_USES`] of those, and elements [`MAX_DEPTH`] deep.

use std::collections::{HashMap, HashSet};

use axum::body::Bytes;
use sensorium_metadata::places::NewPicture;
use svg_hush::Filter;
use xml::attribute::OwnedAttribute;
use xml::reader::{EventReader, XmlEvent};

use super::{MAX_SIDE, PictureError};

/// Bytes at the beginning in which `<svg` is looked for.
const HEAD_BYTES: usize = 4_096;
/// A picture is at least so wide or high, in its own pixels, so that its form is not lost in rounding.
const LEAST_SIDE: f64 = 1_000.0;
/// The most elements that are drawn.
const MAX_DRAWN: u64 = 200_000;
/// The most `use` elements.
const MAX_USES: usize = 2_000;
/// How many `use` elements may refer to each other in a row.
const MAX_REFERENCES: usize = 64;
/// How deep elements may stand in each other.
const MAX_DEPTH: usize = 200;

const NOT_WELL_FORMED: PictureError =
    PictureError::Svg("it is not well-formed XML, or has a document type of its own; save it as plain SVG");

const TOO_COMPLEX: PictureError = PictureError::Svg(
    "it draws more than 200,000 elements (MAX_DRAWN), uses more than 2,000 (MAX_USES), or is nested more than 200 deep (MAX_DEPTH), \
     which are fixed limits; simplify it",
);

/// Whether a file looks like SVG.
pub(super) fn is_svg(file: &[u8]) -> bool {
    let head = file.get(..HEAD_BYTES).unwrap_or(file);
    let head = String::from_utf8_lossy(head);
    head.trim_start_matches('\u{feff}').trim_start().starts_with('<') && head.contains("<svg")
}

pub(super) fn clean(file: &Bytes) -> Result<NewPicture, PictureError> {
    let text = std::str::from_utf8(file).map_err(|_| PictureError::Svg("it is not written in UTF-8"))?;
    let text = without_doctype(text)?;
    let mut bytes = Vec::with_capacity(text.len());
    Filter::new().filter(text.as_bytes(), &mut bytes).map_err(|_| NOT_WELL_FORMED)?;
    let drawing = Drawing::of(&bytes)?;
    if drawing.drawn() > MAX_DRAWN {
        return Err(TOO_COMPLEX);
    }
    let (width, height) = drawing.size.ok_or(PictureError::Svg(
        "it has neither a viewBox nor a width and height in pixels; give it one, so that points on it have a meaning",
    ))?;
    let scale = (LEAST_SIDE / width.max(height)).max(1.0);
    let side = |length: f64| {
        let pixels = (length * scale).round().clamp(1.0, f64::from(u32::MAX));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range")]
        let pixels = pixels as u32;
        pixels
    };
    let (width, height) = (side(width), side(height));
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(PictureError::TooManyPixels { width, height });
    }
    Ok(NewPicture { width, height, media_type: "image/svg+xml", bytes })
}

/// Takes away a document type that only names SVG; one that defines entities is refused.
fn without_doctype(text: &str) -> Result<String, PictureError> {
    if text.contains("<!ENTITY") {
        return Err(NOT_WELL_FORMED);
    }
    let Some((before, after)) = text.split_once("<!DOCTYPE") else { return Ok(text.to_owned()) };
    let (doctype, after) = after.split_once('>').ok_or(NOT_WELL_FORMED)?;
    if doctype.contains('[') || after.contains("<!DOCTYPE") {
        return Err(NOT_WELL_FORMED);
    }
    Ok(format!("{before}{after}"))
}

/// What a cleaned drawing consists of. Elements are known by their numbers, in the order in which they begin, so that what is
/// below one is a range of numbers; each id is kept once.
#[derive(Default)]
struct Drawing {
    size: Option<(f64, f64)>,
    /// For each element, the number after the last one below it.
    ends: Vec<usize>,
    /// The first element of each id.
    ids: HashMap<String, usize>,
    /// The `use` elements in their order, with the id that each refers to.
    uses: Vec<(usize, String)>,
}

impl Drawing {
    fn of(bytes: &[u8]) -> Result<Self, PictureError> {
        let mut drawing = Self::default();
        let mut open = Vec::new();
        for event in EventReader::new(bytes) {
            match event.map_err(|_| NOT_WELL_FORMED)? {
                XmlEvent::StartElement { name, attributes, .. } => {
                    let number = drawing.ends.len();
                    if open.len() >= MAX_DEPTH || drawing.uses.len() > MAX_USES || number as u64 >= MAX_DRAWN {
                        return Err(TOO_COMPLEX);
                    }
                    if number == 0 {
                        drawing.size = size(&attributes);
                    }
                    drawing.ends.push(number + 1);
                    open.push(number);
                    let is_use = name.local_name == "use";
                    for OwnedAttribute { name, value } in attributes {
                        match name.local_name.as_str() {
                            "id" => _ = drawing.ids.entry(value).or_insert(number),
                            "href" if is_use => drawing.uses.push((number, value)),
                            _ => {}
                        }
                    }
                }
                XmlEvent::EndElement { .. } => {
                    let after = drawing.ends.len();
                    if let Some(end) = open.pop().and_then(|number| drawing.ends.get_mut(number)) {
                        *end = after;
                    }
                }
                _ => {}
            }
        }
        Ok(drawing)
    }

    /// Elements that are drawn once every `use` is followed; more than the limit if one leads to itself.
    fn drawn(&self) -> u64 {
        self.drawn_by(0, &mut HashMap::new(), &mut HashSet::new())
    }

    /// Elements that are drawn for an element, with all that is below it and what that refers to.
    fn drawn_by(&self, element: usize, known: &mut HashMap<usize, u64>, above: &mut HashSet<usize>) -> u64 {
        if let Some(count) = known.get(&element) {
            return *count;
        }
        // Also bounds how deep this goes: each level is another element.
        if above.len() > MAX_REFERENCES || !above.insert(element) {
            return MAX_DRAWN + 1;
        }
        let end = self.ends.get(element).copied().unwrap_or(element);
        let mut total = (end - element) as u64;
        let first = self.uses.partition_point(|(number, _)| *number < element);
        for (_, target) in self.uses.iter().skip(first).take_while(|(number, _)| *number < end) {
            if total > MAX_DRAWN {
                break;
            }
            if let Some(target) = target.trim().strip_prefix('#').and_then(|id| self.ids.get(id)) {
                total = total.saturating_add(self.drawn_by(*target, known, above));
            }
        }
        above.remove(&element);
        known.insert(element, total);
        total
    }
}

/// The width and height of the view box, or else of the drawing in pixels.
fn size(attributes: &[OwnedAttribute]) -> Option<(f64, f64)> {
    let value = |wanted: &str| attributes.iter().find(|one| one.name.local_name == wanted).map(|one| one.value.trim());
    let positive = |number: f64| (number.is_finite() && number > 0.0).then_some(number);
    let view_box = value("viewBox").and_then(|text| {
        let numbers: Vec<f64> = text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        let [_, _, width, height] = numbers.as_slice() else { return None };
        positive(*width).zip(positive(*height))
    });
    let pixels = |name| {
        let text: &str = value(name)?;
        positive(text.strip_suffix("px").unwrap_or(text).trim().parse().ok()?)
    };
    view_box.or_else(|| pixels("width").zip(pixels("height")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_drawing_is_no_larger_than_its_file() {
        let groups: String = (0..150).map(|n| format!("<g id=\"{n}{}\">", "x".repeat(2_000))).collect();
        let uses = "<use href=\"#y\"/>".repeat(1_000);
        let file = format!("<svg>{groups}{uses}{}</svg>", "</g>".repeat(150));
        let drawing = Drawing::of(file.as_bytes()).unwrap();
        assert_eq!((drawing.uses.len(), drawing.ids.len()), (1_000, 150));
        let ids: usize = drawing.ids.keys().map(String::len).sum();
        let targets: usize = drawing.uses.iter().map(|(_, target)| target.len()).sum();
        assert!(ids + targets < file.len(), "{ids} and {targets} bytes of {}", file.len());
        assert_eq!(drawing.drawn(), 1 + 150 + 1_000);
    }
}
