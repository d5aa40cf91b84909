//! Set-up, signing in, sessions and tokens on a real file, with a clock that the test moves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/postgres.rs"]
mod postgres;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sensorium_metadata::{
    Change, Clock, Engine, FirstStart, Metadata, MetadataConfig, MetadataError, NewToken, NewUser, SetUp,
};
use sensorium_model::{Action, DatabaseName, ErrorKind, Principal, Role, Subject};
use tempfile::TempDir;

use self::postgres::metadata_of;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "correct horse battery";
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

struct Fixture {
    folder: TempDir,
    now_ms: Arc<AtomicI64>,
    metadata: Metadata,
    first: FirstStart,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicI64::new(1_800_000_000_000));
        let (metadata, first) = Metadata::open(config(&folder, &now_ms)).await.unwrap();
        Self { folder, now_ms, metadata, first }
    }

    async fn set_up() -> Self {
        let fixture = Self::new().await;
        fixture.metadata.set_up(fixture.setup_request(), PEER).await.unwrap();
        fixture
    }

    fn setup_request(&self) -> SetUp {
        SetUp {
            code: self.first.setup_code.clone().unwrap(),
            organisation: "Lab".into(),
            login: "Ada".into(),
            password: PASSWORD.into(),
        }
    }

    async fn reopen(&mut self) {
        self.metadata.close().await.unwrap();
        let (metadata, first) = Metadata::open(config(&self.folder, &self.now_ms)).await.unwrap();
        self.metadata = metadata;
        self.first = first;
    }

    fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    async fn owner(&self) -> Principal {
        let signed_in = self.metadata.sign_in("ada", PASSWORD, PEER).await.unwrap();
        self.metadata.session(&signed_in.secret).await.unwrap().unwrap().0
    }

    async fn colleague(&self, owner: &Principal, login: &str, role: Role) -> Principal {
        let new = NewUser { login: login.into(), password: PASSWORD.into(), role };
        let id = self.metadata.create_user(owner, new).await.unwrap();
        Principal::user(owner.org, id, None, role)
    }

    /// The owner of another organisation of the same installation.
    async fn stranger(&self) -> Principal {
        let system = Principal::system(self.first.org);
        let org = self.metadata.create_organisation(&system, "Elsewhere").await.unwrap();
        self.colleague(&Principal::system(org), "eve", Role::Owner).await
    }
}

fn config(folder: &TempDir, now_ms: &Arc<AtomicI64>) -> MetadataConfig {
    let now_ms = now_ms.clone();
    let mut config = metadata_of(folder.path());
    config.clock = Clock::new(move || now_ms.load(Ordering::SeqCst));
    config
}

fn read_write(name: &str) -> NewToken {
    NewToken {
        name: name.into(),
        database: None,
        can_read: true,
        can_write: true,
        expires_at_ms: None,
        for_devices: false,
    }
}

fn kind<T>(result: Result<T, MetadataError>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[tokio::test]
async fn the_setup_code_works_once() {
    let fixture = Fixture::new().await;
    assert!(fixture.metadata.setup_needed().await.unwrap());
    let wrong = SetUp { code: "aaaa-bbbb".into(), ..fixture.setup_request() };
    assert_eq!(kind(fixture.metadata.set_up(wrong, PEER).await), Some(ErrorKind::Unauthenticated));
    let weak = SetUp { password: "short".into(), ..fixture.setup_request() };
    assert_eq!(kind(fixture.metadata.set_up(weak, PEER).await), Some(ErrorKind::Invalid));

    let signed_in = fixture.metadata.set_up(fixture.setup_request(), PEER).await.unwrap();
    assert_eq!(signed_in.account.organisation, "Lab");
    let user = signed_in.account.user.unwrap();
    assert_eq!((user.login.as_str(), user.role), ("Ada", Role::Owner));
    assert!(fixture.metadata.session(&signed_in.secret).await.unwrap().is_some());

    assert!(!fixture.metadata.setup_needed().await.unwrap());
    let again = SetUp { login: "mallory".into(), ..fixture.setup_request() };
    assert_eq!(kind(fixture.metadata.set_up(again, PEER).await), Some(ErrorKind::Conflict));
}

#[tokio::test]
async fn of_two_who_send_the_code_one_succeeds() {
    let fixture = Fixture::new().await;
    let other = SetUp { login: "mallory".into(), ..fixture.setup_request() };
    let (a, b) =
        tokio::join!(fixture.metadata.set_up(fixture.setup_request(), PEER), fixture.metadata.set_up(other, PEER));
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
}

#[tokio::test]
async fn each_start_makes_a_new_code_until_there_is_an_administrator() {
    let mut fixture = Fixture::new().await;
    let (org, first) = (fixture.first.org, fixture.setup_request());
    fixture.reopen().await;
    assert_eq!(fixture.first.org, org);
    assert_eq!(kind(fixture.metadata.set_up(first, PEER).await), Some(ErrorKind::Unauthenticated));
    fixture.metadata.set_up(fixture.setup_request(), PEER).await.unwrap();
    fixture.reopen().await;
    assert!(fixture.first.setup_code.is_none());
}

#[tokio::test]
async fn guessing_the_code_is_slowed_down() {
    let fixture = Fixture::new().await;
    let wrong = SetUp { code: "wrong".into(), ..fixture.setup_request() };
    for _ in 0..5 {
        assert_eq!(kind(fixture.metadata.set_up(wrong.clone(), PEER).await), Some(ErrorKind::Unauthenticated));
    }
    let error = fixture.metadata.set_up(fixture.setup_request(), PEER).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    fixture.pass(1_000);
    fixture.metadata.set_up(fixture.setup_request(), PEER).await.unwrap();
}

#[tokio::test]
async fn signing_in_tells_nothing_about_logins() {
    let fixture = Fixture::set_up().await;
    let wrong = fixture.metadata.sign_in("ada", "not the password", PEER).await.unwrap_err();
    let unknown = fixture.metadata.sign_in("nobody", PASSWORD, PEER).await.unwrap_err();
    assert_eq!(wrong.to_string(), unknown.to_string());
    assert!(fixture.metadata.sign_in("ADA", PASSWORD, PEER).await.is_ok(), "case does not matter");
}

#[tokio::test]
async fn guessing_a_password_is_slowed_down_per_login_and_keeps_nobody_else_out() {
    let fixture = Fixture::set_up().await;
    for _ in 0..5 {
        assert_eq!(kind(fixture.metadata.sign_in("ada", "wrong", PEER).await), Some(ErrorKind::Unauthenticated));
    }
    let elsewhere = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
    assert!(fixture.metadata.sign_in("ada", PASSWORD, elsewhere).await.is_ok());
    let blocked = fixture.metadata.sign_in("ada", PASSWORD, PEER).await;
    assert_eq!(kind(blocked), Some(ErrorKind::Busy));
    let basic = fixture.metadata.authenticate_basic("ada", PASSWORD, PEER).await;
    assert_eq!(kind(basic), Some(ErrorKind::Busy), "Basic is no way around");
    fixture.pass(1_000);
    assert!(fixture.metadata.sign_in("ada", PASSWORD, PEER).await.is_ok());
}

#[tokio::test]
async fn a_pair_that_was_right_is_not_held_up_by_others_guesses() {
    let fixture = Fixture::set_up().await;
    let basic = async || fixture.metadata.authenticate_basic("ada", PASSWORD, PEER).await.unwrap();
    let first = basic().await.unwrap();
    assert!(matches!(first.subject, Subject::User(_, None)) && first.role == Role::Owner);
    for _ in 0..5 {
        assert!(fixture.metadata.authenticate_basic("ada", "wrong", PEER).await.unwrap().is_none());
    }
    assert_eq!(kind(fixture.metadata.sign_in("ada", PASSWORD, PEER).await), Some(ErrorKind::Busy));
    assert_eq!(basic().await.as_ref(), Some(&first));
    fixture.pass(10 * MINUTE_MS);
    assert_eq!(basic().await, Some(first), "looked up again");
}

#[tokio::test]
async fn a_session_changes_its_secret_and_forgives_a_lost_answer() {
    let fixture = Fixture::set_up().await;
    let first = fixture.metadata.sign_in("ada", PASSWORD, PEER).await.unwrap().secret;
    let (who, renewed) = fixture.metadata.session(&first).await.unwrap().unwrap();
    assert!(renewed.is_none(), "too early");

    fixture.pass(31 * MINUTE_MS);
    let (same, renewed) = fixture.metadata.session(&first).await.unwrap().unwrap();
    assert_eq!(who, same);
    let second = renewed.unwrap().secret;
    assert_ne!(first, second);
    let (_, again) = fixture.metadata.session(&first).await.unwrap().unwrap();
    assert!(again.is_none(), "a request beside it goes on with the secret before");

    // The answer with the second secret never arrived: the first one still works, and is replaced again.
    fixture.pass(10 * MINUTE_MS);
    let (_, renewed) = fixture.metadata.session(&first).await.unwrap().unwrap();
    let third = renewed.unwrap().secret;
    assert!(fixture.metadata.session(&second).await.unwrap().is_none(), "nobody ever used it");

    // Once the third was seen, the first is good for a moment only.
    assert!(fixture.metadata.session(&third).await.unwrap().is_some());
    assert!(fixture.metadata.session(&first).await.unwrap().is_some());
    fixture.pass(MINUTE_MS);
    assert!(fixture.metadata.session(&first).await.unwrap().is_none());
    assert!(fixture.metadata.session(&third).await.unwrap().is_some());
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_old_or_signed_out() {
    let fixture = Fixture::set_up().await;
    let out = fixture.metadata.sign_in("ada", PASSWORD, PEER).await.unwrap().secret;
    let (who, _) = fixture.metadata.session(&out).await.unwrap().unwrap();
    fixture.metadata.sign_out(&who).await.unwrap();
    assert!(fixture.metadata.session(&out).await.unwrap().is_none());

    let mut used = fixture.metadata.sign_in("ada", PASSWORD, PEER).await.unwrap().secret;
    let mut days = 0;
    while let Some((_, renewed)) = fixture.metadata.session(&used).await.unwrap() {
        used = renewed.map_or(used, |renewed| renewed.secret);
        fixture.pass(DAY_MS);
        days += 1;
        assert!(days < 100);
    }
    assert_eq!(days, 30);
    let idle = fixture.metadata.sign_in("ada", PASSWORD, PEER).await.unwrap().secret;
    fixture.pass(7 * DAY_MS);
    assert!(fixture.metadata.session(&idle).await.unwrap().is_some());
    fixture.pass(7 * DAY_MS + 1);
    assert!(fixture.metadata.session(&idle).await.unwrap().is_none());
    assert!(fixture.metadata.session("nonsense").await.unwrap().is_none());
}

#[tokio::test]
async fn sessions_survive_a_restart() {
    let mut fixture = Fixture::set_up().await;
    let secret = fixture.metadata.sign_in("ada", PASSWORD, PEER).await.unwrap().secret;
    fixture.reopen().await;
    assert!(fixture.metadata.session(&secret).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_acts_with_its_rights_until_it_is_revoked() {
    let fixture = Fixture::set_up().await;
    let owner = fixture.owner().await;
    let main = DatabaseName::new("main").unwrap();
    let new = NewToken {
        name: " sensor ".into(),
        database: Some(main.clone()),
        can_read: false,
        can_write: true,
        expires_at_ms: None,
        for_devices: false,
    };
    let (info, secret) = fixture.metadata.create_token(&owner, new).await.unwrap();
    assert!(secret.starts_with("sen_") && secret.starts_with(&info.hint));
    assert_eq!((info.name.as_str(), info.created_by.as_deref()), ("sensor", Some("Ada")));

    let token = fixture.metadata.authenticate_token(&secret).await.unwrap().unwrap();
    assert_eq!((token.org, token.subject), (owner.org, Subject::Token(info.id)));
    assert!(token.allows(Action::Write(&main)) && !token.allows(Action::Read(&main)));
    let basic = fixture.metadata.authenticate_basic("anything", &secret, PEER).await.unwrap();
    assert_eq!(basic, Some(token));
    let listed = fixture.metadata.tokens(&owner).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].last_used_at_ms.is_some());

    fixture.metadata.revoke_token(&owner, info.id).await.unwrap();
    assert!(fixture.metadata.authenticate_token(&secret).await.unwrap().is_none());
    assert!(fixture.metadata.authenticate_basic("anything", &secret, PEER).await.unwrap().is_none());
    assert!(fixture.metadata.tokens(&owner).await.unwrap().is_empty());
    let again = fixture.metadata.revoke_token(&owner, info.id).await;
    assert_eq!(kind(again), Some(ErrorKind::Missing));
}

#[tokio::test]
async fn useless_and_too_powerful_tokens_are_refused() {
    let fixture = Fixture::set_up().await;
    let owner = fixture.owner().await;
    let none = NewToken { can_read: false, can_write: false, ..read_write("none") };
    assert_eq!(kind(fixture.metadata.create_token(&owner, none).await), Some(ErrorKind::Invalid));
    assert_eq!(kind(fixture.metadata.create_token(&owner, read_write("  ")).await), Some(ErrorKind::Invalid));
    let viewer = fixture.colleague(&owner, "vera", Role::Viewer).await;
    assert_eq!(kind(fixture.metadata.create_token(&viewer, read_write("x")).await), Some(ErrorKind::Denied));
    assert_eq!(kind(fixture.metadata.tokens(&viewer).await), Some(ErrorKind::Denied));
    let (_, secret) = fixture.metadata.create_token(&owner, read_write("x")).await.unwrap();
    let token = fixture.metadata.authenticate_token(&secret).await.unwrap().unwrap();
    assert_eq!(kind(fixture.metadata.create_token(&token, read_write("y")).await), Some(ErrorKind::Denied));
    let new = NewUser { login: "bob".into(), password: PASSWORD.into(), role: Role::Viewer };
    assert_eq!(kind(fixture.metadata.create_user(&token, new).await), Some(ErrorKind::Denied));
}

#[tokio::test]
async fn editors_see_their_own_tokens_and_administrators_all() {
    let fixture = Fixture::set_up().await;
    let owner = fixture.owner().await;
    let editor = fixture.colleague(&owner, "edith", Role::Editor).await;
    let (owners, _) = fixture.metadata.create_token(&owner, read_write("owner's")).await.unwrap();
    let (editors, secret) = fixture.metadata.create_token(&editor, read_write("editor's")).await.unwrap();
    assert_eq!(fixture.metadata.tokens(&editor).await.unwrap(), std::slice::from_ref(&editors));
    assert_eq!(fixture.metadata.tokens(&owner).await.unwrap().len(), 2);
    let foreign = fixture.metadata.revoke_token(&editor, owners.id).await;
    assert_eq!(kind(foreign), Some(ErrorKind::Missing));
    fixture.metadata.revoke_token(&owner, editors.id).await.unwrap();
    assert!(fixture.metadata.authenticate_token(&secret).await.unwrap().is_none());
}

#[tokio::test]
async fn another_organisation_sees_and_touches_nothing() {
    let fixture = Fixture::set_up().await;
    let owner = fixture.owner().await;
    let stranger = fixture.stranger().await;
    assert_ne!(owner.org, stranger.org);
    let (info, secret) = fixture.metadata.create_token(&owner, read_write("ours")).await.unwrap();
    assert!(fixture.metadata.tokens(&stranger).await.unwrap().is_empty());
    let revoked = fixture.metadata.revoke_token(&stranger, info.id).await;
    assert_eq!(kind(revoked), Some(ErrorKind::Missing));
    assert_eq!(fixture.metadata.authenticate_token(&secret).await.unwrap().unwrap().org, owner.org);
    assert_eq!(fixture.metadata.account(&stranger).await.unwrap().organisation, "Elsewhere");
    let mixed = Principal { org: stranger.org, ..owner.clone() };
    assert_eq!(kind(fixture.metadata.account(&mixed).await), Some(ErrorKind::Missing));
    let log = fixture.metadata.audit_log(&stranger, 100).await.unwrap();
    assert!(!log.is_empty() && log.iter().all(|entry| entry.name != "ours" && entry.name != "Ada"), "{log:?}");
    let taken = NewUser { login: "ADA".into(), password: PASSWORD.into(), role: Role::Viewer };
    assert_eq!(kind(fixture.metadata.create_user(&stranger, taken).await), Some(ErrorKind::Conflict));
}

#[tokio::test]
async fn the_bootstrap_token_is_made_once() {
    let mut fixture = Fixture::new().await;
    assert!(fixture.metadata.bootstrap_token("t").await.unwrap());
    let principal = fixture.metadata.authenticate_token("t").await.unwrap().unwrap();
    assert!(principal.allows(Action::Operate) && principal.allows(Action::ManageTokens));
    let (_, secret) = fixture.metadata.create_token(&principal, read_write("made by a script")).await.unwrap();
    assert!(fixture.metadata.authenticate_token(&secret).await.unwrap().is_some());
    fixture.reopen().await;
    assert!(!fixture.metadata.bootstrap_token("another").await.unwrap());
    assert!(fixture.metadata.authenticate_token("another").await.unwrap().is_none());
    assert!(fixture.metadata.authenticate_token("t").await.unwrap().is_some());

    let set_up = Fixture::set_up().await;
    assert!(!set_up.metadata.bootstrap_token("t").await.unwrap(), "there is a user already");
    assert_eq!(kind(set_up.metadata.bootstrap_token("").await), Some(ErrorKind::Invalid));
}

#[tokio::test]
async fn a_local_token_lives_as_long_as_the_process() {
    let mut fixture = Fixture::new().await;
    fixture.metadata.accept_local_token("local");
    let principal = fixture.metadata.authenticate_token("local").await.unwrap().unwrap();
    assert_eq!((principal.subject, principal.org), (Subject::System, fixture.first.org));
    fixture.reopen().await;
    assert!(fixture.metadata.authenticate_token("local").await.unwrap().is_none());
}

#[tokio::test]
async fn changes_are_on_record_without_secrets() {
    let fixture = Fixture::set_up().await;
    let owner = fixture.owner().await;
    let (info, secret) = fixture.metadata.create_token(&owner, read_write("sensor")).await.unwrap();
    fixture.metadata.revoke_token(&owner, info.id).await.unwrap();
    fixture.metadata.audit(&owner, Change::created("database", "main")).await.unwrap();
    let log = fixture.metadata.audit_log(&owner, 100).await.unwrap();
    let done: Vec<_> = log.iter().rev().map(|entry| (entry.action.as_str(), entry.subject.as_str())).collect();
    assert_eq!(
        done,
        [
            ("created", "user"),
            ("signed_in", "session"),
            ("signed_in", "session"),
            ("created", "token"),
            ("revoked", "token"),
            ("created", "database"),
        ]
    );
    let text = format!("{log:?}");
    assert!(!text.contains(&secret) && !text.contains(PASSWORD));
    let viewer = fixture.colleague(&owner, "vera", Role::Viewer).await;
    assert_eq!(kind(fixture.metadata.audit_log(&viewer, 1).await), Some(ErrorKind::Denied));
}

#[tokio::test]
async fn nothing_secret_is_stored_and_only_the_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::set_up().await;
    let owner = fixture.owner().await;
    let (_, token) = fixture.metadata.create_token(&owner, read_write("sensor")).await.unwrap();
    let session = fixture.metadata.sign_in("ada", PASSWORD, PEER).await.unwrap().secret;
    fixture.metadata.close().await.unwrap();
    let secrets = [PASSWORD, token.as_str(), session.as_str()];
    if let Some(url) = postgres::url_of(fixture.folder.path()) {
        let dump = std::process::Command::new("pg_dump").arg(url).output().unwrap();
        let dump = String::from_utf8(dump.stdout).unwrap();
        assert!(dump.contains("ada") && !secrets.iter().any(|secret| dump.contains(secret)), "{dump}");
        return;
    }
    let mut files = 0;
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is readable by others", path.display());
        files += 1;
    }
    assert!(files >= 1);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_without_its_password() {
    let engine = Engine::Postgres("postgres://me:geheim@127.0.0.1:1/registry".parse().unwrap());
    let config = MetadataConfig { engine, ..MetadataConfig::new(std::path::Path::new("nowhere")) };
    let error = Metadata::open(config).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("postgres://me@127.0.0.1:1/registry") && !text.contains("geheim"), "{text}");
}

#[tokio::test]
async fn a_file_of_the_future_and_a_damaged_file_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("metadata.sqlite"), [0xAA; 8_192]).unwrap();
    let error = Metadata::open(MetadataConfig::new(folder.path())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("metadata.sqlite"), "{error}");

    let missing = MetadataConfig::new(&folder.path().join("nowhere"));
    let error = Metadata::open(missing).await.unwrap_err();
    assert!(error.to_string().contains("check that the folder exists"), "{error}");
}
