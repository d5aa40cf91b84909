//! The record of changes.

use sensorium_metadata::{AuditCursor, AuditFilter, CleanedUp, LinkPurpose, MetadataError, PersonChange};
use sensorium_model::{ErrorKind, Principal, Role};

use crate::fixture::{Fixture, HOUR_MS, PASSWORD, PEER, kind, role};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn changes_are_on_record_with_before_and_after_and_without_secrets() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (vera, link) = fixture.invite("vera", Role::Viewer).await;
    metadata.accept_link(&link.secret, PASSWORD, PEER).await.unwrap();
    let vera = fixture.person(vera.id).await;
    let vera = metadata.change_person(&fixture.owner, vera.id, role(vera.version, Role::Editor)).await.unwrap();
    let reset = metadata.issue_link(&fixture.owner, vera.id, LinkPurpose::Reset).await.unwrap();
    metadata.delete_person(&fixture.owner, vera.id, vera.version).await.unwrap();
    let changed = fixture.log("changed", "user").await.remove(0);
    assert!(changed.contains("viewer") && changed.contains("editor") && changed.contains("ada"), "{changed}");
    assert_eq!(fixture.log("accepted", "invitation").await.len(), 1);
    assert_eq!(fixture.log("created", "password reset").await.len(), 1);
    assert!(fixture.log("deleted", "user").await.remove(0).contains("sessions_ended"));

    let everything = metadata.audit_page(&fixture.owner, &AuditFilter::default(), None, 1_000).await.unwrap();
    let text = format!("{everything:?}");
    for secret in [link.secret.as_str(), reset.secret.as_str(), PASSWORD, "$argon2"] {
        assert!(!text.contains(secret), "{secret} is on record");
    }
    // A page at a time gives the same, each entry once.
    let (mut paged, mut after): (Vec<_>, Option<AuditCursor>) = (Vec::new(), None);
    loop {
        let page = metadata.audit_page(&fixture.owner, &AuditFilter::default(), after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(AuditCursor::from(last));
        paged.extend(page);
    }
    assert_eq!(paged, everything);
    assert!(paged.windows(2).all(|pair| pair[0].at_ms >= pair[1].at_ms), "the newest first");
}

#[tokio::test]
async fn the_record_is_filtered() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (vera, _) = fixture.colleague("vera", Role::Viewer).await;
    fixture.pass(HOUR_MS);
    let change = PersonChange { version: vera.version, name: Some("100%_\\".into()), ..PersonChange::default() };
    metadata.change_person(&fixture.owner, vera.id, change).await.unwrap();
    let count =
        async |filter: AuditFilter| metadata.audit_page(&fixture.owner, &filter, None, 100).await.unwrap().len();
    let text = |text: &str| AuditFilter { text: Some(text.into()), ..AuditFilter::default() };
    let now_ms = fixture.now_ms.load(Ordering::SeqCst);
    assert_eq!(count(text("100%_")).await, 1);
    assert_eq!(count(text("%")).await, 1, "a sign of patterns is just a sign");
    assert_eq!(count(text("VERA")).await, count(text("vera")).await);
    assert!(count(text("vera")).await > 2);
    let actor = |actor: &str| AuditFilter { actor: Some(actor.into()), ..AuditFilter::default() };
    assert_eq!(count(actor("vera")).await, count(actor(&vera.id.to_string())).await);
    assert!(count(actor("vera")).await >= 2);
    assert_eq!(
        count(AuditFilter { name: Some("vera".into()), target: Some("user".into()), ..AuditFilter::default() }).await,
        2
    );
    assert_eq!(count(AuditFilter { from_ms: Some(now_ms), ..AuditFilter::default() }).await, 1);
    let all = count(AuditFilter::default()).await;
    assert_eq!(count(AuditFilter { to_ms: Some(now_ms), ..AuditFilter::default() }).await, all - 1);
    let too_long = metadata.audit_page(&fixture.owner, &text(&"x".repeat(101)), None, 1).await;
    assert_eq!(kind(too_long), Some(ErrorKind::Invalid));
    let nothing = metadata.audit_page(&fixture.owner, &text("a\0b"), None, 1).await;
    assert_eq!(kind(nothing), Some(ErrorKind::Invalid));
    assert!(matches!(metadata.sign_in("a\0b", PASSWORD, PEER).await, Err(MetadataError::WrongCredentials)));
}

#[tokio::test]
async fn what_is_over_is_removed_and_the_record_is_bounded() {
    let fixture = Fixture::with(|config| config.audit_rows = 5).await;
    let metadata = &fixture.metadata;
    fixture.invite("late", Role::Viewer).await;
    for _ in 0..4 {
        metadata.sign_in("ada", PASSWORD, PEER).await.unwrap();
    }
    let done = metadata.clean_up().await.unwrap();
    assert_eq!((done.sessions, done.links), (0, 0));
    assert!(done.changes >= 2, "{done:?}");
    let kept = async || {
        metadata.audit_page(&Principal::system(fixture.owner.org), &AuditFilter::default(), None, 100).await.unwrap()
    };
    assert_eq!(kept().await.len(), 5);
    assert!(kept().await.iter().skip(1).all(|entry| entry.action == "signed_in" || entry.action == "created"));
    assert_eq!(metadata.clean_up().await.unwrap(), CleanedUp::default());
    fixture.pass(365 * 24 * HOUR_MS + 1);
    let done = metadata.clean_up().await.unwrap();
    assert_eq!((done.sessions, done.links, done.changes), (5, 1, 5));
    assert!(kept().await.is_empty());
}
