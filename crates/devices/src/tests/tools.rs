//! The programs that read what templates write.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs a command to its end and shows what it printed if it failed.
pub(super) fn succeed(command: &mut Command) -> Vec<u8> {
    let output = run(command);
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

pub(super) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// A file of the tests, such as a header that stands for a library.
pub(super) fn stub(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stubs").join(name)
}

/// A program from PyPI, in one of the folders that `scripts/install.sh test` makes.
pub(super) fn from_pypi(folder: &str, program: &str) -> Command {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let path = cache.join("sensorium").join(folder).join("bin").join(program);
    assert!(path.exists(), "{} is not here: run scripts/install.sh test", path.display());
    Command::new(path)
}
