//! Which threads come first.

/// Lets the calling thread come after those that take and answer requests: from 0, as all do, to 19.
pub(crate) fn yield_to_others(niceness: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, niceness) {
        tracing::debug!(%error, "a thread of the background runs with the priority of everything else");
    }
}
