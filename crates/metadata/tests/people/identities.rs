//! Signing in with an identity that a provider vouches for, joining with one, and linking one.

use sensorium_metadata::identities::MAX_TEXT;
use sensorium_metadata::{
    ExternalIdentity, IdentityRules, Joining, Metadata, MetadataError, PeopleQuery, Person, PersonStatus, SignedIn,
};
use sensorium_model::{ErrorKind, Principal, Role};

use crate::app::code;
use crate::fixture::{Fixture, HOUR_MS, PASSWORD, PEER, kind};

const ISSUER: &str = "https://id.example";

fn identity(subject: &str, email: &str) -> ExternalIdentity {
    ExternalIdentity {
        issuer: ISSUER.into(),
        subject: subject.into(),
        email: Some(email.into()),
        email_is_confirmed: true,
        name: "Nina\u{7} N.".into(),
    }
}

fn rules(joining: Joining) -> IdentityRules {
    IdentityRules { joining, trusted_second_factor: false }
}

fn by_domain() -> Joining {
    Joining::ByDomain { domains: vec!["example.org".into()], role: Role::Editor }
}

async fn sign_in(
    metadata: &Metadata,
    identity: &ExternalIdentity,
    joining: Joining,
) -> Result<SignedIn, MetadataError> {
    metadata.sign_in_with_identity(identity, &rules(joining), None, PEER).await
}

async fn who(metadata: &Metadata, session: &SignedIn) -> Principal {
    metadata.session(&session.secret).await.unwrap().unwrap().0
}

async fn everyone(fixture: &Fixture) -> Vec<Person> {
    let all = PeopleQuery { limit: 100, ..PeopleQuery::default() };
    fixture.metadata.people(&fixture.owner, &all).await.unwrap()
}

#[tokio::test]
async fn whoever_links_an_identity_signs_in_with_it_until_they_unlink_it() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let nina = identity("1", "nina@example.org");
    let (person, vera) = fixture.colleague("vera", Role::Editor).await;
    assert_eq!(kind(sign_in(metadata, &nina, Joining::Refused).await), Some(ErrorKind::Denied));
    assert_eq!(metadata.own_identity(&vera, ISSUER).await.unwrap(), None);
    metadata.link_identity(&vera, &nina).await.unwrap();
    metadata.link_identity(&vera, &nina).await.unwrap();
    let own = metadata.own_identity(&vera, ISSUER).await.unwrap().unwrap();
    assert_eq!(own.email.as_deref(), Some("nina@example.org"));
    assert_eq!(metadata.own_identity(&vera, "https://other.example").await.unwrap(), None);

    let session = sign_in(metadata, &nina, Joining::Refused).await.unwrap();
    assert_eq!(session.account.user.as_ref().unwrap().login, "vera");
    let (again, _) = metadata.session(&session.secret).await.unwrap().unwrap();
    assert_eq!((again.org, again.role), (vera.org, Role::Editor));
    let changed = ExternalIdentity { email: None, email_is_confirmed: false, ..nina.clone() };
    assert!(sign_in(metadata, &changed, Joining::Refused).await.is_ok(), "the subject counts, not the address");
    let elsewhere = ExternalIdentity { issuer: "https://other.example".into(), ..nina.clone() };
    assert_eq!(kind(sign_in(metadata, &elsewhere, Joining::Refused).await), Some(ErrorKind::Denied));

    let wrong = metadata.unlink_identity(&vera, ISSUER, "wrong", PEER).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Denied, "{wrong}");
    metadata.unlink_identity(&vera, ISSUER, PASSWORD, PEER).await.unwrap();
    assert_eq!(kind(metadata.unlink_identity(&vera, ISSUER, PASSWORD, PEER).await), Some(ErrorKind::Missing));
    assert_eq!(kind(sign_in(metadata, &nina, Joining::Refused).await), Some(ErrorKind::Denied));

    assert_eq!(fixture.log("linked", "identity").await.len(), 1, "linking twice is one change");
    assert_eq!(fixture.log("unlinked", "identity").await.len(), 1);
    let signed_in = fixture.log("signed_in", "session").await;
    assert!(signed_in.iter().any(|entry| entry.contains(ISSUER) && entry.contains("vera")), "{signed_in:?}");
    assert_eq!(person.login, "vera");
}

#[tokio::test]
async fn an_identity_belongs_to_one_person_in_whichever_organisation() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (_, vera) = fixture.colleague("vera", Role::Viewer).await;
    let (nina, other) = (identity("1", "a@example.org"), identity("2", "b@example.org"));
    metadata.link_identity(&fixture.owner, &nina).await.unwrap();
    let taken = metadata.link_identity(&vera, &nina).await.unwrap_err();
    assert!(taken.kind() == ErrorKind::Conflict && !taken.to_string().contains("ada"), "{taken}");
    let second = metadata.link_identity(&fixture.owner, &other).await.unwrap_err();
    assert!(second.kind() == ErrorKind::Conflict && second.to_string().contains("unlink"), "{second}");

    let org = metadata.create_organisation(&Principal::system(fixture.owner.org), "Elsewhere").await.unwrap();
    let new = sensorium_metadata::NewUser { login: "eve".into(), password: PASSWORD.into(), role: Role::Owner };
    metadata.create_user(&Principal::system(org), new).await.unwrap();
    let eve = who(metadata, &metadata.sign_in("eve", PASSWORD, PEER).await.unwrap()).await;
    assert_eq!(kind(metadata.link_identity(&eve, &nina).await), Some(ErrorKind::Conflict));
    metadata.link_identity(&eve, &other).await.unwrap();
    let back = who(metadata, &sign_in(metadata, &other, by_domain()).await.unwrap()).await;
    assert_eq!((back.org, back.subject != eve.subject), (org, true), "another session of the same organisation");
    let stranger = Principal { org, ..vera.clone() };
    assert_eq!(metadata.own_identity(&stranger, ISSUER).await.unwrap(), None);
    assert!(metadata.link_identity(&stranger, &identity("3", "c@example.org")).await.is_err());
}

#[tokio::test]
async fn nobody_is_taken_for_somebody_because_of_an_address() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    fixture.colleague("nina@example.org", Role::Viewer).await;
    let nina = identity("1", "NINA@example.org");
    let unconfirmed = ExternalIdentity { email_is_confirmed: false, ..nina.clone() };
    for joining in [Joining::Refused, Joining::AwaitsApproval, by_domain()] {
        let refused = sign_in(metadata, &nina, joining.clone()).await.unwrap_err();
        assert!(refused.kind() == ErrorKind::Conflict && refused.to_string().contains("link"), "{refused}");
        let refused = sign_in(metadata, &unconfirmed, joining).await.unwrap_err();
        assert!(refused.kind() == ErrorKind::Denied && !refused.to_string().contains("somebody"), "{refused}");
    }
    assert_eq!(everyone(&fixture).await.len(), 2);
}

#[tokio::test]
async fn whoever_is_new_waits_for_an_administrator_if_that_is_set() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let nina = identity("1", "nina@example.org");
    for _ in 0..2 {
        let waits = sign_in(metadata, &nina, Joining::AwaitsApproval).await.unwrap_err();
        assert!(matches!(waits, MetadataError::AwaitsApproval), "{waits}");
    }
    let people = everyone(&fixture).await;
    let [_, person] = people.as_slice() else { unreachable!("{people:?}") };
    assert_eq!((person.login.as_str(), person.name.as_str()), ("nina@example.org", "Nina N."));
    assert!(person.awaits_approval && person.role == Role::Viewer);
    fixture.set_status(person, PersonStatus::Active).await.unwrap();
    let session = sign_in(metadata, &nina, Joining::Refused).await.unwrap();
    assert_eq!(session.account.user.unwrap().login, "nina@example.org");
    assert_eq!(fixture.log("linked", "identity").await.len(), 1);

    let late = identity("2", "late@example.org");
    sign_in(metadata, &late, Joining::AwaitsApproval).await.unwrap_err();
    fixture.pass(31 * 24 * HOUR_MS);
    assert_eq!(metadata.clean_up().await.unwrap().waiting, 1);
    let again = sign_in(metadata, &late, Joining::AwaitsApproval).await.unwrap_err();
    assert!(matches!(again, MetadataError::AwaitsApproval), "whoever was forgotten may ask again: {again}");
}

#[tokio::test]
async fn whoever_is_of_a_domain_joins_with_a_confirmed_address_only() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let unconfirmed = ExternalIdentity { email_is_confirmed: false, ..identity("1", "nina@example.org") };
    let without = ExternalIdentity { email: None, ..identity("1", "") };
    for refused in [unconfirmed, without, identity("1", "nina@evil.example"), identity("1", "a b@example.org")] {
        assert_eq!(kind(sign_in(metadata, &refused, by_domain()).await), Some(ErrorKind::Denied), "{refused:?}");
    }
    for number in 0..12 {
        let nina = identity(&number.to_string(), &format!("nina{number}@EXAMPLE.org"));
        let session = sign_in(metadata, &nina, by_domain()).await.unwrap();
        assert_eq!(who(metadata, &session).await.role, Role::Editor);
    }
    let nina = who(metadata, &sign_in(metadata, &identity("1", "x@evil.example"), by_domain()).await.unwrap()).await;
    assert_eq!(nina.org, fixture.owner.org);
    let locked = metadata.unlink_identity(&nina, ISSUER, "", PEER).await.unwrap_err();
    assert_eq!(locked.kind(), ErrorKind::Denied, "nobody knows the password: {locked}");
}

#[tokio::test]
async fn nobody_joins_before_there_is_an_administrator() {
    let folder = tempfile::tempdir().unwrap();
    let (metadata, _) = Metadata::open(crate::postgres::metadata_of(folder.path())).await.unwrap();
    let refused = sign_in(&metadata, &identity("1", "nina@example.org"), by_domain()).await;
    assert_eq!(kind(refused), Some(ErrorKind::Denied));
    assert!(metadata.setup_needed().await.unwrap());
}

#[tokio::test]
async fn whoever_is_suspended_or_deleted_stays_out() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let nina = identity("1", "nina@example.org");
    let (person, vera) = fixture.colleague("vera", Role::Viewer).await;
    metadata.link_identity(&vera, &nina).await.unwrap();
    let person = fixture.set_status(&person, PersonStatus::Suspended).await.unwrap();
    let out = sign_in(metadata, &nina, by_domain()).await.unwrap_err();
    assert!(out.kind() == ErrorKind::Denied && out.to_string().contains("suspended"), "{out}");
    assert_eq!(kind(metadata.link_identity(&vera, &nina).await), Some(ErrorKind::Denied));
    let person = fixture.set_status(&person, PersonStatus::Active).await.unwrap();
    assert!(sign_in(metadata, &nina, Joining::Refused).await.is_ok());
    metadata.delete_person(&fixture.owner, person.id, person.version).await.unwrap();
    assert_eq!(kind(sign_in(metadata, &nina, Joining::Refused).await), Some(ErrorKind::Denied));
    assert!(sign_in(metadata, &nina, by_domain()).await.is_ok(), "the identity is free again");
}

#[tokio::test]
async fn a_link_takes_the_session_that_began_it() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (_, vera) = fixture.colleague("vera", Role::Viewer).await;
    let nina = identity("1", "nina@example.org");
    metadata.sign_out(&vera).await.unwrap();
    let over = metadata.link_identity(&vera, &nina).await.unwrap_err();
    assert!(over.kind() == ErrorKind::Denied && over.to_string().contains("session"), "{over}");
    let without = Principal::user(fixture.owner.org, id_of(&vera), None, Role::Viewer);
    assert_eq!(kind(metadata.link_identity(&without, &nina).await), Some(ErrorKind::Denied));
    assert!(fixture.log("linked", "identity").await.is_empty(), "what failed is not on record");
}

fn id_of(who: &Principal) -> sensorium_model::UserId {
    let sensorium_model::Subject::User(id, _) = who.subject else { unreachable!() };
    id
}

#[tokio::test]
async fn a_second_factor_is_asked_for_unless_the_provider_is_trusted_for_it() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let nina = identity("1", "nina@example.org");
    metadata.link_identity(&fixture.owner, &nina).await.unwrap();
    let secret = metadata.begin_second_factor(&fixture.owner, PASSWORD, PEER).await.unwrap().secret;
    let now = || code(&secret, fixture.now_ms.load(std::sync::atomic::Ordering::SeqCst));
    metadata.confirm_second_factor(&fixture.owner, &now()).await.unwrap();
    assert!(matches!(sign_in(metadata, &nina, Joining::Refused).await, Err(MetadataError::CodeNeeded)));
    let rules = rules(Joining::Refused);
    let used = metadata.sign_in_with_identity(&nina, &rules, Some(&now()), PEER).await;
    assert!(matches!(used, Err(MetadataError::WrongCode(_))), "a code is good once");
    fixture.pass(60_000);
    assert!(metadata.sign_in_with_identity(&nina, &rules, Some(&now()), PEER).await.is_ok());
    let trusting = IdentityRules { trusted_second_factor: true, ..rules };
    assert!(metadata.sign_in_with_identity(&nina, &trusting, None, PEER).await.is_ok());
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let long = "x".repeat(MAX_TEXT + 1);
    for odd in [
        identity("", "a@example.org"),
        identity("a\u{0}b", "a@example.org"),
        identity(&long, "a@example.org"),
        identity("1", &long),
    ] {
        assert_eq!(kind(sign_in(metadata, &odd, by_domain()).await), Some(ErrorKind::Invalid), "{odd:?}");
        assert_eq!(kind(metadata.link_identity(&fixture.owner, &odd).await), Some(ErrorKind::Invalid));
    }
    metadata.link_identity(&fixture.owner, &identity(&"x".repeat(MAX_TEXT), "a@example.org")).await.unwrap();
}
