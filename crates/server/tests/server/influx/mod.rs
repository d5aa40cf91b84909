//! Clients of InfluxDB that others wrote, as they are: its shell (Debian's `influxdb-client` 1.6.7), the Python libraries for
//! versions 1 and 2, and the requests of Grafana and Telegraf as their documentation has them.
//!
//! What the shell prints was taken from influxd 1.6.7.

use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Server, Start, TOKEN, block_on, python, succeed, wait_for};

const START: i64 = 1_700_000_000;

/// A server with the laboratory's database.
fn laboratory() -> Server {
    let server = Server::start();
    let made = post(&server, "/query?q=CREATE%20DATABASE%20%22dht%22", "");
    assert_eq!(made, (200, "{\"results\":[{\"statement_id\":0}]}\n".to_owned()));
    let (status, text) = server.write("dht", &format!("humidity,place=room1 value=40 {START}000000000"));
    assert_eq!(status, 204, "{text}");
    server
}

fn post(server: &Server, path: &str, body: &str) -> (u16, String) {
    let request = server.request(Method::POST, path).body(body.to_owned());
    block_on(async {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    })
}

fn script(server: &Server, name: &str, more: &[&str]) -> String {
    let address = server.url().trim_start_matches("http://").to_owned();
    let (host, port) = address.rsplit_once(':').unwrap();
    let mut command = Command::new(python().join("python3"));
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/influx/").to_owned() + name);
    command.args([host, port, "anything", TOKEN]).args(more);
    // Python leaves no compiled modules beside the scripts.
    succeed(command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()))
}

#[test]
fn the_shell_prints_what_it_prints_with_influxdb() {
    let server = laboratory();
    let statements = [
        "USE dht",
        "SHOW MEASUREMENTS",
        "SELECT COUNT(*) FROM humidity",
        "INSERT temperature,place=room1 value=25.5",
        "SHOW MEASUREMENTS",
        "SELECT COUNT(*) FROM temperature",
        "SELECT * FROM humidity",
        "SELECT value FROM humidity WHERE place = 'room9'",
        "USE nowhere",
        "SELECT FROM x",
    ];
    let expected = "> USE dht\n\
                    Using database dht\n\
                    > SHOW MEASUREMENTS\n\
                    name: measurements\n\
                    name\n\
                    ----\n\
                    humidity\n\
                    > SELECT COUNT(*) FROM humidity\n\
                    name: humidity\n\
                    time count_value\n\
                    ---- -----------\n\
                    0    1\n\
                    > INSERT temperature,place=room1 value=25.5\n\
                    > SHOW MEASUREMENTS\n\
                    name: measurements\n\
                    name\n\
                    ----\n\
                    humidity\n\
                    temperature\n\
                    > SELECT COUNT(*) FROM temperature\n\
                    name: temperature\n\
                    time count_value\n\
                    ---- -----------\n\
                    0    1\n\
                    > SELECT * FROM humidity\n\
                    name: humidity\n\
                    time                place value\n\
                    ----                ----- -----\n\
                    1700000000000000000 room1 40\n\
                    > SELECT value FROM humidity WHERE place = 'room9'\n\
                    > USE nowhere\n\
                    ERR: Database nowhere doesn't exist. Run SHOW DATABASES for a list of existing databases.\n\
                    DB does not exist!\n\
                    > SELECT FROM x\n\
                    ERR: error parsing query: found FROM, expected identifier, string, number, bool at line 1, char 8\n";
    assert_eq!(script(&server, "with_shell.py", &statements), expected);
    let databases = script(&server, "with_shell.py", &["SHOW DATABASES"]);
    assert!(databases.starts_with("> SHOW DATABASES\nname: databases\nname\n----\n"), "{databases}");
    assert!(databases.lines().any(|line| line == "dht"), "{databases}");
}

#[test]
fn the_python_library_of_version_1_works() {
    script(&laboratory(), "with_version_1.py", &[]);
}

#[test]
fn the_python_library_of_version_2_works() {
    script(&laboratory(), "with_version_2.py", &[]);
}

#[test]
fn a_panel_of_grafana_gets_two_series_of_numbers() {
    let server = laboratory();
    let now = now_seconds();
    let lines =
        format!("temperature,place=room1 value=25.5 {now}000000000\nhumidity,place=room1 value=41 {now}000000000");
    assert_eq!(server.write("dht", &lines).0, 204);
    let statement = |name: &str| {
        format!(
            "SELECT mean(\"value\") FROM \"dht\".\"autogen\".\"{name}\" WHERE (\"place\"::tag = 'room1') AND time >= now() - 30m AND \
             time <= now() GROUP BY time(10s) fill(previous)"
        )
    };
    let both = format!("{};{}", statement("temperature"), statement("humidity"));
    let request = reqwest::Client::new()
        .get(format!("{}/query", server.url()))
        .query(&[("db", "dht"), ("epoch", "ms"), ("q", both.as_str())])
        .basic_auth("grafana", Some(TOKEN));
    let answer: Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
    for (at, (name, value)) in [("temperature", 25.5), ("humidity", 41.0)].into_iter().enumerate() {
        let result = &answer["results"][at];
        assert_eq!(result["statement_id"], at);
        let series = &result["series"][0];
        assert_eq!((&series["name"], &series["columns"]), (&json!(name), &json!(["time", "mean"])), "{answer}");
        let last = series["values"].as_array().unwrap().last().unwrap();
        assert_eq!((last[0].as_i64().unwrap() % 10_000, last[1].as_f64()), (0, Some(value)), "{answer}");
    }
    // What it asks when a source is saved and a panel is made.
    for question in [
        "SHOW measurements LIMIT 1",
        "SHOW RETENTION POLICIES on \"dht\"",
        "SHOW TAG KEYS FROM \"temperature\"",
        "SHOW TAG VALUES FROM \"temperature\" WITH KEY = \"place\"",
        "SHOW FIELD KEYS FROM \"autogen\".\"temperature\"",
    ] {
        let request = reqwest::Client::new()
            .get(format!("{}/query", server.url()))
            .query(&[("db", "dht"), ("epoch", "ms"), ("q", question)])
            .basic_auth("grafana", Some(TOKEN));
        let answer: Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
        assert!(answer["results"][0]["series"][0]["values"][0].is_array(), "{question}: {answer}");
    }
}

#[test]
fn the_output_of_telegraf_works() {
    let server = Server::start();
    // outputs.influxdb: it creates its database, and writes batches with a retention policy and a consistency.
    let made = post(&server, "/query?q=CREATE+DATABASE+%22telegraf%22", "");
    assert_eq!(made.0, 200, "{}", made.1);
    let lines =
        format!("cpu,cpu=cpu0,host=box usage_idle=98.5 {START}000000000\nmem,host=box free=7i {START}000000000\n");
    let path = "/write?consistency=any&db=telegraf&precision=ns&rp=autogen";
    assert_eq!(post(&server, path, &lines), (204, String::new()));
    // outputs.influxdb_v2.
    let path = "/api/v2/write?bucket=telegraf&org=any&precision=ns";
    assert_eq!(post(&server, path, &lines), (204, String::new()));
    let answer = post(&server, "/query?db=telegraf&q=SELECT+usage_idle+FROM+cpu", "").1;
    assert!(answer.contains("98.5"), "{answer}");
}

#[test]
fn line_protocol_over_udp_is_stored() {
    let server = Start::new().set("influx.udp", "127.0.0.1:0").set("influx.udp_database", "udp").start();
    let address = wait_for("the address", || {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("line protocol over UDP"))?;
        Some(line.split_once("127.0.0.1:")?.1.to_owned())
    });
    let port: String = address.chars().take_while(char::is_ascii_digit).collect();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"m,place=a v=1 1\nm,place=a v=2 2\n", format!("127.0.0.1:{port}")).unwrap();
    socket.send_to(b"m,place=a v=3 3", format!("127.0.0.1:{port}")).unwrap();
    wait_for("the readings", || {
        let answer = post(&server, "/query?db=udp&q=SELECT+sum(v)+FROM+m", "").1;
        answer.contains("\"values\":[[\"1970-01-01T00:00:00Z\",6]]").then_some(())
    });
}

/// Seconds since the epoch.
fn now_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
