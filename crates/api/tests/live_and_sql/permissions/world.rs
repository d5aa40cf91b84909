//! Two organisations on one server, and requests that name what the first one has.

mod mqtt;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Method;
use sensorium_api::Mail;
use sensorium_mail::{MailConfig, Mailer, Security};
use sensorium_metadata::inbox::{Kept, NewMessage};
use sensorium_metadata::places::{NewPicture, NewPlace, PlaceKind};
use sensorium_metadata::{
    LinkPurpose, NewClass, NewCommand, NewCredential, NewDevice, NewDeviceToken, NewGroup, NewNetwork, NewPerson,
    NewToken, NewType, NewUser, Proof, Proposal, Quotas, SetUp,
};
use sensorium_model::{DatabaseName, DeviceId, OrgId, PlaceId, Principal, Role, UserId};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::contents::{Body, contents, template};
use crate::harness::{Options, Server, T0, TOKEN, client, until};

/// Is part of every name in the first organisation, and of no other.
pub(crate) const MARK: &str = "markerone";
pub(crate) const PASSWORD: &str = "correct horse battery";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOWHERE: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Without a credential.
    Nobody,
    /// The owner of another organisation.
    Stranger,
    /// Somebody of the first organisation.
    Member(Role),
    /// The device that the target names, if it names one.
    Device,
}

impl Caller {
    pub(crate) fn login(self) -> Option<&'static str> {
        match self {
            Self::Nobody | Self::Device => None,
            Self::Stranger => Some("eve"),
            Self::Member(Role::Guest) => Some("gus-markerone"),
            Self::Member(Role::Viewer) => Some("vera-markerone"),
            Self::Member(Role::Editor) => Some("edith-markerone"),
            Self::Member(Role::Administrator) => Some("adam-markerone"),
            Self::Member(Role::Owner) => Some("olga-markerone"),
        }
    }
}

/// What a request names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    pub(crate) database: String,
    pub(super) table: String,
    rollup: String,
    pub(super) id: String,
    /// An API token of the device `id`, or a key of it.
    token: String,
    /// The secret of that token.
    secret: String,
    /// A command of that device.
    command: String,
    /// A name for something new, which nothing has.
    pub(super) fresh: String,
}

impl Target {
    /// As this one, of things that are nowhere.
    pub(crate) fn made_up(&self) -> Self {
        let absent = |name: &str| name.replace(MARK, "absentone");
        Self {
            database: absent(&self.database),
            table: absent(&self.table),
            rollup: absent(&self.rollup),
            id: NOWHERE.to_owned(),
            token: NOWHERE.to_owned(),
            secret: String::new(),
            command: NOWHERE.to_owned(),
            fresh: format!("{}x", self.fresh),
        }
    }

    fn names(&self) -> [&str; 7] {
        [&self.database, &self.table, &self.rollup, &self.id, &self.token, &self.command, &self.fresh]
    }
}

/// What came back, without the names that were sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        self.status == 101 || (200..300).contains(&self.status)
    }

    pub(crate) fn is_refusal(&self) -> bool {
        self.status == 403 || self.status == 404
    }
}

/// The server and its two organisations.
pub(crate) struct World {
    pub(crate) server: Server,
    owner: Principal,
    guest: UserId,
    number: AtomicU32,
}

impl World {
    pub(crate) async fn start() -> Self {
        let server = Server::with(Options { mail: Some(mail()), ..Options::default() }).await;
        let metadata = &server.state.metadata;
        let request = SetUp {
            code: server.setup_code.clone(),
            organisation: format!("Lab {MARK}"),
            login: Caller::Member(Role::Owner).login().unwrap().into(),
            password: PASSWORD.into(),
        };
        let owner = metadata.set_up(request, PEER).await.unwrap().account;
        let owner = Principal::user(owner.org, owner.user.unwrap().id, None, Role::Owner);
        let add = async |org: OrgId, caller: Caller, role| {
            let new = NewUser { login: caller.login().unwrap().into(), password: PASSWORD.into(), role };
            metadata.create_user(&Principal::system(org), new).await.unwrap()
        };
        let guest = add(owner.org, Caller::Member(Role::Guest), Role::Guest).await;
        for role in [Role::Viewer, Role::Editor, Role::Administrator] {
            add(owner.org, Caller::Member(role), role).await;
        }
        let system = Principal::system(owner.org);
        let elsewhere = metadata.create_organisation(&system, "Elsewhere").await.unwrap();
        add(elsewhere, Caller::Stranger, Role::Owner).await;
        let world = Self { owner, guest, server, number: AtomicU32::new(1) };
        world.fill().await;
        world
    }

    /// Gives the first organisation things to find.
    async fn fill(&self) {
        let key = self.server.key(&format!("{MARK}-db"));
        self.server.in_store(move |store| store.create_database(&key).unwrap()).await;
        let body = format!("{MARK}_table,{MARK}_tag={MARK}_value {MARK}_field=1 {T0}\n{MARK}_refused");
        let url = self.server.url(&format!("/write?db={MARK}-db"));
        let written = client().post(url).bearer_auth(TOKEN).body(body).send().await.unwrap();
        assert_eq!(written.status(), 400, "one line is stored, the other refused");
        self.token().await;
        self.query().await;
        self.invited(0).await;
        self.network(0).await;
        self.class(0).await;
        self.group(0).await;
        self.submission(0).await;
        let new = Self::new_type("submitted");
        self.server.state.metadata.submit(&self.owner, Proposal::Type { id: None, version: None, new }).await.unwrap();
        self.place(0, true).await;
        self.device_type(0).await;
        self.device(0).await;
        self.mqtt_client(0).await;
        self.retained(0).await;
    }

    /// Something of the first organisation that an operation can name, shared with the guest; new each time, if the operation may
    /// use it up.
    pub(crate) async fn target(&self, operation: &str) -> Target {
        let target = self.unshared(operation).await;
        let mut new = NewGroup {
            name: format!("{MARK}-sharing-{}", self.number.fetch_add(1, Ordering::SeqCst)),
            members: vec![self.guest],
            ..NewGroup::default()
        };
        if operation.contains("/devices/{id}") {
            new.devices = vec![target.id.parse::<DeviceId>().unwrap()];
        } else if operation.contains("/places/{id}") {
            new.places = vec![target.id.parse::<PlaceId>().unwrap()];
        } else {
            return target;
        }
        self.server.state.metadata.create_group(&self.owner, new).await.unwrap();
        target
    }

    /// As [`Self::target`], and shared with nobody.
    pub(crate) async fn unshared(&self, operation: &str) -> Target {
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        let mut target = Target {
            database: format!("{MARK}-db"),
            table: format!("{MARK}_table"),
            rollup: format!("{MARK}_rollup_{number}"),
            id: NOWHERE.to_owned(),
            token: NOWHERE.to_owned(),
            secret: String::new(),
            command: NOWHERE.to_owned(),
            fresh: format!("new-{number}"),
        };
        if operation.ends_with("/rollups/{rollup}") {
            let new = Target { fresh: target.rollup.clone(), ..target.clone() };
            let declared = self.send("POST /api/v1/databases/{database}/rollups", self.owner(), &new).await;
            assert_eq!(declared.status(), 201);
        } else if operation.contains("/device-types/{id}") {
            target.id = self.device_type(number).await;
        } else if operation.contains("/devices/{id}") {
            let device = self.device(number).await;
            target.id = device.to_string();
            target.token = match operation.contains("/credentials") {
                true => self.device_key(device).await,
                false => self.device_token(device).await.0,
            };
            target.command = self.command(device).await;
            if operation.ends_with("/claim") {
                self.server.state.metadata.issue_claim(&self.owner, device, None).await.unwrap();
            }
        } else if operation.contains("/device/") {
            let device = self.device(number).await;
            target.secret = self.device_token(device).await.1;
            target.id = self.command(device).await;
            if operation.contains("/answer") {
                let itself = self.server.state.metadata.authenticate_token(&target.secret).await.unwrap().unwrap();
                self.server.state.metadata.take_command(&itself, None).await.unwrap().unwrap();
            }
        } else if operation.contains("/mqtt/clients/{key}") {
            target.id = self.mqtt_client(number).await;
        } else if operation.contains("/mqtt/traces/{id}") {
            target.id = self.trace();
        } else if operation.contains("/mqtt/retained") {
            target.id = self.retained(number).await;
        } else if operation.contains("/inbox/{id}") {
            target.id = self.newcomer(number).await;
        } else if operation.contains("/tokens/") {
            target.id = self.token().await;
        } else if operation.contains("/queries/") {
            target.id = self.query().await;
        } else if operation.contains("/classes/") {
            target.id = self.class(number).await;
        } else if operation.contains("/groups/") {
            target.id = self.group(number).await;
        } else if operation.contains("/networks/") {
            target.id = self.network(number).await;
        } else if operation.contains("/password-reset") || operation.contains("/second-factor") {
            target.id = self.active(operation, number).await;
        } else if operation.contains("/users/") {
            target.id = self.invited(number).await;
        } else if operation.contains("/sessions/") {
            target.id = self.session().await;
        } else if operation.contains("/places/{id}") {
            target.id = self.place(number, operation.contains("/plan")).await;
        } else if operation.contains("/submissions/") {
            target.id = self.submission(number).await;
        } else if operation.contains("/templates/") {
            target.id = "shell-curl".to_owned();
        }
        target
    }

    fn owner(&self) -> Caller {
        Caller::Member(Role::Owner)
    }

    async fn token(&self) -> String {
        let database = Some(DatabaseName::new(&format!("{MARK}-db")).unwrap());
        let new = NewToken {
            name: format!("{MARK}-token"),
            database,
            can_read: true,
            can_write: false,
            expires_at_ms: None,
            for_devices: false,
        };
        self.server.state.metadata.create_token(&self.owner, new).await.unwrap().0.id.to_string()
    }

    fn new_type(name: &str) -> NewType {
        let (name, table) = (format!("Type {name} {MARK}"), format!("{MARK}_table"));
        NewType { name, description: MARK.to_owned(), table, fields: Vec::new(), decoder: None }
    }

    async fn device_type(&self, number: u32) -> String {
        let new = Self::new_type(&number.to_string());
        self.server.state.metadata.create_device_type(&self.owner, new).await.unwrap().id.to_string()
    }

    async fn device(&self, number: u32) -> DeviceId {
        let new = NewDevice {
            name: format!("device-{number}-{MARK}"),
            type_id: None,
            attributes: [("room".to_owned(), MARK.to_owned())].into(),
            tags: Default::default(),
            writes_as: None,
            enabled: true,
            location: None,
            position: None,
        };
        self.server.state.metadata.create_device(&self.owner, new).await.unwrap().id
    }

    async fn device_token(&self, device: DeviceId) -> (String, String) {
        let new = NewDeviceToken { name: format!("{MARK}-device"), database: None, expires_at_ms: None };
        let (made, secret) = self.server.state.metadata.create_device_token(&self.owner, device, new).await.unwrap();
        (made.id.to_string(), secret)
    }

    async fn device_key(&self, device: DeviceId) -> String {
        let proof = Proof::PreSharedKey { identity: None, key: None };
        let new = NewCredential { label: format!("{MARK}-key"), expires_at_ms: None, proof };
        self.server.state.metadata.create_device_credential(&self.owner, device, new).await.unwrap().0.id.to_string()
    }

    /// A command for a device, which has a state that it is to have, too.
    async fn command(&self, device: DeviceId) -> String {
        let metadata = &self.server.state.metadata;
        metadata.set_desired_state(&self.owner, device, 0, &json!({MARK: MARK})).await.unwrap();
        let new = NewCommand { name: MARK.to_owned(), arguments: json!({MARK: MARK}), timeout_seconds: 600 };
        metadata.send_command(&self.owner, device, new).await.unwrap().id.to_string()
    }

    /// Somebody who is invited.
    async fn invited(&self, number: u32) -> String {
        let login = format!("invited-{number}-{MARK}");
        let new = NewPerson { login, name: format!("Name {MARK}"), role: Role::Viewer, email: None };
        self.server.state.metadata.invite(&self.owner, new).await.unwrap().0.id.to_string()
    }

    /// Somebody who is active; with a second factor, or a link that resets the password, if that is to be removed.
    async fn active(&self, operation: &str, number: u32) -> String {
        let metadata = &self.server.state.metadata;
        let login = format!("active-{number}-{MARK}");
        let new = NewUser { login, password: PASSWORD.into(), role: Role::Viewer };
        let id = metadata.create_user(&Principal::system(self.owner.org), new).await.unwrap();
        if operation.contains("/second-factor") {
            let itself = Principal::user(self.owner.org, id, None, Role::Viewer);
            metadata.begin_second_factor(&itself, PASSWORD, PEER).await.unwrap();
        } else if operation.starts_with("DELETE") {
            metadata.issue_link(&self.owner, id, LinkPurpose::Reset).await.unwrap();
        }
        id.to_string()
    }

    /// A device that writes and is not known.
    async fn newcomer(&self, number: u32) -> String {
        let name = format!("{MARK}-newcomer-{number}");
        let new = NewMessage {
            name: &name,
            database: &DatabaseName::new("main").unwrap(),
            format: "line_protocol",
            reading: "{}",
            body: "t v=1",
            address: std::net::Ipv4Addr::LOCALHOST.into(),
        };
        let key = Principal { for_devices: true, ..self.owner.clone() };
        assert_eq!(self.server.state.metadata.keep_message(&key, new).await.unwrap(), Kept::InInbox);
        let inbox = self.server.state.metadata.inbox(&self.owner).await.unwrap();
        inbox.into_iter().find(|newcomer| newcomer.name == name).unwrap().id.to_string()
    }

    async fn class(&self, number: u32) -> String {
        let new = NewClass { name: format!("{MARK}-class-{number}"), quotas: Quotas::default() };
        self.server.state.metadata.create_class(&self.owner, new).await.unwrap().id.to_string()
    }

    async fn group(&self, number: u32) -> String {
        let new = NewGroup { name: format!("{MARK}-group-{number}"), ..NewGroup::default() };
        self.server.state.metadata.create_group(&self.owner, new).await.unwrap().id.to_string()
    }

    async fn network(&self, number: u32) -> String {
        let (name, ssid) = (format!("{MARK}-network-{number}"), format!("{MARK}-{number}"));
        let new = NewNetwork { name, ssid, password: Some(format!("{MARK}-password")) };
        self.server.state.metadata.create_network(&self.owner, new).await.unwrap().id.to_string()
    }

    /// A site, with a plan if that is to be shown or taken away.
    async fn place(&self, number: u32, with_plan: bool) -> String {
        let metadata = &self.server.state.metadata;
        let name = format!("Site {number} {MARK}");
        let new = NewPlace { name, kind: PlaceKind::Site, parent: None, location: None, level: None };
        let place = metadata.create_place(&self.owner, new).await.unwrap();
        if with_plan {
            let bytes = format!("<svg><desc>{MARK}</desc></svg>").into_bytes();
            let picture = NewPicture { width: 1_000, height: 500, media_type: "image/svg+xml", bytes };
            metadata.set_plan(&self.owner, place.id, 1, picture).await.unwrap();
        }
        place.id.to_string()
    }

    /// A template of the owner that waits for a decision.
    async fn submission(&self, number: u32) -> String {
        let template = serde_json::from_value(template(&format!("{MARK}-{}", number % 10))).unwrap();
        let submitted = self.server.state.metadata.submit(&self.owner, Proposal::Template(template)).await;
        submitted.unwrap().id.to_string()
    }

    /// A session of the owner.
    async fn session(&self) -> String {
        let metadata = &self.server.state.metadata;
        metadata.sign_in(self.owner().login().unwrap(), PASSWORD, PEER).await.unwrap();
        metadata.own_sessions(&self.owner).await.unwrap().remove(0).id.to_string()
    }

    /// A query that runs for as long as the server does, because nobody reads its answer.
    async fn query(&self) -> String {
        let running = || self.server.state.query.queries(self.owner.org);
        let before: Vec<_> = running().into_iter().map(|query| query.id).collect();
        let sql = format!("SELECT repeat('x', 1000) AS {MARK} FROM generate_series(1, 900000)");
        let call = client().post(self.server.url(&format!("/api/v1/sql?db={MARK}-db")));
        let call = call.basic_auth(self.owner().login().unwrap(), Some(PASSWORD)).header("content-type", "text/plain");
        let reply = call.body(sql).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        tokio::spawn(async move {
            let _unread = reply;
            std::future::pending::<()>().await;
        });
        let new = || running().into_iter().map(|query| query.id).find(|id| !before.contains(id));
        until("the query runs", async || new().is_some()).await;
        new().unwrap().as_uuid().to_string()
    }

    /// Calls an operation.
    pub(crate) async fn call(&self, operation: &str, caller: Caller, target: &Target) -> Answer {
        let reply = self.send(operation, caller, target).await;
        let status = reply.status().as_u16();
        let endless =
            (operation.ends_with("/live") || operation.ends_with("/mqtt/messages")) && (status == 200 || status == 101);
        let mut text = format!("{:?} ", reply.headers().get("location"));
        if !endless {
            text.push_str(&reply.text().await.unwrap());
        }
        for name in target.names().into_iter().filter(|name| !name.is_empty()) {
            text = text.replace(name, "…");
        }
        Answer { status, text }
    }

    async fn send(&self, operation: &str, caller: Caller, target: &Target) -> reqwest::Response {
        let (method, template) = operation.split_once(' ').unwrap();
        let path = template
            .replace("{database}", &target.database)
            .replace("{table}", &target.table)
            .replace("{rollup}", &target.rollup)
            .replace("{id}", &target.id)
            .replace("{key}", &target.id)
            .replace("{token}", &target.token)
            .replace("{credential}", &target.token)
            .replace("{command}", &target.command);
        let (query, body) = contents(operation, caller, target);
        let url = self.server.url(&format!("{path}{query}"));
        let mut call = client().request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        if let Some(login) = caller.login() {
            call = call.basic_auth(login, Some(PASSWORD));
        }
        if caller == Caller::Device {
            call = call.bearer_auth(&target.secret);
        }
        call = match body {
            Body::None => call,
            Body::Text(text) => call.header("content-type", "text/plain").body(text),
            Body::Csv(text) => call.header("content-type", "text/csv").body(text),
            Body::Json(json) => call.header("content-type", "application/json").body(json.to_string()),
        };
        if template == "/ws/live" {
            call = call.header("connection", "upgrade").header("upgrade", "websocket");
            call = call.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        }
        call.send().await.unwrap()
    }
}

/// Mail to a server that is away: whoever may send a test message is told so.
fn mail() -> Mail {
    let config = MailConfig {
        host: "127.0.0.1".into(),
        port: 1,
        security: Security::None,
        authorities: None,
        credentials: None,
        from: "sensorium@example.org".into(),
        public_url: "https://sensors.example.org".into(),
        timeout: Duration::from_secs(5),
        queue: 100,
        per_hour: 100,
        per_hour_to_one: 100,
        retry_after: Vec::new(),
    };
    let (mailer, _) = Mailer::start(config, CancellationToken::new(), |_| std::future::ready(())).unwrap();
    Mail::new(mailer)
}
