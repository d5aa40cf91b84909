//! psycopg and SQLAlchemy: `with_psycopg.py` holds a function for each thing that is asked.

use std::process::{Command, Stdio};

use super::server;
use crate::support::{TOKEN, python, succeed};

/// Runs a function of the script against a server of its own.
fn run(function: &str) {
    let server = server();
    let address = server.postgres();
    let mut command = Command::new(python().join("python3"));
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/postgres/with_psycopg.py"));
    command.args([&address.ip().to_string(), &address.port().to_string(), "token", TOKEN, function]);
    // Python leaves no compiled modules beside the scripts.
    succeed(command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()));
}

/// A test for each function of the script, and one that there is none besides.
macro_rules! functions {
    ($($function:ident),+ $(,)?) => {
        $(#[test]
        fn $function() {
            run(stringify!($function));
        })+

        #[test]
        fn every_function_of_the_script_is_tested() {
            let script = include_str!("with_psycopg.py");
            let functions = script.lines().filter_map(|line| line.strip_prefix("def ask_")?.split('(').next());
            for function in functions {
                assert!([$(stringify!($function)),+].contains(&format!("ask_{function}").as_str()), "{function}");
            }
        }
    };
}

functions!(
    ask_values_in_both_formats,
    ask_with_parameters,
    ask_with_prepared_statements,
    ask_in_blocks,
    ask_and_cancel,
    ask_what_fails,
    ask_by_sqlalchemy,
);
