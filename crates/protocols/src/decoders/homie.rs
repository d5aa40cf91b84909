//! The Homie convention, version 4: `homie/DEVICE/NODE/PROPERTY` with a value, and `homie/DEVICE/$state`.
//!
//! A value is a field of the table `homie` with the tag `node`. Its type stands in another message, which is not waited for: it
//! is what the value looks like, or the column's where that is text. Other attributes (`$…`) and settings are no readings.

use super::DecodeError;
use super::row::Rows;
use super::tree::body_text;

pub(super) fn decode(levels: &[&str], body: &[u8], rows: &mut Rows<'_, '_>) -> Result<(), DecodeError> {
    match levels {
        [_, device, "$state"] => {
            match body_text(body)? {
                "ready" | "sleeping" | "alert" => rows.presence(device, true),
                "disconnected" | "lost" => rows.presence(device, false),
                _ => {}
            }
            Ok(())
        }
        [_, device, node, property] if ![node, property].iter().any(|level| level.starts_with('$')) => {
            let mut row = rows.start("homie", *device);
            row.tag("node", *node);
            row.scalar(*property, body_text(body)?);
            rows.push(row);
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::decoders::Decoder;
    use crate::decoders::tests::{check, fails, presence, refused, silent};

    #[test]
    fn values_of_properties() {
        for (body, value) in
            [("21.5", "21.5"), ("true", "true"), ("open", "\"open\""), ("9007199254740993", "9007199254740993i")]
        {
            let row = format!("homie,device=kitchen,node=window level={value} NOW");
            check("homie/kitchen/window/level", body, Decoder::Homie, &row);
        }
    }

    #[test]
    fn what_is_no_reading_and_what_is_wrong() {
        assert_eq!(presence("homie/kitchen/$state", "ready"), Some(true));
        assert_eq!(presence("homie/kitchen/$state", "lost"), Some(false));
        for topic in ["$state", "$name", "window/$name", "window/level/set", "window/level/$unit"] {
            silent(&format!("homie/kitchen/{topic}"), "init");
        }
        fails("homie/kitchen/window/level", " ");
        assert!(refused("homie/kitchen/window/%", "1")[0].contains("must not be empty"));
    }
}
