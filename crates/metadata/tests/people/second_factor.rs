//! Setting up a second factor, signing in with it, and losing it.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use sensorium_metadata::{LinkPurpose, MetadataError, SignedIn};
use sensorium_model::{ErrorKind, Principal, Role};

use super::app;
use super::fixture::{ANOTHER, Fixture, PASSWORD, PEER, kind};

const STEP_MS: i64 = 30_000;

impl Fixture {
    fn code(&self, secret: &str) -> String {
        app::code(secret, self.now_ms.load(Ordering::SeqCst))
    }

    /// Gives somebody a second factor; returns its secret and the recovery codes.
    async fn enrol(&self, who: &Principal) -> (String, Vec<String>) {
        let begun = self.metadata.begin_second_factor(who, PASSWORD, PEER).await.unwrap();
        let codes = self.metadata.confirm_second_factor(who, &self.code(&begun.secret)).await.unwrap();
        self.pass(STEP_MS);
        (begun.secret, codes)
    }

    async fn enter(&self, code: Option<&str>, from: impl Into<IpAddr>) -> Result<SignedIn, MetadataError> {
        self.metadata.sign_in_with_code("ada", PASSWORD, code, from.into()).await
    }
}

#[tokio::test]
async fn it_counts_once_it_is_confirmed_and_then_the_password_alone_opens_nothing() {
    let fixture = Fixture::new().await;
    let (metadata, ada) = (&fixture.metadata, &fixture.owner);
    assert_eq!(kind(metadata.begin_second_factor(ada, "wrong password", PEER).await), Some(ErrorKind::Denied));
    let begun = metadata.begin_second_factor(ada, PASSWORD, PEER).await.unwrap();
    assert!(begun.uri.starts_with("otpauth://totp/Sensorium%20Lab:ada?"), "{}", begun.uri);
    assert!(begun.uri.contains(&format!("secret={}&", begun.secret)));
    assert_eq!(metadata.second_factor(ada).await.unwrap(), None);
    assert!(fixture.signs_in("ada", PASSWORD).await, "it does not count yet");
    assert!(metadata.authenticate_basic("ada", PASSWORD, PEER).await.unwrap().is_some());
    assert_eq!(kind(metadata.confirm_second_factor(ada, "000000").await), Some(ErrorKind::Denied));

    let codes = metadata.confirm_second_factor(ada, &fixture.code(&begun.secret)).await.unwrap();
    assert_eq!(codes.len(), 10);
    assert_eq!(metadata.second_factor(ada).await.unwrap().unwrap().recovery_codes, 10);
    assert!(matches!(fixture.enter(None, PEER).await, Err(MetadataError::CodeNeeded)));
    assert!(matches!(fixture.enter(Some("  "), PEER).await, Err(MetadataError::CodeNeeded)));
    let wrong = metadata.sign_in_with_code("ada", "wrong password", Some("000000"), PEER).await;
    assert!(
        matches!(wrong, Err(MetadataError::WrongCredentials)),
        "nothing is said about codes before the password is right"
    );
    let used = fixture.code(&begun.secret);
    assert!(matches!(fixture.enter(Some(&used), PEER).await, Err(MetadataError::WrongCode(_))), "it confirmed already");
    fixture.pass(STEP_MS);
    let next = fixture.code(&begun.secret);
    assert!(fixture.enter(Some(&format!(" {} {} ", &next[..3], &next[3..])), PEER).await.is_ok());
    assert!(matches!(fixture.enter(Some(&next), PEER).await, Err(MetadataError::WrongCode(_))), "good once");

    let basic = metadata.authenticate_basic("ada", PASSWORD, PEER).await.unwrap_err();
    assert!(matches!(&basic, MetadataError::Denied(sentence) if sentence.contains("API token")), "{basic}");
    let again = metadata.begin_second_factor(ada, PASSWORD, PEER).await;
    assert_eq!(kind(again), Some(ErrorKind::Conflict));
    assert_eq!(fixture.log("enabled", "second factor").await.len(), 1);
    let everything = format!("{:?}", metadata.audit_log(ada, 1_000).await.unwrap());
    assert!(!everything.contains(&begun.secret) && !codes.iter().any(|code| everything.contains(code)));
}

#[tokio::test]
async fn a_code_of_one_step_before_is_good_and_of_two_is_not() {
    let fixture = Fixture::new().await;
    let (secret, _) = fixture.enrol(&fixture.owner).await;
    fixture.pass(10 * STEP_MS);
    let code = fixture.code(&secret);
    fixture.pass(STEP_MS);
    assert!(fixture.enter(Some(&code), PEER).await.is_ok());
    let code = fixture.code(&secret);
    fixture.pass(2 * STEP_MS);
    assert!(fixture.enter(Some(&code), PEER).await.is_err());
}

#[tokio::test]
async fn wrong_codes_are_failed_attempts_here_and_from_everywhere() {
    let fixture = Fixture::new().await;
    let (secret, _) = fixture.enrol(&fixture.owner).await;
    for _ in 0..20 {
        assert!(
            matches!(fixture.enter(None, PEER).await, Err(MetadataError::CodeNeeded)),
            "asking for a code is no failure"
        );
    }
    for attempt in 0..5 {
        let wrong = fixture.enter(Some("abcdef"), PEER).await;
        assert!(matches!(wrong, Err(MetadataError::WrongCode(_))), "{attempt}: {wrong:?}");
    }
    let right = fixture.code(&secret);
    assert!(matches!(fixture.enter(Some(&right), PEER).await, Err(MetadataError::TooManyAttempts { .. })));
    // Somebody who knows the password and has many addresses.
    let mut refused = None;
    for address in 1..100_u8 {
        match fixture.enter(Some("abcdef"), [10, 0, 0, address]).await {
            Err(MetadataError::WrongCode(_)) => {}
            other => {
                refused = Some((address, other));
                break;
            }
        }
    }
    assert!(matches!(refused, Some((6, Err(MetadataError::TooManyAttempts { .. })))), "{refused:?}");
    fixture.pass(16 * 60_000);
    assert!(fixture.enter(Some(&fixture.code(&secret)), PEER).await.is_ok());
}

#[tokio::test]
async fn a_recovery_code_is_good_once_and_needs_no_key() {
    let fixture = Fixture::new().await;
    let (_, codes) = fixture.enrol(&fixture.owner).await;
    assert!(fixture.enter(Some(&codes[3].to_uppercase()), PEER).await.is_ok());
    assert!(matches!(fixture.enter(Some(&codes[3]), PEER).await, Err(MetadataError::WrongCode(_))));
    let left = fixture.metadata.second_factor(&fixture.owner).await.unwrap().unwrap().recovery_codes;
    assert_eq!(left, 9);
    assert_eq!(fixture.log("used", "recovery code").await.len(), 1);

    // Without the key, only codes of the app are lost.
    std::fs::remove_file(fixture.folder.path().join("secret.key")).unwrap();
    let metadata = fixture.reopen().await;
    let sentence = metadata.sign_in_with_code("ada", PASSWORD, Some("123456"), PEER).await.unwrap_err().to_string();
    assert!(sentence.contains("secret.key") && sentence.contains("put it back"), "{sentence}");
    assert!(metadata.sign_in_with_code("ada", PASSWORD, Some(&codes[4]), PEER).await.is_ok());
}

#[tokio::test]
async fn removing_takes_password_and_code_or_an_administrator() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (vera, who) = fixture.colleague("vera", Role::Viewer).await;
    assert_eq!(kind(metadata.remove_second_factor(&who, PASSWORD, "000000", PEER).await), Some(ErrorKind::Missing));
    let (secret, _) = fixture.enrol(&who).await;
    for (password, code) in [(PASSWORD, "000000"), (PASSWORD, ""), ("wrong password", fixture.code(&secret).as_str())] {
        let removed = metadata.remove_second_factor(&who, password, code, PEER).await;
        assert_eq!(kind(removed), Some(ErrorKind::Denied), "{password:?} {code:?}");
    }
    metadata.remove_second_factor(&who, PASSWORD, &fixture.code(&secret), PEER).await.unwrap();
    assert!(fixture.signs_in("vera", PASSWORD).await);

    fixture.enrol(&who).await;
    assert!(!fixture.signs_in("vera", PASSWORD).await);
    assert_eq!(kind(metadata.remove_second_factor_of(&who, vera.id).await), Some(ErrorKind::Denied));
    metadata.remove_second_factor_of(&fixture.owner, vera.id).await.unwrap();
    assert!(fixture.signs_in("vera", PASSWORD).await);
    assert_eq!(kind(metadata.remove_second_factor_of(&fixture.owner, vera.id).await), Some(ErrorKind::Missing));
    let log = fixture.log("removed", "second factor").await;
    assert!(log.len() == 2 && log[0].contains("\"ada\""), "{log:?}");

    fixture.enrol(&fixture.owner).await;
    let sensorium_model::Subject::User(own, _) = fixture.owner.subject else { unreachable!() };
    assert_eq!(kind(metadata.remove_second_factor_of(&fixture.owner, own).await), Some(ErrorKind::Conflict));
}

#[tokio::test]
async fn a_link_that_resets_the_password_stands_in_for_nothing_else() {
    let fixture = Fixture::new().await;
    let (vera, who) = fixture.colleague("vera", Role::Viewer).await;
    let (secret, _) = fixture.enrol(&who).await;
    let link = fixture.metadata.issue_link(&fixture.owner, vera.id, LinkPurpose::Reset).await.unwrap();
    let accept =
        async |code: Option<&str>| fixture.metadata.accept_link_with_code(&link.secret, ANOTHER, code, PEER).await;
    assert!(matches!(accept(None).await, Err(MetadataError::CodeNeeded)));
    assert!(matches!(accept(Some("000000")).await, Err(MetadataError::WrongCode(_))));
    assert!(accept(Some(&fixture.code(&secret))).await.is_ok());
    assert!(matches!(fixture.metadata.sign_in("vera", ANOTHER, PEER).await, Err(MetadataError::CodeNeeded)));

    let version = fixture.person(vera.id).await.version;
    fixture.metadata.delete_person(&fixture.owner, vera.id, version).await.unwrap();
    assert_eq!(kind(fixture.metadata.second_factor(&who).await), None);
    assert_eq!(fixture.metadata.second_factor(&who).await.unwrap(), None, "nothing of a deleted person stays");
}
