//! PostgreSQL's protocol as clients that others wrote see it (psql, psycopg, SQLAlchemy), and as whoever sends bytes of their own does.

mod bounds;
mod clients;
mod psql;
mod raw;
mod rights;

use std::process::{Command, Output};

use crate::support::{Server, Start, TOKEN};

/// A query that ends only when somebody ends it.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 2000) a \
                       CROSS JOIN generate_series(1, 100000000000) b WHERE a.value + b.value = 7";

/// A server with readings: two rows of the table `room`, with each type of field.
fn server() -> Server {
    let server = Start::new().quiet().postgres().start();
    fill(&server);
    server
}

fn fill(server: &Server) {
    let lines = "room,name=attic celsius=21.5,count=7i,total=18446744073709551615u,open=true,note=\"it's\" 1700000000123456789\n\
                 room,name=cellar celsius=12 1700000001000000000\n";
    assert_eq!(server.write("main", lines).0, 204);
}

/// psql, as a user with a password, in a database; it prints rows as values with `|` between them, and errors with their codes.
fn psql(server: &Server, (user, password): (&str, &str), database: &str) -> Command {
    let mut command = Command::new("psql");
    let address = server.postgres();
    command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-w"]);
    command.args(["-h", &address.ip().to_string(), "-p", &address.port().to_string(), "-U", user, "-d", database]);
    command.env("PGPASSWORD", password).env("PGCONNECT_TIMEOUT", "30").env("LC_ALL", "C.UTF-8");
    command
}

/// What psql prints with the token that may do everything.
fn ask(server: &Server, sql: &str) -> Output {
    psql(server, ("token", TOKEN), "main").args(["-c", sql]).output().unwrap()
}

/// The lines of an answer.
fn rows(server: &Server, sql: &str) -> Vec<String> {
    let output = ask(server, sql);
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What psql says of a statement that fails.
fn refused(server: &Server, sql: &str) -> String {
    let output = ask(server, sql);
    assert!(!output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}
