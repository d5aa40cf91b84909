//! Inviting, changing and removing people, their links and sessions, and the record of it, on a real file, with a clock that
//! the test moves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sensorium_metadata::{
    AuditCursor, AuditFilter, CleanedUp, Client, Clock, LinkPurpose, Metadata, MetadataConfig, MetadataError, NewLink,
    NewPerson, NewToken, PeopleQuery, Person, PersonChange, PersonStatus, SetUp,
};
use sensorium_model::{ErrorKind, Principal, Role, Subject, UserId};
use tempfile::TempDir;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "correct horse battery";
const ANOTHER: &str = "another horse battery";
const HOUR_MS: i64 = 3_600_000;

struct Fixture {
    _folder: TempDir,
    now_ms: Arc<AtomicI64>,
    metadata: Metadata,
    /// The signed-in owner `ada`.
    owner: Principal,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut MetadataConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicI64::new(1_800_000_000_000));
        let clock = now_ms.clone();
        let mut config = MetadataConfig::new(folder.path());
        config.clock = Clock::new(move || clock.load(Ordering::SeqCst));
        change(&mut config);
        let (metadata, first) = Metadata::open(config).await.unwrap();
        let request = SetUp {
            code: first.setup_code.unwrap(),
            organisation: "Lab".into(),
            login: "ada".into(),
            password: PASSWORD.into(),
        };
        let session = metadata.set_up(request, PEER).await.unwrap();
        let (owner, _) = metadata.session(&session.secret).await.unwrap().unwrap();
        Self { _folder: folder, now_ms, metadata, owner }
    }

    fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    async fn invite(&self, login: &str, role: Role) -> (Person, NewLink) {
        let new = NewPerson { login: login.into(), name: String::new(), role };
        self.metadata.invite(&self.owner, new).await.unwrap()
    }

    /// Somebody who has accepted an invitation.
    async fn colleague(&self, login: &str, role: Role) -> (Person, Principal) {
        let (person, link) = self.invite(login, role).await;
        let session = self.metadata.accept_link(&link.secret, PASSWORD, PEER).await.unwrap();
        let (who, _) = self.metadata.session(&session.secret).await.unwrap().unwrap();
        (self.person(person.id).await, who)
    }

    async fn person(&self, id: UserId) -> Person {
        self.metadata.person(&self.owner, id).await.unwrap()
    }

    async fn set_status(&self, person: &Person, status: PersonStatus) -> Result<Person, MetadataError> {
        let change = PersonChange { version: person.version, status: Some(status), ..PersonChange::default() };
        self.metadata.change_person(&self.owner, person.id, change).await
    }

    async fn signs_in(&self, login: &str, password: &str) -> bool {
        self.metadata.sign_in(login, password, PEER).await.is_ok()
    }

    async fn log(&self, action: &str, target: &str) -> Vec<String> {
        let filter = AuditFilter { action: Some(action.into()), target: Some(target.into()), ..AuditFilter::default() };
        let page = self.metadata.audit_page(&self.owner, &filter, None, 100).await.unwrap();
        page.into_iter().map(|entry| format!("{entry:?}")).collect()
    }
}

fn kind<T>(result: Result<T, MetadataError>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

fn role(version: i64, role: Role) -> PersonChange {
    PersonChange { version, role: Some(role), ..PersonChange::default() }
}

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
async fn an_administrator_does_not_touch_or_make_owners_and_others_touch_nobody() {
    let fixture = Fixture::new().await;
    let metadata = &fixture.metadata;
    let (adam, administrator) = fixture.colleague("adam", Role::Administrator).await;
    let (edith, editor) = fixture.colleague("edith", Role::Editor).await;
    let (olga, _) = fixture.colleague("olga", Role::Owner).await;
    let owner_to_be = NewPerson { login: "otto".into(), name: String::new(), role: Role::Owner };
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

    let new = || NewPerson { login: "nina".into(), name: String::new(), role: Role::Viewer };
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
        let new = NewToken { name: "sensor".into(), database: None, can_read: true, can_write: true };
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
    let new = NewToken { name: "sensor".into(), database: None, can_read: true, can_write: true };
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
async fn an_administrator_by_invitation_closes_the_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let (metadata, first) = Metadata::open(MetadataConfig::new(folder.path())).await.unwrap();
    let new = NewPerson { login: "ada".into(), name: String::new(), role: Role::Owner };
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
    let new = NewPerson { login: "eve".into(), name: String::new(), role: Role::Owner };
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
