//! Names of files that are safe to write below a folder of the user's choice, on any system.

use crate::limits::FILE_NAME_CHARACTERS;

/// Names that Windows keeps for devices, whatever their extension.
const RESERVED: &[&str] = &["con", "prn", "aux", "nul", "com", "lpt"];

/// What is wrong with a name; folders are parted by `/`.
pub(crate) fn problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name.chars().count() > FILE_NAME_CHARACTERS {
        return Some(format!("is longer than {FILE_NAME_CHARACTERS} characters"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    if let Some(character) = name.chars().find(|c| !allowed(*c)) {
        return Some(format!("has the character {character:?}; letters a to z, digits, and . - _ / are possible"));
    }
    for part in name.split('/') {
        if part.is_empty() {
            return Some("begins or ends with /, or has two of them".to_owned());
        }
        if part.ends_with('.') {
            return Some(format!("leads to {part:?}; the files of a template stay in their own folder"));
        }
        if part.starts_with('-') {
            return Some(format!("has the part {part:?}, which programs would take for an option"));
        }
        let stem = part.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let letters = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_port = stem.len() == letters.len() + 1;
        let is_reserved =
            RESERVED.contains(&letters) && (is_port || (stem == letters && !matches!(letters, "com" | "lpt")));
        if is_reserved {
            return Some(format!("has the part {part:?}, which Windows keeps for a device"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_a_folder_are_fine_and_others_are_not() {
        for name in ["sensor.ino", "src/main.rs", ".cargo/config.toml", "a_b-c.9", "console.txt", "comma/x", "com10"] {
            assert_eq!(problem(name), None, "{name}");
        }
        let long = "a".repeat(FILE_NAME_CHARACTERS + 1);
        for name in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a/./b",
            "a//b",
            "a/",
            "..",
            ".",
            "a\\b",
            "c:x",
            "a b",
            "ä",
            "x\n",
            "a.",
            "-rf",
            "a/-x",
            "nul",
            "COM1.txt",
            "a/aux.c",
            &long,
            "a\0",
        ] {
            assert!(problem(name).is_some(), "{name:?}");
        }
    }
}
