//! A file of an older version is brought to the current form, and everything in it still counts.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use sea_orm::{ConnectionTrait, Database};
use sensorium_metadata::{
    AuditFilter, Clock, Content, Decision, FILE, Metadata, MetadataConfig, NewDevice, PeopleQuery, PersonChange,
    PersonStatus, SubmissionKind, SubmissionStatus,
};
use sensorium_model::{Principal, Role};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Moments after the file was written.
const NOW_MS: i64 = 1_795_751_200_000;

/// Writes a file with the statements of a dump.
async fn load(dump: &str, path: &Path) {
    let db = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    db.execute_unprepared(dump).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_forward() {
    let folder = tempfile::tempdir().unwrap();
    let config = || MetadataConfig { clock: Clock::new(|| NOW_MS), ..MetadataConfig::new(folder.path()) };
    load(include_str!("fixtures/v1.sql"), &folder.path().join(FILE)).await;
    let (metadata, first) = Metadata::open(config()).await.unwrap();
    assert!(first.setup_code.is_none(), "there is an owner");

    let session = metadata.session("8dJCco2ZKEErxU8DKC1_fpIkAvL8E71kvempfZu1UqI").await.unwrap();
    let (owner, _) = session.unwrap();
    assert_eq!(owner.role, Role::Owner);
    assert!(metadata.authenticate_token("bootstrap-token-of-v1").await.unwrap().is_some());
    assert!(metadata.sign_in("ada", "correct horse battery", PEER).await.is_ok());
    let people = metadata.people(&owner, &PeopleQuery { limit: 10, ..PeopleQuery::default() }).await.unwrap();
    let [ada] = people.as_slice() else { unreachable!("{people:?}") };
    assert_eq!((ada.login.as_str(), ada.name.as_str(), ada.version), ("Ada", "", 1));
    assert_eq!((ada.status, &ada.link), (PersonStatus::Active, &None));
    let sessions = metadata.own_sessions(&owner).await.unwrap();
    let old = sessions.iter().find(|session| session.is_current).unwrap();
    assert_eq!((&old.address, &old.user_agent), (&None, &None));
    let entries = metadata.audit_page(&owner, &AuditFilter::default(), None, 100).await.unwrap();
    assert_eq!(entries.len(), 6, "those of the file, and the sign-in");
    let by_ada = |action: &str, name: &str| {
        let entry = entries.iter().find(|entry| entry.action == action && entry.name == name);
        entry.unwrap().actor_name.clone()
    };
    assert_eq!(by_ada("created", "other").as_deref(), Some("Ada"), "older entries have names, too");
    assert_eq!(by_ada("created", "bootstrap"), None);
    let change = PersonChange { version: 1, name: Some("Ada L.".into()), ..PersonChange::default() };
    assert_eq!(metadata.change_person(&owner, ada.id, change).await.unwrap().version, 2);

    let new = NewDevice {
        name: "attic".into(),
        type_id: None,
        attributes: [].into(),
        tags: [].into(),
        writes_as: None,
        enabled: true,
        location: None,
        position: None,
    };
    let device = metadata.create_device(&owner, new).await.unwrap();
    assert!(metadata.device_tokens(&owner, device.id).await.unwrap().is_empty());
    assert!(metadata.device_credentials(&owner, device.id).await.unwrap().is_empty());
    let tokens = metadata.tokens(&owner).await.unwrap();
    assert!(
        tokens.len() == 2 && tokens.iter().all(|token| token.expires_at_ms.is_none()),
        "older tokens do not expire"
    );

    metadata.close().await.unwrap();
    let (metadata, _) = Metadata::open(config()).await.unwrap();
    let people = metadata.people(&owner, &PeopleQuery { limit: 10, ..PeopleQuery::default() }).await.unwrap();
    assert_eq!(people[0].name, "Ada L.", "a second start changes nothing");
}

#[tokio::test]
async fn what_was_submitted_before_types_could_be_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let config = || MetadataConfig { clock: Clock::new(|| NOW_MS + 86_400_000), ..MetadataConfig::new(folder.path()) };
    load(include_str!("fixtures/v11.sql"), &folder.path().join(FILE)).await;
    let (metadata, _) = Metadata::open(config()).await.unwrap();
    let owner = Principal::system(metadata.org());
    let submissions = metadata.submissions(&owner, Some(SubmissionKind::Template), None).await.unwrap();
    let [second, first] = submissions.as_slice() else { unreachable!("{submissions:?}") };
    assert_eq!((first.subject.as_str(), first.number, first.status), ("soil-probe", 1, SubmissionStatus::Accepted));
    assert_eq!((second.author_name.as_deref(), second.status), (Some("Ada"), SubmissionStatus::Waiting));
    let found = metadata.submission(&owner, first.id).await.unwrap();
    assert_eq!(found.comments[0].text, "Which <b>probe</b>?");
    assert_eq!((found.submission.reason.as_deref(), found.submission.base_version), (Some("Fine"), None));
    let found = metadata.submission(&owner, second.id).await.unwrap();
    assert!(matches!(found.content, Content::Template(_)));
    assert!(found.changes.unwrap().contains("-version 1\n+version 2\n"));
    let bodies = async || metadata.accepted_templates(&owner).await.unwrap()[0].files[0].body.clone();
    assert_eq!(bodies().await, "version 1\n");
    metadata.comment_on_submission(&owner, second.id, "Better").await.unwrap();
    metadata.review(&owner, second.id, Decision::Accept(String::new())).await.unwrap();
    assert_eq!(bodies().await, "version 2\n");
}
