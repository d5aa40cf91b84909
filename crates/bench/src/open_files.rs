//! How many files a process may have open.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a process has open beside its connections, at most.
const OTHER_FILES: u64 = 500;

/// Lets this process and those that it starts open a file for each of so many connections or sockets; `option` is the one
/// that asks for fewer.
pub(crate) fn raise(connections: u64, option: &str) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if let Some(raised) = raised(limit, connections + OTHER_FILES) {
        let outcome = setrlimit(Resource::Nofile, raised);
        let most = limit.maximum.unwrap_or(u64::MAX);
        ensure!(
            outcome.is_ok(),
            "{connections} connections need {} open files, but only {most} are allowed: raise the limit with \
             `ulimit -Hn`, or ask for fewer with {option}",
            connections + OTHER_FILES
        );
    }
    Ok(())
}

/// The limit that is needed for so many files; none where it is high enough. Only the system's administrator may raise the
/// maximum.
fn raised(limit: Rlimit, files: u64) -> Option<Rlimit> {
    let is_lower = |limit: Option<u64>| limit.is_some_and(|limit| limit < files);
    let maximum = if is_lower(limit.maximum) { Some(files) } else { limit.maximum };
    is_lower(limit.current).then_some(Rlimit { current: Some(files), maximum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_raised_only_as_far_as_needed() {
        let limit = |current, maximum| Rlimit { current, maximum };
        let of =
            |current, maximum| raised(limit(current, maximum), 10_500).map(|raised| (raised.current, raised.maximum));
        assert_eq!(of(Some(20_000), Some(20_000)), None);
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(1_024), Some(20_000)), Some((Some(10_500), Some(20_000))));
        assert_eq!(of(Some(1_024), None), Some((Some(10_500), None)));
        assert_eq!(of(Some(1_024), Some(4_096)), Some((Some(10_500), Some(10_500))));
    }
}
