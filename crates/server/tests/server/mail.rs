//! Mail by the real server: its settings, its command, and a forgotten password from the request to the new one.

use serde_json::{Value, json};

use crate::support::smtp::{Smtp, link};
use crate::support::{Start, block_on, client, fail, python, sensorium, succeed, wait_for};

const PASSWORD: &str = "correct horse battery";
const ANOTHER: &str = "another horse battery";
const SMTP_PASSWORD: &str = "tr0ub4dor-and-3";

/// A server that sends mail with a password in a file.
fn mailing(smtp: &Smtp, folder: &std::path::Path) -> Start {
    let file = folder.join("mail-password");
    std::fs::write(&file, format!("{SMTP_PASSWORD}\n")).unwrap();
    Start::new()
        .quiet()
        .set("http.public_url", "https://sensors.example.org/")
        .set("mail.host", "localhost")
        .set("mail.port", smtp.port)
        .set("mail.security", "starttls")
        .set("mail.ca_file", smtp.certificate().display())
        .set("mail.user", "sensorium")
        .set("mail.password_file", file.display())
        .set("mail.from", "Sensorium <sensorium@example.org>")
}

/// What the server answers to a request without a credential.
fn post(url: &str, path: &str, body: &Value) -> (u16, Value) {
    block_on(async {
        let request = client().post(format!("{url}{path}")).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    })
}

#[test]
fn a_forgotten_password_becomes_another_one_by_mail() {
    let folder = tempfile::tempdir().unwrap();
    let smtp = Smtp::with(&python(), "starttls", Some(&format!("sensorium:{SMTP_PASSWORD}")));
    let server = mailing(&smtp, folder.path()).start();
    let code = server.opened().split("#code=").nth(1).unwrap();
    let set_up = json!({"code": code, "organisation": "Lab", "login": "ada", "password": PASSWORD});
    assert_eq!(post(server.url(), "/api/v1/setup", &set_up).0, 201);
    let put = client().put(format!("{}/api/v1/account/email", server.url())).basic_auth("ada", Some(PASSWORD));
    let put = put.header("content-type", "application/json");
    let body = json!({"password": PASSWORD, "address": "ada@example.org"}).to_string();
    assert_eq!(block_on(async { put.body(body).send().await.unwrap().status() }), 200);
    let message = smtp.next();
    assert_eq!((&message["secure"], &message["authenticated"]), (&json!(true), &json!(true)));
    let (_, code) = link(&message);
    assert_eq!(post(server.url(), "/api/v1/account/email/confirm", &json!({"code": code})).0, 200);

    assert_eq!(post(server.url(), "/api/v1/password-reset/request", &json!({"account": "ada"})).0, 202);
    let (whole, code) = link(&smtp.next());
    assert!(whole.starts_with("https://sensors.example.org/invitation#code="), "{whole}");
    let body = json!({"code": code, "password": ANOTHER});
    assert_eq!(post(server.url(), "/api/v1/invitations/accept", &body).0, 200);
    assert_eq!(smtp.next()["subject"], "Your password was changed");
    assert_eq!(post(server.url(), "/api/v1/session", &json!({"login": "ada", "password": ANOTHER})).0, 200);

    let printed = succeed(&mut server.command(&["mail", "test", "bob@example.org"]));
    assert_eq!(printed, "The mail server took the message: 250 2.0.0 taken as 42\n");
    assert_eq!(smtp.next()["to"], json!(["bob@example.org"]));
    let refused = fail(&mut server.command(&["mail", "test", "refused@example.org"]));
    assert!(refused.ends_with("did not take the message: 550 5.1.1 <r…@example.org> is unknown here"), "{refused}");
    let figures = || {
        let request = server.request(reqwest::Method::GET, "/metrics");
        block_on(async { request.send().await.unwrap().text().await.unwrap() })
    };
    let sent = "sensorium_mail_messages_total{kind=\"password_reset\",outcome=\"sent\"} 1";
    wait_for("the figures", || figures().contains(sent).then_some(()));
    assert!(figures().contains("sensorium_mail_waiting 0"), "{}", figures());
    let log = server.log();
    for secret in [SMTP_PASSWORD, code.as_str(), "ada@example.org", PASSWORD] {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
    assert!(server.stop().success());
}

#[test]
fn the_command_sends_by_itself_when_no_server_runs() {
    let smtp = Smtp::start(&python());
    let folder = tempfile::tempdir().unwrap();
    let test = |address: &str| {
        let mut command = sensorium();
        command.args(["mail", "test", address, "--data-dir"]).arg(folder.path().join("none"));
        command.args(["--set", "http.public_url=https://box", "--set", "mail.from=box@example.org"]);
        command.args(["--set", "mail.host=127.0.0.1", "--set", "mail.security=none"]);
        command.args(["--set", &format!("mail.port={}", smtp.port)]);
        command
    };
    assert!(succeed(&mut test("ada@example.org")).contains("250 2.0.0 taken as 42"));
    assert_eq!(smtp.next()["from"], "box@example.org");
    assert!(fail(&mut test("refused@example.org")).contains("550 5.1.1"));
    assert!(fail(&mut test("ada")).contains("no e-mail address"));
    let mut unset = sensorium();
    unset.args(["mail", "test", "ada@example.org", "--data-dir"]).arg(folder.path());
    assert!(fail(&mut unset).contains("mail.host"));
    assert!(!folder.path().join("none").exists(), "nothing is made on the way");
}

#[test]
fn settings_that_contradict_each_other_are_clear_sentences() {
    let set = [("http.public_url", "https://box"), ("mail.host", "smtp.example.org"), ("mail.from", "box@example.org")];
    let with = |changes: &[(&str, &str)]| {
        let mut command = sensorium();
        command.arg("config");
        for (key, value) in set.iter().filter(|(key, _)| !changes.iter().any(|(other, _)| other == key)).chain(changes)
        {
            if !value.is_empty() {
                command.arg("--set").arg(format!("{key}={value}"));
            }
        }
        command
    };
    succeed(&mut with(&[]));
    for (changes, key, word) in [
        (&[("http.public_url", "")][..], "http.public_url", "mail.host"),
        (&[("http.public_url", "box")], "http.public_url", "https://sensors.example.org"),
        (&[("http.public_url", "https://box/#x")], "http.public_url", "https://sensors.example.org"),
        (&[("mail.from", "")], "mail.from", "sensorium@example.org"),
        (&[("mail.security", "starttls")], "mail.security", "587"),
        (&[("mail.security", "none")], "mail.security", "mail.allow_plain"),
        (&[("mail.user", "ada")], "mail.user", "mail.password_file"),
        (&[("mail.password", "geheim")], "mail.password", "mail.user"),
        (&[("mail.queue", "0")], "mail.queue", "at least 1"),
    ] {
        let sentence = fail(&mut with(changes));
        assert!(sentence.contains(key) && sentence.contains(word) && !sentence.contains("geheim"), "{sentence}");
    }
    succeed(&mut with(&[("mail.security", "none"), ("mail.allow_plain", "true")]));
    for host in ["localhost", "127.0.0.1", "::1"] {
        succeed(&mut with(&[("mail.security", "none"), ("mail.host", host)]));
    }
    let with_password = [("mail.user", "ada"), ("mail.password", "geheim")];
    for format in ["toml", "json"] {
        let shown = succeed(with(&with_password).args(["--format", format]));
        assert!(shown.contains("password") && !shown.contains("geheim"), "{shown}");
    }
}
