//! E-mail addresses, and links for those who forgot their password.

use sensorium_metadata::{
    Addressee, AuditFilter, EmailChange, LinkPurpose, MetadataError, NewPerson, NewUser, PersonStatus,
};
use sensorium_model::{ErrorKind, Principal, Role};

use crate::fixture::{ANOTHER, Fixture, HOUR_MS, PASSWORD, PEER, kind};

const ADDRESS: &str = "vera@example.org";

async fn set(fixture: &Fixture, who: &Principal, address: Option<&str>) -> EmailChange {
    fixture.metadata.set_own_email(who, PASSWORD, address, PEER).await.unwrap()
}

/// Somebody whose address counts.
async fn confirmed(fixture: &Fixture, login: &str, address: &str) -> Principal {
    let (_, who) = fixture.colleague(login, Role::Viewer).await;
    let (to, link) = set(fixture, &who, Some(address)).await.confirm.unwrap();
    assert_eq!((to.login.as_str(), to.address.as_str(), to.confirmed), (login, address, false));
    assert_eq!(fixture.metadata.confirm_email(&link.secret, PEER).await.unwrap(), login);
    who
}

async fn forgotten(fixture: &Fixture, wanted: &str) -> Vec<String> {
    let people = fixture.metadata.forgotten(wanted).await.unwrap();
    people.into_iter().map(|person| format!("{} {}", person.login, person.address)).collect()
}

#[tokio::test]
async fn an_address_takes_the_password_and_counts_once_it_is_confirmed() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (person, vera) = fixture.colleague("vera", Role::Viewer).await;
    let wrong = metadata.set_own_email(&vera, "not the password", Some(ADDRESS), PEER).await;
    assert_eq!(kind(wrong), Some(ErrorKind::Denied));
    for bad in ["vera", "vera@example.org\r\nBcc: eve@example.org", "Vera <vera@example.org>"] {
        assert_eq!(kind(metadata.set_own_email(&vera, PASSWORD, Some(bad), PEER).await), Some(ErrorKind::Invalid));
    }
    let change = set(&fixture, &vera, Some(" Vera@Example.org ")).await;
    assert_eq!((change.now.address.as_deref(), change.now.confirmed), (Some(ADDRESS), false));
    assert!(change.before.is_none());
    let (_, first) = change.confirm.unwrap();
    assert!(forgotten(&fixture, "vera").await.is_empty(), "it does not count yet");
    let shown = fixture.person(person.id).await;
    assert_eq!((shown.email.as_deref(), shown.email_confirmed), (Some(ADDRESS), false));

    let (_, second) = set(&fixture, &vera, Some(ADDRESS)).await.confirm.unwrap();
    let replaced = metadata.confirm_email(&first.secret, PEER).await.unwrap_err();
    assert!(matches!(replaced, MetadataError::WrongConfirmation), "{replaced}");
    metadata.confirm_email(&format!(" {} ", second.secret), PEER).await.unwrap();
    assert_eq!(kind(metadata.confirm_email(&second.secret, PEER).await), Some(ErrorKind::Unauthenticated), "once");
    assert!(metadata.own_email(&vera).await.unwrap().confirmed && fixture.person(person.id).await.email_confirmed);
    assert!(set(&fixture, &vera, Some(ADDRESS)).await.confirm.is_none(), "nothing to confirm");

    let change = set(&fixture, &vera, Some("new@example.org")).await;
    assert_eq!(change.before.unwrap().address.as_str(), ADDRESS, "the address before is told");
    assert!(!change.now.confirmed && forgotten(&fixture, "vera").await.is_empty());
    fixture.pass(72 * HOUR_MS);
    assert_eq!(
        kind(metadata.confirm_email(&change.confirm.unwrap().1.secret, PEER).await),
        Some(ErrorKind::Unauthenticated)
    );
    assert_eq!(set(&fixture, &vera, None).await.now.address, None);
    assert!(fixture.log("changed", "email").await.iter().any(|entry| entry.contains("v…@example.org")));
    assert!(!fixture.log("changed", "email").await.iter().any(|entry| entry.contains(ADDRESS)));
}

#[tokio::test]
async fn guessing_links_that_confirm_is_slowed_down() {
    let fixture = Fixture::new().await;
    for _ in 0..5 {
        assert_eq!(kind(fixture.metadata.confirm_email("wrong", PEER).await), Some(ErrorKind::Unauthenticated));
    }
    assert_eq!(kind(fixture.metadata.confirm_email("wrong", PEER).await), Some(ErrorKind::Busy));
}

#[tokio::test]
async fn a_link_goes_to_the_confirmed_address_and_works_like_that_of_an_administrator() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let vera = confirmed(&fixture, "vera", ADDRESS).await;
    for wanted in ["vera", "VERA", ADDRESS, " Vera@Example.ORG "] {
        assert_eq!(forgotten(&fixture, wanted).await, ["vera vera@example.org"], "{wanted}");
    }
    for wanted in ["nobody", "nobody@example.org", "ada", "", "a b", "vera\u{0}"] {
        assert!(forgotten(&fixture, wanted).await.is_empty(), "{wanted}");
    }
    let person = metadata.forgotten("vera").await.unwrap().remove(0);
    assert_eq!((person.org, person.organisation.as_str()), (vera.org, "Lab"));
    let link = metadata.issue_forgotten(&person).await.unwrap().unwrap();
    metadata.accept_link(&link.secret, ANOTHER, PEER).await.unwrap();
    assert!(fixture.signs_in("vera", ANOTHER).await && !fixture.signs_in("vera", PASSWORD).await);
    assert_eq!(kind(metadata.accept_link(&link.secret, PASSWORD, PEER).await), Some(ErrorKind::Unauthenticated));
    let asked = fixture.log("created", "password reset").await;
    assert!(asked[0].contains("anonymous") && asked[0].contains("v…@example.org"), "{asked:?}");
    assert_eq!(fixture.log("accepted", "password reset").await.len(), 1);
}

#[tokio::test]
async fn a_link_ends_with_the_address_and_with_the_person() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let vera = confirmed(&fixture, "vera", ADDRESS).await;
    let person: Addressee = metadata.forgotten("vera").await.unwrap().remove(0);
    let link = metadata.issue_forgotten(&person).await.unwrap().unwrap();
    set(&fixture, &vera, Some("new@example.org")).await;
    assert_eq!(kind(metadata.accept_link(&link.secret, ANOTHER, PEER).await), Some(ErrorKind::Unauthenticated));
    assert!(metadata.issue_forgotten(&person).await.unwrap().is_none(), "the address is another one");
    assert!(fixture.person(person.id).await.link.is_none(), "and no link is left behind");

    confirmed(&fixture, "paul", "paul@example.org").await;
    let paul = metadata.forgotten("paul").await.unwrap().remove(0);
    let shown = fixture.person(paul.id).await;
    fixture.set_status(&shown, PersonStatus::Suspended).await.unwrap();
    assert!(forgotten(&fixture, "paul").await.is_empty() && metadata.issue_forgotten(&paul).await.unwrap().is_none());
    let shown = fixture.person(paul.id).await;
    metadata.delete_person(&fixture.owner, paul.id, shown.version).await.unwrap();
    assert_eq!(fixture.person(paul.id).await.email, None, "a deleted person has no address");
}

#[tokio::test]
async fn requests_are_slowed_down_by_what_is_asked_for_whether_it_exists_or_not() {
    let fixture = Fixture::new().await;
    confirmed(&fixture, "vera", ADDRESS).await;
    fixture.pass(HOUR_MS);
    for wanted in ["vera", "nobody"] {
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(fixture.metadata.begin_reset(wanted, PEER).err().map(|error| error.to_string()));
        }
        assert_eq!(answers[..5], [const { None }; 5], "{wanted}");
        assert!(answers[5].as_ref().is_some_and(|words| words.contains("too many failed attempts")), "{answers:?}");
    }
    assert_eq!(kind(fixture.metadata.begin_reset("", PEER)), Some(ErrorKind::Invalid));
}

#[tokio::test]
async fn an_invited_person_has_an_address_that_does_not_count_before_they_confirm_it() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let new = NewPerson { login: "vera".into(), name: String::new(), role: Role::Viewer, email: Some(ADDRESS.into()) };
    let (person, link) = metadata.invite(&fixture.owner, new).await.unwrap();
    assert_eq!((person.email.as_deref(), person.email_confirmed), (Some(ADDRESS), false));
    let bad = NewPerson { login: "paul".into(), name: String::new(), role: Role::Viewer, email: Some("paul".into()) };
    assert_eq!(kind(metadata.invite(&fixture.owner, bad).await), Some(ErrorKind::Invalid));
    metadata.accept_link(&link.secret, PASSWORD, PEER).await.unwrap();
    assert!(forgotten(&fixture, ADDRESS).await.is_empty(), "whoever invited may have used the link");
    let (to, link) = metadata.issue_confirmation(fixture.owner.org, person.id).await.unwrap().unwrap();
    assert_eq!(to.address.as_str(), ADDRESS);
    metadata.confirm_email(&link.secret, PEER).await.unwrap();
    assert!(metadata.issue_confirmation(fixture.owner.org, person.id).await.unwrap().is_none());
    assert_eq!(forgotten(&fixture, ADDRESS).await.len(), 1);
}

#[tokio::test]
async fn another_organisation_has_no_part_in_it_and_may_have_the_same_address() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let vera = confirmed(&fixture, "vera", ADDRESS).await;
    let id = vera.person().unwrap();
    let org = metadata.create_organisation(&Principal::system(fixture.owner.org), "Elsewhere").await.unwrap();
    let new = NewUser { login: "eve".into(), password: PASSWORD.into(), role: Role::Owner };
    let eve = metadata.create_user(&Principal::system(org), new).await.unwrap();
    let eve = Principal::user(org, eve, None, Role::Owner);
    assert_eq!(kind(metadata.person(&eve, id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.addressee(org, id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.issue_confirmation(org, id).await), Some(ErrorKind::Missing));
    let mut elsewhere = metadata.forgotten("vera").await.unwrap().remove(0);
    elsewhere.org = org;
    assert_eq!(kind(metadata.issue_forgotten(&elsewhere).await), Some(ErrorKind::Missing));

    // The same address in both: neither learns of the other, and each is sent a link of its own.
    let (_, link) = set(&fixture, &eve, Some(ADDRESS)).await.confirm.unwrap();
    assert_eq!(metadata.confirm_email(&link.secret, PEER).await.unwrap(), "eve");
    assert_eq!(forgotten(&fixture, ADDRESS).await.len(), 2);
    let links = metadata.forgotten(ADDRESS).await.unwrap();
    let organisations: Vec<&str> = links.iter().map(|person| person.organisation.as_str()).collect();
    assert_eq!(organisations, ["Lab", "Elsewhere"]);
    metadata.record_mail(org, &ADDRESS.parse().unwrap(), "password_reset", true).await.unwrap();
    let of = |who: Principal| async move {
        let filter = AuditFilter { target: Some("mail".into()), ..AuditFilter::default() };
        metadata.audit_page(&who, &filter, None, 10).await.unwrap()
    };
    let entries = of(eve).await;
    assert_eq!((entries.len(), entries[0].name.as_str()), (1, "v…@example.org"));
    assert!(of(fixture.owner.clone()).await.is_empty());
}

#[tokio::test]
async fn a_link_of_an_administrator_and_one_by_mail_take_each_others_place() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    confirmed(&fixture, "vera", ADDRESS).await;
    let person = metadata.forgotten("vera").await.unwrap().remove(0);
    let first = metadata.issue_link(&fixture.owner, person.id, LinkPurpose::Reset).await.unwrap();
    let second = metadata.issue_forgotten(&person).await.unwrap().unwrap();
    assert_eq!(kind(metadata.accept_link(&first.secret, ANOTHER, PEER).await), Some(ErrorKind::Unauthenticated));
    metadata.accept_link(&second.secret, ANOTHER, PEER).await.unwrap();
}
