//! `query` and `token`, against a running server and against the folder.

use std::process::Command;

use crate::support::{Start, TOKEN, at, fail, sensorium, succeed};

const LINES: &str = "room,place=office temperature=20.5,ok=true 1700000000000000000\n\
                     room,place=lab temperature=21.5 1700000001000000000\n";
const SQL: &str = "SELECT place, temperature FROM room ORDER BY time";

fn check_formats(command: impl Fn(&[&str]) -> Command) {
    let table = succeed(&mut command(&["query", SQL]));
    assert!(table.contains("| place  | temperature |") && table.ends_with("2 rows\n"), "{table}");
    assert_eq!(succeed(&mut command(&["query", "--format", "csv", SQL])), "place,temperature\noffice,20.5\nlab,21.5\n");
    let json: serde_json::Value = serde_json::from_str(&succeed(&mut command(&["query", "-f", "json", SQL]))).unwrap();
    assert_eq!(json[1]["temperature"], 21.5);
    let none = "SELECT place FROM room WHERE place = 'none'";
    assert_eq!(succeed(&mut command(&["query", "--format", "csv", none])), "place\n");
    let sentence = fail(&mut command(&["query", "SELECT temprature FROM room"]));
    assert!(sentence.contains("temperature"), "no hint: {sentence}");
    let sentence = fail(&mut command(&["query", "--database", "nothing", "SELECT 1 FROM x"]));
    assert!(sentence.contains("nothing"), "{sentence}");
    let sentence = fail(&mut command(&["query", "DROP TABLE room"]));
    assert!(sentence.contains("read"), "{sentence}");
}

#[test]
fn a_query_is_answered_by_the_server_and_by_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let at_folder = |args: &[&str]| at(&data_dir, args);
    let sentence = fail(&mut at_folder(&["query", "SELECT 1"]));
    assert!(sentence.contains("sensorium serve"), "{sentence}");
    assert!(!data_dir.exists(), "a question made a folder");

    let server = Start::at(&data_dir).quiet().start();
    assert_eq!(server.write("main", LINES).0, 204);
    check_formats(at_folder);
    check_formats(|args| {
        let mut command = sensorium();
        command.args(args).args(["--url", server.url(), "--token", TOKEN]);
        command
    });
    let sentence = fail(sensorium().args(["query", SQL, "--url", server.url()]));
    assert!(sentence.contains("--token"), "{sentence}");

    assert!(server.stop().success());
    check_formats(at_folder);
    // What a crash leaves behind does not mislead.
    let stale = r#"{"url":"http://127.0.0.1:9","token":"local_x","pid":1}"#;
    std::fs::write(data_dir.join("server.json"), stale).unwrap();
    check_formats(at_folder);
}

#[test]
fn a_statement_comes_from_standard_input_and_the_output_may_end_early() {
    let server = Start::new().quiet().start();
    assert_eq!(server.write("main", LINES).0, 204);
    // More than a pipe holds, so that the writer meets the end of its reader.
    let lines: String = (0..20_000).map(|n| format!("long n={n}i,text=\"{n:0>50}\" {}\n", 1_700_000_000 + n)).collect();
    assert_eq!(server.write("main", &lines).0, 204);
    let script = format!(
        "echo 'SELECT count(*) AS n FROM room' | {0} query - --format csv --data-dir {1} && \
         {0} query --format csv --data-dir {1} 'SELECT n, text FROM long ORDER BY n' | head -n 2",
        env!("CARGO_BIN_EXE_sensorium"),
        server.data_dir().display()
    );
    let output = succeed(Command::new("bash").args(["-eo", "pipefail", "-c", &script]));
    assert_eq!(output, format!("n\n2\nn,text\n0,{:0>50}\n", 0));
}

#[test]
fn tokens_are_created_listed_and_revoked() {
    let server = Start::new().quiet().start();
    let secret = succeed(&mut server.command(&["token", "create", "--name", "greenhouse", "--write"]));
    let secret = secret.trim();
    let list = succeed(&mut server.command(&["token", "list"]));
    let line = list.lines().find(|line| line.contains("greenhouse")).unwrap();
    assert!(line.contains(" write ") && !list.contains(secret), "{list}");

    let with = |token: &str, sql: &str| {
        let mut command = sensorium();
        command.args(["query", sql, "--url", server.url(), "--token", token]);
        command
    };
    let sentence = fail(&mut with(secret, "SELECT 1"));
    assert!(sentence.contains("read") || sentence.contains("not found"), "{sentence}");
    let id = line.split_whitespace().next().unwrap();
    succeed(&mut server.command(&["token", "revoke", id]));
    assert!(!succeed(&mut server.command(&["token", "list"])).contains("greenhouse"));
    let sentence = fail(&mut with(secret, "SELECT 1"));
    assert!(sentence.contains("revoked"), "{sentence}");
    let sentence = fail(&mut server.command(&["token", "revoke", "x"]));
    assert!(sentence.contains("token list"), "{sentence}");
}

#[test]
fn an_answer_is_exported_as_a_whole_or_not_at_all() {
    let server = Start::new().quiet().set("query.max_rows", 1_000).start();
    assert_eq!(server.write("main", LINES).0, 204);
    let lines: String = (0..5_000).map(|n| format!("many n={n}i {}\n", 1_700_000_000 + n)).collect();
    assert_eq!(server.write("main", &lines).0, 204);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let said = succeed(&mut server.command(&["export", SQL, "--output", &path("room.csv")]));
    assert!(said.starts_with("Wrote 2 rows, "), "{said}");
    assert_eq!(std::fs::read_to_string(path("room.csv")).unwrap(), "place,temperature\noffice,20.5\nlab,21.5\n");
    let all = "SELECT * FROM room";
    succeed(&mut server.command(&["export", all, "--output", &path("room"), "--format", "parquet"]));
    assert!(std::fs::read(path("room")).unwrap().ends_with(b"PAR1"));
    // What was exported can be read in again, with its times and tags.
    std::fs::rename(path("room"), path("room.parquet")).unwrap();
    succeed(&mut server.command(&["import", &path("room.parquet"), "--table", "again", "--tag", "place"]));
    let question =
        |table: &str| server.query(&format!("SELECT time, place, temperature, ok FROM {table} ORDER BY time"));
    assert_eq!(question("again"), question("room"));

    let none = "SELECT place FROM room WHERE place = 'none'";
    succeed(&mut server.command(&["export", none, "-o", &path("none.csv")]));
    assert_eq!(std::fs::read_to_string(path("none.csv")).unwrap(), "place\n");
    fail(&mut server.command(&["export", "SELECT n FROM many", "-o", &path("many.csv")]));
    assert!(fail(&mut server.command(&["export", SQL, "-o", &path("room.txt")])).contains("--format"));
    let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["none.csv", "room.csv", "room.parquet"], "nothing half done is left");
}
