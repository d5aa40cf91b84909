//! Messages to a real mail server: with and without TLS and a password, one that refuses, one that is slow, and one that is away.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

#[path = "../support/python.rs"]
mod python;
#[path = "../support/smtp.rs"]
mod smtp;

use std::time::Duration;

use sensorium_mail::{Credentials, Letter, MailConfig, MailError, Mailer, Outcome, Security, Words};
use sensorium_model::{EmailAddress, OrgId};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use python::python;
use smtp::Smtp;

const PASSWORD: &str = "tr0ub4dor";

fn config(port: u16) -> MailConfig {
    MailConfig {
        host: "localhost".into(),
        port,
        security: Security::None,
        authorities: None,
        credentials: None,
        from: "Sensorium <sensorium@example.org>".into(),
        public_url: "https://sensors.example.org".into(),
        timeout: Duration::from_secs(30),
        queue: 10,
        per_hour: 100,
        per_hour_to_one: 10,
        retry_after: vec![Duration::from_millis(20); 2],
    }
}

fn to(address: &str) -> EmailAddress {
    address.parse().unwrap()
}

fn org() -> OrgId {
    OrgId::from_uuid(Uuid::nil())
}

fn test_letter(address: &str) -> Letter {
    Letter { org: org(), to: to(address), words: Words::Test }
}

struct Running {
    mailer: Mailer,
    outcomes: UnboundedReceiver<Outcome>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn start(config: MailConfig) -> Running {
    let (tell, outcomes) = unbounded_channel();
    let stop = CancellationToken::new();
    let record = move |outcome| {
        let _ = tell.send(outcome);
        std::future::ready(())
    };
    let (mailer, task) = Mailer::start(config, stop.clone(), record).unwrap();
    Running { mailer, outcomes, stop, task }
}

impl Running {
    fn send(&self, address: &str) {
        self.mailer.reserve(&to(address)).unwrap().send(org(), Words::Test);
    }

    async fn outcome(&mut self) -> (String, bool) {
        let outcome = tokio::time::timeout(Duration::from_secs(60), self.outcomes.recv()).await.unwrap().unwrap();
        (outcome.to.to_string(), outcome.sent)
    }
}

fn answer(sent: Result<String, MailError>) -> (String, bool) {
    match sent {
        Err(MailError::Delivery { answer, for_good }) => (answer, for_good),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_arrives_in_each_way_that_a_connection_is_protected() {
    for (word, security) in [("tls", Security::Tls), ("starttls", Security::StartTls), ("none", Security::None)] {
        let smtp = Smtp::with(&python(), word, Some(&format!("sensorium:{PASSWORD}")));
        let credentials = Some(Credentials { user: "sensorium".into(), password: PASSWORD.into() });
        let authorities = Some(std::fs::read(smtp.certificate()).unwrap());
        let config = MailConfig { security, credentials, authorities, ..config(smtp.port) };
        let answer = Mailer::send_once(config, &test_letter("ada@example.org")).await.unwrap();
        assert_eq!(answer, "250 2.0.0 taken as 42", "{word}");
        let message = smtp.next();
        assert_eq!(message["authenticated"], true, "{word}");
        assert_eq!(message["secure"], word != "none");
        assert_eq!((&message["from"], &message["to"][0]), (&"sensorium@example.org".into(), &"ada@example.org".into()));
        assert_eq!(message["subject"], "A test message from Sensorium");
        assert!(message["plain"].as_str().unwrap().contains("https://sensors.example.org"), "{message}");
        assert!(message["html"].as_str().unwrap().contains("<p>Mail from Sensorium arrives here."), "{message}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_in_the_servers_words_and_without_the_password() {
    let smtp = Smtp::with(&python(), "none", Some("sensorium:another"));
    let credentials = Some(Credentials { user: "sensorium".into(), password: PASSWORD.into() });
    let config = MailConfig { credentials, ..config(smtp.port) };
    assert!(!format!("{config:?}").contains(PASSWORD));
    let (answer, for_good) = answer(Mailer::send_once(config, &test_letter("ada@example.org")).await);
    assert!(for_good && answer.starts_with("535 ") && !answer.contains(PASSWORD), "{answer}");
}

#[tokio::test]
async fn nothing_is_said_to_a_server_whose_certificate_nobody_vouches_for_or_that_has_no_tls() {
    let smtp = Smtp::with(&python(), "starttls", None);
    let unknown = MailConfig { security: Security::StartTls, ..config(smtp.port) };
    let (answer_unknown, _) = answer(Mailer::send_once(unknown, &test_letter("ada@example.org")).await);
    assert!(answer_unknown.to_lowercase().contains("certificate"), "{answer_unknown}");
    let plain = Smtp::start(&python());
    let wants_tls = MailConfig { security: Security::StartTls, ..config(plain.port) };
    let (answer_plain, _) = answer(Mailer::send_once(wants_tls, &test_letter("ada@example.org")).await);
    assert!(answer_plain.contains("STARTTLS"), "{answer_plain}");
    assert!(smtp.is_empty() && plain.is_empty());
}

#[tokio::test]
async fn a_refused_recipient_is_given_up_and_one_that_is_turned_away_is_tried_again() {
    let smtp = Smtp::start(&python());
    let mut running = start(config(smtp.port));
    running.send("refused@example.org");
    running.send("later@example.org");
    running.send("ada@example.org");
    assert_eq!(running.outcome().await, ("refused@example.org".into(), false));
    assert_eq!(running.outcome().await, ("ada@example.org".into(), true), "who waits keeps nobody up");
    assert_eq!(running.outcome().await, ("later@example.org".into(), true));
    assert_eq!(running.mailer.waiting(), 0);
    let (answer, for_good) = answer(running.mailer.send_now(&test_letter("refused@example.org")).await);
    assert!(for_good && answer == "550 5.1.1 <r…@example.org> is unknown here", "{answer}");
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_a_few_times() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut running = start(config(port));
    running.send("ada@example.org");
    assert_eq!(running.outcome().await, ("ada@example.org".into(), false));
    let (answer, for_good) = answer(running.mailer.send_now(&test_letter("ada@example.org")).await);
    assert!(!for_good && answer.to_lowercase().contains("refused"), "{answer}");
}

#[tokio::test]
async fn a_server_that_never_answers_holds_up_nobody_but_the_queue() {
    let smtp = Smtp::start(&python());
    let slow = MailConfig { timeout: Duration::from_secs(1), queue: 2, retry_after: Vec::new(), ..config(smtp.port) };
    let mut running = start(slow);
    running.send("slow@example.org");
    running.send("ada@example.org");
    assert!(matches!(running.mailer.reserve(&to("bob@example.org")), Err(MailError::Full(2))));
    assert_eq!(running.outcome().await, ("slow@example.org".into(), false));
    assert_eq!(running.outcome().await, ("ada@example.org".into(), true));
}

#[tokio::test]
async fn what_was_not_tried_is_tried_when_the_server_stops() {
    let smtp = Smtp::start(&python());
    let mut running = start(config(smtp.port));
    for address in ["ada@example.org", "bob@example.org"] {
        running.send(address);
    }
    running.stop.cancel();
    running.task.await.unwrap();
    let mut sent = Vec::new();
    while let Ok(outcome) = running.outcomes.try_recv() {
        sent.push(outcome.sent);
    }
    assert_eq!(sent, [true, true]);
}

#[tokio::test]
async fn limits_hold_for_all_and_for_one() {
    let running = start(MailConfig { per_hour: 3, per_hour_to_one: 2, ..config(1) });
    let reserve = |address: &str| running.mailer.reserve(&to(address)).err();
    assert!(reserve("ada@example.org").is_none() && reserve("ada@example.org").is_none());
    assert!(matches!(reserve("ADA@example.org"), Some(MailError::TooManyToOne(2))));
    assert!(reserve("bob@example.org").is_none());
    assert!(matches!(reserve("eve@example.org"), Some(MailError::TooMany(3))));
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_told_at_the_start() {
    let refused = |config| Mailer::start(config, CancellationToken::new(), |_| std::future::ready(())).err().unwrap();
    let from = refused(MailConfig { from: "nobody".into(), ..config(1) }).to_string();
    assert!(from.contains("mail.from"), "{from}");
    let header = refused(MailConfig { from: "A\r\nBcc: eve@example.org <a@example.org>".into(), ..config(1) });
    assert!(matches!(header, MailError::From(_)), "{header:?}");
    let broken = Some(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_vec());
    let ca = refused(MailConfig { security: Security::Tls, authorities: broken, ..config(1) }).to_string();
    assert!(ca.contains("mail.ca_file"), "{ca}");
}
