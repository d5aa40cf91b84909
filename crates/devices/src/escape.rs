//! Literals: writes any text so that a language reads the same text back, and nothing of it as code.
//!
//! All results are ASCII on one line, except those of the shell, whose quotes know no escapes. So nothing that an editor does
//! not show (directions of writing, look-alikes, line separators) reaches a source file.

use std::fmt::Write as _;

use thiserror::Error;

/// A text that has no literal in the language.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EscapeError {
    /// No program can be given such a text.
    #[error("a NUL character cannot be written in {0}")]
    Nul(&'static str),
    /// Tasmota's console has no quotes.
    #[error("Tasmota's console cannot be given {0}; change the value")]
    Tasmota(&'static str),
    /// A tag of line protocol is not empty and has no line breaks.
    #[error("a name or a tag of line protocol must not {0}")]
    LineProtocol(&'static str),
    /// A name of a file needs some letters.
    #[error("no letter or digit (a to z, 0 to 9) is left for a file name")]
    FileName,
}

type Escaped = Result<String, EscapeError>;

/// Writes to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($argument:tt)*) => { _ = write!($out, $($argument)*) };
}

/// A string literal of C and C++. Bytes of UTF-8 are octal escapes, which end after three digits, whatever follows.
pub(crate) fn c_string(text: &str) -> Escaped {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for byte in text.bytes() {
        match byte {
            // A string ends here for every function that takes one.
            0 => return Err(EscapeError::Nul("a C string")),
            b'"' | b'\\' => put!(out, "\\{}", char::from(byte)),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            // Two question marks begin a trigraph.
            b'?' => out.push_str("\\?"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => put!(out, "\\{byte:03o}"),
        }
    }
    out.push('"');
    Ok(out)
}

/// A string literal of C++ in a lambda of ESPHome, which looks for `$…` and `id(…)` in all of it.
pub(crate) fn lambda_string(text: &str) -> Escaped {
    Ok(c_string(text)?.replace('$', "\\044").replace('(', "\\050"))
}

/// A string literal of Python and MicroPython.
pub(crate) fn py_string(text: &str) -> Escaped {
    Ok(quoted(text, |character, out| match u32::from(character) {
        code @ 0..=0xff => put!(out, "\\x{code:02x}"),
        code @ 0x100..=0xffff => put!(out, "\\u{code:04x}"),
        code => put!(out, "\\U{code:08x}"),
    }))
}

/// A double-quoted scalar of YAML 1.2 (section 5.7).
pub(crate) fn yaml_string(text: &str) -> Escaped {
    py_string(text)
}

/// A string literal of Rust.
pub(crate) fn rust_string(text: &str) -> Escaped {
    Ok(quoted(text, |character, out| put!(out, "\\u{{{:x}}}", u32::from(character))))
}

/// A string of JSON (RFC 8259, section 7).
pub(crate) fn json_string(text: &str) -> Escaped {
    Ok(quoted(text, |character, out| {
        let mut units = [0_u16; 2];
        for unit in character.encode_utf16(&mut units) {
            put!(out, "\\u{unit:04x}");
        }
    }))
}

/// A word of the POSIX shell: in single quotes nothing is special but the quote itself.
pub(crate) fn sh_string(text: &str) -> Escaped {
    if text.contains('\0') {
        return Err(EscapeError::Nul("a shell word"));
    }
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

/// A part of a command of Tasmota's console inside of a rule, where there are no quotes: only texts that cannot be misread.
pub(crate) fn tasmota(text: &str) -> Escaped {
    for character in text.chars() {
        match character {
            character if character.is_whitespace() || character.is_control() => {
                return Err(EscapeError::Tasmota("a space or a line break here"));
            }
            // `;` ends a command, `|` and `]` end a header, `%` begins a variable, `"` empties a setting.
            ';' | '|' | '[' | ']' | '%' | '"' | '\\' => {
                return Err(EscapeError::Tasmota("any of ; | [ ] % \" \\ here"));
            }
            _ => {}
        }
    }
    // The console takes a single character as the number of a special meaning.
    if text.chars().count() < 2 {
        return Err(EscapeError::Tasmota("fewer than two characters here"));
    }
    Ok(text.to_owned())
}

/// A table, the name or the value of a tag in line protocol; a string literal is to follow.
pub(crate) fn line_protocol(text: &str) -> Escaped {
    if text.is_empty() {
        return Err(EscapeError::LineProtocol("be empty"));
    }
    if text.starts_with('#') {
        return Err(EscapeError::LineProtocol("begin with #"));
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            character if character.is_control() => {
                return Err(EscapeError::LineProtocol("hold a line break or another control character"));
            }
            ',' | ' ' | '=' | '\\' => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    Ok(out)
}

/// A value in the query of an address (RFC 3986, section 2.1); a string literal is to follow.
pub(crate) fn url_part(text: &str) -> Escaped {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => put!(out, "%{byte:02X}"),
        }
    }
    Ok(out)
}

/// A text for a comment on one line, in whatever language: what could end the line or the comment is replaced.
pub(crate) fn comment(text: &str) -> Escaped {
    let plain = |character: char| match character {
        // A backslash at the end of a line of C joins the next one to the comment.
        '\\' => '/',
        ' '..='~' => character,
        character if character.is_alphanumeric() => character,
        _ => ' ',
    };
    let text: String = text.chars().map(plain).collect();
    Ok(text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?"))
}

/// A word for the name of a file, of letters and digits: `Kitchen (left)` becomes `kitchen-left`.
pub(crate) fn file_name(text: &str) -> Escaped {
    let word = |character: char| match character.to_ascii_lowercase() {
        lower @ ('a'..='z' | '0'..='9') => lower,
        _ => '-',
    };
    let text: String = text.chars().map(word).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    let joined: String = words.join("-").chars().take(31).collect();
    let joined = joined.trim_end_matches('-');
    if joined.is_empty() { Err(EscapeError::FileName) } else { Ok(joined.to_owned()) }
}

/// In double quotes; `escape` writes what is neither printable ASCII nor a common escape.
fn quoted(text: &str, escape: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(character),
            _ => escape(character, &mut out),
        }
    }
    out.push('"');
    out
}
