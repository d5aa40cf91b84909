//! Messages to people, through a real mail server.

use axum::http::Method;
use sensorium_model::Role;
use serde_json::{Value, json};

use super::mailing::{config, start};
use super::python::python;
use super::server::{HOME, PASSWORD, Server, failure};
use super::smtp::{Smtp, link};

const ANOTHER: &str = "another horse battery";

async fn mailing(smtp: &Smtp) -> Server {
    let server = Server::mailing(|metadata| start(config(smtp.port), metadata)).await;
    server.user(server.first.org, "ada", Role::Owner).await;
    server
}

/// Sets and confirms somebody's address.
async fn confirm(server: &Server, smtp: &Smtp, login: &str, address: &str) -> String {
    let cookie = server.cookie(login).await;
    let body = json!({"password": PASSWORD, "address": address});
    let set = server.call(Method::PUT, "/api/v1/account/email").cookie(&cookie).json(&body).send().await.json();
    assert_eq!((&set["address"], &set["confirmed"], &set["mailed"]), (&json!(address), &json!(false), &json!(true)));
    let message = smtp.next();
    assert_eq!((&message["to"], &message["subject"]), (&json!([address]), &json!("Confirm your e-mail address")));
    let (whole, code) = link(&message);
    assert!(whole.starts_with("https://sensors.example.org/confirm-email#code="), "{whole}");
    let confirmed = server.post("/api/v1/account/email/confirm").origin(HOME).json(&json!({"code": code})).send().await;
    assert_eq!(confirmed.json(), json!({"login": login}));
    cookie
}

async fn ask(server: &Server, account: &str, peer: [u8; 4]) -> (u16, String, Vec<String>) {
    let call = server.post("/api/v1/password-reset/request").origin(HOME).peer(peer);
    let reply = call.header("host", "evil.example").header("x-forwarded-host", "evil.example");
    let reply = reply.header("origin", "http://evil.example").json(&json!({"account": account})).send().await;
    let names = reply.headers.keys().map(ToString::to_string).collect();
    (reply.status.as_u16(), reply.text(), names)
}

/// What the record says was sent.
async fn sent(server: &Server, cookie: &str) -> Vec<String> {
    let page = server.get("/api/v1/audit?target=mail").cookie(cookie).send().await.json();
    let entries = page["entries"].as_array().unwrap().iter();
    entries.map(|entry| format!("{} {} {}", entry["action"], entry["name"], entry["after"]).replace('"', "")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_forgotten_password_to_another_one() {
    let smtp = Smtp::start(&python());
    let server = mailing(&smtp).await;
    assert_eq!(server.get("/api/v1/password-reset").send().await.json(), json!({"open": true}));
    let old = confirm(&server, &smtp, "ada", "ada@example.org").await;
    let (status, body, _) = ask(&server, "Ada@Example.org", [10, 0, 0, 1]).await;
    assert_eq!((status, body.as_str()), (202, ""));
    let message = smtp.next();
    assert_eq!((&message["to"], &message["subject"]), (&json!(["ada@example.org"]), &json!("Choose another password")));
    let (whole, code) = link(&message);
    assert!(
        whole.starts_with("https://sensors.example.org/invitation#code="),
        "never what a request calls the host: {whole}"
    );
    assert!(!message.to_string().contains("evil"), "{message}");

    let body = json!({"code": code, "password": ANOTHER});
    let accepted = server.post("/api/v1/invitations/accept").origin(HOME).json(&body).send().await;
    let new = accepted.cookie().unwrap();
    assert_eq!(server.get("/api/v1/session").cookie(&old).send().await.status, 401, "older sessions have ended");
    assert_eq!(server.post("/api/v1/invitations/accept").origin(HOME).json(&body).send().await.status, 401, "once");
    let told = smtp.next();
    assert_eq!(told["subject"], "Your password was changed");
    let body = json!({"login": "ada", "password": PASSWORD});
    assert_eq!(server.post("/api/v1/session").origin(HOME).json(&body).send().await.status, 401);

    let body = json!({"current": ANOTHER, "new": PASSWORD});
    let changed = server.call(Method::PUT, "/api/v1/account/password").cookie(&new).json(&body).send().await;
    assert_eq!(changed.status, 204);
    assert_eq!(smtp.next()["subject"], "Your password was changed");
    let body = json!({"password": PASSWORD, "address": "new@example.org"});
    let set = server.call(Method::PUT, "/api/v1/account/email").cookie(&new).json(&body).send().await.json();
    assert_eq!(set["confirmed"], false);
    let subjects = [smtp.next(), smtp.next()].map(|message| format!("{} {}", message["to"][0], message["subject"]));
    assert_eq!(
        subjects,
        [
            "\"ada@example.org\" \"Your e-mail address was changed\"",
            "\"new@example.org\" \"Confirm your e-mail address\""
        ]
    );
    server.until(async || sent(&server, &new).await.len() == 6).await;
    let record = sent(&server, &new).await;
    assert!(
        record.iter().any(|entry| entry.contains("sent a…@example.org") && entry.contains("password_reset")),
        "{record:?}"
    );
    assert!(!record.iter().any(|entry| entry.contains("ada@")), "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_whether_there_is_an_account() {
    let smtp = Smtp::start(&python());
    let server = mailing(&smtp).await;
    confirm(&server, &smtp, "ada", "ada@example.org").await;
    server.user(server.first.org, "bob", Role::Viewer).await;
    let known = ask(&server, "ada", [10, 0, 0, 1]).await;
    assert_eq!(smtp.next()["subject"], "Choose another password");
    for (number, wanted) in ["nobody", "nobody@example.org", "bob", "bob@example.org"].into_iter().enumerate() {
        let peer = [10, 0, 1, u8::try_from(number).unwrap()];
        assert_eq!(ask(&server, wanted, peer).await, known, "{wanted}");
    }
    // Who asks for either too often is told the same, too.
    let mut told = Vec::new();
    for wanted in ["ada", "nobody"] {
        let mut last = (0, String::new(), Vec::new());
        for _ in 0..6 {
            last = ask(&server, wanted, [10, 0, 2, u8::try_from(told.len()).unwrap()]).await;
        }
        told.push(last);
    }
    assert_eq!((told[0].0, told[1].0), (429, 429));
    assert_eq!(told[0], told[1]);
    assert_eq!(ask(&server, "a b", [10, 0, 3, 1]).await.0, 400, "nobody can be called that");
    let foreign =
        server.post("/api/v1/password-reset/request").origin("http://elsewhere").json(&json!({"account": "ada"}));
    assert_eq!(foreign.send().await.status, 403, "a page of another site");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_an_address_keeps_the_link_that_was_sent_good() {
    let smtp = Smtp::start(&python());
    let few = sensorium_mail::MailConfig { per_hour_to_one: 2, ..config(smtp.port) };
    let server = Server::mailing(|metadata| start(few, metadata)).await;
    server.user(server.first.org, "ada", Role::Owner).await;
    confirm(&server, &smtp, "ada", "ada@example.org").await;
    assert_eq!(ask(&server, "ada", [10, 0, 0, 1]).await.0, 202);
    let (_, code) = link(&smtp.next());
    assert_eq!(ask(&server, "ada", [10, 0, 0, 2]).await.0, 202, "and nothing is sent");
    // The second request has been worked on when this one, of somebody else, was.
    server.user(server.first.org, "bob", Role::Viewer).await;
    confirm(&server, &smtp, "bob", "bob@example.org").await;
    assert_eq!(ask(&server, "bob", [10, 0, 0, 3]).await.0, 202);
    assert_eq!(smtp.next()["to"], json!(["bob@example.org"]));
    let body = json!({"code": code, "password": ANOTHER});
    assert_eq!(server.post("/api/v1/invitations/accept").origin(HOME).json(&body).send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_and_approvals_are_sent_to_addresses_that_were_given() {
    let smtp = Smtp::start(&python());
    let server =
        Server::mailing_with(|config| config.registration = true, |metadata| start(config(smtp.port), metadata)).await;
    server.user(server.first.org, "ada", Role::Owner).await;
    let ada = server.cookie("ada").await;
    let body = json!({"login": "vera", "role": "viewer", "email": "vera@example.org"});
    let invited = server.post("/api/v1/users").cookie(&ada).json(&body).send().await.json();
    assert_eq!(invited["mailed"], true);
    let (_, code) = link(&smtp.next());
    assert_eq!(invited["link"]["code"], code.as_str(), "the page shows the same link");
    let path = format!("/api/v1/users/{}/invitation", invited["user"]["id"].as_str().unwrap());
    let again = server.post(&path).cookie(&ada).send().await.json();
    let (_, code) = link(&smtp.next());
    assert_eq!(again["code"], code.as_str());
    let body = json!({"code": code, "password": PASSWORD});
    assert_eq!(server.post("/api/v1/invitations/accept").origin(HOME).json(&body).send().await.status, 200);
    assert_eq!(smtp.next()["subject"], "Confirm your e-mail address");
    let body = json!({"login": "none", "role": "viewer"});
    assert_eq!(server.post("/api/v1/users").cookie(&ada).json(&body).send().await.json()["mailed"], false);

    let body = json!({"login": "nina", "password": PASSWORD, "email": "nina@example.org"});
    assert_eq!(server.post("/api/v1/registration").origin(HOME).json(&body).send().await.status, 202);
    let people = server.get("/api/v1/users?status=pending").cookie(&ada).send().await.json();
    let of =
        |login: &str| people["users"].as_array().unwrap().iter().find(|user| user["login"] == login).unwrap().clone();
    let nina: Value = of("nina");
    assert_eq!((&nina["email"], &nina["email_confirmed"]), (&json!("nina@example.org"), &json!(false)));
    let path = format!("/api/v1/users/{}", nina["id"].as_str().unwrap());
    let change = |version: u64| json!({"version": version, "status": "active"});
    assert_eq!(server.call(Method::PATCH, &path).cookie(&ada).json(&change(1)).send().await.status, 200);
    let told = smtp.next();
    assert_eq!(told["to"], json!(["nina@example.org"]));
    let (_, code) = link(&told);
    let body = json!({"code": code});
    let confirmed = server.post("/api/v1/account/email/confirm").origin(HOME).json(&body).send().await;
    assert_eq!(confirmed.json(), json!({"login": "nina"}));
    assert_eq!(server.call(Method::PATCH, &path).cookie(&ada).json(&change(2)).send().await.status, 200);
    assert!(smtp.is_empty(), "whoever is in already is not let in again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_what_the_mail_server_says() {
    let smtp = Smtp::start(&python());
    let server = mailing(&smtp).await;
    server.user(server.first.org, "bob", Role::Editor).await;
    let (ada, bob) = (server.cookie("ada").await, server.cookie("bob").await);
    let test = async |cookie: &str, address: &str| {
        server.post("/api/v1/mail/test").cookie(cookie).json(&json!({"address": address})).send().await
    };
    let accepted = test(&ada, "ada@example.org").await.json();
    assert_eq!(accepted, json!({"accepted": true, "answer": "250 2.0.0 taken as 42"}));
    let refused = test(&ada, "refused@example.org").await.json();
    assert_eq!(refused, json!({"accepted": false, "answer": "550 5.1.1 <r…@example.org> is unknown here"}));
    assert_eq!(test(&ada, "ada@example.org\r\nBcc: eve@example.org").await.failure(), failure(400, "invalid"));
    assert_eq!(test(&bob, "bob@example.org").await.failure(), failure(403, "denied"));
    let record = sent(&server, &ada).await;
    assert_eq!(record.len(), 2);
    assert!(
        record[0].starts_with("not_sent r…@example.org") && record[1].starts_with("sent a…@example.org"),
        "{record:?}"
    );

    server.stranger().await;
    let eve = server.cookie("eve").await;
    assert!(sent(&server, &eve).await.is_empty(), "another organisation sees nothing of it");
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_offered() {
    let (server, _) = Server::set_up().await;
    assert_eq!(server.get("/api/v1/password-reset").send().await.json(), json!({"open": false}));
    let ada = server.cookie("ada").await;
    let asked =
        server.post("/api/v1/password-reset/request").origin(HOME).json(&json!({"account": "ada"})).send().await;
    assert_eq!(asked.failure(), failure(409, "conflict"));
    let test = server.post("/api/v1/mail/test").cookie(&ada).json(&json!({"address": "ada@example.org"})).send().await;
    assert!(test.status == 409 && test.text().contains("mail.host"), "{}", test.text());
    let body = json!({"password": PASSWORD, "address": "ada@example.org"});
    let set = server.call(Method::PUT, "/api/v1/account/email").cookie(&ada).json(&body).send().await.json();
    assert_eq!(set, json!({"address": "ada@example.org", "confirmed": false, "mailed": false}));
}
