//! Cargo, started by a task that cargo started.

use std::path::Path;
use std::process::Command;

/// What cargo says about a package to the program that it runs. Scripts that build C, such as ring's, are run again when it
/// differs, and all that depends on them is compiled again with them.
const OF_A_PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// Cargo in the project's root, which is told nothing about the package of the task.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| OF_A_PACKAGE.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_hears_nothing_of_the_package_that_starts_it() {
        let command = cargo(Path::new("/"));
        let removed: Vec<_> = command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
            assert!(std::env::var_os(name).is_none() || removed.iter().any(|of| *of == name), "{name} is handed on");
        }
        assert!(removed.iter().all(|name| *name != "CARGO_TARGET_DIR" && *name != "CARGO_HOME"), "{removed:?}");
    }
}
