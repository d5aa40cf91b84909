//! From a new connection to somebody who is let in: TLS, the startup message, the password, the database (section 55.2 of PostgreSQL's
//! documentation).
//!
//! Passwords are asked for in clear text: what is stored of them cannot answer the challenges of SCRAM. So they are only asked for
//! where nobody can listen. Attempts are counted with those of HTTP (`sensorium_metadata`).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::startup::{Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey};
use sensorium_model::{Action, DatabaseName, Principal};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use crate::Shared;
use crate::failure::{Failure, code};
use crate::frontend::{Message, Opening};
use crate::listener::Handshake;
use crate::session::{Account, Session};
use crate::settings;
use crate::wire::{Gone, Socket, Wire};

/// The first byte of a TLS handshake, for clients that do not ask before (`sslnegotiation=direct`).
const TLS_HANDSHAKE: u8 = 0x16;
/// Version 3.0 of the protocol.
const VERSION: i32 = 3 << 16;
/// Requests for encryption that are answered.
const REQUESTS: usize = 4;

/// Somebody who is let in.
pub(crate) struct Started {
    pub(crate) session: Session,
    /// One of the places of those who are in.
    pub(crate) _connected: OwnedSemaphorePermit,
}

/// Lets a client in; none if it only came to cancel something.
pub(crate) async fn start(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: IpAddr,
    handshake: Option<Handshake>,
) -> Result<Option<Started>, Gone> {
    let mut first = [0];
    let is_tls = stream.peek(&mut first).await? == 1 && first == [TLS_HANDSHAKE];
    let mut wire = plain(&shared, Box::new(stream));
    let mut is_encrypted = false;
    if is_tls && let Some(handshake) = &handshake {
        wire = encrypted(&shared, wire, handshake).await?;
        is_encrypted = true;
    }
    for _ in 0..REQUESTS {
        match wire.opening().await {
            Ok(Opening::Tls) => match &handshake {
                Some(handshake) if !is_encrypted => {
                    wire.answer(b'S').await?;
                    wire = encrypted(&shared, wire, handshake).await?;
                    is_encrypted = true;
                }
                _ => wire.answer(b'N').await?,
            },
            Ok(Opening::Gss) => wire.answer(b'N').await?,
            Ok(Opening::Cancel { number, key }) => {
                shared.cancellations.cancel(number, key);
                wire.close().await;
                return Ok(None);
            }
            Ok(Opening::Start { minor, parameters }) => {
                let asked = Asked { minor, parameters, peer, is_encrypted };
                return let_in(shared, wire, asked).await.map(Some);
            }
            Err(Gone::Refused(failure)) => return Err(refused(wire, failure).await),
            Err(gone) => return Err(gone),
        }
    }
    let failure = Failure::fatal(code::PROTOCOL_VIOLATION, "encryption was asked for too often");
    Err(refused(wire, failure).await)
}

fn plain(shared: &Shared, socket: Box<dyn Socket>) -> Wire {
    Wire::new(socket, shared.config.idle, shared.config.message_bytes)
}

async fn encrypted(shared: &Shared, wire: Wire, handshake: &Handshake) -> Result<Wire, Gone> {
    let stream = handshake().accept(wire.into_socket()?).await?;
    Ok(plain(shared, Box::new(stream)))
}

async fn refused(mut wire: Wire, failure: Failure) -> Gone {
    metrics::counter!("sensorium_postgres_refused_total", "code" => failure.code).increment(1);
    wire.refuse(&failure).await;
    failure.into()
}

/// What a client says at the start.
struct Asked {
    minor: u16,
    parameters: Vec<(String, String)>,
    peer: IpAddr,
    is_encrypted: bool,
}

impl Asked {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

async fn let_in(shared: Arc<Shared>, mut wire: Wire, asked: Asked) -> Result<Started, Gone> {
    let (account, database, connected) = match identify(&shared, &mut wire, &asked).await {
        Ok(known) => known,
        Err(Gone::Refused(failure)) => return Err(refused(wire, failure).await),
        Err(gone) => return Err(gone),
    };
    let settings = settings::of(&account.login, asked.parameter("application_name").unwrap_or_default());
    let cancellable = shared.cancellations.add();
    wire.put(&PgWireBackendMessage::Authentication(Authentication::Ok))?;
    for (name, value) in settings::told(&settings) {
        wire.put(&PgWireBackendMessage::ParameterStatus(ParameterStatus::new(name, value.replace('\0', ""))))?;
    }
    let key = BackendKeyData::new(cancellable.number, SecretKey::I32(cancellable.key));
    wire.put(&PgWireBackendMessage::BackendKeyData(key))?;
    let session = Session::new(shared, wire, account, database, (settings, cancellable));
    Ok(Started { session, _connected: connected })
}

/// Who asks, and for which database; and a place for them.
async fn identify(
    shared: &Shared,
    wire: &mut Wire,
    asked: &Asked,
) -> Result<(Account, DatabaseName, OwnedSemaphorePermit), Gone> {
    let extensions: Vec<String> =
        asked.parameters.iter().map(|(name, _)| name.clone()).filter(|name| name.starts_with("_pq_.")).collect();
    if asked.minor > 0 || !extensions.is_empty() {
        let negotiated = NegotiateProtocolVersion::new(VERSION, extensions);
        wire.put(&PgWireBackendMessage::NegotiateProtocolVersion(negotiated))?;
    }
    if !asked.is_encrypted && !asked.peer.is_loopback() && !shared.config.plain_passwords {
        let sentence = "passwords are taken over TLS only: connect with sslmode=require, switch TLS on ([tls]), or set \
                        postgres.plain_passwords";
        return Err(Failure::fatal(code::NOT_LET_IN, sentence).into());
    }
    if asked.parameter("replication").is_some_and(|value| value != "false" && value != "off") {
        return Err(Failure::fatal(code::NOT_SUPPORTED, "there is no replication here").into());
    }
    let Some(user) = asked.parameter("user").filter(|user| !user.is_empty()) else {
        return Err(Failure::fatal(code::NOT_LET_IN, "no user is named").into());
    };
    wire.put(&PgWireBackendMessage::Authentication(Authentication::CleartextPassword))?;
    wire.flush().await?;
    let Message::Password(password) = wire.message().await? else {
        return Err(Failure::fatal(code::PROTOCOL_VIOLATION, "a password is expected").into());
    };
    let found = shared.metadata.authenticate_basic(user, &password, asked.peer).await;
    let Some(principal) = found.map_err(Failure::from)? else {
        let sentence = "the user name, the password or the API token is wrong";
        return Err(Failure::fatal(code::WRONG_PASSWORD, sentence).into());
    };
    let name = asked.parameter("database").filter(|name| !name.is_empty()).unwrap_or(user);
    let database = database(shared, &principal, name)?;
    let connected = shared.connected.clone().try_acquire_owned().map_err(|_| {
        let limit = shared.config.connections;
        let sentence = format!("{limit} clients are connected, as many as postgres.connections allows");
        Failure::fatal(code::TOO_MANY_CONNECTIONS, sentence)
    })?;
    let account = Account { login: user.to_owned(), password, peer: asked.peer, principal, since: Instant::now() };
    Ok((account, database, connected))
}

/// The database of that name, if there is one that somebody may read.
fn database(shared: &Shared, principal: &Principal, name: &str) -> Result<DatabaseName, Failure> {
    let missing = || Failure::fatal(code::NO_SUCH_DATABASE, format!("there is no database {name:?}"));
    let database = DatabaseName::new(name).map_err(|_| missing())?;
    if !principal.allows(Action::Read(&database)) {
        return Err(Failure::fatal(code::DENIED, "this credential may not read this database"));
    }
    match shared.query.has_database(principal.org, &database) {
        true => Ok(database),
        false => Err(missing()),
    }
}
