//! Makes JSON easy to read, as Go's `json.MarshalIndent` does with four spaces, while it streams.

/// Where the text stands.
#[derive(Debug, Default)]
pub(super) struct Indent {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// Something was opened, and nothing came in it yet.
    is_open: bool,
}

impl Indent {
    /// The next piece of a text without spaces between its parts, with them. A line end between two texts stays.
    pub(super) fn apply(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(piece.len() * 2);
        for byte in piece {
            self.byte(*byte, &mut bytes);
        }
        bytes
    }

    fn byte(&mut self, byte: u8, bytes: &mut Vec<u8>) {
        if self.in_string {
            bytes.push(byte);
            match (self.is_escaped, byte) {
                (false, b'\\') => self.is_escaped = true,
                (false, b'"') => self.in_string = false,
                _ => self.is_escaped = false,
            }
            return;
        }
        let closes = matches!(byte, b'}' | b']');
        if closes {
            self.depth = self.depth.saturating_sub(1);
        }
        // What is empty stays on its line.
        if self.is_open != closes {
            self.line(bytes);
        }
        self.is_open = false;
        bytes.push(byte);
        match byte {
            b'{' | b'[' => {
                self.depth += 1;
                self.is_open = true;
            }
            b'"' => self.in_string = true,
            b':' => bytes.push(b' '),
            b',' => self.line(bytes),
            _ => (),
        }
    }

    fn line(&self, bytes: &mut Vec<u8>) {
        bytes.push(b'\n');
        bytes.resize(bytes.len() + self.depth * 4, b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_as_go_does() {
        let mut indent = Indent::default();
        let mut text = indent.apply(br#"{"results":[{"statement_id":0,"text":"a,[\"}"#);
        text.extend(indent.apply(b"\",\"empty\":[],\"values\":[[1,null]]}]}\n"));
        let expected = "{\n    \"results\": [\n        {\n            \"statement_id\": 0,\n            \"text\": \"a,[\\\"}\",\n            \
                        \"empty\": [],\n            \"values\": [\n                [\n                    1,\n                    \
                        null\n                ]\n            ]\n        }\n    ]\n}\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
