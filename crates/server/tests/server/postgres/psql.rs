//! The real psql: reading, its commands that describe, errors with their codes and places, and what is refused.

use super::{ask, psql, refused, rows, server};
use crate::support::{TOKEN, succeed};

#[test]
fn readings_are_read_with_their_types() {
    let server = server();
    let sql = "SELECT time, name, celsius, count, total, open, note FROM room ORDER BY time";
    assert_eq!(
        rows(&server, sql),
        [
            "2023-11-14 22:13:20.123456+00|attic|21.5|7|18446744073709551615|t|it's",
            "2023-11-14 22:13:21+00|cellar|12||||",
        ],
        "nanoseconds are cut off"
    );
    assert_eq!(rows(&server, "SELECT count(*) FROM public.room"), ["2"]);
    assert_eq!(rows(&server, "SELECT main.room.name FROM main.room WHERE celsius > 20"), ["attic"]);
    assert_eq!(rows(&server, "SELECT 1; SELECT 2"), ["1", "2"]);
}

#[test]
fn the_server_describes_itself() {
    let server = server();
    assert!(rows(&server, "SELECT version()")[0].starts_with("PostgreSQL 15"));
    let sql = "SELECT current_schema(), current_database(), current_user, current_schema";
    assert_eq!(rows(&server, sql), ["public|main|token|public"]);
    assert_eq!(rows(&server, "SHOW standard_conforming_strings"), ["on"]);
    assert_eq!(rows(&server, "SHOW transaction_read_only"), ["on"]);
    assert_eq!(rows(&server, "SELECT setting FROM pg_settings WHERE name = 'timezone'"), ["UTC"]);
    let header =
        succeed(psql(&server, ("token", TOKEN), "main").args(["-P", "tuples_only=off", "-c", "SELECT version()"]));
    assert!(header.starts_with("version\n"), "{header}");
}

#[test]
fn its_commands_that_describe_work() {
    let server = server();
    assert_eq!(rows(&server, "\\dt"), ["public|room|table|token"]);
    assert_eq!(rows(&server, "\\d"), ["public|room|table|token"]);
    assert_eq!(rows(&server, "\\dn"), ["public|token"]);
    let databases = rows(&server, "\\l");
    assert!(databases.iter().any(|line| line.starts_with("main|token|UTF8")), "{databases:?}");
    assert!(rows(&server, "\\du").iter().any(|line| line.starts_with("token|")));
    // There is nothing of these, and asking for them is no error.
    for nothing in ["\\di", "\\dv", "\\dm", "\\ds"] {
        let output = ask(&server, nothing);
        assert!(output.status.success(), "{nothing}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn information_schema_is_that_of_postgresql() {
    let server = server();
    let sql = "SELECT table_schema, table_name FROM information_schema.tables";
    assert_eq!(rows(&server, sql), ["public|room"]);
    let sql = "SELECT column_name, data_type, is_nullable FROM information_schema.columns \
               WHERE table_name = 'room' AND ordinal_position <= 2 ORDER BY ordinal_position";
    assert_eq!(rows(&server, sql), ["time|timestamp with time zone|NO", "name|text|YES"]);
    // How Grafana's query builder asks for tables and for the columns of one.
    let path = "SELECT CASE WHEN trim(s[i]) = '\"$user\"' THEN user ELSE trim(s[i]) END \
                FROM generate_series(array_lower(string_to_array(current_setting('search_path'),','),1), \
                array_upper(string_to_array(current_setting('search_path'),','),1)) as i, \
                string_to_array(current_setting('search_path'),',') s";
    let tables = format!(
        "SELECT CASE WHEN quote_ident(table_schema) IN ({path}) THEN quote_ident(table_name) \
         ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS \"table\" FROM information_schema.tables \
         WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog') ORDER BY 1"
    );
    assert_eq!(rows(&server, &tables), ["room"]);
    let columns = format!(
        "SELECT quote_ident(column_name) AS \"column\", data_type AS \"type\" FROM information_schema.columns \
         WHERE CASE WHEN array_length(parse_ident('room'),1) = 2 \
         THEN quote_ident(table_schema) = (parse_ident('room'))[1] AND quote_ident(table_name) = (parse_ident('room'))[2] \
         ELSE quote_ident(table_name) = 'room' AND quote_ident(table_schema) IN ({path}) END"
    );
    assert_eq!(rows(&server, &columns).len(), 7);
}

#[test]
fn errors_have_their_codes_and_places() {
    let server = server();
    let syntax = refused(&server, "SELECT 1 FRM room WHERE");
    assert!(syntax.contains("42601") && syntax.contains("LINE 1"), "{syntax}");
    let column = refused(&server, "SELECT celsiu FROM room");
    assert!(column.contains("42703") && column.contains("celsius"), "{column}");
    let table = refused(&server, "SELECT 1 FROM rom");
    assert!(table.contains("42P01") && table.contains("room"), "{table}");
    let third = refused(&server, "SELECT 1; SELECT 2; SELECT\ncelsiu FROM room");
    assert!(third.contains("42703"), "{third}");
    let text = refused(&server, "SELECT CAST(note AS BIGINT) FROM room WHERE note IS NOT NULL");
    assert!(text.contains("22000"), "{text}");
}

#[test]
fn whatever_writes_is_refused_and_whatever_surrounds_is_not() {
    let server = server();
    for sql in [
        "INSERT INTO room VALUES (1)",
        "UPDATE room SET celsius = 1",
        "DELETE FROM room",
        "CREATE TABLE t (a int)",
        "DROP TABLE room",
        "TRUNCATE room",
        "WITH a AS (INSERT INTO room VALUES (1)) SELECT 1",
        "SELECT 1 INTO t",
    ] {
        let refused = refused(&server, sql);
        assert!(refused.contains("25006") || refused.contains("42601"), "{sql}: {refused}");
    }
    let sql = "BEGIN; SET extra_float_digits = 3; SELECT 1; COMMIT; ROLLBACK; DISCARD ALL; RESET ALL";
    assert_eq!(rows(&server, sql).iter().filter(|line| *line == "1").count(), 1);
    // In a block that has failed, only its end is carried out.
    let mut command = psql(&server, ("token", TOKEN), "main");
    command.args([
        "-v",
        "ON_ERROR_STOP=0",
        "-c",
        "BEGIN",
        "-c",
        "SELECT nothing",
        "-c",
        "SELECT 1",
        "-c",
        "ROLLBACK",
        "-c",
        "SELECT 2",
    ]);
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(err.contains("25P02") && out.trim_end().ends_with("ROLLBACK\n2"), "{out}\n{err}");
}

#[test]
fn queries_are_listed_and_ended() {
    let server = server();
    assert!(rows(&server, "SHOW QUERIES").is_empty());
    let missing = refused(&server, "KILL '0190163d-8694-739b-aea5-966c26f8ad91'");
    assert!(missing.contains("42704"), "{missing}");
}
