//! Asking to join.

use std::net::{IpAddr, Ipv4Addr};

use sensorium_metadata::registration::{MAX_WAITING, WAIT};
use sensorium_metadata::{CleanedUp, MetadataError, PeopleQuery, PersonStatus, Registration};
use sensorium_model::{ErrorKind, Principal, Role};

use crate::fixture::{Fixture, PASSWORD, PEER, kind};

fn wish(login: &str) -> Registration {
    Registration { login: login.into(), name: "<b>Nina</b>".into(), password: PASSWORD.into(), email: None }
}

fn everyone() -> PeopleQuery {
    PeopleQuery { limit: 100, ..PeopleQuery::default() }
}

async fn open() -> Fixture {
    Fixture::with(|config| config.registration = true).await
}

#[tokio::test]
async fn nobody_joins_by_themselves_unless_it_is_set() {
    let fixture = Fixture::new().await;
    assert!(!fixture.metadata.takes_registrations().await.unwrap());
    let refused = fixture.metadata.register(wish("nina"), PEER).await.unwrap_err();
    assert!(refused.kind() == ErrorKind::Denied && refused.to_string().contains("people.registration"), "{refused}");
}

#[tokio::test]
async fn whoever_asks_waits_for_an_administrator_and_is_told_so_with_the_right_password_only() {
    let fixture = open().await;
    let metadata = &fixture.metadata;
    metadata.register(wish("nina"), PEER).await.unwrap();
    let waits = metadata.sign_in("nina", PASSWORD, PEER).await.unwrap_err();
    assert!(matches!(waits, MetadataError::AwaitsApproval), "{waits}");
    let wrong = metadata.sign_in("nina", "another horse battery", PEER).await.unwrap_err();
    assert!(matches!(wrong, MetadataError::WrongCredentials), "{wrong}");
    assert!(metadata.authenticate_basic("nina", PASSWORD, PEER).await.is_err());
    assert_eq!(kind(metadata.register(wish("NINA"), PEER).await), Some(ErrorKind::Conflict));

    let people = metadata.people(&fixture.owner, &everyone()).await.unwrap();
    let nina = people.iter().find(|person| person.login == "nina").unwrap();
    assert!(nina.awaits_approval && nina.status == PersonStatus::Pending && nina.role == Role::Viewer);
    assert_eq!(nina.name, "<b>Nina</b>");
    let (invited, _) = fixture.invite("ivo", Role::Viewer).await;
    assert!(!invited.awaits_approval);
    assert_eq!(kind(fixture.set_status(&invited, PersonStatus::Active).await), Some(ErrorKind::Conflict));
    assert_eq!(kind(fixture.set_status(nina, PersonStatus::Suspended).await), Some(ErrorKind::Conflict));
    let nina = fixture.set_status(nina, PersonStatus::Active).await.unwrap();
    assert!(!nina.awaits_approval && fixture.signs_in("nina", PASSWORD).await);
}

#[tokio::test]
async fn whoever_is_rejected_may_ask_again_and_nobody_waits_for_ever() {
    let fixture = open().await;
    let metadata = &fixture.metadata;
    metadata.register(wish("nina"), PEER).await.unwrap();
    let people = metadata.people(&fixture.owner, &everyone()).await.unwrap();
    let nina = people.iter().find(|person| person.login == "nina").unwrap();
    metadata.delete_person(&fixture.owner, nina.id, nina.version).await.unwrap();
    assert!(matches!(metadata.sign_in("nina", PASSWORD, PEER).await, Err(MetadataError::WrongCredentials)));
    metadata.register(wish("nina"), PEER).await.unwrap();
    fixture.pass(i64::try_from(WAIT.as_millis()).unwrap() + 1);
    assert_eq!(metadata.clean_up().await.unwrap(), CleanedUp { waiting: 1, sessions: 1, ..CleanedUp::default() });
    assert_eq!(metadata.people(&fixture.owner, &everyone()).await.unwrap().len(), 1);
    metadata.register(wish("nina"), PEER).await.unwrap();
}

#[tokio::test]
async fn one_address_is_slowed_down_and_no_more_than_a_hundred_wait() {
    let fixture = open().await;
    let metadata = &fixture.metadata;
    let from = |number: u64| IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap() << 8));
    let mut slowed = 0;
    for number in 0..8 {
        let short = Registration { password: "short".into(), ..wish(&format!("bad{number}")) };
        let refused = kind(metadata.register(short, from(999)).await);
        slowed += usize::from(refused == Some(ErrorKind::Busy));
    }
    assert!(slowed > 0, "after some attempts the address has to wait");
    for number in 0..MAX_WAITING {
        metadata.register(wish(&format!("nina{number}")), from(number)).await.unwrap();
    }
    let full = metadata.register(wish("one-more"), from(1_000)).await.unwrap_err();
    assert!(full.kind() == ErrorKind::Conflict && full.to_string().contains("MAX_WAITING"), "{full}");
    let org = metadata.create_organisation(&Principal::system(fixture.owner.org), "Elsewhere").await.unwrap();
    let stranger = Principal { org, ..fixture.owner.clone() };
    assert_eq!(metadata.people(&stranger, &everyone()).await.unwrap(), [], "they ask the first organisation");
}
