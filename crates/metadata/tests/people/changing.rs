//! Who changes whom, and what a change ends.

use std::net::{IpAddr, Ipv4Addr};

use sensorium_metadata::{
    AuditFilter, Client, LinkPurpose, MetadataError, NewPerson, NewToken, PeopleQuery, PersonChange, PersonStatus,
};
use sensorium_model::{ErrorKind, Principal, Role, Subject};

use crate::fixture::{ANOTHER, Fixture, HOUR_MS, PASSWORD, PEER, kind, role};

#[tokio::test]
async fn an_administrator_does_not_touch_or_make_owners_and_others_touch_nobody() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (adam, administrator) = fixture.colleague("adam", Role::Administrator).await;
    let (edith, editor) = fixture.colleague("edith", Role::Editor).await;
    let (olga, _) = fixture.colleague("olga", Role::Owner).await;
    let owner_to_be = NewPerson { login: "otto".into(), name: String::new(), role: Role::Owner, email: None };
    assert_eq!(kind(metadata.invite(&administrator, owner_to_be).await), Some(ErrorKind::Denied));
    let promoted = metadata.change_person(&administrator, edith.id, role(edith.version, Role::Owner)).await;
    assert_eq!(kind(promoted), Some(ErrorKind::Denied));
    let itself = metadata.change_person(&administrator, adam.id, role(adam.version, Role::Owner)).await;
    assert_eq!(kind(itself), Some(ErrorKind::Denied));
    let demoted = metadata.change_person(&administrator, olga.id, role(olga.version, Role::Viewer)).await;
    assert_eq!(kind(demoted), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.delete_person(&administrator, olga.id, olga.version).await), Some(ErrorKind::Denied));
    let reset = metadata.issue_link(&administrator, olga.id, LinkPurpose::Reset).await;
    assert_eq!(kind(reset), Some(ErrorKind::Denied));
    assert!(metadata.person(&administrator, olga.id).await.is_ok(), "but they see them");

    let new = || NewPerson { login: "nina".into(), name: String::new(), role: Role::Viewer, email: None };
    assert_eq!(kind(metadata.people(&editor, &PeopleQuery::default()).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.person(&editor, edith.id).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.invite(&editor, new()).await), Some(ErrorKind::Denied));
    let token =
        Principal { subject: Subject::Token(sensorium_model::TokenId::from_uuid(uuid::Uuid::nil())), ..administrator };
    assert_eq!(kind(metadata.invite(&token, new()).await), Some(ErrorKind::Denied));
}

#[tokio::test]
async fn the_last_owner_stays() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let Subject::User(id, _) = fixture.owner.subject else { unreachable!() };
    let ada = fixture.person(id).await;
    // Somebody who is only invited, or suspended, does not count.
    fixture.invite("later", Role::Owner).await;
    let (olga, other) = fixture.colleague("olga", Role::Owner).await;
    let olga = fixture.set_status(&olga, PersonStatus::Suspended).await.unwrap();
    let demoted = metadata.change_person(&fixture.owner, id, role(ada.version, Role::Administrator)).await;
    let error = demoted.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("last active owner"), "{error}");
    assert_eq!(kind(fixture.set_status(&ada, PersonStatus::Suspended).await), Some(ErrorKind::Conflict));
    assert_eq!(kind(metadata.delete_person(&fixture.owner, id, ada.version).await), Some(ErrorKind::Conflict));
    assert_eq!(fixture.person(id).await, ada, "nothing was changed");
    assert!(metadata.is_current(&fixture.owner).await.unwrap());

    let olga = fixture.set_status(&olga, PersonStatus::Active).await.unwrap();
    // Both at once: one of them stays.
    let (one, two) = tokio::join!(
        metadata.change_person(&fixture.owner, id, role(ada.version, Role::Viewer)),
        metadata.change_person(&other, olga.id, role(olga.version, Role::Viewer)),
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test]
async fn a_change_that_comes_too_late_is_told_the_current_state() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (vera, _) = fixture.colleague("vera", Role::Viewer).await;
    let name = |name: &str| PersonChange { version: vera.version, name: Some(name.into()), ..PersonChange::default() };
    let first = metadata.change_person(&fixture.owner, vera.id, name("  Vera <b>V.</b> ")).await.unwrap();
    assert_eq!((first.name.as_str(), first.version), ("Vera <b>V.</b>", vera.version + 1));
    let late = metadata.change_person(&fixture.owner, vera.id, name("Somebody")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    let MetadataError::Changed(current) = late else { unreachable!("{late}") };
    assert_eq!(*current, first);
    let deleted = metadata.delete_person(&fixture.owner, vera.id, vera.version).await;
    assert!(matches!(deleted, Err(MetadataError::Changed(_))), "{deleted:?}");
    for bad in ["x".repeat(101), "a\u{7}b".to_owned()] {
        let change = PersonChange { version: first.version, name: Some(bad), ..PersonChange::default() };
        assert_eq!(kind(metadata.change_person(&fixture.owner, vera.id, change).await), Some(ErrorKind::Invalid));
    }
}

#[tokio::test]
async fn suspending_and_deleting_end_everything_at_once() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    for end in [PersonStatus::Suspended, PersonStatus::Deleted] {
        let (edith, _) = fixture.colleague("edith", Role::Editor).await;
        let session = metadata.sign_in("edith", PASSWORD, PEER).await.unwrap().secret;
        let (who, _) = metadata.session(&session).await.unwrap().unwrap();
        let new = NewToken {
            name: "sensor".into(),
            database: None,
            can_read: true,
            can_write: true,
            expires_at_ms: None,
            for_devices: false,
        };
        let (_, token) = metadata.create_token(&who, new.clone()).await.unwrap();
        // Each is remembered in memory now.
        assert!(metadata.authenticate_token(&token).await.unwrap().is_some());
        assert!(metadata.authenticate_basic("edith", PASSWORD, PEER).await.unwrap().is_some());
        let reset = metadata.issue_link(&fixture.owner, edith.id, LinkPurpose::Reset).await.unwrap();

        match end {
            PersonStatus::Deleted => metadata.delete_person(&fixture.owner, edith.id, edith.version).await.unwrap(),
            status => drop(fixture.set_status(&edith, status).await.unwrap()),
        }
        assert!(metadata.session(&session).await.unwrap().is_none());
        assert!(metadata.authenticate_token(&token).await.unwrap().is_none());
        assert!(metadata.authenticate_basic("edith", PASSWORD, PEER).await.unwrap().is_none());
        assert!(!metadata.is_current(&who).await.unwrap(), "a live connection ends, too");
        assert_eq!(kind(metadata.accept_link(&reset.secret, PASSWORD, PEER).await), Some(ErrorKind::Unauthenticated));
        let beside = metadata.create_token(&who, new).await;
        assert_eq!(kind(beside), Some(ErrorKind::Denied), "a request under way leaves no token behind");
        if end == PersonStatus::Suspended {
            let edith = fixture.person(edith.id).await;
            let edith = fixture.set_status(&edith, PersonStatus::Active).await.unwrap();
            assert!(metadata.session(&session).await.unwrap().is_none(), "what ended stays ended");
            assert!(metadata.authenticate_token(&token).await.unwrap().is_none());
            assert!(fixture.signs_in("edith", PASSWORD).await);
            metadata.delete_person(&fixture.owner, edith.id, edith.version).await.unwrap();
        }
    }
    let people = PeopleQuery { status: Some(PersonStatus::Deleted), limit: 10, ..PeopleQuery::default() };
    let gone = metadata.people(&fixture.owner, &people).await.unwrap();
    assert_eq!(gone.len(), 2, "the login was free again: {gone:?}");
    assert_eq!(kind(fixture.set_status(&gone[0], PersonStatus::Active).await), Some(ErrorKind::Conflict));
}

#[tokio::test]
async fn a_role_counts_at_once_and_viewers_have_no_tokens() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (edith, who) = fixture.colleague("edith", Role::Editor).await;
    let new = NewToken {
        name: "sensor".into(),
        database: None,
        can_read: true,
        can_write: true,
        expires_at_ms: None,
        for_devices: false,
    };
    let (_, token) = metadata.create_token(&who, new).await.unwrap();
    let basic = async || metadata.authenticate_basic("edith", PASSWORD, PEER).await.unwrap().unwrap().role;
    assert_eq!(basic().await, Role::Editor);
    let edith =
        metadata.change_person(&fixture.owner, edith.id, role(edith.version, Role::Administrator)).await.unwrap();
    assert_eq!(basic().await, Role::Administrator);
    assert!(metadata.authenticate_token(&token).await.unwrap().is_some());
    metadata.change_person(&fixture.owner, edith.id, role(edith.version, Role::Viewer)).await.unwrap();
    assert_eq!(basic().await, Role::Viewer);
    assert!(metadata.authenticate_token(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_password_is_changed_with_the_current_one_and_ends_other_sessions() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let other = metadata.sign_in("ada", PASSWORD, Client::new(PEER, Some("a phone"))).await.unwrap().secret;
    assert!(metadata.authenticate_basic("ada", PASSWORD, PEER).await.unwrap().is_some());
    let wrong = metadata.change_password(&fixture.owner, "wrong", ANOTHER, PEER).await;
    assert_eq!(kind(wrong), Some(ErrorKind::Denied));
    let weak = metadata.change_password(&fixture.owner, PASSWORD, "short", PEER).await;
    assert_eq!(kind(weak), Some(ErrorKind::Invalid));
    assert!(metadata.session(&other).await.unwrap().is_some());

    metadata.change_password(&fixture.owner, PASSWORD, ANOTHER, PEER).await.unwrap();
    assert!(metadata.session(&other).await.unwrap().is_none());
    assert!(metadata.is_current(&fixture.owner).await.unwrap(), "the session that asked goes on");
    assert!(metadata.authenticate_basic("ada", PASSWORD, PEER).await.unwrap().is_none());
    assert!(fixture.signs_in("ada", ANOTHER).await);
    assert_eq!(fixture.log("changed", "password").await.len(), 1);
    for _ in 0..6 {
        let _ = metadata.change_password(&fixture.owner, "wrong", PASSWORD, PEER).await;
    }
    let limited = metadata.change_password(&fixture.owner, ANOTHER, PASSWORD, PEER).await;
    assert_eq!(kind(limited), Some(ErrorKind::Busy));
    let token = Principal::system(fixture.owner.org);
    assert_eq!(kind(metadata.change_password(&token, PASSWORD, ANOTHER, PEER).await), Some(ErrorKind::Denied));
}

#[tokio::test]
async fn a_reset_ends_all_sessions_and_is_for_others_only() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (vera, who) = fixture.colleague("vera", Role::Viewer).await;
    let Subject::User(own, _) = fixture.owner.subject else { unreachable!() };
    let of_oneself = metadata.issue_link(&fixture.owner, own, LinkPurpose::Reset).await;
    assert_eq!(kind(of_oneself), Some(ErrorKind::Conflict));
    let link = metadata.issue_link(&fixture.owner, vera.id, LinkPurpose::Reset).await.unwrap();
    assert!(fixture.signs_in("vera", PASSWORD).await, "the password works until the link is used");
    metadata.accept_link(&link.secret, ANOTHER, PEER).await.unwrap();
    assert!(!metadata.is_current(&who).await.unwrap());
    assert!(!fixture.signs_in("vera", PASSWORD).await && fixture.signs_in("vera", ANOTHER).await);

    let late = metadata.issue_link(&fixture.owner, vera.id, LinkPurpose::Reset).await.unwrap();
    fixture.pass(24 * HOUR_MS);
    assert_eq!(kind(metadata.accept_link(&late.secret, PASSWORD, PEER).await), Some(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn own_sessions_are_listed_and_ended() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let phone = Client::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)), Some("a\u{1b}phone"));
    let secret = metadata.sign_in("ada", PASSWORD, phone).await.unwrap().secret;
    let sessions = metadata.own_sessions(&fixture.owner).await.unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| !session.is_current).unwrap();
    assert_eq!((other.address.as_deref(), other.user_agent.as_deref()), (Some("10.0.0.9"), Some("aphone")));
    let (_, vera) = fixture.colleague("vera", Role::Viewer).await;
    assert_eq!(kind(metadata.revoke_own_session(&vera, other.id).await), Some(ErrorKind::Missing), "not hers");
    metadata.revoke_own_session(&fixture.owner, other.id).await.unwrap();
    assert!(metadata.session(&secret).await.unwrap().is_none());
    for _ in 0..3 {
        metadata.sign_in("ada", PASSWORD, PEER).await.unwrap();
    }
    assert_eq!(metadata.revoke_other_sessions(&fixture.owner).await.unwrap(), 3);
    assert_eq!(metadata.own_sessions(&fixture.owner).await.unwrap().len(), 1);
    assert!(metadata.is_current(&fixture.owner).await.unwrap() && metadata.is_current(&vera).await.unwrap());
}

#[tokio::test]
async fn the_oldest_session_makes_room() {
    let fixture = Fixture::new().await;
    for _ in 0..sensorium_metadata::sessions::MAX_PER_USER {
        fixture.pass(1);
        fixture.metadata.sign_in("ada", PASSWORD, PEER).await.unwrap();
    }
    assert!(!fixture.metadata.is_current(&fixture.owner).await.unwrap());
}

#[tokio::test]
async fn another_organisation_sees_and_touches_nobody() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (vera, _) = fixture.colleague("vera", Role::Viewer).await;
    let system = Principal::system(fixture.owner.org);
    let elsewhere = Principal::system(metadata.create_organisation(&system, "Elsewhere").await.unwrap());
    let new = NewPerson { login: "eve".into(), name: String::new(), role: Role::Owner, email: None };
    let (eve, link) = metadata.invite(&elsewhere, new).await.unwrap();
    metadata.accept_link(&link.secret, PASSWORD, PEER).await.unwrap();
    let stranger = Principal::user(elsewhere.org, eve.id, None, Role::Owner);
    let missing = Some(ErrorKind::Missing);
    assert_eq!(kind(metadata.person(&stranger, vera.id).await), missing);
    assert_eq!(kind(metadata.change_person(&stranger, vera.id, role(vera.version, Role::Owner)).await), missing);
    assert_eq!(kind(metadata.delete_person(&stranger, vera.id, vera.version).await), missing);
    assert_eq!(kind(metadata.issue_link(&stranger, vera.id, LinkPurpose::Reset).await), missing);
    assert_eq!(kind(metadata.revoke_link(&stranger, vera.id, LinkPurpose::Reset).await), missing);
    let seen = metadata.people(&stranger, &PeopleQuery { limit: 100, ..PeopleQuery::default() }).await.unwrap();
    assert_eq!(seen.iter().map(|person| person.login.as_str()).collect::<Vec<_>>(), ["eve"]);
    let log = metadata.audit_page(&stranger, &AuditFilter::default(), None, 100).await.unwrap();
    assert!(!format!("{log:?}").contains("vera"));
}
