//! Where other programs that tests need are.

use std::path::PathBuf;

/// The folder of the Python that `scripts/install.sh test` makes, with other readers of the data files, other clients and a mail server.
pub(crate) fn python() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let python = cache.join("sensorium/python/bin");
    assert!(python.join("python3").exists(), "{} has no python3: run scripts/install.sh test", python.display());
    python
}
