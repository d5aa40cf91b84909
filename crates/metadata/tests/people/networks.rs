//! Wi-Fi networks, and that what is sealed stays so.

use std::path::Path;

use sea_orm::{ConnectionTrait, Database};
use sensorium_metadata::{Engine, FILE, Metadata, MetadataConfig, MetadataError, NetworkChange, NewNetwork, NewToken};
use sensorium_model::{ErrorKind, NetworkId, Principal, Role};

use super::app;
use super::fixture::{Fixture, PASSWORD, PEER, kind};
use super::postgres::url_of;

const SECRET: &str = "the-network-password";

fn new(name: &str, password: Option<&str>) -> NewNetwork {
    NewNetwork { name: name.into(), ssid: format!("{name}-ssid"), password: password.map(Into::into) }
}

async fn password(metadata: &Metadata, who: &Principal, id: NetworkId) -> Result<Option<String>, MetadataError> {
    let access = metadata.use_network(who, id, "a test").await?;
    Ok(access.password.map(|password| password.to_string()))
}

#[tokio::test]
async fn networks_are_made_changed_used_and_deleted_on_record() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (_, edith) = fixture.colleague("edith", Role::Editor).await;
    let attic = metadata.create_network(&edith, new("Attic", Some(SECRET))).await.unwrap();
    assert_eq!((attic.ssid.as_str(), attic.has_password, attic.version), ("Attic-ssid", true, 1));
    assert_eq!(kind(metadata.create_network(&edith, new("Attic", None)).await), Some(ErrorKind::Conflict));
    assert_eq!(kind(metadata.create_network(&edith, new("Yard", Some("short"))).await), Some(ErrorKind::Invalid));
    let yard = metadata.create_network(&edith, new("Yard", None)).await.unwrap();
    let names: Vec<_> = metadata.networks(&edith).await.unwrap().into_iter().map(|network| network.name).collect();
    assert_eq!(names, ["Attic", "Yard"]);
    assert_eq!(password(metadata, &edith, attic.id).await.unwrap().as_deref(), Some(SECRET));
    assert_eq!(password(metadata, &edith, yard.id).await.unwrap(), None);

    let rename = |version| NetworkChange { version, name: Some("Loft".into()), ..NetworkChange::default() };
    let loft = metadata.change_network(&edith, attic.id, rename(1)).await.unwrap();
    assert_eq!((loft.name.as_str(), loft.version), ("Loft", 2));
    assert_eq!(password(metadata, &edith, attic.id).await.unwrap().as_deref(), Some(SECRET), "it stays");
    let late = metadata.change_network(&edith, attic.id, rename(1)).await.unwrap_err();
    assert!(matches!(&late, MetadataError::NetworkChanged(current) if **current == loft), "{late}");
    let taken = NetworkChange { version: 1, ..rename(1) };
    assert_eq!(kind(metadata.change_network(&edith, yard.id, taken).await), Some(ErrorKind::Conflict));
    let open = NetworkChange { version: 2, password: Some(None), ..NetworkChange::default() };
    assert!(!metadata.change_network(&edith, attic.id, open).await.unwrap().has_password);
    assert_eq!(kind(metadata.delete_network(&edith, attic.id, 2).await), Some(ErrorKind::Conflict));
    metadata.delete_network(&edith, attic.id, 3).await.unwrap();
    assert_eq!(kind(metadata.network(&edith, attic.id).await), Some(ErrorKind::Missing));
    for (action, count) in [("created", 2), ("changed", 2), ("used", 3), ("deleted", 1)] {
        let log = fixture.log(action, "wifi network").await;
        assert_eq!(log.len(), count, "{action}: {log:?}");
        assert!(!format!("{log:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn viewers_programs_and_other_organisations_see_no_network() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let attic = metadata.create_network(&fixture.owner, new("Attic", Some(SECRET))).await.unwrap();
    let (_, vera) = fixture.colleague("vera", Role::Viewer).await;
    let token = NewToken {
        name: "device".into(),
        database: None,
        can_read: true,
        can_write: true,
        expires_at_ms: None,
        for_devices: false,
    };
    let (_, token) = metadata.create_token(&fixture.owner, token).await.unwrap();
    let token = metadata.authenticate_token(&token).await.unwrap().unwrap();
    for who in [&vera, &token] {
        assert_eq!(kind(metadata.networks(who).await), Some(ErrorKind::Denied));
        assert_eq!(kind(password(metadata, who, attic.id).await), Some(ErrorKind::Denied));
    }
    let elsewhere = metadata.create_organisation(&Principal::system(metadata.org()), "Elsewhere").await.unwrap();
    let stranger = Principal::system(elsewhere);
    assert!(metadata.networks(&stranger).await.unwrap().is_empty());
    assert_eq!(kind(password(metadata, &stranger, attic.id).await), Some(ErrorKind::Missing));
    let change = NetworkChange { version: 1, name: Some("Mine".into()), ..NetworkChange::default() };
    assert_eq!(kind(metadata.change_network(&stranger, attic.id, change).await), Some(ErrorKind::Missing));
    assert_eq!(kind(metadata.delete_network(&stranger, attic.id, 1).await), Some(ErrorKind::Missing));
    metadata.create_network(&stranger, new("Attic", None)).await.unwrap();
}

/// Whether a file of a folder holds a text.
fn is_in_a_file(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut contents = files.map(|file| std::fs::read(file).unwrap());
    contents.any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[tokio::test]
async fn no_file_and_no_copy_holds_what_is_sealed() {
    let fixture = Fixture::with(|config| config.engine = Engine::File(config.key_file.with_file_name(FILE))).await;
    let metadata = &fixture.metadata;
    let attic = metadata.create_network(&fixture.owner, new("Attic", Some(SECRET))).await.unwrap();
    let begun = metadata.begin_second_factor(&fixture.owner, PASSWORD, PEER).await.unwrap();
    let now_ms = fixture.now_ms.load(std::sync::atomic::Ordering::SeqCst);
    let codes = metadata.confirm_second_factor(&fixture.owner, &app::code(&begun.secret, now_ms)).await.unwrap();
    let folder = fixture.folder.path();
    assert!(is_in_a_file(folder, "Attic-ssid"), "the search works");
    for secret in [SECRET, &begun.secret, &codes[0], &codes[0].replace('-', "")] {
        assert!(!is_in_a_file(folder, secret));
    }

    // A copy opens with the key, and without it says what is missing.
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("metadata.sqlite");
    assert!(Metadata::copy(&MetadataConfig::new(folder), &copy).await.unwrap());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1, "without the key");
    let key = std::fs::read_to_string(folder.join("secret.key")).unwrap();
    assert!(!is_in_a_file(elsewhere.path(), key.trim()));
    let open = || Metadata::open(MetadataConfig::new(elsewhere.path()));
    let (restored, _) = open().await.unwrap();
    let missing = password(&restored, &fixture.owner, attic.id).await.unwrap_err();
    assert!(missing.to_string().contains("it is missing"), "{missing}");
    assert_eq!(
        kind(restored.create_network(&fixture.owner, new("Yard", Some(SECRET))).await),
        Some(ErrorKind::Corrupt)
    );
    assert!(!elsewhere.path().join("secret.key").exists(), "no key is made while something is sealed");
    // It is found as soon as it is there.
    std::fs::write(elsewhere.path().join("secret.key"), &key).unwrap();
    assert_eq!(password(&restored, &fixture.owner, attic.id).await.unwrap().as_deref(), Some(SECRET));
    restored.close().await.unwrap();
}

#[tokio::test]
async fn another_key_opens_and_seals_nothing_and_a_lost_one_is_replaced_once_nothing_is_sealed() {
    let fixture = Fixture::new().await;
    let attic = fixture.metadata.create_network(&fixture.owner, new("Attic", Some(SECRET))).await.unwrap();
    let path = fixture.folder.path().join("secret.key");
    let right = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{}\n", "A".repeat(43))).unwrap();
    let metadata = fixture.reopen().await;
    let other = password(&metadata, &fixture.owner, attic.id).await.unwrap_err().to_string();
    assert!(other.contains("not the key") && other.contains("secret.key"), "{other}");
    let sealed = metadata.create_network(&fixture.owner, new("Yard", Some(SECRET))).await;
    assert_eq!(kind(sealed), Some(ErrorKind::Corrupt));
    std::fs::write(&path, "no key").unwrap();
    let nonsense = password(&metadata, &fixture.owner, attic.id).await.unwrap_err().to_string();
    assert!(nonsense.contains("holds no key"), "{nonsense}");
    std::fs::write(&path, &right).unwrap();
    assert_eq!(
        password(&metadata, &fixture.owner, attic.id).await.unwrap().as_deref(),
        Some(SECRET),
        "nothing is damaged"
    );

    std::fs::remove_file(&path).unwrap();
    let metadata = fixture.reopen().await;
    assert!(password(&metadata, &fixture.owner, attic.id).await.is_err());
    metadata.delete_network(&fixture.owner, attic.id, 1).await.unwrap();
    let yard = metadata.create_network(&fixture.owner, new("Yard", Some(SECRET))).await.unwrap();
    assert_eq!(password(&metadata, &fixture.owner, yard.id).await.unwrap().as_deref(), Some(SECRET));
    assert_ne!(std::fs::read_to_string(&path).unwrap(), right);
}

#[tokio::test]
async fn a_sealed_password_cannot_be_moved_to_another_row() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let attic = metadata.create_network(&fixture.owner, new("Attic", Some(SECRET))).await.unwrap();
    let yard = metadata.create_network(&fixture.owner, new("Yard", Some("another password"))).await.unwrap();
    let folder = fixture.folder.path();
    let url = url_of(folder).unwrap_or_else(|| format!("sqlite://{}", folder.join(FILE).display()));
    let db = Database::connect(url).await.unwrap();
    let moved = "UPDATE wifi_network SET password = (SELECT password FROM wifi_network WHERE name = 'Attic') WHERE name = 'Yard'";
    db.execute_unprepared(moved).await.unwrap();
    db.close().await.unwrap();
    assert_eq!(password(metadata, &fixture.owner, attic.id).await.unwrap().as_deref(), Some(SECRET));
    let refused = password(metadata, &fixture.owner, yard.id).await.unwrap_err();
    assert!(refused.to_string().contains("moved here"), "{refused}");
}
