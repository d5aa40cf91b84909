//! What a client asks once it is let in: statements one by one (the simple protocol), or prepared, bound and executed (the extended
//! one; section 55.2 of PostgreSQL's documentation).
//!
//! Invariants:
//! - every message that wants an answer has one, and what follows a failure is passed over until the client says `Sync`;
//! - between `BEGIN` and its end, a failure makes everything fail but the end; outside of it, portals end with `Sync`;
//! - rows are written as they come, a part at a time, and wait for the client.

mod extended;
mod rows;
mod simple;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::{CommandComplete, ReadyForQuery, TransactionStatus};
use sensorium_model::{Action, DatabaseName, Principal};
use sensorium_query::{Asker, Parameter, Postgres, QueryRequest};

use crate::Shared;
use crate::cancel::Cancellable;
use crate::failure::{Failure, code};
use crate::frontend::Message;
use crate::portal::{Portal, Prepared};
use crate::statement::Statement;
use crate::wire::{GATHERED, Gone, Wire};

/// How long somebody is believed before the credential is looked at again.
const BELIEVED: Duration = Duration::from_secs(60);

/// Who is connected.
pub(crate) struct Account {
    pub(crate) login: String,
    pub(crate) password: String,
    pub(crate) peer: IpAddr,
    pub(crate) principal: Principal,
    /// When the credential was looked at.
    pub(crate) since: Instant,
}

/// Where a connection stands between BEGIN and COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Outside,
    Inside,
    /// Only its end is carried out.
    Failed,
}

/// A client that is let in.
pub(crate) struct Session {
    shared: Arc<Shared>,
    wire: Wire,
    account: Account,
    database: DatabaseName,
    settings: BTreeMap<String, String>,
    cancellable: Cancellable,
    statements: HashMap<String, Prepared>,
    portals: HashMap<String, Portal>,
    block: Block,
    /// After a failure, until `Sync`.
    is_skipping: bool,
}

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        wire: Wire,
        account: Account,
        database: DatabaseName,
        (settings, cancellable): (BTreeMap<String, String>, Cancellable),
    ) -> Self {
        Self {
            shared,
            wire,
            account,
            database,
            settings,
            cancellable,
            statements: HashMap::new(),
            portals: HashMap::new(),
            block: Block::Outside,
            is_skipping: false,
        }
    }

    /// Answers until the client leaves or has to.
    pub(crate) async fn serve(mut self) {
        let ended = self.answer().await;
        // Queries end before the last words, which may take a while.
        self.portals.clear();
        match ended {
            Ok(()) => self.wire.close().await,
            Err(Gone::Refused(failure)) => self.wire.refuse(&failure).await,
            Err(error) => {
                tracing::debug!(peer = %self.account.peer, %error, "a connection of PostgreSQL's protocol ended")
            }
        }
    }

    async fn answer(&mut self) -> Result<(), Gone> {
        self.ready().await?;
        loop {
            let idle = self.shared.config.idle;
            let message = tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => {
                    return Err(Failure::fatal(code::SHUTTING_DOWN, "the server stops").into());
                }
                message = tokio::time::timeout(idle, self.wire.message()) => message,
            };
            let message = message.map_err(|_| {
                let seconds = idle.as_secs();
                let sentence = format!("nothing was asked for {seconds} s (setting postgres.idle_seconds)");
                Failure::fatal(code::IDLE, sentence)
            })?;
            if !self.take(message?).await? {
                return Ok(());
            }
        }
    }

    /// Answers a message; false for the last one.
    async fn take(&mut self, message: Message) -> Result<bool, Gone> {
        match message {
            Message::Terminate => return Ok(false),
            Message::Sync => {
                self.is_skipping = false;
                self.ready().await?;
                return Ok(true);
            }
            _ if self.is_skipping => return Ok(true),
            Message::Query(text) => {
                let done = self.simple(&text).await;
                self.tell(done)?;
                self.ready().await?;
                return Ok(true);
            }
            Message::FunctionCall => {
                let sentence = "There are no calls of functions by their identifiers here; use SELECT.";
                self.tell(Err(Failure::new(code::NOT_SUPPORTED, sentence).into()))?;
                self.ready().await?;
                return Ok(true);
            }
            Message::Flush => self.wire.flush().await?,
            Message::Copy => {}
            Message::Password(_) => {
                return Err(Failure::fatal(code::PROTOCOL_VIOLATION, "no password is expected").into());
            }
            extended => {
                let done = self.extended(extended).await;
                self.is_skipping = self.tell(done)?;
            }
        }
        if self.is_skipping || self.wire.unsent() > GATHERED {
            self.wire.flush().await?;
        }
        Ok(true)
    }

    /// Tells the client of a failure, if there was one and it does not end the connection.
    fn tell(&mut self, done: Result<(), Gone>) -> Result<bool, Gone> {
        match done {
            Ok(()) => Ok(false),
            Err(Gone::Refused(failure)) if !failure.is_fatal => {
                if self.block == Block::Inside {
                    self.block = Block::Failed;
                }
                self.wire.put(&PgWireBackendMessage::ErrorResponse(failure.response()))?;
                Ok(true)
            }
            Err(gone) => Err(gone),
        }
    }

    /// Says that the next statement may come.
    async fn ready(&mut self) -> Result<(), Gone> {
        if self.block != Block::Inside {
            self.portals.clear();
        }
        let status = match self.block {
            Block::Outside => TransactionStatus::Idle,
            Block::Inside => TransactionStatus::Transaction,
            Block::Failed => TransactionStatus::Error,
        };
        self.wire.put(&PgWireBackendMessage::ReadyForQuery(ReadyForQuery::new(status)))?;
        self.wire.flush().await
    }

    /// Fails if the block that the client is in has failed, and this is not its end.
    fn must_not_have_failed(&self, statement: &Statement) -> Result<(), Failure> {
        if self.block == Block::Failed && !statement.ends_block() {
            let sentence = "A statement of this block has failed; end it with ROLLBACK.";
            return Err(Failure::new(code::IN_FAILED_TRANSACTION, sentence));
        }
        Ok(())
    }

    /// Carries out a statement that is no question.
    fn acknowledge(&mut self, statement: &Statement) -> Result<(), Failure> {
        let tag = match statement {
            Statement::Begin => {
                self.block = Block::Inside;
                "BEGIN"
            }
            Statement::Commit | Statement::Rollback => {
                let has_failed = self.block == Block::Failed;
                self.block = Block::Outside;
                self.portals.clear();
                if has_failed || *statement == Statement::Rollback { "ROLLBACK" } else { "COMMIT" }
            }
            Statement::Nothing(tag) => *tag,
            Statement::Deallocate(None) => {
                self.statements.clear();
                "DEALLOCATE ALL"
            }
            Statement::Deallocate(Some(name)) => {
                if self.statements.remove(name).is_none() {
                    return Err(no_such_statement(name));
                }
                "DEALLOCATE"
            }
            Statement::DiscardAll => {
                self.statements.clear();
                self.portals.clear();
                "DISCARD ALL"
            }
            Statement::Query(_) => return Ok(()),
        };
        self.complete(tag.to_owned())
    }

    fn complete(&mut self, tag: String) -> Result<(), Failure> {
        self.wire.put(&PgWireBackendMessage::CommandComplete(CommandComplete::new(tag)))
    }

    /// Looks again at who is connected, when that was a while ago.
    async fn look_again(&mut self) -> Result<(), Gone> {
        let Account { login, password, peer, since, principal } = &mut self.account;
        if since.elapsed() < BELIEVED {
            return Ok(());
        }
        let found = self.shared.metadata.authenticate_basic(login, password, *peer).await.map_err(Failure::from)?;
        match found {
            Some(found) if found.org == principal.org && found.allows(Action::Read(&self.database)) => {
                (*principal, *since) = (found, Instant::now());
                Ok(())
            }
            _ => {
                let sentence = "the credential that this connection began with may not read this database any more";
                Err(Failure::fatal(code::NOT_LET_IN, sentence).into())
            }
        }
    }

    /// A question for the query engine; without parameters it can only be described.
    fn request(&self, sql: &str, parameters: Option<Vec<Parameter>>) -> QueryRequest {
        let principal = &self.account.principal;
        let manages_queries = principal.allows(Action::ManageQueries);
        QueryRequest {
            org: principal.org,
            database: self.database.clone(),
            scope: principal.databases.clone(),
            asker: Asker { subject: principal.subject, manages_queries, names: HashMap::new() },
            sql: sql.to_owned(),
            points: None,
            postgres: Some(Postgres {
                user: self.account.login.clone(),
                connection: self.cancellable.number,
                settings: self.settings.clone(),
                parameters,
            }),
        }
    }
}

fn no_such_statement(name: &str) -> Failure {
    Failure::new(code::NO_SUCH_STATEMENT, format!("There is no prepared statement {name:?}."))
}
