//! Invitations and resets.

use sensorium_metadata::{LinkPurpose, Metadata, MetadataError, NewPerson, PeopleQuery, PersonStatus, SetUp};
use sensorium_model::{ErrorKind, Principal, Role};

use crate::fixture::{ANOTHER, Fixture, HOUR_MS, PASSWORD, PEER, kind};
use crate::postgres::metadata_of;

#[tokio::test]
async fn an_invitation_works_once_and_for_its_time() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (person, link) = fixture.invite(" vera ", Role::Viewer).await;
    assert_eq!((person.login.as_str(), person.status, person.version), ("vera", PersonStatus::Pending, 1));
    assert_eq!(person.link.unwrap().purpose, LinkPurpose::Invitation);
    assert!(!fixture.signs_in("vera", PASSWORD).await, "there is no password yet");
    assert!(!fixture.signs_in("vera", "").await);

    let weak = metadata.accept_link(&link.secret, "short", PEER).await;
    assert_eq!(kind(weak), Some(ErrorKind::Invalid));
    let session = metadata.accept_link(&format!(" {} ", link.secret), PASSWORD, PEER).await.unwrap();
    assert_eq!(session.account.user.unwrap().role, Role::Viewer);
    let again = metadata.accept_link(&link.secret, ANOTHER, PEER).await.unwrap_err();
    let nonsense = metadata.accept_link("nonsense", ANOTHER, PEER).await.unwrap_err();
    assert_eq!((again.kind(), again.to_string()), (ErrorKind::Unauthenticated, nonsense.to_string()));
    assert!(fixture.signs_in("Vera", PASSWORD).await);
    let person = fixture.person(person.id).await;
    assert_eq!((person.status, person.version, person.link), (PersonStatus::Active, 2, None));
    assert!(person.last_seen_ms.is_some());

    let (late, link) = fixture.invite("late", Role::Viewer).await;
    fixture.pass(72 * HOUR_MS);
    let expired = metadata.accept_link(&link.secret, PASSWORD, PEER).await.unwrap_err();
    assert_eq!(expired.to_string(), nonsense.to_string());
    assert_eq!(fixture.person(late.id).await.link, None);
    let fresh = metadata.issue_link(&fixture.owner, late.id, LinkPurpose::Invitation).await.unwrap();
    fixture.pass(72 * HOUR_MS - 1);
    metadata.accept_link(&fresh.secret, PASSWORD, PEER).await.unwrap();
}

#[tokio::test]
async fn a_link_that_was_replaced_or_revoked_does_not_work() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (person, first) = fixture.invite("vera", Role::Viewer).await;
    let second = metadata.issue_link(&fixture.owner, person.id, LinkPurpose::Invitation).await.unwrap();
    assert_eq!(kind(metadata.accept_link(&first.secret, PASSWORD, PEER).await), Some(ErrorKind::Unauthenticated));
    let wrong_kind = metadata.revoke_link(&fixture.owner, person.id, LinkPurpose::Reset).await;
    assert_eq!(kind(wrong_kind), Some(ErrorKind::Missing));
    metadata.revoke_link(&fixture.owner, person.id, LinkPurpose::Invitation).await.unwrap();
    assert_eq!(kind(metadata.accept_link(&second.secret, PASSWORD, PEER).await), Some(ErrorKind::Unauthenticated));
    let reset = metadata.issue_link(&fixture.owner, person.id, LinkPurpose::Reset).await;
    assert_eq!(kind(reset), Some(ErrorKind::Conflict), "there is no password to reset");
    assert_eq!(fixture.person(person.id).await.link, None, "a refused link leaves none behind");

    let (_, third) = fixture.invite("paul", Role::Viewer).await;
    let paul = metadata.people(&fixture.owner, &PeopleQuery { limit: 9, ..PeopleQuery::default() }).await.unwrap();
    let paul = paul.iter().find(|person| person.login == "paul").unwrap();
    metadata.delete_person(&fixture.owner, paul.id, paul.version).await.unwrap();
    assert_eq!(kind(metadata.accept_link(&third.secret, PASSWORD, PEER).await), Some(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn guessing_links_is_slowed_down() {
    let fixture = Fixture::new().await;
    let (_, link) = fixture.invite("vera", Role::Viewer).await;
    for _ in 0..5 {
        let wrong = fixture.metadata.accept_link("wrong", PASSWORD, PEER).await;
        assert_eq!(kind(wrong), Some(ErrorKind::Unauthenticated));
    }
    assert_eq!(kind(fixture.metadata.accept_link(&link.secret, PASSWORD, PEER).await), Some(ErrorKind::Busy));
    fixture.pass(1_000);
    fixture.metadata.accept_link(&link.secret, PASSWORD, PEER).await.unwrap();
}

#[tokio::test]
async fn of_two_who_use_a_link_one_succeeds() {
    let fixture = Fixture::new().await;
    let (_, link) = fixture.invite("vera", Role::Viewer).await;
    let accept = |password| fixture.metadata.accept_link(&link.secret, password, PEER);
    let (one, other) = tokio::join!(accept(PASSWORD), accept(ANOTHER));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert!(fixture.signs_in("vera", PASSWORD).await != fixture.signs_in("vera", ANOTHER).await);
}

#[tokio::test]
async fn an_administrator_by_invitation_closes_the_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let (metadata, first) = Metadata::open(metadata_of(folder.path())).await.unwrap();
    let new = NewPerson { login: "ada".into(), name: String::new(), role: Role::Owner, email: None };
    let (_, link) = metadata.invite(&Principal::system(first.org), new).await.unwrap();
    metadata.accept_link(&link.secret, PASSWORD, PEER).await.unwrap();
    assert!(!metadata.setup_needed().await.unwrap());
    let request = SetUp {
        code: first.setup_code.unwrap(),
        organisation: "Mine".into(),
        login: "eve".into(),
        password: PASSWORD.into(),
    };
    assert!(matches!(metadata.set_up(request, PEER).await, Err(MetadataError::SetUpDone)));
}
