//! The manifest: whatever its files say, it is read or refused, and what is read is written again to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensorium_store::fuzzing::{manifest, manifest_file};

// `0` and a file as it stands, or anything and the text of a checkpoint's edit, and of each edit behind it on a line of its own.
fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    if *kind == b'0' {
        manifest(&[bytes]);
        return;
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let files: Vec<Vec<u8>> = text.lines().filter_map(manifest_file).collect();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    manifest(&files);
});
