//! Signing in with a provider of OpenID Connect, against a small real one.

#[path = "../../../../metadata/tests/people/app.rs"]
mod app;
mod browser;
mod provider;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sensorium_api::{Oidc, OidcConfig};
use sensorium_metadata::{
    AuditFilter, IdentityRules, Joining, NewUser, PeopleQuery, PersonChange, PersonStatus, SetUp,
};
use sensorium_model::{Principal, Role, Subject, UserId};
use serde_json::json;

use self::browser::{Browser, PASSWORD};
use self::provider::{CLIENT, Lie, Person, Provider, SECRET};
use crate::harness::{Options, Server, TOKEN, client, until};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server with the owner `ada`, and its provider.
struct World {
    server: Server,
    provider: Provider,
    owner: Principal,
}

fn refused() -> IdentityRules {
    IdentityRules { joining: Joining::Refused, trusted_second_factor: false }
}

fn by_domain() -> IdentityRules {
    let joining = Joining::ByDomain { domains: vec!["example.org".into()], role: Role::Editor };
    IdentityRules { joining, trusted_second_factor: false }
}

impl World {
    async fn start(rules: IdentityRules) -> Self {
        let provider = Provider::start(Person::new("1", "nina@example.org")).await;
        let issuer = provider.issuer();
        Self::with(provider, issuer, rules).await
    }

    async fn with(provider: Provider, issuer: String, rules: IdentityRules) -> Self {
        let make = move |address: SocketAddr| {
            let config = OidcConfig {
                issuer,
                client_id: CLIENT.into(),
                client_secret: Some(SECRET.into()),
                name: "Example ID".into(),
                scopes: vec!["email".into(), "profile".into()],
                redirect_url: format!("http://{address}/api/v1/session/oidc/callback"),
                rules,
            };
            Oidc::new(config).unwrap()
        };
        let server = Server::with(Options { oidc: Some(Box::new(make)), ..Options::default() }).await;
        let code = server.setup_code.clone();
        let request = SetUp { code, organisation: "Lab".into(), login: "ada".into(), password: PASSWORD.into() };
        let session = server.state.metadata.set_up(request, PEER).await.unwrap();
        let (owner, _) = server.state.metadata.session(&session.secret).await.unwrap().unwrap();
        Self { server, provider, owner }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.server)
    }

    /// A browser in which somebody who has just been linked is signed in.
    async fn linked(&self, login: &str) -> Browser {
        let browser = self.browser();
        browser.sign_in_with_password(login).await;
        let met = browser.link().await;
        assert_eq!((met.status, met.location.as_str()), (303, "/account"), "{met:?}");
        browser
    }

    async fn add(&self, who: &Principal, login: &str, role: Role) -> UserId {
        let new = NewUser { login: login.into(), password: PASSWORD.into(), role };
        self.server.state.metadata.create_user(who, new).await.unwrap()
    }

    async fn changes(&self, action: &str, target: &str) -> usize {
        let filter = AuditFilter { action: Some(action.into()), target: Some(target.into()), ..AuditFilter::default() };
        self.server.state.metadata.audit_page(&self.owner, &filter, None, 100).await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_linked_signs_in() {
    let world = World::start(refused()).await;
    let browser = world.browser();
    let door = json!({"name": "Example ID", "failure": null, "second_factor_needed": false});
    assert_eq!(browser.door().await, door);
    let said = browser.fails(browser.sign_in().await).await;
    assert!(said.contains("link it on the page Account"), "{said}");

    let linked = world.linked("ada").await;
    let state = linked.get("/api/v1/account/identity").await.body;
    assert_eq!((&state["provider"], &state["failure"]), (&json!("Example ID"), &json!(null)));
    assert_eq!(state["linked"]["email"], "nina@example.org");

    let begun = browser.get("/api/v1/session/oidc").await;
    assert!(begun.location.starts_with(&world.provider.issuer()), "{begun:?}");
    let [cookie] = begun.cookies.as_slice() else { panic!("{begun:?}") };
    assert!(
        cookie.starts_with("sensorium_oidc=")
            && cookie.ends_with("; Path=/api/v1; HttpOnly; SameSite=Lax; Max-Age=600"),
        "{cookie}"
    );
    let back = browser.at_provider(&begun.location).await;
    let met = browser.back(&back).await;
    assert_eq!((met.status, met.location.as_str()), (303, "/"), "{met:?}");
    let session = met.cookies.iter().find(|cookie| cookie.starts_with("sensorium_session=")).unwrap();
    assert!(session.contains("; Path=/; HttpOnly; SameSite=Strict; Max-Age="), "{session}");
    assert_eq!(browser.login().await.as_deref(), Some("ada"));
    assert_eq!(browser.door().await, door, "nothing is left of the failure before");
    assert_eq!((world.changes("linked", "identity").await, world.changes("signed_in", "session").await), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_verified_lets_nobody_in() {
    let world = World::start(by_domain()).await;
    let browser = world.browser();
    for lie in [
        Lie::Nonce,
        Lie::NoNonce,
        Lie::Audience,
        Lie::TwoAudiences,
        Lie::OtherParty,
        Lie::Issuer,
        Lie::Expired,
        Lie::OtherKey,
        Lie::Unsigned,
        Lie::SharedSecret,
    ] {
        world.provider.lie(lie);
        let said = browser.fails(browser.sign_in().await).await;
        assert!(said.contains("Example ID") && said.contains("nobody was signed in"), "{lie:?}: {said}");
    }
    world.provider.lie(Lie::Nothing);
    browser.sign_in().await;
    assert_eq!(browser.login().await.as_deref(), Some("nina@example.org"), "the truth is believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_once_and_in_the_browser_that_began() {
    let world = World::start(by_domain()).await;
    let browser = world.browser();
    let lost = "begun in another browser";

    let back = browser.go().await;
    let wrong_state = format!("{back}x");
    assert!(browser.fails(browser.back(&wrong_state).await).await.contains(lost));
    assert!(browser.fails(browser.back(&back).await).await.contains(lost), "a wrong state ends it");
    assert_eq!(world.provider.codes(), 1, "the code was never sent");

    let back = browser.go().await;
    let other = world.browser();
    assert!(other.fails(other.back(&back).await).await.contains(lost));
    other.go().await;
    assert!(other.fails(other.back(&back).await).await.contains(lost), "begun itself, but with another state");

    assert_eq!(browser.back(&back).await.location, "/");
    assert_eq!(browser.login().await.as_deref(), Some("nina@example.org"));
    let again = world.browser();
    assert!(again.fails(again.back(&back).await).await.contains(lost), "replayed elsewhere");
    assert_eq!(browser.back(&back).await.location, "/login", "replayed in the same browser");

    // The code of another attempt in the place of one's own: PKCE and the nonce bind it to who began.
    let (mine, theirs) = (again.go().await, other.go().await);
    let code = |url: &str| url.split(['?', '&']).find(|part| part.starts_with("code=")).unwrap().to_owned();
    let swapped = mine.replace(&code(&mine), &code(&theirs));
    assert!(again.fails(again.back(&swapped).await).await.contains("could not be verified"));

    let without = mine.replace(&format!("{}&", code(&mine)), "");
    assert_ne!(without, mine);
    assert!(again.fails(again.back(&without).await).await.contains(lost), "it is over already");
    let mine = again.go().await;
    let without = mine.replace(&format!("{}&", code(&mine)), "");
    assert!(again.fails(again.back(&without).await).await.contains("cannot be used"));
    let mine = again.go().await;
    let mixed_up = format!("{mine}&iss=https%3A%2F%2Felsewhere.example");
    assert!(again.fails(again.back(&mixed_up).await).await.contains("could not be verified"));
    world.provider.refuse(true);
    assert!(again.fails(again.sign_in().await).await.contains("did not let you in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_leaves_the_password() {
    // Nobody listens there.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let provider = Provider::start(Person::new("1", "nina@example.org")).await;
    let world = World::with(provider, nowhere, refused()).await;
    let browser = world.browser();
    let said = browser.fails(browser.get("/api/v1/session/oidc").await).await;
    assert!(said.contains("cannot be reached") && said.contains("password"), "{said}");
    browser.sign_in_with_password("ada").await;
    let link = browser.post("/api/v1/account/identity", json!({})).await;
    assert_eq!((link.status, &link.body["code"]), (409, &json!("conflict")), "{link:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_comes_back_is_asked_again() {
    let world = World::start(by_domain()).await;
    let browser = world.browser();
    world.provider.be_away(true);
    assert!(browser.fails(browser.get("/api/v1/session/oidc").await).await.contains("cannot be reached"));
    world.provider.be_away(false);
    until("the provider is asked again", async || {
        browser.get("/api/v1/session/oidc").await.location.starts_with(&world.provider.issuer())
    })
    .await;
    let back = browser.go().await;
    world.provider.be_away(true);
    let said = browser.fails(browser.back(&back).await).await;
    assert!(said.contains("Example ID"), "it went away meanwhile: {said}");
    world.provider.be_away(false);
    assert_eq!(browser.sign_in().await.location, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_names_addresses_without_tls_is_not_used() {
    let world = World::start(by_domain()).await;
    world.provider.authorize_at("http://id.example/authorize");
    let browser = world.browser();
    let said = browser.fails(browser.get("/api/v1/session/oidc").await).await;
    assert!(said.contains("cannot be used"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_fetched_and_not_too_often() {
    let world = World::start(by_domain()).await;
    let browser = world.browser();
    browser.sign_in().await;
    assert_eq!((browser.login().await.is_some(), world.provider.keys_given()), (true, 1));
    world.browser().sign_in().await;
    assert_eq!(world.provider.keys_given(), 1, "keys are kept");
    world.provider.rotate("second");
    let other = world.browser();
    other.sign_in().await;
    assert_eq!((other.login().await.is_some(), world.provider.keys_given()), (true, 2));
    world.provider.lie(Lie::OtherKey);
    for _ in 0..10 {
        let other = world.browser();
        other.fails(other.sign_in().await).await;
    }
    assert_eq!(world.provider.keys_given(), 5, "at most four times a minute");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_is_refused_waits_or_joins() {
    let world = World::start(refused()).await;
    let browser = world.browser();
    assert!(browser.fails(browser.sign_in().await).await.contains("ask an administrator"));
    world.add(&world.owner, "nina@example.org", Role::Viewer).await;
    let said = browser.fails(browser.sign_in().await).await;
    assert!(said.contains("sign in with your password and link"), "an account is not taken over: {said}");

    let waiting = IdentityRules { joining: Joining::AwaitsApproval, ..refused() };
    let world = World::start(waiting).await;
    let browser = world.browser();
    assert!(browser.fails(browser.sign_in().await).await.contains("no administrator has decided"));
    let all = PeopleQuery { status: Some(PersonStatus::Pending), limit: 10, ..PeopleQuery::default() };
    let people = world.server.state.metadata.people(&world.owner, &all).await.unwrap();
    let [nina] = people.as_slice() else { panic!("{people:?}") };
    assert!(nina.awaits_approval && nina.login == "nina@example.org" && nina.name == "Nina");
    let wanted = PersonChange { version: nina.version, status: Some(PersonStatus::Active), ..PersonChange::default() };
    world.server.state.metadata.change_person(&world.owner, nina.id, wanted).await.unwrap();
    browser.sign_in().await;
    assert_eq!(browser.login().await.as_deref(), Some("nina@example.org"));

    let world = World::start(by_domain()).await;
    let browser = world.browser();
    world.provider.name(Person { email_verified: false, ..Person::new("1", "nina@example.org") });
    assert!(browser.fails(browser.sign_in().await).await.contains("confirmed"));
    world.provider.name(Person { email: None, ..Person::new("1", "") });
    assert!(browser.fails(browser.sign_in().await).await.contains("confirmed"));
    world.provider.name(Person::new("1", "nina@example.org.elsewhere"));
    assert!(browser.fails(browser.sign_in().await).await.contains("domain"));
    world.provider.name(Person::new("1", "nina@example.org"));
    browser.sign_in().await;
    let session = browser.get("/api/v1/session").await.body;
    assert_eq!(session["user"]["role"], "editor", "{session}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_links_and_unlinks_themselves() {
    let world = World::start(refused()).await;
    let path = "/api/v1/account/identity";
    let nobody = world.browser();
    assert_eq!((nobody.get(path).await.status, nobody.post(path, json!({})).await.status), (401, 401));
    let token = client().post(world.server.url(path)).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(token.status().as_u16(), 403, "programs have no account");
    let basic = client().post(world.server.url(path)).basic_auth("ada", Some(PASSWORD)).send().await.unwrap();
    assert_eq!(basic.status().as_u16(), 403, "only a session is sent to the provider");

    let browser = world.browser();
    browser.sign_in_with_password("ada").await;
    let begun = browser.post(path, json!({})).await;
    let back = browser.at_provider(begun.body["location"].as_str().unwrap()).await;
    let met = nobody.back(&back).await;
    assert_eq!(met.location, "/login", "another browser brings nothing: {met:?}");
    let begun = browser.post(path, json!({})).await;
    let back = browser.at_provider(begun.body["location"].as_str().unwrap()).await;
    assert_eq!(browser.call(reqwest::Method::DELETE, "/api/v1/session", None).await.status, 204);
    let met = browser.back(&back).await;
    assert_eq!(met.location, "/account", "{met:?}");
    browser.sign_in_with_password("ada").await;
    let state = browser.get(path).await.body;
    assert!(state["linked"].is_null() && state["failure"].as_str().unwrap().contains("session"), "{state}");

    let browser = world.linked("ada").await;
    world.add(&world.owner, "vera", Role::Viewer).await;
    let vera = world.browser();
    vera.sign_in_with_password("vera").await;
    assert_eq!(vera.link().await.location, "/account");
    let state = vera.get(path).await.body;
    assert!(state["linked"].is_null() && state["failure"].as_str().unwrap().contains("somebody else"), "{state}");

    let remove = format!("{path}/remove");
    assert_eq!(vera.post(&remove, json!({"password": PASSWORD})).await.status, 404);
    assert_eq!(browser.post(&remove, json!({"password": "wrong"})).await.status, 403);
    assert_eq!(browser.post(&remove, json!({"password": PASSWORD})).await.status, 204);
    assert!(browser.get(path).await.body["linked"].is_null());
    let other = world.browser();
    other.fails(other.sign_in().await).await;
    assert_eq!((world.changes("linked", "identity").await, world.changes("unlinked", "identity").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_links_nobody() {
    let world = World::start(refused()).await;
    let session = client()
        .post(world.server.url("/api/v1/session"))
        .json(&json!({"login": "ada", "password": PASSWORD}))
        .send()
        .await
        .unwrap();
    let cookie = session.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    for path in ["/api/v1/account/identity", "/api/v1/account/identity/remove", "/api/v1/session/oidc"] {
        let forged = client()
            .post(world.server.url(path))
            .header("cookie", &cookie)
            .header("origin", "https://elsewhere.example")
            .json(&json!({"password": PASSWORD, "second_factor": "123456"}));
        assert_eq!(forged.send().await.unwrap().status().as_u16(), 403, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_suspended_stays_out() {
    let world = World::start(by_domain()).await;
    let id = world.add(&world.owner, "vera", Role::Viewer).await;
    world.linked("vera").await;
    let suspend = PersonChange { version: 1, status: Some(PersonStatus::Suspended), ..PersonChange::default() };
    world.server.state.metadata.change_person(&world.owner, id, suspend).await.unwrap();
    let browser = world.browser();
    assert!(browser.fails(browser.sign_in().await).await.contains("suspended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_after_the_provider() {
    for trusted in [false, true] {
        let world = World::start(IdentityRules { trusted_second_factor: trusted, ..refused() }).await;
        world.linked("ada").await;
        let metadata = &world.server.state.metadata;
        let secret = metadata.begin_second_factor(&world.owner, PASSWORD, PEER).await.unwrap().secret;
        let now_ms = chrono::Utc::now().timestamp_millis();
        metadata.confirm_second_factor(&world.owner, &app::code(&secret, now_ms)).await.unwrap();
        let browser = world.browser();
        let met = browser.sign_in().await;
        if trusted {
            assert_eq!((met.location.as_str(), browser.login().await.as_deref()), ("/", Some("ada")));
            continue;
        }
        assert_eq!((met.location.as_str(), browser.login().await), ("/login", None));
        let door = browser.door().await;
        assert_eq!((&door["second_factor_needed"], &door["failure"]), (&json!(true), &json!(null)));
        let path = "/api/v1/session/oidc";
        let wrong = browser.post(path, json!({"second_factor": "abc"})).await;
        assert_eq!((wrong.status, &wrong.body["second_factor_needed"]), (401, &json!(true)), "{wrong:?}");
        let next = json!({"second_factor": app::code(&secret, now_ms + 30_000)});
        let other = world.browser();
        let foreign = other.post(path, next.clone()).await;
        assert_eq!((foreign.status, other.login().await), (401, None), "another browser");
        let done = browser.post(path, next.clone()).await;
        assert_eq!((done.status, browser.login().await.as_deref()), (200, Some("ada")), "{done:?}");
        assert_eq!(browser.post(path, next).await.status, 401, "it is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_another_organisation_signs_in_there() {
    let world = World::start(by_domain()).await;
    let metadata = &world.server.state.metadata;
    let org = metadata.create_organisation(&Principal::system(world.owner.org), "Elsewhere").await.unwrap();
    world.add(&Principal::system(org), "eve", Role::Owner).await;
    world.linked("eve").await;
    let browser = world.browser();
    browser.sign_in().await;
    let session = browser.get("/api/v1/session").await.body;
    assert_eq!((&session["user"]["login"], &session["organisation"]["name"]), (&json!("eve"), &json!("Elsewhere")));
    assert_eq!(world.changes("linked", "identity").await, 0, "the first organisation's record does not know");
    let ada = world.browser();
    ada.sign_in_with_password("ada").await;
    ada.link().await;
    let state = ada.get("/api/v1/account/identity").await.body;
    assert!(state["linked"].is_null() && !state.to_string().contains("eve"), "{state}");
    assert!(matches!(world.owner.subject, Subject::User(..)));
}
