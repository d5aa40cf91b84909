//! Claim links: whoever has one gets a token of the device, once.

use std::net::{IpAddr, Ipv4Addr};

use sensorium_metadata::{DeviceChange, MetadataError, NewDeviceToken};
use sensorium_model::{DatabaseName, ErrorKind, Principal, Role};

use crate::fixture::{Fixture, START_MS, kind};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn a_claim_link_gives_out_one_token_of_the_device_and_then_nothing() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let attic = fixture.device("attic").await;
    let database = DatabaseName::new("main").unwrap();
    let link = metadata.issue_claim(&fixture.owner, attic.id, Some(database.clone())).await.unwrap();
    let out = metadata.claim_link(&fixture.owner, attic.id).await.unwrap();
    assert_eq!((out.database.as_deref(), out.expires_at_ms), (Some("main"), link.expires_at_ms));
    let claimed = metadata.claim(&link.secret, PEER).await.unwrap();
    assert_eq!((claimed.device.as_str(), claimed.database.as_deref()), ("attic", Some("main")));
    let who = metadata.authenticate_token(&claimed.token).await.unwrap().unwrap();
    assert_eq!((who.device.as_ref().unwrap().id, who.can_read, who.can_write), (attic.id, false, true));
    assert_eq!(who.databases, sensorium_model::DatabaseScope::One(database));
    assert!(matches!(metadata.claim(&link.secret, PEER).await, Err(MetadataError::WrongClaim)));
    assert_eq!(kind(metadata.claim_link(&fixture.owner, attic.id).await), Some(ErrorKind::Missing));
    let log = metadata.audit_log(&fixture.owner, 100).await.unwrap();
    let entry = log.iter().find(|entry| entry.action == "claimed").unwrap();
    assert_eq!((entry.name.as_str(), entry.actor_kind.as_str()), ("attic", "anonymous"));
    assert!(!format!("{log:?}").contains(&claimed.token) && !format!("{log:?}").contains(&link.secret));
    assert!(!format!("{claimed:?} {link:?}").contains("sen_"), "secrets are in no log");
}

#[tokio::test]
async fn a_link_that_was_replaced_revoked_or_is_too_old_does_not_work() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let attic = fixture.device("attic").await;
    let first = metadata.issue_claim(&fixture.owner, attic.id, None).await.unwrap();
    let second = metadata.issue_claim(&fixture.owner, attic.id, None).await.unwrap();
    assert!(matches!(metadata.claim(&first.secret, PEER).await, Err(MetadataError::WrongClaim)));
    metadata.revoke_claim(&fixture.owner, attic.id).await.unwrap();
    assert_eq!(kind(metadata.revoke_claim(&fixture.owner, attic.id).await), Some(ErrorKind::Missing));
    assert!(matches!(metadata.claim(&second.secret, PEER).await, Err(MetadataError::WrongClaim)));
    let third = metadata.issue_claim(&fixture.owner, attic.id, None).await.unwrap();
    fixture.pass(third.expires_at_ms - START_MS);
    assert!(matches!(metadata.claim(&third.secret, PEER).await, Err(MetadataError::WrongClaim)));
    assert_eq!(metadata.clean_up().await.unwrap().claims, 1);
    let fourth = metadata.issue_claim(&fixture.owner, attic.id, None).await.unwrap();
    metadata.delete_device(&fixture.owner, attic.id, attic.version).await.unwrap();
    assert!(matches!(metadata.claim(&fourth.secret, PEER).await, Err(MetadataError::WrongClaim)));
    let mut waits = 0;
    for _ in 0..30 {
        waits += usize::from(kind(metadata.claim("guess", PEER).await) == Some(ErrorKind::Busy));
    }
    assert!(waits > 0, "guesses are slowed down");
}

#[tokio::test]
async fn a_disabled_or_full_device_keeps_its_link() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let attic = fixture.device("attic").await;
    let link = metadata.issue_claim(&fixture.owner, attic.id, None).await.unwrap();
    let switch = |version, enabled| DeviceChange { version, enabled: Some(enabled), ..DeviceChange::default() };
    let off = metadata.change_device(&fixture.owner, attic.id, switch(attic.version, false)).await.unwrap();
    assert_eq!(kind(metadata.claim(&link.secret, PEER).await), Some(ErrorKind::Conflict));
    metadata.change_device(&fixture.owner, attic.id, switch(off.version, true)).await.unwrap();
    for number in 0..4 {
        let new = NewDeviceToken { name: format!("t{number}"), database: None, expires_at_ms: None };
        metadata.create_device_token(&fixture.owner, attic.id, new).await.unwrap();
    }
    assert_eq!(kind(metadata.claim(&link.secret, PEER).await), Some(ErrorKind::Conflict));
    let token = metadata.device_tokens(&fixture.owner, attic.id).await.unwrap().remove(0);
    metadata.revoke_device_token(&fixture.owner, attic.id, token.id).await.unwrap();
    assert!(metadata.claim(&link.secret, PEER).await.is_ok());
}

#[tokio::test]
async fn viewers_and_strangers_make_and_see_no_claim_links() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let attic = fixture.device("attic").await;
    metadata.issue_claim(&fixture.owner, attic.id, None).await.unwrap();
    let viewer = Principal { role: Role::Viewer, can_write: false, ..fixture.owner.clone() };
    assert_eq!(kind(metadata.issue_claim(&viewer, attic.id, None).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.claim_link(&viewer, attic.id).await), Some(ErrorKind::Denied));
    assert_eq!(kind(metadata.issue_claim(&fixture.stranger, attic.id, None).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.claim_link(&fixture.stranger, attic.id).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.revoke_claim(&fixture.stranger, attic.id).await), Some(ErrorKind::Missing));
}
