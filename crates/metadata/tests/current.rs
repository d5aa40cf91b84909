//! A connection that outlives a request ends with the session or token that opened it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/postgres.rs"]
mod postgres;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sensorium_metadata::{Clock, Metadata, NewToken, SetUp};
use sensorium_model::{OrgId, Principal};
use tempfile::TempDir;

use self::postgres::metadata_of;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server with an administrator, who is signed in.
struct Signed {
    _folder: TempDir,
    now_ms: Arc<AtomicI64>,
    metadata: Metadata,
    who: Principal,
}

async fn signed_in() -> Signed {
    let folder = tempfile::tempdir().unwrap();
    let now_ms = Arc::new(AtomicI64::new(1_800_000_000_000));
    let clock = now_ms.clone();
    let mut config = metadata_of(folder.path());
    config.clock = Clock::new(move || clock.load(Ordering::SeqCst));
    let (metadata, first) = Metadata::open(config).await.unwrap();
    let request = SetUp {
        code: first.setup_code.unwrap(),
        organisation: "Lab".into(),
        login: "ada".into(),
        password: "correct horse battery".into(),
    };
    let session = metadata.set_up(request, PEER).await.unwrap();
    let (who, _) = metadata.session(&session.secret).await.unwrap().unwrap();
    Signed { _folder: folder, now_ms, metadata, who }
}

#[tokio::test]
async fn a_session_stands_until_it_is_signed_out() {
    let Signed { metadata, who, .. } = &signed_in().await;
    assert!(metadata.is_current(who).await.unwrap());
    let elsewhere = Principal { org: OrgId::from_uuid(uuid::Uuid::nil()), ..who.clone() };
    assert!(!metadata.is_current(&elsewhere).await.unwrap(), "another organisation's principal");
    metadata.sign_out(who).await.unwrap();
    assert!(!metadata.is_current(who).await.unwrap());
}

#[tokio::test]
async fn a_session_does_not_outlive_its_time() {
    let Signed { metadata, who, now_ms, .. } = &signed_in().await;
    now_ms.fetch_add(366 * 86_400_000, Ordering::SeqCst);
    assert!(!metadata.is_current(who).await.unwrap());
}

#[tokio::test]
async fn a_token_stands_until_it_is_revoked() {
    let Signed { metadata, who, .. } = &signed_in().await;
    let new = NewToken {
        name: "device".into(),
        database: None,
        can_read: true,
        can_write: true,
        expires_at_ms: None,
        for_devices: false,
    };
    let (info, secret) = metadata.create_token(who, new).await.unwrap();
    let token = metadata.authenticate_token(&secret).await.unwrap().unwrap();
    assert!(metadata.is_current(&token).await.unwrap());
    metadata.revoke_token(who, info.id).await.unwrap();
    assert!(!metadata.is_current(&token).await.unwrap());
    assert!(metadata.is_current(&Principal::system(who.org)).await.unwrap());
}
